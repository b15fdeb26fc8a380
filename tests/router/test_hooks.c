/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Hooks: order, verdicts, stages, and what they see of the router's own error answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fedway/hosting.h>

#include "router/hooks.h"
#include "tests/router/house.h"

/* What the hooks of this file do and note; one test runs at a time. */
static struct {
	char order[64];
	enum fw_verdict verdict[FW_STAGE_COUNT];
	enum fw_cause cause;
	unsigned seen[FW_STAGE_COUNT];
	struct fw_self *self;
} note;

static enum fw_verdict judge(struct fw_self *self, enum fw_stage stage, struct fw_why *why)
{
	note.self = self;
	note.seen[stage]++;
	return note.verdict[stage] == FW_PASS ? FW_PASS
	                                      : fw_verdict(why, note.verdict[stage], note.cause);
}

static enum fw_verdict on_arrived(struct fw_self *self, struct fw_stanza *stanza,
                                  struct fw_why *why)
{
	(void)stanza;
	return judge(self, FW_STAGE_ARRIVED, why);
}

static enum fw_verdict on_policy(struct fw_self *self, struct fw_stanza *stanza, struct fw_why *why)
{
	(void)stanza;
	return judge(self, FW_STAGE_POLICY, why);
}

static enum fw_verdict on_routed(struct fw_self *self, struct fw_stanza *stanza, struct fw_why *why)
{
	(void)stanza;
	return judge(self, FW_STAGE_ROUTED, why);
}

static const struct fw_hook all_stages[] = {
	{ FW_STAGE_ARRIVED, 100, on_arrived },
	{ FW_STAGE_POLICY, 100, on_policy },
	{ FW_STAGE_ROUTED, 100, on_routed },
	FW_HOOK_END,
};

static struct fw_self *make_self(struct house *house)
{
	static const struct fw_component component = { FW_COMPONENT_HEAD, .name = "hooks" };
	struct fw_self *self = NULL;
	const struct fw_self_settings settings = { .component = &component,
		                                   .loop = house->router.loop,
		                                   .log = house->router.log,
		                                   .id = "hooks-1.realm-test",
		                                   .realm = "realm-test" };

	memset(&note, 0, sizeof(note));
	assert_int_equal(fw_self_new(&settings, &self), FW_OK);
	return self;
}

static void verdicts_decide_at_every_stage(void **state)
{
	(void)state;
	static const struct {
		const char *sentence;
		enum fw_stage stage;
		enum fw_verdict verdict;
		enum fw_cause given, counted;
		enum fw_exit exit;
		unsigned seen[FW_STAGE_COUNT]; /* by how many stanzas, the answer included */
	} rows[] = {
		{ "all pass",
		  FW_STAGE_ARRIVED,
		  FW_PASS,
		  FW_CAUSE_NONE,
		  FW_CAUSE_NONE,
		  FW_EXIT_DELIVERED,
		  { 1, 1, 1 } },
		{ "drop on arrival",
		  FW_STAGE_ARRIVED,
		  FW_DROP,
		  FW_CAUSE_POLICY_DENIED,
		  FW_CAUSE_POLICY_DENIED,
		  FW_EXIT_DROPPED,
		  { 1, 0, 0 } },
		{ "drop without a cause",
		  FW_STAGE_ARRIVED,
		  FW_DROP,
		  FW_CAUSE_NONE,
		  FW_CAUSE_HOOK_DROPPED,
		  FW_EXIT_DROPPED,
		  { 1, 0, 0 } },
		{ "bounce by policy: policy does not judge the answer to one of ours",
		  FW_STAGE_POLICY,
		  FW_BOUNCE,
		  FW_CAUSE_POLICY_NOT_LISTED,
		  FW_CAUSE_POLICY_NOT_LISTED,
		  FW_EXIT_BOUNCED,
		  { 2, 1, 1 } },
		{ "drop after the lookup",
		  FW_STAGE_ROUTED,
		  FW_DROP,
		  FW_CAUSE_POLICY_DENIED,
		  FW_CAUSE_POLICY_DENIED,
		  FW_EXIT_DROPPED,
		  { 1, 1, 1 } },
	};
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct house house;

		print_message("%s\n", rows[i].sentence);
		house_open(&house);
		struct guest *in = house_guest(&house, "in", "in.example");
		struct guest *target = house_guest(&house, "t", "target.example");
		struct fw_self *self = make_self(&house);
		assert_int_equal(hook_list_add(house.router.hooks, self, all_stages), FW_OK);
		note.verdict[rows[i].stage] = rows[i].verdict;
		note.cause = rows[i].given;
		assert_int_equal(
		        house_send(in, "<message from='a@in.example' to='b@target.example'/>"),
		        FW_OK);
		assert_int_equal(guest_exits(in, rows[i].exit), 1);
		assert_int_equal(target->count, rows[i].exit == FW_EXIT_DELIVERED ? 1 : 0);
		if (rows[i].counted != FW_CAUSE_NONE) {
			assert_int_equal(guest_causes(in, rows[i].counted), 1);
		}
		for (unsigned stage = 0; stage < FW_STAGE_COUNT; stage++) {
			assert_int_equal(note.seen[stage], rows[i].seen[stage]);
		}
		assert_ptr_equal(note.self, self);
		assert_int_equal(in->count, rows[i].exit == FW_EXIT_BOUNCED ? 1 : 0);
		hook_list_remove(house.router.hooks, self);
		house_close(&house);
		fw_self_free(&self);
	}
}

static void an_answer_to_a_denied_outside_domain_does_not_leave(void **state)
{
	(void)state;
	struct house house;

	house_open(&house);
	struct guest *gateway = house_guest(&house, "gw", "*");
	(void)house_guest(&house, "t", "fed.example");
	house_list(&house, "fed.example", true);
	struct fw_self *self = make_self(&house);
	assert_int_equal(hook_list_add(house.router.hooks, self, all_stages), FW_OK);
	note.verdict[FW_STAGE_POLICY] = FW_BOUNCE;
	note.cause = FW_CAUSE_POLICY_DENIED;
	assert_int_equal(house_send(gateway, "<message from='a@bad.example' to='b@fed.example'/>"),
	                 FW_OK);
	assert_int_equal(note.seen[FW_STAGE_POLICY], 2);
	assert_int_equal(gateway->count, 0);
	assert_int_equal(house.router.bounces->exits[FW_EXIT_DROPPED], 1);
	house_close(&house);
	fw_self_free(&self);
}

#define ORDER_HOOK(letter) \
	static enum fw_verdict order_##letter(struct fw_self *self, struct fw_stanza *stanza, \
	                                      struct fw_why *why) \
	{ \
		(void)self; \
		(void)stanza; \
		(void)why; \
		strncat(note.order, #letter, sizeof(note.order) - strlen(note.order) - 1); \
		return FW_PASS; \
	}
ORDER_HOOK(a)
ORDER_HOOK(b)
ORDER_HOOK(c)
ORDER_HOOK(d)

static void lower_priority_runs_first_and_equals_in_order_of_start(void **state)
{
	(void)state;
	static const struct fw_hook first[] = { { FW_STAGE_POLICY, 200, order_a },
		                                { FW_STAGE_POLICY, 100, order_b },
		                                FW_HOOK_END };
	static const struct fw_hook second[] = { { FW_STAGE_POLICY, 100, order_c },
		                                 { FW_STAGE_POLICY, -5, order_d },
		                                 FW_HOOK_END };
	struct house house;

	house_open(&house);
	struct guest *in = house_guest(&house, "in", "in.example");
	struct fw_self *one = make_self(&house), *two = make_self(&house);
	assert_int_equal(hook_list_add(house.router.hooks, one, first), FW_OK);
	assert_int_equal(hook_list_add(house.router.hooks, two, second), FW_OK);
	assert_int_equal(hook_list_add(house.router.hooks, two, NULL), FW_OK);
	assert_int_equal(house_send(in, "<message from='in.example' to='in.example'/>"), FW_OK);
	assert_string_equal(note.order, "dbca");
	hook_list_remove(house.router.hooks, one);
	note.order[0] = '\0';
	assert_int_equal(house_send(in, "<message from='in.example' to='in.example'/>"), FW_OK);
	assert_string_equal(note.order, "dc");
	house_close(&house);
	fw_self_free(&one);
	fw_self_free(&two);
}

static enum fw_verdict redirect(struct fw_self *self, struct fw_stanza *stanza, struct fw_why *why)
{
	(void)self;
	(void)why;
	assert_int_equal(fw_stanza_set(stanza, "to", fw_str("b@other.example")), FW_OK);
	return FW_PASS;
}

static void a_hook_before_the_lookup_may_change_the_address(void **state)
{
	(void)state;
	static const struct fw_hook hooks[] = { { FW_STAGE_ARRIVED, 0, redirect }, FW_HOOK_END };
	struct house house;

	house_open(&house);
	struct guest *in = house_guest(&house, "in", "in.example");
	struct guest *other = house_guest(&house, "o", "other.example");
	struct fw_self *self = make_self(&house);
	assert_int_equal(hook_list_add(house.router.hooks, self, hooks), FW_OK);
	assert_int_equal(house_send(in, "<message from='in.example' to='in.example'/>"), FW_OK);
	assert_int_equal(other->count, 1);
	assert_int_equal(in->count, 0);
	house_close(&house);
	fw_self_free(&self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_decide_at_every_stage),
		cmocka_unit_test(an_answer_to_a_denied_outside_domain_does_not_leave),
		cmocka_unit_test(lower_priority_runs_first_and_equals_in_order_of_start),
		cmocka_unit_test(a_hook_before_the_lookup_may_change_the_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
