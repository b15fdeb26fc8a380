/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Commands across nodes: the service "control.<realm>" answers what another router asks (sdk/PROTOCOL.md), and asks
 * theirs. Only commands that change nothing are answered, and only to a router whose row in `routers` has
 * control = true. Called by router.c (coming up and going down) and control_nodes.c (asking).
 */
#ifndef FEDWAY_ROUTER_CONTROL_REMOTE_H
#define FEDWAY_ROUTER_CONTROL_REMOTE_H

#include "router/router.h"

struct control_ask;

/**
 * Makes the service's component and sets router->remote; without rows in `routers` nobody could ask, and there is
 * none. At start, and after each reload that has brought such rows.
 */
int control_remote_start(struct router *router, struct fw_error *err);
/** Ends it: what is asked of us is forgotten, what we asked fails. Sets router->remote to NULL; NULL is allowed. */
void control_remote_stop(struct router *router);

/**
 * The reply of another node.
 * @param line   its whole reply as one line of JSON [b]; NULL when there was none
 * @param cause  why there was none; FW_CAUSE_NONE when there is one
 */
typedef void control_ask_fn(void *ctx, struct fw_str line, enum fw_cause cause);

/**
 * Asks the service of another realm; router->remote must be there.
 * @param command  its name
 * @param args     object, or NULL [b]
 * @param out      the question until `done` has run; then NULL. It must stay where it is
 * @return FW_OK: done runs exactly once, never before this returns; FW_ENOMEM
 */
int control_ask_realm(struct router *router, const char *realm, struct fw_str command, const struct fw_json *args,
                      control_ask_fn *done, void *ctx, struct control_ask **out);
/** Nobody waits for it any more. NULL is allowed. */
void control_ask_cancel(struct control_ask **ask);

#endif
