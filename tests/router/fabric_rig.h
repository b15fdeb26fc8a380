/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Several routers for one test: rows first, then start, then join.
 */
#ifndef FEDWAY_TESTS_ROUTER_FABRIC_RIG_H
#define FEDWAY_TESTS_ROUTER_FABRIC_RIG_H

#include "router/fabric.h"
#include "tests/router/house.h"

enum { NODES = 4, ROWS = 4 };
/* Realms edge-1, core-1, im-1, edge-2. */
enum { EDGE, CORE, IM, EDGE2 };

struct node {
	struct house house;
	struct config_peer rows[ROWS];
	struct guest *links[ROWS]; /* the link to the router of that number */
	struct fw_error err;
};
extern struct node fabric_nodes[NODES];
extern unsigned fabric_sent; /* elements, so far */

/* The first `count` nodes, with corp.example as ours everywhere. */
void fabric_open_nodes(size_t count);
/* A row of `routers` at one node for another; to be filled before the start. */
struct config_peer *fabric_row(unsigned at, unsigned other);
void fabric_start_nodes(void);
void fabric_close_nodes(void);
/* The two see each other: each gets a link that stands for the other; or see each other no more. */
void fabric_join(unsigned a, unsigned b);
void fabric_part(unsigned a, unsigned b);
/* Until nobody has anything to say. */
void fabric_settle(void);
struct fabric_peer *fabric_peer_of(unsigned at, unsigned other);
/* Cost of the best way to a name; 0 when nobody holds it. */
uint32_t fabric_cost(unsigned at, const char *name);
/* edge-1 (s2s) - core-1 - im-1 (corp.example), as in a real installation. The guest that is s2s. */
struct guest *fabric_open_line(void);

#endif
