/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The walk of a stanza: the table below is the map. Called for every stanza by links, uplinks and
 * modules (router_route) and by bounce.c for the router's own error answers. Here alone a walk
 * ends.
 */
#include "router/passage.h"

#include "router/route_table.h"

static const struct {
	const char *name;
	enum passage_next (*enter)(struct passage *);
} rooms[] = {
	{ "ingress", ingress_enter },     { "hooks-arrived", hooks_arrived },
	{ "hooks-policy", hooks_policy }, { "lookup", lookup_enter },
	{ "hooks-routed", hooks_routed }, { "egress", egress_enter },
};

enum { ROOM_LOOKUP = 3 }; /* sender and policy are judged before it */

static struct fw_logger passage_refused = FW_LOGGER("stanza.refused");

/* Modules that answer each other inside deliver() nest their passages; two that never stop would
 * end the stack. Real exchanges nest three or four deep. */
enum { DEPTH_MAX = 32 };

/* Says it at info for the first, second, fourth, eighth … of a cause from one component: it is
 * heard, and a flood of stanzas is no flood of lines. */
static void log_refused(const struct passage *passage, const char *room, enum passage_next next)
{
	const struct component *source = passage->source;
	const struct fw_ledger *ledger = source != NULL ? source->ledger : passage->router->bounces;
	uint64_t count = ledger->causes[passage->cause] + 1;
	enum fw_level level = (count & (count - 1)) == 0 ? FW_LOG_INFO : FW_LOG_DEBUG;
	char from[128], to[128];

	if (!fw_log_on(&passage_refused, level)) {
		return;
	}
	fw_log(source != NULL ? source->log : passage->router->log, &passage_refused, level,
	       "%s xcoder=" FW_XCODER " from:to=%s:%s room=%s cause=%s count=%llu",
	       next == PASSAGE_BOUNCE ? "bounce" : "drop", fw_stanza_xcoder(passage->stanza),
	       fw_quote(fw_stanza_from(passage->stanza), from, sizeof(from)),
	       fw_quote(fw_stanza_to(passage->stanza), to, sizeof(to)), room,
	       fw_cause_row(passage->cause)->name, (unsigned long long)count);
}

/* A link that wrote a sender not its own, or none, is told under its own name: whoever owns the
 * other name has nothing to do with it. */
static bool name_source(struct passage *passage)
{
	return fw_stanza_set(passage->stanza, "from", fw_str(passage->source->id)) == FW_OK;
}

/* From one room on. */
static void run_from(struct passage *passage, size_t first)
{
	struct router *router = passage->router;
	enum passage_next next = PASSAGE_ON;
	const char *room = "";

	if (router->depth >= DEPTH_MAX) {
		next = passage_leave(passage, PASSAGE_DROP, FW_CAUSE_LOOP);
	}
	router->depth++;
	for (size_t i = first; next == PASSAGE_ON && i < FW_COUNT(rooms); i++) {
		room = rooms[i].name;
		next = rooms[i].enter(passage);
	}
	if (next == PASSAGE_BOUNCE || next == PASSAGE_DROP) {
		if (passage->lost != FW_CAUSE_NONE && passage->cause == FW_CAUSE_NO_ROUTE) {
			passage->cause = passage->lost;
		}
		log_refused(passage, room, next);
		if (next == PASSAGE_BOUNCE && (!passage->to_source || name_source(passage))) {
			router_bounce(router, &passage->stanza, passage->cause);
		} else {
			fw_stanza_end(&passage->stanza, FW_EXIT_DROPPED, passage->cause);
		}
	}
	router->depth--;
}

void passage_run(struct passage *passage)
{
	run_from(passage, 0);
}

static struct component *component_of(const struct router *router, uint32_t number)
{
	struct component *component = router->components;

	while (component != NULL && component->number != number) {
		component = component->next;
	}
	return component;
}

/* Who it came from is judged already, and may have gone; only whether it came from the outside is
 * found out again. */
void router_route_again(struct router *router, struct fw_stanza **stanza, enum fw_cause lost)
{
	struct fw_str from = fw_stanza_from_domain(*stanza);
	struct passage passage = { .router = router, .stanza = *stanza, .lost = lost };

	*stanza = NULL;
	passage.source = component_of(router, fw_stanza_origin(passage.stanza));
	if (!fw_stanza_is_bounce(passage.stanza)) {
		bool held = passage.source == NULL ||
		            route_table_holds(router->routes, passage.source, from);
		passage.outside = !held && ingress_is_outside(passage.source, from);
		passage.federated = route_table_is_federated(router->routes, from);
	}
	run_from(&passage, ROOM_LOOKUP);
}

int router_route(struct component *source, struct fw_stanza **stanza)
{
	struct router *router = source->router;
	struct passage passage = { .router = router, .source = source, .stanza = *stanza };

	*stanza = NULL;
	/* One that was delivered and is passed on keeps the account it entered in. */
	if (fw_stanza_ledger(passage.stanza) == NULL) {
		fw_stanza_enter(passage.stanza, source->ledger, fw_now_ms(router->loop));
	}
	fw_stanza_set_origin(passage.stanza, source->number);
	passage_run(&passage);
	return passage.result;
}
