/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Uplinks against a server that the test plays by hand: the handshake vector of XEP-0114 §3,
 * stanzas both ways, failures and new attempts, and reloads.
 */
#include "tests/router/attach_rig.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "router/notices.h"
#include "router/uplink.h"
#include "router/uplink_conn.h"

#define CONFIG(uplinks) \
	"realm = \"test-realm\"; control_socket = \"%s\"; log_level = " \
	"\"error\";" \
	"listen = ( { address = \"127.0.0.1\"; port = %u; } );" \
	"links = ( { name = \"a.test\"; secret = \"s-a\"; } ); uplinks = ( " uplinks " );"
#define UPLINK(domains) \
	"{ name = \"gw.test\"; host = \"127.0.0.1\"; port = %u; secret = \"test\"; check_from = " \
	"false;" \
	"  domains = [ " domains " ]; retry_min_ms = 10; retry_max_ms = 40; }"

#define SERVER_HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' " \
	"xmlns:stream='http://etherx.jabber.org/streams' from='gw.test' id='3BF96D32'>"
/* XEP-0114 §3: id 3BF96D32, secret "test" */
#define VECTOR "<handshake>aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e</handshake>"

static struct rig rig;
static struct peer a, server;
static uint16_t port, server_port;
static int listen_fd;

static void listen_here(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	socklen_t len = sizeof(addr);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(listen_fd >= 0);
	assert_int_equal(bind(listen_fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listen_fd, 8), 0);
	assert_int_equal(getsockname(listen_fd, (struct sockaddr *)&addr, &len), 0);
	server_port = ntohs(addr.sin_port);
}

static void start(void)
{
	port = rig_free_port();
	listen_here();
	rig_start(&rig, CONFIG(UPLINK("\"corp.test\"")), rig_new_socket(), port, server_port);
}

static void finish(void)
{
	peer_close(&a);
	peer_close(&server);
	(void)close(listen_fd);
	rig_stop(&rig);
}

static bool somebody_waits(void *ctx)
{
	struct pollfd poll_fd = { .fd = listen_fd, .events = POLLIN };

	(void)ctx;
	return poll(&poll_fd, 1, 0) == 1;
}

static void server_accept(void)
{
	rig_until(&rig, somebody_waits, NULL, "the uplink to connect");
	peer_take(&server, &rig, accept(listen_fd, NULL, NULL));
}

/* Plays the server until the uplink is up. */
static void server_welcome(void)
{
	server_accept();
	peer_expect(&server, "to='gw.test'");
	peer_send(&server, SERVER_HEADER);
	peer_expect(&server, VECTOR);
	peer_send(&server, "<handshake/>");
	peer_forget(&server);
}

static bool corp_is_held(void *ctx)
{
	const struct component *component;
	bool wanted = *(const bool *)ctx;
	bool held = false;

	for (component = rig.router->components; component != NULL; component = component->next) {
		held = held || component_holds(component, fw_str("corp.test"));
	}
	return held == wanted;
}

static void expect_held(bool held)
{
	rig_until(&rig, corp_is_held, &held,
	          held ? "the domain to be held" : "the domain to be free");
}

static void test_vector_and_stanzas_both_ways(void **state)
{
	(void)state;
	start();
	peer_attach(&a, &rig, port, "a.test", "s-a");
	/* while it is down nobody holds its domains */
	peer_send(&a, "<message from='a.test' to='x@corp.test' id='early'/>");
	peer_expect(&a, "name='no-route'");
	server_welcome();
	expect_held(true);
	peer_send(&a, "<message from='a.test' to='x@corp.test' id='out'/>");
	peer_expect(&server, "id='out'");
	peer_send(&server, "<message from='x@corp.test' to='a.test' id='in'/>"
	                   "<message from='x@gw.test' to='a.test' id='in-2'/>");
	peer_expect(&a, "id='in-2'");
	assert_true(peer_has(&a, "id='in'"));
	finish();
}

static void test_handshake_byte_by_byte(void **state)
{
	static const char text[] = SERVER_HEADER;

	(void)state;
	start();
	server_accept();
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		peer_send_bytes(&server, &text[i], 1);
		rig_settle(&rig);
	}
	peer_expect(&server, VECTOR);
	peer_send(&server, "<handshake/>");
	expect_held(true);
	peer_close(&a);
	finish();
}

static const struct {
	const char *sentence, *sent; /* in answer to the uplink's header */
} failures[] = {
	{ "the server refuses the secret", SERVER_HEADER
	  "<stream:error><not-authorized "
	  "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>" },
	{ "the server does not know the name", SERVER_HEADER
	  "<stream:error><host-unknown "
	  "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>" },
	{ "the server just closes", "" },
	{ "the server speaks something else", "HTTP/1.0 400 Bad Request\r\n\r\n" },
	{ "the server sends stanzas before its handshake",
	  SERVER_HEADER "<message from='x@corp.test' to='a.test'/>" },
};

/* Each failure is followed by another attempt, and none of them lets a stanza in. */
static void test_failures_are_tried_again(void **state)
{
	(void)state;
	start();
	peer_attach(&a, &rig, port, "a.test", "s-a");
	for (size_t i = 0; i < FW_COUNT(failures); i++) {
		print_message("%s\n", failures[i].sentence);
		server_accept();
		peer_expect(&server, "to='gw.test'");
		peer_send_bytes(&server, failures[i].sent, strlen(failures[i].sent));
		rig_settle(&rig);
		peer_close(&server);
	}
	server_accept(); /* so that what came before has been seen */
	assert_non_null(strstr(rig.router->notices->text, "no connection as gw.test to the server"));
	peer_close(&server);
	server_welcome();
	expect_held(true);
	assert_null(rig.router->notices);
	assert_int_equal(a.len, 0);
	finish();
}

static void test_lost_uplink_gives_its_domains_back(void **state)
{
	(void)state;
	start();
	peer_attach(&a, &rig, port, "a.test", "s-a");
	server_welcome();
	expect_held(true);
	peer_close(&server);
	expect_held(false);
	peer_send(&a, "<message from='a.test' to='x@corp.test' id='lost'/>");
	peer_expect(&a, "name='no-route'");
	server_welcome();
	expect_held(true);
	finish();
}

static void test_reattach(void **state)
{
	struct fw_json *names = fw_json_new();

	(void)state;
	start();
	assert_int_equal(uplinks_reattach(rig.router, fw_str(NULL), names), 0); /* it is not up */
	server_welcome();
	expect_held(true);
	assert_int_equal(uplinks_reattach(rig.router, fw_str("other.test"), names), 0);
	struct fw_json *list = fw_json_set_array(names, "list");
	assert_int_equal(uplinks_reattach(rig.router, fw_str("gw.test"), list), 1);
	assert_int_equal(fw_json_count(list), 1);
	peer_expect(&server, "</stream:stream>");
	peer_send(&server, "</stream:stream>");
	expect_held(false);
	server_welcome();
	expect_held(true);
	fw_json_free(&names);
	finish();
}

static void test_nobody_listens_yet(void **state)
{
	(void)state;
	port = rig_free_port();
	server_port = rig_free_port();
	rig_start(&rig, CONFIG(UPLINK("\"corp.test\"")), rig_new_socket(), port, server_port);
	rig_settle(&rig);
	expect_held(false);
	listen_fd = -1;
	server.fd = a.fd = -1;
	peer_close(&a);
	peer_close(&server);
	rig_stop(&rig);
}

static void test_reload(void **state)
{
	struct fw_json *document = fw_json_new();
	struct fw_json *changes = fw_json_set_array(document, "changes");
	struct peer *peer = &server;

	(void)state;
	start();
	peer_attach(&a, &rig, port, "a.test", "s-a");
	server_welcome();
	expect_held(true);
	/* more domains: live, the stream stays */
	assert_int_equal(rig_reload(&rig, changes, CONFIG(UPLINK("\"corp.test\", \"two.test\"")),
	                            rig_socket(), port, server_port),
	                 FW_OK);
	assert_int_equal(fw_json_count(changes), 1);
	peer_send(&a, "<message from='a.test' to='two.test' id='two'/>");
	peer_expect(peer, "id='two'");
	/* the same one, spelled otherwise: it is held all the time */
	assert_int_equal(rig_reload(&rig, NULL, CONFIG(UPLINK("\"CORP.test\", \"two.test\"")),
	                            rig_socket(), port, server_port),
	                 FW_OK);
	peer_send(&a, "<message from='a.test' to='corp.test' id='three'/>");
	peer_expect(peer, "id='three'");
	/* gone: ends in good order */
	assert_int_equal(rig_reload(&rig, changes, CONFIG(""), rig_socket(), port), FW_OK);
	peer_expect(peer, "</stream:stream>");
	expect_held(false);
	peer_send(peer, "</stream:stream>");
	peer_expect_end(peer);
	peer_close(peer);
	rig_settle(&rig);
	/* back again */
	assert_int_equal(rig_reload(&rig, changes, CONFIG(UPLINK("\"corp.test\"")), rig_socket(),
	                            port, server_port),
	                 FW_OK);
	server_welcome();
	expect_held(true);
	fw_json_free(&document);
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

static void test_drain(void **state)
{
	bool done = false;

	(void)state;
	start();
	server_welcome();
	expect_held(true);
	router_drain(rig.router, drained, &done);
	peer_expect(&server, "</stream:stream>");
	peer_send(&server, "</stream:stream>");
	rig_until(&rig, is_true, &done, "the drain to finish");
	a.fd = -1;
	finish();
}

/* Two routers, one dialling the other, would prove less: the far end here is a listener of the same
 * router. */
static void test_against_our_own_listener(void **state)
{
	(void)state;
	port = rig_free_port();
	rig_start(&rig,
	          "realm = \"test-realm\"; control_socket = \"%s\"; log_level = "
	          "\"error\";"
	          "listen = ( { address = \"127.0.0.1\"; port = %u; } );"
	          "links = ( { name = \"gw.test\"; secret = \"test\"; } );"
	          "uplinks = ( { name = \"gw.test\"; host = \"127.0.0.1\"; port = %u; secret = "
	          "\"test\";"
	          "              domains = [ \"corp.test\" ]; } );",
	          rig_new_socket(), port, port);
	expect_held(true);
	server.fd = a.fd = -1;
	rig_stop(&rig);
}

static const struct {
	uint32_t failures, random, least, most;
} delays[] = {
	{ 0, 0, 100, 100 },         { 1, 0, 100, 100 },          { 2, 0, 200, 200 },
	{ 3, 0, 400, 400 },         { 4, 0, 800, 800 },          { 5, 0, 1000, 1000 },
	{ 4000000, 0, 1000, 1000 }, { 1, 4294967295u, 50, 100 }, { 9, 12345, 500, 1000 },
};

static void test_delay_doubles_up_to_the_maximum(void **state)
{
	const struct config_uplink row = { .retry_min_ms = 100, .retry_max_ms = 1000 };

	(void)state;
	for (size_t i = 0; i < FW_COUNT(delays); i++) {
		assert_in_range(uplink_delay_ms(row.retry_min_ms, row.retry_max_ms,
		                                delays[i].failures, delays[i].random),
		                delays[i].least, delays[i].most);
	}
}

/* Every state can be reached from the first attempt, can end, and leads back to another attempt. */
static void test_table_of_states(void **state)
{
	uint32_t reached = FW_TO(UPLINK_CONNECT);

	(void)state;
	for (int round = 0; round < UPLINK_STATE_COUNT; round++) {
		for (int i = 0; i < UPLINK_STATE_COUNT; i++) {
			reached |= (reached & FW_TO(i)) != 0 ? uplink_states[i].next : 0;
		}
	}
	assert_int_equal(reached, FW_TO(UPLINK_STATE_COUNT) - 1);
	for (int i = 0; i < UPLINK_STATE_COUNT; i++) {
		assert_non_null(uplink_states[i].name);
		assert_non_null(uplink_states[i].handle);
		assert_int_not_equal(uplink_states[i].timeout_ms, 0);
		if (i != UPLINK_ENDED) {
			assert_true((uplink_states[i].next & FW_TO(UPLINK_ENDED)) != 0);
			assert_true(i == UPLINK_WAIT ||
			            (uplink_states[i].next & FW_TO(UPLINK_WAIT)) != 0);
		}
	}
	assert_int_equal(uplink_states[UPLINK_ENDED].next, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_of_states),
		cmocka_unit_test(test_delay_doubles_up_to_the_maximum),
		cmocka_unit_test(test_vector_and_stanzas_both_ways),
		cmocka_unit_test(test_handshake_byte_by_byte),
		cmocka_unit_test(test_failures_are_tried_again),
		cmocka_unit_test(test_lost_uplink_gives_its_domains_back),
		cmocka_unit_test(test_reattach),
		cmocka_unit_test(test_nobody_listens_yet),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_against_our_own_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
