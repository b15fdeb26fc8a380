/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Dialling another router: connection, TLS, proof on both sides, and then the link, which belongs to itself. When the
 * link has lost its connection it is dialled again, and goes on there.
 */
#ifndef FEDWAY_ROUTER_ROUTER_DIAL_H
#define FEDWAY_ROUTER_ROUTER_DIAL_H

#include "router/fabric.h"

struct router_dial;

/** A dial for the peer's row, which has a host. It does nothing yet. @return FW_OK, FW_ENOMEM [g] */
int router_dial_new(struct fabric_peer *peer, struct router_dial **out);
/** Begins to dial. */
void router_dial_begin(struct router_dial *dial);
/** The link has lost its connection, or has ended: dial again. */
void router_dial_again(struct router_dial *dial);
/** The row has changed: another address or secret counts from the next attempt on. */
void router_dial_reload(struct router_dial *dial);
/** What it does now: "wait", "connect", … */
const char *router_dial_state(const struct router_dial *dial);
uint32_t router_dial_failures(const struct router_dial *dial);
/** An attempt under way is given up. NULL is allowed. */
void router_dial_free(struct router_dial **dial);

#endif
