/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Several pairs on one leg: whose turn it is, and that nothing is lost when the leg ends or the
 * component drains. Who may share a leg is in the scenarios. Each test ends with a balanced ledger.
 */
#include "tests/components/s2s/world.h"

#include "components/s2s/s2s_bidi.h"

#define ALICE "alice@corp.example"
#define CAROL "carol@sales.example"
#define BOB "bob@partner.example"

enum { ROUNDS = 8 };

static void begin(struct world *world)
{
	world_init(world);
	world->config.multiplex = S2S_MULTIPLEX_SENDER;
	world->config.bidi = S2S_BIDI_BOTH;
	world->config.acks = false;
	world_start(world);
}

static struct s2s_pair *pair_of(struct world *world, const char *local)
{
	struct s2s_pair *pair = s2s_pairs_find(world->s2s->pairs, local, "partner.example");

	assert_non_null(pair);
	return pair;
}

/* Both pairs are taken on one stream. */
static struct peer *two_pairs(struct world *world)
{
	struct peer *peer = peer_listen(world);

	world_send(world, ALICE, BOB, "m1");
	peer_expect_connection(peer, 1);
	peer_accept_pair(peer, "x", "corp.example", "partner.example");
	peer_expect(peer, "hello m1");
	world_send(world, CAROL, BOB, "m2");
	peer_expect(peer, "<db:result from='sales.example' to='partner.example'>");
	peer_send(peer, "<db:result from='partner.example' to='sales.example' type='valid'/>");
	peer_expect(peer, "hello m2");
	assert_ptr_equal(pair_of(world, "corp.example")->claim->leg,
	                 pair_of(world, "sales.example")->claim->leg);
	assert_int_equal(peer->accepted, 1);
	return peer;
}

static struct fw_stanza *stanza_of(struct world *world, const char *from, const char *id,
                                   size_t size)
{
	struct fw_stanza *stanza = NULL;
	char *body = malloc(size + 1);

	assert_non_null(body);
	memset(body, 'x', size);
	body[size] = '\0';
	assert_int_equal(fw_stanza_new("message", NULL, &stanza), FW_OK);
	fw_stanza_set(stanza, "from", fw_str(from));
	fw_stanza_set(stanza, "to", fw_str(BOB));
	fw_stanza_set(stanza, "id", fw_str(id));
	struct fw_elem *elem = fw_elem_add(fw_stanza_root(stanza), "body", NULL);
	assert_int_equal(fw_elem_set_text(elem, fw_str(body)), FW_OK);
	fw_stanza_enter(stanza, fake_host_ledger(world->host), fw_now_ms(world->s2s->loop));
	free(body);
	return stanza;
}

static void pairs_take_turns(void **ctx)
{
	static const char *const senders[] = { ALICE, CAROL };
	static const char *const locals[] = { "corp.example", "sales.example" };
	struct s2s_waiting paid = { 0 };
	struct world world;
	char id[32];

	(void)ctx;
	begin(&world);
	struct peer *peer = two_pairs(&world);
	for (size_t pair = 0; pair < 2; pair++) { /* all of the first before any of the second */
		for (int i = 0; i < ROUNDS; i++) {
			snprintf(id, sizeof(id), "p%zu-%d", pair, i);
			struct fw_stanza *stanza = stanza_of(&world, senders[pair], id, 10000);
			assert_int_equal(s2s_waiting_push(world.s2s,
			                                  &pair_of(&world, locals[pair])->waiting,
			                                  &stanza, &paid),
			                 FW_OK);
		}
	}
	s2s_claims_pump(pair_of(&world, "corp.example")->claim->leg);
	for (int i = 0; i < ROUNDS; i++) {
		for (size_t pair = 0; pair < 2; pair++) {
			snprintf(id, sizeof(id), "p%zu-%d", pair, i);
			peer_expect(peer, id);
		}
	}
	peer_free(&peer);
	world_free(&world);
}

static bool is_closing(void *ctx)
{
	const struct s2s_leg *leg = ((struct world *)ctx)->s2s->outs;

	return leg == NULL || leg->channel == NULL || fw_channel_closing(leg->channel);
}

static void a_good_end_takes_both_queues_along(void **ctx)
{
	struct world world;

	(void)ctx;
	begin(&world);
	struct peer *peer = two_pairs(&world);
	peer->deaf = true;
	fw_io_set(peer->io, 0);
	for (int i = 0; i < 60; i++) { /* more than any socket takes */
		struct fw_stanza *stanza =
		        stanza_of(&world, i % 3 == 0 ? CAROL : ALICE, "m", 200000);
		s2s_pairs_deliver(world.s2s, &stanza);
	}
	fake_host_settle(world.host);
	uint64_t before = fake_host_ledger(world.host)->in_flight;
	assert_true(before > 10);
	peer_send(peer, "</stream:stream>");
	peer->deaf = false;
	world_until(&world, is_closing, &world, "our footer is queued");
	if (peer->accepted == 1) {
		peer_cut(peer);
	}
	peer_expect_connection(peer, 2);
	peer_take_stream(peer, "y");
	assert_int_equal(fake_host_bounced(world.host, FW_CAUSE_COUNT), 0);
	assert_int_equal(fake_host_ledger(world.host)->in_flight, before);
	assert_ptr_equal(pair_of(&world, "corp.example")->claim->leg,
	                 pair_of(&world, "sales.example")->claim->leg);
	peer_cut(peer);
	world_expect_bounces(&world, FW_CAUSE_PEER_LOST, (unsigned)before);
	world_expect_no_pairs(&world);
	peer_free(&peer);
	world_free(&world);
}

static void a_bad_end_returns_each_once(void **ctx)
{
	struct world world;

	(void)ctx;
	begin(&world);
	struct peer *peer = two_pairs(&world);
	peer->deaf = true;
	fw_io_set(peer->io, 0);
	for (int i = 0; i < 60; i++) {
		struct fw_stanza *stanza =
		        stanza_of(&world, i % 2 == 0 ? CAROL : ALICE, "m", 200000);
		s2s_pairs_deliver(world.s2s, &stanza);
	}
	fake_host_settle(world.host);
	uint64_t before = fake_host_ledger(world.host)->in_flight;
	peer_cut(peer);
	world_expect_bounces(&world, FW_CAUSE_PEER_LOST, (unsigned)before);
	assert_int_equal(fake_host_bounced(world.host, FW_CAUSE_COUNT), before);
	world_expect_no_pairs(&world);
	peer_free(&peer);
	world_free(&world);
}

static bool is_drained(void *ctx)
{
	return fake_host_drained(((struct world *)ctx)->self);
}

static void a_drain_waits_for_a_pair_that_joins(void **ctx)
{
	struct world world;

	(void)ctx;
	begin(&world);
	struct peer *peer = peer_listen(&world);
	world_send(&world, ALICE, BOB, "m1");
	peer_expect_connection(peer, 1);
	peer_accept_pair(peer, "x", "corp.example", "partner.example");
	peer_expect(peer, "hello m1");
	world_send(&world, CAROL, BOB, "m2");
	peer_expect(peer, "<db:result from='sales.example'");
	fake_host_drain(world.self);
	fake_host_settle(world.host);
	assert_false(fake_host_drained(world.self));
	assert_false(peer_has(peer, "</stream:stream>"));
	peer_send(peer, "<db:result from='partner.example' to='sales.example' type='valid'/>");
	peer_expect(peer, "hello m2");
	peer_expect(peer, "</stream:stream>");
	peer_send(peer, "</stream:stream>");
	world_until(&world, is_drained, &world, "the drain is done");
	peer_free(&peer);
	world_free(&world);
}

static void the_way_back_is_written_before_a_drain_ends_it(void **ctx)
{
	struct world world;
	char id[32];

	(void)ctx;
	begin(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	peer_send(peer, "<bidi xmlns='urn:xmpp:bidi'/>");
	peer_prove(peer, "partner.example", "corp.example");
	for (int i = 0; i < 2 * ROUNDS; i++) { /* more than the window */
		snprintf(id, sizeof(id), "m-%d-", i);
		struct fw_stanza *stanza = stanza_of(&world, ALICE, id, 10000);
		s2s_pairs_deliver(world.s2s, &stanza);
	}
	fake_host_drain(world.self);
	for (int i = 0; i < 2 * ROUNDS; i++) {
		snprintf(id, sizeof(id), "m-%d-", i);
		peer_expect(peer, id);
	}
	peer_expect(peer, "</stream:stream>");
	peer_send(peer, "</stream:stream>");
	world_until(&world, is_drained, &world, "the drain is done");
	assert_int_equal(world.resolved, 0);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_PAIRS_BACK), 1);
	peer_free(&peer);
	world_free(&world);
}

static void what_the_way_back_leaves_unwritten_is_returned(void **ctx)
{
	struct world world;

	(void)ctx;
	begin(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	peer_send(peer, "<bidi xmlns='urn:xmpp:bidi'/>");
	peer_prove(peer, "partner.example", "corp.example");
	peer->deaf = true;
	fw_io_set(peer->io, 0);
	for (int i = 0; i < 60; i++) {
		struct fw_stanza *stanza = stanza_of(&world, ALICE, "m", 200000);
		s2s_pairs_deliver(world.s2s, &stanza);
	}
	fake_host_settle(world.host);
	uint64_t before = fake_host_ledger(world.host)->in_flight;
	assert_true(before > 10);
	peer_cut(peer);
	world_expect_bounces(&world, FW_CAUSE_PEER_LOST, (unsigned)before);
	world_expect_no_ins(&world);
	peer_free(&peer);
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_take_turns),
		cmocka_unit_test(a_good_end_takes_both_queues_along),
		cmocka_unit_test(a_bad_end_returns_each_once),
		cmocka_unit_test(a_drain_waits_for_a_pair_that_joins),
		cmocka_unit_test(the_way_back_is_written_before_a_drain_ends_it),
		cmocka_unit_test(what_the_way_back_leaves_unwritten_is_returned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
