/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The router for tests. Used by the tests of the rooms that a stanza walks through.
 */
#include "tests/router/house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fedway/hosting.h>

#include "router/announce.h"
#include "router/holders.h"
#include "router/hooks.h"
#include "router/route_table.h"

static int guest_deliver(void *port, struct fw_stanza **stanza)
{
	struct guest *guest = port;
	struct fw_str bytes;

	if (guest->full) {
		return FW_ELIMIT;
	}
	guest->count++;
	guest->last_origin = fw_stanza_origin(*stanza);
	guest->last_is_bounce = fw_stanza_is_bounce(*stanza);
	assert_int_equal(fw_stanza_bytes(*stanza, &bytes), FW_OK);
	assert_true(bytes.len < sizeof(guest->text));
	memcpy(guest->text, bytes.ptr, bytes.len);
	guest->text[bytes.len] = '\0';
	if (guest->on_stanza != NULL) {
		guest->on_stanza(guest, stanza);
	}
	if (*stanza != NULL) {
		fw_stanza_end(stanza, FW_EXIT_DELIVERED, FW_CAUSE_DELIVERED);
	}
	return FW_OK;
}

static void guest_drain(void *port)
{
	struct guest *guest = port;
	guest->drains++;
}

static const struct component_port guest_port = {
	.kind = "link",
	.deliver = guest_deliver,
	.drain = guest_drain,
};

void house_open(struct house *house)
{
	struct router *router = &house->router;

	memset(house, 0, sizeof(*house));
	(void)fw_log_set_level(fw_str("*"), FW_LOG_WARNING);
	house->config.router.realm = "realm-test";
	house->config.router.stanza_max_bytes = 10000;
	house->config.router.drain_timeout_ms = 1000;
	assert_int_equal(fw_loop_new(&router->loop), FW_OK);
	assert_int_equal(fw_log_child(NULL, &router->log, "router"), FW_OK);
	router->config = &house->config;
	router->realm = house->config.router.realm;
	router->federation = true;
	assert_int_equal(route_table_new(router->realm, &router->routes), FW_OK);
	assert_int_equal(hook_list_new(&router->hooks), FW_OK);
	assert_int_equal(announcements_new(router, &router->announcements), FW_OK);
	assert_int_equal(holders_new(router, &router->holders), FW_OK);
	router->total = fw_ledger_new(NULL);
	router->bounces = fw_ledger_new(router->total);
}

void house_check(const struct house *house)
{
	const struct router *router = &house->router;
	uint64_t in = router->bounces->in;

	assert_true(fw_ledger_balanced(router->total));
	assert_true(fw_ledger_balanced(router->bounces));
	assert_int_equal(router->total->in_flight, 0);
	for (const struct component *each = router->components; each != NULL; each = each->next) {
		assert_true(fw_ledger_balanced(each->ledger));
		in += each->ledger->in;
	}
	assert_true(in <= router->total->in); /* components that left keep their share */
}

void house_close(struct house *house)
{
	struct router *router = &house->router;

	house_check(house);
	while (router->components != NULL) {
		struct component *first = router->components;
		component_remove(&first);
	}
	holders_free(&router->holders);
	announcements_free(&router->announcements);
	hook_list_free(&router->hooks);
	route_table_free(&router->routes);
	fw_ledger_release(&router->bounces);
	fw_ledger_release(&router->total);
	fw_log_free(&router->log);
	fw_loop_free(&router->loop);
}

struct guest *house_guest(struct house *house, const char *id, const char *domain)
{
	struct guest *guest = &house->guests[house->guest_count++];
	struct fw_error err = { 0 };

	assert_true(house->guest_count <= FW_COUNT(house->guests));
	assert_int_equal(
	        component_add(&house->router, id, true, &guest_port, guest, &guest->component),
	        FW_OK);
	if (domain != NULL) {
		assert_int_equal(component_bind(guest->component, domain, &err), FW_OK);
	}
	component_up(guest->component);
	return guest;
}

void house_list(struct house *house, const char *domain, bool federated)
{
	struct route_table *routes = house->router.routes;

	assert_int_equal(route_table_want(routes, domain), FW_OK);
	route_table_list(routes, domain, federated);
	route_table_list_end(routes);
}

int house_send(struct guest *from, const char *xml)
{
	struct fw_stanza *stanza = NULL;

	assert_int_equal(fw_stanza_parse(fw_str(xml), &stanza), FW_OK);
	struct fw_str bytes; /* as from a stream: its size is known */
	assert_int_equal(fw_stanza_bytes(stanza, &bytes), FW_OK);
	int ret = router_route(from->component, &stanza);
	assert_null(stanza);
	return ret;
}

bool guest_has(const struct guest *guest, const char *text)
{
	return strstr(guest->text, text) != NULL;
}

uint64_t guest_exits(const struct guest *guest, enum fw_exit exit)
{
	return guest->component->ledger->exits[exit];
}

uint64_t guest_causes(const struct guest *guest, enum fw_cause cause)
{
	return guest->component->ledger->causes[cause];
}
