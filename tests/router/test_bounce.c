/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which undeliverable stanzas are answered: one row per kind and type, in the order of the table in
 * router/README.md. Each ends with accounts that balance.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fedway/hosting.h>

#include "tests/router/house.h"

static const struct {
	const char *sentence, *xml;
	bool answered;
	enum fw_cause cause; /* of the exit */
} bounce_rows[] = {
#define ADDRESSES " from='a@in.example/r' to='b@absent.example' id='i1'"
	{ "message without type", "<message" ADDRESSES "/>", true, FW_CAUSE_NO_ROUTE },
	{ "message normal", "<message type='normal'" ADDRESSES "/>", true, FW_CAUSE_NO_ROUTE },
	{ "message chat", "<message type='chat'" ADDRESSES "/>", true, FW_CAUSE_NO_ROUTE },
	{ "message groupchat", "<message type='groupchat'" ADDRESSES "/>", true,
	  FW_CAUSE_NO_ROUTE },
	{ "message headline expects no answer", "<message type='headline'" ADDRESSES "/>", false,
	  FW_CAUSE_NO_ROUTE },
	{ "never an error for an error", "<message type='error'" ADDRESSES "/>", false,
	  FW_CAUSE_ERROR_UNDELIVERABLE },
	{ "presence, available", "<presence" ADDRESSES "/>", true, FW_CAUSE_NO_ROUTE },
	{ "presence unavailable: the sender is leaving",
	  "<presence type='unavailable'" ADDRESSES "/>", false, FW_CAUSE_NO_ROUTE },
	{ "presence subscribe", "<presence type='subscribe'" ADDRESSES "/>", true,
	  FW_CAUSE_NO_ROUTE },
	{ "presence subscribed", "<presence type='subscribed'" ADDRESSES "/>", false,
	  FW_CAUSE_NO_ROUTE },
	{ "presence unsubscribe", "<presence type='unsubscribe'" ADDRESSES "/>", false,
	  FW_CAUSE_NO_ROUTE },
	{ "presence unsubscribed", "<presence type='unsubscribed'" ADDRESSES "/>", false,
	  FW_CAUSE_NO_ROUTE },
	{ "presence probe", "<presence type='probe'" ADDRESSES "/>", true, FW_CAUSE_NO_ROUTE },
	{ "presence error", "<presence type='error'" ADDRESSES "/>", false,
	  FW_CAUSE_ERROR_UNDELIVERABLE },
	{ "iq get", "<iq type='get'" ADDRESSES "><q xmlns='x'/></iq>", true, FW_CAUSE_NO_ROUTE },
	{ "iq set", "<iq type='set'" ADDRESSES "><q xmlns='x'/></iq>", true, FW_CAUSE_NO_ROUTE },
	{ "iq result", "<iq type='result'" ADDRESSES "/>", false, FW_CAUSE_ERROR_UNDELIVERABLE },
	{ "iq error", "<iq type='error'" ADDRESSES "/>", false, FW_CAUSE_ERROR_UNDELIVERABLE },
};

static void rows_of_the_bounce(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(bounce_rows); i++) {
		struct house house;

		print_message("%s\n", bounce_rows[i].sentence);
		house_open(&house);
		struct guest *in = house_guest(&house, "in", "in.example");
		assert_int_equal(house_send(in, bounce_rows[i].xml), FW_OK);
		bool answered = bounce_rows[i].answered;
		assert_int_equal(in->count, answered ? 1 : 0);
		assert_int_equal(guest_exits(in, answered ? FW_EXIT_BOUNCED : FW_EXIT_DROPPED), 1);
		assert_int_equal(guest_causes(in, bounce_rows[i].cause), 1);
		assert_int_equal(house.router.bounces->in, answered ? 1 : 0);
		assert_int_equal(house.router.bounces->exits[FW_EXIT_DELIVERED], answered ? 1 : 0);
		assert_int_equal(house.router.total->in, answered ? 2 : 1);
		if (answered) { /* RFC 6120 §8.3.1 */
			assert_true(in->last_is_bounce);
			assert_true(guest_has(in, "type='error'"));
			assert_true(guest_has(in, "from='b@absent.example'"));
			assert_true(guest_has(in, "to='a@in.example/r'"));
			assert_true(guest_has(in, "id='i1'"));
			assert_true(guest_has(in, "service-unavailable"));
			assert_true(guest_has(in, "name='no-route'"));
		}
		house_close(&house);
	}
}

static void an_answer_that_cannot_be_delivered_is_dropped(void **state)
{
	(void)state;
	struct house house;

	house_open(&house);
	struct guest *in = house_guest(&house, "in", "in.example");
	in->full = true;
	assert_int_equal(house_send(in, bounce_rows[0].xml), FW_OK);
	assert_int_equal(guest_exits(in, FW_EXIT_BOUNCED), 1);
	assert_int_equal(house.router.bounces->in, 1);
	assert_int_equal(house.router.bounces->exits[FW_EXIT_DROPPED], 1);
	assert_int_equal(house.router.bounces->causes[FW_CAUSE_ERROR_UNDELIVERABLE], 1);
	house_close(&house);
}

static void bounce_it(struct guest *guest, struct fw_stanza **stanza)
{
	router_bounce(guest->component->router, stanza, FW_CAUSE_UNHANDLED);
}

static void a_component_can_return_what_it_got_but_not_an_answer(void **state)
{
	(void)state;
	struct house house;

	house_open(&house);
	struct guest *in = house_guest(&house, "in", "in.example");
	struct guest *target = house_guest(&house, "t", "target.example");
	target->on_stanza = bounce_it;
	in->on_stanza = bounce_it;
	assert_int_equal(house_send(in, "<message from='a@in.example' to='b@target.example'/>"),
	                 FW_OK);
	assert_int_equal(target->count, 1);
	assert_int_equal(in->count, 1);
	assert_true(guest_has(in, "name='unhandled'"));
	assert_int_equal(guest_causes(in, FW_CAUSE_UNHANDLED), 1);
	assert_int_equal(house.router.bounces->causes[FW_CAUSE_ERROR_UNDELIVERABLE], 1);
	house_close(&house);
}

static void one_that_never_entered_can_be_returned_too(void **state)
{
	(void)state;
	struct house house;
	struct fw_stanza *stanza = NULL;

	house_open(&house);
	struct guest *in = house_guest(&house, "in", "in.example");
	assert_int_equal(fw_stanza_parse(fw_str(bounce_rows[0].xml), &stanza), FW_OK);
	router_bounce(&house.router, &stanza, FW_CAUSE_QUEUE_FULL);
	assert_null(stanza);
	router_bounce(&house.router, &stanza, FW_CAUSE_QUEUE_FULL);
	assert_int_equal(in->count, 1);
	assert_true(guest_has(in, "resource-constraint"));
	house_close(&house);
}

static void no_answer_goes_out_for_an_account_that_left(void **state)
{
	(void)state;
	struct house house;
	struct fw_stanza *stanza = NULL;

	house_open(&house);
	struct guest *in = house_guest(&house, "in", "in.example");
	assert_int_equal(fw_stanza_parse(fw_str(bounce_rows[0].xml), &stanza), FW_OK);
	fw_stanza_enter(stanza, in->component->ledger, 1);
	component_remove(&in->component);
	router_bounce(&house.router, &stanza, FW_CAUSE_COMPONENT_GONE);
	assert_int_equal(house.router.total->in, 2);
	assert_int_equal(house.router.total->exits[FW_EXIT_BOUNCED], 1);
	assert_int_equal(house.router.total->exits[FW_EXIT_DROPPED], 1);
	house_close(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_the_bounce),
		cmocka_unit_test(an_answer_that_cannot_be_delivered_is_dropped),
		cmocka_unit_test(a_component_can_return_what_it_got_but_not_an_answer),
		cmocka_unit_test(one_that_never_entered_can_be_returned_too),
		cmocka_unit_test(no_answer_goes_out_for_an_account_that_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
