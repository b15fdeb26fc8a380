/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Names that the system knows by itself, names that nobody knows, and look-ups that are given up.
 */
#include <fedway/io/lookup.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct asked {
	struct fw_loop *loop;
	struct fw_lookup *lookup;
	size_t told, count;
	struct fw_addr first;
};

static void on_found(void *ctx, const struct fw_addr *addrs, size_t count)
{
	struct asked *asked = ctx;

	assert_null(asked->lookup);
	asked->told++;
	asked->count = count;
	if (count > 0) {
		asked->first = addrs[0];
	}
	fw_loop_stop(asked->loop);
}

static void begin(struct asked *asked, const char *host)
{
	assert_int_equal(fw_lookup_start(asked->loop, host, 5432, on_found, asked, &asked->lookup),
	                 FW_OK);
	assert_int_equal(asked->told, 0);
}

static void a_known_host_has_addresses(void **state)
{
	struct asked asked = { 0 };
	char text[FW_ADDR_TEXT_SIZE];

	(void)state;
	assert_int_equal(fw_loop_new(&asked.loop), FW_OK);
	begin(&asked, "localhost");
	fw_loop_run(asked.loop);
	assert_int_equal(asked.told, 1);
	assert_true(asked.count >= 1);
	assert_int_equal(fw_addr_port(&asked.first), 5432);
	fw_addr_ip_text(&asked.first, text);
	assert_true(strcmp(text, "127.0.0.1") == 0 || strcmp(text, "::1") == 0);
	fw_loop_free(&asked.loop);
}

static void a_text_that_is_no_name_has_none(void **state)
{
	struct asked asked = { 0 };

	(void)state;
	assert_int_equal(fw_loop_new(&asked.loop), FW_OK);
	begin(&asked, "no name..at all");
	fw_loop_run(asked.loop);
	assert_int_equal(asked.told, 1);
	assert_int_equal(asked.count, 0);
	fw_loop_free(&asked.loop);
}

static void a_look_up_that_is_given_up_is_not_told(void **state)
{
	struct asked asked = { 0 };

	(void)state;
	assert_int_equal(fw_loop_new(&asked.loop), FW_OK);
	begin(&asked, "localhost");
	fw_lookup_cancel(&asked.lookup);
	assert_null(asked.lookup);
	fw_lookup_cancel(&asked.lookup);
	fw_loop_free(&asked.loop); /* waits for the thread */
	assert_int_equal(asked.told, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_host_has_addresses),
		cmocka_unit_test(a_text_that_is_no_name_has_none),
		cmocka_unit_test(a_look_up_that_is_given_up_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
