/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The lookup: who takes a stanza, and the rules about leaving for the outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/router/house.h"

static const struct {
	const char *sentence, *xml;
	const char *taker; /* guest that gets it, or NULL */
	enum fw_cause cause;
} lookup_rows[] = {
	{ "between two of ours", "<message from='a@fed.example' to='b@inner.example'/>", "inner",
	  FW_CAUSE_NONE },
	{ "a federated domain talks to the outside",
	  "<message from='a@fed.example' to='b@partner.example'/>", "gw", FW_CAUSE_NONE },
	{ "one that is not federated does not",
	  "<message from='a@plain.example' to='b@partner.example'/>", NULL,
	  FW_CAUSE_NOT_FEDERATED },
	{ "a component's ID is not federated",
	  "<message from='fed.realm-test' to='b@partner.example'/>", NULL, FW_CAUSE_NOT_FEDERATED },
	{ "ours but not held never goes outside",
	  "<message from='a@fed.example' to='b@absent.example'/>", NULL, FW_CAUSE_NO_ROUTE },
	{ "a service that nobody offers", "<message from='a@fed.example' to='x.realm-test'/>", NULL,
	  FW_CAUSE_NO_ROUTE },
	{ "a service name", "<message from='a@fed.example' to='svc.realm-test'/>", "inner",
	  FW_CAUSE_NONE },
	{ "a holder that drains", "<message from='a@fed.example' to='b@draining.example'/>", NULL,
	  FW_CAUSE_COMPONENT_DRAINING },
	{ "a holder that is not up yet", "<message from='a@fed.example' to='b@starting.example'/>",
	  NULL, FW_CAUSE_NO_ROUTE },
	{ "no domain name", "<message from='a@fed.example' to='b@a..b'/>", NULL,
	  FW_CAUSE_BAD_ADDRESS },
};

static void rows_of_the_lookup(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(lookup_rows); i++) {
		struct house house;
		struct fw_error err = { 0 };

		print_message("%s\n", lookup_rows[i].sentence);
		house_open(&house);
		struct guest *fed = house_guest(&house, "fed.realm-test", "fed.example");
		assert_int_equal(component_bind(fed->component, "plain.example", &err), FW_OK);
		struct guest *inner = house_guest(&house, "inner", "inner.example");
		assert_int_equal(component_bind(inner->component, "svc.", &err), FW_OK);
		(void)house_guest(&house, "gw", "*");
		house_guest(&house, "d", "draining.example")->component->state = COMPONENT_DRAINING;
		house_guest(&house, "s", "starting.example")->component->state = COMPONENT_STARTING;
		house_list(&house, "fed.example", true);
		house_list(&house, "absent.example", true);
		(void)house_send(fed, lookup_rows[i].xml);
		for (unsigned j = 0; j < house.guest_count; j++) {
			const struct guest *guest = &house.guests[j];
			bool takes = lookup_rows[i].taker != NULL &&
			             strcmp(guest->component->id, lookup_rows[i].taker) == 0;
			if (guest != fed) {
				assert_int_equal(guest->count, takes ? 1 : 0);
			}
		}
		if (lookup_rows[i].taker == NULL) {
			assert_int_equal(guest_causes(fed, lookup_rows[i].cause), 1);
			assert_true(fed->last_is_bounce);
			assert_true(guest_has(fed, fw_cause_row(lookup_rows[i].cause)->name));
		}
		house_close(&house);
	}
}

static void an_answer_to_outside_leaves_only_for_a_federated_domain(void **state)
{
	(void)state;
	struct house house;

	house_open(&house);
	struct guest *gateway = house_guest(&house, "gw", "*");
	house_list(&house, "fed.example", true);
	/* nobody holds fed.example: the outside is told */
	assert_int_equal(
	        house_send(gateway, "<message from='a@partner.example' to='b@fed.example'/>"),
	        FW_OK);
	assert_int_equal(gateway->count, 1);
	assert_true(guest_has(gateway, "from='b@fed.example'"));
	assert_true(guest_has(gateway, "to='a@partner.example'"));
	assert_true(guest_has(gateway, "no-route"));
	house_close(&house);
}

static void with_two_gateways_an_answer_goes_back_where_it_came_from(void **state)
{
	(void)state;
	struct house house;

	house_open(&house);
	struct guest *gateways[2];
	gateways[0] = house_guest(&house, "gw1", "*");
	gateways[1] = house_guest(&house, "gw2", "*");
	house_list(&house, "fed.example", true);
	for (unsigned i = 0; i < 50; i++) {
		char xml[128];
		(void)snprintf(xml, sizeof(xml),
		               "<message from='a%u@partner.example' to='b@fed.example'/>", i);
		assert_int_equal(house_send(gateways[i % 2], xml), FW_OK);
		assert_int_equal(gateways[0]->count, i / 2 + 1);
		assert_int_equal(gateways[1]->count, (i + 1) / 2);
	}
	house_close(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_the_lookup),
		cmocka_unit_test(an_answer_to_outside_leaves_only_for_a_federated_domain),
		cmocka_unit_test(with_two_gateways_an_answer_goes_back_where_it_came_from),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
