/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stanzas between routers: chosen components, ways back, and whom a router may speak for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "router/holders.h"
#include "tests/router/fabric_rig.h"

/* Sends a stanza that somebody has chosen a component for. */
static void send_chosen(struct guest *from, const char *xml, const char *destination)
{
	struct fw_stanza *stanza = NULL;

	assert_int_equal(fw_stanza_parse(fw_str(xml), &stanza), FW_OK);
	assert_int_equal(fw_stanza_set_destination(stanza, fw_str(destination)), FW_OK);
	(void)router_route(from->component, &stanza);
}

#define TO_PARTNER "<message from='a@corp.example' to='b@partner.example'/>"

static void a_chosen_component_gets_it(void **state)
{
	(void)state;
	struct guest *s2s = fabric_open_line();
	struct guest *to_edge = fabric_nodes[CORE].links[EDGE],
	             *from_im = fabric_nodes[CORE].links[IM];
	struct guest *from_core = fabric_nodes[EDGE].links[CORE];

	/* the core passes it on, the edge gives it to whom it names, if that one may have it */
	send_chosen(from_im, TO_PARTNER, "s2s-1.edge-1");
	assert_int_equal(to_edge->count, 1);
	send_chosen(from_core, TO_PARTNER, "s2s-1.edge-1");
	assert_int_equal(s2s->count, 1);
	struct guest *other = house_guest(&fabric_nodes[EDGE].house, "other-1.edge-1", NULL);
	send_chosen(from_core, TO_PARTNER, "other-1.edge-1");
	assert_int_equal(other->count, 0);
	assert_int_equal(s2s->count, 2);
	/* who is not known is not looked for further than the domain leads */
	send_chosen(from_core, TO_PARTNER, "s2s-9.edge-9");
	assert_int_equal(s2s->count, 3);
	component_drain(s2s->component);
	fabric_settle();
	send_chosen(from_im, TO_PARTNER, "s2s-9.edge-9");
	assert_int_equal(guest_causes(from_im, FW_CAUSE_NO_EDGE), 1);
	struct guest *corp = house_guest(&fabric_nodes[CORE].house, "corp", "corp.example");
	assert_int_equal(house_send(corp, TO_PARTNER), FW_OK);
	assert_int_equal(guest_causes(corp, FW_CAUSE_NO_EDGE), 1);
	assert_int_equal(house_send(corp, "<message from='corp.example' to='x.core-1'/>"), FW_OK);
	assert_int_equal(guest_causes(corp, FW_CAUSE_NO_ROUTE), 1); /* that would be one of ours */
	fabric_close_nodes();
}

/* The edge that was chosen says that it is no way out any more: the other one is taken. */
static void a_chosen_edge_that_drains_is_passed_by(void **state)
{
	(void)state;
	fabric_open_nodes(4);
	(void)fabric_row(EDGE, CORE);
	(void)fabric_row(EDGE2, CORE);
	struct config_peer *one = fabric_row(CORE, EDGE), *two = fabric_row(CORE, EDGE2);
	one->outside = two->outside = one->default_route = two->default_route = true;
	fabric_start_nodes();
	(void)house_guest(&fabric_nodes[EDGE].house, "s2s-1.edge-1", "*");
	(void)house_guest(&fabric_nodes[EDGE2].house, "s2s-1.edge-2", "*");
	struct guest *corp = house_guest(&fabric_nodes[CORE].house, "corp", "corp.example");
	fabric_join(CORE, EDGE);
	fabric_join(CORE, EDGE2);
	fabric_settle();
	send_chosen(corp, TO_PARTNER, "s2s-1.edge-1");
	assert_int_equal(fabric_nodes[CORE].links[EDGE]->count, 1);
	fabric_nodes[EDGE].house.router.draining = true;
	holders_changed(&fabric_nodes[EDGE].house.router);
	fabric_settle();
	send_chosen(corp, TO_PARTNER, "s2s-1.edge-1");
	assert_int_equal(fabric_nodes[CORE].links[EDGE]->count, 1);
	assert_int_equal(fabric_nodes[CORE].links[EDGE2]->count, 1);
	fabric_close_nodes();
}

/* An error answer goes back by the link that the stanza came by, whatever is known of its sender.
 */
static void an_answer_goes_back_the_way_it_came(void **state)
{
	(void)state;
	(void)fabric_open_line();
	struct guest *from_edge = fabric_nodes[CORE].links[EDGE];

	fabric_part(CORE, IM);
	fabric_settle();
	assert_int_equal(house_send(from_edge, "<message from='b@partner.example' "
	                                       "to='a@corp.example'/>"),
	                 FW_OK);
	assert_int_equal(guest_causes(from_edge, FW_CAUSE_NO_ROUTE), 1);
	assert_int_equal(from_edge->count, 1);
	assert_true(guest_has(from_edge, "to='b@partner.example'"));
	fabric_close_nodes();
}

/* Who may speak for whom on a link between routers. */
static void senders_are_held_to_the_rights_of_the_row(void **state)
{
	static const struct {
		unsigned node, from;
		const char *xml;
		enum fw_cause cause; /* NONE: it passes */
	} rows[] = {
		{ CORE, EDGE, "<message from='x@partner.example' to='a@corp.example'/>",
		  FW_CAUSE_NONE },
		{ CORE, EDGE, "<message from='x@corp.example' to='a@corp.example'/>",
		  FW_CAUSE_FOREIGN_SENDER },
		{ CORE, EDGE, "<message from='x.im-1' to='a@corp.example'/>",
		  FW_CAUSE_FOREIGN_SENDER },
		{ CORE, EDGE, "<message from='x.edge-1' to='a@corp.example'/>", FW_CAUSE_NONE },
		{ CORE, IM, "<message from='a@corp.example' to='b@partner.example'/>",
		  FW_CAUSE_NONE },
		{ CORE, IM, "<message from='b@partner.example' to='a@corp.example'/>",
		  FW_CAUSE_FOREIGN_SENDER },
		{ EDGE, CORE, "<message from='a@corp.example' to='b@partner.example'/>",
		  FW_CAUSE_NONE },
		{ EDGE, CORE, "<message from='b@partner.example' to='a@corp.example'/>",
		  FW_CAUSE_FOREIGN_SENDER },
	};

	(void)state;
	(void)fabric_open_line();
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct guest *from = fabric_nodes[rows[i].node].links[rows[i].from];
		uint64_t before = guest_causes(from, FW_CAUSE_FOREIGN_SENDER);
		print_message("%s\n", rows[i].xml);
		(void)house_send(from, rows[i].xml);
		assert_int_equal(guest_causes(from, FW_CAUSE_FOREIGN_SENDER) - before,
		                 rows[i].cause == FW_CAUSE_NONE ? 0 : 1);
	}
	fabric_close_nodes();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chosen_component_gets_it),
		cmocka_unit_test(a_chosen_edge_that_drains_is_passed_by),
		cmocka_unit_test(an_answer_goes_back_the_way_it_came),
		cmocka_unit_test(senders_are_held_to_the_rights_of_the_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
