/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of sdk/src/json.c: what is built reads back the same, hostile text is refused or repaired,
 * every cut fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include <fedway/json.h>

static void assert_dump(const struct fw_json *json, const char *wanted)
{
	char *text = fw_json_dump(json, false);

	assert_string_equal(text, wanted);
	free(text);
}

static void test_build_and_dump(void **state)
{
	struct fw_json *json = fw_json_new();

	(void)state;
	fw_json_set(json, "name", fw_str("a\"b"));
	fw_json_setf(json, "id", "%s-%d", "cm", 1);
	fw_json_set_int(json, "big", INT64_MIN);
	fw_json_set_bool(json, "up", true);
	struct fw_json *list = fw_json_set_array(json, "list");
	fw_json_append(list, fw_str("x"));
	fw_json_set_int(fw_json_append_object(list), "n", 0);
	fw_json_appendf(list, "%s %u", "y", 2u);
	fw_json_setf(json, "name", "%s\"", fw_json_text(fw_json_get(json, "name")).ptr);
	fw_json_set(fw_json_set_object(json, "inner"), "k", fw_str(""));
	assert_dump(json, "{\"id\":\"cm-1\",\"big\":-9223372036854775808,\"up\":true,"
	                  "\"list\":[\"x\",{\"n\":0},\"y 2\"],\"name\":\"a\\\"b\\\"\","
	                  "\"inner\":{\"k\":\"\"}}");
	fw_json_set_int(json, "list", 7); /* replaces the array and all in it */
	assert_int_equal(fw_json_int(fw_json_get(json, "list")), 7);
	assert_int_equal(fw_json_count(json), 6);
	fw_json_free(&json);
	assert_null(json);
	fw_json_free(&json);
}

static void test_bytes_that_are_not_utf8_are_replaced(void **state)
{
	struct fw_json *json = fw_json_new();

	(void)state;
	fw_json_set(json, "t", fw_str_n("a\xff\xc3z\0\xed\xa0\x80", 8));
	assert_dump(json,
	            "{\"t\":"
	            "\"a\xef\xbf\xbd\xef\xbf\xbdz\\u0000\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}");
	fw_json_set(json, "t", fw_str(NULL));
	fw_json_set_bool(json, "k\xff", false);
	assert_dump(json, "{\"t\":\"\",\"k\xef\xbf\xbd\":false}");
	fw_json_free(&json);
}

static void test_null_containers_are_ignored(void **state)
{
	(void)state;
	fw_json_set(NULL, "a", fw_str("b"));
	fw_json_setf(NULL, "a", "b");
	fw_json_set_int(NULL, "a", 1);
	fw_json_set_bool(NULL, "a", true);
	fw_json_append(NULL, fw_str("b"));
	fw_json_appendf(NULL, "b");
	assert_null(fw_json_set_object(NULL, "a"));
	assert_null(fw_json_set_array(NULL, "a"));
	assert_null(fw_json_append_object(NULL));
	assert_null(fw_json_dump(NULL, false));
}

/* Putting a member into an array is a mistake that must not go unseen. */
static void test_a_mistake_fails_the_whole_document(void **state)
{
	struct fw_json *json = fw_json_new();

	(void)state;
	fw_json_set_int(fw_json_set_array(json, "a"), "n", 1);
	assert_null(fw_json_dump(json, false));
	fw_json_free(&json);
}

static void test_read_values(void **state)
{
	struct fw_json *json = NULL;

	(void)state;
	assert_int_equal(
	        fw_json_parse(fw_str("{\"s\":\"x\",\"i\":-5,\"r\":2.9,\"e\":1e300,\"t\":true,"
	                             "\"n\":null,\"a\":[1,[],{}]}"),
	                      &json, NULL),
	        FW_OK);
	assert_int_equal(fw_json_type(json), FW_JSON_OBJECT);
	assert_int_equal(fw_json_count(json), 7);
	assert_string_equal(fw_json_key_at(json, 0), "s");
	assert_string_equal(fw_json_key_at(json, 6), "a");
	assert_null(fw_json_key_at(json, 7));
	assert_true(fw_str_is(fw_json_text(fw_json_get(json, "s")), "x"));
	assert_int_equal(fw_json_int(fw_json_get(json, "i")), -5);
	assert_int_equal(fw_json_int(fw_json_get(json, "r")), 2);
	assert_true(fw_json_int(fw_json_get(json, "e")) == INT64_MAX);
	assert_true(fw_json_bool(fw_json_get(json, "t")));
	assert_int_equal(fw_json_type(fw_json_get(json, "n")), FW_JSON_NULL);
	const struct fw_json *list = fw_json_get(json, "a");
	assert_int_equal(fw_json_count(list), 3);
	assert_int_equal(fw_json_int(fw_json_at(list, 0)), 1);
	assert_int_equal(fw_json_type(fw_json_at(list, 1)), FW_JSON_ARRAY);
	assert_int_equal(fw_json_type(fw_json_at(list, 2)), FW_JSON_OBJECT);
	assert_null(fw_json_at(list, 3));

	/* another type, or nothing at all, gives the empty value */
	assert_null(fw_json_text(list).ptr);
	assert_int_equal(fw_json_int(fw_json_get(json, "s")), 0);
	assert_false(fw_json_bool(fw_json_get(json, "i")));
	assert_null(fw_json_get(list, "s"));
	assert_null(fw_json_get(NULL, "s"));
	assert_null(fw_json_at(NULL, 0));
	assert_int_equal(fw_json_count(NULL), 0);
	assert_int_equal(fw_json_type(NULL), FW_JSON_NULL);
	fw_json_free(&json);
}

static void test_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"x",
		"{\"a\":1,\"a\":2}",
		"{\"a\":1} x",
		"{'a':1}",
		"[1,]",
		"\"a\"",
		"{\"a\":\"\xff\"}",
		"[01]",
		"{\"a\":\"\\u0000\"}",
		"[\"\n\"]",
		"[\"\\ud800\"]",
		"[1e999]",
		"[99999999999999999999999]",
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_json *json = NULL;
		struct fw_error err = { 0 };
		assert_int_equal(fw_json_parse(fw_str(rows[i]), &json, &err), FW_EPARSE);
		assert_null(json);
		assert_int_equal(strncmp(err.text, "line ", 5), 0);
	}
}

static void test_deep_nesting_is_refused(void **state)
{
	enum { DEPTH = 100000 };
	char *text = malloc(DEPTH);
	struct fw_json *json = NULL;

	(void)state;
	memset(text, '[', DEPTH);
	assert_int_equal(fw_json_parse(fw_str_n(text, DEPTH), &json, NULL), FW_EPARSE);
	free(text);
}

static void test_truncated_at_every_byte(void **state)
{
	static const char whole[] =
	        "{\"command\":\"log level\",\"args\":[\"stream.*\",-12.5e3,{\"x\":null}],"
	        "\"u\":\"\\u00fc\\ud83d\\ude00\"}";
	struct fw_json *json = NULL;

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		char *exact = malloc(len + 1);
		memcpy(exact, whole, len);
		assert_int_equal(fw_json_parse(fw_str_n(exact, len), &json, NULL), FW_EPARSE);
		free(exact);
	}
	assert_int_equal(fw_json_parse(fw_str(whole), &json, NULL), FW_OK);
	char *text = fw_json_dump(json, true);
	struct fw_json *again = NULL;
	assert_int_equal(fw_json_parse(fw_str(text), &again, NULL), FW_OK);
	assert_true(fw_str_is(fw_json_text(fw_json_get(again, "u")), "\xc3\xbc\xf0\x9f\x98\x80"));
	free(text);
	fw_json_free(&json);
	fw_json_free(&again);
}

static const char document[] = "{\"a\":[\"x\",{\"n\":1,\"r\":1.5}],\"b\":true,\"c\":null}";

static void test_copies(void **state)
{
	struct fw_json *from = NULL, *to = fw_json_new();

	(void)state;
	assert_int_equal(fw_json_parse(fw_str(document), &from, NULL), FW_OK);
	fw_json_set_copy(to, "v", from);
	fw_json_set_copy(to, "w", fw_json_get(from, "b"));
	assert_true(fw_json_equal(fw_json_get(to, "v"), from));
	fw_json_free(&from); /* the copy has its own memory */
	assert_dump(to,
	            "{\"v\":{\"a\":[\"x\",{\"n\":1,\"r\":1.5}],\"b\":true,\"c\":null},\"w\":true}");
	fw_json_set_copy(to, "v", NULL);
	fw_json_set_copy(to, "never", NULL);
	assert_dump(to, "{\"w\":true}");
	fw_json_set_copy(NULL, "w", to);

	from = fw_json_new();
	fw_json_append(from, fw_str("an object has no elements"));
	fw_json_set_copy(to, "bad", from);
	assert_null(fw_json_dump(to, false)); /* what failed there has failed here */
	fw_json_free(&from);
	fw_json_free(&to);
}

static void test_equal(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
		{ document, document, true },
		{ "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true },
		{ "{\"a\":1}", "{\"a\":1,\"b\":2}", false },
		{ "{\"a\":1}", "{\"b\":1}", false },
		{ "{\"a\":1}", "{\"a\":2}", false },
		{ "{\"a\":1}", "{\"a\":true}", false },
		{ "{\"a\":true}", "{\"a\":false}", false },
		{ "{\"a\":\"x\"}", "{\"a\":\"y\"}", false },
		{ "[\"x\",\"y\"]", "[\"y\",\"x\"]", false },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_json *a = NULL, *b = NULL;
		assert_int_equal(fw_json_parse(fw_str(rows[i].a), &a, NULL), FW_OK);
		assert_int_equal(fw_json_parse(fw_str(rows[i].b), &b, NULL), FW_OK);
		assert_int_equal(fw_json_equal(a, b), rows[i].equal);
		assert_false(fw_json_equal(a, NULL));
		fw_json_free(&a);
		fw_json_free(&b);
	}
	assert_true(fw_json_equal(NULL, NULL));
}

static void test_appended_copies(void **state)
{
	struct fw_json *from = NULL, *out = fw_json_new();
	struct fw_json *array = fw_json_set_array(out, "list");
	char *text;

	(void)state;
	assert_int_equal(fw_json_parse(fw_str("{\"a\": [1, {\"b\": true}]}"), &from, NULL), FW_OK);
	fw_json_append_copy(array, from);
	fw_json_append_copy(array, fw_json_get(from, "a"));
	fw_json_append_copy(array, NULL);
	fw_json_append_copy(NULL, from); /* as all setters */
	fw_json_free(&from);
	text = fw_json_dump(out, false);
	assert_string_equal(text, "{\"list\":[{\"a\":[1,{\"b\":true}]},[1,{\"b\":true}],null]}");
	free(text);
	fw_json_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build_and_dump),
		cmocka_unit_test(test_bytes_that_are_not_utf8_are_replaced),
		cmocka_unit_test(test_null_containers_are_ignored),
		cmocka_unit_test(test_a_mistake_fails_the_whole_document),
		cmocka_unit_test(test_read_values),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_deep_nesting_is_refused),
		cmocka_unit_test(test_truncated_at_every_byte),
		cmocka_unit_test(test_appended_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
