/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A session from one channel to the next (XEP-0198 §5). <resume/> and <resumed/> count what has
 * arrived, so that nothing is sent twice; <a/> counts what has left, so that nothing is lost with a
 * node. While a link is suspended its component is the last choice of the lookup.
 * Called by link.c when a channel ends, by link_attach.c, and for the peer's elements.
 */
#include <stdio.h>
#include <stdlib.h>

#include <fedway/io/xml.h>

#include "router/link_credit.h"
#include "router/link_session.h"
#include "router/route_balance.h"

static struct fw_logger resume_log = FW_LOGGER("router.link.session");

bool link_session_can_suspend(const struct link *link)
{
	const struct link_session *session = link->xep198;

	return session != NULL && session->id[0] != '\0' && link->component != NULL &&
	       !link->draining && !link->room->router->draining;
}

/* ---- suspended ---- */

/* What the channel did not write goes before what waits already. */
static void take_unsent(struct link *link)
{
	struct link_session *session = link->xep198;
	struct link_queue all = { 0 };
	struct fw_stanza *stanza;

	while ((stanza = fw_channel_take_back(link->channel)) != NULL) {
		if (fw_stanza_settle(stanza) != FW_OK || link_queue_push(&all, &stanza) != FW_OK) {
			router_bounce(link->room->router, &stanza, FW_CAUSE_RESOURCES);
		}
	}
	if (link_queue_split(&session->waiting, 0, &all) != FW_OK) {
		while (session->waiting.count > 0) {
			stanza = link_queue_pop(&session->waiting);
			router_bounce(link->room->router, &stanza, FW_CAUSE_RESOURCES);
		}
	}
	link_queue_clear(&session->waiting);
	session->waiting = all;
}

static void arm(struct link *link)
{
	const struct config_router *config = &link->room->router->config->router;
	uint64_t now = fw_now_ms(link->room->router->loop);
	uint64_t delay = (uint64_t)config->link_reroute_after_s * 1000;
	uint64_t left = link->xep198->until_ms > now ? link->xep198->until_ms - now : 0;

	delay = left < delay ? left : delay;
	fw_timer_start_ms(link->xep198->timer, delay > 0 ? delay : 1, 0);
}

/* Rows that are shared may have any number of links, and each of them may be cut. */
static void make_room(const struct link *link)
{
	uint32_t max = link->room->router->config->router.link_suspended_max;
	struct link *oldest = NULL;

	for (struct link *l = link->name != NULL ? link->name->links : NULL; l != NULL;
	     l = l->name_next) { /* the newest first */
		if (l->state == LINK_SUSPENDED && l != link) {
			oldest = l;
			max -= max > 0;
		}
	}
	if (max == 0 && oldest != NULL) {
		fw_log(link->room->router->log, &resume_log, FW_LOG_WARNING,
		       "link not resumed session=%u name=%s reason=\"link_suspended_max\"",
		       oldest->session, oldest->identity);
		link_end(oldest, FW_CAUSE_NOT_RESUMED);
	}
}

static void suspend(struct link *link)
{
	struct link_session *session = link->xep198;

	if (link->state != LINK_RESUMING) {
		session->until_ms =
		        fw_now_ms(link->room->router->loop) + (uint64_t)session->window_s * 1000;
	}
	link->state = LINK_SUSPENDED;
	component_suspend(link->component);
	session->asked_ms = 0;
	session->answer_due = false;
	fw_log(link->room->router->log, &resume_log, FW_LOG_NOTICE,
	       "link suspended session=%u name=%s unacknowledged=%u waiting=%u window_s=%u%s",
	       link->session, link->identity, session->kept.stanzas, session->waiting.stanzas,
	       session->window_s, session->hopeless ? " resumable=no" : "");
	arm(link);
	make_room(link);
	if (link->kind->suspended != NULL) {
		link->kind->suspended(link);
	}
}

void link_session_suspend(struct link *link)
{
	take_unsent(link);
	fw_channel_free(&link->channel);
	suspend(link);
}

void link_session_lose(struct link *link, enum fw_cause cause)
{
	if (!link_session_can_suspend(link)) {
		link_end(link, cause);
		return;
	}
	take_unsent(link);
	fw_channel_farewell(&link->channel, cause);
	suspend(link);
}

void link_session_replace(struct link *link)
{
	if (link->channel == NULL || !link_session_can_suspend(link)) {
		link_end(link, FW_CAUSE_REPLACED);
		return;
	}
	link->xep198->hopeless = true;
	link_session_last_words(link);
	link_session_lose(link, FW_CAUSE_REPLACED);
}

/* Somebody else takes it; one that stands for another component takes it where that one is reached.
 */
static bool others_hold(const struct link *link, const struct route_name *name,
                        const struct fw_stanza *stanza, bool stands_for)
{
	const struct route_table *routes = link->room->router->routes;

	for (const struct route *r = name->holders; r != NULL; r = r->sibling) {
		const struct route_name *way = NULL;
		if (r->component == link->component || r->component->suspended) {
			continue;
		}
		if (r->component->stands_for != NULL &&
		    (stands_for ||
		     route_table_find(routes, fw_str(r->component->stands_for), &way) != FW_OK ||
		     !others_hold(link, way, stanza, true))) {
			continue;
		}
		if (route_balance_can_take(r->component, stanza)) {
			return true;
		}
	}
	return false;
}

static bool others_take(const struct link *link, const struct fw_stanza *stanza)
{
	const struct route_table *routes = link->room->router->routes;
	const struct route_name *name = NULL;

	return route_table_find(routes, fw_stanza_to_domain(stanza), &name) == FW_OK &&
	       others_hold(link, name, stanza, false);
}

/* Requests do not count: their senders ask again, and need not be waited for. */
static bool others_take_all(const struct link *link, const struct link_queue *queue, bool *any)
{
	for (uint32_t i = 0; i < queue->count; i++) {
		const struct fw_stanza *stanza = link_queue_at(queue, i);
		if (stanza == NULL || fw_stanza_is_request(stanza)) {
			continue;
		}
		if (!others_take(link, stanza)) {
			return false;
		}
		*any = true;
	}
	return true;
}

/* There is something to be handed over, and somebody who takes it: all of it, since what is left
 * could not be resumed. A link that holds nothing can wait. */
static bool has_stand_in(const struct link *link)
{
	const struct link_session *session = link->xep198;
	const struct link_queue *queue = NULL;
	bool any = false;

	if (!others_take_all(link, &session->kept, &any) ||
	    !others_take_all(link, &session->waiting, &any)) {
		return false;
	}
	while ((queue = link_credit_next(link, queue)) != NULL) {
		if (!others_take_all(link, queue, &any)) {
			return false;
		}
	}
	return any;
}

void link_session_waited(struct link *link)
{
	const struct link_session *session = link->xep198;
	bool over = fw_now_ms(link->room->router->loop) >= session->until_ms;

	if (!over && !session->hopeless && !has_stand_in(link)) {
		arm(link);
		return;
	}
	fw_log(link->room->router->log, &resume_log, FW_LOG_NOTICE,
	       "link not resumed session=%u name=%s unacknowledged=%u waiting=%u reason=\"%s\"",
	       link->session, link->identity, session->kept.stanzas, session->waiting.stanzas,
	       over                ? "link_resume_window_s is over"
	       : session->hopeless ? "the peer has begun anew"
	                           : "others take what it held");
	link_free(&link, session->hopeless ? FW_CAUSE_LINK_LOST : FW_CAUSE_NOT_RESUMED);
}

/* ---- resumed ---- */

static uint32_t arrived_count(const struct link *link)
{
	const struct link_custody *custody = link->xep198->custody;

	return custody != NULL ? (uint32_t)link_custody_received(custody) : 0;
}

/* The peer has `handled`: the rest can be told from it. */
static bool count_is_good(const struct link_session *session, uint32_t handled)
{
	uint32_t count = handled - (uint32_t)session->acked;

	if (count > session->kept.count) {
		return false;
	}
	/* What was acknowledged out of its turn had arrived. */
	for (uint32_t i = count; i < session->kept.count; i++) {
		if (link_queue_at(&session->kept, i) == NULL) {
			return false;
		}
	}
	return true;
}

/* Sends, in order, what the peer has not got. What it has stays kept until it has left there. */
static void go_on(struct link *link, uint32_t handled)
{
	struct link_session *session = link->xep198;
	struct link_queue again = { 0 };
	uint32_t had = handled - (uint32_t)session->acked;

	if (link_queue_reserve(&session->kept, session->waiting.count) != FW_OK ||
	    link_queue_split(&session->kept, had, &again) != FW_OK) {
		link_end(link, FW_CAUSE_RESOURCES);
		return;
	}
	fw_log(link->room->router->log, &resume_log, FW_LOG_NOTICE,
	       "link resumed session=%u name=%s again=%u waited=%u", link->session, link->identity,
	       again.stanzas, session->waiting.stanzas);
	link->state = LINK_UP;
	session->uncounted = 0;
	session->asked_ms = 0;
	session->told =
	        link->kind->dialect == 2 ? link_custody_received(session->custody) : session->told;
	session->answer_due = true;
	link_custody_tell_again(session->custody);
	component_up(link->component);
	if (link->kind->resumed != NULL) {
		link->kind->resumed(link);
	}
	while (again.count > 0) {
		struct fw_stanza *stanza = link_queue_pop(&again);
		link_transmit(link, &stanza);
	}
	link_queue_clear(&again);
	while (session->waiting.count > 0) {
		struct fw_stanza *stanza = link_queue_pop(&session->waiting);
		link_transmit(link, &stanza);
	}
	link_session_watch(link);
	link_session_due(link);
}

/* ---- the accepting side ---- */

static struct link *find_session(const struct link *newcomer, struct fw_str id)
{
	struct link *link = NULL;

	while ((link = link_next_like(newcomer, link)) != NULL) {
		const struct link_session *session = link->xep198;
		if (link != newcomer && session != NULL && !session->hopeless &&
		    session->id[0] != '\0' && !link->dialled &&
		    fw_equal_const_time(id, fw_str(session->id))) {
			return link;
		}
	}
	return NULL;
}

/* The newcomer is the other end of a link that we know: that one takes its channel. */
void link_session_on_resume(struct link *newcomer, struct fw_stanza *element)
{
	struct fw_elem *root = fw_stanza_root(element);
	struct link *link = NULL;
	uint64_t handled = 0;

	if (newcomer->state != LINK_FRESH) {
		link_session_fail(newcomer, "unexpected-request");
		return;
	}
	if (fw_str_to_u64(fw_elem_attr(root, "h"), UINT32_MAX, &handled) == FW_OK) {
		link = find_session(newcomer, fw_elem_attr(root, "previd"));
	}
	if (link == NULL || !count_is_good(link->xep198, (uint32_t)handled) ||
	    !link_session_can_suspend(link)) {
		link_session_fail(newcomer, "item-not-found");
		return;
	}
	if (link->channel != NULL) { /* the old connection still looks alive */
		link_session_lose(link, FW_CAUSE_REPLACED);
	}
	link->session = newcomer->session;
	link_take_channel(link, &newcomer->channel);
	link_free(&newcomer, FW_CAUSE_NONE);
	link_say(link, "<resumed xmlns='" FW_NS_SM "' previd='%s' h='%u'/>", link->xep198->id,
	         (unsigned)arrived_count(link));
	go_on(link, (uint32_t)handled);
}

/* ---- the dialling side ---- */

struct link *link_session_find(struct link_room *room, const struct link_kind *kind,
                               const char *identity)
{
	struct link *link = NULL;

	do {
		link = link_next_of(room, kind, identity, link);
	} while (link != NULL &&
	         (link->state != LINK_SUSPENDED || !link->dialled || link->xep198->hopeless));
	return link;
}

void link_session_ask_to_resume(struct link *link)
{
	char id[LINK_SESSION_ID_SIZE * 6];

	link->state = LINK_RESUMING;
	fw_timer_stop(link->xep198->timer);
	fw_xml_escape(fw_str(link->xep198->id), id, sizeof(id));
	link_say(link, "<resume xmlns='" FW_NS_SM "' previd='%s' h='%u'/>", id,
	         (unsigned)arrived_count(link));
	fw_timer_start_ms(link->xep198->timer,
	                  (uint64_t)link->room->router->config->router.link_dead_s * 1000, 0);
}

void link_session_on_resumed(struct link *link, struct fw_stanza *element)
{
	uint64_t handled = 0;

	if (link->state != LINK_RESUMING) {
		return;
	}
	if (fw_str_to_u64(fw_elem_attr(fw_stanza_root(element), "h"), UINT32_MAX, &handled) !=
	            FW_OK ||
	    !count_is_good(link->xep198, (uint32_t)handled)) {
		link_end(link, FW_CAUSE_HANDLED_TOO_HIGH);
		return;
	}
	go_on(link, (uint32_t)handled);
}

/* The peer begins anew on this channel; what the old session holds follows when that has names. */
bool link_session_resume_failed(struct link *link, struct fw_stanza *element)
{
	const struct link_start start = { .kind = link->kind,
		                          .identity = link->identity,
		                          .name = link->name,
		                          .session = link->session,
		                          .dialled = true,
		                          .owner = link->owner };
	struct link *fresh = NULL;
	uint64_t handled = 0;

	if (link->state != LINK_RESUMING) {
		return false;
	}
	if (fw_str_to_u64(fw_elem_attr(fw_stanza_root(element), "h"), UINT32_MAX, &handled) ==
	    FW_OK) {
		(void)link_session_acked(link, (uint32_t)handled);
	}
	link->xep198->hopeless = true;
	if (link_new(link->room, &start, &fresh) != FW_OK) {
		link_session_lose(link, FW_CAUSE_RESOURCES);
		return true;
	}
	link_take_channel(fresh, &link->channel);
	link->state = LINK_SUSPENDED;
	arm(link);
	link_begin(fresh);
	return true;
}
