/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One stanza's walk through the router. The rooms are functions of one shape; passage.c knows their order.
 */
#ifndef FEDWAY_ROUTER_PASSAGE_H
#define FEDWAY_ROUTER_PASSAGE_H

#include "router/router.h"

struct passage {
	struct router *router;
	struct component *source;  /**< NULL for the router's own error answers */
	struct fw_stanza *stanza;
	struct component *target;  /**< set by the lookup */
	bool outside;              /**< the sender is beyond the gateway it came through */
	bool federated;            /**< the sender's domain is listed with federation = true */
	uint32_t prefer;           /**< error answers go back to the component with this number, if it holds the name */
	bool to_source;            /**< the error answer is for the component itself: its sender is not its own */
	enum fw_cause lost;        /**< it was handed over before, and came back for this cause */
	enum fw_cause cause;       /**< why it did not get through */
	int result;                /**< for the caller of router_route() */
};

enum passage_next {
	PASSAGE_ON,     /**< the next room */
	PASSAGE_HANDED, /**< the port has it */
	PASSAGE_BOUNCE, /**< return it with passage->cause */
	PASSAGE_DROP,   /**< end it with passage->cause */
};

/** Leaves the walk: sets the cause and gives `next` back. */
static inline enum passage_next passage_leave(struct passage *passage, enum passage_next next, enum fw_cause cause)
{
	passage->cause = cause;
	return next;
}

/** Walks a stanza through all rooms until it has left. */
void passage_run(struct passage *passage);

/** A sender that the component does not hold: is it beyond it? */
bool ingress_is_outside(const struct component *source, struct fw_str domain);

/* The rooms, in order; each in the file of its name. */
enum passage_next ingress_enter(struct passage *passage);
enum passage_next hooks_arrived(struct passage *passage);
enum passage_next hooks_policy(struct passage *passage);
enum passage_next lookup_enter(struct passage *passage);
/** Why nobody takes what is for this domain. */
enum fw_cause lookup_cause_of_nobody(const struct router *router, struct fw_str to);
enum passage_next hooks_routed(struct passage *passage);
enum passage_next egress_enter(struct passage *passage);

#endif
