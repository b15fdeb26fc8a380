/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_json.c: what is written reads back the same, and looks as an operator
 * expects; every cut is noticed or is a shorter whole; what has no place is refused with its line.
 */
#include "tests/config/config_test.h"

#include <stdlib.h>

#include "config/config_json.h"

static const char json_text[] =
        "{\"format\":1,\"learned\":{\"federation\":{\"on\":true,\"big\":-9223372036854775807},"
        "\"allow\":[\"a.example\",\"b\\\"\\\\\\n\\u0001\xc3\xbc.example\"],\"empty\":[],"
        "\"none\":{},"
        "\"domains\":[{\"name\":\"corp.example\",\"rows\":[{\"x\":7}],\"federation\":false}]}}";

static const char file_text[] =
        "format = 1;\n"
        "learned = {\n"
        "  federation = {\n"
        "    on = true;\n"
        "    big = -9223372036854775807;\n"
        "  };\n"
        "  allow = (\n"
        "    \"a.example\",\n"
        "    \"b\\\"\\\\\\x0a\\x01\xc3\xbc.example\"\n"
        "  );\n"
        "  empty = ( );\n"
        "  none = { };\n"
        "  domains = (\n"
        "    { name = \"corp.example\"; rows = ( { x = 7; } ); federation = false; }\n"
        "  );\n"
        "};\n";

static struct fw_json *parsed(const char *text)
{
	struct fw_json *json = NULL;

	assert_int_equal(fw_json_parse(fw_str(text), &json, NULL), FW_OK);
	return json;
}

static void test_there_and_back(void **state)
{
	struct config_problems problems = { 0 };
	struct fw_json *json = parsed(json_text), *again = NULL;
	char *text = config_json_text(json);

	(void)state;
	assert_string_equal(text, file_text);
	assert_int_equal(config_json_read("<text>", text, &again, &problems), FW_OK);
	assert_true(fw_json_equal(json, again));
	free(text);
	fw_json_free(&json);
	fw_json_free(&again);
}

static size_t count(const char *text, char c)
{
	size_t found = 0;

	for (; *text != '\0'; text++) {
		found += *text == c ? 1 : 0;
	}
	return found;
}

/* A file that was cut is an error, unless the cut is between two members of the top level. */
static void test_truncated_at_every_byte(void **state)
{
	size_t whole = 0;

	(void)state;
	for (size_t len = 0; len < sizeof(file_text) - 1; len++) {
		struct config_problems problems = { 0 };
		struct fw_json *json = NULL;
		char *cut = strndup(file_text, len);
		int ret = config_json_read("<text>", cut, &json, &problems);
		if (ret == FW_OK) {
			assert_int_equal(count(cut, '{'), count(cut, '}'));
			assert_int_equal(count(cut, '('), count(cut, ')'));
			whole++;
		} else {
			assert_null(json);
			assert_true(problems.count > 0);
		}
		config_problems_free(&problems);
		fw_json_free(&json);
		free(cut);
	}
	assert_true(whole > 0);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *problem;
	} rows[] = {
		{ "a = 1;\nb = 1.5;", "<text>:2: a number with a fraction has no place here\n" },
		{ "a = (\n1);", "<text>:2: a list holds texts or groups here\n" },
		{ "a = ((\"x\"));", "<text>:1: a list holds texts or groups here\n" },
		{ "a = ", "<text>:1: syntax error at the end of the file\n" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct config_problems problems = { 0 };
		struct fw_json *json = NULL;
		assert_int_not_equal(config_json_read("<text>", rows[i].text, &json, &problems),
		                     FW_OK);
		assert_null(json);
		assert_string_equal(problems.text, rows[i].problem);
		config_problems_free(&problems);
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} rows[] = {
		{ "domains", true },
		{ "a-b_9", true },
		{ "", false },
		{ "9a", false },
		{ "a b", false },
		{ "a.b", false },
		{ "\xc3\xbc", false },
		{ "True", false },
		{ "false", false },
		{ "a23456789012345678901234567890123456789012345678901234567890123", true },
		{ "a234567890123456789012345678901234567890123456789012345678901234", false },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_int_equal(config_json_is_name(rows[i].name), rows[i].good);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_truncated_at_every_byte),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
