/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The reload matrix: what happens to a component for each kind of change, and that a refused reload
 * changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "router/instance.h"
#include "router/route_table.h"
#include "tests/router/toys.h"

#define TOY(text) "{ module = \"toy\"; options = { text = \"" text "\"; }; }"
#define RIGID(text) "{ module = \"rigid\"; options = { text = \"" text "\"; }; }"
#define BAD(module) \
	"{ module = \"" module "\"; options = { text = \"x\"; refuse = \"no luck\"; }; }"

static const struct {
	const char *sentence, *before, *after;
	int result;
	const char *story;   /* what happens by the reload */
	const char *changes; /* its lines */
} reload_rows[] = {
	{ "nothing", TOY("a") "," RIGID("b"), TOY("a") "," RIGID("b"), FW_OK, "", "" },
	{ "other options, reload()", TOY("a") "," RIGID("b"), TOY("A") "," RIGID("b"), FW_OK,
	  "reload toy-1 a>A;", "component toy-1.realm-test: reloaded\n" },
	{ "other options, no reload()", TOY("a") "," RIGID("b"), TOY("a") "," RIGID("B"), FW_OK,
	  "stop rigid-1 b;start rigid-1 B;", "component rigid-1.realm-test: restarted\n" },
	{ "added", TOY("a"), TOY("a") "," RIGID("b"), FW_OK, "start rigid-1 b;",
	  "component rigid-1.realm-test: started\n" },
	{ "removed", TOY("a") "," RIGID("b"), RIGID("b"), FW_OK, "stop toy-1 a;",
	  "component toy-1.realm-test: stopped\n" },
	{ "disabled", TOY("a") "," RIGID("b"),
	  TOY("a") ", { module = \"rigid\"; enabled = false; }", FW_OK, "stop rigid-1 b;",
	  "component rigid-1.realm-test: stopped\n" },
	{ "all removed", TOY("a") "," RIGID("b"), "", FW_OK, "stop toy-1 a;stop rigid-1 b;",
	  "component toy-1.realm-test: stopped\ncomponent rigid-1.realm-test: stopped\n" },
	{ "moved in the file only", "{ module = \"toy\"; id = \"t\"; }," RIGID("b"),
	  RIGID("b") ",{ module = \"toy\"; id = \"t\"; }", FW_OK, "", "" },
	{ "another module under the same ID", "{ module = \"toy\"; id = \"x\"; }",
	  "{ module = \"rigid\"; id = \"x\"; }", FW_OK, "stop x;start x;",
	  "component x.realm-test: restarted\n" },
	{ "weight", TOY("a"), "{ module = \"toy\"; weight = 3; options = { text = \"a\"; }; }",
	  FW_OK, "", "component toy-1.realm-test: priority or weight changed\n" },
	{ "new ones start before others restart or stop", TOY("a") "," RIGID("b"),
	  RIGID("B") "," RIGID("c"), FW_OK,
	  "start rigid-2 c;stop rigid-1 b;start rigid-1 B;stop toy-1 a;",
	  "component rigid-1.realm-test: restarted\ncomponent rigid-2.realm-test: started\n"
	  "component toy-1.realm-test: stopped\n" },
	{ "a new one that does not start refuses the reload", TOY("a"), TOY("A") "," BAD("rigid"),
	  FW_EINVAL, "refuse rigid-1 x;", "" },
	{ "and ends those that did", TOY("a"), TOY("A") "," RIGID("b") "," BAD("rigid"), FW_EINVAL,
	  "start rigid-1 b;refuse rigid-2 x;stop rigid-1 b;", "" },
	{ "a restart that fails brings the old one back", RIGID("a") "," TOY("b"),
	  BAD("rigid") "," TOY("B"), FW_EINVAL, "stop rigid-1 a;refuse rigid-1 x;start rigid-1 a;",
	  "" },
	{ "and those restarted before it", RIGID("a") "," RIGID("b"), RIGID("A") "," BAD("rigid"),
	  FW_EINVAL,
	  "stop rigid-1 a;start rigid-1 A;stop rigid-2 b;refuse rigid-2 x;start rigid-2 b;"
	  "stop rigid-1 A;start rigid-1 a;",
	  "" },
};

static struct config *make(const char *components)
{
	char text[2048];
	(void)snprintf(text, sizeof(text), "components = (%s);", components);
	return toys_config(text);
}

static char *joined(const struct fw_json *lines)
{
	static char text[2048];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < fw_json_count(lines); i++) {
		struct fw_str line = fw_json_text(fw_json_at(lines, i));
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%.*s\n",
		                         FW_STR_ARG(line));
	}
	return text;
}

static void rows_of_the_reload(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(reload_rows); i++) {
		struct fw_loop *loop = NULL;
		struct router *router = NULL;
		struct fw_error err = { 0 };
		struct fw_json *root = fw_json_new();
		struct fw_json *changes = fw_json_set_array(root, "changes");
		struct config *config = make(reload_rows[i].before);

		print_message("%s\n", reload_rows[i].sentence);
		assert_int_equal(fw_loop_new(&loop), FW_OK);
		assert_int_equal(router_start(loop, &config, NULL, &router, &err), FW_OK);
		const struct config *old = router->config;
		toys_begin();
		config = make(reload_rows[i].after);
		assert_int_equal(router_reload(router, &config, changes, &err),
		                 reload_rows[i].result);
		assert_null(config);
		assert_string_equal(toys_story, reload_rows[i].story);
		assert_string_equal(joined(changes), reload_rows[i].changes);
		if (reload_rows[i].result == FW_OK) {
			assert_true(router->config != old);
		} else {
			assert_ptr_equal(router->config, old);
			assert_non_null(strstr(err.text, "did not start: no luck"));
			/* the old file again: nothing is left to change */
			toys_begin();
			config = make(reload_rows[i].before);
			assert_int_equal(router_reload(router, &config, NULL, &err), FW_OK);
			assert_string_equal(toys_story, "");
		}
		fw_json_free(&root);
		router_stop(&router);
		fw_loop_free(&loop);
	}
}

static void what_was_not_touched_reads_what_it_started_with(void **state)
{
	(void)state;
	struct fw_loop *loop = NULL;
	struct router *router = NULL;
	struct config *config = make(TOY("a") "," RIGID("b"));

	assert_int_equal(fw_loop_new(&loop), FW_OK);
	assert_int_equal(router_start(loop, &config, NULL, &router, NULL), FW_OK);
	struct fw_self *kept = toys_self("rigid-1.realm-test");
	const struct toy_config *before = fw_self_config(kept);
	for (int i = 0; i < 5; i++) { /* a use after free shows under the sanitizer */
		config = i % 2 == 0 ? make(TOY("A") "," RIGID("b")) : make(TOY("a") "," RIGID("b"));
		assert_int_equal(router_reload(router, &config, NULL, NULL), FW_OK);
		assert_ptr_equal(fw_self_config(kept), before);
		assert_string_equal(before->text, "b");
		const struct toy_config *now = fw_self_config(toys_self("toy-1.realm-test"));
		assert_string_equal(now->text, i % 2 == 0 ? "A" : "a");
	}
	router_stop(&router);
	fw_loop_free(&loop);
}

static void priority_moves_a_holder_among_others(void **state)
{
	(void)state;
	struct fw_loop *loop = NULL;
	struct router *router = NULL;
	struct config *config =
	        make("{ module = \"toy\"; priority = 10; options = { domain = \"d.example\"; }; },"
	             "{ module = \"toy\"; priority = 20; options = { domain = \"d.example\"; }; }");

	assert_int_equal(fw_loop_new(&loop), FW_OK);
	assert_int_equal(router_start(loop, &config, NULL, &router, NULL), FW_OK);
	assert_string_equal(route_table_holders(router->routes, "d.example")->component->id,
	                    "toy-1.realm-test");
	config =
	        make("{ module = \"toy\"; priority = 30; options = { domain = \"d.example\"; }; },"
	             "{ module = \"toy\"; priority = 20; options = { domain = \"d.example\"; }; }");
	assert_int_equal(router_reload(router, &config, NULL, NULL), FW_OK);
	assert_string_equal(route_table_holders(router->routes, "d.example")->component->id,
	                    "toy-2.realm-test");
	router_stop(&router);
	fw_loop_free(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_the_reload),
		cmocka_unit_test(what_was_not_touched_reads_what_it_started_with),
		cmocka_unit_test(priority_moves_a_holder_among_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
