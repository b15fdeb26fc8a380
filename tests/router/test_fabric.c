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

#include "router/fabric.h"
#include "router/holders.h"
#include "router/route_table.h"
#include "tests/router/house.h"

enum { NODES = 4, ROWS = 4, WAITING = 64 };

struct node {
	struct house house;
	struct config_peer rows[ROWS];
	struct guest *links[ROWS]; /* the link to the router of that row */
	struct fw_error err;
};

/* An element on its way. */
struct carried {
	struct fabric_peer *to;
	char *text;
};

static struct node nodes[NODES];
static size_t node_count;
static struct carried carried[WAITING];
static size_t carried_count;
static unsigned sent; /* elements, so far */

static const char *const realms[NODES] = { "edge-1", "core-1", "im-1", "edge-2" };
enum { EDGE, CORE, IM, EDGE2 };

static struct fabric_peer *peer_of(unsigned at, unsigned other)
{
	struct fabric_peer *peer = fabric_find(&nodes[at].house.router, fw_str(realms[other]));

	assert_non_null(peer);
	return peer;
}

static void wire_send(void *link, struct fw_stanza **element)
{
	struct fw_str bytes;

	assert_true(carried_count < WAITING);
	assert_int_equal(fw_stanza_bytes(*element, &bytes), FW_OK);
	carried[carried_count].to = link;
	carried[carried_count++].text = fw_str_dup(bytes);
	fw_stanza_free(element);
	sent++;
}

static void wire_end(void *link, enum fw_cause cause)
{
	(void)link;
	(void)cause;
}

static const struct fabric_wire wire = { wire_send, wire_end };

/* Until nobody has anything to say. */
static void settle(void)
{
	for (unsigned quiet = 0; quiet < 2;) {
		quiet++;
		for (size_t i = 0; i < node_count; i++) {
			fw_loop_turn(nodes[i].house.router.loop, false);
		}
		for (size_t i = 0; i < carried_count; i++) {
			struct carried one = carried[i];
			struct fw_stanza *element = NULL;
			assert_int_equal(fw_stanza_parse(fw_str(one.text), &element), FW_OK);
			assert_int_equal(fabric_element(one.to, element), FW_CAUSE_NONE);
			fw_stanza_free(&element);
			free(one.text);
			quiet = 0;
		}
		carried_count = 0;
	}
}

static struct config_peer *row(unsigned at, unsigned other)
{
	struct config_router *config = &nodes[at].house.config.router;
	struct config_peer *row = &nodes[at].rows[config->routers.count++];

	config->routers.items = nodes[at].rows;
	row->realm = realms[other];
	row->host = "";
	row->cost = 10;
	row->priority = 10;
	row->weight = 10;
	return row;
}

/* All nodes; corp.example is ours everywhere, and rows of all that `join` shall join. */
static void open_nodes(size_t count)
{
	memset(nodes, 0, sizeof(nodes));
	node_count = count;
	sent = 0;
	for (size_t i = 0; i < count; i++) {
		house_open(&nodes[i].house);
		struct router *router = &nodes[i].house.router;
		nodes[i].house.config.router.realm = realms[i];
		router->realm = realms[i];
		router->federation = true;
		route_table_free(&router->routes);
		assert_int_equal(route_table_new(realms[i], &router->routes), FW_OK);
		nodes[i].house.config.router.routes_expire_s = 60;
		nodes[i].house.config.router.routes_max = 1000;
		house_list(&nodes[i].house, "corp.example", true);
	}
}

static void start(void)
{
	for (size_t i = 0; i < node_count; i++) {
		assert_int_equal(fabric_start(&nodes[i].house.router, &nodes[i].err), FW_OK);
	}
}

static void close_nodes(void)
{
	for (size_t i = 0; i < node_count; i++) {
		fabric_stop(&nodes[i].house.router);
		house_close(&nodes[i].house);
	}
	for (size_t i = 0; i < carried_count; i++) {
		free(carried[i].text);
	}
	carried_count = 0;
}

/* The two see each other: each gets a link that stands for the other. */
static void join(unsigned a, unsigned b)
{
	struct guest *to_b = house_guest(&nodes[a].house, realms[b], NULL);
	struct guest *to_a = house_guest(&nodes[b].house, realms[a], NULL);

	fabric_up(peer_of(a, b), to_b->component, &wire, peer_of(b, a));
	fabric_up(peer_of(b, a), to_a->component, &wire, peer_of(a, b));
	nodes[a].links[b] = to_b;
	nodes[b].links[a] = to_a;
}

static void part(unsigned a, unsigned b)
{
	fabric_down(peer_of(a, b), FW_CAUSE_PEER_LOST, "");
	fabric_down(peer_of(b, a), FW_CAUSE_PEER_LOST, "");
	component_remove(&nodes[a].links[b]->component);
	component_remove(&nodes[b].links[a]->component);
}

/* Cost of the best way to a name; 0 when nobody holds it. */
static uint32_t cost(unsigned at, const char *name)
{
	const struct route *route = route_table_holders(nodes[at].house.router.routes, name);

	return route != NULL ? route_rank(route) & 0xffff : 0;
}

/* edge-1 (s2s) — core-1 — im-1 (corp.example), as in a real installation. */
static struct guest *open_line(void)
{
	open_nodes(3);
	(void)row(EDGE, CORE);
	struct config_peer *edge = row(CORE, EDGE);
	edge->outside = edge->default_route = true;
	(void)row(CORE, IM);
	row(IM, CORE)->outside = true;
	start();
	struct guest *s2s = house_guest(&nodes[EDGE].house, "s2s-1.edge-1", "*");
	(void)house_guest(&nodes[IM].house, "corp", "corp.example");
	join(EDGE, CORE);
	join(CORE, IM);
	settle();
	return s2s;
}

static void a_line_learns_all(void **state)
{
	(void)state;
	struct guest *s2s = open_line();

	assert_int_equal(cost(CORE, "edge-1"), 10);
	assert_int_equal(cost(CORE, "*.edge-1"), 10);
	assert_int_equal(cost(IM, "*.edge-1"), 20);
	assert_int_equal(cost(EDGE, "*.im-1"), 20);
	assert_int_equal(cost(EDGE, "corp.example"), 20);
	assert_int_equal(cost(CORE, "corp.example"), 10);
	assert_int_equal(cost(CORE, "*"), 10);
	assert_int_equal(cost(IM, "*"), 0); /* its row does not take it */
	assert_int_equal(cost(EDGE, "*"), 0);
	assert_true(fabric_settled(&nodes[CORE].house.router));
	/* nothing is said while nothing changes */
	unsigned before = sent;
	holders_changed(&nodes[CORE].house.router);
	settle();
	assert_int_equal(sent, before);
	assert_int_equal(s2s->count, 0);
	close_nodes();
}

static void what_goes_is_withdrawn(void **state)
{
	(void)state;
	struct guest *s2s = open_line();

	component_drain(s2s->component);
	settle();
	assert_int_equal(cost(CORE, "*"), 0);
	assert_int_equal(cost(CORE, "*.edge-1"), 10);
	part(CORE, IM);
	settle();
	assert_int_equal(cost(EDGE, "corp.example"), 0);
	assert_int_equal(cost(EDGE, "*.im-1"), 0);
	assert_int_equal(cost(IM, "*.edge-1"), 0);
	join(CORE, IM);
	settle();
	assert_int_equal(cost(EDGE, "corp.example"), 20);
	close_nodes();
}

static void the_switch_and_a_drain_withdraw_the_default(void **state)
{
	(void)state;
	(void)open_line();
	struct router *edge = &nodes[EDGE].house.router;

	edge->federation = false;
	router_announce(edge, "state.federation", NULL);
	settle();
	assert_int_equal(cost(CORE, "*"), 0);
	edge->federation = true;
	router_announce(edge, "state.federation", NULL);
	settle();
	assert_int_equal(cost(CORE, "*"), 10);
	edge->draining = true;
	holders_changed(edge);
	fw_loop_turn(edge->loop, false);
	assert_false(fabric_settled(edge)); /* until the core has confirmed */
	settle();
	assert_true(fabric_settled(edge));
	assert_int_equal(cost(CORE, "*"), 0);
	close_nodes();
}

/* edge-1 and edge-2 behind the core: equal cost, so both hold the default. */
static void two_edges_share(void **state)
{
	(void)state;
	open_nodes(4);
	(void)row(EDGE, CORE);
	(void)row(EDGE2, CORE);
	struct config_peer *one = row(CORE, EDGE), *two = row(CORE, EDGE2);
	one->outside = two->outside = one->default_route = two->default_route = true;
	two->weight = 30;
	start();
	(void)house_guest(&nodes[EDGE].house, "s2s-1.edge-1", "*");
	(void)house_guest(&nodes[EDGE2].house, "s2s-1.edge-2", "*");
	struct guest *corp = house_guest(&nodes[CORE].house, "corp", "corp.example");
	nodes[EDGE].house.guests[0].component->weight = 10;
	nodes[EDGE2].house.guests[0].component->weight = 10;
	join(CORE, EDGE);
	join(CORE, EDGE2);
	settle();
	for (unsigned i = 0; i < 1000; i++) {
		char text[128];
		(void)snprintf(text, sizeof(text),
		               "<message from='u%u@corp.example' to='x@p%u.example'/>", i, i);
		assert_int_equal(house_send(corp, text), FW_OK);
	}
	unsigned first = nodes[CORE].links[EDGE]->count, second = nodes[CORE].links[EDGE2]->count;
	assert_int_equal(first + second, 1000);
	assert_in_range(first, 180, 320);
	/* a link that is broken for the moment takes nothing while the other can */
	nodes[CORE].links[EDGE2]->component->suspended = true;
	assert_int_equal(house_send(corp, "<message from='a@corp.example' to='p1.example'/>"),
	                 FW_OK);
	assert_int_equal(house_send(corp, "<message from='a@corp.example' to='p2.example'/>"),
	                 FW_OK);
	assert_int_equal(house_send(corp, "<message from='a@corp.example' to='p3.example'/>"),
	                 FW_OK);
	assert_int_equal(nodes[CORE].links[EDGE]->count, first + 3);
	part(CORE, EDGE); /* alone, it is where they wait */
	assert_int_equal(house_send(corp, "<message from='a@corp.example' to='p1.example'/>"),
	                 FW_OK);
	assert_int_equal(nodes[CORE].links[EDGE2]->count, second + 1);
	close_nodes();
}

static void rights_are_kept(void **state)
{
	(void)state;
	open_nodes(2);
	house_list(&nodes[EDGE].house, "rooms.example", true);
	house_list(&nodes[CORE].house, "rooms.example", true);
	struct config_peer *inner = row(EDGE, CORE), *outer = row(CORE, EDGE);
	static const char *const allowed[] = { "*.example", "x.org" };
	outer->outside = true;
	start();
	/* both say more than they may: the edge a domain of ours, the core the default */
	(void)house_guest(&nodes[EDGE].house, "impostor", "corp.example");
	assert_int_equal(
	        component_bind(nodes[EDGE].house.guests[0].component, "rooms.example", NULL),
	        FW_OK);
	(void)house_guest(&nodes[CORE].house, "gate", "*");
	join(EDGE, CORE);
	settle();
	assert_int_equal(cost(CORE, "corp.example"), 0);
	assert_int_equal(cost(EDGE, "*"), 0);
	assert_int_equal(peer_of(CORE, EDGE)->refused, 2);
	assert_int_equal(peer_of(EDGE, CORE)->refused, 1);
	assert_false(fabric_may_send(peer_of(CORE, EDGE), fw_str("corp.example")));
	assert_true(fabric_may_send(peer_of(EDGE, CORE), fw_str("corp.example")));
	assert_false(fabric_may_send(peer_of(EDGE, CORE), fw_str("other.example")));
	/* a right that comes later counts from then on */
	outer->domains.items = allowed;
	outer->domains.count = 2;
	fabric_judge(peer_of(CORE, EDGE));
	assert_int_equal(cost(CORE, "corp.example"), 10);
	assert_int_equal(cost(CORE, "rooms.example"), 10);
	assert_true(fabric_may_send(peer_of(CORE, EDGE), fw_str("corp.example")));
	(void)inner;
	close_nodes();
}

/* A name that is listed later, as when the tunnel brings the list after the link. */
static void a_list_may_come_later(void **state)
{
	(void)state;
	(void)open_line();
	(void)house_guest(&nodes[IM].house, "late", "late.example");
	house_list(&nodes[IM].house, "late.example", true);
	house_list(&nodes[CORE].house, "late.example", true);
	holders_changed(&nodes[IM].house.router);
	holders_changed(&nodes[CORE].house.router);
	settle();
	assert_int_equal(cost(CORE, "late.example"), 10);
	assert_int_equal(cost(EDGE, "late.example"), 0);
	house_list(&nodes[EDGE].house, "late.example", true);
	holders_changed(&nodes[EDGE].house.router);
	settle();
	assert_int_equal(cost(EDGE, "late.example"), 20);
	close_nodes();
}

static void what_nobody_repeats_is_forgotten(void **state)
{
	(void)state;
	(void)open_line();
	struct fabric_peer *peer = peer_of(CORE, IM);
	uint64_t now = fw_now_ms(nodes[CORE].house.router.loop);

	assert_false(fabric_expire(peer, now + 59000));
	assert_int_equal(cost(CORE, "corp.example"), 10);
	assert_true(fabric_expire(peer, now + 61000));
	assert_int_equal(cost(CORE, "corp.example"), 0);
	settle();
	assert_int_equal(cost(EDGE, "corp.example"), 0);
	close_nodes();
}

/* Three that all know each other: the direct way is taken, the longer one after it; nothing counts
 * up. */
static void a_triangle_does_not_count_to_infinity(void **state)
{
	(void)state;
	open_nodes(3);
	(void)row(EDGE, CORE);
	(void)row(EDGE, IM);
	(void)row(CORE, EDGE);
	(void)row(CORE, IM);
	(void)row(IM, EDGE);
	(void)row(IM, CORE);
	start();
	(void)house_guest(&nodes[IM].house, "corp", "corp.example");
	join(EDGE, CORE);
	join(CORE, IM);
	join(IM, EDGE);
	settle();
	assert_int_equal(cost(EDGE, "corp.example"), 10);
	part(IM, EDGE);
	settle();
	assert_int_equal(cost(EDGE, "corp.example"), 20);
	part(CORE, IM);
	settle();
	assert_int_equal(cost(EDGE, "corp.example"), 0);
	assert_int_equal(cost(CORE, "corp.example"), 0);
	assert_true(sent < 100);
	close_nodes();
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
	(void)open_line();
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		print_message("%s\n", rows[i]);
		assert_int_equal(hear(peer_of(CORE, IM), rows[i]), FW_CAUSE_BAD_ROUTES);
	}
	assert_int_equal(hear(peer_of(CORE, IM), "<later xmlns='urn:fedway:link:1'/>"),
	                 FW_CAUSE_NONE);
	close_nodes();
}

/* Loops, realms of others, our own realm, and more than we can keep: passed over, not believed. */
static void what_cannot_be_is_not_believed(void **state)
{
	(void)state;
	(void)open_line();
	struct fabric_peer *peer = peer_of(CORE, IM);

	nodes[CORE].house.config.router.routes_max = 8;
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
	assert_int_equal(cost(CORE, "core-1"), 0);
	assert_int_equal(cost(CORE, "edge-9"), 0);
	assert_int_equal(cost(CORE, "corp.example"), 0);
	assert_int_equal(cost(CORE, "far-1"), 11);
	assert_int_equal(cost(CORE, "*.im-1"), 0); /* no longer in the list */
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
	close_nodes();
}

/* More names than fit into one element. */
static void long_lists_go_in_pieces(void **state)
{
	(void)state;
	open_nodes(2);
	(void)row(EDGE, CORE);
	row(CORE, EDGE)->outside = true;
	start();
	struct guest *many = house_guest(&nodes[CORE].house, "many", NULL);
	for (unsigned i = 0; i < 200; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "d%u.example", i);
		for (unsigned n = 0; n < 2; n++) {
			struct route_table *routes = nodes[n].house.router.routes;
			assert_int_equal(route_table_want(routes, name), FW_OK);
			route_table_list(routes, name, true);
		}
		assert_int_equal(component_bind(many->component, name, NULL), FW_OK);
	}
	join(EDGE, CORE);
	assert_true(sent > 3);
	settle();
	assert_int_equal(cost(EDGE, "d0.example"), 10);
	assert_int_equal(cost(EDGE, "d199.example"), 10);
	component_drain(many->component);
	settle();
	assert_int_equal(cost(EDGE, "d0.example"), 0);
	assert_int_equal(peer_of(EDGE, CORE)->learned.count, 2);
	close_nodes();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_learns_all),
		cmocka_unit_test(what_goes_is_withdrawn),
		cmocka_unit_test(the_switch_and_a_drain_withdraw_the_default),
		cmocka_unit_test(two_edges_share),
		cmocka_unit_test(rights_are_kept),
		cmocka_unit_test(a_list_may_come_later),
		cmocka_unit_test(what_nobody_repeats_is_forgotten),
		cmocka_unit_test(a_triangle_does_not_count_to_infinity),
		cmocka_unit_test(what_is_malformed_ends_the_link),
		cmocka_unit_test(what_cannot_be_is_not_believed),
		cmocka_unit_test(long_lists_go_in_pieces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
