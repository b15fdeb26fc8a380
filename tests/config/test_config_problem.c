/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_problem.c: file:line in front, all collected, an end to it.
 */
#include "tests/config/config_test.h"

static void test_lines(void **state)
{
	struct config_problems problems = { 0 };

	(void)state;
	config_problem(&problems, "a.conf", 7, "unknown key '%s'", "x");
	config_problem(&problems, "a.conf", 0, "unreadable");
	config_problem(&problems, NULL, 7, "out of memory");
	assert_int_equal(problems.count, 3);
	assert_string_equal(problems.text,
	                    "a.conf:7: unknown key 'x'\na.conf: unreadable\nout of memory\n");
	config_problems_free(&problems);
	assert_null(problems.text);
	assert_int_equal(problems.count, 0);
	config_problems_free(&problems);
}

static void test_long_sentences_are_cut(void **state)
{
	struct config_problems problems = { 0 };
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	config_problem(&problems, text, 1, "%s", text);
	assert_int_equal(strlen(problems.text), 1024);
	config_problems_free(&problems);
}

static void test_the_list_ends(void **state)
{
	struct config_problems problems = { 0 };
	static const char last[] = "f:199: x\nand more of them; repair those above first\n";

	(void)state;
	for (int i = 1; i <= 1000; i++) {
		config_problem(&problems, "f", i, "x");
	}
	assert_int_equal(problems.count, 1000);
	assert_string_equal(problems.text + strlen(problems.text) - strlen(last), last);
	config_problems_free(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_sentences_are_cut),
		cmocka_unit_test(test_the_list_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
