/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Routers in one process, joined by wires that carry elements as text. Used by the tests of what
 * routers tell each other, and of stanzas between them.
 */
#include "tests/router/fabric_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "router/route_table.h"

enum { WAITING = 64 };

/* An element on its way. */
struct carried {
	struct fabric_peer *to;
	char *text;
};

struct node fabric_nodes[NODES];
static size_t node_count;
static struct carried carried[WAITING];
static size_t carried_count;
unsigned fabric_sent;

static const char *const realms[NODES] = { "edge-1", "core-1", "im-1", "edge-2" };

struct fabric_peer *fabric_peer_of(unsigned at, unsigned other)
{
	struct fabric_peer *peer =
	        fabric_find(&fabric_nodes[at].house.router, fw_str(realms[other]));

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
	fabric_sent++;
}

static void wire_end(void *link, enum fw_cause cause)
{
	(void)link;
	(void)cause;
}

static const struct fabric_wire wire = { wire_send, wire_end };

/* Until nobody has anything to say. */
void fabric_settle(void)
{
	for (unsigned quiet = 0; quiet < 2;) {
		quiet++;
		for (size_t i = 0; i < node_count; i++) {
			fw_loop_turn(fabric_nodes[i].house.router.loop, false);
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

struct config_peer *fabric_row(unsigned at, unsigned other)
{
	struct config_router *config = &fabric_nodes[at].house.config.router;
	struct config_peer *row = &fabric_nodes[at].rows[config->routers.count++];

	config->routers.items = fabric_nodes[at].rows;
	row->realm = realms[other];
	row->host = row->certificate_name = "";
	row->cost = 10;
	row->priority = 10;
	row->weight = 10;
	return row;
}

/* All nodes; corp.example is ours everywhere, and rows of all that `join` shall join. */
void fabric_open_nodes(size_t count)
{
	memset(fabric_nodes, 0, sizeof(fabric_nodes));
	node_count = count;
	fabric_sent = 0;
	for (size_t i = 0; i < count; i++) {
		house_open(&fabric_nodes[i].house);
		struct router *router = &fabric_nodes[i].house.router;
		fabric_nodes[i].house.config.router.realm = realms[i];
		router->realm = realms[i];
		router->federation = true;
		route_table_free(&router->routes);
		assert_int_equal(route_table_new(realms[i], &router->routes), FW_OK);
		fabric_nodes[i].house.config.router.routes_expire_s = 60;
		fabric_nodes[i].house.config.router.routes_max = 1000;
		house_list(&fabric_nodes[i].house, "corp.example", true);
	}
}

void fabric_start_nodes(void)
{
	for (size_t i = 0; i < node_count; i++) {
		assert_int_equal(fabric_start(&fabric_nodes[i].house.router, &fabric_nodes[i].err),
		                 FW_OK);
	}
}

void fabric_close_nodes(void)
{
	for (size_t i = 0; i < node_count; i++) {
		fabric_stop(&fabric_nodes[i].house.router);
		house_close(&fabric_nodes[i].house);
	}
	for (size_t i = 0; i < carried_count; i++) {
		free(carried[i].text);
	}
	carried_count = 0;
}

/* The two see each other: each gets a link that stands for the other. */
void fabric_join(unsigned a, unsigned b)
{
	struct guest *to_b = house_guest(&fabric_nodes[a].house, realms[b], NULL);
	struct guest *to_a = house_guest(&fabric_nodes[b].house, realms[a], NULL);

	fabric_up(fabric_peer_of(a, b), to_b->component, &wire, fabric_peer_of(b, a));
	fabric_up(fabric_peer_of(b, a), to_a->component, &wire, fabric_peer_of(a, b));
	fabric_nodes[a].links[b] = to_b;
	fabric_nodes[b].links[a] = to_a;
}

void fabric_part(unsigned a, unsigned b)
{
	fabric_down(fabric_peer_of(a, b), FW_CAUSE_PEER_LOST, "");
	fabric_down(fabric_peer_of(b, a), FW_CAUSE_PEER_LOST, "");
	component_remove(&fabric_nodes[a].links[b]->component);
	component_remove(&fabric_nodes[b].links[a]->component);
}

/* Cost of the best way to a name; 0 when nobody holds it. */
uint32_t fabric_cost(unsigned at, const char *name)
{
	const struct route *route = route_table_holders(fabric_nodes[at].house.router.routes, name);

	return route != NULL ? route_rank(route) & 0xffff : 0;
}

static const char *const any[] = { "*" };
static const struct fw_strings any_realm = { any, 1 };

/* edge-1 (s2s) — core-1 — im-1 (corp.example), as in a real installation. */
struct guest *fabric_open_line(void)
{
	fabric_open_nodes(3);
	(void)fabric_row(EDGE, CORE);
	struct config_peer *edge = fabric_row(CORE, EDGE);
	edge->outside = edge->default_route = true;
	(void)fabric_row(CORE, IM);
	struct config_peer *out = fabric_row(IM, CORE);
	out->outside = true;
	out->realms = any_realm;
	fabric_start_nodes();
	struct guest *s2s = house_guest(&fabric_nodes[EDGE].house, "s2s-1.edge-1", "*");
	(void)house_guest(&fabric_nodes[IM].house, "corp", "corp.example");
	fabric_join(EDGE, CORE);
	fabric_join(CORE, IM);
	fabric_settle();
	return s2s;
}
