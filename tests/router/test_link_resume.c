/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two routers and a wire that is cut after a random number of bytes, again and again, while
 * numbered stanzas cross in both directions: each arrives exactly once and in order. The seed is
 * printed; FEDWAY_SEED repeats a run.
 */
#include "tests/router/link_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { STANZAS = 100, CUTS_MAX = 60, DEADLINE_S = 60 };

/* One side: a router, the component behind it, and its end of the wire. */
static struct side {
	struct rig rig;
	struct peer peer;
	const char *own, *other;
	int wire;
	int sent;
} left, right;

static const struct link_kind *kind;
static struct link *dialled;
static unsigned random_state;
static long budget;
static int cuts;
static time_t deadline;

static unsigned pick(unsigned below)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 16) % below;
}

static void start(struct side *side, const char *own, const char *other)
{
	uint16_t port = rig_free_port();

	side->own = own;
	side->other = other;
	side->wire = -1;
	side->sent = 0;
	rig_start(&side->rig,
	          "realm = \"%c-realm\"; control_socket = \"%s\"; log_level = \"error\";"
	          "listen = ( { address = \"127.0.0.1\"; port = %u; } );"
	          "links = ( { name = \"%s\"; secret = \"s\"; } );",
	          own[0], rig_new_socket(), port, own);
	peer_attach(&side->peer, &side->rig, port, own, "s");
}

/* ---- the wire ---- */

static void cut(void)
{
	(void)close(left.wire);
	(void)close(right.wire);
	left.wire = right.wire = -1;
	cuts++;
}

/* From one end to the other, as far as the budget goes. */
static void carry(struct side *from, struct side *to)
{
	char bytes[700];
	size_t most = 1 + pick(sizeof(bytes));

	if (from->wire < 0) {
		return;
	}
	if (budget >= 0 && (size_t)budget < most) {
		most = (size_t)budget;
	}
	ssize_t got = most > 0 ? recv(from->wire, bytes, most, MSG_DONTWAIT) : 0;
	if (got > 0) {
		assert_int_equal(send(to->wire, bytes, (size_t)got, MSG_NOSIGNAL), got);
		budget -= budget >= 0 ? got : 0;
	}
	if (budget == 0) {
		cut();
	}
}

/* Its channel has had a header; its own header goes nowhere. */
static struct fw_channel *new_channel(struct side *side)
{
	static const char header[] = "<stream:stream xmlns='jabber:component:accept' "
	                             "xmlns:stream='http://etherx.jabber.org/streams' "
	                             "version='1.0'>";
	char text[512];
	size_t len = 0;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
	                 0);
	assert_int_equal(send(fds[1], header, sizeof(header) - 1, 0), sizeof(header) - 1);
	struct fw_channel *channel = link_rig_channel(&side->rig, fds[0], NULL, NULL);
	do {
		fw_loop_turn(side->rig.loop, false);
		ssize_t got = recv(fds[1], text + len, sizeof(text) - 1 - len, 0);
		len += got > 0 ? (size_t)got : 0;
		text[len] = '\0';
	} while (strstr(text, "xml:lang='en'>") == NULL);
	side->wire = fds[1];
	return channel;
}

static struct link *attach(struct side *side, bool dials)
{
	const struct link_start start = { .kind = kind,
		                          .identity = "other",
		                          .session = ++side->rig.router->links->next_session,
		                          .dialled = dials,
		                          .owner = (void *)side->other };
	struct fw_channel *channel = new_channel(side);
	enum fw_cause cause = FW_CAUSE_NONE;
	struct link *link = NULL;

	assert_int_equal(link_attach(side->rig.router->links, &start, &channel, &link, &cause),
	                 FW_OK);
	return link;
}

/* ---- the load ---- */

static void drink(struct peer *peer)
{
	ssize_t got = recv(peer->fd, peer->text + peer->len, sizeof(peer->text) - 1 - peer->len,
	                   MSG_DONTWAIT);

	assert_true(got > 0 || (got < 0 && errno == EAGAIN));
	peer->len += got > 0 ? (size_t)got : 0;
	peer->text[peer->len] = '\0';
}

static void send_some(struct side *side)
{
	for (unsigned i = pick(4); i > 0 && side->sent < STANZAS; i--) {
		peer_send(&side->peer, "<message from='x@%s' to='y@%s' id='n%d'/>", side->own,
		          side->other, ++side->sent);
	}
}

static void turn(void)
{
	assert_true(time(NULL) < deadline);
	fw_loop_turn(left.rig.loop, false);
	fw_loop_turn(right.rig.loop, false);
	carry(&left, &right);
	carry(&right, &left);
	drink(&left.peer);
	drink(&right.peer);
}

static bool all_has_come(const struct side *side)
{
	char last[32];

	(void)snprintf(last, sizeof(last), "id='n%d'", STANZAS);
	return peer_has(&side->peer, last);
}

/* Each once, in order, and nothing else. */
static void check_order(const struct side *side)
{
	const char *at = side->peer.text;

	for (int i = 1; i <= STANZAS; i++) {
		char id[32];
		(void)snprintf(id, sizeof(id), " id='n%d'", i);
		at = strstr(at, "<message");
		assert_non_null(at);
		const char *end = strchr(at, '>');
		const char *found = strstr(at, id);
		assert_non_null(found);
		assert_true(found < end);
		at = end;
	}
	assert_int_equal(peer_count(&side->peer, "<message"), STANZAS);
}

static bool under_way(void)
{
	return left.rig.router->total->in_flight + right.rig.router->total->in_flight > 0;
}

static void run(unsigned seed)
{
	random_state = seed;
	kind = seed % 2 == 0 ? &link_rig_kind2 : &link_rig_kind3;
	cuts = 0;
	budget = -1;
	deadline = time(NULL) + DEADLINE_S;
	link_rig_forget();
	start(&left, "a.test", "b.test");
	start(&right, "b.test", "a.test");
	dialled = attach(&left, true);
	(void)attach(&right, false);
	while (dialled->xep198->id[0] == '\0') {
		turn();
	}
	budget = 1 + pick(1500);
	while (!all_has_come(&left) || !all_has_come(&right) || under_way()) {
		send_some(&left);
		send_some(&right);
		turn();
		if (left.wire < 0 && dialled->state == LINK_SUSPENDED) {
			budget = cuts < CUTS_MAX ? 1 + (long)pick(1500) : -1;
			assert_ptr_equal(attach(&left, true), dialled);
			(void)attach(&right, false);
		}
	}
	check_order(&left);
	check_order(&right);
	assert_int_equal(link_rig_seen.started, 2);
	assert_int_equal(left.rig.router->total->exits[FW_EXIT_BOUNCED], 0);
	assert_int_equal(left.rig.router->total->exits[FW_EXIT_ACKNOWLEDGED], STANZAS);
	assert_int_equal(right.rig.router->total->exits[FW_EXIT_ACKNOWLEDGED], STANZAS);
	peer_close(&left.peer);
	peer_close(&right.peer);
	cut();
	rig_stop(&left.rig);
	rig_stop(&right.rig);
}

static void test_random_cuts(void **state)
{
	const char *given = getenv("FEDWAY_SEED");
	unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10)
	                              : (unsigned)time(NULL) ^ (unsigned)getpid() << 8;
	int all = 0;

	(void)state;
	for (unsigned i = 0; i < (given != NULL ? 1 : 12); i++) {
		print_message("FEDWAY_SEED=%u\n", seed + i);
		run(seed + i);
		all += cuts;
	}
	print_message("%d cuts\n", all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
