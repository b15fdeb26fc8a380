/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_bytes.c: whole files, limits, and what is no file.
 */
#include "tests/config/config_test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "config/config_bytes.h"

static void test_files(void **state)
{
	static const struct {
		const char *path;
		size_t max;
		int ret;
		const char *text;
	} rows[] = {
		{ "five", 5, FW_OK, "12345" },
		{ "five", 4, FW_ELIMIT, "'five' is larger than 4 bytes" },
		{ "five", 500, FW_OK, "12345" },
		{ "empty", 5, FW_OK, "" },
		{ "nothing", 5, FW_ESYS, "cannot read 'nothing': No such file or directory" },
		{ ".", 5, FW_EINVAL, "cannot read '.': not a regular file" },
		{ "pipe", 5, FW_EINVAL, "cannot read 'pipe': not a regular file" },
		{ "/dev/null", 5, FW_EINVAL, "cannot read '/dev/null': not a regular file" },
	};

	(void)state;
	write_file("five", "12345", 0600);
	write_file("empty", "", 0640);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct config_bytes bytes = { 0 };
		struct fw_error err = { 0 };
		assert_int_equal(config_bytes_read(rows[i].path, rows[i].max, &bytes, &err),
		                 rows[i].ret);
		assert_string_equal(rows[i].ret == FW_OK ? bytes.text : err.text, rows[i].text);
		config_bytes_free(&bytes);
		assert_null(bytes.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_files) };
	return cmocka_run_group_tests(tests, in_new_folder, leave_folder);
}
