/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Receipts and the other marks of hosting.h: every exit is told once, whoever goes first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fedway/hosting.h>

static uint64_t told[16];
static size_t told_count;

static void left(void *ctx, uint64_t number)
{
	assert_ptr_equal(ctx, told);
	assert_true(told_count < FW_COUNT(told));
	told[told_count++] = number;
}

static struct fw_stanza *stanza_with(struct fw_receipts *receipts, uint64_t number)
{
	struct fw_stanza *stanza = NULL;

	assert_int_equal(fw_stanza_new("message", NULL, &stanza), FW_OK);
	if (receipts != NULL) {
		fw_stanza_set_receipt(stanza, receipts, number);
	}
	return stanza;
}

static void test_every_exit_is_told_once(void **state)
{
	struct fw_ledger *ledger = fw_ledger_new(NULL);
	struct fw_receipts *receipts = NULL;

	(void)state;
	told_count = 0;
	assert_int_equal(fw_receipts_new(left, told, &receipts), FW_OK);
	for (int exit = 0; exit < FW_EXIT_COUNT; exit++) {
		struct fw_stanza *stanza =
		        stanza_with(receipts, UINT64_C(0x100000000) + (unsigned)exit);
		fw_stanza_enter(stanza, ledger, 1);
		assert_int_equal(told_count, exit);
		fw_stanza_end(&stanza, (enum fw_exit)exit, FW_CAUSE_NO_ROUTE);
		assert_int_equal(told_count, exit + 1);
		assert_true(told[exit] == UINT64_C(0x100000000) + (unsigned)exit);
	}
	struct fw_stanza *never_entered = stanza_with(receipts, 7);
	fw_stanza_free(&never_entered);
	assert_int_equal(told_count, FW_EXIT_COUNT + 1);
	fw_receipts_release(&receipts);
	assert_null(receipts);
	fw_receipts_release(&receipts);
	fw_ledger_release(&ledger);
}

static void test_stanzas_outlive_the_owner(void **state)
{
	struct fw_receipts *receipts = NULL;

	(void)state;
	told_count = 0;
	assert_int_equal(fw_receipts_new(left, told, &receipts), FW_OK);
	struct fw_stanza *a = stanza_with(receipts, 1);
	struct fw_stanza *b = stanza_with(receipts, 2);
	fw_stanza_free(&a);
	fw_receipts_release(&receipts);
	fw_stanza_free(&b); /* the memory goes here; nobody is told */
	assert_int_equal(told_count, 1);
}

static void test_copies_and_answers_carry_none(void **state)
{
	struct fw_receipts *receipts = NULL;
	struct fw_stanza *copy = NULL, *answer = NULL;

	(void)state;
	told_count = 0;
	assert_int_equal(fw_receipts_new(left, told, &receipts), FW_OK);
	struct fw_stanza *stanza = stanza_with(receipts, 1);
	assert_int_equal(fw_stanza_set(stanza, "from", fw_str("a.test")), FW_OK);
	assert_int_equal(fw_stanza_copy(stanza, &copy), FW_OK);
	assert_int_equal(fw_stanza_error_reply(stanza, FW_CAUSE_NO_ROUTE, &answer), FW_OK);
	fw_stanza_free(&copy);
	fw_stanza_free(&answer);
	assert_int_equal(told_count, 0);
	fw_stanza_free(&stanza);
	assert_int_equal(told_count, 1);
	fw_receipts_release(&receipts);
}

static void test_marks(void **state)
{
	struct fw_stanza *a = stanza_with(NULL, 0);
	struct fw_stanza *b = stanza_with(NULL, 0);
	char large[600];

	(void)state;
	/* one process counts on from a random place */
	assert_true(fw_stanza_xcoder(b) == fw_stanza_xcoder(a) + 1);
	assert_true(fw_stanza_xcoder(a) >> 32 != 0);
	fw_stanza_set_xcoder(b, UINT64_C(0x1234567890abcdef));
	assert_true(fw_stanza_xcoder(b) == UINT64_C(0x1234567890abcdef));
	assert_int_equal(fw_stanza_trail(a), 0);
	fw_stanza_set_trail(a, 9);
	assert_int_equal(fw_stanza_trail(a), 9);
	assert_null(fw_stanza_destination(a).ptr);
	assert_int_equal(fw_stanza_set_destination(a, fw_str("cm-2_s2scp-1.edge-1")), FW_OK);
	assert_true(fw_str_is(fw_stanza_destination(a), "cm-2_s2scp-1.edge-1"));
	memset(large, 'x', sizeof(large));
	assert_int_equal(fw_stanza_set_destination(a, fw_str_n(large, sizeof(large))), FW_OK);
	assert_int_equal(fw_stanza_destination(a).len, sizeof(large));
	assert_int_equal(fw_stanza_set_destination(a, fw_str(NULL)), FW_OK);
	assert_null(fw_stanza_destination(a).ptr);
	fw_stanza_free(&a);
	fw_stanza_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_exit_is_told_once),
		cmocka_unit_test(test_stanzas_outlive_the_owner),
		cmocka_unit_test(test_copies_and_answers_carry_none),
		cmocka_unit_test(test_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
