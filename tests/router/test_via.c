/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Claims for other components: who is chosen while there is a way, who when there is none, what
 * counts as leaving, and what modules are told. Also the terms of holdings, which vias use.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "router/holders.h"
#include "router/route_table.h"
#include "router/via.h"
#include "tests/router/house.h"

#define TO_PARTNER "<message from='a@corp.example' to='b@partner.example'/>"

struct fabric {
	struct house house;
	struct guest *im, *one, *two, *owner;
};

/* Two edges, behind links that hold their realms; corp.example is here and federates. */
static void fabric_open(struct fabric *fabric)
{
	house_open(&fabric->house);
	house_list(&fabric->house, "corp.example", true);
	house_list(&fabric->house, "quiet.example", false);
	fabric->im = house_guest(&fabric->house, "im", "corp.example");
	assert_int_equal(component_bind(fabric->im->component, "quiet.example", NULL), FW_OK);
	fabric->one = house_guest(&fabric->house, "edge-1", "*.edge-1");
	fabric->two = house_guest(&fabric->house, "edge-2", "*.edge-2");
	fabric->owner = house_guest(&fabric->house, "table-1", NULL);
}

static void fabric_close(struct fabric *fabric)
{
	via_forget(fabric->owner->component);
	assert_null(fabric->house.router.vias);
	house_close(&fabric->house);
}

static void claim(struct fabric *fabric, const char *domain, const char *id, uint32_t weight)
{
	assert_int_equal(via_bind(fabric->owner->component, domain, id, weight), FW_OK);
}

static void a_claim_leads_to_the_component(void **state)
{
	(void)state;
	struct fabric fabric;

	fabric_open(&fabric);
	claim(&fabric, "*", "s2s-1.edge-1", 10);
	assert_int_equal(house_send(fabric.im, TO_PARTNER), FW_OK);
	assert_int_equal(fabric.one->count, 1);
	assert_true(guest_has(fabric.one, "b@partner.example"));
	assert_int_equal(via_unbind(fabric.owner->component, "*", "s2s-1.edge-1"), FW_OK);
	assert_int_equal(via_unbind(fabric.owner->component, "*", "s2s-1.edge-1"), FW_ENOENT);
	assert_null(fabric.house.router.vias);
	assert_int_equal(house_send(fabric.im, TO_PARTNER), FW_OK);
	assert_int_equal(fabric.one->count, 1);
	assert_int_equal(guest_causes(fabric.im, FW_CAUSE_NO_ROUTE), 1);
	fabric_close(&fabric);
}

/* The ID may be a component of this node too. */
static void a_local_component_can_be_claimed_for(void **state)
{
	(void)state;
	struct fabric fabric;

	fabric_open(&fabric);
	struct guest *s2s = house_guest(&fabric.house, "s2s-1.realm-test", NULL);
	claim(&fabric, "partner.example", "s2s-1.realm-test", 1);
	assert_int_equal(house_send(fabric.im, TO_PARTNER), FW_OK);
	assert_int_equal(s2s->count, 1);
	assert_int_equal(s2s->component->stanzas_out, 1);
	s2s->full = true;
	assert_int_equal(house_send(fabric.im, TO_PARTNER), FW_OK);
	assert_int_equal(guest_causes(fabric.im, FW_CAUSE_QUEUE_FULL), 1);
	assert_int_equal(s2s->component->stanzas_out, 1);
	fabric_close(&fabric);
}

static void spread(struct fabric *fabric, unsigned *one, unsigned *two)
{
	unsigned before_one = fabric->one->count, before_two = fabric->two->count;

	for (unsigned i = 0; i < 1000; i++) {
		char text[128];
		(void)snprintf(text, sizeof(text),
		               "<message from='u%u@corp.example' to='x@p%u.example'/>", i, i % 200);
		assert_int_equal(house_send(fabric->im, text), FW_OK);
	}
	*one = fabric->one->count - before_one;
	*two = fabric->two->count - before_two;
}

static void weights_share_and_who_goes_moves_all_to_the_other(void **state)
{
	(void)state;
	struct fabric fabric;
	unsigned one, two;

	fabric_open(&fabric);
	claim(&fabric, "*", "s2s-1.edge-1", 10);
	claim(&fabric, "*", "s2s-1.edge-2", 30);
	spread(&fabric, &one, &two);
	assert_in_range(one, 150, 350);
	assert_int_equal(one + two, 1000);
	claim(&fabric, "*", "s2s-1.edge-2", 10); /* again: another weight */
	spread(&fabric, &one, &two);
	assert_in_range(one, 400, 600);
	/* no turn of the loop is needed */
	fabric.one->component->state = COMPONENT_STARTING;
	spread(&fabric, &one, &two);
	assert_int_equal(one, 0);
	assert_int_equal(two, 1000);
	assert_int_equal(component_unbind(fabric.two->component, "*.edge-2"), FW_OK);
	spread(&fabric, &one, &two);
	assert_int_equal(one + two, 0);
	assert_int_equal(guest_causes(fabric.im, FW_CAUSE_NO_EDGE), 1000);
	fabric_close(&fabric);
}

/* A link that is broken for the moment: its vias are the last choice, and no stand-in for it. */
static void behind_a_broken_link_is_the_last_choice(void **state)
{
	(void)state;
	struct fabric fabric;
	unsigned one, two;

	fabric_open(&fabric);
	claim(&fabric, "*", "s2s-1.edge-1", 10);
	claim(&fabric, "*", "s2s-1.edge-2", 10);
	const struct route *holders = route_table_holders(fabric.house.router.routes, "*");
	component_suspend(fabric.one->component);
	vias_refresh(&fabric.house.router);
	assert_true(holders->component->suspended != holders->sibling->component->suspended);
	spread(&fabric, &one, &two);
	assert_int_equal(one, 0);
	assert_int_equal(two, 1000);
	component_suspend(fabric.two->component);
	vias_refresh(&fabric.house.router);
	assert_true(holders->component->suspended && holders->sibling->component->suspended);
	spread(&fabric, &one, &two);
	assert_int_equal(one + two, 1000); /* they wait there */
	assert_int_equal(component_bind(fabric.two->component, "*.edge-1", NULL), FW_OK);
	component_up(fabric.two->component);
	vias_refresh(&fabric.house.router);
	assert_false(holders->component->suspended || holders->sibling->component->suspended);
	fabric_close(&fabric);
}

/* One pair of domains is one stream of S2S: it stays on one edge, whoever writes to whom. */
static void a_pair_of_domains_stays_together(void **state)
{
	(void)state;
	struct fabric fabric;

	fabric_open(&fabric);
	claim(&fabric, "*", "s2s-1.edge-1", 10);
	claim(&fabric, "*", "s2s-1.edge-2", 10);
	for (unsigned i = 0; i < 100; i++) {
		char text[128];
		(void)snprintf(text, sizeof(text),
		               "<message from='u%u@corp.example' to='x%u@partner.example'/>", i,
		               i * 7);
		assert_int_equal(house_send(fabric.im, text), FW_OK);
	}
	assert_true(fabric.one->count == 100 || fabric.two->count == 100);
	fabric_close(&fabric);
}

static void what_leaves_must_federate(void **state)
{
	(void)state;
	struct fabric fabric;

	fabric_open(&fabric);
	claim(&fabric, "partner.example", "s2s-1.edge-1", 10);
	assert_int_equal(
	        house_send(fabric.im, "<message from='q@quiet.example' to='b@partner.example'/>"),
	        FW_OK);
	assert_int_equal(guest_causes(fabric.im, FW_CAUSE_NOT_FEDERATED), 1);
	assert_int_equal(fabric.one->count, 0);
	assert_int_equal(house_send(fabric.im, TO_PARTNER), FW_OK);
	assert_int_equal(fabric.one->count, 1);
	/* the name stays the outside's */
	assert_false(route_table_is_local(fabric.house.router.routes, fw_str("partner.example")));
	/* what came from outside does not leave again */
	struct guest *gate = house_guest(&fabric.house, "gate", "*");
	assert_int_equal(
	        house_send(gate, "<message from='x@third.example' to='b@partner.example'/>"),
	        FW_OK);
	assert_int_equal(guest_causes(gate, FW_CAUSE_LOOP), 1);
	fabric_close(&fabric);
}

static void wrong_claims_are_refused(void **state)
{
	(void)state;
	struct fabric fabric;

	fabric_open(&fabric);
	struct component *owner = fabric.owner->component;
	assert_int_equal(via_bind(owner, "*", "s2s-1.edge-1", 0), FW_EINVAL);
	assert_int_equal(via_bind(owner, "*", "s2s-1.edge-1", 65536), FW_EINVAL);
	assert_int_equal(via_bind(owner, "*", "two words", 1), FW_EPARSE);
	assert_int_equal(via_bind(owner, "not a name", "s2s-1.edge-1", 1), FW_EPARSE);
	assert_null(fabric.house.router.vias);
	fabric_close(&fabric);
}

static unsigned announced(struct fabric *fabric)
{
	/* the word waits for the end of a turn; here it is taken from where it waits */
	struct fw_json *root = fw_json_new(), *array = fw_json_set_array(root, "holders");
	unsigned up = 0;

	assert_int_equal(holders_report(&fabric->house.router, "*", array), FW_OK);
	for (size_t i = 0; i < fw_json_count(array); i++) {
		up += fw_json_bool(fw_json_get(fw_json_at(array, i), "up")) ? 1 : 0;
	}
	fw_json_free(&root);
	return up;
}

static void holders_are_told(void **state)
{
	(void)state;
	struct fabric fabric;
	struct fw_json *root = fw_json_new(), *array = fw_json_set_array(root, "holders");

	fabric_open(&fabric);
	claim(&fabric, "*", "s2s-1.edge-1", 10);
	assert_int_equal(announced(&fabric), 1);
	assert_int_equal(holders_report(&fabric.house.router, "*", array), FW_OK);
	const struct fw_json *row = fw_json_at(array, 0);
	assert_true(fw_str_is(fw_json_text(fw_json_get(row, "id")), "s2s-1.edge-1"));
	assert_true(fw_str_is(fw_json_text(fw_json_get(row, "realm")), "edge-1"));
	fw_json_free(&root);
	fabric.one->component->state = COMPONENT_DOWN;
	assert_int_equal(announced(&fabric), 0);
	fabric_close(&fabric);
}

/* The cost decides within a priority, the weight within a cost. */
static void terms_rank_holdings(void **state)
{
	(void)state;
	struct fabric fabric;
	struct route_terms near = { .priority = 10, .cost = 10, .weight = 1 };
	struct route_terms far = { .priority = 10, .cost = 20, .weight = 1000 };

	fabric_open(&fabric);
	assert_int_equal(component_bind_terms(fabric.one->component, "far.example", &far, NULL),
	                 FW_OK);
	assert_int_equal(component_bind_terms(fabric.two->component, "far.example", &near, NULL),
	                 FW_OK);
	assert_int_equal(house_send(fabric.im, "<message from='a@corp.example' to='far.example'/>"),
	                 FW_OK);
	assert_int_equal(fabric.two->count, 1);
	near.cost = 100000; /* counts as the most there is */
	assert_int_equal(component_bind_terms(fabric.two->component, "far.example", &near, NULL),
	                 FW_OK);
	assert_int_equal(house_send(fabric.im, "<message from='a@corp.example' to='far.example'/>"),
	                 FW_OK);
	assert_int_equal(fabric.one->count, 1);
	far.priority = 11;
	assert_int_equal(component_bind_terms(fabric.one->component, "far.example", &far, NULL),
	                 FW_OK);
	assert_int_equal(house_send(fabric.im, "<message from='a@corp.example' to='far.example'/>"),
	                 FW_OK);
	assert_int_equal(fabric.two->count, 2);
	fabric_close(&fabric);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_claim_leads_to_the_component),
		cmocka_unit_test(a_local_component_can_be_claimed_for),
		cmocka_unit_test(weights_share_and_who_goes_moves_all_to_the_other),
		cmocka_unit_test(behind_a_broken_link_is_the_last_choice),
		cmocka_unit_test(a_pair_of_domains_stays_together),
		cmocka_unit_test(what_leaves_must_federate),
		cmocka_unit_test(wrong_claims_are_refused),
		cmocka_unit_test(holders_are_told),
		cmocka_unit_test(terms_rank_holdings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
