/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The budget for streams that are being opened: who may begin, who waits, whose turn is next.
 */
#include "components/s2s/s2s_egress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "components/s2s/s2s.h"

enum { SLOTS = 16 };

static struct s2s_config config;
static struct s2s s2s;
static struct s2s_egress *egress;
static struct s2s_egress_slot slots[SLOTS];
static char order[SLOTS + 1]; /* 'a' for slot 0, in the order of their turns */

static void on_turn(void *ctx)
{
	const struct s2s_egress_slot *slot = ctx;
	size_t used = strlen(order);

	order[used] = (char)('a' + (slot - slots));
	order[used + 1] = '\0';
}

static int setup(void **state)
{
	(void)state;
	config = (struct s2s_config){ .connecting_max = 3, .connecting_per_domain_max = 2 };
	s2s = (struct s2s){ .config = &config };
	memset(slots, 0, sizeof(slots));
	order[0] = '\0';
	for (size_t i = 0; i < SLOTS; i++) {
		slots[i].turn = on_turn;
		slots[i].ctx = &slots[i];
	}
	assert_int_equal(fw_loop_new(&s2s.loop), FW_OK);
	return s2s_egress_new(&s2s, &egress);
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < SLOTS; i++) {
		s2s_egress_leave(egress, &slots[i]);
	}
	s2s_egress_free(&egress);
	fw_loop_free(&s2s.loop);
	return 0;
}

static bool enter(size_t slot, const char *remote)
{
	return s2s_egress_enter(egress, &slots[slot], remote);
}

static void leave(size_t slot)
{
	s2s_egress_leave(egress, &slots[slot]);
	fw_loop_turn(s2s.loop, false);
}

static void the_budget_of_all_is_kept(void **state)
{
	(void)state;
	assert_true(enter(0, "a.example"));
	assert_true(enter(1, "b.example"));
	assert_true(enter(2, "c.example"));
	assert_false(enter(3, "d.example"));
	assert_false(enter(4, "e.example"));
	assert_int_equal(s2s_egress_connecting(egress), 3);
	assert_int_equal(s2s_egress_waiting(egress), 2);
	leave(1);
	assert_string_equal(order, "d");
	leave(3);
	leave(0);
	assert_string_equal(order, "de");
	assert_int_equal(s2s_egress_connecting(egress), 2);
	assert_int_equal(s2s_egress_waiting(egress), 0);
	assert_true(enter(5, "f.example"));
}

static void the_budget_of_one_domain_is_kept(void **state)
{
	(void)state;
	assert_true(enter(0, "a.example"));
	assert_true(enter(1, "a.example"));
	assert_false(enter(2, "a.example"));
	assert_true(enter(3, "b.example")); /* there is room for others */
	leave(3);
	assert_string_equal(order, "");
	leave(0);
	assert_string_equal(order, "c");
}

/* One domain with many attempts holds up nobody. */
static void domains_take_turns(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(enter(i, "a.example"), i < 2);
	}
	assert_true(enter(3, "b.example"));
	for (size_t i = 4; i < 8; i++) {
		assert_false(enter(i, "a.example"));
	}
	assert_false(enter(8, "c.example"));
	assert_false(enter(9, "b.example"));
	assert_false(enter(10, "c.example"));
	leave(0);
	leave(1);
	leave(3);
	leave(8);
	assert_string_equal(order, "ijck");
	for (const char *turn = order; *turn != '\0'; turn++) {
		leave((size_t)(*turn - 'a'));
	}
	assert_string_equal(order, "ijckefgh"); /* a.example's in their own order */
}

static void who_waits_may_give_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		enter(i, i < 3 ? "a.example" : "b.example");
	}
	leave(2);
	leave(4);
	assert_int_equal(s2s_egress_waiting(egress), 1);
	leave(0);
	assert_string_equal(order, "f");
	leave(5);
	leave(5); /* has left already */
	assert_int_equal(s2s_egress_connecting(egress), 2);
}

static void a_larger_budget_holds_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		enter(i, "a.example");
	}
	assert_int_equal(s2s_egress_connecting(egress), 2);
	config = (struct s2s_config){ .connecting_max = 5, .connecting_per_domain_max = 4 };
	s2s_egress_reload(egress);
	fw_loop_turn(s2s.loop, false);
	assert_string_equal(order, "cd");
	config = (struct s2s_config){ .connecting_max = 1, .connecting_per_domain_max = 1 };
	s2s_egress_reload(egress);
	leave(0);
	leave(1);
	leave(2);
	assert_string_equal(order, "cd");
	leave(3);
	assert_string_equal(order, "cde");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_budget_of_all_is_kept),
		TEST(the_budget_of_one_domain_is_kept),
		TEST(domains_take_turns),
		TEST(who_waits_may_give_up),
		TEST(a_larger_budget_holds_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
