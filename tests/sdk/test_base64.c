/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Base 64: the vectors of RFC 4648 §10 both ways, what RFC 6120 §13.9.1 wants refused, and every
 * text of few characters.
 */
#include <fedway/io/crypto.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *bytes, *text;
} vectors[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xff\xfe\xfb", "//77" },
	{ "corp.example", "Y29ycC5leGFtcGxl" },
};

static void vectors_go_both_ways(void **ctx)
{
	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(vectors); i++) {
		char out[64];
		size_t len = 99;
		assert_string_equal(fw_base64_write(fw_str(vectors[i].bytes), out),
		                    vectors[i].text);
		assert_int_equal(fw_base64_read(fw_str(vectors[i].text), out, sizeof(out), &len),
		                 FW_OK);
		assert_int_equal(len, strlen(vectors[i].bytes));
		assert_memory_equal(out, vectors[i].bytes, len);
	}
}

static void what_has_two_spellings_is_refused(void **ctx)
{
	static const struct {
		const char *what, *text;
	} rows[] = {
		{ "padding bits set", "Zh==" },
		{ "padding bits set, one pad", "Zm9=" },
		{ "no padding", "Zg" },
		{ "too little padding", "Zg=" },
		{ "padding alone", "====" },
		{ "three pads", "Z===" },
		{ "padding inside", "Zg==Zm9v" },
		{ "white space", "Zm9v Zm9v" },
		{ "line end", "Zm9v\n" },
		{ "url alphabet", "__77" },
		{ "a pad before a letter", "Zg=v" },
		{ "only a pad", "=" },
		{ "a letter outside ASCII", "Zm\xc3\xbc" },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		char out[64];
		size_t len = 0;
		if (fw_base64_read(fw_str(rows[i].text), out, sizeof(out), &len) != FW_EPARSE) {
			fail_msg("taken: %s", rows[i].what);
		}
	}
}

static void what_is_cut_is_refused_or_shorter(void **ctx)
{
	const char *whole = "Y29ycC5leGFtcGxl";

	(void)ctx;
	for (size_t cut = 0; cut < strlen(whole); cut++) {
		char out[64];
		size_t len = 99;
		int ret = fw_base64_read(fw_str_n(whole, cut), out, sizeof(out), &len);
		assert_int_equal(ret, cut % 4 == 0 ? FW_OK : FW_EPARSE);
		assert_true(ret != FW_OK || len == cut / 4 * 3);
	}
}

static void a_small_room_is_not_overrun(void **ctx)
{
	(void)ctx;
	for (size_t size = 0; size < 6; size++) {
		char out[8] = "\x7f\x7f\x7f\x7f\x7f\x7f\x7f";
		size_t len = 0;
		assert_int_equal(fw_base64_read(fw_str("Zm9vYmFy"), out, size, &len), FW_ELIMIT);
		for (size_t i = size; i < 7; i++) {
			assert_int_equal(out[i], 0x7f);
		}
	}
}

/* Each group of four that is taken is what its bytes are written as: no bytes have two texts. */
static void each_text_that_is_taken_is_the_only_one(void **ctx)
{
	static const char signs[] = "Ag/+=9Z \n-";
	unsigned taken = 0;

	(void)ctx;
	for (unsigned n = 0; n < 10000; n++) {
		char text[5] = { signs[n % 10], signs[n / 10 % 10], signs[n / 100 % 10],
			         signs[n / 1000], '\0' };
		char bytes[3];
		char again[8];
		size_t len = 0;
		if (fw_base64_read(fw_str(text), bytes, sizeof(bytes), &len) == FW_OK) {
			assert_string_equal(fw_base64_write(fw_str_n(bytes, len), again), text);
			taken++;
		}
	}
	assert_in_range(taken, 6 * 6 * 6 * 6, 9999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_go_both_ways),
		cmocka_unit_test(what_has_two_spellings_is_refused),
		cmocka_unit_test(what_is_cut_is_refused_or_shorter),
		cmocka_unit_test(a_small_room_is_not_overrun),
		cmocka_unit_test(each_text_that_is_taken_is_the_only_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
