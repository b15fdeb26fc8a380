/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_components.c: descriptors, options, IDs, and components that do not run.
 */
#include "tests/config/config_test.h"

static void test_sentences(void **state)
{
	static const struct {
		const char *text, *problems;
	} rows[] = {
		{ "components = ( { module = \"sample\"; } );", "" },
		{ "components = (\n{ module = \"broken\"; } );",
		  "<text>:2: module 'broken': no such file\n" },
		{ "components = ( { module = \"broken\"; enabled = false; options = { x = 1; }; } "
		  ");",
		  "" },
		{ "components = ( { module = \"broken\"; enabled = false;\noptions = 5; } );",
		  "<text>:2: options: a group { … } is wanted\n" },
		{ "components = ( { module = \"broken\"; enabled = false; optoins = { }; } );",
		  "<text>:1: unknown key 'optoins' in 'components', did you mean 'options'?\n" },
		{ "components = ( { module = \"sample\";\noptions = { port = 13; }; } );",
		  "<text>:2: module 'sample': port 13 brings bad luck\n" },
		{ "components = ( { module = \"sample\"; options = { port = 13; size_bytes = "
		  "\"x\"; }; } );",
		  "<text>:1: size_bytes = \"x\": a number from 0 to 9223372036854775807 is "
		  "wanted\n" },
		{ "components = ( { module = \"sample\"; id = \"x\"; },\n{ module = \"bare\"; id = "
		  "\"X\"; } );",
		  "<text>:2: component ID 'X' is taken by the component at <text>:1, give another "
		  "'id'\n" },
		{ "components = ( { module = \"sample\"; },\n{ module = \"bare\"; id = "
		  "\"sample-1\"; } );",
		  "<text>:2: component ID 'sample-1' is taken by the component at <text>:1, give "
		  "another "
		  "'id'\n" },
		{ "components = ( { module = \"sample\"; id = \"a.b\"; } );",
		  "<text>:1: id = \"a.b\": only letters, digits, '-' and '_' are allowed\n" },
		{ "components = ( 5, { } );",
		  "<text>:1: components holds 5: a group { … } is wanted\n"
		  "<text>:1: 'module' is missing in 'components': file name of the module without "
		  "its "
		  "suffix\n" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_problems(rows[i].text, rows[i].problems);
	}
}

static void test_ids_and_descriptors(void **state)
{
	static const char text[] = "components = (\n"
	                           "{ module = \"sample\"; },\n"
	                           "{ module = \"bare\"; priority = 3; weight = 4; },\n"
	                           "{ module = \"sample\"; enabled = false; },\n"
	                           "{ module = \"sample\"; id = \"cm-2_s2scp-1\"; },\n"
	                           "{ module = \"sample\"; options = { port = 9; }; } );";
	static const struct {
		const char *id, *where;
		bool has_descriptor;
	} rows[] = {
		{ "sample-1", "<text>:2", true },  { "bare-1", "<text>:3", true },
		{ "sample-2", "<text>:4", false }, { "cm-2_s2scp-1", "<text>:5", true },
		{ "sample-4", "<text>:6", true },
	};
	int calls = 0;
	const struct config_modules modules = { sample_find, &calls };
	struct config_problems problems = { 0 };
	struct config *config = NULL;

	(void)state;
	assert_int_equal(config_load_text(text, &modules, &config, &problems), FW_OK);
	assert_int_equal(calls, 4); /* not for the one that does not run */
	const struct config_component *all = config->router.components.items;
	assert_int_equal(config->router.components.count, FW_COUNT(rows));
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_string_equal(all[i].id, rows[i].id);
		assert_string_equal(all[i].where, rows[i].where);
		assert_int_equal(all[i].descriptor != NULL, rows[i].has_descriptor);
		assert_int_equal(all[i].options != NULL, rows[i].has_descriptor);
	}
	assert_int_equal(all[1].priority, 3);
	assert_int_equal(all[1].weight, 4);
	assert_int_equal(((const struct sample_config *)all[0].options)->port, 7);
	assert_int_equal(((const struct sample_config *)all[4].options)->port, 9);
	config_free(&config);
}

static int find_wrong(void *ctx, const struct config_router *router, const char *module,
                      const struct fw_component **out, struct fw_error *err)
{
	static const struct fw_option rows[] = {
		FW_OPT(struct sample_config, port, "70000", .help = "too large"),
		FW_OPT_END,
	};
	static const struct fw_component wrong = {
		FW_COMPONENT_HEAD,
		.name = "wrong",
		.options = rows,
		.config_size = sizeof(struct sample_config),
	};

	(void)ctx;
	(void)router;
	(void)module;
	(void)err;
	*out = &wrong;
	return FW_OK;
}

static void test_a_module_with_wrong_rows_is_told(void **state)
{
	static const struct config_modules modules = { find_wrong, NULL };
	struct config_problems problems = { 0 };
	struct config *config = NULL;

	(void)state;
	assert_int_equal(config_load_text("components = ( { module = \"x\"; } );", &modules,
	                                  &config, &problems),
	                 FW_EINVAL);
	assert_string_equal(problems.text,
	                    "<text>:1: module 'x': the default of 'port' cannot be used\n");
	config_problems_free(&problems);
}

static void test_without_a_loader(void **state)
{
	struct config_problems problems = { 0 };
	struct config *config = NULL;

	(void)state;
	assert_int_equal(config_load_text("components = ( { module = \"sample\"; } );", NULL,
	                                  &config, &problems),
	                 FW_EINVAL);
	assert_string_equal(problems.text,
	                    "<text>:1: module 'sample': modules cannot be loaded here\n");
	config_problems_free(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_ids_and_descriptors),
		cmocka_unit_test(test_a_module_with_wrong_rows_is_told),
		cmocka_unit_test(test_without_a_loader),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
