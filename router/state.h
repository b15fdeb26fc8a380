/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the node has learned while it ran, by command or by provisioning: one value per key, in memory and in
 * `state_file`. Components read and set it through host.h; a change is announced as "state.KEY".
 */
#ifndef FEDWAY_ROUTER_STATE_H
#define FEDWAY_ROUTER_STATE_H

#include "router/router.h"

/** Reads `state_file` and applies what is in it. A damaged or foreign file is an error: nothing is forgotten. */
int state_start(struct router *router, struct fw_error *err);
void state_stop(struct router *router);

/** The value [b] until that key is set again; NULL when there is none. */
const struct fw_json *state_get(const struct router *router, const char *key);
/**
 * Sets a value for a component (`by`, who is not told of it) or, with NULL, for the router itself.
 * Results as of fw_state_set().
 */
int state_set(struct router *router, const struct component *by, const char *key, const struct fw_json *value,
              struct fw_error *err);
/** What was learned would be there after a restart: there is a file, and it could be written. */
bool state_is_kept(const struct router *router);

#endif
