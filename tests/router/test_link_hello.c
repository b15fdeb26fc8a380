/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The time before a link is trusted: every way to be refused, in whole, in pieces and cut off.
 */
#include "tests/router/attach_rig.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "router/link.h"

#define HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' " \
	"xmlns:stream='http://etherx.jabber.org/streams' to='a.test'>"

static struct rig rig;
static uint16_t port;

static void start(unsigned timeout_ms, unsigned unauthenticated_max)
{
	port = rig_free_port();
	rig_start(&rig,
	          "realm = \"test-realm\"; control_socket = \"%s\"; log_level = \"error\";"
	          "listen = ( { address = \"127.0.0.1\"; port = %u; } );"
	          "link_handshake_timeout_ms = %u; link_unauthenticated_max = %u;"
	          "links = ( { name = \"a.test\"; secret = \"s3cret\"; } );",
	          rig_new_socket(), port, timeout_ms, unauthenticated_max);
}

static bool no_hellos(void *ctx)
{
	(void)ctx;
	return rig.router->links->hello_count == 0;
}

static const struct {
	const char *sentence;
	const char *header;   /* what the peer opens with */
	const char *then;     /* and then sends */
	const char *expected; /* condition of the stream error */
} refusals[] = {
	{ "a wrong hash is not authorised", HEADER,
	  "<handshake>aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e</handshake>", "<not-authorized" },
	{ "an empty handshake is not authorised", HEADER, "<handshake/>", "<not-authorized" },
	{ "a handshake of another namespace is not authorised", HEADER,
	  "<handshake xmlns='urn:x'>0</handshake>", "<not-authorized" },
	{ "a stanza before the handshake is not authorised", HEADER,
	  "<message from='x@a.test' to='y@a.test'/>", "<not-authorized" },
	{ "a name that is not configured is unknown",
	  "<stream:stream xmlns='jabber:component:accept' "
	  "xmlns:stream='http://etherx.jabber.org/streams' "
	  "to='b.test'>",
	  "", "<host-unknown" },
	{ "a header without a name is unknown",
	  "<stream:stream xmlns='jabber:component:accept' "
	  "xmlns:stream='http://etherx.jabber.org/streams'>",
	  "", "<host-unknown" },
	{ "a name that is no domain is unknown",
	  "<stream:stream xmlns='jabber:component:accept' "
	  "xmlns:stream='http://etherx.jabber.org/streams' "
	  "to='a b'>",
	  "", "<host-unknown" },
	{ "a client's namespace is refused",
	  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
	  "to='a.test'>",
	  "", "<invalid-namespace" },
	{ "a wrong stream namespace is refused",
	  "<stream:stream xmlns='jabber:component:accept' xmlns:stream='urn:x' to='a.test'>", "",
	  "<invalid-namespace" },
	{ "what is not XML is refused", "GET / HTTP/1.0\r\n\r\n", "", "<not-well-formed" },
	{ "a stanza over the small limit is refused", HEADER, "<message a='%TEN_THOUSAND%'/>",
	  "<policy-violation" },
	{ "a comment is refused", HEADER, "<!-- x -->", "<restricted-xml" },
};

static void send_then(struct peer *peer, const char *then)
{
	const char *at = strstr(then, "%TEN_THOUSAND%");

	if (at == NULL) {
		peer_send_bytes(peer, then, strlen(then));
		return;
	}
	peer_send_bytes(peer, then, (size_t)(at - then));
	for (int i = 0; i < 12000; i += 100) {
		char filler[100];
		memset(filler, 'x', sizeof(filler));
		peer_send_bytes(peer, filler, sizeof(filler));
	}
	at += strlen("%TEN_THOUSAND%");
	peer_send_bytes(peer, at, strlen(at));
}

/* RFC 6120 §4.9.1.2: our header comes first, the footer last. */
static void test_refusals(void **state)
{
	static struct peer peer;

	(void)state;
	start(10000, 100);
	for (size_t i = 0; i < FW_COUNT(refusals); i++) {
		print_message("%s\n", refusals[i].sentence);
		peer_connect(&peer, &rig, port);
		peer_send_bytes(&peer, refusals[i].header, strlen(refusals[i].header));
		send_then(&peer, refusals[i].then);
		peer_expect(&peer, refusals[i].expected);
		peer_expect(&peer, "</stream:stream>");
		const char *header = strstr(peer.text, "<stream:stream ");
		assert_non_null(header);
		assert_true(header < strstr(peer.text, "<stream:error"));
		assert_int_equal(peer_count(&peer, "<stream:stream "), 1);
		peer_close(&peer);
		rig_until(&rig, no_hellos, NULL, "the refused connection to go");
	}
	assert_int_equal(rig.router->links->link_count, 0);
	rig_stop(&rig);
}

/* Upper-case hex is another string: XEP-0114 §3 asks for lower case. */
static void test_hash_in_upper_case(void **state)
{
	static struct peer peer;
	char hash[FW_SHA1_HEX_SIZE];

	(void)state;
	start(10000, 100);
	peer_connect(&peer, &rig, port);
	peer_open(&peer, "a.test");
	peer_expect(&peer, " id=");
	peer_expect(&peer, ">");
	const char *id = strstr(peer.text, " id=") + 5;
	fw_sha1_hex(fw_str_n(id, strcspn(id, "'\"")), fw_str("s3cret"), hash);
	for (char *c = hash; *c != '\0'; c++) {
		*c = *c >= 'a' && *c <= 'f' ? (char)(*c - 'a' + 'A') : *c;
	}
	peer_send(&peer, "<handshake>%s</handshake>", hash);
	peer_expect(&peer, "<not-authorized");
	peer_close(&peer);
	rig_stop(&rig);
}

static void test_good_secret_is_let_in(void **state)
{
	static struct peer peer;

	(void)state;
	start(10000, 100);
	peer_attach(&peer, &rig, port, "a.test", "s3cret");
	assert_int_equal(rig.router->links->link_count, 1);
	assert_int_equal(rig.router->links->hello_count, 0);
	peer_close(&peer);
	/* the name in other letters is the same name */
	rig_settle(&rig);
	peer_attach(&peer, &rig, port, "A.Test", "s3cret");
	peer_close(&peer);
	rig_stop(&rig);
}

static void test_header_cut_at_every_byte(void **state)
{
	static struct peer peer;

	(void)state;
	start(10000, 100);
	for (size_t cut = 1; cut < sizeof(HEADER) - 1; cut++) {
		peer_connect(&peer, &rig, port);
		peer_send_bytes(&peer, HEADER, cut);
		rig_settle(&rig);
		peer_send_bytes(&peer, &HEADER[cut], sizeof(HEADER) - 1 - cut);
		peer_expect(&peer, " id=");
		peer_close(&peer);
	}
	rig_until(&rig, no_hellos, NULL, "all connections to go");
	rig_stop(&rig);
}

static void test_header_truncated_at_every_byte(void **state)
{
	static struct peer peer;

	(void)state;
	start(10000, 100);
	for (size_t cut = 0; cut < sizeof(HEADER) - 1; cut++) {
		peer_connect(&peer, &rig, port);
		peer_send_bytes(&peer, HEADER, cut);
		peer_close(&peer);
		rig_settle(&rig);
	}
	rig_until(&rig, no_hellos, NULL, "all connections to go");
	assert_int_equal(rig.router->links->link_count, 0);
	rig_stop(&rig);
}

static void test_handshake_byte_by_byte(void **state)
{
	static struct peer peer;
	char hash[FW_SHA1_HEX_SIZE], text[128];

	(void)state;
	start(10000, 100);
	peer_connect(&peer, &rig, port);
	peer_open(&peer, "a.test");
	peer_expect(&peer, " id=");
	peer_expect(&peer, ">");
	const char *id = strstr(peer.text, " id=") + 5;
	fw_sha1_hex(fw_str_n(id, strcspn(id, "'\"")), fw_str("s3cret"), hash);
	(void)snprintf(text, sizeof(text), "<handshake>%s</handshake>", hash);
	for (size_t i = 0; text[i] != '\0'; i++) {
		peer_send_bytes(&peer, &text[i], 1);
		rig_settle(&rig);
	}
	peer_expect(&peer, "<handshake/>");
	peer_close(&peer);
	rig_stop(&rig);
}

static void test_silence_is_not_waited_for(void **state)
{
	static struct peer silent, half;

	(void)state;
	start(100, 100);
	peer_connect(&silent, &rig, port);
	peer_connect(&half, &rig, port);
	peer_open(&half, "a.test");
	peer_expect(&silent, "<connection-timeout");
	peer_expect(&half, "<connection-timeout");
	peer_close(&silent);
	peer_close(&half);
	rig_until(&rig, no_hellos, NULL, "both connections to go");
	rig_stop(&rig);
}

static void test_unauthenticated_links_are_capped(void **state)
{
	static struct peer first, second, third;

	(void)state;
	start(10000, 2);
	peer_connect(&first, &rig, port);
	peer_connect(&second, &rig, port);
	peer_open(&first, "a.test");
	peer_open(&second, "a.test");
	peer_expect(&first, " id=");
	peer_expect(&second, " id=");
	peer_connect(&third, &rig, port);
	peer_expect(&third, "<resource-constraint");
	peer_expect_end(&third);
	assert_int_equal(rig.router->links->refused_count, 1);
	peer_close(&third);
	/* one goes, one may come */
	peer_close(&first);
	rig_settle(&rig);
	peer_attach(&third, &rig, port, "a.test", "s3cret");
	peer_close(&second);
	peer_close(&third);
	rig_stop(&rig);
}

/* Connects from another loopback address. */
static void connect_from(struct peer *peer, uint32_t address)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };
	struct sockaddr_in to = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		                  .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	peer_take(peer, &rig, fd);
}

static void test_one_address_keeps_nobody_out(void **state)
{
	static struct peer crowd[4], other, another;

	(void)state;
	start(10000, 4);
	for (size_t i = 0; i < FW_COUNT(crowd); i++) {
		peer_connect(&crowd[i], &rig, port);
		peer_open(&crowd[i], "a.test");
		peer_expect(&crowd[i], " id=");
	}
	connect_from(&other, INADDR_LOOPBACK + 1);
	peer_expect_end(&crowd[0]); /* the oldest */
	peer_prove(&other, "a.test", "s3cret");
	peer_expect(&other, "<handshake/>");
	peer_close(&other);
	/* the crowd gets one place more, as there is one, and then none */
	peer_close(&crowd[0]);
	peer_connect(&crowd[0], &rig, port);
	peer_open(&crowd[0], "a.test");
	peer_expect(&crowd[0], " id=");
	peer_connect(&another, &rig, port);
	peer_expect(&another, "<resource-constraint");
	peer_expect_end(&another);
	assert_int_equal(rig.router->links->refused_count, 2);
	peer_close(&another);
	for (size_t i = 0; i < FW_COUNT(crowd); i++) {
		peer_close(&crowd[i]);
	}
	rig_stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_hash_in_upper_case),
		cmocka_unit_test(test_good_secret_is_let_in),
		cmocka_unit_test(test_header_cut_at_every_byte),
		cmocka_unit_test(test_header_truncated_at_every_byte),
		cmocka_unit_test(test_handshake_byte_by_byte),
		cmocka_unit_test(test_silence_is_not_waited_for),
		cmocka_unit_test(test_unauthenticated_links_are_capped),
		cmocka_unit_test(test_one_address_keeps_nobody_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
