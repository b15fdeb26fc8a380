/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_source.c: includes, where lines came from, and what a message may show of
 * a line.
 */
#include "tests/config/config_test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_memory.h"
#include "config/config_source.h"

static void test_places(void **state)
{
	static const struct config_place wanted[] = {
		{ "conf/main.conf", 1 },  { "conf/main.conf", 2 },  { "conf/a/one.conf", 1 },
		{ "conf/a/one.conf", 2 }, { "conf/a/two.conf", 1 }, { "conf/a/one.conf", 2 },
		{ "conf/a/one.conf", 3 }, { "conf/main.conf", 2 },  { "conf/main.conf", 3 },
		{ "conf/main.conf", 4 },  { "conf/empty.conf", 1 }, { "conf/main.conf", 4 },
		{ "conf/main.conf", 5 },
	};
	struct config_problems problems = { 0 };
	void *memory = NULL;
	struct config_source source = { .memory = &memory, .problems = &problems };

	(void)state;
	write_file("conf/a/one.conf", "\n@include \"two.conf\"\npid_file = \"p\"", 0600);
	write_file("conf/a/two.conf", "log_level = \"info\";\n", 0600);
	write_file("conf/empty.conf", "", 0600);
	write_file("conf/main.conf",
	           "realm = \"x\";\n\t@include \"a/one.conf\" # here\n\n"
	           "@include \"empty.conf\"\n/* */ log_file = \"-\"",
	           0600);
	assert_int_equal(config_source_read(&source, "conf/main.conf", NULL), FW_OK);
	assert_int_equal(source.line_count, FW_COUNT(wanted));
	for (size_t i = 0; i < FW_COUNT(wanted); i++) {
		struct config_place place = config_source_place(&source, (int)i + 1);
		assert_string_equal(place.file, wanted[i].file);
		assert_int_equal(place.line, wanted[i].line);
	}
	config_source_free(&source);
	config_memory_free(&memory);
}

static void test_include_is_not_read_in_comments_and_strings(void **state)
{
	(void)state;
	assert_problems("/*\n@include \"nothing\"\n*/\n# x\n#@include \"nothing\"\n", "");
	assert_problems("log_file = \"\n@include 'nothing'\n\";", "");
}

static void test_problems_of_includes(void **state)
{
	char deep[64], next[64];

	(void)state;
	write_file("main.conf", "\n@include \"gone.conf\"\n", 0600);
	assert_file_problems("main.conf",
	                     "main.conf:2: cannot read 'gone.conf': No such file or directory\n");
	assert_file_problems("gone.conf", "cannot read 'gone.conf': No such file or directory\n");
	write_file("sub/loop.conf", "# x\n@include \"../loop.conf\"\n", 0600);
	write_file("loop.conf", "@include \"sub/loop.conf\"\n", 0600);
	assert_file_problems("loop.conf", "sub/loop.conf:2: 'sub/../loop.conf' includes itself\n");
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_problems("@include \"pipe\"", "<text>:1: cannot read 'pipe': not a regular file\n");
	assert_problems("@include \".\"", "<text>:1: cannot read '.': not a regular file\n");
	write_file("inner.conf", "realm = \"x\"\nlistn = ();\nlisten = ( { prt = 1; } );", 0600);
	write_file("outer.conf", "\n@include \"inner.conf\"\ndomain = ();\n", 0600);
	assert_file_problems("outer.conf",
	                     "inner.conf:2: unknown key 'listn', did you mean 'listen'?\n"
	                     "outer.conf:3: unknown key 'domain', did you mean 'domains'?\n"
	                     "inner.conf:3: unknown key 'prt' in 'listen', did you mean 'port'?\n");
	write_file("inner.conf", "realm = \"x\"\n} ", 0600);
	write_file("outer.conf", "a = {\n@include \"inner.conf\"\n}\n", 0600);
	assert_file_problems("outer.conf", "inner.conf:2: '}' closes nothing\n");
	write_file("inner.conf", "\n\nrealm = = 5;\n", 0600);
	assert_problems("@include \"inner.conf\"",
	                "inner.conf:3: syntax error near 'realm = = 5;'\n");
	write_file("inner.conf", "pid_file = \"x", 0600);
	assert_problems("@include \"inner.conf\"",
	                "inner.conf:1: the string that begins here has no closing quote\n");
	for (int i = 0; i < 17; i++) {
		snprintf(deep, sizeof(deep), "deep%d.conf", i);
		snprintf(next, sizeof(next), "@include \"deep%d.conf\"\n", i + 1);
		write_file(deep, i < 16 ? next : "", 0600);
	}
	assert_file_problems("deep1.conf", "");
	assert_file_problems("deep0.conf",
	                     "deep15.conf:1: too many includes: at most 256 files, 16 deep\n");
}

static void test_size_has_a_limit(void **state)
{
	size_t size = (8u << 20) + 1;
	char *text = malloc(size + 1);

	(void)state;
	assert_non_null(text);
	memset(text, '#', size);
	text[size] = '\0';
	write_file("large.conf", text, 0600);
	assert_file_problems("large.conf", "'large.conf' is larger than 8388608 bytes\n");
	assert_problems(text, "the configuration is larger than 8388608 bytes\n");
	free(text);
}

static void test_a_long_text_keeps_its_lines(void **state)
{
	enum { LINES = 3000 };
	char *text = malloc(LINES * 10 + 40);
	size_t used = 0;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < LINES; i++) {
		used += (size_t)snprintf(text + used, 11, "# %07d\n", i);
	}
	snprintf(text + used, 40, "realm = 5;\n");
	assert_problems(text, "<text>:3001: realm = 5: a string in quotes is wanted\n");
	snprintf(text + used, 40, "realm = \"%s\" x;\n", "long secret");
	assert_problems(text, "<text>:3001: syntax error near 'realm = \"…\" x;'\n");
	free(text);
}

static void test_near_hides_the_inside_of_strings(void **state)
{
	static const struct {
		const char *text, *near;
		size_t size;
	} rows[] = {
		{ "  a = \"hidden\" b 5 \t", "a = \"…\" b 5", 64 },
		{ "a = \"\" \"x\"", "a = \"\" \"…\"", 64 },
		{ "0123456789", "0123456789", 64 },
		{ "abcdefghij = 1", "abcdefgh…", 16 },
		{ "ääääääääää", "ääää…", 16 },
		{ "ääääääääää", "äää…", 14 },
		{ "", "", 16 },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct config_problems problems = { 0 };
		void *memory = NULL;
		struct config_source source = { .memory = &memory, .problems = &problems };
		char near[64];
		config_source_read(&source, NULL, rows[i].text);
		assert_string_equal(config_source_near(&source, 1, near, rows[i].size),
		                    rows[i].near);
		config_source_free(&source);
		config_memory_free(&memory);
		config_problems_free(&problems);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_include_is_not_read_in_comments_and_strings),
		cmocka_unit_test(test_problems_of_includes),
		cmocka_unit_test(test_size_has_a_limit),
		cmocka_unit_test(test_a_long_text_keeps_its_lines),
		cmocka_unit_test(test_near_hides_the_inside_of_strings),
	};
	return cmocka_run_group_tests(tests, in_new_folder, leave_folder);
}
