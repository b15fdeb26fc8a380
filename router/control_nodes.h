/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One command for several nodes: this one and those of the rows in `routers`, or one of them alone. What each says
 * is its whole reply, as it would stand on its control socket; a node that does not answer has a refusal in its place.
 */
#ifndef FEDWAY_ROUTER_CONTROL_NODES_H
#define FEDWAY_ROUTER_CONTROL_NODES_H

#include "router/control.h"

struct control_nodes;

/** All have answered, or have had their time. `nodes` [b] is gone when this returns. */
typedef void control_nodes_fn(void *ctx, const struct control_nodes *nodes);

struct control_nodes_events {
	control_nodes_fn *done;
	/** Who has not answered yet, "edge-2, im-1": when all were asked, and whenever one of several has answered. */
	void (*waiting)(void *ctx, const char *realms);
};

/**
 * Asks.
 * @param realm  the one node that is meant; NULL: this one first, then all of `routers` in the order of the file
 * @param out    the question until `done` has run; then NULL. It must stay where it is
 * @return FW_OK: done runs exactly once, never before this returns; FW_ENOMEM
 */
int control_nodes_ask(struct router *router, const char *realm, struct fw_str command, const struct fw_json *args,
                      const struct control_nodes_events *events, void *ctx, struct control_nodes **out);
/** Nobody waits for it any more. NULL is allowed. */
void control_nodes_cancel(struct control_nodes **nodes);

/** What they said. */
size_t control_nodes_count(const struct control_nodes *nodes);
const char *control_nodes_realm(const struct control_nodes *nodes, size_t index);
/** {"ok": true, "result": …} or {"ok": false, "error": …, "remedy": …} */
const struct fw_json *control_nodes_reply(const struct control_nodes *nodes, size_t index);
/** From question to answer, in microseconds. */
uint64_t control_nodes_took_us(const struct control_nodes *nodes, size_t index);
/** Since the answer, in microseconds. */
uint64_t control_nodes_ago_us(const struct control_nodes *nodes, size_t index);

#endif
