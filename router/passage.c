/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The walk of a stanza: the table below is the map. Called for every stanza by links, uplinks and
 * modules (router_route) and by bounce.c for the router's own error answers. Here alone a walk
 * ends.
 */
#include "router/passage.h"

static const struct {
	const char *name;
	enum passage_next (*enter)(struct passage *);
} rooms[] = {
	{ "ingress", ingress_enter },     { "hooks arrived", hooks_arrived },
	{ "hooks policy", hooks_policy }, { "lookup", lookup_enter },
	{ "hooks routed", hooks_routed }, { "egress", egress_enter },
};

static struct fw_logger passage_refused = FW_LOGGER("stanza.refused");

/* Modules that answer each other inside deliver() nest their passages; two that never stop would
 * end the stack. Real exchanges nest three or four deep. */
enum { DEPTH_MAX = 32 };

static void log_refused(const struct passage *passage, const char *room, enum passage_next next)
{
	fw_log(passage->source != NULL ? passage->source->log : passage->router->log,
	       &passage_refused, FW_LOG_DEBUG, "%s xcoder=%llu room=\"%s\" cause=%s",
	       next == PASSAGE_BOUNCE ? "bounce" : "drop",
	       (unsigned long long)fw_stanza_xcoder(passage->stanza), room,
	       fw_cause_row(passage->cause)->name);
}

void passage_run(struct passage *passage)
{
	struct router *router = passage->router;
	enum passage_next next = PASSAGE_ON;
	const char *room = "";

	if (router->depth >= DEPTH_MAX) {
		next = passage_leave(passage, PASSAGE_DROP, FW_CAUSE_LOOP);
	}
	router->depth++;
	for (size_t i = 0; next == PASSAGE_ON && i < FW_COUNT(rooms); i++) {
		room = rooms[i].name;
		next = rooms[i].enter(passage);
	}
	if (next == PASSAGE_BOUNCE || next == PASSAGE_DROP) {
		if (fw_log_on(&passage_refused, FW_LOG_DEBUG)) {
			log_refused(passage, room, next);
		}
		if (next == PASSAGE_BOUNCE) {
			router_bounce(router, &passage->stanza, passage->cause);
		} else {
			fw_stanza_end(&passage->stanza, FW_EXIT_DROPPED, passage->cause);
		}
	}
	router->depth--;
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
