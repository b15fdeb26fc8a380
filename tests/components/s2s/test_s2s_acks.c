/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * XEP-0198 on legs: what a peer may say when, counts that cannot be, the drain, and the end with
 * stanzas out. What a dialogue shows is in the scenarios 0161 to 0169 and 0266.
 */
#include "tests/components/s2s/world.h"

#define HEADER \
	"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' " \
	"xmlns:db='jabber:server:dialback' "
#define SM(text) "<" text " xmlns='urn:xmpp:sm:3'/>"

static bool is_drained(void *ctx)
{
	return fake_host_drained(((struct world *)ctx)->self);
}

/* A peer that offers acknowledgements has taken our stream and the first message. */
static struct peer *taken(struct world *world)
{
	struct peer *peer = peer_listen(world);

	world_send(world, "a@corp.example", "b@partner.example", "m1");
	peer_expect_connection(peer, 1);
	peer_expect(peer, "<stream:stream");
	peer_expect(peer, ">");
	peer_send(peer, HEADER
	          "id='s1' version='1.0'><stream:features>"
	          "<dialback xmlns='urn:xmpp:features:dialback'/>" SM("sm") "</stream:features>");
	peer_expect(peer, "</db:result>");
	peer_send(peer, "<db:result from='partner.example' to='corp.example' type='valid'/>");
	peer_expect(peer, SM("enable"));
	peer_expect(peer, "id='m1'");
	peer_send(peer, SM("enabled"));
	return peer;
}

static void counts_that_cannot_be_end_the_stream(void **ctx)
{
	static const struct {
		const char *sent;
		enum fw_cause cause;
	} rows[] = {
		{ "<a xmlns='urn:xmpp:sm:3' h='2'/>", FW_CAUSE_HANDLED_TOO_HIGH },
		{ "<a xmlns='urn:xmpp:sm:3' h='4294967295'/>", FW_CAUSE_HANDLED_TOO_HIGH },
		{ "<a xmlns='urn:xmpp:sm:3' h='4294967296'/>", FW_CAUSE_UNEXPECTED },
		{ "<a xmlns='urn:xmpp:sm:3' h='-1'/>", FW_CAUSE_UNEXPECTED },
		{ "<a xmlns='urn:xmpp:sm:3' h=''/>", FW_CAUSE_UNEXPECTED },
		{ "<a xmlns='urn:xmpp:sm:3'/>", FW_CAUSE_UNEXPECTED },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct world world;
		char log[80];
		world_new(&world);
		struct peer *peer = taken(&world);
		peer_send(peer, "%s", rows[i].sent);
		peer_expect(peer, "</stream:stream>");
		peer_send(peer, "</stream:stream>");
		world_expect_bounces(&world, FW_CAUSE_NOT_ACKNOWLEDGED, 1);
		snprintf(log, sizeof(log), "stream ended cause=%s",
		         fw_cause_row(rows[i].cause)->name);
		world_expect_log(&world, log);
		assert_int_equal(fw_self_counter(world.self, S2S_COUNT_STANZAS_UNACKNOWLEDGED), 1);
		peer_free(&peer);
		world_free(&world);
	}
}

/* Elements that mean nothing where they come: read, and without effect. */
static void what_nobody_asked_for_changes_nothing(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = taken(&world);
	peer_send(peer, SM("enabled") SM("r") "<a xmlns='urn:xmpp:sm:3' h='0'/>"
	                                      "<failed xmlns='urn:xmpp:sm:3'/>" SM("unknown")
	                                              SM("enable"));
	peer_expect(peer, "<unexpected-request ");
	peer_expect(peer, "<a xmlns='urn:xmpp:sm:3' h='0'/>");
	world_send(&world, "a@corp.example", "b@partner.example", "m2");
	peer_expect(peer, "id='m2'");
	peer_send(peer, "<a xmlns='urn:xmpp:sm:3' h='2'/>");
	world_send(&world, "a@corp.example", "b@partner.example", "m3");
	peer_expect(peer, "id='m3'");
	peer_send(peer, "<a xmlns='urn:xmpp:sm:3' h='3'/></stream:stream>");
	peer_expect(peer, "</stream:stream>");
	world_expect_no_pairs(&world);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_STANZAS_UNACKNOWLEDGED), 0);
	peer_free(&peer);
	world_free(&world);
}

/* What fedwayctl connections says of the one stream. */
static void expect_unacknowledged(struct world *world, int64_t wanted)
{
	struct fw_json *result =
	        fake_host_command(world->host, world->self, "connections", NULL, 1000);
	const struct fw_json *row = fw_json_at(fw_json_get(result, "connections"), 0);

	assert_non_null(fw_json_get(row, "unacknowledged"));
	assert_int_equal(fw_json_int(fw_json_get(row, "unacknowledged")), wanted);
	fw_json_free(&result);
}

/* A drain does not wait for ack_request_ms, and it does not leave before the answer. */
static void a_drain_asks_and_waits(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.ack_request_ms = 60000;
	world_start(&world);
	struct peer *peer = taken(&world);
	world_expect_log(&world, "received:: " SM("enabled"));
	expect_unacknowledged(&world, 1);
	fake_host_drain(world.self);
	peer_expect(peer, SM("r"));
	assert_false(peer_has(peer, "</stream:stream>"));
	assert_false(fake_host_drained(world.self));
	peer_send(peer, "<a xmlns='urn:xmpp:sm:3' h='1'/>");
	peer_expect(peer, "<system-shutdown ");
	peer_send(peer, "</stream:stream>");
	world_until(&world, is_drained, &world, "the drain");
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_STANZAS_UNACKNOWLEDGED), 0);
	peer_free(&peer);
	world_free(&world);
}

/* The end of the component itself: nothing is lost without a word. */
static void a_stop_returns_what_is_out(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = taken(&world);
	peer_free(&peer);
	world_free(&world); /* checks that every stanza had its exit */
}

static void switched_off_it_is_not_offered_and_declined(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.acks = false;
	world_start(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	assert_null(strstr(peer->in, "urn:xmpp:sm:3"));
	peer_prove(peer, "partner.example", "corp.example");
	peer_send(peer, SM("enable"));
	peer_expect(peer, "<failed xmlns='urn:xmpp:sm:3'><service-unavailable ");
	peer_send(peer, "<message from='a@partner.example' to='b@corp.example' id='1'/>" SM("r"));
	world_expect_routed(&world, "1");
	assert_false(peer_has(peer, "<a "));
	peer_free(&peer);
	world_expect_no_ins(&world);
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_that_cannot_be_end_the_stream),
		cmocka_unit_test(what_nobody_asked_for_changes_nothing),
		cmocka_unit_test(a_drain_asks_and_waits),
		cmocka_unit_test(a_stop_returns_what_is_out),
		cmocka_unit_test(switched_off_it_is_not_offered_and_declined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
