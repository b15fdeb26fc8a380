/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * From clear text to TLS on a channel (RFC 6120 §5.4): input stops at the element that led here,
 * clear bytes are written to the last, the handshake runs, the stream starts anew. Whether the
 * peer's certificate is good enough is the owner's question.
 */
#include "sdk/io/channel_private.h"

#include <stdlib.h>
#include <string.h>

void fw_channel_start_tls(struct fw_channel *channel, struct fw_tls_context *context,
                          enum fw_tls_side side, const char *peer_name)
{
	const char *name = peer_name != NULL ? peer_name : "";
	size_t stanzas = 0;

	if (channel_over(channel) || channel->closing || channel->phase != CHANNEL_OPEN ||
	    channel->tls != NULL) {
		return;
	}
	struct channel_upgrade *upgrade = calloc(1, sizeof(*upgrade) + strlen(name) + 1);
	if (upgrade == NULL) {
		channel_close_with(channel, FW_CAUSE_RESOURCES, "out of memory");
		return;
	}
	upgrade->context = fw_tls_context_ref(context);
	upgrade->side = side;
	memcpy(upgrade->peer_name, name, strlen(name) + 1);
	fw_stream_queued(channel->stream, &stanzas, &upgrade->clear_bytes);
	channel->upgrade = upgrade;
	channel->phase = CHANNEL_UPGRADE;
	fw_stream_hold(channel->stream);
	channel_watch(channel);
	if (channel->busy == 0) {
		channel_upgrade_check(channel); /* else when the bytes at hand are through */
	}
	fw_defer(channel->loop, &channel->flush);
}

void channel_upgrade_drop(struct fw_channel *channel)
{
	if (channel->upgrade != NULL) {
		fw_tls_context_release(&channel->upgrade->context);
		free(channel->upgrade);
		channel->upgrade = NULL;
	}
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
	struct channel_upgrade *upgrade = channel->upgrade;

	channel_upgrade_check(channel);
	if (channel->phase != CHANNEL_UPGRADE) {
		return;
	}
	int ret = fw_tls_new(upgrade->context, upgrade->side, channel->fd, upgrade->peer_name,
	                     &channel->tls);

	channel_upgrade_drop(channel);
	if (ret != FW_OK) {
		channel_finish(channel, FW_CAUSE_RESOURCES, "out of memory");
		return;
	}
	channel->phase = CHANNEL_HANDSHAKE;
	channel_handshake(channel);
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
