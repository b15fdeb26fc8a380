/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A channel's acknowledgements on a socket pair, and TCP's patience with a silent peer.
 */
#include <fedway/io/channel.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/channel_end.h"

#define MESSAGE "<message from='u@a.example' to='v@b.example'><body>hi</body></message>"

static void a_written_stanza_waits_for_its_acknowledgement(void **state)
{
	struct fw_loop *loop = NULL;
	struct fw_stanza *stanza = NULL;
	struct end end = { 0 };
	size_t stanzas = 0, bytes = 0;
	int fds[2];

	(void)state;
	assert_int_equal(fw_loop_new(&loop), FW_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	end_start(&end, loop, fds[0]);
	fw_channel_set_user_timeout(end.channel, 30000); /* means nothing here, and harms nothing */
	fw_channel_acks_begin(end.channel, fw_str("<enable/>"));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fw_stanza_parse(fw_str(MESSAGE), &stanza), FW_OK);
		fw_channel_send(end.channel, &stanza);
	}
	end_turns(loop, 2);
	fw_channel_unacknowledged(end.channel, &stanzas, &bytes);
	assert_int_equal(stanzas, 3);
	assert_int_equal(bytes, 3 * strlen(MESSAGE));
	fw_channel_queued(end.channel, &stanzas, &bytes);
	assert_int_equal(stanzas + bytes, 0);
	assert_int_equal(fw_channel_acked(end.channel, 2), FW_OK);
	assert_int_equal(fw_channel_acked(end.channel, 4), FW_EINVAL);
	close(fds[1]);
	end_wait(loop, &end.closed, 1);
	stanza = fw_channel_take_unacknowledged(end.channel);
	assert_non_null(stanza);
	fw_stanza_free(&stanza);
	assert_null(fw_channel_take_unacknowledged(end.channel));
	assert_null(fw_channel_take_back(end.channel));
	fw_channel_free(&end.channel);
	fw_loop_free(&loop);
}

static int tcp_option(int fd, int option)
{
	socklen_t size = sizeof(int);
	int value = -1;

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, option, &value, &size), 0);
	return value;
}

static void tcp_waits_as_long_as_it_is_told(void **state)
{
	static const struct {
		uint32_t timeout_ms;
		int idle_s, interval_s;
	} rows[] = { { 30000, 15, 5 }, { 6000, 3, 1 }, { 10, 1, 1 } };
	struct fw_loop *loop = NULL;

	(void)state;
	assert_int_equal(fw_loop_new(&loop), FW_OK);
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct end end = { 0 };
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		assert_true(fd >= 0);
		end_start(&end, loop, fd);
		fw_channel_set_user_timeout(end.channel, rows[i].timeout_ms);
		assert_int_equal(tcp_option(fd, TCP_USER_TIMEOUT), rows[i].timeout_ms);
		assert_int_equal(tcp_option(fd, TCP_KEEPIDLE), rows[i].idle_s);
		assert_int_equal(tcp_option(fd, TCP_KEEPINTVL), rows[i].interval_s);
		fw_channel_free(&end.channel);
	}
	fw_loop_free(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_written_stanza_waits_for_its_acknowledgement),
		cmocka_unit_test(tcp_waits_as_long_as_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
