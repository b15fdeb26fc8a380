/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Uplinks: connections that we dial out as a XEP-0114 component of another server, so that an unmodified server
 * can sit behind this router. Each is one component, "uplink-<n>.<realm>", which holds its domains while it is up.
 */
#ifndef FEDWAY_ROUTER_UPLINK_H
#define FEDWAY_ROUTER_UPLINK_H

#include "router/router.h"

/** Makes the uplinks of router->config and begins to dial; sets router->uplinks. A dead peer is no failure. */
int uplinks_start(struct router *router, struct fw_error *err);

/** First half of a reload: what can fail; keeps new uplinks aside. See links_check(). */
int uplinks_check(struct router *router, const struct config *config, struct fw_error *err);
/**
 * Second half, cannot fail: ends removed uplinks, dials new ones; one with another host, port, name or secret is
 * dialled anew, other changes are made live. Call it while router->config is still the old one.
 * @param changes  array that receives one line per change; may be NULL
 */
void uplinks_apply(struct router *router, const struct config *config, struct fw_json *changes);
/** Drops what uplinks_check() kept aside. */
void uplinks_forget(struct router *router);

/**
 * Ends uplinks that are up and dials them again: another server may have more for us by now.
 * @param name   as in the configuration; absent: all
 * @param names  array that receives them
 * @return how many
 */
size_t uplinks_reattach(struct router *router, struct fw_str name, struct fw_json *names);

/** No more dialling. Uplinks that are up stay until their port's drain() runs. */
void uplinks_drain(struct router *router);
/** Ends everything now; queued stanzas bounce as shutdown. Sets router->uplinks to NULL; NULL is allowed. */
void uplinks_stop(struct router *router);

#endif
