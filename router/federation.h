/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The operator's switch: may this node talk to the outside? The last word wins, be it the configuration's key
 * `federation` or `fedwayctl federation on|off`; a change is announced as "state.federation".
 */
#ifndef FEDWAY_ROUTER_FEDERATION_H
#define FEDWAY_ROUTER_FEDERATION_H

#include "router/router.h"

/** Decides between the configuration in force and what the node remembers. */
int federation_start(struct router *router, struct fw_error *err);
/** A reload: a key that changed is the last word. */
void federation_apply(struct router *router);
/** The command. `by` is who says so, for whoever asks later. */
int federation_switch(struct router *router, bool on, const char *by, struct fw_error *err);
/** The switch is off here, or on each edge that this node knows of: the outside is closed on purpose. */
bool federation_is_off(const struct router *router);

#endif
