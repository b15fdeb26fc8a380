/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What has to change in a table, and the statements for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fedway/error.h>

#include "components/axl/axl_plan.h"

static struct axl_plan plan;

/* Lists are words between spaces; rows are "pkid=cp_id". */
static void add_words(struct axl_list *list, const char *words)
{
	while (*words != '\0') {
		size_t len = strcspn(words, " ");
		assert_int_equal(axl_list_add(list, fw_str_n(words, len)), FW_OK);
		words += len + strspn(words + len, " ");
	}
}

static void make(const char *wanted_words, const char *realm_words, const char *row_words)
{
	struct axl_list wanted = { 0 }, realms = { 0 };
	struct axl_row rows[16];
	size_t count = 0;

	add_words(&wanted, wanted_words);
	add_words(&realms, realm_words);
	while (*row_words != '\0') {
		size_t len = strcspn(row_words, " "), key = strcspn(row_words, "=");
		assert_true(count < FW_COUNT(rows));
		rows[count++] = (struct axl_row){ fw_str_n(row_words, key),
			                          fw_str_n(row_words + key + 1, len - key - 1) };
		row_words += len + strspn(row_words + len, " ");
	}
	axl_plan_clear(&plan);
	assert_int_equal(axl_plan_make(&wanted, &realms, rows, count, &plan), FW_OK);
	axl_list_clear(&wanted);
	axl_list_clear(&realms);
}

static void assert_words(const struct axl_list *list, const char *words)
{
	struct axl_list expected = { 0 };

	add_words(&expected, words);
	if (!axl_list_eq(list, &expected)) {
		fail_msg("%zu items, the first '%s', expected '%s'", list->count,
		         list->count > 0 ? list->items[0] : "", words);
	}
	axl_list_clear(&expected);
}

static void test_differences(void **state)
{
	static const struct {
		const char *wanted, *realms, *rows, *missing, *stale, *twins;
		size_t there, foreign;
	} cases[] = {
		{ "", "", "", "", "", "", 0, 0 },
		{ "a.e1", "e1", "", "a.e1", "", "", 0, 0 },
		{ "a.e1 b.e2", "e1 e2", "1=a.e1", "b.e2", "", "", 1, 0 },
		{ "", "e1", "1=a.e1 2=b.e1", "", "a.e1 b.e1", "", 0, 0 },
		{ "a.e1", "e1", "1=a.e1 2=a.e1 3=a.e1", "", "", "2 3", 1, 0 },
		{ "a.e1", "e1", "1=a.e1 =a.e1", "", "", "", 1, 0 },
		{ "a.e1", "e1", "1=b.e1", "a.e1", "b.e1", "", 0, 0 },
		/* others are never touched: other realms, none, one that only begins or ends alike
		 */
		{ "a.e1", "e1", "1=a.e1 2=a.e2 3=e1 4=a.e11 5=a.xe1 6=", "", "", "", 1, 5 },
		{ "a.e1", "e1", "1=a.x.e1", "a.e1", "", "", 0, 1 },
		/* a realm in other letters is the same realm, but its row is not the row that is
		   wanted */
		{ "a.e1", "e1", "1=a.E1", "a.e1", "a.E1", "", 0, 0 },
		{ "a.e.example.org", "e.example.org", "1=b.e.example.org", "a.e.example.org",
		  "b.e.example.org", "", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(cases); i++) {
		make(cases[i].wanted, cases[i].realms, cases[i].rows);
		assert_words(&plan.missing, cases[i].missing);
		assert_words(&plan.stale, cases[i].stale);
		assert_words(&plan.twins, cases[i].twins);
		assert_int_equal(plan.there, cases[i].there);
		assert_int_equal(plan.foreign, cases[i].foreign);
		assert_int_equal(axl_plan_is_empty(&plan), axl_plan_statements(&plan) == 0);
	}
}

static void test_inserts_come_before_deletes(void **state)
{
	(void)state;
	make("a.e1 b.e1", "e1", "1=x.e1 2=y.e1 3=o.e2");
	assert_int_equal(axl_plan_statements(&plan), 3);
	for (size_t i = 0; i < 3; i++) {
		char *sql = axl_plan_statement(&plan, i);
		assert_int_equal(axl_plan_inserts(&plan, i), i < 2);
		if (i < 2) {
			assert_memory_equal(sql, "insert into xmpps2snodes (pkid, cp_id) values ('",
			                    48);
			/* 8-4-4-4-12, version 4 */
			assert_int_equal(sql[48 + 8], '-');
			assert_int_equal(sql[48 + 14], '4');
			assert_int_equal(sql[48 + 36], '\'');
			assert_string_equal(sql + 48 + 36, i == 0 ? "', 'a.e1')" : "', 'b.e1')");
		} else {
			assert_string_equal(
			        sql, "delete from xmpps2snodes where cp_id in ('x.e1', 'y.e1')");
		}
		free(sql);
	}
}

static void test_duplicates_go_by_their_key(void **state)
{
	(void)state;
	make("a.e1", "e1", "k1=a.e1 k2=a.e1 k'3=a.e1 k4=b.e1");
	assert_int_equal(axl_plan_statements(&plan), 2);
	char *sql = axl_plan_statement(&plan, 0);
	assert_string_equal(sql, "delete from xmpps2snodes where cp_id in ('b.e1')");
	free(sql);
	sql = axl_plan_statement(&plan, 1);
	assert_string_equal(sql, "delete from xmpps2snodes where pkid in ('k2', 'k''3')");
	free(sql);
}

static void test_many_are_deleted_in_several_statements(void **state)
{
	struct axl_list none = { 0 }, realms = { 0 };
	static char ids[AXL_DELETE_MAX * 2 + 1][16];
	static struct axl_row rows[AXL_DELETE_MAX * 2 + 1];
	size_t found = 0;

	(void)state;
	add_words(&realms, "e1");
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		snprintf(ids[i], sizeof(ids[i]), "c%zu.e1", i);
		rows[i] = (struct axl_row){ fw_str("k"), fw_str(ids[i]) };
	}
	axl_plan_clear(&plan);
	assert_int_equal(axl_plan_make(&none, &realms, rows, FW_COUNT(rows), &plan), FW_OK);
	assert_int_equal(axl_plan_statements(&plan), 3);
	for (size_t i = 0; i < 3; i++) {
		char *sql = axl_plan_statement(&plan, i);
		for (const char *at = sql; (at = strstr(at, ".e1'")) != NULL; at++) {
			found++;
		}
		free(sql);
	}
	assert_int_equal(found, FW_COUNT(rows));
	axl_list_clear(&realms);
}

static void test_component_ids(void **state)
{
	static const char *const good[] = { "cm-2_s2scp-1.edge-1", "a.b", "a.b.c.example" };
	static const char *const bad[] = { "",      "a",     "a.",   ".a",
		                           "a.b'c", "a.b c", "a.b;", "a.\xc3\xa4" };
	char longest[300];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(good); i++) {
		assert_true(axl_plan_is_id(fw_str(good[i])));
	}
	for (size_t i = 0; i < FW_COUNT(bad); i++) {
		assert_false(axl_plan_is_id(fw_str(bad[i])));
	}
	memset(longest, 'a', sizeof(longest));
	longest[1] = '.';
	assert_true(axl_plan_is_id(fw_str_n(longest, 255)));
	assert_false(axl_plan_is_id(fw_str_n(longest, 256)));
	assert_false(axl_plan_is_id(fw_str(NULL)));
}

static int clear(void **state)
{
	(void)state;
	axl_plan_clear(&plan);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_differences, clear),
		cmocka_unit_test_teardown(test_inserts_come_before_deletes, clear),
		cmocka_unit_test_teardown(test_duplicates_go_by_their_key, clear),
		cmocka_unit_test_teardown(test_many_are_deleted_in_several_statements, clear),
		cmocka_unit_test(test_component_ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
