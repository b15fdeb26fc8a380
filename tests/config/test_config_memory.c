/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_memory.c: zeroed, aligned, separate pieces, and paths beside a file.
 */
#include "tests/config/config_test.h"

#include "config/config_memory.h"

static void test_pieces_are_zeroed_aligned_and_apart(void **state)
{
	static const size_t sizes[] = { 0, 1, 7, 16, 17, 4000, 8192, 8193, 100000, 3 };
	void *memory = NULL;
	char *pieces[FW_COUNT(sizes)];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(sizes); i++) {
		pieces[i] = config_memory_take(&memory, sizes[i]);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
		for (size_t j = 0; j < sizes[i]; j++) {
			assert_int_equal(pieces[i][j], 0);
		}
		memset(pieces[i], (int)i + 1, sizes[i]);
	}
	for (size_t i = 0; i < FW_COUNT(sizes); i++) {
		for (size_t j = 0; j < sizes[i]; j++) {
			assert_int_equal(pieces[i][j], i + 1);
		}
	}
	assert_null(config_memory_take(&memory, SIZE_MAX));
	config_memory_free(&memory);
	assert_null(memory);
	config_memory_free(&memory);
}

static void test_text_is_terminated(void **state)
{
	void *memory = NULL;

	(void)state;
	assert_string_equal(config_memory_text(&memory, "abcdef", 3), "abc");
	assert_string_equal(config_memory_text(&memory, NULL, 0), "");
	config_memory_free(&memory);
}

static void test_paths(void **state)
{
	static const struct {
		const char *file, *path, *joined;
	} rows[] = {
		{ "/etc/fedway/fedway.conf", "links.conf", "/etc/fedway/links.conf" },
		{ "/etc/fedway/fedway.conf", "../x", "/etc/fedway/../x" },
		{ "/etc/fedway/fedway.conf", "/run/x", "/run/x" },
		{ "fedway.conf", "d/x", "d/x" },
		{ "<text>", "x", "x" },
		{ NULL, "x", "x" },
		{ "/a", "b", "/b" },
		{ "a/b", "", "a/" },
	};
	void *memory = NULL;

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_string_equal(config_memory_path(&memory, rows[i].file, rows[i].path),
		                    rows[i].joined);
	}
	config_memory_free(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_are_zeroed_aligned_and_apart),
		cmocka_unit_test(test_text_is_terminated),
		cmocka_unit_test(test_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
