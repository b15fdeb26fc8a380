/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Bounds how many channels hold a parser. Ten thousand links that attach or speak within one second
 * would else take 18 KB each before the first of them rests, and leave a heap full of holes that
 * never shrinks again. Called by the channel's reading side; timers put the others to rest.
 */
#include "sdk/io/channel_awake.h"

#include "sdk/io/channel_private.h"

enum {
	AWAKE_MAX = 512,      /* 9 MB; more only when more than that speak at once */
	AWAKE_CANDIDATES = 4, /* looked at per newcomer: the list shrinks again after a burst */
	AWAKE_SILENT_MS = 10, /* who has just spoken will speak again */
};

/* In the order in which they woke, or were last found busy. One thread runs all channels. */
static struct fw_channel *first;
static struct fw_channel **end = &first;
static unsigned count;

static void append(struct fw_channel *channel)
{
	channel->awake_next = NULL;
	channel->awake_link = end;
	*end = channel;
	end = &channel->awake_next;
	count++;
}

void channel_awake_leave(struct fw_channel *channel)
{
	if (channel->awake_link == NULL) {
		return;
	}
	*channel->awake_link = channel->awake_next;
	if (channel->awake_next != NULL) {
		channel->awake_next->awake_link = channel->awake_link;
	} else {
		end = channel->awake_link;
	}
	channel->awake_link = NULL;
	count--;
}

void channel_awake_enter(struct fw_channel *channel)
{
	if (channel->awake_link != NULL) {
		return;
	}
	for (int i = 0; i < AWAKE_CANDIDATES && count >= AWAKE_MAX; i++) {
		struct fw_channel *candidate = first;
		channel_awake_leave(candidate);
		if (candidate->last_ms + AWAKE_SILENT_MS > channel->last_ms) {
			append(candidate);
		} else {
			fw_stream_rest(candidate->stream);
		}
	}
	append(channel);
}
