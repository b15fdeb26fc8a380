/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One attached peer: stanzas from its socket go to the router, stanzas for it to its queue, and
 * when it ends, what it still holds is routed again or goes back to the senders with the cause. The
 * way of a stanza through here allocates nothing. Who may attach is link_hello.c's business, what a
 * dialect adds its kind's; acknowledgement and resumption are link_session.c's, the beginning of a
 * link is link_attach.c's.
 */
#include "router/link.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "router/link_credit.h"
#include "router/link_session.h"
#include "router/link_tls.h"
#include "router/route_table.h"

/* More than anybody asks in one turn: link_binds_max names, each piece of a list of routes. */
enum { ANSWERS_MAX = 5000 };

static struct fw_logger link_log = FW_LOGGER("router.link");

/* ---- the end ---- */

static void link_forget_name(struct link *link)
{
	if (link->name == NULL) {
		return;
	}
	*link->name_prev = link->name_next;
	if (link->name_next != NULL) {
		link->name_next->name_prev = link->name_prev;
	}
	link->name = NULL;
}

/* Takes it off the router and returns what it holds. The channel may live on to say goodbye. */
static void link_leave(struct link *link, enum fw_cause cause)
{
	struct link_returns returns = { .router = link->room->router, .cause = cause };

	link->state = LINK_OVER;
	if (link->component == NULL) {
		return;
	}
	returns.again = link->kind->dialect > 1 && cause != FW_CAUSE_SHUTDOWN;
	link_forget_name(link);
	if (link->kind->ended != NULL) {
		link->kind->ended(link, cause);
	}
	link_session_gather(link, &returns);
	link_credit_gather(link, &returns);
	if (link->draining) {
		component_drained(link->component);
	}
	component_remove(&link->component);
	link_session_return(&returns);
}

void link_free(struct link **link, enum fw_cause cause)
{
	struct link *old = *link;

	if (old == NULL) {
		return;
	}
	*link = NULL;
	link_leave(old, cause);
	link_session_free(old);
	if (old->prev != NULL) {
		*old->prev = old->next;
		if (old->next != NULL) {
			old->next->prev = old->prev;
		}
		old->room->link_count--;
	}
	fw_channel_free(&old->channel);
	free(old->identity);
	free(old);
}

void link_end(struct link *link, enum fw_cause cause)
{
	link_session_last_words(link);
	link_leave(link, cause);
	if (link->channel == NULL) {
		link_free(&link, cause);
		return;
	}
	fw_channel_close(link->channel, cause);
}

/* ---- what comes in ---- */

bool link_ignored(struct link *link)
{
	link->ignored++;
	return (link->ignored & (link->ignored - 1)) == 0;
}

/* What is no stanza is neither routed nor answered: RFC 6120 §4.8.4 lets a server ignore it. */
static void link_ignore(struct link *link, const struct fw_stanza *stanza)
{
	char name[64];

	if (link_is_stream_error(stanza)) {
		return;
	}
	fw_log(link->room->router->log, &link_log, link_ignored(link) ? FW_LOG_INFO : FW_LOG_DEBUG,
	       "element ignored session=%u name=%s%s", link->session,
	       fw_quote(fw_stanza_name(stanza), name, sizeof(name)),
	       link->component == NULL ? " reason=\"the link has ended\"" : "");
}

static const struct link_element *find_row(const struct link_element *rows,
                                           const struct fw_stanza *element)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		if (fw_str_is(fw_stanza_name(element), rows->name) &&
		    fw_str_is(fw_stanza_ns(element), rows->ns)) {
			return rows;
		}
	}
	return NULL;
}

/* A peer that asks and asks, and reads nothing of what it is told, must not fill our memory. Beside
 * answers there is a hop header for each stanza. */
static bool reads_nothing(const struct link *link)
{
	const struct config_router *limits = &link->room->router->config->router;

	return link->channel != NULL && fw_channel_queued_texts(link->channel) >
	                                        (size_t)ANSWERS_MAX +
	                                                limits->link_queue_max_stanzas +
	                                                limits->link_unacknowledged_max_stanzas;
}

/* An element goes to the file that owns it. */
static void link_dispatch(struct link *link, struct fw_stanza *element)
{
	const struct link_element *row = NULL;

	if (link->component != NULL && link->kind->dialect > 1) {
		const struct link_element *const tables[] = { link_session_elements,
			                                      link_credit_elements,
			                                      link->kind->elements };

		for (size_t i = 0; i < FW_COUNT(tables) && row == NULL; i++) {
			row = find_row(tables[i], element);
		}
	}
	if (row == NULL) {
		link_ignore(link, element);
		return;
	}
	if (link->state == LINK_FRESH && !link_session_is_resume(element)) {
		link_begin(link);
	}
	if (link->component != NULL && reads_nothing(link)) {
		link_end(link, FW_CAUSE_RESOURCES);
	} else if (link->component != NULL) {
		row->take(link, element);
	}
}

static void link_element(void *ctx, struct fw_stanza **stanza)
{
	struct link *link = ctx;

	if (fw_stanza_kind(*stanza) == FW_KIND_OTHER) {
		link_dispatch(link, *stanza);
		return;
	}
	if (link->component == NULL || !link_session_takes(link)) {
		link_ignore(link, *stanza);
		return;
	}
	if (link->state == LINK_FRESH) {
		link_begin(link);
		if (link->component == NULL) {
			return;
		}
	}
	if (link->kind->arrived != NULL && !link->kind->arrived(link, *stanza)) {
		link_ignore(link, *stanza);
		return;
	}
	if (link->xep198 != NULL) {
		link_session_arrived(link, *stanza);
	}
	(void)router_route(link->component, stanza);
}

/* ---- what goes out ---- */

void link_say(struct link *link, const char *format, ...)
{
	va_list args;

	if (link->channel != NULL) {
		va_start(args, format);
		fw_channel_send_vtext(link->channel, format, args);
		va_end(args);
	}
}

void link_transmit(struct link *link, struct fw_stanza **stanza)
{
	if (link->kind->before != NULL) {
		link->kind->before(link, *stanza);
	}
	fw_channel_send(link->channel, stanza);
}

static bool link_has_room(const struct link *link, const struct fw_stanza *stanza)
{
	const struct config_router *limits = &link->room->router->config->router;
	size_t stanzas = 0, bytes = 0;

	if (link->channel != NULL) {
		fw_channel_queued(link->channel, &stanzas, &bytes);
	}
	link_session_waiting(link, &stanzas, &bytes);
	return stanzas < limits->link_queue_max_stanzas &&
	       (stanzas == 0 || bytes + fw_stanza_size(stanza) <= limits->link_queue_max_bytes);
}

static int link_deliver(void *port, struct fw_stanza **stanza)
{
	struct link *link = port;

	if (!link_has_room(link, *stanza) ||
	    (link->xep198 != NULL && !link_session_has_room(link, *stanza))) {
		return FW_ELIMIT;
	}
	if (link->channel != NULL && fw_channel_closing(link->channel) &&
	    !link_session_can_suspend(link)) {
		router_bounce(link->room->router, stanza,
		              link->draining ? FW_CAUSE_COMPONENT_DRAINING
		                             : FW_CAUSE_COMPONENT_GONE);
		return FW_OK;
	}
	if (link->credits != NULL) {
		int ret = link_credit_take(link, stanza);
		if (ret != FW_OK || *stanza == NULL) {
			return ret;
		}
	}
	return link_session_send(link, stanza);
}

/* Ten thousand links may be asked at once, so "status" is short; the rest is under "streams". */
static void link_report(void *port, const char *topic, struct fw_json *out)
{
	struct link *link = port;
	static const struct fw_stream_counts none;
	const struct fw_stream_counts *counts = &none;
	uint64_t now = fw_now_ms(link->room->router->loop);
	char peer[FW_ADDR_TEXT_SIZE] = "";
	size_t stanzas = 0, bytes = 0;

	if (link->channel != NULL) {
		fw_addr_text(fw_channel_peer(link->channel), peer);
		fw_channel_queued(link->channel, &stanzas, &bytes);
		counts = fw_channel_counts(link->channel);
	}
	link_session_waiting(link, &stanzas, &bytes);
	if (strcmp(topic, "streams") != 0) {
		fw_json_set(out, "peer", fw_str(peer));
		fw_json_set_int(out, "queued_stanzas", (int64_t)stanzas);
		return;
	}
	out = fw_json_append_object(fw_json_set_array(out, "streams"));
	fw_json_set(out, "peer", fw_str(peer));
	fw_json_set(out, "dialect", fw_str(link->kind->name));
	fw_json_set(out, "state", fw_str(link_session_state(link)));
	fw_json_set_int(out, "session", link->session);
	fw_json_set_int(out, "up_ms", (int64_t)(now - link->since_ms));
	if (link->channel != NULL) {
		link_tls_report(fw_channel_tls(link->channel), out);
		fw_json_set_int(out, "idle_ms", (int64_t)(now - fw_channel_last_ms(link->channel)));
	}
	fw_json_set_int(out, "queued_stanzas", (int64_t)stanzas);
	fw_json_set_int(out, "queued_bytes", (int64_t)bytes);
	fw_json_set_int(out, "stanzas_in", (int64_t)counts->stanzas_in);
	fw_json_set_int(out, "stanzas_out", (int64_t)counts->stanzas_out);
	fw_json_set_int(out, "bytes_in", (int64_t)counts->bytes_in);
	fw_json_set_int(out, "bytes_out", (int64_t)counts->bytes_out);
	fw_json_set_int(out, "ignored", link->ignored);
	link_session_report(link, out);
	link_credit_report(link, out);
	if (link->kind->report != NULL) {
		link->kind->report(link, out);
	}
}

/* The channel still writes what is queued before the footer; the rest comes back in link_closed().
 * Under acknowledgement the footer waits until both sides have told what they have. */
static void link_drain(void *port)
{
	struct link *link = port;

	link->draining = true;
	if (link->channel == NULL) {
		link_free(&link, FW_CAUSE_SHUTDOWN);
	} else if (!link_session_drain(link)) {
		fw_channel_close(link->channel, FW_CAUSE_SHUTDOWN);
	}
}

const struct component_port link_port = {
	.kind = "link",
	.deliver = link_deliver,
	.report = link_report,
	.drain = link_drain,
};

/* ---- its channel ---- */

static void link_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	struct link *link = ctx;
	const struct fw_stream_counts *counts = fw_channel_counts(link->channel);
	char peer[FW_ADDR_TEXT_SIZE], words[128];
	bool lost = cause == FW_CAUSE_PEER_LOST || cause == FW_CAUSE_PING_TIMEOUT;

	fw_log(link->room->router->log, &link_log, FW_LOG_INFO,
	       "link closed session=%u peer=%s cause=%s text=\"%s\" detail=%s in=%llu out=%llu",
	       link->session, fw_addr_text(fw_channel_peer(link->channel), peer),
	       fw_cause_row(cause)->name, fw_cause_row(cause)->text,
	       fw_quote(fw_str(detail), words, sizeof(words)),
	       (unsigned long long)counts->stanzas_in, (unsigned long long)counts->stanzas_out);
	if (lost && link_session_can_suspend(link)) {
		link_session_suspend(link);
		return;
	}
	if (link->draining) {
		cause = FW_CAUSE_SHUTDOWN;
	} else {
		cause = link->xep198 != NULL ? FW_CAUSE_LINK_LOST : FW_CAUSE_COMPONENT_GONE;
	}
	link_free(&link, cause);
}

static void link_sent(void *ctx, struct fw_stanza **stanza)
{
	struct link *link = ctx;

	if (link->xep198 != NULL) {
		link_session_sent(link, stanza);
	}
}

static void link_ended(void *ctx)
{
	link_session_last_words(ctx);
}

static const struct fw_channel_events link_events = {
	.element = link_element,
	.closed = link_closed,
	.sent = link_sent,
	.ended = link_ended,
};

static void link_set_limits(struct link *link, const struct config_router *router)
{
	struct fw_xml_limits limits = FW_XML_LIMITS_DEFAULT;

	limits.stanza_max_bytes = router->stanza_max_bytes;
	if (link->channel != NULL) {
		fw_channel_set_limits(link->channel, &limits);
	}
}

void link_take_channel(struct link *link, struct fw_channel **channel)
{
	link->channel = *channel;
	*channel = NULL;
	link_set_limits(link, &link->room->router->config->router);
	if (link->kind->dialect > 1) {
		fw_channel_set_user_timeout(link->channel,
		                            link->room->router->config->router.link_dead_s * 1000);
	}
	fw_channel_set_owner(link->channel, &link_events, link);
}

void link_reload(struct link *link, const struct config_link *old, const struct config *config)
{
	const struct config_link *row = link->name->row;

	link->component->check_from = row->check_from;
	link->component->last_generation = 0; /* what was found with the old check_from */
	link->component->priority = row->priority;
	link->component->weight = row->weight;
	route_table_reorder(link->room->router->routes, link->component);
	if (link->kind->reload != NULL) {
		link->kind->reload(link, old, config);
	}
	link_set_limits(link, &config->router);
}
