/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * How a channel's owner learns that a peer is alive and has what it was sent: the counting of
 * acknowledgements, handed on to the stream, and TCP's own patience. Called by owners only.
 */
#include "sdk/io/channel_private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* Probes of a silent connection fit in the second half of the time. */
enum { PROBES = 3 };

void fw_channel_acks_begin(struct fw_channel *channel, struct fw_str text)
{
	if (fw_stream_acks_begin(channel->stream, text) != FW_OK) {
		channel_close_with(channel, FW_CAUSE_RESOURCES, "out of memory");
	}
	channel_want_flush(channel);
}

void fw_channel_acks_end(struct fw_channel *channel)
{
	fw_stream_acks_end(channel->stream);
}

void fw_channel_acks_refuse(struct fw_channel *channel, uint32_t handled, uint32_t sent)
{
	fw_stream_acks_refuse(channel->stream, handled, sent);
}

int fw_channel_acked(struct fw_channel *channel, uint32_t handled)
{
	return fw_stream_acked(channel->stream, handled);
}

void fw_channel_unacknowledged(const struct fw_channel *channel, size_t *stanzas, size_t *bytes)
{
	fw_stream_unacknowledged(channel->stream, stanzas, bytes);
}

struct fw_stanza *fw_channel_take_unacknowledged(struct fw_channel *channel)
{
	return fw_stream_take_unacknowledged(channel->stream);
}

void fw_channel_handled_begin(struct fw_channel *channel)
{
	fw_stream_handled_begin(channel->stream);
}

uint32_t fw_channel_handled(const struct fw_channel *channel)
{
	return fw_stream_handled(channel->stream);
}

static void set_tcp(const struct fw_channel *channel, int option, int value)
{
	/* Only TCP knows these; a local socket does without. */
	(void)setsockopt(channel->fd, IPPROTO_TCP, option, &value, sizeof(value));
}

static int at_least_one(uint32_t value)
{
	return value > 0 ? (int)value : 1;
}

void fw_channel_set_user_timeout(struct fw_channel *channel, uint32_t timeout_ms)
{
	if (channel->fd < 0) {
		return;
	}
	set_tcp(channel, TCP_USER_TIMEOUT, (int)timeout_ms);
	if (timeout_ms > 0) {
		set_tcp(channel, TCP_KEEPIDLE, at_least_one(timeout_ms / 2000));
		set_tcp(channel, TCP_KEEPINTVL, at_least_one(timeout_ms / (2000 * PROBES)));
		set_tcp(channel, TCP_KEEPCNT, PROBES);
	}
}
