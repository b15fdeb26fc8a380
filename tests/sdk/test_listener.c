/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A set of listening sockets on loopback: what a reload keeps, opens and closes, what waits for
 * another address's end, and what happens when descriptors run out.
 */
#include <fedway/io/listener.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { TAKEN_MAX = 16 };

static struct fw_logger test_logger = FW_LOGGER("test.listener");

static struct {
	struct fw_loop *loop;
	struct fw_listeners *set;
	int clients[TAKEN_MAX], taken[TAKEN_MAX]; /* descriptors */
	size_t client_count, taken_count, seen;   /* seen: calls of on_accept() */
	struct fw_addr wanted;                    /* of the last */
	bool leave, end;                          /* what on_accept() does */
	char log[4096];
} world;

static void sink(void *ctx, enum fw_level level, const char *line, size_t len)
{
	size_t used = strlen(world.log);

	(void)ctx;
	(void)level;
	(void)snprintf(world.log + used, sizeof(world.log) - used, "%.*s", (int)len, line);
}

static void on_accept(void *ctx, const struct fw_addr *wanted, int *fd, const struct fw_addr *peer)
{
	assert_ptr_equal(ctx, &world);
	assert_int_not_equal(fw_addr_port(peer), 0);
	world.seen++;
	world.wanted = *wanted;
	if (world.end) {
		fw_listeners_free(&world.set);
	}
	if (!world.leave && world.taken_count < TAKEN_MAX) {
		world.taken[world.taken_count++] = *fd;
		*fd = -1;
	}
}

static int begin(void **state)
{
	static const struct fw_log_sink to_test = { sink, NULL };
	const struct fw_listeners_settings settings = { 16, 2, NULL, &test_logger };

	(void)state;
	memset(&world, 0, sizeof(world));
	fw_log_set_sink(&to_test);
	return fw_loop_new(&world.loop) == FW_OK &&
	                       fw_listeners_new(world.loop, &settings, on_accept, &world,
	                                        &world.set) == FW_OK
	               ? 0
	               : -1;
}

static int end(void **state)
{
	(void)state;
	while (world.client_count > 0) {
		fw_socket_close(&world.clients[--world.client_count]);
	}
	while (world.taken_count > 0) {
		fw_socket_close(&world.taken[--world.taken_count]);
	}
	fw_listeners_free(&world.set);
	fw_loop_free(&world.loop);
	fw_log_set_sink(NULL);
	return 0;
}

static uint16_t port_at(size_t index)
{
	const struct fw_addr *bound = fw_listeners_at(world.set, index);

	return bound != NULL ? fw_addr_port(bound) : 0;
}

static int dial(const char *ip, uint16_t port)
{
	struct fw_addr addr;
	int fd = -1;

	assert_int_equal(fw_addr_parse(ip, port, &addr), FW_OK);
	assert_int_equal(fw_socket_connect(&addr, NULL, &fd, NULL), FW_OK);
	assert_true(world.client_count < TAKEN_MAX);
	world.clients[world.client_count++] = fd;
	return fd;
}

static void wait_seen(size_t count)
{
	while (world.seen < count) {
		fw_loop_turn(world.loop, true);
	}
	assert_int_equal(world.seen, count);
}

static void follow(const struct fw_listen_row *rows, size_t count)
{
	struct fw_error err = { 0 };

	if (fw_listeners_follow(world.set, rows, count, &err) != FW_OK) {
		fail_msg("%s", err.text);
	}
}

/* ---- rows ---- */

static void rows_are_judged_before_anything_is_opened(void **state)
{
	static const struct {
		struct fw_listen_row rows[2];
		const char *says; /* NULL: good */
	} cases[] = {
		{ { { "127.0.0.1", 1 }, { "127.0.0.1", 2 } }, NULL },
		{ { { "127.0.0.1", 1 }, { "::", 1 } }, NULL },
		{ { { "127.0.0.1", 0 }, { "127.0.0.1", 0 } }, NULL },
		{ { { "127.0.0.1", 1 }, { "localhost", 1 } }, "\"localhost\" is not an IP" },
		{ { { "127.0.0.1", 1 }, { "127.0.0.1", 1 } }, "127.0.0.1 port 1 is given twice" },
		{ { { "::1", 1 }, { "0:0:0::1", 1 } }, "0:0:0::1 port 1 is given twice" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(cases); i++) {
		struct fw_error err = { 0 };
		int ret = fw_listeners_check(cases[i].rows, 2, &err);
		assert_int_equal(ret, cases[i].says == NULL ? FW_OK : FW_EINVAL);
		if (cases[i].says != NULL && strstr(err.text, cases[i].says) == NULL) {
			fail_msg("'%s' lacks '%s'", err.text, cases[i].says);
		}
	}
}

/* ---- accepting ---- */

static void connections_come_with_the_address_that_was_asked_for(void **state)
{
	const struct fw_listen_row rows[] = { { "127.0.0.1", 0 }, { "127.0.0.2", 0 } };
	char text[FW_ADDR_TEXT_SIZE];

	(void)state;
	follow(rows, 2);
	dial("127.0.0.2", port_at(1));
	wait_seen(1);
	assert_string_equal(fw_addr_text(&world.wanted, text), "127.0.0.2:0");
	dial("127.0.0.1", port_at(0));
	wait_seen(2);
	assert_string_equal(fw_addr_text(&world.wanted, text), "127.0.0.1:0");
	assert_int_equal(world.taken_count, 2);
}

static void what_nobody_takes_is_closed(void **state)
{
	const struct fw_listen_row row = { "127.0.0.1", 0 };
	char byte;

	(void)state;
	follow(&row, 1);
	world.leave = true;
	int fd = dial("127.0.0.1", port_at(0));
	wait_seen(1);
	ssize_t got = FW_EAGAIN;
	while (got == FW_EAGAIN) {
		got = fw_socket_read(fd, &byte, 1);
	}
	assert_int_equal(got, 0);
}

static void one_address_takes_no_more_than_its_share_of_a_turn(void **state)
{
	const struct fw_listen_row row = { "127.0.0.1", 0 };

	(void)state;
	follow(&row, 1);
	for (int i = 0; i < 5; i++) {
		dial("127.0.0.1", port_at(0));
	}
	while (world.seen < 5) {
		size_t before = world.seen;
		fw_loop_turn(world.loop, true);
		assert_true(world.seen - before <= 2); /* per_turn */
	}
}

static void the_set_may_go_while_it_accepts(void **state)
{
	const struct fw_listen_row row = { "127.0.0.1", 0 };

	(void)state;
	follow(&row, 1);
	world.end = true;
	uint16_t port = port_at(0);
	dial("127.0.0.1", port);
	dial("127.0.0.1", port);
	wait_seen(1);
	assert_null(world.set);
	assert_null(fw_listeners_at(world.set, 0));
	fw_loop_turn(world.loop, false);
	assert_int_equal(world.seen, 1);
}

/* ---- following a configuration ---- */

static void what_stays_the_same_is_not_touched(void **state)
{
	struct fw_listen_row rows[] = { { "127.0.0.1", 0 }, { "127.0.0.2", 0 } };
	struct fw_json *changes = fw_json_new(), *list = fw_json_set_array(changes, "list");

	(void)state;
	follow(rows, 1);
	uint16_t port = port_at(0);
	dial("127.0.0.1", port); /* waits in the kernel, and outlives both changes */
	assert_int_equal(fw_listeners_prepare(world.set, rows, 2, NULL), FW_OK);
	assert_int_equal(fw_listeners_apply(world.set, list, NULL), FW_OK);
	assert_int_equal(port_at(0), port);
	assert_int_not_equal(port_at(1), 0);
	assert_int_equal(fw_json_count(list), 1);
	assert_non_null(strstr(fw_json_text(fw_json_at(list, 0)).ptr, "listening on 127.0.0.2:"));
	follow(rows, 1);
	assert_int_equal(port_at(0), port);
	assert_int_equal(port_at(1), 0);
	assert_non_null(strstr(world.log, "no longer listening address=127.0.0.2:"));
	assert_null(strstr(world.log, "no longer listening address=127.0.0.1:"));
	wait_seen(1);
	follow(NULL, 0);
	assert_int_equal(port_at(0), 0);
	fw_json_free(&changes);
}

static void what_is_prepared_accepts_only_when_it_is_applied(void **state)
{
	const struct fw_listen_row old = { "127.0.0.1", 0 }, new = { "127.0.0.2", 0 };
	struct fw_addr addr;
	int fd = -1;

	(void)state;
	follow(&old, 1);
	uint16_t port = port_at(0);
	/* A port that the next address can have. */
	assert_int_equal(fw_addr_parse("127.0.0.2", port, &addr), FW_OK);
	const struct fw_listen_row same_port = { "127.0.0.2", port };
	assert_int_equal(fw_listeners_prepare(world.set, &same_port, 1, NULL), FW_OK);
	dial("127.0.0.2", port);
	dial("127.0.0.1", port);
	wait_seen(1);
	assert_int_equal(port_at(1), 0);
	fw_listeners_forget(world.set);
	assert_int_equal(fw_listeners_apply(world.set, NULL, NULL), FW_OK); /* nothing to do */
	assert_int_equal(port_at(0), port);
	assert_int_equal(fw_socket_listen(&addr, 1, &fd, NULL), FW_OK); /* it was let go */
	fw_socket_close(&fd);
	assert_int_equal(fw_listeners_prepare(world.set, &new, 1, NULL), FW_OK);
	assert_int_equal(port_at(0), port);
	assert_int_equal(fw_listeners_apply(world.set, NULL, NULL), FW_OK);
	dial("127.0.0.2", port_at(0));
	wait_seen(2);
}

/* The kernel refuses both at once, so that one reload could otherwise never do it. */
static void an_address_becomes_all_addresses_of_its_port_and_back(void **state)
{
	struct fw_listen_row one = { "127.0.0.1", 0 }, all = { "0.0.0.0", 0 };
	char text[FW_ADDR_TEXT_SIZE];
	int ret = FW_ESYS;

	(void)state;
	for (int tries = 0; tries < 10 && ret != FW_OK; tries++) { /* others may use our port */
		one.port = 0;
		follow(&one, 1);
		one.port = all.port = port_at(0);
		ret = fw_listeners_follow(world.set, &all, 1, NULL);
	}
	assert_int_equal(ret, FW_OK);
	for (size_t round = 1; round <= 2; round++) {
		const struct fw_listen_row *row = round == 1 ? &all : &one;
		follow(row, 1);
		assert_string_equal(fw_addr_ip_text(fw_listeners_at(world.set, 0), text),
		                    row->address);
		assert_int_equal(port_at(0), one.port);
		assert_int_equal(port_at(1), 0);
		dial("127.0.0.1", one.port);
		wait_seen(round);
	}
}

static void a_bad_address_is_named_and_costs_no_other(void **state)
{
	struct fw_listen_row rows[] = {
		{ "127.0.0.1", 0 }, { "192.0.2.1", 1 }, { "127.0.0.2", 0 }, { "nowhere", 1 }
	};
	struct fw_error err = { 0 };

	(void)state;
	assert_int_equal(fw_listeners_follow(world.set, rows, 4, &err), FW_ESYS);
	assert_non_null(strstr(err.text, "cannot listen on 192.0.2.1:1: "));
	assert_int_not_equal(port_at(1), 0);
	assert_int_equal(port_at(2), 0);
	assert_int_equal(fw_listeners_follow(world.set, &rows[3], 1, &err), FW_EINVAL);
	assert_non_null(strstr(err.text, "nowhere"));
	assert_int_equal(port_at(0), 0); /* the others were not asked for any more */
}

static void an_address_that_stands_twice_counts_once(void **state)
{
	const struct fw_listen_row rows[] = { { "127.0.0.1", 0 }, { "127.0.0.1", 0 } };
	struct fw_json *report = fw_json_new(), *list = fw_json_set_array(report, "list");

	(void)state;
	follow(rows, 2);
	fw_listeners_report(world.set, list);
	assert_int_equal(fw_json_count(list), 1);
	assert_memory_equal(fw_json_text(fw_json_at(list, 0)).ptr, "127.0.0.1:", 10);
	fw_listeners_close(world.set);
	assert_null(fw_listeners_at(world.set, 0));
	fw_json_free(&report);
}

/* ---- no descriptors ---- */

static unsigned lines_with(const char *text)
{
	unsigned count = 0;

	for (const char *at = strstr(world.log, text); at != NULL; at = strstr(at + 1, text)) {
		count++;
	}
	return count;
}

static void it_rests_without_descriptors_and_goes_on_by_itself(void **state)
{
	const struct fw_listen_row row = { "127.0.0.1", 0 };
	struct rlimit old, none;

	(void)state;
	follow(&row, 1);
	dial("127.0.0.1", port_at(0));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	int lowest = dup(0);
	assert_true(lowest > 0);
	(void)close(lowest);
	none = old;
	none.rlim_cur = (rlim_t)lowest;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	while (lines_with("cannot accept connections address=127.0.0.1:") == 0) {
		fw_loop_turn(world.loop, true);
	}
	uint64_t began = fw_now_us(world.loop);
	fw_loop_turn(world.loop, true); /* until the rest is over, and not at once */
	assert_true(fw_now_us(world.loop) - began > 500000);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	wait_seen(1);
	assert_int_equal(lines_with("cannot accept"), 1);
	assert_int_equal(lines_with("reason='out of file descriptors'"), 1);
	assert_int_equal(lines_with("connections are accepted again address=127.0.0.1:"), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_are_judged_before_anything_is_opened),
		TEST(connections_come_with_the_address_that_was_asked_for),
		TEST(what_nobody_takes_is_closed),
		TEST(one_address_takes_no_more_than_its_share_of_a_turn),
		TEST(the_set_may_go_while_it_accepts),
		TEST(what_stays_the_same_is_not_touched),
		TEST(what_is_prepared_accepts_only_when_it_is_applied),
		TEST(an_address_becomes_all_addresses_of_its_port_and_back),
		TEST(a_bad_address_is_named_and_costs_no_other),
		TEST(an_address_that_stands_twice_counts_once),
		TEST(it_rests_without_descriptors_and_goes_on_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
