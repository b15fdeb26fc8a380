/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What routers tell each other: several houses in one process, joined by wires that carry elements
 * as text. Costs, rights, withdrawal, expiry, loops, and lists that are wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "router/holders.h"
#include "router/notices.h"
#include "router/route_table.h"
#include "router/router_drain.h"
#include "router/via.h"
#include "tests/router/fabric_rig.h"

static void a_line_learns_all(void **state)
{
	(void)state;
	struct guest *s2s = fabric_open_line();

	assert_int_equal(fabric_cost(CORE, "edge-1"), 10);
	assert_int_equal(fabric_cost(CORE, "*.edge-1"), 10);
	assert_int_equal(fabric_cost(IM, "*.edge-1"), 20);
	assert_int_equal(fabric_cost(EDGE, "*.im-1"), 20);
	assert_int_equal(fabric_cost(EDGE, "corp.example"), 20);
	assert_int_equal(fabric_cost(CORE, "corp.example"), 10);
	assert_int_equal(fabric_cost(CORE, "*"), 10);
	assert_int_equal(fabric_cost(IM, "*"), 0); /* its row does not take it */
	assert_int_equal(fabric_cost(EDGE, "*"), 0);
	assert_true(fabric_settled(&fabric_nodes[CORE].house.router));
	/* nothing is said while nothing changes */
	unsigned before = fabric_sent;
	holders_changed(&fabric_nodes[CORE].house.router);
	fabric_settle();
	assert_int_equal(fabric_sent, before);
	assert_int_equal(s2s->count, 0);
	/* nothing moves when all is only said again */
	const struct route_table *routes = fabric_nodes[CORE].house.router.routes;
	uint64_t generation = route_table_generation(routes);
	fabric_resumed(fabric_peer_of(EDGE, CORE));
	fabric_settle();
	assert_true(fabric_sent > before);
	assert_true(route_table_generation(routes) == generation);
	fabric_close_nodes();
}

static void what_goes_is_withdrawn(void **state)
{
	(void)state;
	struct guest *s2s = fabric_open_line();

	component_drain(s2s->component);
	fabric_settle();
	assert_int_equal(fabric_cost(CORE, "*"), 0);
	assert_int_equal(fabric_cost(CORE, "*.edge-1"), 10);
	fabric_part(CORE, IM);
	fabric_settle();
	assert_int_equal(fabric_cost(EDGE, "corp.example"), 0);
	assert_int_equal(fabric_cost(EDGE, "*.im-1"), 0);
	assert_int_equal(fabric_cost(IM, "*.edge-1"), 0);
	fabric_join(CORE, IM);
	fabric_settle();
	assert_int_equal(fabric_cost(EDGE, "corp.example"), 20);
	fabric_close_nodes();
}

static void the_switch_and_a_drain_withdraw_the_default(void **state)
{
	(void)state;
	(void)fabric_open_line();
	struct router *edge = &fabric_nodes[EDGE].house.router;

	edge->federation = false;
	router_announce(edge, "state.federation", NULL);
	fabric_settle();
	assert_int_equal(fabric_cost(CORE, "*"), 0);
	edge->federation = true;
	router_announce(edge, "state.federation", NULL);
	fabric_settle();
	assert_int_equal(fabric_cost(CORE, "*"), 10);
	edge->draining = true;
	holders_changed(edge);
	fw_loop_turn(edge->loop, false);
	assert_false(fabric_settled(edge)); /* until the core has confirmed */
	struct fabric_peer *core = fabric_find(edge, fw_str("core-1"));
	component_suspend(core->component); /* who cannot hear it is not waited for */
	assert_true(fabric_settled(edge));
	core->component->suspended = false;
	assert_false(fabric_settled(edge));
	fabric_settle();
	assert_true(fabric_settled(edge));
	assert_int_equal(fabric_cost(CORE, "*"), 0);
	fabric_close_nodes();
}

/* edge-1 and edge-2 behind the core: equal cost, so both hold the default. */
static void two_edges_share(void **state)
{
	(void)state;
	fabric_open_nodes(4);
	(void)fabric_row(EDGE, CORE);
	(void)fabric_row(EDGE2, CORE);
	struct config_peer *one = fabric_row(CORE, EDGE), *two = fabric_row(CORE, EDGE2);
	one->outside = two->outside = one->default_route = two->default_route = true;
	two->weight = 30;
	fabric_start_nodes();
	(void)house_guest(&fabric_nodes[EDGE].house, "s2s-1.edge-1", "*");
	(void)house_guest(&fabric_nodes[EDGE2].house, "s2s-1.edge-2", "*");
	struct guest *corp = house_guest(&fabric_nodes[CORE].house, "corp", "corp.example");
	fabric_nodes[EDGE].house.guests[0].component->weight = 10;
	fabric_nodes[EDGE2].house.guests[0].component->weight = 10;
	fabric_join(CORE, EDGE);
	fabric_join(CORE, EDGE2);
	fabric_settle();
	/* neither is told of the other's way to the outside: it would have to refuse it */
	assert_int_equal(fabric_find(&fabric_nodes[EDGE].house.router, fw_str("core-1"))->refused,
	                 0);
	for (unsigned i = 0; i < 1000; i++) {
		char text[128];
		(void)snprintf(text, sizeof(text),
		               "<message from='u%u@corp.example' to='x@p%u.example'/>", i, i);
		assert_int_equal(house_send(corp, text), FW_OK);
	}
	unsigned first = fabric_nodes[CORE].links[EDGE]->count,
	         second = fabric_nodes[CORE].links[EDGE2]->count;
	assert_int_equal(first + second, 1000);
	assert_in_range(first, 180, 320);
	/* a link that is broken for the moment takes nothing while the other can */
	fabric_nodes[CORE].links[EDGE2]->component->suspended = true;
	assert_int_equal(house_send(corp, "<message from='a@corp.example' to='p1.example'/>"),
	                 FW_OK);
	assert_int_equal(house_send(corp, "<message from='a@corp.example' to='p2.example'/>"),
	                 FW_OK);
	assert_int_equal(house_send(corp, "<message from='a@corp.example' to='p3.example'/>"),
	                 FW_OK);
	assert_int_equal(fabric_nodes[CORE].links[EDGE]->count, first + 3);
	fabric_part(CORE, EDGE); /* alone, it is where they wait */
	assert_int_equal(house_send(corp, "<message from='a@corp.example' to='p1.example'/>"),
	                 FW_OK);
	assert_int_equal(fabric_nodes[CORE].links[EDGE2]->count, second + 1);
	fabric_close_nodes();
}

static void on_drained(void *ctx)
{
	++*(unsigned *)ctx;
}

/* Nobody at work is told to finish before the neighbours send nothing more. */
static void a_drain_waits_for_the_neighbours(void **state)
{
	(void)state;
	struct guest *s2s = fabric_open_line();
	struct router *edge = &fabric_nodes[EDGE].house.router;
	unsigned done = 0;

	edge->config->router.drain_timeout_ms = 60000;
	router_drain(edge, on_drained, &done);
	for (unsigned i = 0; i < 5; i++) {
		fw_loop_turn(edge->loop, false);
	}
	assert_int_equal(s2s->drains, 0);
	assert_int_equal(s2s->component->state, COMPONENT_UP);
	fabric_settle();
	assert_int_equal(fabric_cost(CORE, "*"), 0);
	assert_int_equal(s2s->drains, 1);
	assert_int_equal(done, 0);
	router_drain_cancel(edge);
	fabric_close_nodes();
}

static void rights_are_kept(void **state)
{
	(void)state;
	fabric_open_nodes(2);
	house_list(&fabric_nodes[EDGE].house, "rooms.example", true);
	house_list(&fabric_nodes[CORE].house, "rooms.example", true);
	struct config_peer *inner = fabric_row(EDGE, CORE), *outer = fabric_row(CORE, EDGE);
	static const char *const allowed[] = { "*.example", "x.org" };
	outer->outside = true;
	fabric_start_nodes();
	/* both say more than they may: the edge a domain of ours, the core the default */
	(void)house_guest(&fabric_nodes[EDGE].house, "impostor", "corp.example");
	assert_int_equal(
	        component_bind(fabric_nodes[EDGE].house.guests[0].component, "rooms.example", NULL),
	        FW_OK);
	(void)house_guest(&fabric_nodes[CORE].house, "gate", "*");
	fabric_join(EDGE, CORE);
	fabric_settle();
	assert_int_equal(fabric_cost(CORE, "corp.example"), 0);
	assert_int_equal(fabric_cost(EDGE, "*"), 0);
	assert_int_equal(fabric_peer_of(CORE, EDGE)->refused, 2);
	assert_int_equal(fabric_peer_of(EDGE, CORE)->refused, 1);
	assert_false(fabric_may_send(fabric_peer_of(CORE, EDGE), fw_str("corp.example")));
	assert_true(fabric_may_send(fabric_peer_of(EDGE, CORE), fw_str("corp.example")));
	assert_false(fabric_may_send(fabric_peer_of(EDGE, CORE), fw_str("other.example")));
	/* a right that comes later counts from then on */
	outer->domains.items = allowed;
	outer->domains.count = 2;
	fabric_judge(fabric_peer_of(CORE, EDGE));
	assert_int_equal(fabric_cost(CORE, "corp.example"), 10);
	assert_int_equal(fabric_cost(CORE, "rooms.example"), 10);
	assert_true(fabric_may_send(fabric_peer_of(CORE, EDGE), fw_str("corp.example")));
	(void)inner;
	fabric_close_nodes();
}

/* A name that is listed later, as when the tunnel brings the list after the link. */
static void a_list_may_come_later(void **state)
{
	(void)state;
	(void)fabric_open_line();
	(void)house_guest(&fabric_nodes[IM].house, "late", "late.example");
	house_list(&fabric_nodes[IM].house, "late.example", true);
	house_list(&fabric_nodes[CORE].house, "late.example", true);
	holders_changed(&fabric_nodes[IM].house.router);
	holders_changed(&fabric_nodes[CORE].house.router);
	fabric_settle();
	assert_int_equal(fabric_cost(CORE, "late.example"), 10);
	assert_int_equal(fabric_cost(EDGE, "late.example"), 0);
	house_list(&fabric_nodes[EDGE].house, "late.example", true);
	holders_changed(&fabric_nodes[EDGE].house.router);
	fabric_settle();
	assert_int_equal(fabric_cost(EDGE, "late.example"), 20);
	fabric_close_nodes();
}

static void what_nobody_repeats_is_forgotten(void **state)
{
	(void)state;
	(void)fabric_open_line();
	struct fabric_peer *peer = fabric_peer_of(CORE, IM);
	uint64_t now = fw_now_ms(fabric_nodes[CORE].house.router.loop);

	assert_false(fabric_expire(peer, now + 59000));
	assert_int_equal(fabric_cost(CORE, "corp.example"), 10);
	assert_true(fabric_expire(peer, now + 61000));
	assert_int_equal(fabric_cost(CORE, "corp.example"), 0);
	fabric_settle();
	assert_int_equal(fabric_cost(EDGE, "corp.example"), 0);
	fabric_close_nodes();
}

/* Reloads that follow each other put off neither what is due nor a time that is new. */
static void reloads_do_not_put_off_what_is_due(void **state)
{
	(void)state;
	(void)fabric_open_line();
	struct house *core = &fabric_nodes[CORE].house;
	struct config fresh = core->config;
	const struct fabric_peer *peer = fabric_peer_of(CORE, IM);
	uint64_t end = fw_now_ms(core->router.loop) + 20000;
	uint64_t seq = peer->told_seq;
	unsigned times = 0; /* at once, and a third of a second later */

	fresh.router.routes_expire_s = 1;
	while (times < 2 && fw_now_ms(core->router.loop) < end) {
		fabric_apply(&core->router, &fresh, NULL);
		fabric_settle();
		times += peer->told_seq != seq ? 1 : 0;
		seq = peer->told_seq;
	}
	assert_int_equal(times, 2);
	fabric_close_nodes();
}

/* Who is to dial us and does not is told of, after a while, until it stands. */
static void who_does_not_dial_is_told_of(void **state)
{
	(void)state;
	(void)fabric_open_line();
	struct fabric_peer *peer = fabric_peer_of(CORE, IM);
	const struct router *router = &fabric_nodes[CORE].house.router;

	fabric_notice_look(peer);
	assert_null(router->notices);
	fabric_part(CORE, IM);
	fabric_notice_look(peer);
	assert_null(router->notices); /* not yet */
	peer->since_ms -= 30000;
	fabric_notice_look(peer);
	assert_string_equal(router->notices->text, "no link from router im-1");
	fabric_join(CORE, IM);
	assert_null(router->notices);
	fabric_settle();
	fabric_close_nodes();
}

/* Three that all know each other: the direct way is taken, the longer one after it; nothing counts
 * up. */
static void a_triangle_does_not_count_to_infinity(void **state)
{
	(void)state;
	fabric_open_nodes(3);
	(void)fabric_row(EDGE, CORE);
	(void)fabric_row(EDGE, IM);
	(void)fabric_row(CORE, EDGE);
	(void)fabric_row(CORE, IM);
	(void)fabric_row(IM, EDGE);
	(void)fabric_row(IM, CORE);
	fabric_start_nodes();
	(void)house_guest(&fabric_nodes[IM].house, "corp", "corp.example");
	fabric_join(EDGE, CORE);
	fabric_join(CORE, IM);
	fabric_join(IM, EDGE);
	fabric_settle();
	assert_int_equal(fabric_cost(EDGE, "corp.example"), 10);
	fabric_part(IM, EDGE);
	fabric_settle();
	assert_int_equal(fabric_cost(EDGE, "corp.example"), 20);
	fabric_part(CORE, IM);
	fabric_settle();
	assert_int_equal(fabric_cost(EDGE, "corp.example"), 0);
	assert_int_equal(fabric_cost(CORE, "corp.example"), 0);
	assert_true(fabric_sent < 100);
	fabric_close_nodes();
}

static enum fw_cause hear(struct fabric_peer *peer, const char *xml)
{
	struct fw_stanza *element = NULL;

	assert_int_equal(fw_stanza_parse(fw_str(xml), &element), FW_OK);
	enum fw_cause cause = fabric_element(peer, element);
	fw_stanza_free(&element);
	return cause;
}

#define ROUTES "<routes xmlns='urn:fedway:link:1' "
#define SEQ "seq='9999999999999999' expires='60' "

static void what_is_malformed_ends_the_link(void **state)
{
	static const char *const rows[] = {
		ROUTES "/>",
		ROUTES "seq='x' expires='60'/>",
		ROUTES "seq='9999999999999999' expires='0'/>",
		ROUTES "seq='0' expires='60'/>",
		ROUTES SEQ "><route name='' cost='1' weight='1' seq='1' path='im-1'/></routes>",
		ROUTES SEQ "><route name='a b' cost='1' weight='1' seq='1' path='im-1'/></routes>",
		ROUTES SEQ
		"><route name='a' cost='65536' weight='1' seq='1' path='im-1'/></routes>",
		ROUTES SEQ "><route name='a' cost='1' weight='0' seq='1' path='im-1'/></routes>",
		ROUTES SEQ "><route name='a' cost='1' weight='1' path='im-1'/></routes>",
		ROUTES SEQ "><route name='a' cost='1' weight='1' seq='1' path='edge-1'/></routes>",
		ROUTES SEQ "><route name='a' cost='1' weight='1' seq='1' path=''/></routes>",
		ROUTES SEQ "><gone name='a..b'/></routes>",
		"<learned xmlns='urn:fedway:link:1'/>",
		"<learned xmlns='urn:fedway:link:1' seq='99999999999999999'/>",
	};

	(void)state;
	(void)fabric_open_line();
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		print_message("%s\n", rows[i]);
		assert_int_equal(hear(fabric_peer_of(CORE, IM), rows[i]), FW_CAUSE_BAD_ROUTES);
	}
	assert_int_equal(hear(fabric_peer_of(CORE, IM), "<later xmlns='urn:fedway:link:1'/>"),
	                 FW_CAUSE_NONE);
	/* an older confirmation takes none back */
	assert_int_equal(
	        hear(fabric_peer_of(CORE, IM), "<learned xmlns='urn:fedway:link:1' seq='1'/>"),
	        FW_CAUSE_NONE);
	assert_true(fabric_settled(&fabric_nodes[CORE].house.router));
	fabric_close_nodes();
}

/* Loops, realms of others, our own realm, and more than we can keep: passed over, not believed. */
static void what_cannot_be_is_not_believed(void **state)
{
	(void)state;
	(void)fabric_open_line();
	struct fabric_peer *peer = fabric_peer_of(CORE, IM);

	fabric_nodes[CORE].house.config.router.routes_max = 8;
	assert_int_equal(
	        hear(peer, ROUTES SEQ
	             "full='true'>"
	             "<route name='core-1' cost='1' weight='1' seq='1' path='im-1'/>"
	             "<route name='*.core-1' cost='1' weight='1' seq='1' path='im-1'/>"
	             "<route name='edge-9' cost='1' weight='1' seq='1' path='im-1'/>"
	             "<route name='corp.example' cost='1' weight='1' seq='1' path='core-1 im-1'/>"
	             "<route name='far-1' cost='1' weight='1' seq='1' path='far-1 im-1'/>"
	             "</routes>"),
	        FW_CAUSE_NONE);
	assert_int_equal(fabric_cost(CORE, "core-1"), 0);
	assert_int_equal(fabric_cost(CORE, "edge-9"), 0);
	assert_int_equal(fabric_cost(CORE, "corp.example"), 0);
	assert_int_equal(fabric_cost(CORE, "far-1"), 11);
	assert_int_equal(fabric_cost(CORE, "*.im-1"), 0); /* no longer in the list */
	char text[2048];
	int len = snprintf(text, sizeof(text), ROUTES "seq='99999999999999999' expires='60'>");
	for (unsigned i = 0; i < 10; i++) {
		len += snprintf(text + len, sizeof(text) - (size_t)len,
		                "<route name='r%u' cost='1' weight='1' seq='1' path='r%u im-1'/>",
		                i, i);
	}
	(void)snprintf(text + len, sizeof(text) - (size_t)len, "</routes>");
	assert_int_equal(hear(peer, text), FW_CAUSE_NONE);
	assert_int_equal(peer->learned.count, 8);
	fabric_close_nodes();
}

/* It would take in what is for the others, and be believed as one of us. */
static void an_outside_router_is_not_believed_about_others(void **state)
{
	static const char *const far[] = { "far-1" };

	(void)state;
	struct guest *s2s = fabric_open_line();
	struct router *core = &fabric_nodes[CORE].house.router;
	struct fabric_peer *edge = fabric_peer_of(CORE, EDGE);
	fabric_peer_of(EDGE, CORE)->told_seq = UINT64_MAX; /* it hears what the core confirms */
	assert_int_equal(
	        hear(edge, ROUTES SEQ
	             "><route name='im-1' cost='0' weight='1' seq='1' path='im-1 edge-1'/>"
	             "<route name='*.im-1' cost='0' weight='1' seq='1' path='im-1 edge-1'/>"
	             "<route name='*.com' cost='0' weight='1' seq='1' path='com edge-1'/>"
	             "<route name='*.example' cost='0' weight='1' seq='1' path='example edge-1'/>"
	             "<route name='*.far-1' cost='0' weight='1' seq='1' path='far-1 edge-1'/>"
	             "<route name='*.far-2' cost='0' weight='1' seq='1' path='far-2 edge-1'/>"
	             "</routes>"),
	        FW_CAUSE_NONE);
	assert_ptr_equal(route_table_holders(core->routes, "*.im-1")->component,
	                 fabric_nodes[CORE].links[IM]->component);
	assert_null(route_table_holders(core->routes, "*.im-1")->sibling);
	assert_null(route_table_holders(core->routes, "im-1")->sibling);
	assert_int_equal(fabric_cost(CORE, "*.com"), 0);
	assert_int_equal(fabric_cost(CORE, "*.example"), 0);
	assert_int_equal(fabric_cost(CORE, "*.far-1"), 0);
	assert_int_equal(fabric_cost(CORE, "*.edge-1"), 10);
	/* the row names one; a component here stands for one, and then no more */
	fabric_nodes[CORE].rows[0].realms = (struct fw_strings){ far, 1 };
	fabric_judge(edge);
	assert_int_equal(fabric_cost(CORE, "*.far-1"), 10);
	struct component *owner = house_guest(&fabric_nodes[CORE].house, "owner", NULL)->component;
	assert_int_equal(via_bind(owner, "x.example", "s2s-1.FAR-2", 10), FW_OK);
	fabric_settle();
	assert_int_equal(fabric_cost(CORE, "*.far-2"), 10);
	assert_int_equal(via_unbind(owner, "x.example", "s2s-1.FAR-2"), FW_OK);
	fabric_settle();
	assert_int_equal(fabric_cost(CORE, "*.far-2"), 0);
	assert_int_equal(s2s->count, 0);
	fabric_close_nodes();
}

/* More names than fit into one element. */
static void long_lists_go_in_pieces(void **state)
{
	(void)state;
	fabric_open_nodes(2);
	(void)fabric_row(EDGE, CORE);
	fabric_row(CORE, EDGE)->outside = true;
	fabric_start_nodes();
	struct guest *many = house_guest(&fabric_nodes[CORE].house, "many", NULL);
	for (unsigned i = 0; i < 200; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "d%u.example", i);
		for (unsigned n = 0; n < 2; n++) {
			struct route_table *routes = fabric_nodes[n].house.router.routes;
			assert_int_equal(route_table_want(routes, name), FW_OK);
			route_table_list(routes, name, true);
		}
		assert_int_equal(component_bind(many->component, name, NULL), FW_OK);
	}
	fabric_join(EDGE, CORE);
	assert_true(fabric_sent > 3);
	fabric_settle();
	assert_int_equal(fabric_cost(EDGE, "d0.example"), 10);
	assert_int_equal(fabric_cost(EDGE, "d199.example"), 10);
	component_drain(many->component);
	fabric_settle();
	assert_int_equal(fabric_cost(EDGE, "d0.example"), 0);
	assert_int_equal(fabric_peer_of(EDGE, CORE)->learned.count, 2);
	fabric_close_nodes();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_learns_all),
		cmocka_unit_test(what_goes_is_withdrawn),
		cmocka_unit_test(the_switch_and_a_drain_withdraw_the_default),
		cmocka_unit_test(two_edges_share),
		cmocka_unit_test(a_drain_waits_for_the_neighbours),
		cmocka_unit_test(rights_are_kept),
		cmocka_unit_test(a_list_may_come_later),
		cmocka_unit_test(what_nobody_repeats_is_forgotten),
		cmocka_unit_test(reloads_do_not_put_off_what_is_due),
		cmocka_unit_test(who_does_not_dial_is_told_of),
		cmocka_unit_test(a_triangle_does_not_count_to_infinity),
		cmocka_unit_test(what_is_malformed_ends_the_link),
		cmocka_unit_test(what_cannot_be_is_not_believed),
		cmocka_unit_test(an_outside_router_is_not_believed_about_others),
		cmocka_unit_test(long_lists_go_in_pieces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
