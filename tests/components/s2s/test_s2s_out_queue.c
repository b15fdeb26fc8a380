/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Outgoing streams against peers of plain bytes: queues, back-off, idle close, and what becomes of
 * unwritten stanzas when a stream dies. How a stream is made is in test_s2s_out.c. Each test ends
 * with a balanced ledger.
 */
#include "tests/components/s2s/world.h"

#define ALICE "alice@corp.example"
#define BOB "bob@partner.example"

static void a_full_queue_returns_the_newest(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.queue_max_stanzas = 2;
	world_start(&world);
	struct peer *peer = peer_listen(&world);
	world_send(&world, ALICE, BOB, "m1");
	world_send(&world, ALICE, BOB, "m2");
	world_send(&world, ALICE, BOB, "m3");
	world_expect_bounces(&world, FW_CAUSE_QUEUE_FULL, 1);
	struct fw_stanza *answer = fake_host_take_to(world.host, ALICE);
	assert_true(fw_str_is(fw_stanza_id(answer), "m3"));
	fake_host_done(&answer);
	peer_expect_connection(peer, 1);
	peer_accept_pair(peer, "x", "corp.example", "partner.example");
	peer_expect(peer, "hello m1");
	peer_expect(peer, "hello m2");
	peer_free(&peer);
	world_free(&world);
}

static void an_aged_stanza_is_returned(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.queue_max_age_ms = 30;
	world.resolver_silent = true;
	world_start(&world);
	world_send(&world, ALICE, BOB, "m1");
	world_send(&world, ALICE, BOB, "m2");
	world_expect_bounces(&world, FW_CAUSE_QUEUE_AGED, 2);
	world_send(&world, ALICE, BOB, "m3"); /* the stream is still being made: it waits as well */
	world_expect_bounces(&world, FW_CAUSE_QUEUE_AGED, 3);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_STANZAS_RETURNED), 3);
	assert_int_equal(world.resolved, 1);
	world_free(&world);
}

static bool may_probe(void *ctx)
{
	struct world *world = ctx;

	return s2s_remotes_may_try(world->s2s->remotes, "partner.example");
}

static void one_probe_after_the_wait(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.resolve = FW_CAUSE_DNS_FAILED;
	world.config.backoff_min_ms = 200;
	world_start(&world);
	world_send(&world, ALICE, BOB, "m1");
	world_expect_bounces(&world, FW_CAUSE_DNS_FAILED, 1);
	world_send(&world, ALICE, BOB, "m2");
	world_expect_bounces(&world, FW_CAUSE_BACKOFF, 1);
	assert_int_equal(world.resolved, 1);
	world_until(&world, may_probe, &world, "the wait is over");
	world.resolve = FW_CAUSE_NONE;
	struct peer *peer = peer_listen(&world);
	world_send(&world, ALICE, BOB, "m3");
	peer_expect_connection(peer, 1);
	/* another pair to the same domain: not while the probe is out */
	world_send(&world, "carol@sales.example", BOB, "m4");
	world_expect_bounces(&world, FW_CAUSE_BACKOFF, 2);
	world_send(&world, ALICE, BOB, "m5"); /* but the probe's own pair waits with it */
	peer_accept_pair(peer, "x", "corp.example", "partner.example");
	peer_expect(peer, "hello m3");
	peer_expect(peer, "hello m5");
	struct peer *second = peer_listen(&world);
	world_send(&world, "carol@sales.example", BOB, "m6");
	peer_expect_connection(second, 1);
	peer_accept_pair(second, "y", "sales.example", "partner.example");
	peer_expect(second, "hello m6");
	peer_free(&second);
	peer_free(&peer);
	world_free(&world);
}

static void an_idle_stream_closes_and_comes_back(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.idle_timeout_ms = 40;
	world_start(&world);
	struct peer *peer = peer_listen(&world);
	world_send(&world, ALICE, BOB, "m1");
	peer_expect_connection(peer, 1);
	peer_accept_pair(peer, "x", "corp.example", "partner.example");
	peer_expect(peer, "hello m1");
	peer_expect(peer, "</stream:stream>");
	assert_null(strstr(peer->in, "stream:error"));
	/* the footer is out: this one waits for the next stream */
	world_send(&world, ALICE, BOB, "m2");
	fake_host_settle(world.host);
	assert_int_equal(peer->accepted, 1);
	assert_null(strstr(peer->in, "hello m2"));
	peer_send(peer, "</stream:stream>");
	peer_expect_connection(peer, 2);
	peer_accept_pair(peer, "y", "corp.example", "partner.example");
	peer_expect(peer, "hello m2");
	peer_expect(peer, "</stream:stream>");
	peer_send(peer, "</stream:stream>");
	world_expect_no_pairs(&world);
	assert_int_equal(fake_host_bounced(world.host, FW_CAUSE_COUNT), 0);
	peer_free(&peer);
	world_free(&world);
}

static void a_stream_for_each_pair(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *one = peer_listen(&world);
	world_send(&world, ALICE, BOB, "m1");
	peer_expect_connection(one, 1);
	peer_accept_pair(one, "x", "corp.example", "partner.example");
	peer_expect(one, "hello m1");
	struct peer *two = peer_listen(&world);
	world_send(&world, "carol@sales.example", BOB, "m2");
	peer_expect_connection(two, 1);
	peer_accept_pair(two, "y", "sales.example", "partner.example");
	peer_expect(two, "hello m2");
	assert_int_equal(s2s_pairs_count(world.s2s->pairs), 2);
	assert_non_null(s2s_pairs_find(world.s2s->pairs, "sales.example", "partner.example"));
	peer_free(&one);
	peer_free(&two);
	world_free(&world);
}

static void what_never_leaves(void **ctx)
{
	static const struct {
		const char *from, *to;
		enum fw_cause bounce;
	} rows[] = {
		{ "dave@inside.example", BOB, FW_CAUSE_NOT_FEDERATED },
		{ ALICE, "x.test-realm", FW_CAUSE_NO_ROUTE },
	};
	struct world world;

	(void)ctx;
	world_new(&world);
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		unsigned before = fake_host_bounced(world.host, rows[i].bounce);
		world_send(&world, rows[i].from, rows[i].to, "m1");
		world_expect_bounces(&world, rows[i].bounce, before + 1);
	}
	struct fw_stanza *stanza = NULL; /* the fake host would not deliver this one to "*" */
	assert_int_equal(
	        fw_stanza_parse(fw_str("<message from='a@corp.example' to='b@sales.example'/>"),
	                        &stanza),
	        FW_OK);
	fw_stanza_enter(stanza, fake_host_ledger(world.host), 0);
	s2s_pairs_deliver(world.s2s, &stanza);
	world_expect_bounces(&world, FW_CAUSE_LOOP, 1);
	assert_int_equal(world.resolved, 0);
	world_free(&world);
}

/* ---- streams that die when they are up ---- */

static struct peer *up(struct world *world)
{
	struct peer *peer = peer_listen(world);

	world_send(world, ALICE, BOB, "m1");
	peer_expect_connection(peer, 1);
	peer_accept_pair(peer, "x", "corp.example", "partner.example");
	peer_expect(peer, "hello m1");
	return peer;
}

enum { BIG_COUNT = 60, BIG_SIZE = 200000 };

static void send_large(struct world *world, size_t size, int count)
{
	char *body = malloc(size + 1);

	assert_non_null(body);
	memset(body, 'x', size);
	body[size] = '\0';
	for (int i = 0; i < count; i++) {
		struct fw_stanza *stanza = NULL;
		assert_int_equal(fw_stanza_new("message", NULL, &stanza), FW_OK);
		fw_stanza_set(stanza, "from", fw_str(ALICE));
		fw_stanza_set(stanza, "to", fw_str(BOB));
		struct fw_elem *elem = fw_elem_add(fw_stanza_root(stanza), "body", NULL);
		assert_int_equal(fw_elem_set_text(elem, fw_str(body)), FW_OK);
		fw_stanza_enter(stanza, fake_host_ledger(world->host), fw_now_ms(world->s2s->loop));
		s2s_pairs_deliver(world->s2s, &stanza);
	}
	free(body);
	fake_host_settle(world->host);
}

/* More than any socket buffer takes from a peer that does not read. */
static void send_big(struct world *world)
{
	send_large(world, BIG_SIZE, BIG_COUNT);
}

static bool is_up(void *ctx)
{
	const struct world *world = ctx;
	const struct s2s_pair *pair =
	        s2s_pairs_find(world->s2s->pairs, "corp.example", "partner.example");

	return pair != NULL && pair->claim != NULL && s2s_leg_up(pair->claim->leg);
}

static bool is_closing(void *ctx)
{
	const struct world *world = ctx;
	const struct s2s_pair *pair =
	        s2s_pairs_find(world->s2s->pairs, "corp.example", "partner.example");

	return pair == NULL || pair->claim == NULL || pair->claim->leg->channel == NULL ||
	       fw_channel_closing(pair->claim->leg->channel);
}

static void each_death_returns_what_is_unwritten(void **ctx)
{
	static const struct {
		const char *last_words;
		enum fw_cause bounce;
	} rows[] = {
		{ NULL, FW_CAUSE_PEER_LOST },
		{ "<stream:error><reset "
		  "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
		  "</stream:stream>",
		  FW_CAUSE_PEER_ERROR },
		{ "<iq/>", FW_CAUSE_NOT_AUTHORIZED },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct world world;
		world_new(&world);
		struct peer *peer = up(&world);
		peer->deaf = true;
		fw_io_set(peer->io, 0);
		send_big(&world);
		const struct fw_ledger *ledger = fake_host_ledger(world.host);
		assert_true(ledger->in_flight > 0);
		if (rows[i].last_words == NULL) {
			peer_cut(peer);
		} else {
			peer_send(peer, "%s", rows[i].last_words);
		}
		if (rows[i].bounce == FW_CAUSE_PEER_ERROR) {
			world_until(&world, is_closing, &world, "our footer is queued");
			peer_cut(peer);
		}
		if (rows[i].bounce == FW_CAUSE_NOT_AUTHORIZED) {
			world_expect_log(&world, "OPEN->CLOSING");
			peer_cut(peer); /* it never read, so our footer cannot reach it */
		}
		world_expect_no_pairs(&world);
		assert_true(fake_host_bounced(world.host, rows[i].bounce) > 10);
		assert_int_equal(fake_host_bounced(world.host, rows[i].bounce),
		                 fake_host_bounced(world.host, FW_CAUSE_COUNT));
		peer_free(&peer);
		world_free(&world);
	}
}

static void a_clean_end_takes_the_rest_to_a_new_stream(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = up(&world);
	peer->deaf = true;
	fw_io_set(peer->io, 0);
	send_big(&world);
	uint64_t before = fake_host_ledger(world.host)->in_flight;
	assert_true(before > 10);
	peer_send(peer, "</stream:stream>");
	peer->deaf = false;
	world_until(&world, is_closing, &world, "our footer is queued");
	if (peer->accepted == 1) {
		peer_cut(peer); /* it has said its footer, so this is a good end */
	}
	peer_expect_connection(peer, 2);
	peer_take_stream(peer, "y");
	assert_int_equal(fake_host_bounced(world.host, FW_CAUSE_COUNT), 0);
	uint64_t after = fake_host_ledger(world.host)->in_flight;
	assert_int_equal(after, before); /* half a stanza is none: that one goes again as well */
	peer_cut(peer);
	world_expect_bounces(&world, FW_CAUSE_PEER_LOST, (unsigned)after);
	peer_free(&peer);
	world_free(&world);
}

/* Says that we are welcome and goes, before one stanza could be written whole. */
static void welcome_and_go(struct world *world, struct peer *peer, unsigned number)
{
	peer_expect_connection(peer, number);
	peer_take_stream(peer, "x");
	fw_io_set(peer->io, 0);
	peer_send(peer, "<db:result from='partner.example' to='corp.example' type='valid'/>");
	world_until(world, is_up, world, "the stream is up");
	fake_host_settle(world->host);
	peer_send(peer, "</stream:stream>");
	world_until(world, is_closing, world, "our footer is queued");
	if (peer->accepted == number) {
		peer_cut(peer);
	}
}

static void a_peer_that_always_goes_is_left_alone(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_listen(&world);
	send_large(&world, 20u << 20, 2); /* each fills the connection by itself */
	world_send(&world, ALICE, BOB, "m3");
	welcome_and_go(&world, peer, 1);
	welcome_and_go(&world, peer, 2);
	world_expect_bounces(&world, FW_CAUSE_PEER_CLOSED, 3);
	world_expect_no_pairs(&world);
	world_send(&world, ALICE, BOB, "m4");
	world_expect_bounces(&world, FW_CAUSE_BACKOFF, 1);
	assert_int_equal(peer->accepted, 2);
	peer_free(&peer);
	world_free(&world);
}

static void a_footer_behind_valid_still_takes_the_queue(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_listen(&world);
	world_send(&world, ALICE, BOB, "m1");
	peer_expect_connection(peer, 1);
	peer_take_stream(peer, "x");
	peer_send(peer, "<db:result from='partner.example' to='corp.example' type='valid'/>"
	                "</stream:stream>");
	peer_expect(peer, "hello m1"); /* RFC 6120 §4.4: whoever closes still reads */
	peer_expect(peer, "</stream:stream>");
	world_expect_no_pairs(&world);
	peer_free(&peer);
	world_free(&world);
}

static void a_peer_that_takes_nothing_is_dead(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.queue_max_age_ms = 100;
	world_start(&world);
	struct peer *peer = up(&world);
	peer->deaf = true;
	fw_io_set(peer->io, 0);
	send_large(&world, 20u << 20, 1); /* more than the system takes, and too late to age */
	world_expect_log(&world, "ping-timeout");
	peer_cut(peer);
	world_expect_no_pairs(&world);
	peer_free(&peer);
	world_free(&world);
}

static void stop_returns_everything(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.resolver_silent = true;
	world_start(&world);
	world_send(&world, ALICE, BOB, "m1");
	world_send(&world, ALICE, "x@other.example", "m2");
	fake_host_settle(world.host);
	assert_int_equal(s2s_pairs_count(world.s2s->pairs), 2);
	fake_host_stop(world.host, &world.self);
	assert_int_equal(fake_host_bounced(world.host, FW_CAUSE_COMPONENT_GONE), 2);
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_queue_returns_the_newest),
		cmocka_unit_test(an_aged_stanza_is_returned),
		cmocka_unit_test(one_probe_after_the_wait),
		cmocka_unit_test(an_idle_stream_closes_and_comes_back),
		cmocka_unit_test(a_stream_for_each_pair),
		cmocka_unit_test(what_never_leaves),
		cmocka_unit_test(each_death_returns_what_is_unwritten),
		cmocka_unit_test(a_clean_end_takes_the_rest_to_a_new_stream),
		cmocka_unit_test(a_peer_that_always_goes_is_left_alone),
		cmocka_unit_test(a_footer_behind_valid_still_takes_the_queue),
		cmocka_unit_test(a_peer_that_takes_nothing_is_dead),
		cmocka_unit_test(stop_returns_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
