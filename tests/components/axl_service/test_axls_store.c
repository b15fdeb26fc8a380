/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The embedded store by itself: statements in their order, off the loop, bounded in number, and
 * each told once, also when the store closes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "components/axl_service/axls_store.h"

enum { WAITING_MAX = 4, TOLD_MAX = 8 };

static struct fw_loop *loop;
static struct axls_store *store;
static struct {
	int code, axl_code;
	uint64_t updated;
} told[TOLD_MAX];
static size_t told_count, changes;

static void on_changed(void *ctx)
{
	(void)ctx;
	changes++;
}

static const struct axls_store_events events = { on_changed, NULL };

static int setup(void **state)
{
	const struct axls_store_settings settings = { .file = ":memory:",
		                                      .bounds = { 100, 10000 },
		                                      .steps_max = 100000,
		                                      .poll_ms = 1000,
		                                      .writes_max = WAITING_MAX };
	struct fw_error err = { 0 };

	(void)state;
	told_count = changes = 0;
	return fw_loop_new(&loop) == FW_OK && axls_store_sqlite.open(loop, NULL, &settings, &events,
	                                                             NULL, &store, &err) == FW_OK
	               ? 0
	               : -1;
}

static int teardown(void **state)
{
	(void)state;
	if (store != NULL) {
		axls_store_sqlite.close(&store);
	}
	fw_loop_free(&loop);
	return 0;
}

static void on_done(void *ctx, struct axls_result **result)
{
	(void)ctx;
	assert_true(told_count < TOLD_MAX);
	assert_non_null(*result);
	told[told_count].code = (*result)->code;
	told[told_count].axl_code = (*result)->axl_code;
	told[told_count++].updated = (*result)->updated;
}

static void run(const char *text)
{
	struct axls_sql sql = { .text = fw_str_dup(fw_str(text)),
		                .writes = strncmp(text, "select", 6) != 0 };

	store->type->run(store, &sql, on_done, NULL);
	assert_null(sql.text);
}

static void turn_until_told(size_t count)
{
	while (told_count < count) {
		fw_loop_turn(loop, true);
	}
}

static void statements_keep_their_order_and_do_not_hold_the_loop(void **state)
{
	(void)state;
	run("insert into xmpps2snodes (cp_id) values ('a.b')");
	run("insert into xmpps2snodes (cp_id) values ('a.b')");
	run("delete from xmpps2snodes");
	assert_int_equal(told_count, 0); /* none is done on the way */
	turn_until_told(3);
	assert_int_equal(told[0].updated, 1);
	assert_int_equal(told[1].axl_code, AXLS_CODE_DUPLICATE);
	assert_int_equal(told[2].updated, 1);
	while (changes == 0) {
		fw_loop_turn(loop, true);
	}
}

static void too_many_are_told_to_come_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < WAITING_MAX; i++) {
		run("select * from xmpps2snodes");
	}
	run("delete from xmpps2snodes");
	assert_int_equal(told_count, 1);
	assert_int_equal(told[0].code, FW_EAGAIN);
	assert_int_equal(told[0].axl_code, AXLS_CODE_THROTTLE);
	turn_until_told(WAITING_MAX + 1);
	run("delete from xmpps2snodes");
	turn_until_told(WAITING_MAX + 2);
	assert_int_equal(told[WAITING_MAX + 1].code, FW_OK);
}

/* A statement that was done is told so; one that was not is told that as well. */
static void a_store_that_closes_tells_all_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < WAITING_MAX; i++) {
		run("delete from xmpps2snodes");
	}
	axls_store_sqlite.close(&store);
	assert_null(store);
	assert_int_equal(told_count, WAITING_MAX);
	for (size_t i = 1; i < WAITING_MAX; i++) {
		assert_int_equal(told[i].code, FW_ECLOSED);
	}
	assert_true(told[0].code == FW_OK || told[0].code == FW_ECLOSED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(statements_keep_their_order_and_do_not_hold_the_loop),
		TEST(too_many_are_told_to_come_back),
		TEST(a_store_that_closes_tells_all_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
