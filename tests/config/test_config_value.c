/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_value.c: each type of option, good and bad, with the sentence that an
 * operator reads; and the defaults of rows.
 */
#include "tests/config/config_test.h"

#include "config/config_value.h"

/* The options of the module "sample", in a configuration of their own. */
static void check_options(const char *options, const char *problems)
{
	char text[1024];

	snprintf(text, sizeof(text),
	         "components = ( { module = \"sample\"; options = {\n%s\n}; } );", options);
	assert_problems(text, problems);
}

static void test_sentences(void **state)
{
	static const struct {
		const char *options, *problems;
	} rows[] = {
		{ "strict = false", "" },
		{ "strict = 1", "<text>:2: strict = 1: true or false is wanted\n" },
		{ "strict = \"yes\"", "<text>:2: strict = \"yes\": true or false is wanted\n" },
		{ "port = 65535", "" },
		{ "port = 65536",
		  "<text>:2: port = 65536 is out of range: 0 to 65535 is allowed\n" },
		{ "port = -1", "<text>:2: port = -1 is out of range: 0 to 65535 is allowed\n" },
		{ "port = \"abc\"",
		  "<text>:2: port = \"abc\": a number from 0 to 65535 is wanted\n" },
		{ "port = 1.5", "<text>:2: port = 1.5: a number from 0 to 65535 is wanted\n" },
		{ "port = true", "<text>:2: port = true: a number from 0 to 65535 is wanted\n" },
		{ "port = [ 1 ]", "<text>:2: port = ( … ): a number from 0 to 65535 is wanted\n" },
		{ "port = { }", "<text>:2: port = { … }: a number from 0 to 65535 is wanted\n" },
		{ "timeout_ms = 10", "" },
		{ "timeout_ms = 9",
		  "<text>:2: timeout_ms = 9 is out of range: 10 to 60000 ms is allowed\n" },
		{ "timeout_ms = 4294967306", "<text>:2: timeout_ms = 4294967306 is out of range: "
		                             "10 to 60000 ms is allowed\n" },
		{ "size_bytes = 9223372036854775807", "" },
		{ "size_bytes = -1", "<text>:2: size_bytes = -1 is out of range: 0 to "
		                     "9223372036854775807 is allowed\n" },
		{ "title = \"ab\"", "" },
		{ "title = 5", "<text>:2: title = 5: a string in quotes is wanted\n" },
		{ "title = \"a\"", "<text>:2: title = \"a\" has 1 bytes: 2 to 12 are allowed\n" },
		{ "title = \"abcdefghijklm\"",
		  "<text>:2: title = \"abcdefghijklm\" has 13 bytes: 2 to 12 are allowed\n" },
		{ "title = \"Ab\"",
		  "<text>:2: title = \"Ab\": title may not begin with a capital\n" },
		{ "mode = \"hard\"", "" },
		{ "mode = \"herd\"",
		  "<text>:2: mode = \"herd\": one of \"off\", \"soft\", \"hard\" is wanted\n" },
		{ "mode = 1",
		  "<text>:2: mode = 1: one of \"off\", \"soft\", \"hard\" is wanted\n" },
		{ "secret = \"abc\"", "" },
		{ "secret = 12345", "<text>:2: secret: a string in quotes is wanted\n" },
		{ "secret = ( \"abc\" )", "<text>:2: secret: a string in quotes is wanted\n" },
		{ "secret_file = 5", "<text>:2: secret_file: a string in quotes is wanted\n" },
		{ "secret = \"\"", "<text>:2: secret: it is empty\n" },
		{ "secret = \"ab\"", "<text>:2: secret: it has 2 bytes, 3 to 20 are allowed\n" },
		{ "secret_file = \"gone\"",
		  "<text>:2: secret_file: cannot read 'gone': No such file or directory\n" },
		{ "secret = \"abc\"\nsecret_file = \"good\"",
		  "<text>:3: 'secret' and 'secret_file' are both given: one is enough\n" },
		{ "allow = \"c.example\"", "" },
		{ "allow = [ \"a\", \"b\" ]", "" },
		{ "allow = ( )", "" },
		{ "allow = 5", "<text>:2: allow = 5: a list of strings, such as ( \"a\", \"b\" ), "
		               "is wanted\n" },
		{ "allow = ( \"a\",\n5 )", "<text>:3: allow = 5: a list of strings, such as "
		                           "( \"a\", \"b\" ), is wanted\n" },
		{ "allow = ( \"a\", \"B\" )",
		  "<text>:2: allow = \"B\": allow may not begin with a capital\n" },
		{ "allow = ( \"a\", \"b\", \"c\", \"d\" )",
		  "<text>:2: allow has 4 items: 0 to 3 are allowed\n" },
		{ "routes = ( { domain = \"a\"; } )", "" },
		{ "routes = { domain = \"a\"; }",
		  "<text>:2: routes = { … }: a list of groups, such as ( { … } ), is wanted\n" },
		{ "routes = ( \"a\" )", "<text>:2: routes holds \"a\": a group { … } is wanted\n" },
		{ "routes = ( { domain = \"a\"; }, { domain = \"b\"; }, { domain = \"c\"; } )",
		  "<text>:2: routes has 3 groups: 0 to 2 are allowed\n" },
		{ "title = \"a\\n\\x1b\\\"b\x80\"; title2 = 5",
		  "<text>:2: unknown key 'title2' in 'options' of module 'sample', did you mean "
		  "'title'?\n" },
	};

	(void)state;
	write_file("good", "abcdef\n", 0600);
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		check_options(rows[i].options, rows[i].problems);
	}
}

static void test_values_arrive(void **state)
{
	struct config *config = load_good(
	        "components = ( { module = \"sample\"; options = { strict = false; port = 8; "
	        "timeout_ms = 20; size_bytes = 5000000001; title = \"ti\\ttle\"; mode = \"off\"; "
	        "secret = \"a b\"; allow = [ \"x\", \"y\" ]; routes = ( { domain = \"d\"; }, "
	        "{ domain = \"e\"; port = 2; hosts = \"h\"; } ); }; } );");
	const struct config_component *component = config->router.components.items;
	const struct sample_config *sample = component->options;
	const struct sample_route *routes = sample->routes.items;

	(void)state;
	assert_false(sample->strict);
	assert_int_equal(sample->port, 8);
	assert_int_equal(sample->timeout_ms, 20);
	assert_true(sample->size_bytes == 5000000001);
	assert_string_equal(sample->title, "ti\ttle");
	assert_int_equal(sample->mode, SAMPLE_OFF);
	assert_int_equal(sample->secret.len, 3);
	assert_string_equal(sample->secret.bytes, "a b");
	assert_null(sample->secret.file);
	assert_int_equal(sample->allow.count, 2);
	assert_string_equal(sample->allow.items[1], "y");
	assert_int_equal(sample->routes.count, 2);
	assert_string_equal(routes[0].domain, "d");
	assert_int_equal(routes[0].port, 5269);
	assert_int_equal(routes[0].hosts.count, 1);
	assert_string_equal(routes[0].hosts.items[0], "localhost");
	assert_string_equal(routes[1].domain, "e");
	assert_int_equal(routes[1].port, 2);
	assert_string_equal(routes[1].hosts.items[0], "h");
	config_free(&config);
}

static void test_paths_are_beside_the_line_that_names_them(void **state)
{
	static const struct {
		const char *log_file, *path;
	} rows[] = {
		{ "fedway.log", "etc/sub/fedway.log" },
		{ "../fedway.log", "etc/sub/../fedway.log" },
		{ "/var/log/fedway.log", "/var/log/fedway.log" },
		{ "-", "-" },
	};

	(void)state;
	write_file("etc/main.conf", "pid_file = \"\"; realm = \"x\"\n@include \"sub/log.conf\"",
	           0600);
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct config_problems problems = { 0 };
		struct config *config = NULL;
		const struct sample_config *sample;
		char text[256];
		snprintf(text, sizeof(text),
		         "log_file = \"%s\"; components = ( { module = \"sample\"; "
		         "options = { cache_dir = \"%s\"; title = \"%s\"; }; } );",
		         rows[i].log_file, rows[i].log_file, "x/y");
		write_file("etc/sub/log.conf", text, 0600);
		assert_int_equal(config_load("etc/main.conf", &sample_modules, &config, &problems),
		                 FW_OK);
		sample =
		        ((const struct config_component *)config->router.components.items)->options;
		assert_string_equal(config->router.log_file, rows[i].path);
		assert_string_equal(sample->cache_dir, rows[i].path);
		assert_string_equal(sample->title, "x/y");
		assert_string_equal(config->router.pid_file, "");
		assert_string_equal(config->router.realm, "x");
		config_free(&config);
	}
}

static void test_defaults(void **state)
{
	struct sample_config sample;
	void *memory = NULL;

	(void)state;
	memset(&sample, 0, sizeof(sample));
	assert_int_equal(config_options_defaults(sample_rows, &sample, &memory, NULL), FW_OK);
	assert_true(sample.strict);
	assert_int_equal(sample.port, 7);
	assert_int_equal(sample.timeout_ms, 1500);
	assert_true(sample.size_bytes == 5000000000);
	assert_string_equal(sample.title, "a \\ title");
	assert_int_equal(sample.mode, SAMPLE_SOFT);
	assert_null(sample.secret.bytes);
	assert_int_equal(sample.allow.count, 2);
	assert_string_equal(sample.allow.items[0], "a.example");
	assert_string_equal(sample.allow.items[1], "b.example");
	assert_int_equal(sample.routes.count, 0);
	config_options_free(&memory);
	assert_null(memory);
}

static void test_default_of_lists(void **state)
{
	static const struct {
		const char *text;
		size_t count;
		const char *last;
	} rows[] = {
		{ "", 0, NULL },       { "  ", 0, NULL },  { "a", 1, "a" },
		{ " a , b ", 2, "b" }, { "a,,b", 3, "b" }, { "a,", 2, "" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_option row = { .name = "x",
			                 .type = FW_OPTION_STRINGS,
			                 .default_text = rows[i].text };
		struct fw_strings strings = { 0 };
		void *memory = NULL;
		assert_int_equal(config_value_default(&memory, &row, &strings), FW_OK);
		assert_int_equal(strings.count, rows[i].count);
		if (rows[i].last != NULL) {
			assert_string_equal(strings.items[strings.count - 1], rows[i].last);
		}
		config_options_free(&memory);
	}
}

static void test_bad_defaults_are_told(void **state)
{
	static const struct fw_choice words[] = { { "a", 1, NULL }, { NULL, 0, NULL } };
	static const struct {
		struct fw_option row;
		int ret;
	} rows[] = {
		{ { .type = FW_OPTION_BOOL, .default_text = "yes" }, FW_EINVAL },
		{ { .type = FW_OPTION_U16, .default_text = "65536" }, FW_EINVAL },
		{ { .type = FW_OPTION_U16, .default_text = "5", .min = 6 }, FW_EINVAL },
		{ { .type = FW_OPTION_U32, .default_text = "x" }, FW_EINVAL },
		{ { .type = FW_OPTION_CHOICE, .default_text = "b", .choices = words }, FW_EINVAL },
		{ { .type = FW_OPTION_SECRET, .default_text = "b" }, FW_EINVAL },
		{ { .type = FW_OPTION_ROWS, .default_text = "b" }, FW_EINVAL },
		{ { .type = FW_OPTION_U64, .default_text = NULL }, FW_OK },
		{ { .type = FW_OPTION_CHOICE, .default_text = NULL }, FW_OK },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_option table[2] = { rows[i].row, FW_OPT_END };
		struct fw_secret room = { 0 };
		struct fw_error err = { 0 };
		void *memory = NULL;
		table[0].name = "opt";
		assert_int_equal(config_options_defaults(table, &room, &memory, &err), rows[i].ret);
		if (rows[i].ret != FW_OK) {
			assert_non_null(strstr(err.text, "default of 'opt': "));
		}
		config_options_free(&memory);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_values_arrive),
		cmocka_unit_test(test_paths_are_beside_the_line_that_names_them),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_default_of_lists),
		cmocka_unit_test(test_bad_defaults_are_told),
	};
	return cmocka_run_group_tests(tests, in_new_folder, leave_folder);
}
