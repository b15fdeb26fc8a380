/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * XEP-0198 on a link that has a channel: who begins, what is said at the end of a turn, and how
 * long a silent peer is waited for. Our count is of stanzas that have left this node
 * (link_custody.c). From one channel to the next it is link_resume.c's.
 */
#include "router/link_session.h"

#include <stdio.h>
#include <stdlib.h>

static struct fw_logger session_log = FW_LOGGER("router.link.session");

enum {
	ASK_AFTER = 100,    /* stanzas; routers say it unasked */
	BEHIND_SIZE = 1024, /* one <left/> */
};

/* ---- life ---- */

static void custody_moved(void *ctx)
{
	link_session_due(ctx);
}

static void session_turn(void *ctx);
static void session_timer(void *ctx);

static struct link_session *session_new(struct link *link)
{
	struct link_session *session = calloc(1, sizeof(*session));

	if (session == NULL ||
	    fw_timer_new(link->room->router->loop, session_timer, link, &session->timer) != FW_OK) {
		free(session);
		return NULL;
	}
	session->link = link;
	session->turn.fn = session_turn;
	session->turn.ctx = link;
	session->window_s = link->room->router->config->router.link_resume_window_s;
	link->xep198 = session;
	return session;
}

void link_session_free(struct link *link)
{
	struct link_session *session = link->xep198;

	if (session == NULL) {
		return;
	}
	link->xep198 = NULL;
	fw_defer_cancel(&session->turn);
	fw_timer_free(&session->timer);
	link_custody_free(&session->custody);
	while (session->kept.count > 0) {
		struct fw_stanza *stanza = link_queue_pop(&session->kept);
		fw_stanza_end(&stanza, FW_EXIT_DELIVERED, FW_CAUSE_DELIVERED);
	}
	link_queue_clear(&session->kept);
	link_queue_clear(&session->waiting);
	free(session);
}

/* From the text that is queued next on, what we write counts. */
static void begin_sending(struct link *link)
{
	size_t bytes = 0;

	link->xep198->sending = true;
	fw_channel_queued(link->channel, &link->xep198->uncounted, &bytes);
}

static bool begin_receiving(struct link *link)
{
	return link_custody_new(custody_moved, link, &link->xep198->custody) == FW_OK;
}

void link_session_enable(struct link *link)
{
	struct link_session *session = session_new(link);

	if (session == NULL) {
		return; /* without memory it goes on without acknowledgement */
	}
	begin_sending(link);
	link_say(link, "<enable xmlns='" FW_NS_SM "' resume='true' max='%u'/>",
	         (unsigned)session->window_s);
	link_session_watch(link);
}

/* ---- stanzas ---- */

bool link_session_takes(const struct link *link)
{
	return link->kind->dialect == 1 || !fw_channel_closing(link->channel);
}

void link_session_arrived(struct link *link, struct fw_stanza *stanza)
{
	struct link_session *session = link->xep198;

	if (session->custody != NULL && link_custody_take(session->custody, stanza) != FW_OK) {
		/* It is not counted, so the peer has to send it again to somebody. */
		fw_channel_close(link->channel, FW_CAUSE_RESOURCES);
	}
}

void link_session_sent(struct link *link, struct fw_stanza **stanza)
{
	struct link_session *session = link->xep198;

	if (!session->sending) {
		return;
	}
	if (session->uncounted > 0) {
		session->uncounted--;
		return;
	}
	/* Without memory it goes on borrowing its receive buffer. */
	(void)fw_stanza_settle(*stanza);
	if (link_queue_push(&session->kept, stanza) == FW_OK) { /* reserved by has_room() */
		session->unasked++;
	}
	link_session_due(link);
}

bool link_session_has_room(struct link *link, const struct fw_stanza *stanza)
{
	const struct config_router *limits = &link->room->router->config->router;
	struct link_session *session = link->xep198;
	size_t stanzas = 0, bytes = 0;

	if (link->channel != NULL) {
		fw_channel_queued(link->channel, &stanzas, &bytes);
	}
	stanzas += session->waiting.count;
	if (link_queue_reserve(&session->kept, stanzas + 1) != FW_OK) {
		return false;
	}
	stanzas += session->kept.stanzas;
	bytes += session->waiting.bytes + session->kept.bytes;
	return stanzas < limits->link_unacknowledged_max_stanzas &&
	       (stanzas == 0 ||
	        bytes + fw_stanza_size(stanza) <= limits->link_unacknowledged_max_bytes);
}

int link_session_send(struct link *link, struct fw_stanza **stanza)
{
	bool open = link->channel != NULL && !fw_channel_closing(link->channel) &&
	            link->state != LINK_RESUMING;

	if (open || link->xep198 == NULL) {
		link_transmit(link, stanza);
		return FW_OK;
	}
	if (fw_stanza_settle(*stanza) != FW_OK ||
	    link_queue_push(&link->xep198->waiting, stanza) != FW_OK) {
		return FW_ELIMIT;
	}
	return FW_OK;
}

void link_session_waiting(const struct link *link, size_t *stanzas, size_t *bytes)
{
	if (link->xep198 != NULL) {
		*stanzas += link->xep198->waiting.stanzas;
		*bytes += link->xep198->waiting.bytes;
	}
}

/* ---- what is said at the end of a turn ---- */

static bool session_open(const struct link *link)
{
	return link->channel != NULL && link->state == LINK_UP &&
	       !fw_channel_closing(link->channel);
}

void link_session_due(struct link *link)
{
	fw_defer(link->room->router->loop, &link->xep198->turn);
}

static void say_count(struct link *link)
{
	struct link_session *session = link->xep198;
	uint64_t count = link_custody_prefix(session->custody);

	/* Peers of dialect 2 hold every count for the end of the matter: none is smaller than the
	 * one that <resume/> or <resumed/> gave. */
	if (link->kind->dialect == 2 && count < session->told) {
		count = session->told;
	}
	if (session->answer_due || count != session->told) {
		session->answer_due = false;
		session->told = count;
		link_say(link, "<a xmlns='" FW_NS_SM "' h='%u'/>", (unsigned)(uint32_t)count);
	}
}

/* One slow destination must not hold back what all others have taken. */
static void say_behind(struct link *link)
{
	struct link_session *session = link->xep198;
	char list[BEHIND_SIZE];

	while (link->kind->dialect == 3 && link_custody_has_behind(session->custody)) {
		link_custody_behind(session->custody, list, sizeof(list));
		link_say(link, "<left xmlns='" LINK_NS "' h='%u' s='%s'/>",
		         (unsigned)(uint32_t)link_custody_prefix(session->custody), list);
	}
}

static void ask(struct link *link)
{
	struct link_session *session = link->xep198;

	session->unasked = 0;
	session->asked_ms = fw_now_ms(link->room->router->loop);
	link_say(link, "<r xmlns='" FW_NS_SM "'/>");
}

/* All that either side has given the other is acknowledged. */
static bool session_settled(const struct link *link)
{
	const struct link_session *session = link->xep198;
	size_t stanzas = 0, bytes = 0;

	fw_channel_queued(link->channel, &stanzas, &bytes);
	return stanzas == 0 && session->kept.stanzas == 0 &&
	       (session->custody == NULL ||
	        link_custody_prefix(session->custody) == link_custody_received(session->custody));
}

/* Runs before the channel writes what this turn has queued: all goes in one piece. */
static void session_turn(void *ctx)
{
	struct link *link = ctx;
	struct link_session *session = link->xep198;

	if (!session_open(link)) {
		return;
	}
	if (session->custody != NULL) {
		say_count(link);
		say_behind(link);
	}
	if (link->draining && session_settled(link)) {
		fw_channel_close(link->channel, FW_CAUSE_SHUTDOWN);
	} else if (session->asked_ms == 0 && session->kept.stanzas > 0 &&
	           (link->draining ||
	            (link->kind->dialect == 2 && session->unasked >= ASK_AFTER))) {
		ask(link);
	}
}

void link_session_last_words(struct link *link)
{
	if (link->xep198 != NULL && link->xep198->custody != NULL && session_open(link)) {
		say_count(link);
		say_behind(link);
	}
}

bool link_session_drain(struct link *link)
{
	if (link->xep198 == NULL || !session_open(link)) {
		return false;
	}
	link_session_due(link);
	return true;
}

/* ---- the watch over a silent peer ---- */

void link_session_watch(struct link *link)
{
	const struct config_router *config = &link->room->router->config->router;

	fw_timer_start_ms(link->xep198->timer, (uint64_t)config->link_ping_s * 1000, 0);
}

static void watch(struct link *link)
{
	const struct config_router *config = &link->room->router->config->router;
	struct link_session *session = link->xep198;
	uint64_t now = fw_now_ms(link->room->router->loop);
	uint64_t heard = fw_channel_heard_ms(link->channel);
	uint64_t ping = (uint64_t)config->link_ping_s * 1000;
	uint64_t dead = (uint64_t)config->link_dead_s * 1000;

	if (heard >= session->asked_ms) {
		session->asked_ms = 0;
	}
	/* It had the rest of the time after our question, even if we ourselves were late to ask. */
	if (session->asked_ms != 0 && now - session->asked_ms >= dead - ping &&
	    now - heard >= dead) {
		fw_log(link->component->log, &session_log, FW_LOG_WARNING,
		       "the peer is silent session=%u silent_ms=%llu limit=link_dead_s",
		       link->session, (unsigned long long)(now - heard));
		link_session_lose(link, FW_CAUSE_PING_TIMEOUT);
		return;
	}
	if (session->asked_ms == 0 && (now - heard >= ping || session->kept.stanzas > 0)) {
		ask(link);
	}
	uint64_t next = session->asked_ms != 0 ? session->asked_ms + dead - ping : heard + ping;
	fw_timer_start_ms(session->timer, next > now ? next - now : 1, 0);
}

static void session_timer(void *ctx)
{
	struct link *link = ctx;

	if (link->state == LINK_SUSPENDED) {
		link_session_waited(link);
	} else if (link->state == LINK_RESUMING) {
		link_session_lose(link, FW_CAUSE_PING_TIMEOUT); /* no answer to <resume/> */
	} else if (link->channel != NULL && !fw_channel_closing(link->channel) &&
	           link->component != NULL) {
		watch(link);
	}
}

/* ---- the peer's elements ---- */

void link_session_fail(struct link *link, const char *condition)
{
	link_say(link,
	         "<failed xmlns='" FW_NS_SM "'><%s xmlns='" FW_NS_STANZA_ERRORS "'/></failed>",
	         condition);
}

static bool wants_resume(const struct fw_elem *root)
{
	struct fw_str resume = fw_elem_attr(root, "resume");

	return fw_str_is(resume, "true") || fw_str_is(resume, "1");
}

/* The shorter of both sides' patience. */
static void agree_window(struct link_session *session, const struct fw_elem *root)
{
	uint64_t max = 0;

	if (fw_str_to_u64(fw_elem_attr(root, "max"), UINT32_MAX, &max) == FW_OK &&
	    max < session->window_s) {
		session->window_s = (uint32_t)max;
	}
}

static void on_enable(struct link *link, struct fw_stanza *element)
{
	struct fw_elem *root = fw_stanza_root(element);

	if (link->dialled || link->xep198 != NULL || link->state != LINK_UP) {
		link_session_fail(link, "unexpected-request");
		return;
	}
	struct link_session *session = session_new(link);
	if (session == NULL || !begin_receiving(link)) {
		link_session_free(link);
		link_session_fail(link, "resource-constraint");
		return;
	}
	agree_window(session, root);
	begin_sending(link);
	if (wants_resume(root) && session->window_s > 0) {
		fw_random_id(session->id);
		link_say(link, "<enabled xmlns='" FW_NS_SM "' id='%s' resume='true' max='%u'/>",
		         session->id, (unsigned)session->window_s);
	} else {
		link_say(link, "<enabled xmlns='" FW_NS_SM "'/>");
	}
	link_session_watch(link);
}

static void on_enabled(struct link *link, struct fw_stanza *element)
{
	struct fw_elem *root = fw_stanza_root(element);
	struct fw_str id = fw_elem_attr(root, "id");
	struct link_session *session = link->xep198;

	if (!link->dialled || session == NULL || session->custody != NULL) {
		return;
	}
	if (!begin_receiving(link)) {
		link_end(link, FW_CAUSE_RESOURCES);
		return;
	}
	agree_window(session, root);
	if (wants_resume(root) && id.len < sizeof(session->id) && session->window_s > 0) {
		(void)snprintf(session->id, sizeof(session->id), "%.*s", FW_STR_ARG(id));
	}
}

static void on_failed(struct link *link, struct fw_stanza *element)
{
	if (!link->dialled || link->xep198 == NULL || link_session_resume_failed(link, element)) {
		return;
	}
	if (link->xep198->custody == NULL) {
		link_session_free(link); /* it goes on without acknowledgement */
	}
}

static void on_r(struct link *link, struct fw_stanza *element)
{
	(void)element;
	if (link->xep198 != NULL && link->xep198->custody != NULL) {
		link->xep198->answer_due = true;
		link_session_due(link);
	}
}

int link_session_acked(struct link *link, uint32_t handled)
{
	struct link_session *session = link->xep198;
	uint32_t count = handled - (uint32_t)session->acked; /* modulo 2^32: XEP-0198 §4 */

	if (count > session->kept.count) {
		return FW_EINVAL;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct fw_stanza *stanza = link_queue_pop(&session->kept);
		fw_stanza_end(&stanza, FW_EXIT_ACKNOWLEDGED, FW_CAUSE_DELIVERED);
	}
	session->acked += count;
	return FW_OK;
}

/* XEP-0198 §4: the error for a count that cannot be. */
static void refuse_count(struct link *link, uint32_t handled)
{
	const struct link_session *session = link->xep198;

	fw_channel_acks_refuse(link->channel, handled,
	                       (uint32_t)(session->acked + session->kept.count));
	link_end(link, FW_CAUSE_HANDLED_TOO_HIGH);
}

static void on_a(struct link *link, struct fw_stanza *element)
{
	struct link_session *session = link->xep198;
	uint64_t handled = 0;

	if (session == NULL || !session->sending || link->state != LINK_UP) {
		return;
	}
	if (fw_str_to_u64(fw_stanza_attr(element, "h"), UINT32_MAX, &handled) != FW_OK) {
		link_end(link, FW_CAUSE_UNEXPECTED);
		return;
	}
	session->asked_ms = 0;
	if (link_session_acked(link, (uint32_t)handled) != FW_OK) {
		refuse_count(link, (uint32_t)handled);
		return;
	}
	link_session_due(link);
}

/* ---- out of order ---- */

/* One range, "5" or "5-9", of numbers behind `from` places. @return false: no range */
static bool free_range(struct link_queue *kept, struct fw_str range, uint32_t from)
{
	const char *dash = range.len > 0 ? memchr(range.ptr, '-', range.len) : NULL;
	struct fw_str first_text =
	        dash != NULL ? fw_str_n(range.ptr, (size_t)(dash - range.ptr)) : range;
	struct fw_str last_text =
	        dash != NULL ? fw_str_n(dash + 1, range.len - first_text.len - 1) : range;
	uint64_t first = 0, last = 0;

	if (fw_str_to_u64(first_text, UINT32_MAX, &first) != FW_OK ||
	    fw_str_to_u64(last_text, UINT32_MAX, &last) != FW_OK || first == 0 || first > last ||
	    last + from > kept->count) {
		return false;
	}
	for (uint64_t n = first; n <= last; n++) {
		struct fw_stanza *stanza = link_queue_take(kept, (uint32_t)(from + n - 1));
		fw_stanza_end(&stanza, FW_EXIT_ACKNOWLEDGED, FW_CAUSE_DELIVERED);
	}
	return true;
}

static void on_left(struct link *link, struct fw_stanza *element)
{
	struct link_session *session = link->xep198;
	struct fw_str list = fw_stanza_attr(element, "s");
	uint64_t base = 0;

	if (session == NULL || !session->sending || link->state != LINK_UP) {
		return;
	}
	bool good = fw_str_to_u64(fw_stanza_attr(element, "h"), UINT32_MAX, &base) == FW_OK;
	uint32_t from = (uint32_t)base - (uint32_t)session->acked;
	good = good && from <= session->kept.count;
	while (good && list.len > 0) {
		const char *space = memchr(list.ptr, ' ', list.len);
		size_t len = space != NULL ? (size_t)(space - list.ptr) : list.len;
		good = free_range(&session->kept, fw_str_n(list.ptr, len), from);
		len += space != NULL;
		list = fw_str_n(list.ptr + len, list.len - len);
	}
	if (!good) {
		refuse_count(link, (uint32_t)base);
		return;
	}
	link_session_due(link);
}

const struct link_element link_session_elements[] = {
	{ FW_NS_SM, "enable", on_enable },
	{ FW_NS_SM, "enabled", on_enabled },
	{ FW_NS_SM, "resume", link_session_on_resume },
	{ FW_NS_SM, "resumed", link_session_on_resumed },
	{ FW_NS_SM, "failed", on_failed },
	{ FW_NS_SM, "r", on_r },
	{ FW_NS_SM, "a", on_a },
	{ LINK_NS, "left", on_left },
	{ NULL, NULL, NULL },
};

bool link_session_is_resume(const struct fw_stanza *element)
{
	return fw_str_is(fw_stanza_name(element), "resume") &&
	       fw_str_is(fw_stanza_ns(element), FW_NS_SM);
}

/* ---- report ---- */

const char *link_session_state(const struct link *link)
{
	switch ((enum link_state)link->state) {
	case LINK_FRESH:
		return "new";
	case LINK_RESUMING:
		return "resuming";
	case LINK_SUSPENDED:
		return "suspended";
	case LINK_UP:
	case LINK_OVER:
		break;
	}
	return link->channel == NULL || fw_channel_closing(link->channel) ? "closing" : "up";
}

void link_session_report(const struct link *link, struct fw_json *stream)
{
	const struct link_session *session = link->xep198;
	uint64_t now = fw_now_ms(link->room->router->loop);

	if (session == NULL) {
		return;
	}
	fw_json_set_int(stream, "unacknowledged", session->kept.stanzas);
	if (session->custody != NULL) {
		fw_json_set_int(stream, "in_custody",
		                (int64_t)(link_custody_received(session->custody) -
		                          link_custody_prefix(session->custody)));
	}
	fw_json_set_bool(stream, "resumable", session->id[0] != '\0');
	if (link->channel == NULL) {
		fw_json_set_int(stream, "resumable_ms",
		                (int64_t)(session->until_ms > now ? session->until_ms - now : 0));
	}
}
