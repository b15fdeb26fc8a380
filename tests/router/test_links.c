/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The link room as a whole: what a reload changes and leaves alone, and the order of a drain.
 */
#include "tests/router/attach_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "router/link.h"

#define CONFIG(listen, links) \
	"realm = \"test-realm\"; control_socket = \"%s\"; log_level = " \
	"\"error\";" \
	"listen = ( " listen " ); links = ( " links " );"
#define ONE "{ address = \"127.0.0.1\"; port = %u; }"
#define LINK_A "{ name = \"a.test\"; secret = \"s-a\"; }"
#define LINK_B "{ name = \"b.test\"; secret = \"s-b\"; domains = [ \"x.test\", \"y.test\" ]; }"

static struct rig rig;
static struct peer a, b, c;
static uint16_t port;

static void start(void)
{
	port = rig_free_port();
	rig_start(&rig, CONFIG(ONE, LINK_A "," LINK_B), rig_new_socket(), port);
	peer_attach(&a, &rig, port, "a.test", "s-a");
	peer_attach(&b, &rig, port, "b.test", "s-b");
}

static void finish(void)
{
	peer_close(&a);
	peer_close(&b);
	rig_stop(&rig);
}

static bool changes_say(const struct fw_json *changes, const char *text)
{
	for (size_t i = 0; i < fw_json_count(changes); i++) {
		if (fw_str_is(fw_json_text(fw_json_at(changes, i)), text)) {
			return true;
		}
	}
	return false;
}

/* A message from a.test arrives at `peer`. */
static void expect_arrives(struct peer *peer, const char *to)
{
	static int number;
	char id[32];

	(void)snprintf(id, sizeof(id), "id='arrive-%d'", ++number);
	peer_send(&a, "<message from='a.test' to='%s' %s/>", to, id);
	peer_expect(peer, id);
}

static void test_same_configuration_changes_nothing(void **state)
{
	struct fw_json *document = fw_json_new();
	struct fw_json *changes = fw_json_set_array(document, "changes");

	(void)state;
	start();
	assert_int_equal(
	        rig_reload(&rig, changes, CONFIG(ONE, LINK_A "," LINK_B), rig_socket(), port),
	        FW_OK);
	assert_int_equal(fw_json_count(changes), 0);
	expect_arrives(&b, "y.test");
	fw_json_free(&document);
	finish();
}

static void test_removed_link_is_closed(void **state)
{
	struct fw_json *document = fw_json_new();
	struct fw_json *changes = fw_json_set_array(document, "changes");

	(void)state;
	start();
	assert_int_equal(rig_reload(&rig, changes, CONFIG(ONE, LINK_A), rig_socket(), port), FW_OK);
	assert_true(changes_say(changes, "link removed: b.test"));
	peer_expect(&b, "<reset");
	peer_expect(&b, fw_cause_row(FW_CAUSE_CONFIG_CLOSED)->text);
	peer_expect(&b, "</stream:stream>");
	peer_send(&a, "<message from='a.test' to='b.test' id='gone'/>");
	peer_expect(&a, "name='no-route'");
	peer_connect(&c, &rig, port);
	peer_open(&c, "b.test");
	peer_expect(&c, "<host-unknown");
	peer_close(&c);
	fw_json_free(&document);
	finish();
}

static void test_new_secret_keeps_the_link(void **state)
{
	(void)state;
	start();
	assert_int_equal(rig_reload(&rig, NULL,
	                            CONFIG(ONE, LINK_A ",{ name = \"b.test\"; secret = \"new\"; }"),
	                            rig_socket(), port),
	                 FW_OK);
	expect_arrives(&b, "b.test");
	/* the next one needs the new secret */
	peer_close(&b);
	rig_settle(&rig);
	peer_connect(&b, &rig, port);
	peer_prove(&b, "b.test", "s-b");
	peer_expect(&b, "<not-authorized");
	peer_close(&b);
	peer_attach(&b, &rig, port, "b.test", "new");
	finish();
}

static void test_domains_change_live(void **state)
{
	struct fw_json *document = fw_json_new();
	struct fw_json *changes = fw_json_set_array(document, "changes");

	(void)state;
	start();
	expect_arrives(&b, "x.test");
	assert_int_equal(
	        rig_reload(&rig, changes,
	                   CONFIG(ONE, LINK_A ",{ name = \"b.test\"; secret = \"s-b\"; domains = [ "
	                                      "\"y.test\", \"z.test\" ]; }"),
	                   rig_socket(), port),
	        FW_OK);
	assert_true(changes_say(changes, "link changed: b.test"));
	expect_arrives(&b, "y.test");
	expect_arrives(&b, "z.test");
	peer_send(&a, "<message from='a.test' to='x.test' id='no'/>");
	peer_expect(&a, "name='no-route'");
	assert_int_equal(rig.router->links->link_count, 2);
	fw_json_free(&document);
	finish();
}

static void test_check_from_changes_live(void **state)
{
	(void)state;
	start();
	peer_send(&a, "<message from='far.test' to='b.test' id='one'/>");
	expect_arrives(&b, "b.test");
	assert_false(peer_has(&b, "id='one'"));
	assert_int_equal(rig_reload(&rig, NULL,
	                            CONFIG(ONE, "{ name = \"a.test\"; secret = \"s-a\"; check_from "
	                                        "= false; }," LINK_B),
	                            rig_socket(), port),
	                 FW_OK);
	peer_send(&a, "<message from='far.test' to='b.test' id='two'/>");
	peer_expect(&b, "id='two'");
	assert_int_equal(rig_reload(&rig, NULL, CONFIG(ONE, LINK_A "," LINK_B), rig_socket(), port),
	                 FW_OK);
	peer_send(&a, "<message from='far.test' to='b.test' id='three'/>");
	expect_arrives(&b, "b.test");
	assert_false(peer_has(&b, "id='three'"));
	finish();
}

static void test_listeners_change_live(void **state)
{
	uint16_t second = rig_free_port();

	(void)state;
	start();
	assert_int_equal(rig_reload(&rig, NULL, CONFIG(ONE "," ONE, LINK_A "," LINK_B),
	                            rig_socket(), port, second),
	                 FW_OK);
	peer_connect(&c, &rig, second);
	peer_open(&c, "a.test");
	peer_expect(&c, " id=");
	peer_close(&c);
	assert_int_equal(
	        rig_reload(&rig, NULL, CONFIG(ONE, LINK_A "," LINK_B), rig_socket(), second),
	        FW_OK);
	/* links that came in by the old door stay */
	expect_arrives(&b, "b.test");
	peer_connect(&c, &rig, second);
	peer_open(&c, "a.test");
	peer_expect(&c, " id=");
	peer_close(&c);
	finish();
}

#define ROUTER(rest) " ); routers = ( { realm = \"edge-9\"; secret = \"s\"; " rest " }"

/* @param more  behind the links @param line  the one change that is told; NULL: none */
static void expect_change(const char *more, const char *line)
{
	struct fw_json *document = fw_json_new();
	struct fw_json *changes = fw_json_set_array(document, "changes");

	assert_int_equal(
	        rig_reload(&rig, changes, CONFIG(ONE, LINK_A "%s"), rig_socket(), port, more),
	        FW_OK);
	assert_int_equal(fw_json_count(changes), line != NULL ? 1 : 0);
	if (line != NULL) {
		assert_true(changes_say(changes, line));
	}
	fw_json_free(&document);
}

static void test_a_reload_tells_what_became_of_other_routers(void **state)
{
	(void)state;
	start();
	assert_int_equal(rig_reload(&rig, NULL, CONFIG(ONE, LINK_A), rig_socket(), port), FW_OK);
	expect_change(ROUTER(""), "router added: edge-9");
	expect_change(ROUTER("cost = 7;"), "router changed: edge-9");
	expect_change(ROUTER("cost = 7;"), NULL);
	expect_change("", "router removed: edge-9");
	finish();
}

/* An address that cannot be had: nothing changes, not even what came before it in the file. */
static void test_failed_reload_changes_nothing(void **state)
{
	uint16_t second = rig_free_port();

	(void)state;
	start();
	assert_int_not_equal(
	        rig_reload(&rig, NULL,
	                   CONFIG(ONE ",{ address = \"192.0.2.1\"; port = %u; }", LINK_A),
	                   rig_socket(), second, port),
	        FW_OK);
	expect_arrives(&b, "y.test");
	peer_connect(&c, &rig, port);
	peer_open(&c, "b.test");
	peer_expect(&c, " id=");
	peer_close(&c);
	assert_int_equal(rig_reload(&rig, NULL, CONFIG(ONE "," ONE, LINK_A "," LINK_B),
	                            rig_socket(), port, second),
	                 FW_OK);
	finish();
}

static void drained(void *ctx)
{
	*(bool *)ctx = true;
}

static bool is_true(void *ctx)
{
	return *(const bool *)ctx;
}

static void test_drain_writes_what_is_queued(void **state)
{
	bool done = false;

	(void)state;
	start();
	peer_connect(&c, &rig, port);
	peer_open(&c, "a.test");
	peer_expect(&c, " id=");
	peer_send(&a, "<message from='a.test' to='b.test' id='last'/>");
	rig_settle(&rig);
	router_drain(rig.router, drained, &done);
	peer_expect(&b, "<system-shutdown");
	assert_true(peer_has(&b, "id='last'"));
	peer_expect(&a, "<system-shutdown");
	peer_expect(&c, "<system-shutdown");
	peer_send(&a, "</stream:stream>");
	peer_send(&b, "</stream:stream>");
	rig_until(&rig, is_true, &done, "the drain to finish");
	peer_close(&c);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_configuration_changes_nothing),
		cmocka_unit_test(test_removed_link_is_closed),
		cmocka_unit_test(test_new_secret_keeps_the_link),
		cmocka_unit_test(test_domains_change_live),
		cmocka_unit_test(test_check_from_changes_live),
		cmocka_unit_test(test_listeners_change_live),
		cmocka_unit_test(test_a_reload_tells_what_became_of_other_routers),
		cmocka_unit_test(test_failed_reload_changes_nothing),
		cmocka_unit_test(test_drain_writes_what_is_queued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
