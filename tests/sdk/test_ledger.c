/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of sdk/src/ledger.c: accounts balance at every instant and live as long as anything needs
 * them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fedway/ledger.h>

static void test_every_exit_balances(void **state)
{
	struct fw_ledger *total = fw_ledger_new(NULL);
	struct fw_ledger *ledger = fw_ledger_new(total);

	(void)state;
	for (int exit = 0; exit < FW_EXIT_COUNT; exit++) {
		fw_ledger_enter(ledger);
		assert_int_equal(ledger->in_flight, 1);
		assert_int_equal(total->in_flight, 1);
		assert_true(fw_ledger_balanced(ledger) && fw_ledger_balanced(total));
		fw_ledger_leave(ledger, (enum fw_exit)exit, FW_CAUSE_NO_ROUTE);
		assert_int_equal(ledger->exits[exit], 1);
		assert_int_equal(total->exits[exit], 1);
		assert_true(fw_ledger_balanced(ledger) && fw_ledger_balanced(total));
	}
	assert_int_equal(ledger->in, FW_EXIT_COUNT);
	assert_int_equal(ledger->causes[FW_CAUSE_NO_ROUTE], 2); /* bounced and dropped only */
	assert_int_equal(total->causes[FW_CAUSE_NO_ROUTE], 2);
	fw_ledger_release(&ledger);
	fw_ledger_release(&total);
	assert_null(ledger);
	fw_ledger_release(&ledger);
	fw_ledger_release(NULL);
}

static void test_a_lost_stanza_shows(void **state)
{
	struct fw_ledger *ledger = fw_ledger_new(NULL);

	(void)state;
	fw_ledger_enter(ledger);
	ledger->in_flight--;
	assert_false(fw_ledger_balanced(ledger));
	ledger->in_flight++;
	fw_ledger_leave(ledger, FW_EXIT_DELIVERED, FW_CAUSE_NONE);
	fw_ledger_release(&ledger);
}

/* The owner and the total's owner go first, the stanza last: a sanitizer sees a mistake. */
static void test_an_account_outlives_its_owner(void **state)
{
	struct fw_ledger *total = fw_ledger_new(NULL);
	struct fw_ledger *ledger = fw_ledger_new(total);
	struct fw_ledger *account = ledger;

	(void)state;
	fw_ledger_enter(ledger);
	fw_ledger_enter(ledger);
	fw_ledger_release(&ledger);
	fw_ledger_leave(account, FW_EXIT_DROPPED, FW_CAUSE_COMPONENT_GONE);
	assert_int_equal(account->holders, 1);
	assert_int_equal(total->in_flight, 1);
	fw_ledger_release(&total);
	fw_ledger_leave(account, FW_EXIT_DROPPED, FW_CAUSE_COMPONENT_GONE);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(fw_exit_name(FW_EXIT_DELIVERED), "delivered");
	assert_string_equal(fw_exit_name(FW_EXIT_DROPPED), "dropped");
	assert_string_equal(fw_exit_name(FW_EXIT_COUNT), "unknown");
}

static void test_leaving_twice_is_a_bug(void **state)
{
	int status = 0;

	(void)state;
	pid_t child = fork();
	if (child == 0) {
		struct fw_ledger *ledger = fw_ledger_new(NULL);
		close(STDERR_FILENO);
		fw_ledger_leave(ledger, FW_EXIT_DELIVERED, FW_CAUSE_NONE);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_exit_balances),
		cmocka_unit_test(test_a_lost_stanza_shows),
		cmocka_unit_test(test_an_account_outlives_its_owner),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_leaving_twice_is_a_bug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
