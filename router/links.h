/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The room of the attached components: listeners on 7400 and the links that come in through them. The router
 * starts, changes and stops it as a whole through these calls; one link is link.h, the handshake link_hello.c.
 */
#ifndef FEDWAY_ROUTER_LINKS_H
#define FEDWAY_ROUTER_LINKS_H

#include "router/router.h"

/** Opens every listener of router->config and sets router->links. @return FW_OK, FW_EINVAL, FW_ESYS, FW_ENOMEM */
int links_start(struct router *router, struct fw_error *err);

/**
 * First half of a reload: builds all that can fail (new listening sockets, the table of names) and keeps it
 * aside. What was kept aside before is dropped. Nothing changes for anyone yet.
 * @param config  the new one; it must stay valid until links_apply() or links_forget()
 */
int links_check(struct router *router, const struct config *config, struct fw_error *err);
/**
 * Second half, cannot fail: swaps listeners, closes links of removed names, binds and unbinds domains.
 * Call it while router->config is still the old one; afterwards nothing here points into the old one.
 * @param changes  array that receives one line per change; may be NULL
 */
void links_apply(struct router *router, const struct config *config, struct fw_json *changes);
/** Drops what links_check() kept aside: the reload failed elsewhere. */
void links_forget(struct router *router);

/**
 * Stops listening and sends unauthenticated links away. Links that are up stay until their port's drain() runs:
 * that one writes what is queued, closes with system-shutdown, and then calls component_drained().
 */
void links_drain(struct router *router);
/** Ends everything now; queued stanzas bounce as shutdown. Sets router->links to NULL; NULL is allowed. */
void links_stop(struct router *router);

/** Adds listeners and the number of unauthenticated links to a report. */
void links_report(const struct router *router, struct fw_json *out);

#endif
