/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One target of a dial: header, features, TLS as the target and the security mode ask, header
 * again. Begun by dial.c, which is told once whether it is ready or has failed. A failure is told
 * at once: the stream that is given up closes by itself.
 *
 *   connect ──► stream ──► tls ──► stream ──► done
 *       └───── direct TLS ──┘
 */
#include "sdk/io/dial_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fw_logger dial_log = FW_LOGGER("ConnInfoHistory");

/* ---- words for the log ---- */

static enum fw_level attempt_level(const struct dial_attempt *attempt)
{
	return attempt->dial->settings.quiet ? FW_LOG_DEBUG : FW_LOG_INFO;
}

static const char *attempt_word(const struct dial_attempt *attempt, int state)
{
	switch (state) {
	case ATTEMPT_CONNECT:
		return "PENDING";
	case ATTEMPT_STREAM:
		return attempt->secured ? "SECURED" : "CONNECTED";
	case ATTEMPT_TLS:
		return attempt->record->target->tls == FW_TARGET_DIRECT_TLS ? "DIRECTTLS"
		                                                            : "STARTTLS";
	default:
		return "READY";
	}
}

static void attempt_changed(void *owner, int from, int to, uint64_t spent_us)
{
	struct dial_attempt *attempt = owner;
	struct fw_dial_attempt *record = attempt->record;
	char addr[FW_ADDR_TEXT_SIZE];

	record->spent_us[from] += spent_us;
	if (to < FW_DIAL_PHASES) {
		record->phase = (enum fw_dial_phase)to;
	}
	fw_log(attempt->dial->settings.log, &dial_log, attempt_level(attempt),
	       "%s->%s target=%s[%s] spent_ms=%.1f", attempt_word(attempt, from),
	       attempt_word(attempt, to), record->target->host,
	       fw_addr_text(&record->target->addr, addr), (double)spent_us / 1000.0);
	dial_progressed(attempt->dial);
}

/* The attempt ends: why, and how far it came. */
static void attempt_note(struct dial_attempt *attempt, enum fw_cause cause, const char *detail)
{
	struct fw_dial_attempt *record = attempt->record;
	uint64_t spent_us = fw_now_us(attempt->dial->loop) - attempt->machine.entered_us;
	char addr[FW_ADDR_TEXT_SIZE], words[300];

	record->spent_us[attempt->machine.state] += spent_us;
	record->cause = cause;
	snprintf(record->detail, sizeof(record->detail), "%s", detail);
	fw_log(attempt->dial->settings.log, &dial_log, attempt_level(attempt),
	       "%s->%s target=%s[%s] spent_ms=%.1f cause=%s detail=%s",
	       attempt_word(attempt, attempt->machine.state),
	       cause == FW_CAUSE_OUTRUN ? "DROPPED" : "FAILED", record->target->host,
	       fw_addr_text(&record->target->addr, addr), (double)spent_us / 1000.0,
	       fw_cause_row(cause)->name, fw_quote(fw_str(detail), words, sizeof(words)));
}

/* ---- the end ---- */

static void attempt_drop_header(struct dial_attempt *attempt)
{
	free(attempt->header_text);
	attempt->header_text = NULL;
	memset(&attempt->header, 0, sizeof(attempt->header));
}

void dial_attempt_free(struct dial_attempt **at)
{
	struct dial_attempt *attempt = *at;

	*at = NULL;
	*attempt->link = attempt->next;
	if (attempt->next != NULL) {
		attempt->next->link = attempt->link;
	}
	fw_machine_stop(&attempt->machine);
	fw_defer_cancel(&attempt->refused);
	fw_io_remove(&attempt->io);
	fw_socket_close(&attempt->fd);
	fw_channel_free(&attempt->channel);
	attempt_drop_header(attempt);
	free(attempt);
}

/* The verdict on this target; the peer is told why in its own time. */
static void attempt_fail(struct dial_attempt *attempt, enum fw_cause cause, const char *detail)
{
	attempt_note(attempt, cause, detail);
	if (attempt->channel != NULL) {
		fw_channel_farewell(&attempt->channel, cause);
	}
	dial_lost(attempt);
}

void dial_attempt_outrun(struct dial_attempt *attempt)
{
	attempt_note(attempt, FW_CAUSE_OUTRUN, "");
	if (attempt->channel != NULL) {
		fw_channel_farewell(&attempt->channel, FW_CAUSE_OUTRUN);
	}
	dial_attempt_free(&attempt);
}

static void attempt_ready(struct dial_attempt *attempt, struct fw_stanza *features)
{
	fw_machine_goto(&attempt->machine, ATTEMPT_DONE);
	dial_won(attempt, features);
}

/* ---- the channel's events ---- */

/* The header outlives its event: it is part of the result. */
static bool keep_header(struct dial_attempt *attempt, const struct fw_stream_header *header)
{
	struct fw_str *slices[4];
	size_t size = header->to.len + header->from.len + header->id.len + header->lang.len;
	char *text = malloc(size + 1);

	if (text == NULL) {
		return false;
	}
	attempt_drop_header(attempt);
	attempt->header_text = text;
	attempt->header = *header;
	slices[0] = &attempt->header.to;
	slices[1] = &attempt->header.from;
	slices[2] = &attempt->header.id;
	slices[3] = &attempt->header.lang;
	for (size_t i = 0; i < FW_COUNT(slices); i++) {
		if (slices[i]->ptr != NULL) {
			memcpy(text, slices[i]->ptr, slices[i]->len);
			slices[i]->ptr = text;
			text += slices[i]->len;
		}
	}
	return true;
}

static void on_opened(void *ctx, const struct fw_stream_header *header)
{
	struct dial_attempt *attempt = ctx;

	if (keep_header(attempt, header)) {
		fw_machine_send(&attempt->machine, ATTEMPT_OPENED, NULL);
	} else {
		attempt_fail(attempt, FW_CAUSE_RESOURCES, "out of memory");
	}
}

static void on_element(void *ctx, struct fw_stanza **stanza)
{
	struct dial_attempt *attempt = ctx;

	fw_machine_send(&attempt->machine, ATTEMPT_ELEMENT, *stanza);
}

static void on_secured(void *ctx)
{
	struct dial_attempt *attempt = ctx;

	fw_machine_send(&attempt->machine, ATTEMPT_SECURED, NULL);
}

static void on_refused(void *ctx, enum fw_cause cause)
{
	attempt_fail(ctx, cause, "");
}

/* A server that stumbles over a TLS session of before gets a second try without. */
static bool attempt_again(struct dial_attempt *attempt)
{
	const struct fw_tls *tls = fw_channel_tls(attempt->channel);
	struct fw_dial_attempt *record = attempt->record;

	if (tls == NULL || !fw_tls_session_failed(tls) ||
	    dial_attempt_start(attempt->dial, record) != FW_OK) {
		return false;
	}
	record->cause = FW_CAUSE_NONE;
	record->detail[0] = '\0';
	dial_attempt_free(&attempt);
	return true;
}

static void on_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	attempt_note(ctx, cause, detail);
	if (!attempt_again(ctx)) {
		dial_lost(ctx); /* the channel goes with it */
	}
}

static const struct fw_channel_events attempt_channel_events = {
	.opened = on_opened,
	.element = on_element,
	.secured = on_secured,
	.closed = on_closed,
	.refused = on_refused,
};

/* ---- connect ---- */

static void connect_ready(void *ctx, int events)
{
	struct dial_attempt *attempt = ctx;

	(void)events;
	fw_machine_send(&attempt->machine, ATTEMPT_CONNECTED, NULL);
}

static void connect_refused(void *ctx)
{
	struct dial_attempt *attempt = ctx;

	attempt_fail(attempt, FW_CAUSE_CONNECT_FAILED, attempt->error.text);
}

/* The configured address of the target's family. */
static const struct fw_addr *connect_source(const struct dial_attempt *attempt)
{
	const struct fw_dial_settings *settings = &attempt->dial->settings;
	const struct fw_addr *target = &attempt->record->target->addr;

	for (size_t i = 0; i < FW_COUNT(settings->sources); i++) {
		if (settings->sources[i].len > 0 &&
		    settings->sources[i].storage.ss_family == target->storage.ss_family) {
			return &settings->sources[i];
		}
	}
	return NULL;
}

static void connect_begin(struct dial_attempt *attempt)
{
	struct fw_loop *loop = attempt->dial->loop;
	int ret = fw_socket_connect(&attempt->record->target->addr, connect_source(attempt),
	                            &attempt->fd, &attempt->error);

	if (ret == FW_OK) {
		ret = fw_io_add(loop, attempt->fd, FW_IO_WRITE, connect_ready, attempt,
		                &attempt->io);
		if (ret != FW_OK) {
			fw_error_set(&attempt->error, ret, "cannot watch the socket: %s",
			             fw_strerror(ret));
		}
	}
	if (ret != FW_OK) {
		fw_defer(loop, &attempt->refused);
	}
}

static void connect_done(struct dial_attempt *attempt)
{
	const struct fw_stream_settings stream = {
		.content_ns = FW_NS_SERVER,
		.dialback = true,
		.limits = attempt->dial->settings.limits,
	};

	if (fw_socket_result(attempt->fd, &attempt->error) != FW_OK) {
		attempt_fail(attempt, FW_CAUSE_CONNECT_FAILED, attempt->error.text);
		return;
	}
	fw_io_remove(&attempt->io);
	int ret = fw_channel_new(attempt->dial->loop, &attempt->fd, &stream,
	                         &attempt_channel_events, attempt, &attempt->channel);
	if (ret != FW_OK) {
		attempt_fail(attempt, FW_CAUSE_RESOURCES, fw_strerror(ret));
		return;
	}
	fw_channel_set_tap(attempt->channel, attempt->dial->settings.tap,
	                   attempt->dial->settings.tap_ctx);
	fw_machine_goto(&attempt->machine, attempt->record->target->tls == FW_TARGET_DIRECT_TLS
	                                           ? ATTEMPT_TLS
	                                           : ATTEMPT_STREAM);
}

static void state_connect(void *owner, const struct fw_event *event)
{
	struct dial_attempt *attempt = owner;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&attempt->machine, attempt->dial->settings.connect_timeout_ms);
		connect_begin(attempt);
		break;
	case ATTEMPT_CONNECTED:
		connect_done(attempt);
		break;
	case FW_EVENT_TIMEOUT:
		attempt_fail(attempt, FW_CAUSE_CONNECT_TIMEOUT, "");
		break;
	default:
		break;
	}
}

/* ---- stream: header and features, before TLS and after it ---- */

static bool is_stream_element(const struct fw_stanza *stanza, const char *name)
{
	return fw_str_is(fw_stanza_name(stanza), name) &&
	       fw_str_is(fw_stanza_ns(stanza), FW_NS_STREAMS);
}

/* An element that does not belong in this state. */
static void attempt_unexpected(struct dial_attempt *attempt, const struct fw_stanza *stanza)
{
	char name[64];

	if (is_stream_element(stanza, "error")) { /* answered with a footer: RFC 6120 §4.9.1.1 */
		snprintf(name, sizeof(name), "%s", fw_channel_peer_error(attempt->channel));
		attempt_fail(attempt, FW_CAUSE_PEER_ERROR, name);
		return;
	}
	fw_quote(fw_stanza_name(stanza), name, sizeof(name));
	attempt_fail(attempt, FW_CAUSE_UNEXPECTED, name);
}

static void stream_features(struct dial_attempt *attempt, struct fw_stanza *stanza)
{
	const struct fw_elem *features = fw_stanza_root(stanza);
	enum fw_security security = attempt->dial->settings.security;

	if (features == NULL) {
		attempt_fail(attempt, FW_CAUSE_RESOURCES, "out of memory");
	} else if (attempt->secured || security == FW_SECURITY_NONE) {
		attempt_ready(attempt, stanza);
	} else if (fw_elem_find(features, "starttls", FW_NS_TLS) != NULL) {
		fw_machine_goto(&attempt->machine, ATTEMPT_TLS);
	} else if (security == FW_SECURITY_REQUIRED) {
		attempt_fail(attempt, FW_CAUSE_TLS_REQUIRED, "");
	} else {
		attempt_ready(attempt, stanza);
	}
}

/* RFC 6120 §4.7.5: a peer from before XMPP 1.0 sends no features. */
static void stream_opened(struct dial_attempt *attempt)
{
	if (attempt->header.has_version) {
		return;
	}
	if (!attempt->secured && attempt->dial->settings.security == FW_SECURITY_REQUIRED) {
		attempt_fail(attempt, FW_CAUSE_TLS_REQUIRED, "the peer speaks no XMPP 1.0");
	} else {
		attempt_ready(attempt, NULL);
	}
}

static void open_stream(struct dial_attempt *attempt)
{
	char to[FW_DOMAIN_TEXT_SIZE], from[FW_DOMAIN_TEXT_SIZE];

	fw_channel_open(attempt->channel, fw_str(fw_domain_text(attempt->dial->remote_domain, to)),
	                fw_str(fw_domain_text(attempt->dial->local_domain, from)), fw_str(NULL),
	                true);
}

static void state_stream(void *owner, const struct fw_event *event)
{
	struct dial_attempt *attempt = owner;
	const struct fw_dial *dial = attempt->dial;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&attempt->machine, dial->settings.stream_timeout_ms);
		open_stream(attempt);
		break;
	case ATTEMPT_OPENED:
		stream_opened(attempt);
		break;
	case ATTEMPT_ELEMENT:
		if (is_stream_element(event->data, "features")) {
			stream_features(attempt, event->data);
		} else {
			attempt_unexpected(attempt, event->data);
		}
		break;
	case FW_EVENT_TIMEOUT:
		attempt_fail(attempt, FW_CAUSE_HEADER_TIMEOUT, "");
		break;
	default:
		break;
	}
}

/* ---- tls: from <starttls/>, or from the first byte, to the end of the handshake ---- */

static void tls_shake(struct dial_attempt *attempt)
{
	const struct fw_dial *dial = attempt->dial;
	const struct fw_target *target = attempt->record->target;
	char addr[FW_ADDR_TEXT_SIZE], session[2 * FW_DOMAIN_SIZE + FW_ADDR_TEXT_SIZE + 4];
	const struct fw_tls_start start = {
		.side = FW_TLS_INITIATING,
		.direct = target->tls == FW_TARGET_DIRECT_TLS,
		.peer_name = dial->remote_domain, /* also where the host has another name */
		.own_name = dial->local_domain,
		.session_key = session,
	};

	/* A session stands for both domains and for one address. */
	snprintf(session, sizeof(session), "%s|%s|%s", dial->local_domain, dial->remote_domain,
	         fw_addr_text(&target->addr, addr));
	fw_channel_secure(attempt->channel, dial->settings.tls, &start);
}

static void tls_enter(struct dial_attempt *attempt)
{
	fw_machine_timeout(&attempt->machine, attempt->dial->settings.tls_timeout_ms);
	if (attempt->record->target->tls == FW_TARGET_DIRECT_TLS) {
		tls_shake(attempt);
	} else {
		fw_channel_send_text(attempt->channel, "<starttls xmlns='%s'/>", FW_NS_TLS);
	}
}

static void tls_element(struct dial_attempt *attempt, const struct fw_stanza *stanza)
{
	bool of_tls = fw_str_is(fw_stanza_ns(stanza), FW_NS_TLS);

	if (of_tls && fw_str_is(fw_stanza_name(stanza), "proceed")) {
		tls_shake(attempt);
	} else if (of_tls && fw_str_is(fw_stanza_name(stanza), "failure")) {
		/* RFC 6120 §5.4.2.2 */
		attempt_fail(attempt, FW_CAUSE_TLS_FAILED, "the peer answered <failure/>");
	} else {
		attempt_unexpected(attempt, stanza);
	}
}

static void tls_done(struct dial_attempt *attempt)
{
	const struct fw_dial *dial = attempt->dial;
	char detail[160] = "";
	enum fw_cause cause = FW_CAUSE_NONE;

	if (dial->settings.judge != NULL) {
		cause = dial->settings.judge(dial->ctx, attempt->channel, detail, sizeof(detail));
	}
	if (cause != FW_CAUSE_NONE) {
		attempt_fail(attempt, cause, detail);
		return;
	}
	attempt->secured = true;
	attempt_drop_header(attempt); /* RFC 6120 §5.4.3.3: nothing learnt in clear counts */
	fw_machine_goto(&attempt->machine, ATTEMPT_STREAM);
}

static void state_tls(void *owner, const struct fw_event *event)
{
	struct dial_attempt *attempt = owner;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		tls_enter(attempt);
		break;
	case ATTEMPT_ELEMENT:
		tls_element(attempt, event->data);
		break;
	case ATTEMPT_SECURED:
		tls_done(attempt);
		break;
	case FW_EVENT_TIMEOUT:
		attempt_fail(attempt, FW_CAUSE_TLS_TIMEOUT, "");
		break;
	default:
		break;
	}
}

static void state_done(void *owner, const struct fw_event *event)
{
	(void)owner;
	(void)event;
}

static const struct fw_state_row attempt_rows[ATTEMPT_STATES] = {
	[ATTEMPT_CONNECT] = { "connect", state_connect, FW_TIMEOUT_OWN,
	                      FW_TO(ATTEMPT_STREAM) | FW_TO(ATTEMPT_TLS) },
	[ATTEMPT_STREAM] = { "stream", state_stream, FW_TIMEOUT_OWN,
	                     FW_TO(ATTEMPT_TLS) | FW_TO(ATTEMPT_DONE) },
	[ATTEMPT_TLS] = { "tls", state_tls, FW_TIMEOUT_OWN, FW_TO(ATTEMPT_STREAM) },
	[ATTEMPT_DONE] = { "done", state_done, 10000, 0 },
};

int dial_attempt_start(struct fw_dial *dial, struct fw_dial_attempt *record)
{
	struct dial_attempt *attempt = calloc(1, sizeof(*attempt));

	if (attempt == NULL) {
		return FW_ENOMEM;
	}
	attempt->dial = dial;
	attempt->record = record;
	attempt->fd = -1;
	attempt->refused = (struct fw_task){ connect_refused, attempt, NULL, NULL };
	attempt->machine.log = dial->settings.log;
	attempt->machine.changed = attempt_changed;
	attempt->next = dial->racing;
	attempt->link = &dial->racing;
	if (attempt->next != NULL) {
		attempt->next->link = &attempt->next;
	}
	dial->racing = attempt;
	int ret = fw_machine_start(&attempt->machine, attempt_rows, ATTEMPT_STATES, ATTEMPT_CONNECT,
	                           dial->loop, attempt);
	if (ret != FW_OK) {
		dial_attempt_free(&attempt);
	}
	return ret;
}
