/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Those who look on at a channel: they see each byte once, in its order, outside TLS and in both
 * directions; they are told when it is over, and may end it themselves at any moment.
 */
#include <fedway/io/channel.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/channel_pair.h"
#include "tests/support/tls_pair.h"

#define CERT(name) TEST_CERTS "/" name

enum { SEEN_MAX = 400000, MESSAGES = 20 };

/* What somebody has seen who looks on. */
struct watcher {
	struct fw_channel *channel;
	char seen[2][SEEN_MAX]; /* received, sent */
	size_t size[2];
	int over; /* last calls */
	int calls;
	int leaves_at; /* ends it in this call; 0: stays */
};

struct world {
	struct channel_pair pair;
	struct watcher at_a, at_b;
};

static void look(void *ctx, const struct fw_channel *channel, bool sent, struct fw_str bytes)
{
	struct watcher *watcher = ctx;

	assert_ptr_equal(channel, watcher->channel);
	assert_int_equal(watcher->over, 0);
	if (bytes.ptr == NULL) {
		watcher->over++;
		return;
	}
	assert_true(bytes.len > 0 && bytes.len <= SEEN_MAX - watcher->size[sent]);
	memcpy(watcher->seen[sent] + watcher->size[sent], bytes.ptr, bytes.len);
	watcher->size[sent] += bytes.len;
	if (++watcher->calls == watcher->leaves_at) {
		fw_channel_set_tap(watcher->channel, NULL, NULL);
	}
}

static void watch(struct watcher *watcher, struct fw_channel *channel)
{
	watcher->channel = channel;
	fw_channel_set_tap(channel, look, watcher);
}

static int setup(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof(world));
	channel_pair_setup(&world.pair, context_of(CERT("a.pem"), CERT("a.key"), CERT("ca.pem")),
	                   context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem")));
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	channel_pair_teardown(&world->pair);
	return 0;
}

static void start(struct world *w)
{
	end_start(&w->pair.a, w->pair.loop, w->pair.fds[0]);
	end_start(&w->pair.b, w->pair.loop, w->pair.fds[1]);
	watch(&w->at_a, w->pair.a.channel);
	watch(&w->at_b, w->pair.b.channel);
	channel_pair_open(&w->pair);
}

static void secure(struct world *w)
{
	fw_channel_send_text(w->pair.a.channel, STARTTLS);
	end_wait(w->pair.loop, &w->pair.a.secured, 1);
	end_wait(w->pair.loop, &w->pair.b.secured, 1);
	channel_pair_open(&w->pair);
}

/* Small and large ones, more than the socket takes at once. */
static void talk(struct world *w, int rounds)
{
	int a = w->pair.a.elements + rounds, b = w->pair.b.elements + rounds;

	for (int i = 0; i < rounds; i++) {
		fw_channel_send_text(w->pair.a.channel, "<message id='%d'>%*s</message>", i,
		                     i * 700, "x");
		fw_channel_send_text(w->pair.b.channel, "<message id='%d'>%*s</message>", i,
		                     i * 500, "y");
	}
	end_wait(w->pair.loop, &w->pair.a.elements, a);
	end_wait(w->pair.loop, &w->pair.b.elements, b);
}

/* What one wrote is what the other read, and nothing else; the stream's own counts agree. */
static void assert_same(const struct watcher *writer, const struct watcher *reader)
{
	assert_int_equal(writer->size[true], reader->size[false]);
	assert_memory_equal(writer->seen[true], reader->seen[false], writer->size[true]);
}

static bool holds(const struct watcher *watcher, bool sent, const char *text)
{
	return memmem(watcher->seen[sent], watcher->size[sent], text, strlen(text)) != NULL;
}

static void each_byte_is_seen_once_by_both(void **state)
{
	struct world *w = *state;

	start(w);
	talk(w, MESSAGES);
	assert_same(&w->at_a, &w->at_b);
	assert_same(&w->at_b, &w->at_a);
	assert_int_equal(w->at_a.size[true], fw_channel_counts(w->pair.a.channel)->bytes_out);
	assert_int_equal(w->at_a.size[false], fw_channel_counts(w->pair.a.channel)->bytes_in);
	assert_true(holds(&w->at_a, true, "<message id='19'>"));
	fw_channel_free(&w->pair.a.channel);
	assert_int_equal(w->at_a.over, 1);
}

/* The wire is looked at by a third one: what comes to the tap is what came, not what the parser
 * made of it. */
static void what_comes_is_shown_as_it_came(void **state)
{
	static const char words[] =
	        HEADER "<message  id = \"1\" ><body>&amp;&#x41;</body></message >";
	struct world *w = *state;

	end_start(&w->pair.a, w->pair.loop, w->pair.fds[0]);
	watch(&w->at_a, w->pair.a.channel);
	for (size_t i = 0; i < sizeof(words) - 1; i++) {
		assert_int_equal(write(w->pair.fds[1], words + i, 1), 1);
		fw_loop_turn(w->pair.loop, false);
	}
	end_wait(w->pair.loop, &w->pair.a.elements, 1);
	assert_int_equal(w->at_a.size[false], sizeof(words) - 1);
	assert_memory_equal(w->at_a.seen[false], words, sizeof(words) - 1);
	fw_channel_open(w->pair.a.channel, fw_str("b.example"), fw_str("a.example"), fw_str(NULL),
	                true);
	fw_channel_send_text(w->pair.a.channel, "<message id='2'/>");
	end_turns(w->pair.loop, 3);
	char got[1024];
	ssize_t size = read(w->pair.fds[1], got, sizeof(got));
	assert_int_equal(w->at_a.size[true], size);
	assert_memory_equal(w->at_a.seen[true], got, w->at_a.size[true]);
	close(w->pair.fds[1]);
}

static void tls_is_not_in_the_way(void **state)
{
	struct world *w = *state;

	start(w);
	secure(w);
	talk(w, MESSAGES);
	assert_same(&w->at_a, &w->at_b);
	assert_same(&w->at_b, &w->at_a);
	assert_true(holds(&w->at_a, true, STARTTLS "<?xml"));
	assert_true(holds(&w->at_a, false, PROCEED "<?xml"));
	assert_true(holds(&w->at_b, true, "<message id='19'>"));
	fw_channel_close(w->pair.a.channel, FW_CAUSE_IDLE);
	end_wait(w->pair.loop, &w->pair.a.closed, 1);
	end_wait(w->pair.loop, &w->pair.b.closed, 1);
	assert_same(&w->at_a, &w->at_b);
	assert_same(&w->at_b, &w->at_a);
	assert_memory_equal(w->at_a.seen[true] + w->at_a.size[true] - 16, "</stream:stream>", 16);
}

/* In each of its calls in turn: the write of several pieces has several. */
static void one_may_leave_while_it_looks(void **state)
{
	for (int call = 1; call <= 12; call++) {
		struct world *w = NULL;

		setup((void **)&w);
		w->at_a.leaves_at = call;
		start(w);
		secure(w);
		talk(w, MESSAGES);
		assert_int_equal(w->at_a.calls, call);
		assert_int_equal(w->at_a.over, 1);
		assert_memory_equal(w->at_a.seen[true], w->at_b.seen[false], w->at_a.size[true]);
		teardown((void **)&w);
	}
	(void)state;
}

static void another_takes_its_place(void **state)
{
	static struct watcher second;
	struct world *w = *state;

	memset(&second, 0, sizeof(second));
	start(w);
	talk(w, 3);
	fw_channel_set_tap(w->pair.a.channel, look, &w->at_a); /* the same: nobody is told */
	assert_int_equal(w->at_a.over, 0);
	watch(&second, w->pair.a.channel);
	assert_int_equal(w->at_a.over, 1);
	size_t before = w->at_a.size[true];
	talk(w, 3);
	assert_int_equal(w->at_a.size[true], before);
	assert_int_equal(before + second.size[true], w->at_b.size[false]);
	assert_memory_equal(w->at_b.seen[false] + before, second.seen[true], second.size[true]);
	fw_channel_set_tap(w->pair.a.channel, NULL, NULL);
	assert_int_equal(second.over, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_byte_is_seen_once_by_both, setup, teardown),
		cmocka_unit_test_setup_teardown(what_comes_is_shown_as_it_came, setup, teardown),
		cmocka_unit_test_setup_teardown(tls_is_not_in_the_way, setup, teardown),
		cmocka_unit_test(one_may_leave_while_it_looks),
		cmocka_unit_test_setup_teardown(another_takes_its_place, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
