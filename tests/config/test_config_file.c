/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_file.c: the tree of nodes, its lines, and syntax errors.
 */
#include "tests/config/config_test.h"

#include "config/config_file.h"
#include "config/config_memory.h"

static void test_tree(void **state)
{
	static const char text[] = "a = {\n b = ( 1,\n \"x\\ty\", true,\n { c = [ ]; } );\n};\n"
	                           "d = false\ne =\n1.5\n";
	struct config_problems problems = { 0 };
	struct config_node *top = NULL;
	void *memory = NULL;

	(void)state;
	assert_int_equal(config_file_read("<text>", text, &memory, &top, &problems), FW_OK);
	assert_int_equal(top->type, CONFIG_GROUP);
	assert_null(top->name);
	assert_int_equal(top->count, 3);
	const struct config_node *b = config_node_get(config_node_get(top, "a"), "b");
	assert_int_equal(b->type, CONFIG_LIST);
	assert_int_equal(b->count, 4);
	assert_int_equal(b->line, 2);
	const struct config_node *item = b->first;
	assert_int_equal(item->type, CONFIG_NUMBER);
	assert_int_equal(item->number, 1);
	assert_null(item->name);
	item = item->next;
	assert_int_equal(item->type, CONFIG_TEXT);
	assert_string_equal(item->text, "x\ty");
	assert_int_equal(item->line, 3);
	item = item->next;
	assert_int_equal(item->type, CONFIG_BOOL);
	assert_int_equal(item->number, 1);
	item = item->next;
	assert_int_equal(item->type, CONFIG_GROUP);
	assert_int_equal(item->line, 4);
	assert_int_equal(config_node_get(item, "c")->type, CONFIG_LIST);
	assert_int_equal(config_node_get(item, "c")->count, 0);
	assert_null(item->next);
	assert_int_equal(config_node_get(top, "d")->number, 0);
	assert_int_equal(config_node_get(top, "e")->type, CONFIG_FLOAT);
	assert_int_equal(config_node_get(top, "e")->line, 7);
	assert_string_equal(config_node_get(top, "e")->file, "<text>");
	assert_null(config_node_get(top, "f"));
	assert_null(config_node_get(b, "f"));
	assert_null(config_node_get(NULL, "f"));
	config_memory_free(&memory);
}

static void test_syntax_errors(void **state)
{
	static const struct {
		const char *text, *problems;
	} rows[] = {
		{ "realm = yes;", "<text>:1: syntax error near 'realm = yes;'\n" },
		{ "realm = \"a\";;", "<text>:1: syntax error near 'realm = \"…\";;'\n" },
		{ "realm\n\n", "<text>:2: syntax error at the end of the file\n" },
		{ "\nrealm = \"my secret\" 5;\n",
		  "<text>:2: syntax error near 'realm = \"…\" 5;'\n" },
		{ "listen = ( 1, );", "<text>:1: syntax error near 'listen = ( 1, );'\n" },
		{ "a = 5\n= 7", "<text>:2: syntax error near '= 7'\n" },
		{ "a/b = 5", "<text>:1: syntax error near 'a/b = 5'\n" },
		{ "\xc3\xa9 = 5", "<text>:1: syntax error near '\xc3\xa9 = 5'\n" },
		{ "a = [ 1, \"b\" ];",
		  "<text>:1: mismatched element type in array near 'a = [ 1, \"…\" ];'\n" },
		{ "realm = \"a\";\nrealm = \"b\";",
		  "<text>:2: duplicate setting name near 'realm = \"…\";'\n" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_problems(rows[i].text, rows[i].problems);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_syntax_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
