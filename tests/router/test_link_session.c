/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * XEP-0198 on links with a raw peer: counts, custody, resumption, ends. Every test ends with a
 * ledger that balances.
 */
#include "tests/router/link_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct rig rig;
static struct peer a, b, c, d;
static uint16_t port;

static void start(const char *more)
{
	port = rig_free_port();
	b.fd = c.fd = d.fd = -1;
	link_rig_forget();
	rig_start(&rig,
	          "realm = \"test-realm\"; control_socket = \"%s\"; log_level = \"error\";"
	          "listen = ( { address = \"127.0.0.1\"; port = %u; } );"
	          "links = ( { name = \"a.test\"; secret = \"s-a\"; } ); %s",
	          rig_new_socket(), port, more);
	peer_attach(&a, &rig, port, "a.test", "s-a");
}

static void stop(void)
{
	peer_close(&a);
	peer_close(&b);
	peer_close(&c);
	peer_close(&d);
	rig_stop(&rig);
}

static void send_from_a(int first, int last)
{
	for (int i = first; i <= last; i++) {
		peer_send(&a, "<message from='x@a.test' to='y@b.test' id='m%d'/>", i);
	}
}

static uint64_t exits(enum fw_exit exit)
{
	return rig.router->total->exits[exit];
}

struct exits_wanted {
	enum fw_exit exit;
	uint64_t count;
};

static bool exits_are(void *ctx)
{
	const struct exits_wanted *wanted = ctx;

	return exits(wanted->exit) >= wanted->count;
}

static void expect_exits(enum fw_exit exit, uint64_t count)
{
	struct exits_wanted wanted = { exit, count };

	rig_until(&rig, exits_are, &wanted, fw_exit_name(exit));
	assert_int_equal(exits(exit), count);
}

/* ---- counting ---- */

static void test_written_is_kept_until_acknowledged(void **state)
{
	(void)state;
	start("");
	(void)link_rig_enable(&rig, &b, &link_rig_kind2, "b.test", "b.test", NULL);
	send_from_a(1, 5);
	peer_expect(&b, "id='m5'");
	rig_settle(&rig);
	assert_int_equal(rig.router->total->in_flight, 5);
	peer_send(&b, "<a " SM " h='3'/>");
	expect_exits(FW_EXIT_ACKNOWLEDGED, 3);
	peer_send(&b, "<a " SM " h='5'/>");
	expect_exits(FW_EXIT_ACKNOWLEDGED, 5);
	assert_int_equal(rig.router->total->in_flight, 0);
	stop();
}

static void test_count_is_by_custody(void **state)
{
	(void)state;
	start("");
	(void)link_rig_enable(&rig, &b, &link_rig_kind2, "b.test", "b.test", NULL);
	(void)link_rig_enable(&rig, &c, &link_rig_kind2, "c.test", "c.test", NULL);
	/* to c, who does not acknowledge yet; then to a, who takes at once */
	peer_send(&b, "<message from='y@b.test' to='c.test' id='1'/>"
	              "<message from='y@b.test' to='x@a.test' id='2'/><r " SM "/>");
	peer_expect(&a, "id='2'");
	peer_expect(&c, "id='1'");
	peer_expect(&b, "<a " SM " h='0'/>");
	peer_forget(&b);
	peer_send(&c, "<a " SM " h='1'/>");
	peer_expect(&b, "<a " SM " h='2'/>");
	stop();
}

static void test_routers_hear_what_left_out_of_order(void **state)
{
	(void)state;
	start("");
	(void)link_rig_enable(&rig, &b, &link_rig_kind3, "far", "b.test", NULL);
	(void)link_rig_enable(&rig, &c, &link_rig_kind2, "c.test", "c.test", NULL);
	peer_send(&b, "<message from='y@b.test' to='c.test' id='1'/>"
	              "<message from='y@b.test' to='x@a.test' id='2'/>"
	              "<message from='y@b.test' to='x@a.test' id='3'/>"
	              "<message from='y@b.test' to='c.test' id='4'/>"
	              "<message from='y@b.test' to='x@a.test' id='5'/>");
	peer_expect(&b, "<left xmlns='urn:fedway:link:1' h='0' s='2-3 5'/>");
	assert_int_equal(peer_count(&b, "<a "), 0);
	peer_send(&c, "<a " SM " h='1'/>");
	peer_expect(&b, "<a " SM " h='3'/>");
	peer_send(&c, "<a " SM " h='2'/>");
	peer_expect(&b, "<a " SM " h='5'/>");
	assert_int_equal(peer_count(&b, "<left "), 1);
	/* and the same from them */
	send_from_a(1, 6);
	peer_expect(&b, "id='m6'");
	peer_send(&b, "<left xmlns='urn:fedway:link:1' h='0' s='2 4-5'/>");
	expect_exits(FW_EXIT_ACKNOWLEDGED, 2 + 3);
	peer_send(&b, "<a " SM " h='5'/><left xmlns='urn:fedway:link:1' h='5' s='1'/>");
	expect_exits(FW_EXIT_ACKNOWLEDGED, 2 + 6);
	peer_send(&b, "<a " SM " h='6'/>");
	stop();
}

static const char *const impossible[] = {
	"<a " SM " h='2'/>",
	"<a " SM " h='4294967295'/>",
	"<a " SM " h='many'/>",
	"<a " SM "/>",
	"<left xmlns='urn:fedway:link:1' h='0' s='2'/>",
	"<left xmlns='urn:fedway:link:1' h='0' s='1-2'/>",
	"<left xmlns='urn:fedway:link:1' h='0' s='0'/>",
	"<left xmlns='urn:fedway:link:1' h='0' s='1-'/>",
	"<left xmlns='urn:fedway:link:1' h='0' s='-1'/>",
	"<left xmlns='urn:fedway:link:1' h='9' s='1'/>",
	"<left xmlns='urn:fedway:link:1' s='1'/>",
};

/* A count that cannot be ends the link; what it had goes back, once. */
static void test_impossible_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(impossible); i++) {
		print_message("%s\n", impossible[i]);
		start("");
		(void)link_rig_enable(&rig, &b, &link_rig_kind3, "far", "b.test", NULL);
		send_from_a(1, 1);
		peer_expect(&b, "id='m1'");
		peer_send(&b, "%s", impossible[i]);
		peer_expect(&b, "</stream:stream>");
		peer_expect(&a, "type='error'");
		assert_int_equal(link_rig_seen.ended, 1);
		peer_forget(&a);
		stop();
	}
	assert_true(peer_has(&b, "<handled-count-too-high xmlns='urn:xmpp:sm:3' h='0' "
	                         "send-count='1'/>"));
}

static void test_only_so_much_unacknowledged(void **state)
{
	(void)state;
	start("link_unacknowledged_max_stanzas = 3;");
	(void)link_rig_enable(&rig, &b, &link_rig_kind2, "b.test", "b.test", NULL);
	send_from_a(1, 4);
	peer_expect(&a, "queue-full");
	assert_true(peer_has(&a, "id='m4'"));
	peer_expect(&b, "id='m3'");
	peer_send(&b, "<a " SM " h='3'/>");
	expect_exits(FW_EXIT_ACKNOWLEDGED, 3);
	send_from_a(5, 5);
	peer_expect(&b, "id='m5'");
	assert_false(peer_has(&b, "id='m4'"));
	peer_send(&b, "<a " SM " h='4'/>");
	stop();
}

/* ---- resumption ---- */

static void test_resume_sends_what_the_peer_has_not(void **state)
{
	char id[LINK_SESSION_ID_SIZE];

	(void)state;
	start("");
	struct link *link = link_rig_enable(&rig, &b, &link_rig_kind2, "b.test", "b.test", id);
	peer_send(&b, "<message from='y@b.test' to='x@a.test' id='up1'/>");
	peer_expect(&a, "id='up1'");
	send_from_a(1, 4);
	peer_expect(&b, "id='m4'");
	peer_close(&b);
	link_rig_state(&rig, link, LINK_SUSPENDED);
	assert_int_equal(link_rig_seen.suspended, 1);
	send_from_a(5, 6); /* nobody else holds the name: they wait */
	(void)link_rig_attach(&rig, &c, &link_rig_kind2, "b.test", "b.test", false);
	peer_send(&c, "<resume " SM " previd='%s' h='0'/>", id);
	peer_expect(&c, "id='m6'");
	assert_true(peer_has(&c, "<resumed " SM " previd="));
	assert_true(peer_has(&c, "h='1'/>"));
	assert_int_equal(peer_count(&c, "<message"), 6);
	assert_int_equal(link_rig_seen.resumed, 1);
	assert_int_equal(link_rig_seen.started, 1);
	assert_int_equal(rig.router->links->link_count, 2);
	/* again, over the connection that still looks alive; it has had five */
	(void)link_rig_attach(&rig, &d, &link_rig_kind2, "b.test", "b.test", false);
	peer_send(&d, "<resume " SM " previd='%s' h='5'/>", id);
	peer_expect(&d, "id='m6'");
	peer_expect(&c, "<conflict");
	assert_int_equal(peer_count(&d, "<message"), 1);
	assert_int_equal(exits(FW_EXIT_ACKNOWLEDGED), 0);
	peer_send(&d, "<a " SM " h='6'/>");
	expect_exits(FW_EXIT_ACKNOWLEDGED, 6);
	stop();
}

static void test_resume_is_refused(void **state)
{
	char id[LINK_SESSION_ID_SIZE];

	(void)state;
	start("");
	struct link *link = link_rig_enable(&rig, &b, &link_rig_kind2, "b.test", "b.test", id);
	send_from_a(1, 1);
	peer_expect(&b, "id='m1'");
	/* another identity, an id that is not, a count that cannot be */
	(void)link_rig_attach(&rig, &c, &link_rig_kind2, "c.test", "c.test", false);
	peer_send(&c, "<resume " SM " previd='%s' h='0'/>", id);
	peer_expect(&c, "<failed " SM "><item-not-found");
	peer_forget(&c);
	peer_send(&c, "<enable " SM "/>");
	peer_expect(&c, "<enabled " SM "/>");
	peer_send(&c, "<resume " SM " previd='%s' h='0'/>", id);
	peer_expect(&c, "<failed " SM "><unexpected-request");
	(void)link_rig_attach(&rig, &d, &link_rig_kind2, "b.test", NULL, false);
	peer_send(&d, "<resume " SM " previd='x%s' h='0'/>", id + 1);
	peer_expect(&d, "<item-not-found");
	peer_forget(&d);
	peer_send(&d, "<resume " SM " previd='%s' h='2'/>", id);
	peer_expect(&d, "<item-not-found");
	peer_forget(&d);
	peer_send(&d, "<resume " SM " previd='%s'/>", id);
	peer_expect(&d, "<item-not-found");
	assert_int_equal(link->state, LINK_UP);
	peer_send(&b, "<a " SM " h='1'/>");
	expect_exits(FW_EXIT_ACKNOWLEDGED, 1);
	stop();
}

/* ---- the end of a session ---- */

static void test_not_resumed(void **state)
{
	(void)state;
	start("link_resume_window_s = 1;");
	struct link *link = link_rig_enable(&rig, &b, &link_rig_kind2, "b.test", "b.test", NULL);
	send_from_a(1, 1);
	peer_send(&a, "<iq from='x@a.test' to='y@b.test' id='q' type='get'><q xmlns='u:q'/></iq>"
	              "<iq from='x@a.test' to='y@b.test' id='s' type='result'/>");
	peer_expect(&b, "id='s'");
	peer_close(&b);
	link_rig_state(&rig, link, LINK_SUSPENDED);
	expect_exits(FW_EXIT_BOUNCED, 2);
	assert_int_equal(rig.router->total->causes[FW_CAUSE_NOT_RESUMED], 2);
	peer_expect(&a, "id='q'");
	assert_true(peer_has(&a, "not-resumed"));
	assert_int_equal(link_rig_seen.ended, 1);
	assert_int_equal(link_rig_seen.cause, FW_CAUSE_NOT_RESUMED);
	assert_int_equal(exits(FW_EXIT_DROPPED), 1);
	stop();
}

/* Somebody else holds the name: messages go there, requests go back. */
static void test_another_holder_takes_over(void **state)
{
	(void)state;
	start("link_reroute_after_s = 1;");
	struct fw_error err = { 0 };
	struct link *link = link_rig_enable(&rig, &b, &link_rig_kind2, "b1", "b.test", NULL);
	/* a name that nobody else holds, and for which nothing waits, is in nobody's way */
	assert_int_equal(component_bind(link->component, "only.b1.test", &err), FW_OK);
	send_from_a(1, 2);
	peer_send(&a, "<iq from='x@a.test' to='y@b.test' id='q' type='get'><q xmlns='u:q'/></iq>");
	peer_expect(&b, "id='q'");
	(void)link_rig_enable(&rig, &c, &link_rig_kind2, "b2", "b.test", NULL);
	peer_close(&b);
	link_rig_state(&rig, link, LINK_SUSPENDED);
	send_from_a(3, 4); /* at once */
	peer_expect(&c, "id='m4'");
	peer_expect(&c, "id='m2'");
	assert_true(strstr(c.text, "id='m4'") < strstr(c.text, "id='m1'"));
	assert_int_equal(peer_count(&c, "<message"), 4);
	peer_expect(&a, "not-resumed");
	assert_int_equal(peer_count(&a, "type='error'"), 1);
	peer_send(&c, "<a " SM " h='4'/>");
	stop();
}

/* It comes back and knows nothing of before: the new session gets what the old one held. */
static void test_peer_begins_anew(void **state)
{
	char id[LINK_SESSION_ID_SIZE];

	(void)state;
	start("link_reroute_after_s = 1;");
	struct link *link = link_rig_enable(&rig, &b, &link_rig_kind2, "b.test", "b.test", id);
	send_from_a(1, 2);
	peer_expect(&b, "id='m2'");
	/* the old connection is still up: its place is taken */
	(void)link_rig_enable(&rig, &c, &link_rig_kind2, "b.test", "b.test", NULL);
	peer_expect(&b, "<conflict");
	assert_int_equal(link->state, LINK_SUSPENDED);
	peer_expect(&c, "id='m2'");
	assert_int_equal(peer_count(&c, "<message"), 2);
	assert_int_equal(link_rig_seen.cause, FW_CAUSE_LINK_LOST);
	peer_send(&c, "<a " SM " h='2'/>");
	stop();
}

/* A footer ends the session for good: nothing to come back to. */
static void test_a_footer_ends_it(void **state)
{
	(void)state;
	start("");
	(void)link_rig_enable(&rig, &b, &link_rig_kind2, "b.test", "b.test", NULL);
	send_from_a(1, 1);
	peer_expect(&b, "id='m1'");
	peer_send(&b, "<message from='y@b.test' to='x@a.test' id='last'/></stream:stream>");
	peer_expect(&b, "</stream:stream>");
	peer_close(&b);
	peer_expect(&a, "link-lost");
	assert_true(peer_has(&a, "id='last'"));
	assert_int_equal(link_rig_seen.suspended, 0);
	stop();
}

static void test_silent_peer(void **state)
{
	(void)state;
	start("link_ping_s = 1; link_dead_s = 2; link_resume_window_s = 1;");
	struct link *link = link_rig_enable(&rig, &b, &link_rig_kind2, "b.test", "b.test", NULL);
	uint64_t began = fw_now_ms(rig.loop);
	peer_expect(&b, "<r " SM "/>");
	peer_send(&b, "<a " SM " h='0'/>");
	peer_forget(&b);
	peer_expect(&b, "<r " SM "/>");
	link_rig_state(&rig, link, LINK_SUSPENDED);
	assert_true(fw_now_ms(rig.loop) - began >= 2500); /* on a busy machine it may be later */
	assert_int_equal(link_rig_seen.ended, 0);
	stop();
}

/* ---- our side has dialled ---- */

static struct link *dial(struct peer *peer)
{
	return link_rig_attach(&rig, peer, &link_rig_kind3, "far", "b.test", true);
}

static void test_dialled_resumes_or_begins_anew(void **state)
{
	(void)state;
	start("link_reroute_after_s = 1;");
	struct link *link = dial(&b);
	peer_expect(&b, "<enable " SM " resume='true' max='60'/>");
	peer_send(&b, "<enabled " SM " id='it&apos;s' resume='true' max='30'/>");
	peer_send(&b, "<message from='y@b.test' to='x@a.test' id='up1'/>");
	peer_expect(&a, "id='up1'");
	send_from_a(1, 3);
	peer_expect(&b, "id='m3'");
	peer_close(&b);
	link_rig_state(&rig, link, LINK_SUSPENDED);
	assert_ptr_equal(dial(&c), link);
	peer_expect(&c, "<resume " SM " previd='it&apos;s' h='1'/>");
	peer_send(&c, "<resumed " SM " previd='it&apos;s' h='2'/>");
	peer_expect(&c, "id='m3'");
	assert_int_equal(peer_count(&c, "<message"), 1);
	peer_close(&c);
	link_rig_state(&rig, link, LINK_SUSPENDED);
	/* the next time the peer knows nothing any more: all that it had not acknowledged comes
	 * again */
	assert_ptr_equal(dial(&d), link);
	peer_expect(&d, "<resume " SM " previd='it&apos;s' h='1'/>");
	peer_send(&d, "<failed " SM " h='1'><item-not-found/></failed>");
	peer_expect(&d, "<enable " SM);
	peer_send(&d, "<enabled " SM "/>");
	peer_expect(&d, "id='m3'");
	assert_int_equal(peer_count(&d, "<message"), 2);
	assert_int_equal(link_rig_seen.started, 2);
	assert_int_equal(link_rig_seen.ended, 1);
	peer_send(&d, "<a " SM " h='2'/>");
	expect_exits(FW_EXIT_ACKNOWLEDGED, 3);
	stop();
}

static void test_resumed_with_a_count_that_cannot_be(void **state)
{
	(void)state;
	start("");
	struct link *link = dial(&b);
	peer_send(&b, "<enabled " SM " id='x' resume='true'/>");
	send_from_a(1, 1);
	peer_expect(&b, "id='m1'");
	peer_close(&b);
	link_rig_state(&rig, link, LINK_SUSPENDED);
	(void)dial(&c);
	peer_send(&c, "<resumed " SM " previd='x' h='2'/>");
	peer_expect(&c, "</stream:stream>");
	peer_expect(&a, "handled-count-too-high");
	stop();
}

/* ---- our side stops ---- */

static bool drained;

static void on_drained(void *ctx)
{
	(void)ctx;
	drained = true;
}

static void test_drain_waits_for_both_sides(void **state)
{
	(void)state;
	start("");
	(void)link_rig_enable(&rig, &b, &link_rig_kind2, "b.test", "b.test", NULL);
	(void)link_rig_enable(&rig, &c, &link_rig_kind2, "c.test", "c.test", NULL);
	send_from_a(1, 2);
	peer_send(&b, "<message from='y@b.test' to='z@c.test' id='1'/>");
	peer_expect(&c, "id='1'");
	peer_expect(&b, "id='m2'");
	drained = false;
	router_drain(rig.router, on_drained, NULL);
	peer_expect(&b, "<r " SM "/>");
	peer_send(&b, "<a " SM " h='2'/>");
	rig_settle(&rig);
	assert_false(peer_has(&b, "</stream:stream>")); /* it waits for c to take what b has sent */
	peer_send(&c, "<a " SM " h='1'/>");
	peer_expect(&b, "<a " SM " h='1'/>");
	peer_expect(&b, "</stream:stream>");
	assert_true(strstr(b.text, "<a ") < strstr(b.text, "</stream:stream>"));
	stop();
}

static bool is_drained(void *ctx)
{
	(void)ctx;
	return drained;
}

/* Nobody comes back to a router that stops. */
static void test_drain_while_suspended(void **state)
{
	(void)state;
	start("");
	struct link *link = link_rig_enable(&rig, &b, &link_rig_kind2, "b.test", "b.test", NULL);
	send_from_a(1, 2);
	peer_expect(&b, "id='m2'");
	peer_close(&b);
	link_rig_state(&rig, link, LINK_SUSPENDED);
	drained = false;
	router_drain(rig.router, on_drained, NULL);
	peer_send(&a, "</stream:stream>");
	rig_until(&rig, is_drained, NULL, "the end of the drain");
	assert_int_equal(rig.router->total->causes[FW_CAUSE_SHUTDOWN], 2);
	assert_int_equal(link_rig_seen.cause, FW_CAUSE_SHUTDOWN);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_is_kept_until_acknowledged),
		cmocka_unit_test(test_count_is_by_custody),
		cmocka_unit_test(test_routers_hear_what_left_out_of_order),
		cmocka_unit_test(test_impossible_counts),
		cmocka_unit_test(test_only_so_much_unacknowledged),
		cmocka_unit_test(test_resume_sends_what_the_peer_has_not),
		cmocka_unit_test(test_resume_is_refused),
		cmocka_unit_test(test_not_resumed),
		cmocka_unit_test(test_another_holder_takes_over),
		cmocka_unit_test(test_peer_begins_anew),
		cmocka_unit_test(test_a_footer_ends_it),
		cmocka_unit_test(test_silent_peer),
		cmocka_unit_test(test_dialled_resumes_or_begins_anew),
		cmocka_unit_test(test_resumed_with_a_count_that_cannot_be),
		cmocka_unit_test(test_drain_waits_for_both_sides),
		cmocka_unit_test(test_drain_while_suspended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
