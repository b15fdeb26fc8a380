/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Attach dialect 2 after the proof: names that may be bound and those that may not, stanzas to and
 * from bound names, what is given back, limits, and what a reload takes away.
 */
#include "tests/router/attach_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "router/link.h"

#define BIND "<bind xmlns='urn:fedway:link:1' name='%s'/>"
#define UNBIND "<unbind xmlns='urn:fedway:link:1' name='%s'/>"

static struct rig rig;
static uint16_t port;

#define CONFIG(domains) \
	"realm = \"test-realm\"; control_socket = \"%s\"; log_level = \"error\";" \
	"listen = ( { address = \"127.0.0.1\"; port = %u; } ); link_binds_max = 4; " \
	"link_suspended_max = 2;" \
	"link_queue_max_stanzas = 100; link_unacknowledged_max_stanzas = 100;" \
	"links = ( { name = \"many.test\"; secret = \"s\"; conflict = \"share\";" \
	"            domains = ( " domains " ); }," \
	"          { name = \"old.test\"; secret = \"s\"; }," \
	"          { name = \"world.test\"; secret = \"s\"; domains = ( \"*\" ); } );"
#define ALL \
	"\"one.test\", \"*.below.test\", \"b\xc3\xbc" \
	"cher.test\""

static void start(struct peer *many)
{
	port = rig_free_port();
	rig_start(&rig, CONFIG(ALL), rig_new_socket(), port);
	peer_attach_sasl(many, &rig, port, "many.test", "s");
}

/* <bound/> or <unbound/> */
static void expect_word(struct peer *peer, const char *word, const char *name)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "<%s xmlns='urn:fedway:link:1' name='%s'/>", word, name);
	peer_expect(peer, text);
	peer_forget(peer);
}

static void bind_name(struct peer *peer, const char *name)
{
	peer_send(peer, BIND, name);
	expect_word(peer, "bound", name);
}

static const struct {
	const char *name, *condition, *cause; /* NULL: it is bound */
} rights[] = {
	{ "many.test", NULL, NULL },
	{ "MANY.test", NULL, NULL }, /* the same */
	{ "one.test", NULL, NULL },
	{ "x.below.test", NULL, NULL },
	{ "*.y.below.test", NULL, NULL },
	{ "below.test", "not-allowed", "bind-denied" }, /* the pattern is about what is below */
	{ "xbelow.test", "not-allowed", "bind-denied" },
	{ "sub.one.test", "not-allowed", "bind-denied" },
	{ "*.one.test", "not-allowed", "bind-denied" },
	{ "old.test", "not-allowed", "bind-denied" },
	{ "*", "not-allowed", "bind-denied" },
	{ "*.test", "not-allowed", "bind-denied" },
	{ "test-realm", "not-allowed", "bind-denied" },
	{ "", "jid-malformed", "bad-address" },
	{ "*.", "jid-malformed", "bad-address" },
	{ "user@one.test", "jid-malformed", "bad-address" },
	{ "one.test/x", "jid-malformed", "bad-address" },
	{ "a..b", "jid-malformed", "bad-address" },
	{ "b\xc3\xbc"
	  "cher.test",
	  "resource-constraint", "resource-constraint" }, /* the fifth */
};

static void names_are_bound_by_right(void **state)
{
	struct peer many;
	char text[256];

	(void)state;
	start(&many);
	for (size_t i = 0; i < FW_COUNT(rights); i++) {
		peer_send(&many, BIND, rights[i].name);
		if (rights[i].condition == NULL) {
			expect_word(&many, "bound", rights[i].name);
			continue;
		}
		(void)snprintf(text, sizeof(text),
		               "<refused xmlns='urn:fedway:link:1' of='bind' name='%s'>"
		               "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
		               "<cause xmlns='urn:fedway:cause:1' name='%s'/></refused>",
		               rights[i].name, rights[i].condition, rights[i].cause);
		peer_expect(&many, text);
		peer_forget(&many);
	}
	/* what is given back makes room */
	peer_send(&many, UNBIND, "x.below.test");
	expect_word(&many, "unbound", "x.below.test");
	bind_name(&many, "b\xc3\xbc"
	                 "cher.test");
	peer_close(&many);
	rig_stop(&rig);
}

static void everything_is_no_right_to_anything(void **state)
{
	struct peer world;

	(void)state;
	port = rig_free_port();
	rig_start(&rig, CONFIG(ALL), rig_new_socket(), port);
	peer_attach_sasl(&world, &rig, port, "world.test", "s");
	bind_name(&world, "*");
	peer_send(&world, BIND, "one.test");
	peer_expect(&world, "bind-denied");
	peer_close(&world);
	rig_stop(&rig);
}

static void a_bound_name_is_live_at_once(void **state)
{
	struct peer many, old;

	(void)state;
	start(&many);
	peer_attach(&old, &rig, port, "old.test", "s");
	peer_send(&old, "<message from='x@old.test' to='y@one.test' id='m0'/>");
	peer_expect(&old, "service-unavailable"); /* nobody holds it yet */
	peer_forget(&old);
	bind_name(&many, "one.test");
	peer_send(&old, "<message from='x@old.test' to='y@one.test' id='m1'/>");
	peer_expect(&many, "id='m1'");
	peer_send(&many, "<message from='y@one.test' to='x@old.test' id='m2'/>");
	peer_expect(&old, "id='m2'");
	/* its own name is no name of it before it is bound */
	peer_send(&many, "<message from='y@many.test' to='x@old.test' id='m3'/>");
	peer_expect(&many, "<cause xmlns='urn:fedway:cause:1' name='foreign-sender'/>");
	peer_forget(&many);
	peer_send(&many, UNBIND "<message from='y@one.test' to='x@old.test' id='m4'/>", "one.test");
	peer_expect(&many, "<unbound");
	peer_expect(&many, "foreign-sender");
	peer_forget(&old);
	peer_send(&old, "<message from='x@old.test' to='y@one.test' id='m5'/>");
	peer_expect(&old, "service-unavailable");
	assert_false(peer_has(&many, "m5"));
	peer_close(&old);
	peer_close(&many);
	rig_stop(&rig);
}

static void only_what_is_bound_can_be_given_back(void **state)
{
	struct peer many;

	(void)state;
	start(&many);
	peer_send(&many, UNBIND, "one.test");
	peer_expect(&many, "<refused xmlns='urn:fedway:link:1' of='unbind' name='one.test'>"
	                   "<item-not-found");
	peer_forget(&many);
	peer_send(&many, "<unbind xmlns='urn:fedway:link:1'/>");
	peer_expect(&many, "<jid-malformed");
	peer_forget(&many);
	peer_send(&many, "<bind xmlns='urn:fedway:link:1' name='one.test' credit='many'/>");
	peer_expect(&many, "<bad-request");
	peer_forget(&many);
	peer_send(&many, UNBIND, "one.test"); /* it was not bound by that */
	peer_expect(&many, "<item-not-found");
	peer_close(&many);
	rig_stop(&rig);
}

static void credit_comes_with_the_name(void **state)
{
	struct peer many, old;

	(void)state;
	start(&many);
	peer_attach(&old, &rig, port, "old.test", "s");
	peer_send(&many, "<bind xmlns='urn:fedway:link:1' name='one.test' credit='1'/>");
	expect_word(&many, "bound", "one.test");
	bind_name(&many, "x.below.test");
	peer_send(&old, "<message from='x@old.test' to='y@one.test' id='m1'/>"
	                "<message from='x@old.test' to='y@one.test' id='m2'/>"
	                "<message from='x@old.test' to='y@x.below.test' id='m3'/>");
	peer_expect(&many, "id='m3'"); /* one name does not stall the other */
	assert_true(peer_has(&many, "id='m1'"));
	assert_false(peer_has(&many, "id='m2'"));
	peer_send(&many, "<credit xmlns='urn:fedway:link:1' name='one.test' add='1'/>");
	peer_expect(&many, "id='m2'");
	peer_close(&old);
	peer_close(&many);
	rig_stop(&rig);
}

static void two_links_share_a_name(void **state)
{
	struct peer a, b, old;

	(void)state;
	start(&a);
	peer_attach_sasl(&b, &rig, port, "many.test", "s");
	peer_attach(&old, &rig, port, "old.test", "s");
	bind_name(&a, "one.test");
	bind_name(&b, "one.test");
	for (int i = 0; i < 20; i++) {
		peer_send(&old, "<message from='x%d@old.test' to='y@one.test'/>", i);
	}
	peer_expect(&a, "<message");
	peer_expect(&b, "<message");
	peer_close(&old);
	peer_close(&a);
	peer_close(&b);
	rig_stop(&rig);
}

/* "refuse" is about the row, not about the dialect; the newcomer may look, but not begin. */
static void one_row_is_held_by_one_dialect(void **state)
{
	struct peer old, fresh;

	(void)state;
	port = rig_free_port();
	rig_start(&rig, CONFIG(ALL), rig_new_socket(), port);
	peer_attach(&old, &rig, port, "old.test", "s");
	peer_attach_sasl(&fresh, &rig, port, "old.test", "s");
	peer_send(&fresh, BIND, "old.test");
	peer_expect(&fresh, "<conflict");
	peer_expect_end(&fresh);
	peer_close(&fresh);
	assert_false(old.ended);
	peer_close(&old);
	rig_stop(&rig);
}

static void a_reload_takes_rights_away(void **state)
{
	struct peer many;

	(void)state;
	start(&many);
	bind_name(&many, "one.test");
	bind_name(&many, "x.below.test");
	assert_int_equal(rig_reload(&rig, NULL, CONFIG("\"one.test\""), rig_socket(), port), FW_OK);
	expect_word(&many, "unbound", "x.below.test");
	peer_send(&many, BIND, "x.below.test");
	peer_expect(&many, "bind-denied");
	assert_false(peer_has(&many, "one.test"));
	peer_close(&many);
	rig_stop(&rig);
}

static bool two_are_left(void *ctx)
{
	const struct link *link = rig.router->links->links;
	unsigned suspended = 0;

	(void)ctx;
	for (; link != NULL; link = link->next) {
		suspended += link->state == LINK_SUSPENDED;
	}
	return suspended == 2 && rig.router->links->link_count == 2;
}

/* A row that is shared may open links and cut them as often as it likes. */
static void few_wait_to_be_resumed(void **state)
{
	static struct peer peers[5];
	uint32_t last = 0;

	(void)state;
	start(&peers[0]);
	for (size_t i = 0; i < FW_COUNT(peers); i++) {
		if (i > 0) {
			peer_attach_sasl(&peers[i], &rig, port, "many.test", "s");
		}
		peer_send(&peers[i], "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
		peer_expect(&peers[i], "<enabled");
		last = rig.router->links->links->session;
		peer_close(&peers[i]);
		rig_settle(&rig);
	}
	rig_until(&rig, two_are_left, NULL, "two suspended links");
	assert_int_equal(rig.router->links->links->session, last); /* the newest */
	rig_stop(&rig);
}

/* A peer that asks and asks and reads nothing of what it is told. */
static void answers_that_nobody_reads_end_the_link(void **state)
{
	static char questions[64 * 1024], answer[64 * 1024];
	static struct peer many;
	size_t size = 0, at = 0;
	ssize_t done;

	(void)state;
	start(&many);
	while (size + 64 < sizeof(questions)) {
		size += (size_t)snprintf(questions + size, sizeof(questions) - size, BIND, "x y");
	}
	for (unsigned i = 0; i < 2000 && rig.router->links->links->component != NULL; i++) {
		done = send(many.fd, questions + at, size - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		at = done > 0 ? (at + (size_t)done) % size : at;
		rig_settle(&rig);
	}
	assert_null(rig.router->links->links->component);
	do { /* what was said before, and why it ended */
		memmove(answer, answer + sizeof(answer) / 2, sizeof(answer) / 2);
		done = recv(many.fd, answer + sizeof(answer) / 2, sizeof(answer) / 2, MSG_DONTWAIT);
		rig_settle(&rig);
	} while (done != 0);
	assert_non_null(memmem(answer, sizeof(answer), "<resource-constraint", 20));
	peer_close(&many);
	rig_stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_bound_by_right),
		cmocka_unit_test(everything_is_no_right_to_anything),
		cmocka_unit_test(a_bound_name_is_live_at_once),
		cmocka_unit_test(only_what_is_bound_can_be_given_back),
		cmocka_unit_test(credit_comes_with_the_name),
		cmocka_unit_test(two_links_share_a_name),
		cmocka_unit_test(one_row_is_held_by_one_dialect),
		cmocka_unit_test(a_reload_takes_rights_away),
		cmocka_unit_test(few_wait_to_be_resumed),
		cmocka_unit_test(answers_that_nobody_reads_end_the_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
