/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_describe.c: the nearest word.
 */
#include "tests/config/config_test.h"

#include "config/config_describe.h"

static void test_nearest(void **state)
{
	static const char *const known[] = { "port", "address", "timeout_ms", "domains", "id", "" };
	static const struct {
		const char *given, *nearest;
	} rows[] = {
		{ "prot", "port" },  /* neighbours swapped */
		{ "ports", "port" }, /* one too many */
		{ "prt", "port" },   /* one missing */
		{ "pord", "port" },  /* another letter */
		{ "adress", "address" },
		{ "domain", "domains" },
		{ "timeout_s", "timeout_ms" },
		{ "timeout", "timeout_ms" },
		{ "tmout", NULL }, /* five letters away */
		{ "ip", "id" },
		{ "xy", NULL }, /* every letter another */
		{ "secret", NULL },
		{ "a-name-that-is-longer-than-any-option-has-ever-been-and-ever-will-be", NULL },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		const char *nearest =
		        config_describe_nearest(rows[i].given, known, FW_COUNT(known));
		if (rows[i].nearest == NULL) {
			if (nearest != NULL) {
				fail_msg("'%s': '%s'", rows[i].given, nearest);
			}
		} else {
			assert_non_null(nearest);
			assert_string_equal(nearest, rows[i].nearest);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_nearest) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
