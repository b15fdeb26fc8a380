/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The states of an uplink, in the order in which it passes through them: wait → connect → header →
 * handshake → up → closing, and from each back to wait. The wire is XEP-0114 seen from the
 * component's side.
 */
#include "router/link.h"
#include "router/notices.h"
#include "router/uplink_conn.h"
#include "router/uplink_states.h"

#include <fedway/io/crypto.h>

enum {
	UPLINK_STEP_MS = 10000,
	UPLINK_CLOSING_MS = 8000,
	UPLINK_KEEP_ALIVE_MS = 60000,
	/* a server that is restarted is no news */
	UPLINK_FAILURES_TOLD = 2
};

#define UPLINK_NOTICE "uplink"

static struct fw_logger uplink_log = FW_LOGGER("router.uplink");

/* Where a try ends that has left nothing open. */
static void uplink_rest(struct uplink *uplink)
{
	bool over = uplink->removed || uplink->draining;

	fw_machine_goto(&uplink->machine, over ? UPLINK_ENDED : UPLINK_WAIT);
}

/* What to do in the words of XEP-0114, where the general remedy speaks of servers of others. */
static const char *uplink_remedy(enum fw_cause cause)
{
	switch (cause) {
	case FW_CAUSE_CONNECT_FAILED:
		return "does the server there run, and take components on this port? does a "
		       "firewall refuse it?";
	case FW_CAUSE_PEER_ERROR:
		return "not-authorized: the secret there is another one; host-unknown: there is no "
		       "component of this name; conflict: somebody else is attached under it";
	default:
		return fw_cause_row(cause)->remedy;
	}
}

/* A notice with why it is down, until it is up. */
static void uplink_tell(struct uplink *uplink)
{
	const struct fw_cause_row *row = fw_cause_row(uplink->last_cause);
	char text[512];

	(void)snprintf(text, sizeof(text),
	               "no connection as %s to the server at %s port %u: %s%s%s", uplink->row->name,
	               uplink->row->host, uplink->row->port, row->text,
	               uplink->last_detail[0] != '\0' ? ": " : "", uplink->last_detail);
	notices_put(uplink->router, uplink->component, UPLINK_NOTICE, FW_NOTICE_YELLOW,
	            uplink_remedy(uplink->last_cause), text);
}

static void uplink_fail(struct uplink *uplink, enum fw_cause cause, const char *detail)
{
	char words[128];
	bool ours = uplink->removed || uplink->draining;
	uint64_t now = fw_now_ms(uplink->router->loop);

	/* What falls at once after coming up counts as a failure, so that two sides do not chase
	 * each other. */
	if (uplink->up_ms == 0 || now - uplink->up_ms < uplink->row->retry_max_ms) {
		uplink->failures++;
	} else {
		uplink->failures = 1;
	}
	uplink_leave(uplink, ours ? uplink->last_cause : FW_CAUSE_COMPONENT_GONE);
	uplink->last_cause = cause;
	(void)snprintf(uplink->last_detail, sizeof(uplink->last_detail), "%s", detail);
	fw_log(uplink->log, &uplink_log, ours ? FW_LOG_INFO : FW_LOG_WARNING,
	       "uplink down state=%s cause=%s text=\"%s\" remedy=\"%s\" detail=%s failures=%u",
	       fw_machine_state_name(&uplink->machine), fw_cause_row(cause)->name,
	       fw_cause_row(cause)->text, uplink_remedy(cause),
	       fw_quote(fw_str(detail), words, sizeof(words)), uplink->failures);
	if (!ours && uplink->failures >= UPLINK_FAILURES_TOLD) {
		uplink_tell(uplink);
	}
	fw_io_remove(&uplink->io);
	if (uplink->fd >= 0) {
		fw_socket_close(&uplink->fd);
	}
	fw_channel_free(&uplink->channel);
	uplink_rest(uplink);
}

/* The stream is open: say why and wait for the peer's footer. */
static void uplink_part(struct uplink *uplink, enum fw_cause cause)
{
	fw_channel_close(uplink->channel, cause);
	fw_machine_goto(&uplink->machine, UPLINK_CLOSING);
}

static void wait_handle(void *owner, const struct fw_event *event)
{
	struct uplink *uplink = owner;
	uint32_t random;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_random(&random, sizeof(random));
		fw_machine_timeout(&uplink->machine, uplink_delay_ms(uplink->row->retry_min_ms,
		                                                     uplink->row->retry_max_ms,
		                                                     uplink->failures, random));
		break;
	case FW_EVENT_TIMEOUT:
		fw_machine_goto(&uplink->machine, UPLINK_CONNECT);
		break;
	case UPLINK_EVENT_END:
		fw_machine_goto(&uplink->machine, UPLINK_ENDED);
		break;
	default:
		break;
	}
}

static void uplink_writable(void *ctx, int events)
{
	struct uplink *uplink = ctx;

	(void)events;
	fw_machine_send(&uplink->machine, UPLINK_EVENT_WRITABLE, NULL);
}

static void connect_begin(struct uplink *uplink)
{
	struct fw_error err = { 0 };
	int ret = fw_socket_connect(&uplink->addr, NULL, &uplink->fd, &err);

	if (ret == FW_OK) {
		ret = fw_io_add(uplink->router->loop, uplink->fd, FW_IO_WRITE, uplink_writable,
		                uplink, &uplink->io);
	}
	if (ret != FW_OK) {
		uplink_fail(uplink, FW_CAUSE_CONNECT_FAILED, err.text);
	}
}

static void connect_finish(struct uplink *uplink)
{
	struct fw_error err = { 0 };
	int ret = fw_socket_result(uplink->fd, &err);

	fw_io_remove(&uplink->io);
	if (ret != FW_OK) {
		uplink_fail(uplink, FW_CAUSE_CONNECT_FAILED, err.text);
		return;
	}
	if (uplink_open_channel(uplink) != FW_OK) {
		uplink_fail(uplink, FW_CAUSE_RESOURCES, "");
		return;
	}
	fw_machine_goto(&uplink->machine, UPLINK_HEADER);
}

static void connect_handle(void *owner, const struct fw_event *event)
{
	struct uplink *uplink = owner;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		connect_begin(uplink);
		break;
	case UPLINK_EVENT_WRITABLE:
		connect_finish(uplink);
		break;
	case FW_EVENT_TIMEOUT:
		uplink_fail(uplink, FW_CAUSE_CONNECT_TIMEOUT, "");
		break;
	case UPLINK_EVENT_END:
		uplink_fail(uplink, uplink->last_cause, "");
		break;
	default:
		break;
	}
}

/* Events that mean the same in every state with a stream. */
static void stream_handle(struct uplink *uplink, const struct fw_event *event, enum fw_cause late)
{
	const struct uplink_closed *closed = event->data;

	switch (event->kind) {
	case UPLINK_EVENT_CLOSED:
		uplink_fail(uplink, closed->cause, closed->detail);
		break;
	case UPLINK_EVENT_END:
		uplink_part(uplink, uplink->last_cause);
		break;
	case FW_EVENT_TIMEOUT:
		uplink_part(uplink, late);
		break;
	case UPLINK_EVENT_ELEMENT:
		uplink_part(uplink, FW_CAUSE_UNEXPECTED);
		break;
	default:
		break;
	}
}

/* XEP-0114 §3: stream id and secret, as lower-case hex of their SHA-1. */
static void send_handshake(struct uplink *uplink, const struct fw_stream_header *header)
{
	const struct fw_secret *secret = &uplink->row->secret;
	char hash[FW_SHA1_HEX_SIZE];

	fw_sha1_hex(header->id, fw_str_n(secret->bytes, secret->len), hash);
	fw_channel_send_text(uplink->channel, "<handshake>%s</handshake>", hash);
}

static void header_handle(void *owner, const struct fw_event *event)
{
	struct uplink *uplink = owner;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_channel_open(uplink->channel, fw_str(uplink->row->name), fw_str(NULL),
		                fw_str(NULL), false);
		break;
	case UPLINK_EVENT_OPENED:
		send_handshake(uplink, event->data);
		fw_machine_goto(&uplink->machine, UPLINK_HANDSHAKE);
		break;
	default:
		stream_handle(uplink, event, FW_CAUSE_HEADER_TIMEOUT);
	}
}

static void handshake_handle(void *owner, const struct fw_event *event)
{
	struct uplink *uplink = owner;
	struct fw_stanza **stanza = event->data;

	if (event->kind == UPLINK_EVENT_ELEMENT && link_is_handshake(*stanza)) {
		fw_machine_goto(&uplink->machine, UPLINK_UP);
		return;
	}
	stream_handle(uplink, event, FW_CAUSE_AUTH_TIMEOUT);
}

static void up_handle(void *owner, const struct fw_event *event)
{
	struct uplink *uplink = owner;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		uplink_join(uplink);
		notices_drop(uplink->router, uplink->component, UPLINK_NOTICE);
		fw_log(uplink->log, &uplink_log, FW_LOG_NOTICE, "uplink up name=%s host=%s port=%u",
		       uplink->row->name, uplink->row->host, uplink->row->port);
		fw_machine_timeout(&uplink->machine, UPLINK_KEEP_ALIVE_MS);
		break;
	case FW_EVENT_TIMEOUT:
		/* White space between stanzas (RFC 6120 §4.6.1): a dead peer shows as a failed
		 * write. */
		fw_channel_send_text(uplink->channel, " ");
		fw_machine_timeout(&uplink->machine, UPLINK_KEEP_ALIVE_MS);
		break;
	case UPLINK_EVENT_ELEMENT:
		uplink_route(uplink, event->data);
		break;
	default:
		stream_handle(uplink, event, FW_CAUSE_NONE);
	}
}

static void closing_handle(void *owner, const struct fw_event *event)
{
	struct uplink *uplink = owner;
	const struct uplink_closed *closed = event->data;

	switch (event->kind) {
	case UPLINK_EVENT_CLOSED:
		uplink_fail(uplink, closed->cause, closed->detail);
		break;
	case FW_EVENT_TIMEOUT:
		uplink_fail(uplink, FW_CAUSE_PEER_LOST, "no footer");
		break;
	case UPLINK_EVENT_ELEMENT:
		uplink_route(uplink, event->data);
		break;
	default:
		break;
	}
}

static void ended_handle(void *owner, const struct fw_event *event)
{
	struct uplink *uplink = owner;

	if (event->kind == FW_EVENT_ENTER) {
		fw_defer(uplink->router->loop, &uplink->ended_task);
	}
}

const struct fw_state_row uplink_states[UPLINK_STATE_COUNT] = {
	[UPLINK_WAIT] = { "wait", wait_handle, FW_TIMEOUT_OWN,
	                  FW_TO(UPLINK_CONNECT) | FW_TO(UPLINK_ENDED) },
	[UPLINK_CONNECT] = { "connect", connect_handle, UPLINK_STEP_MS,
	                     FW_TO(UPLINK_WAIT) | FW_TO(UPLINK_HEADER) | FW_TO(UPLINK_ENDED) },
	[UPLINK_HEADER] = { "header", header_handle, UPLINK_STEP_MS,
	                    FW_TO(UPLINK_HANDSHAKE) | FW_TO(UPLINK_CLOSING) | FW_TO(UPLINK_WAIT) |
	                            FW_TO(UPLINK_ENDED) },
	[UPLINK_HANDSHAKE] = { "handshake", handshake_handle, UPLINK_STEP_MS,
	                       FW_TO(UPLINK_UP) | FW_TO(UPLINK_CLOSING) | FW_TO(UPLINK_WAIT) |
	                               FW_TO(UPLINK_ENDED) },
	[UPLINK_UP] = { "up", up_handle, FW_TIMEOUT_OWN,
	                FW_TO(UPLINK_CLOSING) | FW_TO(UPLINK_WAIT) | FW_TO(UPLINK_ENDED) },
	[UPLINK_CLOSING] = { "closing", closing_handle, UPLINK_CLOSING_MS,
	                     FW_TO(UPLINK_WAIT) | FW_TO(UPLINK_ENDED) },
	[UPLINK_ENDED] = { "ended", ended_handle, FW_TIMEOUT_OWN, 0 },
};
