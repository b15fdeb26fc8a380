/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * TLS on a channel. By STARTTLS (RFC 6120 §5.4): input stops at the element that led here, clear
 * bytes are written to the last, the handshake runs, the stream starts anew. Or from the first byte
 * (XEP-0368), by the owner's word or when the peer's first byte says so. Whether the peer's
 * certificate is good enough is the owner's question.
 */
#include "sdk/io/channel_private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { TLS_HANDSHAKE_RECORD = 0x16 }; /* RFC 8446 §5.1; no XML begins with it */

static void begin_handshake(struct fw_channel *channel)
{
	channel->tls = channel->tls_next;
	channel->tls_next = NULL;
	channel->phase = CHANNEL_HANDSHAKE;
	channel_handshake(channel);
}

void fw_channel_secure(struct fw_channel *channel, struct fw_tls_context *context,
                       const struct fw_tls_start *start)
{
	size_t stanzas = 0;

	if (channel_over(channel) || channel->closing || channel->phase != CHANNEL_OPEN ||
	    channel->tls != NULL) {
		return;
	}
	if (fw_tls_new(context, start, channel->fd, &channel->tls_next) != FW_OK) {
		channel_close_with(channel, FW_CAUSE_RESOURCES, "out of memory");
		return;
	}
	if (start->direct) {
		begin_handshake(channel);
		return;
	}
	fw_stream_queued(channel->stream, &stanzas, &channel->clear_bytes);
	channel->phase = CHANNEL_UPGRADE;
	fw_stream_hold(channel->stream);
	channel_watch(channel);
	if (channel->busy == 0) {
		channel_upgrade_check(channel); /* else when the bytes at hand are through */
	}
	fw_defer(channel->loop, &channel->flush);
}

/* ---- from the first byte ---- */

void fw_channel_sniff_tls(struct fw_channel *channel, struct fw_tls_context *context)
{
	if (channel_over(channel) || channel->closing || channel->phase != CHANNEL_OPEN ||
	    channel->tls != NULL) {
		return;
	}
	/* Strangers who never say a word are not worth more than this. */
	channel->offer = fw_tls_context_ref(context);
	channel->phase = CHANNEL_SNIFF;
}

void channel_sniff(struct fw_channel *channel)
{
	const struct fw_tls_start start = { .side = FW_TLS_RECEIVING, .direct = true };
	unsigned char byte = 0;
	ssize_t got = recv(channel->fd, &byte, 1, MSG_PEEK);

	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	struct fw_tls_context *context = channel->offer;
	channel->offer = NULL;
	channel->phase = CHANNEL_OPEN;
	if (got == 1 && byte == TLS_HANDSHAKE_RECORD) {
		fw_channel_secure(channel, context, &start);
	} else {
		channel_read(channel); /* an end or an error is told there */
	}
	fw_tls_context_release(&context);
}

/* ---- from clear text ---- */

void channel_upgrade_drop(struct fw_channel *channel)
{
	fw_tls_free(&channel->tls_next);
	fw_tls_context_release(&channel->offer);
}

void channel_upgrade_check(struct fw_channel *channel)
{
	if (fw_stream_held(channel->stream) > 0) {
		/* RFC 6120 §5.4.2.3: whoever put them there may not be the peer. */
		channel_close_with(channel, FW_CAUSE_TLS_INJECTION, NULL);
	}
}

void channel_upgrade_begin(struct fw_channel *channel)
{
	channel_upgrade_check(channel);
	if (channel->phase == CHANNEL_UPGRADE) {
		begin_handshake(channel);
	}
}

void channel_handshake(struct fw_channel *channel)
{
	struct fw_error err = { 0 };
	int ret = fw_tls_handshake(channel->tls, &channel->read_want, &err);

	if (ret == FW_EAGAIN) {
		channel_watch(channel);
		return;
	}
	if (ret != FW_OK) {
		channel_finish(channel, FW_CAUSE_TLS_FAILED, err.text);
		return;
	}
	channel->phase = CHANNEL_OPEN;
	channel->read_want = FW_IO_READ;
	channel->last_ms = fw_now_ms(channel->loop);
	fw_stream_restart(channel->stream);
	channel_watch(channel);
	fw_defer(channel->loop, &channel->flush); /* what the owner queued meanwhile */
	if (channel->events->secured != NULL) {
		channel->events->secured(channel->ctx);
	}
}
