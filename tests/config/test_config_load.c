/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_load.c: a whole configuration, cut at every byte, changed at every byte.
 * What is cut or changed may be good or bad, but it must be one of both, with a sentence when it is
 * bad.
 */
#include "tests/config/config_test.h"

#include <stdlib.h>

static const char whole[] =
        "# an edge\nrealm = \"edge-example-net\"; log_level = \"notice\";\n"
        "@include \"part.conf\"\n"
        "listen = ( { address = \"127.0.0.1\"; port = 7400; }, { address = \"::1\"; } );\n"
        "domains = ( { name = \"corp.example\"; federation = true; } );\n"
        "links = ( { name = \"echo.corp.example\"; secret = \"n\\x41 \\\"x\\\"\"; domains = [ "
        "\"*.e.corp.example\" ];\n"
        "  conflict = \"share\"; } );\n"
        "/* more */ uplinks = ( { name = \"gw.corp.example\"; secret_file = \"key\"; domains = "
        "\"*\"; "
        "} );\n"
        "components = ( { module = \"sample\"; options = { strict = false; port = 0x1f; size_bytes "
        "= "
        "5000000000;\n"
        "  routes = ( { domain = \"d\"; hosts = ( \"a\", \"b\" ); } ); mode = \"hard\"; }; } );\n"
        "link_queue_max_bytes = 16777217; // the end\n";

static void set_up_files(void)
{
	write_file("part.conf", "log_levels = ( { logger = \"stream.*\"; level = \"debug\"; } );",
	           0600);
	write_file("key", "hush\n", 0600);
}

static int load_any(const char *text)
{
	struct config_problems problems = { 0 };
	struct config *config = NULL;
	int ret = config_load_text(text, &sample_modules, &config, &problems);

	assert_int_equal(ret == FW_OK, config != NULL);
	assert_int_equal(ret == FW_OK, problems.count == 0);
	assert_int_equal(ret == FW_OK, problems.text == NULL);
	config_free(&config);
	config_problems_free(&problems);
	return ret;
}

static void test_whole(void **state)
{
	(void)state;
	set_up_files();
	struct config *config = load_good(whole);
	const struct config_router *router = &config->router;
	const struct config_link *link = router->links.items;
	const struct config_uplink *uplink = router->uplinks.items;
	assert_string_equal(router->realm, "edge-example-net");
	assert_int_equal(router->log_levels.count, 1);
	assert_int_equal(router->listen.count, 2);
	assert_string_equal(link->secret.bytes, "nA \"x\"");
	assert_int_equal(link->conflict, CONFIG_CONFLICT_SHARE);
	assert_string_equal(uplink->secret.bytes, "hush");
	assert_string_equal(uplink->domains.items[0], "*");
	assert_int_equal(router->link_queue_max_bytes, 16777217);
	assert_string_equal(config->path, "<text>");
	config_free(&config);
	config_free(&config);
}

static void test_cut_at_every_byte(void **state)
{
	char *text = NULL;
	size_t good = 0;

	(void)state;
	set_up_files();
	for (size_t len = 0; len < sizeof(whole); len++) {
		text = fw_str_dup(fw_str_n(whole, len)); /* of this very size, for sanitizers */
		good += load_any(text) == FW_OK;
		free(text);
	}
	/* between two settings a cut does no harm, elsewhere it does */
	assert_in_range(good, 20, sizeof(whole) / 2);
}

static void test_included_file_cut_at_every_byte(void **state)
{
	static const char part[] = "log_levels = ( { logger = \"a\"; level = \"info\"; } );\n# x\n";

	(void)state;
	set_up_files();
	for (size_t len = 0; len < sizeof(part); len++) {
		char *text = fw_str_dup(fw_str_n(part, len));
		write_file("part.conf", text, 0600);
		load_any(whole);
		free(text);
	}
}

static void test_every_byte_changed(void **state)
{
	static const char bytes[] = "\1\"({[;=@9a-\\/*\x80";
	char text[sizeof(whole)];

	(void)state;
	set_up_files();
	for (size_t i = 0; i + 1 < sizeof(whole); i++) {
		memcpy(text, whole, sizeof(whole));
		for (const char *byte = bytes; *byte != '\0'; byte++) {
			text[i] = *byte;
			load_any(text);
		}
	}
}

static void test_missing_file(void **state)
{
	(void)state;
	assert_file_problems("gone/fedway.conf",
	                     "cannot read 'gone/fedway.conf': No such file or directory\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut_at_every_byte),
		cmocka_unit_test(test_included_file_cut_at_every_byte),
		cmocka_unit_test(test_every_byte_changed),
		cmocka_unit_test(test_missing_file),
	};
	return cmocka_run_group_tests(tests, in_new_folder, leave_folder);
}
