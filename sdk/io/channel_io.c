/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A channel's bytes: what the loop reports is read into the stream's own buffer, and what the
 * stream has queued is written once per turn, in clear as one gathered write, under TLS as full
 * records. This is the hot path: one call per event, no allocation, no copy in clear.
 */
#include "sdk/io/channel_awake.h"
#include "sdk/io/channel_private.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
	READ_BUDGET = 256 * 1024, /* of one channel, before others get their turn */
	REST_AFTER_MS = 1000,
	PIECES_MAX = 1024, /* IOV_MAX of Linux */
	RECORD_MAX = 16384,
	EARLY_ACKS_MAX = 16,
};

void channel_watch(struct fw_channel *channel)
{
	int events = channel->write_want;

	if (channel->phase == CHANNEL_ENDED) {
		return;
	}
	/* In an upgrade nothing is read before the handshake; a paused channel still shakes hands.
	 */
	if (channel->phase == CHANNEL_HANDSHAKE ||
	    ((channel->phase == CHANNEL_OPEN || channel->phase == CHANNEL_SNIFF) &&
	     !channel->paused)) {
		events |= channel->read_want;
	}
	fw_io_set(channel->io, events);
}

void channel_ready(void *ctx, int events)
{
	struct fw_channel *channel = ctx;

	channel_enter(channel);
	if (channel->phase == CHANNEL_HANDSHAKE) {
		channel_handshake(channel);
	} else if (channel->phase == CHANNEL_SNIFF) {
		channel_sniff(channel);
	} else {
		bool writable = channel->write_want != 0 && (events & channel->write_want) != 0;

		if ((events & channel->read_want) != 0 && channel->phase == CHANNEL_OPEN &&
		    !channel->paused) {
			channel_read(channel);
		}
		if (writable && !channel_over(channel)) {
			channel->write_want = 0;
			channel_flush(channel);
		}
	}
	channel_leave(channel);
}

/* ---- in ---- */

/* The peer's end. One that told an error and left out the footer has told enough. */
static void read_end(struct fw_channel *channel, ssize_t status, int number)
{
	enum fw_cause cause = channel->peer_error ? FW_CAUSE_PEER_ERROR : FW_CAUSE_PEER_LOST;
	const char *words = NULL;

	if (status == FW_ESYS && number == ETIMEDOUT) {
		cause = FW_CAUSE_PING_TIMEOUT;
		words = "TCP gave up";
	} else if (status == FW_ESYS) {
		words = channel->tls == NULL ? strerror(number) : "TLS record refused";
	}
	channel_finish(channel, cause, words);
}

static ssize_t read_some(struct fw_channel *channel, void *space, size_t size)
{
	if (channel->tls == NULL) {
		return fw_socket_read(channel->fd, space, size);
	}
	channel->read_want = FW_IO_READ;
	return fw_tls_read(channel->tls, space, size, &channel->read_want);
}

/*
 * A TLS server's session tickets carry nothing for us. Until they are acknowledged, Nagle's rule
 * holds back its stream header: the 40 ms of a delayed acknowledgement on every new connection. So
 * the first ones go at once.
 */
static void acknowledge_early(struct fw_channel *channel)
{
	int on = 1;

	if (channel->tls != NULL && channel->early_acks < EARLY_ACKS_MAX) {
		channel->early_acks++;
		(void)setsockopt(channel->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
	}
}

/* One read and all its events. FALSE: nothing more now. */
static bool read_once(struct fw_channel *channel, size_t *budget)
{
	void *space = NULL;
	size_t size = 0;

	if (fw_stream_space(channel->stream, &space, &size) != FW_OK) {
		channel_close_with(channel, FW_CAUSE_RESOURCES, "out of memory");
		channel->paused = true; /* nothing can be read until the end */
		channel_watch(channel);
		return false;
	}
	ssize_t got = read_some(channel, space, size);
	if (got == FW_EAGAIN) {
		acknowledge_early(channel);
		return false;
	}
	if (got <= 0) {
		read_end(channel, got, errno);
		return false;
	}
	channel->last_ms = channel->heard_ms = fw_now_ms(channel->loop);
	fw_stream_set_now(channel->stream, channel->last_ms);
	if (channel->tap != NULL) {
		channel->tap(channel->tap_ctx, channel, false, fw_str_n(space, (size_t)got));
	}
	fw_stream_received(channel->stream, (size_t)got);
	if (channel_over(channel)) {
		return false;
	}
	if (channel->phase == CHANNEL_UPGRADE) {
		channel_upgrade_check(channel);
		return false;
	}
	*budget -= (size_t)got < *budget ? (size_t)got : *budget;
	if (channel->peer_ended) {
		return false; /* our footer goes out before the peer's end is looked at */
	}
	/* A short read has emptied the socket; TLS may hold what the descriptor does not show. */
	return channel->tls != NULL || (size_t)got == size;
}

void channel_read(struct fw_channel *channel)
{
	size_t budget = READ_BUDGET;
	bool more = true;

	while (more && !channel_over(channel) && !channel->paused &&
	       channel->phase == CHANNEL_OPEN) {
		if (budget == 0) {
			/* The rest of a record that is decrypted already must not be left to the
			 * descriptor. */
			if (channel->tls == NULL || fw_tls_pending(channel->tls) == 0) {
				break;
			}
			budget = 1;
		}
		more = read_once(channel, &budget);
	}
	if (channel_over(channel)) {
		return;
	}
	if (!channel->closing) {
		fw_timer_start_ms(channel->timer, REST_AFTER_MS, 0);
	}
	channel_awake_enter(channel);
	channel_watch(channel);
}

/* ---- out ---- */

/* Cuts the list of pieces at `max` bytes. */
static int cut_pieces(struct iovec *pieces, int count, size_t max)
{
	for (int i = 0; i < count; i++) {
		if (pieces[i].iov_len >= max) {
			pieces[i].iov_len = max;
			return max > 0 ? i + 1 : i;
		}
		max -= pieces[i].iov_len;
	}
	return count;
}

static size_t pieces_size(const struct iovec *pieces, int count)
{
	size_t size = 0;

	for (int i = 0; i < count; i++) {
		size += pieces[i].iov_len;
	}
	return size;
}

/* One gathered write. @return bytes written of *offered; 0 when nothing waits; FW_EAGAIN, FW_ESYS
 */
static ssize_t write_clear(struct fw_channel *channel, size_t *offered)
{
	struct iovec pieces[PIECES_MAX];
	int count = fw_stream_pending(channel->stream, pieces, PIECES_MAX);

	if (channel->phase == CHANNEL_UPGRADE) {
		count = cut_pieces(pieces, count, channel->clear_bytes);
	}
	*offered = pieces_size(pieces, count);
	if (count == 0) {
		return 0;
	}
	return fw_socket_write(channel->fd, pieces, count);
}

/* One record. The same, and FW_ECLOSED */
static ssize_t write_tls(struct fw_channel *channel, size_t *offered)
{
	struct iovec pieces[PIECES_MAX];
	char record[RECORD_MAX];
	size_t size = 0;
	int want = FW_IO_WRITE;
	int count = fw_stream_pending(channel->stream, pieces, PIECES_MAX);

	count = cut_pieces(pieces, count, sizeof(record));
	for (int i = 0; i < count; i++) {
		memcpy(record + size, pieces[i].iov_base, pieces[i].iov_len);
		size += pieces[i].iov_len;
	}
	/* An unfinished record is encrypted already; only its length is looked at again. */
	size = size < channel->tls_offered ? channel->tls_offered : size;
	*offered = size;
	if (size == 0) {
		return 0;
	}
	ssize_t put = fw_tls_write(channel->tls, record, size, &want);
	channel->tls_offered = put == FW_EAGAIN ? size : 0;
	if (put == FW_EAGAIN) {
		channel->write_want = want;
	}
	return put;
}

/* The peer takes no more; it may have said why before it went. */
static void write_failed(struct fw_channel *channel, ssize_t status)
{
	bool timed_out = status == FW_ESYS && errno == ETIMEDOUT;
	char words[128] = "";

	if (status == FW_ESYS && channel->tls == NULL) {
		snprintf(words, sizeof(words), "%s", strerror(errno));
	}
	channel->paused = false;
	if (!timed_out) {
		channel_read(channel);
	}
	channel_finish(channel, timed_out ? FW_CAUSE_PING_TIMEOUT : FW_CAUSE_PEER_LOST, words);
}

/* Shows those who look on what was just written: it is still at the head of the queue. */
static void show_written(struct fw_channel *channel, size_t size)
{
	struct iovec pieces[PIECES_MAX];
	int count =
	        cut_pieces(pieces, fw_stream_pending(channel->stream, pieces, PIECES_MAX), size);

	/* It may leave while it looks. */
	for (int i = 0; i < count && channel->tap != NULL; i++) {
		channel->tap(channel->tap_ctx, channel, true,
		             fw_str_n(pieces[i].iov_base, pieces[i].iov_len));
	}
}

static void written(struct fw_channel *channel, size_t size)
{
	if (channel->tap != NULL) {
		show_written(channel, size);
	}
	channel->last_ms = fw_now_ms(channel->loop);
	if (channel->phase == CHANNEL_UPGRADE) {
		channel->clear_bytes -= size;
	}
	fw_stream_sent(channel->stream, size);
}

/* What is queued is on its way: tells those who wait for that. */
static void flushed(struct fw_channel *channel, bool wrote)
{
	channel_watch(channel);
	if (channel->phase == CHANNEL_UPGRADE) {
		channel_upgrade_begin(channel);
	} else if (channel->closing) {
		channel_check_end(channel);
	} else if (wrote && channel->events->drained != NULL) {
		channel->events->drained(channel->ctx);
	}
}

/* Writes until all is gone or the system takes no more. */
static void flush_all(struct fw_channel *channel)
{
	bool wrote = false;

	for (;;) {
		size_t offered = 0;
		ssize_t put = channel->tls != NULL ? write_tls(channel, &offered)
		                                   : write_clear(channel, &offered);

		if (put == 0 && offered == 0) {
			flushed(channel, wrote);
			return;
		}
		if (put < 0 && put != FW_EAGAIN) {
			write_failed(channel, put);
			return;
		}
		if (put > 0) {
			written(channel, (size_t)put);
			wrote = true;
		}
		if (put == FW_EAGAIN || (channel->tls == NULL && (size_t)put < offered)) {
			if (channel->write_want == 0) {
				channel->write_want = FW_IO_WRITE;
			}
			fw_stream_settle(channel->stream);
			channel_watch(channel);
			return;
		}
	}
}

void channel_flush(void *ctx)
{
	struct fw_channel *channel = ctx;

	if (channel_over(channel) || channel->phase == CHANNEL_HANDSHAKE) {
		return;
	}
	if (channel->write_want != 0) {
		fw_stream_settle(
		        channel->stream); /* the loop will say when the system takes more */
		return;
	}
	channel_enter(channel);
	if (channel->tls != NULL && !channel->paused && fw_tls_pending(channel->tls) > 0) {
		channel_read(channel); /* left over from before a pause */
	}
	if (!channel_over(channel)) {
		flush_all(channel);
	}
	channel_leave(channel);
}
