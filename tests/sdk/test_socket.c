/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Addresses as texts, and a real connection on loopback from listen to the end.
 */
#include <fedway/io/socket.h>

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static void addresses_read_and_write_as_text(void **state)
{
	static const struct {
		const char *ip;
		uint16_t port;
		int ret;
		const char *text, *ip_text;
	} rows[] = {
		{ "192.0.2.1", 5269, FW_OK, "192.0.2.1:5269", "192.0.2.1" },
		{ "2001:db8::1", 5269, FW_OK, "[2001:db8::1]:5269", "2001:db8::1" },
		{ "::", 0, FW_OK, "[::]:0", "::" },
		{ "[::1]", 1, FW_EPARSE, NULL, NULL },
		{ "example.org", 1, FW_EPARSE, NULL, NULL },
		{ "192.0.2.256", 1, FW_EPARSE, NULL, NULL },
		{ "", 1, FW_EPARSE, NULL, NULL },
	};
	char text[FW_ADDR_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_addr addr = { 0 };

		assert_int_equal(fw_addr_parse(rows[i].ip, rows[i].port, &addr), rows[i].ret);
		if (rows[i].ret == FW_OK) {
			assert_string_equal(fw_addr_text(&addr, text), rows[i].text);
			assert_string_equal(fw_addr_ip_text(&addr, text), rows[i].ip_text);
			assert_int_equal(fw_addr_port(&addr), rows[i].port);
		} else {
			assert_int_equal(addr.len, 0);
			assert_string_equal(fw_addr_text(&addr, text), "none");
		}
	}
}

static void equal_addresses_have_the_same_ip_and_port(void **state)
{
	struct fw_addr a, b, none = { 0 };

	(void)state;
	assert_int_equal(fw_addr_parse("2001:db8::1", 5269, &a), FW_OK);
	assert_int_equal(fw_addr_parse("2001:DB8:0::1", 5269, &b), FW_OK);
	assert_true(fw_addr_eq(&a, &b));
	assert_int_equal(fw_addr_parse("2001:db8::1", 5270, &b), FW_OK);
	assert_false(fw_addr_eq(&a, &b));
	assert_int_equal(fw_addr_parse("192.0.2.1", 5269, &b), FW_OK);
	assert_false(fw_addr_eq(&a, &b));
	assert_false(fw_addr_eq(&none, &b));
	assert_true(fw_addr_eq(&none, &none));
}

static void networks_are_an_address_or_a_slash_64(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true },
		{ "2001:db8:0:1::1", "2001:db8:0:2::1", false },
		{ "::1", "::2", true },
		{ "::", "0.0.0.0", false },
	};
	const struct fw_addr none = { 0 };
	struct fw_network a, b;
	struct fw_addr addr;

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_int_equal(fw_addr_parse(rows[i].a, 5269, &addr), FW_OK);
		fw_addr_network(&addr, &a);
		assert_int_equal(fw_addr_parse(rows[i].b, 40000, &addr), FW_OK);
		fw_addr_network(&addr, &b);
		assert_int_equal(fw_network_eq(&a, &b), rows[i].same);
		fw_addr_network(&none, &b);
		assert_false(fw_network_eq(&a, &b));
	}
}

static void wait_for(int fd, short events)
{
	struct pollfd poll_fd = { fd, events, 0 };

	assert_int_equal(poll(&poll_fd, 1, 5000), 1);
}

/* Listens, connects and accepts on an address of loopback. False when the family is not there. */
static bool connect_pair(const char *ip, int fds[2])
{
	struct fw_error err = { 0 };
	struct fw_addr addr, bound, peer, source;
	int listener = -1;

	assert_int_equal(fw_addr_parse(ip, 0, &addr), FW_OK);
	if (fw_socket_listen(&addr, 8, &listener, &err) != FW_OK) {
		return false;
	}
	assert_int_equal(fw_socket_accept(listener, &fds[1], &peer), FW_EAGAIN);
	assert_int_equal(fw_socket_name(listener, &bound), FW_OK);
	assert_int_not_equal(fw_addr_port(&bound), 0);
	source = addr;
	assert_int_equal(fw_socket_connect(&bound, &source, &fds[0], &err), FW_OK);
	wait_for(fds[0], POLLOUT);
	assert_int_equal(fw_socket_result(fds[0], &err), FW_OK);
	wait_for(listener, POLLIN);
	assert_int_equal(fw_socket_accept(listener, &fds[1], &peer), FW_OK);
	assert_int_equal(fw_socket_name(fds[0], &source), FW_OK);
	assert_true(fw_addr_eq(&source, &peer));
	fw_socket_close(&listener);
	assert_int_equal(listener, -1);
	return true;
}

static void bytes_cross_and_the_end_is_seen(void **state)
{
	static const char *const ips[] = { "127.0.0.1", "::1" };
	char buffer[16];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(ips); i++) {
		int fds[2] = { -1, -1 };
		struct iovec pieces[2] = { { "abc", 3 }, { "def", 3 } };

		if (!connect_pair(ips[i], fds)) {
			assert_int_not_equal(i, 0); /* IPv6 may be absent, IPv4 may not */
			continue;
		}
		assert_int_equal(fw_socket_read(fds[1], buffer, sizeof(buffer)), FW_EAGAIN);
		assert_int_equal(fw_socket_write(fds[0], pieces, 2), 6);
		wait_for(fds[1], POLLIN);
		assert_int_equal(fw_socket_read(fds[1], buffer, sizeof(buffer)), 6);
		assert_memory_equal(buffer, "abcdef", 6);
		fw_socket_shutdown(fds[0]);
		wait_for(fds[1], POLLIN);
		assert_int_equal(fw_socket_read(fds[1], buffer, sizeof(buffer)), 0);
		fw_socket_close(&fds[0]);
		fw_socket_close(&fds[1]);
	}
}

static void writing_to_a_closed_peer_is_an_error_and_no_signal(void **state)
{
	struct iovec piece = { "abc", 3 };
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	fw_socket_close(&fds[1]);
	assert_int_equal(fw_socket_write(fds[0], &piece, 1), FW_ESYS);
	fw_socket_close(&fds[0]);
	fw_socket_close(&fds[0]); /* already closed: nothing happens */
}

static void a_full_socket_says_so(void **state)
{
	char block[4096] = { 0 };
	struct iovec piece = { block, sizeof(block) };
	ssize_t put = 1;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	for (int i = 0; i < 10000 && put > 0; i++) {
		put = fw_socket_write(fds[0], &piece, 1);
	}
	assert_int_equal(put, FW_EAGAIN);
	fw_socket_close(&fds[0]);
	fw_socket_close(&fds[1]);
}

static void a_refused_connection_has_words(void **state)
{
	struct fw_error err = { 0 };
	struct fw_addr addr;
	int listener = -1, fd = -1;

	(void)state;
	assert_int_equal(fw_addr_parse("127.0.0.1", 0, &addr), FW_OK);
	assert_int_equal(fw_socket_listen(&addr, 1, &listener, &err), FW_OK);
	assert_int_equal(fw_socket_name(listener, &addr), FW_OK);
	fw_socket_close(&listener); /* now nobody listens on this port */
	int ret = fw_socket_connect(&addr, NULL, &fd, &err);
	if (ret == FW_OK) {
		wait_for(fd, POLLOUT);
		ret = fw_socket_result(fd, &err);
	}
	assert_int_equal(ret, FW_ESYS);
	assert_non_null(strstr(err.text, "refused"));
	fw_socket_close(&fd);
}

static void two_listeners_on_one_port_are_refused_with_the_address(void **state)
{
	struct fw_error err = { 0 };
	struct fw_addr addr;
	int first = -1, second = -1;

	(void)state;
	assert_int_equal(fw_addr_parse("127.0.0.1", 0, &addr), FW_OK);
	assert_int_equal(fw_socket_listen(&addr, 1, &first, &err), FW_OK);
	assert_int_equal(fw_socket_name(first, &addr), FW_OK);
	assert_int_equal(fw_socket_listen(&addr, 1, &second, &err), FW_ESYS);
	assert_int_equal(second, -1);
	assert_non_null(strstr(err.text, "127.0.0.1:"));
	fw_socket_close(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_read_and_write_as_text),
		cmocka_unit_test(equal_addresses_have_the_same_ip_and_port),
		cmocka_unit_test(networks_are_an_address_or_a_slash_64),
		cmocka_unit_test(bytes_cross_and_the_end_is_seen),
		cmocka_unit_test(writing_to_a_closed_peer_is_an_error_and_no_signal),
		cmocka_unit_test(a_full_socket_says_so),
		cmocka_unit_test(a_refused_connection_has_words),
		cmocka_unit_test(two_listeners_on_one_port_are_refused_with_the_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
