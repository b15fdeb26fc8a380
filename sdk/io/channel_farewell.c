/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Channels that nobody waits for any more: they say why they end, hear the peer out for the usual
 * time, and free themselves, at the latest with their loop. Called by those who have learnt all
 * that they wanted from a peer. Uses the channel as any owner would.
 */
#include "sdk/io/channel_private.h"

#include <stdlib.h>

struct farewell {
	struct fw_task at_end;
	struct fw_channel *channel;
};

static void farewell_end(void *ctx)
{
	struct farewell *farewell = ctx;

	fw_defer_cancel(&farewell->at_end);
	fw_channel_free(&farewell->channel);
	free(farewell);
}

static void farewell_opened(void *ctx, const struct fw_stream_header *header)
{
	(void)ctx;
	(void)header;
}

static void farewell_element(void *ctx, struct fw_stanza **stanza)
{
	(void)ctx;
	(void)stanza;
}

static void farewell_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	(void)cause;
	(void)detail;
	farewell_end(ctx);
}

static const struct fw_channel_events farewell_events = {
	.opened = farewell_opened,
	.element = farewell_element,
	.closed = farewell_closed,
};

void fw_channel_farewell(struct fw_channel **at, enum fw_cause cause)
{
	struct fw_channel *channel = *at;
	struct farewell *farewell = calloc(1, sizeof(*farewell));
	size_t stanzas = 0, bytes = 0;

	*at = NULL;
	fw_channel_queued(channel, &stanzas, &bytes);
	fw_assert(stanzas == 0);
	if (farewell == NULL) {
		fw_channel_free(&channel);
		return;
	}
	farewell->channel = channel;
	farewell->at_end = (struct fw_task){ farewell_end, farewell, NULL, NULL };
	fw_at_end(channel->loop, &farewell->at_end);
	fw_channel_set_owner(channel, &farewell_events, farewell);
	fw_channel_set_tap(channel, NULL, NULL); /* it may be its former owner's */
	fw_channel_close(channel, cause);
}
