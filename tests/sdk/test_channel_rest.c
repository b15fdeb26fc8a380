/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a channel that says nothing costs: it holds neither parser nor buffer.
 */
#include <fedway/io/channel.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "sdk/src/sanitized.h"
#include "tests/support/channel_end.h"

#define HEADER \
	"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>"
#define MESSAGE "<message from='u@a.example' to='v@b.example'><body>hi</body></message>"

/* Many more than may be awake at once. */
enum { CHANNELS = 4000, DESCRIPTORS = 2 * CHANNELS + 64, IDLE_BYTES_MAX = 8192 };

static long resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long total = 0, pages = 0;

	if (file == NULL || fscanf(file, "%ld %ld", &total, &pages) != 2) {
		skip();
	}
	fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}

/* Skips the test where the system gives too few descriptors. */
static void need_descriptors(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < DESCRIPTORS) {
		limit.rlim_cur = DESCRIPTORS;
		if (limit.rlim_max < DESCRIPTORS || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
			skip();
		}
	}
}

static void wait_ms(struct fw_loop *loop, uint64_t delay_ms)
{
	uint64_t until_ms = fw_now_ms(loop) + delay_ms;

	while (fw_now_ms(loop) < until_ms) {
		fw_loop_turn(loop, true);
	}
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static void an_idle_channel_is_small_and_wakes_again(void **state)
{
	static struct end ends[CHANNELS];
	struct fw_timer *tick = NULL;
	struct fw_loop *loop = NULL;
	static int peers[CHANNELS];

	(void)state;
	need_descriptors();
	assert_int_equal(fw_loop_new(&loop), FW_OK);
	assert_int_equal(fw_timer_new(loop, nothing, NULL, &tick), FW_OK);
	fw_timer_start_ms(tick, 20, 20);
	memset(ends, 1, sizeof(ends)); /* resident before it is measured */
	memset(ends, 0, sizeof(ends));
	long before = resident_bytes();
	for (int i = 0; i < CHANNELS; i++) {
		int fds[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
		peers[i] = fds[1];
		end_start(&ends[i], loop, fds[0]);
		assert_true(write(peers[i], HEADER MESSAGE, strlen(HEADER MESSAGE)) > 0);
		fw_loop_turn(loop, false);
	}
	long busy = (resident_bytes() - before) / CHANNELS;
	wait_ms(loop, 2500);
	long idle = (resident_bytes() - before) / CHANNELS;
	print_message("bytes per channel: %ld busy, %ld idle\n", busy, idle);
	if (!SANITIZED) {
		assert_in_range(idle, 1, IDLE_BYTES_MAX);
	}
	for (int i = 0; i < CHANNELS; i++) {
		assert_true(write(peers[i], MESSAGE, strlen(MESSAGE)) > 0);
		fw_loop_turn(loop, false);
		assert_string_equal(ends[i].story, "opened message message ");
		fw_channel_free(&ends[i].channel);
		close(peers[i]);
	}
	fw_timer_free(&tick);
	fw_loop_free(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_idle_channel_is_small_and_wakes_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
