/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A channel's life: its making, the owner's calls, the stream's events, and the ways to end
 * (RFC 6120 §4.4). Called by links, S2S and dials. Bytes are moved by channel_io.c; phases of the
 * protocol are the owner's.
 *
 * An owner may do anything from inside an event, freeing the channel included. So each call from
 * the loop counts itself in and out, and looks after every event whether the channel is over.
 */
#include "sdk/io/channel_awake.h"
#include "sdk/io/channel_private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHANNEL_REST_MS = 1000,  /* silence after which the stream gives back parser and buffer */
	CHANNEL_CLOSE_MS = 5000, /* for the peer's footer */
};

static const struct fw_stream_events channel_stream_events;
static void channel_timer(void *ctx);
static void channel_finished(void *ctx);

/* ---- life ---- */

static void set_options(int fd)
{
	const int on = 1;

	/* Only TCP knows the first; a local socket does without both. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static void find_peer(struct fw_channel *channel)
{
	channel->peer.len = sizeof(channel->peer.storage);
	if (getpeername(channel->fd, (struct sockaddr *)&channel->peer.storage,
	                &channel->peer.len) != 0) {
		channel->peer.len = 0;
	}
}

int fw_channel_new(struct fw_loop *loop, int *fd, const struct fw_stream_settings *settings,
                   const struct fw_channel_events *events, void *ctx, struct fw_channel **out)
{
	int ret = FW_ENOMEM;
	struct fw_channel *channel = calloc(1, sizeof(*channel));

	if (channel == NULL) {
		fw_socket_close(fd);
		return FW_ENOMEM;
	}
	channel->loop = loop;
	channel->fd = *fd;
	*fd = -1;
	channel->events = events;
	channel->ctx = ctx;
	channel->read_want = FW_IO_READ;
	channel->flush = (struct fw_task){ channel_flush, channel, NULL, NULL };
	channel->finished = (struct fw_task){ channel_finished, channel, NULL, NULL };
	channel->last_ms = channel->heard_ms = fw_now_ms(loop);
	find_peer(channel);
	set_options(channel->fd);
	ret = fw_stream_new(settings, &channel_stream_events, channel, &channel->stream);
	if (ret != FW_OK) {
		goto done;
	}
	ret = fw_timer_new(loop, channel_timer, channel, &channel->timer);
	if (ret != FW_OK) {
		goto done;
	}
	ret = fw_io_add(loop, channel->fd, FW_IO_READ, channel_ready, channel, &channel->io);
	if (ret != FW_OK) {
		goto done;
	}
	*out = channel;
	channel = NULL; /* given away */
done:
	fw_channel_free(&channel);
	return ret;
}

/* Lets go of the loop and the connection; stream and facts of TLS stay. */
static void disconnect(struct fw_channel *channel)
{
	channel->phase = CHANNEL_ENDED;
	channel_awake_leave(channel);
	fw_io_remove(&channel->io);
	fw_timer_free(&channel->timer);
	fw_defer_cancel(&channel->flush);
	channel_upgrade_drop(channel);
	fw_socket_close(&channel->fd);
}

void fw_channel_free(struct fw_channel **channel)
{
	struct fw_channel *old = *channel;

	*channel = NULL;
	if (old == NULL) {
		return;
	}
	fw_channel_set_tap(old, NULL, NULL);
	disconnect(old);
	fw_defer_cancel(&old->finished);
	fw_tls_free(&old->tls);
	fw_stream_free(&old->stream);
	old->dead = true;
	if (old->busy == 0) {
		free(old->detail);
		free(old);
	}
}

void channel_enter(struct fw_channel *channel)
{
	channel->busy++;
}

void channel_leave(struct fw_channel *channel)
{
	channel->busy--;
	if (channel->dead && channel->busy == 0) {
		free(channel->detail);
		free(channel);
	}
}

bool channel_over(const struct fw_channel *channel)
{
	return channel->dead || channel->phase == CHANNEL_ENDED;
}

void fw_channel_set_owner(struct fw_channel *channel, const struct fw_channel_events *events,
                          void *ctx)
{
	channel->events = events;
	channel->ctx = ctx;
}

/* ---- the end ---- */

static void channel_finished(void *ctx)
{
	struct fw_channel *channel = ctx;

	channel_enter(channel);
	channel->events->closed(channel->ctx, channel->cause,
	                        channel->detail != NULL ? channel->detail : "");
	channel_leave(channel);
}

/* The first reason stays. A peer's stream error has left its condition as the words. */
static void keep_reason(struct fw_channel *channel, enum fw_cause cause, const char *detail)
{
	if (channel->cause != FW_CAUSE_NONE) {
		return;
	}
	channel->cause = cause;
	if (!channel->peer_error) {
		free(channel->detail);
		/* Without memory there are no words. */
		channel->detail = detail != NULL ? fw_str_dup(fw_str(detail)) : NULL;
	}
}

void channel_finish(struct fw_channel *channel, enum fw_cause cause, const char *detail)
{
	if (channel_over(channel)) {
		return;
	}
	keep_reason(channel, cause, detail);
	if (channel->tls != NULL) {
		fw_tls_shutdown(channel->tls);
	}
	disconnect(channel);
	fw_defer(channel->loop, &channel->finished);
}

/* Causes of ours that are not the peer's fault: what it sent before it knew is still heard. */
static bool still_hears(enum fw_cause cause)
{
	const char *condition = fw_cause_row(cause)->stream_condition;

	return condition[0] == '\0' || strcmp(condition, "system-shutdown") == 0 ||
	       strcmp(condition, "reset") == 0;
}

void channel_close_with(struct fw_channel *channel, enum fw_cause cause, const char *detail)
{
	if (channel_over(channel) || channel->closing) {
		return;
	}
	keep_reason(channel, cause, detail);
	channel->closing = true;
	channel->deaf = !still_hears(cause);
	if (channel->phase == CHANNEL_HANDSHAKE) {
		/* RFC 6120 §5.4.3.2: no footer when TLS fails. */
		channel_finish(channel, cause, detail);
		return;
	}
	if (channel->phase == CHANNEL_UPGRADE || channel->phase == CHANNEL_SNIFF) {
		channel->refused = channel->phase == CHANNEL_UPGRADE; /* the stream is held */
		channel_upgrade_drop(channel);
		channel->phase = CHANNEL_OPEN;
	}
	fw_stream_close(channel->stream, cause);
	fw_timer_start_ms(channel->timer, CHANNEL_CLOSE_MS, 0);
	fw_defer(channel->loop, &channel->flush);
	channel_watch(channel);
}

/* Both footers are through, or there is nobody to hear the peer's. */
void channel_check_end(struct fw_channel *channel)
{
	struct iovec piece[4];

	if (channel_over(channel) || !channel->closing || channel->write_want != 0 ||
	    fw_stream_pending(channel->stream, piece, FW_COUNT(piece)) > 0) {
		return;
	}
	if (channel->peer_ended) {
		channel_finish(channel, channel->cause, NULL);
		return;
	}
	if (channel->refused && !channel->half_shut) {
		/* The peer reads our error before its end; closing at once could take it away. */
		if (channel->tls != NULL) {
			fw_tls_shutdown(channel->tls);
		}
		fw_socket_shutdown(channel->fd);
		channel->half_shut = true;
		fw_timer_start_ms(channel->timer, CHANNEL_CLOSE_MS, 0);
		if (channel->events->refused != NULL) {
			channel->events->refused(channel->ctx, channel->cause);
		}
		return;
	}
	fw_timer_start_ms(channel->timer, CHANNEL_CLOSE_MS, 0);
}

static void channel_timer(void *ctx)
{
	struct fw_channel *channel = ctx;

	if (channel->closing) {
		channel_finish(channel, channel->cause, NULL);
	} else if (channel->phase == CHANNEL_OPEN) {
		fw_stream_rest(channel->stream);
		channel_awake_leave(channel);
	}
}

/* ---- the owner's calls ---- */

void channel_want_flush(struct fw_channel *channel)
{
	if (channel->phase != CHANNEL_ENDED) {
		fw_defer(channel->loop, &channel->flush);
	}
}

static void no_memory(struct fw_channel *channel)
{
	channel_close_with(channel, FW_CAUSE_RESOURCES, "out of memory");
}

void fw_channel_open(struct fw_channel *channel, struct fw_str to, struct fw_str from,
                     struct fw_str id, bool version)
{
	if (fw_stream_open(channel->stream, to, from, id, version) != FW_OK) {
		no_memory(channel);
	}
	channel_want_flush(channel);
}

void fw_channel_send(struct fw_channel *channel, struct fw_stanza **stanza)
{
	if (fw_stream_send(channel->stream, stanza) != FW_OK) {
		no_memory(channel);
	}
	channel_want_flush(channel);
}

static void sent(struct fw_channel *channel, int ret)
{
	if (ret != FW_OK) {
		no_memory(channel);
	}
	channel_want_flush(channel);
}

void fw_channel_send_raw(struct fw_channel *channel, struct fw_str text)
{
	sent(channel, fw_stream_send_raw(channel->stream, text));
}

void fw_channel_send_vtext(struct fw_channel *channel, const char *format, va_list args)
{
	sent(channel, fw_stream_send_vtext(channel->stream, format, args));
}

void fw_channel_send_text(struct fw_channel *channel, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fw_channel_send_vtext(channel, format, args);
	va_end(args);
}

void fw_channel_restart(struct fw_channel *channel)
{
	if (!channel_over(channel) && !channel->closing && channel->phase == CHANNEL_OPEN) {
		fw_stream_restart(channel->stream);
	}
}

void fw_channel_queued(const struct fw_channel *channel, size_t *stanzas, size_t *bytes)
{
	fw_stream_queued(channel->stream, stanzas, bytes);
}

size_t fw_channel_queued_texts(const struct fw_channel *channel)
{
	return fw_stream_queued_texts(channel->stream);
}

struct fw_stanza *fw_channel_take_back(struct fw_channel *channel)
{
	return fw_stream_take_back(channel->stream);
}

struct fw_tls *fw_channel_tls(const struct fw_channel *channel)
{
	return channel->phase != CHANNEL_HANDSHAKE ? channel->tls : NULL;
}

void fw_channel_close(struct fw_channel *channel, enum fw_cause cause)
{
	channel_close_with(channel, cause, NULL);
}

const char *fw_channel_peer_error(const struct fw_channel *channel)
{
	return channel->peer_error && channel->detail != NULL ? channel->detail : "";
}

bool fw_channel_closing(const struct fw_channel *channel)
{
	return channel->closing || channel->phase == CHANNEL_ENDED;
}

void fw_channel_pause(struct fw_channel *channel, bool pause)
{
	channel->paused = pause;
	channel_watch(channel);
	if (!pause) {
		channel_want_flush(
		        channel); /* TLS may hold bytes that the descriptor does not show */
	}
}

void fw_channel_set_limits(struct fw_channel *channel, const struct fw_xml_limits *limits)
{
	fw_stream_set_limits(channel->stream, limits);
}

const struct fw_stream_counts *fw_channel_counts(const struct fw_channel *channel)
{
	return fw_stream_counts(channel->stream);
}

const struct fw_addr *fw_channel_peer(const struct fw_channel *channel)
{
	return &channel->peer;
}

int fw_channel_local(const struct fw_channel *channel, struct fw_addr *out)
{
	if (channel->fd >= 0 && fw_socket_name(channel->fd, out) == FW_OK) {
		return FW_OK;
	}
	out->len = 0;
	return FW_ECLOSED;
}

void fw_channel_set_tap(struct fw_channel *channel, fw_channel_tap_fn *tap, void *ctx)
{
	fw_channel_tap_fn *old = channel->tap;
	void *old_ctx = channel->tap_ctx;

	if (old == tap && old_ctx == ctx) {
		return;
	}
	channel->tap = tap;
	channel->tap_ctx = ctx;
	if (old != NULL) {
		old(old_ctx, channel, false, fw_str(NULL));
	}
}

uint64_t fw_channel_last_ms(const struct fw_channel *channel)
{
	return channel->last_ms;
}

uint64_t fw_channel_heard_ms(const struct fw_channel *channel)
{
	return channel->heard_ms;
}

/* ---- the stream's events ---- */

static bool silent(const struct fw_channel *channel)
{
	return channel->deaf || channel_over(channel);
}

static void on_opened(void *ctx, const struct fw_stream_header *header)
{
	struct fw_channel *channel = ctx;

	if (!silent(channel) && !channel->closing) {
		channel->events->opened(channel->ctx, header);
	}
}

/* RFC 6120 §4.9: the condition is the child that is not text. */
static void note_peer_error(struct fw_channel *channel, struct fw_stanza *stanza)
{
	struct fw_elem *child = fw_elem_first(fw_stanza_root(stanza));

	for (; child != NULL; child = fw_elem_next(child)) {
		if (fw_str_is(fw_elem_ns(child), FW_NS_STREAM_ERRORS) &&
		    !fw_str_is(fw_elem_name(child), "text")) {
			break;
		}
	}
	if (channel->cause == FW_CAUSE_NONE) {
		free(channel->detail);
		channel->detail = child != NULL ? fw_str_dup(fw_elem_name(child)) : NULL;
	}
	channel->peer_error = true;
}

/* What the peer has is true whatever we think of it (XEP-0198): else it would be returned as lost.
 */
static bool is_awaited_count(const struct fw_channel *channel, const struct fw_stanza *stanza)
{
	size_t stanzas = 0;
	size_t bytes = 0;

	if (channel_over(channel) || !fw_str_is(fw_stanza_ns(stanza), FW_NS_SM) ||
	    !fw_str_is(fw_stanza_name(stanza), "a")) {
		return false;
	}
	fw_channel_unacknowledged(channel, &stanzas, &bytes);
	return stanzas > 0;
}

static void on_element(void *ctx, struct fw_stanza **stanza)
{
	struct fw_channel *channel = ctx;

	if (fw_stanza_kind(*stanza) == FW_KIND_OTHER &&
	    fw_str_is(fw_stanza_name(*stanza), "error") &&
	    fw_str_is(fw_stanza_ns(*stanza), FW_NS_STREAMS)) {
		note_peer_error(channel, *stanza);
	} else {
		channel->peer_error = false;
	}
	if (!silent(channel) || is_awaited_count(channel, *stanza)) {
		channel->events->element(channel->ctx, stanza);
	}
}

static void on_ended(void *ctx)
{
	struct fw_channel *channel = ctx;

	channel->peer_ended = true;
	if (!silent(channel) && !channel->closing && channel->events->ended != NULL) {
		channel->events->ended(channel->ctx);
	}
	if (channel_over(channel)) {
		return;
	}
	channel_close_with(channel,
	                   channel->peer_error ? FW_CAUSE_PEER_ERROR : FW_CAUSE_PEER_CLOSED, NULL);
	channel_check_end(channel);
}

static void on_refused(void *ctx, enum fw_cause cause)
{
	struct fw_channel *channel = ctx;

	channel->refused = true;
	channel_close_with(channel, cause, NULL);
	channel_check_end(channel);
}

static void on_sent(void *ctx, struct fw_stanza **stanza)
{
	struct fw_channel *channel = ctx;

	if (channel->events->sent != NULL) {
		channel->events->sent(channel->ctx, stanza);
	}
}

static const struct fw_stream_events channel_stream_events = {
	.opened = on_opened,
	.element = on_element,
	.ended = on_ended,
	.refused = on_refused,
	.sent = on_sent,
};
