/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_scan.c: what is refused before the library sees it, and numbers of 64
 * bits.
 */
#include "tests/config/config_test.h"

#include "config/config_file.h"
#include "config/config_memory.h"

static void test_refused(void **state)
{
	static const struct {
		const char *text, *problems;
	} rows[] = {
		{ "# only a comment", "" },
		{ "\xef\xbb\xbfrealm = \"x\";\r\n", "" },
		{ "realm = \"x\"; // \"\n/* } \" */ # )\n", "" },
		{ "realm = \"a\n", "<text>:1: the string that begins here has no closing quote\n" },
		{ "\n\nrealm = \"a\n\n",
		  "<text>:3: the string that begins here has no closing quote\n" },
		{ "realm = \"a\\\"",
		  "<text>:1: the string that begins here has no closing quote\n" },
		{ "realm = \"a\\", "<text>:1: the string that begins here has no closing quote\n" },
		{ "\n/* a\n*", "<text>:2: the comment that begins here has no end\n" },
		{ "realm = \"a\\x00b\";", "<text>:1: a string may not hold \\x00\n" },
		{ "realm = \"a\nb\\x00\";", "<text>:2: a string may not hold \\x00\n" },
		{ "\nrealm = \"\x01\";", "<text>:2: control character 0x01\n" },
		{ "# \x1b[31m", "<text>:1: control character 0x1b\n" },
		{ "a\rb", "<text>:1: control character 0x0d\n" },
		{ "a = 1\x7f", "<text>:1: control character 0x7f\n" },
		{ "listen = (\n{\n);", "<text>:3: ')' cannot close the '{' of line 2\n" },
		{ "listen = (\n\n", "<text>:1: '(' is never closed\n" },
		{ "listen = ());", "<text>:1: ')' closes nothing\n" },
		{ "a = [(", "<text>:1: '(' is never closed\n" },
		{ "a = 12abc;", "<text>:1: '12abc' is neither a number nor a name\n" },
		{ "a = 1.2.3;", "<text>:1: '1.2.3' is neither a number nor a name\n" },
		{ "a = -;", "<text>:1: '-' is neither a number nor a name\n" },
		{ "a = 0x;", "<text>:1: '0x' is neither a number nor a name\n" },
		{ "a = 5LLL;", "<text>:1: '5LLL' is neither a number nor a name\n" },
		{ "a = 9223372036854775808;", "<text>:1: a number is too large for 64 bits\n" },
		{ "a = -9223372036854775809;", "<text>:1: a number is too large for 64 bits\n" },
		{ "a = 0xffffffffffffffff;", "<text>:1: a number is too large for 64 bits\n" },
		{ "a = 1111111111111111111111111111111111111111111111111111111111111111111;",
		  "<text>:1: '1111111111111111111111111111111111111111' is neither a number nor a "
		  "name\n" },
		{ "a = 1; @include \"x\"", "<text>:1: '@' may only begin an @include line\n" },
		{ "@inclue \"x\"", "<text>:1: '@' may only begin an @include line\n" },
		{ "@", "<text>:1: '@' may only begin an @include line\n" },
		{ "@include", "<text>:1: @include wants a file name in quotes\n" },
		{ "@include x", "<text>:1: @include wants a file name in quotes\n" },
		{ "@include \"x\n\"", "<text>:1: @include wants a file name in quotes\n" },
		{ "@include \"\"", "<text>:1: @include wants a file name in quotes\n" },
		{ "@include \"x\" a = 1", "<text>:1: @include stands alone on its line\n" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_problems(rows[i].text, rows[i].problems);
	}
}

static void test_line_ends_of_windows(void **state)
{
	struct config *config = load_good("# a\r\n/* b\r\n */\r\nlog_file = \"c\r\nd\";\r\n\r\n");

	(void)state;
	assert_string_equal(config->router.log_file, "c\nd");
	config_free(&config);
	assert_problems("\r\nrealm = 5;\r\n",
	                "<text>:2: realm = 5: a string in quotes is wanted\n");
}

static void test_nesting_has_a_limit(void **state)
{
	char text[33 * 3 + 1];

	(void)state;
	for (size_t i = 0; i < 33; i++) {
		snprintf(text + i * 3, 4, "a={");
	}
	assert_problems(text, "<text>:1: brackets are nested too deeply\n");
}

static void test_numbers_have_64_bits(void **state)
{
	static const struct {
		const char *text;
		enum config_type type;
		int64_t number;
		double real;
	} rows[] = {
		{ "n = 0;", CONFIG_NUMBER, 0, 0 },
		{ "n = 007;", CONFIG_NUMBER, 7, 0 },
		{ "n = -1", CONFIG_NUMBER, -1, 0 },
		{ "n = +1", CONFIG_NUMBER, 1, 0 },
		{ "n = 2147483648", CONFIG_NUMBER, 2147483648, 0 },
		{ "n = 4294967297", CONFIG_NUMBER, 4294967297, 0 },
		{ "n = 4294967297L", CONFIG_NUMBER, 4294967297, 0 },
		{ "n = 5LL;", CONFIG_NUMBER, 5, 0 },
		{ "n = 9223372036854775807", CONFIG_NUMBER, INT64_MAX, 0 },
		{ "n = 0x1ffffffff;", CONFIG_NUMBER, 0x1ffffffff, 0 },
		{ "n = 0X10", CONFIG_NUMBER, 16, 0 },
		{ "n = 1.5;", CONFIG_FLOAT, 0, 1.5 },
		{ "n = .5", CONFIG_FLOAT, 0, .5 },
		{ "n = 1e3", CONFIG_FLOAT, 0, 1000 },
		{ "n = 1.0e-1;", CONFIG_FLOAT, 0, .1 },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct config_problems problems = { 0 };
		struct config_node *top = NULL;
		void *memory = NULL;
		int ret = config_file_read("<text>", rows[i].text, &memory, &top, &problems);
		if (ret != FW_OK) {
			fail_msg("%s: %s", rows[i].text, problems.text);
		}
		const struct config_node *n = config_node_get(top, "n");
		assert_int_equal(n->type, rows[i].type);
		assert_true(n->number == rows[i].number);
		assert_true(n->real == rows[i].real);
		config_memory_free(&memory);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_line_ends_of_windows),
		cmocka_unit_test(test_nesting_has_a_limit),
		cmocka_unit_test(test_numbers_have_64_bits),
	};
	return cmocka_run_group_tests(tests, in_new_folder, leave_folder);
}
