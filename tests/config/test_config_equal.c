/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_equal.c: one difference at a time, of every type.
 */
#include "tests/config/config_test.h"

#define BEFORE "components = ( { module = \"sample\"; options = { secret = \"abc\"; "
#define AFTER "}; } );"
#define ROUTE "routes = ( { domain = \"d\"; } ); "

static bool same(const char *a, const char *b)
{
	struct config *first = load_good(a);
	struct config *second = load_good(b);
	const struct config_component *one = first->router.components.items;
	const struct config_component *two = second->router.components.items;
	bool equal = config_options_equal(sample_rows, one->options, two->options);

	assert_int_equal(config_options_equal(sample_rows, two->options, one->options), equal);
	config_free(&first);
	config_free(&second);
	return equal;
}

static void test_differences(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
		{ BEFORE AFTER, BEFORE AFTER, true },
		{ BEFORE AFTER, BEFORE "strict = true; port = 7; title = \"a \\\\ title\";" AFTER,
		  true },
		{ BEFORE AFTER, BEFORE "strict = false;" AFTER, false },
		{ BEFORE AFTER, BEFORE "port = 8;" AFTER, false },
		{ BEFORE AFTER, BEFORE "timeout_ms = 1501;" AFTER, false },
		{ BEFORE AFTER, BEFORE "size_bytes = 705032704;" AFTER, false }, /* same low half */
		{ BEFORE AFTER, BEFORE "title = \"b title\";" AFTER, false },
		{ BEFORE AFTER, BEFORE "mode = \"hard\";" AFTER, false },
		{ BEFORE AFTER, BEFORE "allow = ( \"a.example\", \"b.example\" );" AFTER, true },
		{ BEFORE AFTER, BEFORE "allow = ( \"b.example\", \"a.example\" );" AFTER, false },
		{ BEFORE AFTER, BEFORE "allow = ( \"a.example\" );" AFTER, false },
		{ BEFORE ROUTE AFTER, BEFORE ROUTE AFTER, true },
		{ BEFORE ROUTE AFTER, BEFORE AFTER, false },
		{ BEFORE ROUTE AFTER, BEFORE "routes = ( { domain = \"e\"; } );" AFTER, false },
		{ BEFORE ROUTE AFTER,
		  BEFORE "routes = ( { domain = \"d\"; hosts = \"x\"; } );" AFTER, false },
		{ BEFORE AFTER, "components = ( { module = \"sample\"; } );", false },
		{ BEFORE AFTER,
		  "components = ( { module = \"sample\"; options = { secret = \"abd\"; }; } );",
		  false },
		{ BEFORE AFTER,
		  "components = ( { module = \"sample\"; options = { secret_file = \"key\"; }; } "
		  ");",
		  true }, /* the same bytes */
	};

	(void)state;
	write_file("key", "abc\n", 0600);
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		if (same(rows[i].a, rows[i].b) != rows[i].equal) {
			fail_msg("%s\n%s", rows[i].a, rows[i].b);
		}
	}
}

static void test_no_rows(void **state)
{
	(void)state;
	assert_true(config_options_equal(NULL, "a", "b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_no_rows),
	};
	return cmocka_run_group_tests(tests, in_new_folder, leave_folder);
}
