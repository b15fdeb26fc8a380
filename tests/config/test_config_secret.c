/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_secret.c: what counts as the secret, and files that are none.
 */
#include "tests/config/config_test.h"

#include <stdlib.h>

#include "config/config_memory.h"
#include "config/config_secret.h"

static void test_one_line_end_is_left_out(void **state)
{
	static const struct {
		const char *file, *secret;
	} rows[] = {
		{ "abc", "abc" },       { "abc\n", "abc" },   { "abc\r\n", "abc" },
		{ "abc\n\n", "abc\n" }, { " a b ", " a b " }, { "a\r", "a\r" },
		{ "\nabc", "\nabc" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_secret secret = { 0 };
		struct fw_error err = { 0 };
		void *memory = NULL;
		write_file("conf/key", rows[i].file, 0600);
		assert_int_equal(config_secret_read(&memory, "conf/x.conf", "key", &secret, &err),
		                 FW_OK);
		assert_string_equal(secret.bytes, rows[i].secret);
		assert_int_equal(secret.len, strlen(rows[i].secret));
		assert_string_equal(secret.file, "key");
		config_memory_free(&memory);
	}
}

static void test_refused_files(void **state)
{
	static const struct {
		const char *bytes;
		unsigned mode;
		const char *problem;
	} rows[] = {
		{ "abc", 0600, "" },
		{ "abc", 0640, "" },
		{ "abc", 0400, "" },
		{ "abc", 0644, "everyone can read 'conf/key', run: chmod o= 'conf/key'" },
		{ "abc", 0602, "everyone can write 'conf/key', run: chmod o= 'conf/key'" },
		{ "", 0600, "'conf/key' is empty" },
		{ "\n", 0600, "'conf/key' is empty" },
		{ "\r\n", 0600, "'conf/key' is empty" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_secret secret = { 0 };
		struct fw_error err = { 0 };
		void *memory = NULL;
		write_file("conf/key", rows[i].bytes, 0600);
		write_file("conf/key", rows[i].bytes, rows[i].mode);
		config_secret_read(&memory, "conf/x.conf", "key", &secret, &err);
		assert_string_equal(err.text, rows[i].problem);
		assert_int_equal(secret.bytes == NULL, rows[i].problem[0] != '\0');
		config_memory_free(&memory);
		write_file("conf/key", "", 0600);
	}
}

static void test_size_has_a_limit(void **state)
{
	struct fw_secret secret = { 0 };
	struct fw_error err = { 0 };
	void *memory = NULL;
	char text[4098];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	write_file("conf/key", text, 0600);
	assert_int_equal(config_secret_read(&memory, "conf/x.conf", "key", &secret, &err),
	                 FW_ELIMIT);
	assert_string_equal(err.text, "'conf/key' is larger than 4096 bytes");
	config_memory_free(&memory);
}

static void test_files_are_beside_the_line_that_names_them(void **state)
{
	struct config_problems problems = { 0 };
	struct config *config = NULL;

	(void)state;
	write_file("etc/main.conf", "@include \"links/one.conf\"\n", 0600);
	write_file("etc/links/one.conf",
	           "links = ( { name = \"a.example\"; secret_file = \"one.key\"; } );", 0600);
	write_file("etc/links/one.key", "hush\n", 0640);
	assert_int_equal(config_load("etc/main.conf", &sample_modules, &config, &problems), FW_OK);
	const struct config_link *link = config->router.links.items;
	assert_string_equal(link->secret.bytes, "hush");
	assert_string_equal(link->secret.file, "one.key");
	assert_string_equal(config->path, "etc/main.conf");
	config_free(&config);
	write_file("etc/links/one.key", "hush\n", 0644);
	assert_file_problems("etc/main.conf",
	                     "etc/links/one.conf:1: secret_file: everyone can read "
	                     "'etc/links/one.key', run: chmod o= 'etc/links/one.key'\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_line_end_is_left_out),
		cmocka_unit_test(test_refused_files),
		cmocka_unit_test(test_size_has_a_limit),
		cmocka_unit_test(test_files_are_beside_the_line_that_names_them),
	};
	return cmocka_run_group_tests(tests, in_new_folder, leave_folder);
}
