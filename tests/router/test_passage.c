/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The walk as a whole: order, nesting, accounts of components that come and go, log lines, egress.
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

static void a_stanza_passes_untouched_and_is_counted(void **state)
{
	(void)state;
	static const char xml[] = "<message from='a@in.example' to='b@target.example' id='7'>"
	                          "<body>hi &amp; bye</body></message>";
	struct house house;

	house_open(&house);
	struct guest *in = house_guest(&house, "in", "in.example");
	struct guest *target = house_guest(&house, "t", "target.example");
	assert_int_equal(house_send(in, xml), FW_OK);
	assert_string_equal(target->text, xml);
	assert_int_equal(target->last_origin, in->component->number);
	assert_int_equal(target->component->stanzas_out, 1);
	assert_int_equal(target->component->bytes_out, sizeof(xml) - 1);
	assert_int_equal(in->component->ledger->in, 1);
	assert_int_equal(target->component->ledger->in, 0);
	assert_int_equal(house.router.total->exits[FW_EXIT_DELIVERED], 1);
	house_close(&house);
}

static void a_full_queue_bounces(void **state)
{
	(void)state;
	struct house house;

	house_open(&house);
	struct guest *in = house_guest(&house, "in", "in.example");
	struct guest *target = house_guest(&house, "t", "target.example");
	target->full = true;
	assert_int_equal(house_send(in, "<message from='a@in.example' to='b@target.example'/>"),
	                 FW_OK);
	assert_int_equal(guest_causes(in, FW_CAUSE_QUEUE_FULL), 1);
	assert_int_equal(target->component->stanzas_out, 0);
	assert_int_equal(target->component->bytes_out, 0);
	assert_true(guest_has(in, "resource-constraint"));
	house_close(&house);
}

/* Two modules that answer each other inside deliver() for ever. */
static void answer(struct guest *guest, struct fw_stanza **stanza)
{
	struct fw_stanza *reply = NULL;

	assert_int_equal(fw_stanza_reply(*stanza, NULL, &reply), FW_OK);
	(void)router_route(guest->component, &reply);
}

static void an_endless_exchange_ends(void **state)
{
	(void)state;
	struct house house;

	house_open(&house);
	struct guest *in = house_guest(&house, "in", "in.example");
	struct guest *target = house_guest(&house, "t", "target.example");
	in->on_stanza = answer;
	target->on_stanza = answer;
	assert_int_equal(house_send(in, "<message from='in.example' to='target.example'/>"), FW_OK);
	assert_int_equal(house.router.total->causes[FW_CAUSE_LOOP], 1);
	assert_in_range(in->count + target->count, 8, 100);
	assert_int_equal(house.router.depth, 0);
	house_close(&house);
}

static struct fw_stanza *kept;

static void keep(struct guest *guest, struct fw_stanza **stanza)
{
	(void)guest;
	kept = *stanza;
	*stanza = NULL;
}

static void the_account_of_one_that_left_stays_in_the_total(void **state)
{
	(void)state;
	struct house house;

	house_open(&house);
	struct guest *in = house_guest(&house, "in", "in.example");
	struct guest *target = house_guest(&house, "t", "target.example");
	target->on_stanza = keep;
	assert_int_equal(house_send(in, "<message from='in.example' to='target.example'/>"), FW_OK);
	assert_int_equal(house.router.total->in_flight, 1);
	component_remove(&in->component);
	assert_int_equal(house.router.total->in_flight, 1);
	assert_true(fw_ledger_balanced(house.router.total));
	fw_stanza_end(&kept, FW_EXIT_ACKNOWLEDGED, FW_CAUSE_NONE);
	assert_int_equal(house.router.total->exits[FW_EXIT_ACKNOWLEDGED], 1);
	house_close(&house);
}

static void pass_on(struct guest *guest, struct fw_stanza **stanza)
{
	assert_int_equal(fw_stanza_set(*stanza, "from", fw_str("target.example")), FW_OK);
	assert_int_equal(fw_stanza_set(*stanza, "to", fw_str("third.example")), FW_OK);
	assert_int_equal(router_route(guest->component, stanza), FW_OK);
}

static void one_that_is_passed_on_enters_once(void **state)
{
	(void)state;
	struct house house;

	house_open(&house);
	struct guest *in = house_guest(&house, "in", "in.example");
	struct guest *target = house_guest(&house, "t", "target.example");
	struct guest *third = house_guest(&house, "third", "third.example");
	target->on_stanza = pass_on;
	assert_int_equal(house_send(in, "<message from='in.example' to='target.example'/>"), FW_OK);
	assert_int_equal(third->count, 1);
	assert_int_equal(house.router.total->in, 1);
	assert_int_equal(guest_exits(in, FW_EXIT_DELIVERED), 1);
	house_close(&house);
}

static char lines[4096];

static void collect(void *ctx, enum fw_level level, const char *line, size_t len)
{
	(void)ctx;
	(void)level;
	size_t used = strlen(lines);
	if (used + len < sizeof(lines)) {
		memcpy(lines + used, line, len);
		lines[used + len] = '\0';
	}
}

static void each_stanza_leaves_two_lines_with_one_number_at_debug(void **state)
{
	(void)state;
	static const struct fw_log_sink sink = { collect, NULL };
	struct house house;

	house_open(&house);
	struct guest *in = house_guest(&house, "in", "in.example");
	(void)house_guest(&house, "t", "target.example");
	fw_log_set_sink(&sink);
	lines[0] = '\0';
	assert_int_equal(house_send(in, "<message from='in.example' to='target.example'/>"), FW_OK);
	assert_string_equal(lines, "");
	(void)fw_log_set_level(fw_str("stanza.*"), FW_LOG_DEBUG);
	struct fw_stanza *stanza = NULL;
	assert_int_equal(fw_stanza_parse(fw_str("<message from='in.example' to='target.example'>"
	                                        "<body>secret words</body></message>"),
	                                 &stanza),
	                 FW_OK);
	char number[64];
	(void)snprintf(number, sizeof(number), "xcoder=" FW_XCODER, fw_stanza_xcoder(stanza));
	assert_int_equal(router_route(in->component, &stanza), FW_OK);
	fw_log_set_sink(NULL);
	(void)fw_log_set_level(fw_str("stanza.*"), FW_LOG_INFO);
	const char *first = strstr(lines, "stanza.component.in");
	assert_non_null(first);
	assert_non_null(strstr(first, number));
	const char *second = strstr(lines, "stanza.component.out");
	assert_non_null(second);
	assert_non_null(strstr(second, number));
	assert_null(strstr(lines, "secret words"));
	house_close(&house);
}

static void a_flood_of_refusals_is_no_flood_of_lines(void **state)
{
	(void)state;
	static const struct fw_log_sink sink = { collect, NULL };
	struct house house;
	unsigned told = 0;

	house_open(&house);
	struct guest *in = house_guest(&house, "in", "in.example");
	(void)fw_log_set_level(fw_str("stanza.*"), FW_LOG_INFO);
	fw_log_set_sink(&sink);
	lines[0] = '\0';
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(
		        house_send(in, "<message from='a@not.example' to='b@target.example'/>"),
		        FW_EDENIED);
	}
	fw_log_set_sink(NULL);
	for (const char *at = lines; (at = strstr(at, "stanza.refused")) != NULL; at++) {
		told++;
	}
	assert_int_equal(told, 10); /* 1, 2, 4 … 512 */
	assert_non_null(strstr(lines, "bounce xcoder="));
	assert_non_null(strstr(lines, "from:to=a@not.example:b@target.example"));
	assert_non_null(strstr(lines, "cause=foreign-sender count=512"));
	house_close(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stanza_passes_untouched_and_is_counted),
		cmocka_unit_test(a_full_queue_bounces),
		cmocka_unit_test(an_endless_exchange_ends),
		cmocka_unit_test(the_account_of_one_that_left_stays_in_the_total),
		cmocka_unit_test(one_that_is_passed_on_enters_once),
		cmocka_unit_test(each_stanza_leaves_two_lines_with_one_number_at_debug),
		cmocka_unit_test(a_flood_of_refusals_is_no_flood_of_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
