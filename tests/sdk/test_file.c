/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Small files in a folder of their own: read whole, written whole or not at all, and refused where
 * something else has the name.
 */
#include <fedway/io/file.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static int begin(void **state)
{
	char folder[] = "/tmp/fedway-file-XXXXXX";

	*state = mkdtemp(folder) != NULL ? strdup(folder) : NULL;
	return *state != NULL ? chdir(*state) : -1;
}

static int end(void **state)
{
	static const char *const names[] = { "file", "link", "empty", "pipe" };

	for (size_t i = 0; i < FW_COUNT(names); i++) {
		(void)unlink(names[i]);
	}
	(void)rmdir("file.new");
	int ret = chdir("/") == 0 ? rmdir(*state) : -1; /* fails when anything was left behind */
	free(*state);
	return ret;
}

static void is_text(const char *path, const char *text)
{
	struct fw_file file = { 0 };
	struct fw_error err = { 0 };

	if (fw_file_read(path, 1000, &file, &err) != FW_OK) {
		fail_msg("%s", err.text);
	}
	assert_string_equal(file.text, text);
	assert_int_equal(file.len, strlen(text));
	fw_file_free(&file);
}

static void files_are_read_whole_or_refused(void **state)
{
	static const struct {
		const char *path;
		size_t max;
		int ret;
		const char *text;
	} rows[] = {
		{ "file", 5, FW_OK, "12345" },
		{ "file", 4, FW_ELIMIT, "'file' is larger than 4 bytes" },
		{ "file", 500, FW_OK, "12345" },
		{ "empty", 5, FW_OK, "" },
		{ "nothing", 5, FW_ENOENT, "cannot read 'nothing': No such file or directory" },
		{ ".", 5, FW_EINVAL, "cannot read '.': not a regular file" },
		{ "pipe", 5, FW_EINVAL, "cannot read 'pipe': not a regular file" },
		{ "/dev/null", 5, FW_EINVAL, "cannot read '/dev/null': not a regular file" },
	};

	(void)state;
	assert_int_equal(fw_file_create("file", fw_str("12345"), 0600, NULL), FW_OK);
	assert_int_equal(fw_file_create("empty", fw_str(""), 0600, NULL), FW_OK);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_file file = { 0 };
		struct fw_error err = { 0 };
		assert_int_equal(fw_file_read(rows[i].path, rows[i].max, &file, &err), rows[i].ret);
		assert_string_equal(rows[i].ret == FW_OK ? file.text : err.text, rows[i].text);
		fw_file_free(&file);
		assert_null(file.text);
	}
}

static void a_new_file_is_made_once_with_its_permissions(void **state)
{
	struct fw_error err = { 0 };
	struct stat made;

	(void)state;
	mode_t mask = umask(077);
	assert_int_equal(fw_file_create("file", fw_str("one"), 0644, &err), FW_OK);
	(void)umask(mask);
	assert_int_equal(stat("file", &made), 0);
	assert_int_equal(made.st_mode & 0777, 0644);
	assert_int_equal(fw_file_create("file", fw_str("two"), 0600, &err), FW_EEXIST);
	assert_string_equal(err.text, "cannot write 'file': File exists");
	is_text("file", "one");
}

static void a_file_is_replaced_and_readers_keep_the_old_one(void **state)
{
	char old[8] = "";
	struct stat made;

	(void)state;
	assert_int_equal(fw_file_replace("file", fw_str("one"), 0644, NULL), FW_OK);
	FILE *reader = fopen("file", "r");
	assert_non_null(reader);
	assert_int_equal(fw_file_replace("file", fw_str("twice"), 0600, NULL), FW_OK);
	assert_non_null(fgets(old, sizeof(old), reader));
	fclose(reader);
	assert_string_equal(old, "one");
	is_text("file", "twice");
	assert_int_equal(stat("file", &made), 0);
	assert_int_equal(made.st_mode & 0777, 0600);
}

static void what_another_left_behind_is_no_hindrance(void **state)
{
	(void)state;
	assert_int_equal(fw_file_create("file.new", fw_str("half of somethi"), 0444, NULL), FW_OK);
	assert_int_equal(fw_file_replace("file", fw_str("whole"), 0600, NULL), FW_OK);
	is_text("file", "whole");
	assert_int_equal(access("file.new", F_OK), -1);
}

/* A device would be gone for the whole machine; behind a link nobody would look for the file. */
static void only_regular_files_are_replaced(void **state)
{
	struct fw_error err = { 0 };
	struct stat found;

	(void)state;
	assert_int_equal(fw_file_create("file", fw_str("one"), 0600, NULL), FW_OK);
	assert_int_equal(symlink("file", "link"), 0);
	assert_int_equal(fw_file_replace("link", fw_str("two"), 0600, &err), FW_EDENIED);
	assert_string_equal(err.text, "cannot write 'link': not a regular file");
	is_text("file", "one");
	assert_int_equal(lstat("link", &found), 0);
	assert_true(S_ISLNK(found.st_mode));
	assert_int_equal(fw_file_replace(".", fw_str("two"), 0600, &err), FW_EDENIED);
	assert_int_equal(fw_file_create("link", fw_str("two"), 0600, &err), FW_EEXIST);
}

static void what_fails_is_named_and_leaves_the_old_file(void **state)
{
	static const struct rlimit small = { 1000, RLIM_INFINITY };
	struct fw_error err = { 0 };
	struct rlimit before;
	char big[4096];

	(void)state;
	memset(big, 'x', sizeof(big));
	assert_int_equal(fw_file_replace("file", fw_str("one"), 0600, NULL), FW_OK);
	assert_int_equal(fw_file_replace("/nonexistent/file", fw_str("x"), 0600, &err), FW_ESYS);
	assert_string_equal(err.text,
	                    "cannot write '/nonexistent/file.new': No such file or directory");
	/* half of it fits, as on a full disk */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int replaced = fw_file_replace("file", fw_str_n(big, sizeof(big)), 0600, &err);
	int created = fw_file_create("link", fw_str_n(big, sizeof(big)), 0600, NULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(replaced, FW_ESYS);
	assert_string_equal(err.text, "cannot write 'file.new': File too large");
	assert_int_equal(created, FW_ESYS);
	is_text("file", "one");
	assert_int_equal(access("file.new", F_OK), -1);
	assert_int_equal(access("link", F_OK), -1);
	/* in the way, for root as well */
	assert_int_equal(mkdir("file.new", 0700), 0);
	assert_int_equal(fw_file_replace("file", fw_str("two"), 0600, &err), FW_EEXIST);
	assert_string_equal(err.text, "cannot write 'file.new': File exists");
	is_text("file", "one");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(files_are_read_whole_or_refused),
		TEST(a_new_file_is_made_once_with_its_permissions),
		TEST(a_file_is_replaced_and_readers_keep_the_old_one),
		TEST(what_another_left_behind_is_no_hindrance),
		TEST(only_regular_files_are_replaced),
		TEST(what_fails_is_named_and_leaves_the_old_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
