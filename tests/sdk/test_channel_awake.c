/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Many channels speak once: only so many keep a parser, and one that was put to rest for another
 * understands the next stanza as if nothing had been.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "sdk/io/channel_private.h"

enum { CHANNELS = 700, AWAKE_MOST = 512 };

static struct {
	struct fw_channel *channel;
	int peer;
	unsigned elements;
} ends[CHANNELS];

static void on_opened(void *ctx, const struct fw_stream_header *header)
{
	(void)ctx;
	(void)header;
}

static void on_element(void *ctx, struct fw_stanza **stanza)
{
	unsigned *elements = ctx;

	assert_int_equal(fw_stanza_kind(*stanza), FW_KIND_MESSAGE);
	(*elements)++;
}

static void on_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	(void)ctx;
	fail_msg("closed: %s %s", fw_cause_row(cause)->name, detail);
}

static const struct fw_channel_events events = {
	.opened = on_opened,
	.element = on_element,
	.closed = on_closed,
};

static void say(size_t i, const char *text)
{
	assert_int_equal(send(ends[i].peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void hear_all(struct fw_loop *loop, size_t count, unsigned elements)
{
	uint64_t until = fw_now_us(loop) + 10000000;

	for (size_t i = 0; i < count; i++) {
		while (ends[i].elements < elements) {
			assert_true(fw_now_us(loop) < until);
			fw_loop_turn(loop, false);
		}
	}
}

static size_t count_awake(void)
{
	size_t awake = 0;

	for (size_t i = 0; i < CHANNELS; i++) {
		awake += ends[i].channel != NULL && ends[i].channel->awake_link != NULL ? 1 : 0;
	}
	return awake;
}

static void make(struct fw_loop *loop, size_t i)
{
	const struct fw_stream_settings settings = {
		.content_ns = FW_NS_COMPONENT,
		.limits = FW_XML_LIMITS_DEFAULT,
	};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
	                 0);
	ends[i].peer = pair[1];
	ends[i].elements = 0;
	assert_int_equal(fw_channel_new(loop, &pair[0], &settings, &events, &ends[i].elements,
	                                &ends[i].channel),
	                 FW_OK);
	say(i, "<stream:stream xmlns='jabber:component:accept' "
	       "xmlns:stream='http://etherx.jabber.org/streams' to='a.test'><message/>");
}

static void test_only_so_many_keep_a_parser(void **state)
{
	struct rlimit files;
	struct fw_loop *loop = NULL;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < 2 * CHANNELS + 32) {
		skip();
	}
	assert_int_equal(fw_loop_new(&loop), FW_OK);
	for (size_t i = 0; i < AWAKE_MOST; i++) {
		make(loop, i);
	}
	hear_all(loop, AWAKE_MOST, 1);
	assert_int_equal(count_awake(), AWAKE_MOST);
	/* those that spoke just now are not disturbed; a little later they are silent */
	uint64_t until = fw_now_ms(loop) + 20;
	while (fw_now_ms(loop) < until) {
		fw_loop_turn(loop, false);
	}
	for (size_t i = AWAKE_MOST; i < CHANNELS; i++) {
		make(loop, i);
	}
	hear_all(loop, CHANNELS, 1);
	assert_in_range(count_awake(), CHANNELS - AWAKE_MOST, AWAKE_MOST);
	assert_null(ends[0].channel->awake_link);
	/* in two pieces, so that it must keep what it began */
	for (size_t i = 0; i < CHANNELS; i++) {
		say(i, "<message to='x@a.te");
	}
	for (int i = 0; i < 50; i++) {
		fw_loop_turn(loop, false);
	}
	for (size_t i = 0; i < CHANNELS; i++) {
		say(i, "st'><body>&amp;</body></message>");
	}
	hear_all(loop, CHANNELS, 2);
	for (size_t i = 0; i < CHANNELS; i++) {
		fw_channel_free(&ends[i].channel);
		(void)close(ends[i].peer);
	}
	assert_int_equal(count_awake(), 0);
	fw_loop_turn(loop, false);
	fw_loop_free(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_so_many_keep_a_parser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
