/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Links that are up: stanzas, queues, conflicts and ends. Every test ends with a ledger that
 * balances.
 */
#include "tests/router/attach_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "router/link.h"

static struct rig rig;
static struct peer a, b, c;
static uint16_t port;

static void start(const char *conflict, unsigned queue_max)
{
	port = rig_free_port();
	rig_start(&rig,
	          "realm = \"test-realm\"; control_socket = \"%s\"; "
	          "log_level = \"error\";"
	          "listen = ( { address = \"127.0.0.1\"; port = %u; } );"
	          "link_queue_max_stanzas = %u;"
	          "links = ( { name = \"a.test\"; secret = \"s-a\"; },"
	          "          { name = \"b.test\"; secret = \"s-b\"; conflict = \"%s\"; domains = [ "
	          "\"*.b.test\", "
	          "\"other.test\" ]; } );",
	          rig_new_socket(), port, queue_max, conflict);
}

static bool links_are(void *ctx)
{
	return rig.router->links->link_count == *(const unsigned *)ctx;
}

static void expect_links(unsigned count)
{
	rig_until(&rig, links_are, &count, "the number of links");
}

static void test_stanzas_pass_in_order(void **state)
{
	(void)state;
	start("refuse", 10000);
	peer_attach(&a, &rig, port, "a.test", "s-a");
	peer_attach(&b, &rig, port, "b.test", "s-b");
	for (int i = 0; i < 200; i++) {
		peer_send(&a,
		          "<message from='x@a.test' to='y@b.test' "
		          "id='m%d'><body>&lt;%d&gt;</body></message>",
		          i, i);
	}
	peer_expect(&b, "id='m199'><body>&lt;199&gt;</body></message>");
	const char *at = b.text;
	for (int i = 0; i < 200; i++) {
		char id[32];
		(void)snprintf(id, sizeof(id), "id='m%d'", i);
		at = strstr(at, id);
		assert_non_null(at);
	}
	assert_int_equal(peer_count(&b, "<message"), 200);
	/* all its domains, and back */
	peer_send(&a, "<message from='a.test' to='deep.b.test' id='d1'/><message from='a.test' "
	              "to='other.test' id='d2'/>");
	peer_expect(&b, "id='d2'");
	assert_true(peer_has(&b, "id='d1'"));
	peer_send(&b, "<message from='deep.b.test' to='x@a.test' id='d3'/>");
	peer_expect(&a, "id='d3'");
	assert_int_equal(rig.router->total->exits[FW_EXIT_DELIVERED], 203);
	peer_close(&a);
	peer_close(&b);
	expect_links(0);
	rig_stop(&rig);
}

static const struct {
	const char *sentence, *sent, *answer; /* answer NULL: none, but the link stays */
	enum fw_cause cause;                  /* counted; FW_CAUSE_NONE: enters no ledger */
} bad[] = {
	{ "no addressee", "<message from='x@a.test' id='1'/>", "<jid-malformed",
	  FW_CAUSE_IMPROPER_ADDRESSING },
	{ "no sender", "<message to='x@b.test' id='2'/>", "to='a.test'",
	  FW_CAUSE_IMPROPER_ADDRESSING },
	{ "foreign sender", "<message from='x@c.test' to='x@b.test' id='3'/>", "to='a.test'",
	  FW_CAUSE_FOREIGN_SENDER },
	{ "nobody there", "<message from='x@a.test' to='x@nowhere.test' id='4'/>",
	  "<service-unavailable", FW_CAUSE_NO_ROUTE },
	{ "iq without id", "<iq from='x@a.test' to='x@b.test' type='get'><q xmlns='u:x'/></iq>",
	  "<bad-request", FW_CAUSE_BAD_STANZA },
	{ "no stanza at all", "<nonsense xmlns='urn:x'/>", NULL, FW_CAUSE_NONE },
};

/* One bad stanza costs the stanza, not the link. */
static void test_bad_stanza_keeps_the_link(void **state)
{
	(void)state;
	start("refuse", 10000);
	peer_attach(&a, &rig, port, "a.test", "s-a");
	peer_attach(&b, &rig, port, "b.test", "s-b");
	for (size_t i = 0; i < FW_COUNT(bad); i++) {
		uint64_t before = rig.router->total->causes[bad[i].cause];
		print_message("%s\n", bad[i].sentence);
		peer_send(&a, "%s<message from='a.test' to='b.test' id='alive-%zu'/>", bad[i].sent,
		          i);
		char alive[32];
		(void)snprintf(alive, sizeof(alive), "alive-%zu", i);
		peer_expect(&b, alive);
		if (bad[i].answer != NULL) {
			peer_expect(&a, bad[i].answer);
			assert_true(peer_has(&a, fw_cause_row(bad[i].cause)->name));
		} else {
			assert_int_equal(a.len, 0);
		}
		if (bad[i].cause != FW_CAUSE_NONE) {
			assert_int_equal(rig.router->total->causes[bad[i].cause], before + 1);
		}
		assert_int_equal(peer_count(&b, "<message"), 1);
		peer_forget(&a);
		peer_forget(&b);
	}
	assert_int_equal(rig.router->links->link_count, 2);
	peer_close(&a);
	peer_close(&b);
	rig_stop(&rig);
}

static void test_conflict_refuse(void **state)
{
	(void)state;
	start("refuse", 10000);
	peer_attach(&b, &rig, port, "b.test", "s-b");
	peer_connect(&c, &rig, port);
	peer_prove(&c, "b.test", "s-b");
	peer_expect(&c, "<conflict");
	peer_expect_end(&c);
	assert_false(peer_has(&c, "<handshake/>"));
	peer_close(&c);
	/* the first one never noticed */
	peer_attach(&a, &rig, port, "a.test", "s-a");
	peer_send(&a, "<message from='a.test' to='b.test' id='1'/>");
	peer_expect(&b, "id='1'");
	/* once it is gone, the name is free */
	peer_close(&b);
	expect_links(1);
	peer_attach(&c, &rig, port, "b.test", "s-b");
	peer_close(&a);
	peer_close(&c);
	rig_stop(&rig);
}

/* Not even a thief of the name learns that it is held before it has proved itself. */
static void test_conflict_is_told_after_the_proof(void **state)
{
	(void)state;
	start("refuse", 10000);
	peer_attach(&b, &rig, port, "b.test", "s-b");
	peer_connect(&c, &rig, port);
	peer_prove(&c, "b.test", "wrong");
	peer_expect(&c, "<not-authorized");
	assert_false(peer_has(&c, "<conflict"));
	peer_close(&b);
	peer_close(&c);
	rig_stop(&rig);
}

static void test_conflict_replace(void **state)
{
	(void)state;
	start("replace", 10000);
	peer_attach(&a, &rig, port, "a.test", "s-a");
	peer_attach(&b, &rig, port, "b.test", "s-b");
	peer_connect(&c, &rig, port);
	peer_prove(&c, "b.test", "wrong");
	peer_expect(&c, "<not-authorized");
	peer_close(&c);
	peer_attach(&c, &rig, port, "b.test", "s-b");
	peer_expect(&b, "<conflict");
	peer_expect(&b, "</stream:stream>");
	peer_send(&a, "<message from='a.test' to='x.b.test' id='1'/>");
	peer_expect(&c, "id='1'");
	assert_false(peer_has(&b, "id='1'"));
	peer_close(&b);
	expect_links(2);
	peer_close(&a);
	peer_close(&c);
	rig_stop(&rig);
}

static void test_conflict_share(void **state)
{
	(void)state;
	start("share", 10000);
	peer_attach(&a, &rig, port, "a.test", "s-a");
	peer_attach(&b, &rig, port, "b.test", "s-b");
	peer_attach(&c, &rig, port, "b.test", "s-b");
	for (int i = 0; i < 200; i++) {
		peer_send(&a, "<message from='u%d@a.test' to='b.test' id='s%d'/>", i, i);
	}
	peer_send(&a, "<message from='a.test' to='a.test' id='last'/>");
	peer_expect(&a, "id='last'");
	rig_settle(&rig);
	peer_expect(&b, "<message");
	peer_expect(&c, "<message");
	assert_int_equal(peer_count(&b, "<message") + peer_count(&c, "<message"), 200);
	/* one goes, the other takes all */
	peer_close(&b);
	expect_links(2);
	peer_forget(&c);
	for (int i = 0; i < 20; i++) {
		peer_send(&a, "<message from='u%d@a.test' to='b.test' id='t%d'/>", i, i);
	}
	peer_expect(&c, "id='t19'");
	assert_int_equal(peer_count(&c, "<message"), 20);
	peer_close(&a);
	peer_close(&c);
	rig_stop(&rig);
}

/* Fills the way to a peer that does not read: the socket's buffers first, then our queue. */
static void fill(int count)
{
	static char body[8192];

	memset(body, 'x', sizeof(body) - 1);
	for (int i = 0; i < count; i++) {
		peer_send(&a,
		          "<message from='x@a.test' to='b.test' id='q%d'><body>%s</body></message>",
		          i, body);
		fw_loop_turn(rig.loop, false);
	}
	rig_settle(&rig);
}

static void test_full_queue_is_told_to_the_sender(void **state)
{
	(void)state;
	start("refuse", 10);
	peer_attach(&a, &rig, port, "a.test", "s-a");
	peer_attach(&b, &rig, port, "b.test", "s-b");
	fill(1500);
	peer_expect(&a, "name='queue-full'");
	assert_true(peer_has(&a, "<resource-constraint"));
	assert_true(rig.router->total->causes[FW_CAUSE_QUEUE_FULL] > 0);
	peer_close(&a);
	peer_close(&b);
	expect_links(0);
	rig_stop(&rig);
}

/* What was not written goes back, with the reason; what was written does not. */
static void test_queue_of_a_lost_link_bounces(void **state)
{
	(void)state;
	start("refuse", 10000);
	peer_attach(&a, &rig, port, "a.test", "s-a");
	peer_attach(&b, &rig, port, "b.test", "s-b");
	fill(1500);
	uint64_t waiting = rig.router->total->in_flight;
	assert_true(waiting > 100);
	peer_close(&b);
	expect_links(1);
	peer_expect(&a, "name='component-gone'");
	assert_in_range(rig.router->total->causes[FW_CAUSE_COMPONENT_GONE], waiting - 1, waiting);
	assert_int_equal(rig.router->total->causes[FW_CAUSE_QUEUE_FULL], 0);
	peer_close(&a);
	expect_links(0);
	rig_stop(&rig);
}

static void test_queue_of_a_replaced_link_bounces(void **state)
{
	(void)state;
	start("replace", 10000);
	peer_attach(&a, &rig, port, "a.test", "s-a");
	peer_attach(&b, &rig, port, "b.test", "s-b");
	fill(1500);
	peer_attach(&c, &rig, port, "b.test", "s-b");
	peer_expect(&a, "name='replaced'");
	assert_true(rig.router->total->causes[FW_CAUSE_REPLACED] > 0);
	peer_close(&b);
	peer_close(&a);
	peer_close(&c);
	expect_links(0);
	rig_stop(&rig);
}

static void test_peer_that_says_goodbye(void **state)
{
	(void)state;
	start("refuse", 10000);
	peer_attach(&a, &rig, port, "a.test", "s-a");
	peer_send(&a, "<message from='a.test' to='a.test' id='1'/></stream:stream>");
	peer_expect(&a, "</stream:stream>");
	peer_expect_end(&a);
	assert_false(peer_has(&a, "stream:error"));
	expect_links(0);
	peer_close(&a);
	rig_stop(&rig);
}

/* A stanza cut off anywhere ends the link, and nothing of it is delivered. */
static void test_stanza_truncated_at_every_byte(void **state)
{
	static const char text[] =
	        "<message from='x@a.test' to='b.test'><body>&amp;</body></message>";

	(void)state;
	start("refuse", 10000);
	peer_attach(&b, &rig, port, "b.test", "s-b");
	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		peer_attach(&a, &rig, port, "a.test", "s-a");
		peer_send_bytes(&a, text, cut);
		peer_close(&a);
		expect_links(1);
	}
	peer_attach(&a, &rig, port, "a.test", "s-a");
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		peer_send_bytes(&a, &text[i], 1);
		rig_settle(&rig);
	}
	peer_expect(&b, "</message>");
	assert_int_equal(peer_count(&b, "<message"), 1);
	peer_close(&a);
	peer_close(&b);
	rig_stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stanzas_pass_in_order),
		cmocka_unit_test(test_bad_stanza_keeps_the_link),
		cmocka_unit_test(test_conflict_refuse),
		cmocka_unit_test(test_conflict_is_told_after_the_proof),
		cmocka_unit_test(test_conflict_replace),
		cmocka_unit_test(test_conflict_share),
		cmocka_unit_test(test_full_queue_is_told_to_the_sender),
		cmocka_unit_test(test_queue_of_a_lost_link_bounces),
		cmocka_unit_test(test_queue_of_a_replaced_link_bounces),
		cmocka_unit_test(test_peer_that_says_goodbye),
		cmocka_unit_test(test_stanza_truncated_at_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
