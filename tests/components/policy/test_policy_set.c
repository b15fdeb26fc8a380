/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * policy_set.c: membership of many keys, and comparison of sets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <fedway/error.h>

#include "components/policy/policy_set.h"

static void test_many(void **state)
{
	struct policy_set *set = policy_set_new(1000);
	char name[64];

	(void)state;
	assert_non_null(set);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "d%d.example", i);
		assert_int_equal(policy_set_add(set, fw_str(name), 0), FW_OK);
		assert_int_equal(policy_set_add(set, fw_str(name), 7), FW_EEXIST);
	}
	assert_int_equal(policy_set_count(set), 1000);
	assert_int_equal(policy_set_add(set, fw_str("one.too.many"), 0), FW_ELIMIT);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "d%d.example", i);
		assert_int_equal(policy_set_has(set, fw_str(name), NULL), i < 1000);
	}
	assert_string_equal(policy_set_at(set, 999), "d999.example");
	assert_null(policy_set_at(set, 1000));
	policy_set_free(&set);
	assert_null(set);
}

static void test_empty(void **state)
{
	struct policy_set *set = policy_set_new(0);

	(void)state;
	assert_false(policy_set_has(NULL, fw_str("a.example"), NULL));
	assert_false(policy_set_has(set, fw_str("a.example"), NULL));
	assert_true(policy_set_eq(NULL, set));
	policy_set_free(&set);
	policy_set_free(&set);
}

static void test_eq(void **state)
{
	struct policy_set *a = policy_set_new(3), *b = policy_set_new(3);

	(void)state;
	policy_set_add(a, fw_str("x"), 0);
	policy_set_add(a, fw_str("y"), 0);
	policy_set_add(b, fw_str("y"), 0);
	assert_false(policy_set_eq(a, b));
	policy_set_add(b, fw_str("x"), 0);
	assert_true(policy_set_eq(a, b));
	policy_set_add(a, fw_str("z"), 0);
	policy_set_add(b, fw_str("w"), 0);
	assert_false(policy_set_eq(a, b));
	policy_set_free(&a);
	policy_set_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_eq),
	};

	return cmocka_run_group_tests_name("policy_set", tests, NULL, NULL);
}
