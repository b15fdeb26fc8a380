/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of sdk/src/str.c: comparing, numbers, hashing, and quoting of hostile text at every buffer
 * size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include <fedway/error.h>
#include <fedway/str.h>

#include "sdk/src/str_utf8.h"

static void test_equal_without_case(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
		{ "example.ORG", "EXAMPLE.org", true },
		{ "", "", true },
		{ NULL, "", true },
		{ "a", "ab", false },
		{ "@", "`", false }, /* differ by the bit that letters differ by */
		{ "[", "{", false },
		{ "\xc3\x84", "\xc3\xa4", false },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_int_equal(fw_str_eq_nocase(fw_str(rows[i].a), fw_str(rows[i].b)),
		                 rows[i].equal);
	}
}

static void test_copy_is_terminated_and_keeps_all_bytes(void **state)
{
	char *copy = fw_str_dup(fw_str_n("a\0b", 3));

	(void)state;
	assert_memory_equal(copy, "a\0b", 4);
	free(copy);
	copy = fw_str_dup(fw_str(NULL));
	assert_string_equal(copy, "");
	free(copy);
}

static void test_trim(void **state)
{
	static const struct {
		const char *text, *trimmed;
	} rows[] = {
		{ " a b\t\r\n", "a b" },      { "", "" }, { " \v\f ", "" }, { "x", "x" },
		{ "\xc2\xa0x", "\xc2\xa0x" }, /* only ASCII space */
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_true(fw_str_is(fw_str_trim(fw_str(rows[i].text)), rows[i].trimmed));
	}
	assert_int_equal(fw_str_trim(fw_str(NULL)).len, 0);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		int ret;
		uint64_t value;
	} rows[] = {
		{ "0", 0, FW_OK, 0 },
		{ "1", 0, FW_ELIMIT, 0 },
		{ "007", 10, FW_OK, 7 },
		{ "65535", 65535, FW_OK, 65535 },
		{ "65536", 65535, FW_ELIMIT, 0 },
		{ "18446744073709551615", UINT64_MAX, FW_OK, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, FW_ELIMIT, 0 },
		{ "99999999999999999999999", UINT64_MAX, FW_ELIMIT, 0 },
		{ "", 10, FW_EPARSE, 0 },
		{ "+1", 10, FW_EPARSE, 0 },
		{ "-1", 10, FW_EPARSE, 0 },
		{ " 1", 10, FW_EPARSE, 0 },
		{ "1 ", 10, FW_EPARSE, 0 },
		{ "0x1", 10, FW_EPARSE, 0 },
		{ "99999999999999999999999x", 10, FW_EPARSE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		uint64_t value = 0;
		assert_int_equal(fw_str_to_u64(fw_str(rows[i].text), rows[i].max, &value),
		                 rows[i].ret);
		assert_int_equal(value, rows[i].value);
	}
}

/* The hash of every length, from every alignment, sees every byte and reads no byte beyond. */
static void test_hash_sees_every_byte(void **state)
{
	char text[40];

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		char *exact = malloc(len + 1); /* a sanitizer sees a read past the end */
		memset(exact, 'x', len);
		uint64_t plain = fw_str_hash(fw_str_n(exact, len));
		memset(text, 'x', sizeof(text));
		assert_true(fw_str_hash(fw_str_n(text + (sizeof(text) - len), len)) == plain);
		for (size_t i = 0; i < len; i++) {
			exact[i] = 'y';
			assert_true(fw_str_hash(fw_str_n(exact, len)) != plain);
			exact[i] = 'x';
		}
		for (size_t other = 0; other < len; other++) {
			assert_true(fw_str_hash(fw_str_n(exact, other)) != plain);
		}
		free(exact);
	}
}

static void test_hash_spreads_in_low_and_high_bits(void **state)
{
	unsigned low[64] = { 0 };
	unsigned high[64] = { 0 };

	(void)state;
	for (int i = 0; i < 64000; i++) {
		char name[32];
		int len = snprintf(name, sizeof(name), "host%d.example", i);
		uint64_t hash = fw_str_hash(fw_str_n(name, (size_t)len));
		low[hash & 63]++;
		high[hash >> 58]++;
	}
	for (size_t i = 0; i < 64; i++) { /* 1000 each, standard deviation 31 */
		assert_in_range(low[i], 750, 1250);
		assert_in_range(high[i], 750, 1250);
	}
}

static void test_quote(void **state)
{
	static const struct {
		const char *why, *text, *quoted;
	} rows[] = {
		{ "plain", "a.example", "a.example" },
		{ "nothing", "", "" },
		{ "quote and backslash", "a\"b\\c", "a\\\"b\\\\c" },
		{ "line ends", "a\r\nb\t", "a\\r\\nb\\t" },
		{ "controls", "\x01\x1b[31m\x7f", "\\x01\\x1b[31m\\x7f" },
		{ "letters outside ASCII", "z\xc3\xbcrich \xf0\x9f\x98\x80",
		  "z\xc3\xbcrich \xf0\x9f\x98\x80" },
		{ "C1 control", "\xc2\x9b", "\\u009b" },
		{ "right-to-left override", "\xe2\x80\xae", "\\u202e" },
		{ "line separator", "\xe2\x80\xa8", "\\u2028" },
		{ "not UTF-8", "\xff\xc3", "\\xff\\xc3" },
		{ "overlong", "\xc0\xaf", "\\xc0\\xaf" },
		{ "surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "past the last code point", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		char out[64];
		assert_string_equal(fw_quote(fw_str(rows[i].text), out, sizeof(out)),
		                    rows[i].quoted);
	}
}

/* At every size of the buffer: terminated, within it, whole escapes and whole characters. */
static void test_quote_cuts_cleanly_at_every_size(void **state)
{
	static const char text[] = "ab\n\xc3\xbc\"\xff\xe2\x82\xac z";
	static const char all[] = "ab\\n\xc3\xbc\\\"\\xff\xe2\x82\xac z";
	static const char mark[] = "\xe2\x80\xa6";

	(void)state;
	for (size_t size = 1; size <= sizeof(all) + 4; size++) {
		char *out = malloc(size);
		fw_quote(fw_str(text), out, size);
		size_t len = strlen(out);
		assert_true(len < size);
		if (size >= sizeof(all)) {
			assert_string_equal(out, all);
		} else {
			const char *at = strstr(out, mark);
			assert_true(at != NULL || size < 4);
			size_t kept = at != NULL ? (size_t)(at - out) : 0;
			assert_int_equal(strncmp(out, all, kept), 0);
			assert_int_not_equal((unsigned char)all[kept] & 0xc0, 0x80);
			assert_true(kept == 0 || all[kept - 1] != '\\' || all[kept - 2] == '\\');
		}
		free(out);
	}
	char none = 'x';
	fw_quote(fw_str(text), &none, 0);
	assert_int_equal(none, 'x');
}

static void test_utf8_truncated_at_every_byte(void **state)
{
	static const char *const characters[] = { "a", "\xc3\xbc", "\xe2\x82\xac",
		                                  "\xf0\x9f\x98\x80" };
	static const uint32_t codes[] = { 'a', 0xfc, 0x20ac, 0x1f600 };
	uint32_t code = 0;

	(void)state;
	for (size_t i = 0; i < FW_COUNT(characters); i++) {
		size_t size = strlen(characters[i]);
		assert_int_equal(str_utf8(characters[i], size, &code), size);
		assert_int_equal(code, codes[i]);
		for (size_t len = 1; len < size; len++) {
			assert_int_equal(str_utf8(characters[i], len, &code), 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_without_case),
		cmocka_unit_test(test_copy_is_terminated_and_keeps_all_bytes),
		cmocka_unit_test(test_trim),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_hash_sees_every_byte),
		cmocka_unit_test(test_hash_spreads_in_low_and_high_bits),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_quote_cuts_cleanly_at_every_size),
		cmocka_unit_test(test_utf8_truncated_at_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
