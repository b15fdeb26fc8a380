/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One end of a channel for tests: writes down what happens as a story, and does at a chosen element
 * what the test asks for.
 */
#ifndef TESTS_SUPPORT_CHANNEL_END_H
#define TESTS_SUPPORT_CHANNEL_END_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <fedway/io/channel.h>

/** What an end does when the element `act_at` (its name) arrives. */
enum end_act { END_NOTHING, END_FREE, END_CLOSE, END_PAUSE, END_START_TLS, END_RESTART };

struct end {
	struct fw_loop *loop;
	struct fw_channel *channel;
	struct fw_tls_context *context;
	enum fw_tls_side side;
	const char *act_at;
	enum end_act act;
	enum fw_cause act_cause;
	const char *answer; /* queued before the act */
	const char *behind; /* queued behind it, in the same event */
	char story[2048];
	int elements, closed, drained, secured;
	enum fw_cause cause;
	char detail[128];
	void (*on_element)(struct end *end, struct fw_stanza *stanza);
	void *data;
};

static inline void end_tell(struct end *end, const char *what)
{
	size_t used = strlen(end->story);

	snprintf(end->story + used, sizeof(end->story) - used, "%s ", what);
}

static inline void end_opened(void *ctx, const struct fw_stream_header *header)
{
	struct end *end = ctx;

	(void)header;
	end_tell(end, "opened");
}

static inline void end_act(struct end *end)
{
	const struct fw_tls_start start = { .side = end->side, .peer_name = "b.example" };

	if (end->answer != NULL) {
		fw_channel_send_text(end->channel, "%s", end->answer);
	}
	switch (end->act) {
	case END_FREE:
		fw_channel_free(&end->channel);
		break;
	case END_CLOSE:
		fw_channel_close(end->channel, end->act_cause);
		break;
	case END_PAUSE:
		fw_channel_pause(end->channel, true);
		break;
	case END_START_TLS:
		fw_channel_secure(end->channel, end->context, &start);
		break;
	case END_RESTART:
		fw_channel_restart(end->channel);
		fw_channel_open(end->channel, fw_str(NULL), fw_str("b.example"), fw_str("again"),
		                true);
		break;
	case END_NOTHING:
		break;
	}
	if (end->behind != NULL) {
		fw_channel_send_text(end->channel, "%s", end->behind);
	}
}

static inline void end_element(void *ctx, struct fw_stanza **stanza)
{
	struct end *end = ctx;
	char name[32];

	end->elements++;
	snprintf(name, sizeof(name), "%.*s", FW_STR_ARG(fw_stanza_name(*stanza)));
	if (end->on_element != NULL) {
		end->on_element(end, *stanza);
	} else {
		end_tell(end, name);
	}
	if (end->act_at != NULL && strcmp(end->act_at, name) == 0) {
		end_act(end);
	}
}

static inline void end_secured(void *ctx)
{
	struct end *end = ctx;

	end->secured++;
	end_tell(end, "secured");
}

static inline void end_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	struct end *end = ctx;

	end->closed++;
	end->cause = cause;
	snprintf(end->detail, sizeof(end->detail), "%s", detail);
	end_tell(end, fw_cause_row(cause)->name);
}

static inline void end_drained(void *ctx)
{
	((struct end *)ctx)->drained++;
}

static const struct fw_channel_events end_events = {
	.opened = end_opened,
	.element = end_element,
	.secured = end_secured,
	.closed = end_closed,
	.drained = end_drained,
};

static inline void end_start(struct end *end, struct fw_loop *loop, int fd)
{
	static const struct fw_stream_settings settings = {
		.content_ns = FW_NS_SERVER,
		.dialback = true,
		.limits = FW_XML_LIMITS_DEFAULT,
	};

	end->loop = loop;
	assert_int_equal(fw_channel_new(loop, &fd, &settings, &end_events, end, &end->channel),
			 FW_OK);
	assert_int_equal(fd, -1);
}

/** Turns the loop until `*what` is at least `least`; fails the test when it takes too long. */
static inline void end_wait(struct fw_loop *loop, const int *what, int least)
{
	uint64_t until_us = fw_now_us(loop) + 10 * 1000 * 1000;

	while (*what < least) {
		assert_true(fw_now_us(loop) < until_us);
		fw_loop_turn(loop, false);
	}
}

static inline void end_turns(struct fw_loop *loop, int turns)
{
	while (turns-- > 0) {
		fw_loop_turn(loop, false);
	}
}

#endif
