/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a dial does in each state. A target that fails makes way for the next, at `connect`.
 *
 *   connect ──► stream ──► tls ──► stream ──► done
 *      ▲          │         │
 *      └──────────┴─ leave ◄┘
 */
#include "sdk/io/dial_private.h"

#include <stdio.h>
#include <string.h>

/* Gives the target up in good order: the peer is told why. */
static void dial_leave(struct fw_dial *dial, enum fw_cause cause, const char *detail)
{
	dial->leaving = cause;
	snprintf(dial->leaving_detail, sizeof(dial->leaving_detail), "%s", detail);
	fw_machine_goto(&dial->machine, DIAL_LEAVE);
}

/* The same in all states with a stream. The words are copied, since they end with the channel. */
static void dial_peer_closed(struct fw_dial *dial, const struct dial_closed *closed)
{
	char detail[sizeof(dial->failure.detail)];

	snprintf(detail, sizeof(detail), "%s", closed->detail);
	dial_fail(dial, closed->cause, detail);
}

/* ---- connect ---- */

static void connect_ready(void *ctx, int events)
{
	struct fw_dial *dial = ctx;

	(void)events;
	fw_machine_send(&dial->machine, DIAL_CONNECTED, NULL);
}

void dial_connect_refused(void *ctx)
{
	struct fw_dial *dial = ctx;

	dial_fail(dial, FW_CAUSE_CONNECT_FAILED, dial->error.text);
}

static void connect_begin(struct fw_dial *dial)
{
	const struct fw_target *target = &dial->targets[dial->current];
	int ret = fw_socket_connect(&target->addr, NULL, &dial->fd, &dial->error);

	if (ret == FW_OK) {
		ret = fw_io_add(dial->loop, dial->fd, FW_IO_WRITE, connect_ready, dial, &dial->io);
		if (ret != FW_OK) {
			fw_error_set(&dial->error, ret, "cannot watch the socket: %s",
			             fw_strerror(ret));
		}
	}
	if (ret != FW_OK) {
		fw_defer(dial->loop, &dial->refused);
	}
}

static void connect_done(struct fw_dial *dial)
{
	const struct fw_stream_settings stream = {
		.content_ns = FW_NS_SERVER,
		.dialback = true,
		.limits = dial->settings.limits,
	};

	if (fw_socket_result(dial->fd, &dial->error) != FW_OK) {
		dial_fail(dial, FW_CAUSE_CONNECT_FAILED, dial->error.text);
		return;
	}
	fw_io_remove(&dial->io);
	int ret = fw_channel_new(dial->loop, &dial->fd, &stream, &dial_channel_events, dial,
	                         &dial->channel);
	if (ret != FW_OK) {
		dial_fail(dial, FW_CAUSE_RESOURCES, fw_strerror(ret));
		return;
	}
	fw_machine_goto(&dial->machine, DIAL_STREAM);
}

static void state_connect(void *owner, const struct fw_event *event)
{
	struct fw_dial *dial = owner;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&dial->machine, dial->settings.connect_timeout_ms);
		connect_begin(dial);
		break;
	case DIAL_CONNECTED:
		connect_done(dial);
		break;
	case FW_EVENT_TIMEOUT:
		dial_fail(dial, FW_CAUSE_CONNECT_TIMEOUT, "");
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
static void dial_unexpected(struct fw_dial *dial, const struct fw_stanza *stanza)
{
	char name[48];

	if (is_stream_element(stanza, "error")) {
		/* The channel has read the condition; it closes in answer (RFC 6120 §4.9.1.1). */
		dial_leave(dial, FW_CAUSE_PEER_ERROR, "");
		return;
	}
	fw_quote(fw_stanza_name(stanza), name, sizeof(name));
	dial_leave(dial, FW_CAUSE_UNEXPECTED, name);
}

static void stream_features(struct fw_dial *dial, struct fw_stanza *stanza)
{
	const struct fw_elem *features = fw_stanza_root(stanza);

	if (features == NULL) {
		dial_fail(dial, FW_CAUSE_RESOURCES, "out of memory");
	} else if (dial->secured || dial->settings.security == FW_SECURITY_NONE) {
		dial_ready(dial, stanza);
	} else if (fw_elem_find(features, "starttls", FW_NS_TLS) != NULL) {
		fw_machine_goto(&dial->machine, DIAL_TLS);
	} else if (dial->settings.security == FW_SECURITY_REQUIRED) {
		dial_leave(dial, FW_CAUSE_TLS_REQUIRED, "");
	} else {
		dial_ready(dial, stanza);
	}
}

/* RFC 6120 §4.7.5: a peer from before XMPP 1.0 sends no features. */
static void stream_opened(struct fw_dial *dial)
{
	if (dial->header.has_version) {
		return;
	}
	if (!dial->secured && dial->settings.security == FW_SECURITY_REQUIRED) {
		dial_leave(dial, FW_CAUSE_TLS_REQUIRED, "the peer speaks no XMPP 1.0");
	} else {
		dial_ready(dial, NULL);
	}
}

static void state_stream(void *owner, const struct fw_event *event)
{
	struct fw_dial *dial = owner;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&dial->machine, dial->settings.stream_timeout_ms);
		fw_channel_open(dial->channel, fw_str(dial->remote_domain),
		                fw_str(dial->local_domain), fw_str(NULL), true);
		break;
	case DIAL_OPENED:
		stream_opened(dial);
		break;
	case DIAL_ELEMENT:
		if (is_stream_element(event->data, "features")) {
			stream_features(dial, event->data);
		} else {
			dial_unexpected(dial, event->data);
		}
		break;
	case DIAL_CLOSED:
		dial_peer_closed(dial, event->data);
		break;
	case FW_EVENT_TIMEOUT:
		dial_fail(dial, FW_CAUSE_HEADER_TIMEOUT, "");
		break;
	default:
		break;
	}
}

/* ---- tls: from <starttls/> to the end of the handshake ---- */

static void tls_element(struct fw_dial *dial, const struct fw_stanza *stanza)
{
	bool of_tls = fw_str_is(fw_stanza_ns(stanza), FW_NS_TLS);

	if (of_tls && fw_str_is(fw_stanza_name(stanza), "proceed")) {
		fw_channel_start_tls(dial->channel, dial->settings.tls, FW_TLS_INITIATING,
		                     dial->remote_domain);
	} else if (of_tls && fw_str_is(fw_stanza_name(stanza), "failure")) {
		/* RFC 6120 §5.4.2.2 */
		dial_leave(dial, FW_CAUSE_TLS_FAILED, "the peer answered <failure/>");
	} else {
		dial_unexpected(dial, stanza);
	}
}

static void state_tls(void *owner, const struct fw_event *event)
{
	struct fw_dial *dial = owner;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&dial->machine, dial->settings.tls_timeout_ms);
		fw_channel_send_text(dial->channel, "<starttls xmlns='%s'/>", FW_NS_TLS);
		break;
	case DIAL_ELEMENT:
		tls_element(dial, event->data);
		break;
	case DIAL_SECURED:
		dial->secured = true;
		dial_drop_header(dial); /* RFC 6120 §5.4.3.3: nothing learnt in clear counts */
		fw_machine_goto(&dial->machine, DIAL_STREAM);
		break;
	case DIAL_CLOSED:
		dial_peer_closed(dial, event->data);
		break;
	case FW_EVENT_TIMEOUT:
		dial_fail(dial, FW_CAUSE_TLS_TIMEOUT, "");
		break;
	default:
		break;
	}
}

/* ---- leave: the stream to this target closes; its reason is known ---- */

static void state_leave(void *owner, const struct fw_event *event)
{
	struct fw_dial *dial = owner;
	char detail[sizeof(dial->failure.detail)];

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_channel_close(dial->channel, dial->leaving);
		break;
	case DIAL_CLOSED: {
		const struct dial_closed *closed = event->data;
		const char *own = dial->leaving_detail;

		snprintf(detail, sizeof(detail), "%s", own[0] != '\0' ? own : closed->detail);
		dial_fail(dial, dial->leaving, detail);
		break;
	}
	case FW_EVENT_TIMEOUT:
		snprintf(detail, sizeof(detail), "%s", dial->leaving_detail);
		dial_fail(dial, dial->leaving, detail);
		break;
	default:
		break; /* the peer's last words change nothing */
	}
}

static void state_done(void *owner, const struct fw_event *event)
{
	(void)owner;
	(void)event;
}

const struct fw_state_row dial_rows[DIAL_STATES] = {
	[DIAL_CONNECT] = { "connect", state_connect, FW_TIMEOUT_OWN,
	                   FW_TO(DIAL_CONNECT) | FW_TO(DIAL_STREAM) },
	[DIAL_STREAM] = { "stream", state_stream, FW_TIMEOUT_OWN,
	                  FW_TO(DIAL_CONNECT) | FW_TO(DIAL_TLS) | FW_TO(DIAL_LEAVE) |
	                          FW_TO(DIAL_DONE) },
	[DIAL_TLS] = { "tls", state_tls, FW_TIMEOUT_OWN,
	               FW_TO(DIAL_CONNECT) | FW_TO(DIAL_STREAM) | FW_TO(DIAL_LEAVE) },
	[DIAL_LEAVE] = { "leave", state_leave, 10000, FW_TO(DIAL_CONNECT) },
	[DIAL_DONE] = { "done", state_done, 10000, 0 },
};
