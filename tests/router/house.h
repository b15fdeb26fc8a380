/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A router for tests without links, uplinks or files: components ("guests") whose port writes down what it gets.
 */
#ifndef FEDWAY_TESTS_ROUTER_HOUSE_H
#define FEDWAY_TESTS_ROUTER_HOUSE_H

#include "router/router.h"

struct guest {
	struct component *component;
	bool full;            /* refuses with FW_ELIMIT */
	unsigned count;       /* stanzas it got */
	char text[4096];      /* the last one as bytes */
	uint32_t last_origin;
	bool last_is_bounce;
	void (*on_stanza)(struct guest *guest, struct fw_stanza **stanza); /* NULL: it is delivered */
	unsigned drains;
};

struct house {
	struct router router;
	struct config config;
	struct guest guests[16];
	unsigned guest_count;
};

/* Realm "realm-test"; nothing listed, nobody there. */
void house_open(struct house *house);
/* Removes all guests, checks that every account balances and nothing is in flight. */
void house_close(struct house *house);
/* Checks the accounts now. */
void house_check(const struct house *house);
/* A guest that is up and holds its ID and `domain` (unless NULL). */
struct guest *house_guest(struct house *house, const char *id, const char *domain);
void house_list(struct house *house, const char *domain, bool federated);
/* Parses and routes; the result of router_route(). */
int house_send(struct guest *from, const char *xml);
/* The last stanza of a guest contains the text. */
bool guest_has(const struct guest *guest, const char *text);
/* Exits of a guest's account. */
uint64_t guest_exits(const struct guest *guest, enum fw_exit exit);
uint64_t guest_causes(const struct guest *guest, enum fw_cause cause);

#endif
