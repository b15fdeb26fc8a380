/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Rates and networks by themselves: buckets, the accounts of remote domains, and which addresses
 * count as one stranger.
 */
#include "components/s2s/s2s_limits.h"
#include "components/s2s/s2s_rate.h"
#include "tests/components/s2s/world.h"

/* ---- buckets ---- */

static void a_bucket_gives_its_burst_and_then_its_rate(void **ctx)
{
	static const struct {
		uint64_t at_ms, tokens;
		bool taken;
	} rows[] = {
		{ 1000, 10, true }, /* full from the beginning */
		{ 1000, 1, false }, { 1499, 1, false }, { 1500, 1, true },   { 1600, 1, false },
		{ 2000, 1, true },  { 2000, 1, false }, { 9000, 11, false }, /* never more than the
		                                                                burst */
		{ 9000, 10, true }, { 9000, 1, false },
	};
	const struct s2s_flow flow = { 2, 10 };
	struct s2s_bucket bucket = { 0 };

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_int_equal(s2s_bucket_take(&bucket, flow, rows[i].tokens, rows[i].at_ms),
		                 rows[i].taken);
	}
}

static void a_debt_is_paid_at_the_rate(void **ctx)
{
	static const struct {
		uint64_t at_ms, tokens, wait_ms;
	} rows[] = {
		{ 1000, 100, 0 },  { 1000, 50, 501 },     { 1400, 0, 101 },    { 1501, 0, 0 },
		{ 1501, 10, 100 }, { 1501, 1000, 10100 }, { 1000000, 100, 0 },
	};
	const struct s2s_flow flow = { 100, 100 };
	struct s2s_bucket bucket = { 0 };

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_int_equal(s2s_bucket_owe(&bucket, flow, rows[i].tokens, rows[i].at_ms),
		                 rows[i].wait_ms);
	}
}

static void without_a_rate_nothing_is_counted(void **ctx)
{
	const struct s2s_flow flow = { 0, 0 };
	struct s2s_bucket bucket = { 0 };

	(void)ctx;
	assert_true(s2s_bucket_take(&bucket, flow, 1000000, 1));
	assert_int_equal(s2s_bucket_owe(&bucket, flow, 1000000, 1), 0);
	assert_true(s2s_bucket_full(&bucket, flow, 1));
}

/* The largest rates and a clock that stood for a year. */
static void numbers_do_not_overflow(void **ctx)
{
	const struct s2s_flow flow = { 1099511627776u, 1099511627776u * 3600u };
	struct s2s_bucket bucket = { 0 };

	(void)ctx;
	assert_int_equal(s2s_bucket_owe(&bucket, flow, 16777216, 1), 0);
	assert_int_equal(s2s_bucket_owe(&bucket, flow, 16777216, 31536000000u), 0);
	assert_false(s2s_bucket_full(&bucket, flow, 31536000000u));
	assert_true(s2s_bucket_full(&bucket, flow, 31536000001u));
}

/* ---- accounts ---- */

static void an_account_outlives_its_streams_until_it_is_full(void **ctx)
{
	struct s2s_rate *first = NULL, *second = NULL, *other = NULL;
	struct s2s_pace pace = { 0 };
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.rate_max_stanzas = 1;
	world.config.rate_burst_s = 1000;
	world_start(&world);
	assert_int_equal(s2s_rate_hold(world.s2s->rates, "a.example", &first), FW_OK);
	assert_int_equal(s2s_rate_hold(world.s2s->rates, "a.example", &second), FW_OK);
	assert_int_equal(s2s_rate_hold(world.s2s->rates, "b.example", &other), FW_OK);
	assert_ptr_equal(first, second);
	assert_ptr_not_equal(first, other);
	for (int i = 0; i < 1000; i++) {
		s2s_rate_took(second, &pace, NULL,
		              100); /* within the burst: no channel is touched */
	}
	assert_false(s2s_pace_waits(&pace));
	const struct s2s_rate *was = first;
	s2s_rate_release(&first);
	s2s_rate_release(&second);
	s2s_rate_release(&other);
	assert_null(first);
	assert_int_equal(s2s_rate_hold(world.s2s->rates, "a.example", &first), FW_OK);
	assert_ptr_equal(first, was);
	s2s_rate_release(&first);
	s2s_rate_release(&first); /* nothing is held: nothing happens */
	world_free(&world);
}

static bool slowed(void *ctx)
{
	const struct world *each = ctx;

	return fw_self_counter(each->self, S2S_COUNT_STREAMS_SLOWED) > 0;
}

/* The component's rate, or that of the domain's row. */
static void slow_down(bool by_row)
{
	static struct s2s_domain_row row = { .name = "*.example", .rate_max_stanzas = 40 };
	struct world world;

	world_init(&world);
	world.config.rate_max_stanzas = by_row ? 5000 : 40;
	world.config.domains = (struct fw_rows){ &row, by_row };
	world.config.rate_burst_s = 1;
	world_start(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	peer_prove(peer, "partner.example", "corp.example");
	uint64_t began = fw_now_ms(world.s2s->loop);
	for (int i = 1; i <= 60; i++) {
		peer_send(peer, "<message from='a@partner.example' to='b@corp.example' id='m%d'/>",
		          i);
	}
	world_until(&world, slowed, &world, "the stream is slowed");
	peer_send(peer, "<message from='a@partner.example' to='b@corp.example' id='last'/>");
	for (int i = 1; i <= 60; i++) {
		char id[16];
		snprintf(id, sizeof(id), "m%d", i);
		world_expect_routed(&world, id);
	}
	world_expect_routed(&world, "last");
	/* 40 at once, and 20 more must have been paid for before the last one was read */
	assert_true(fw_now_ms(world.s2s->loop) - began >= 20 * 1000 / 40);
	peer_free(&peer);
	world_expect_no_ins(&world);
	world_free(&world);
}

static void who_is_over_the_rate_is_read_later_and_loses_nothing(void **ctx)
{
	(void)ctx;
	slow_down(false);
	slow_down(true);
}

/* A stream that ends while it waits leaves nothing behind. */
static void the_end_comes_while_it_waits(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.rate_max_bytes = 1;
	world.config.rate_burst_s = 1;
	world_start(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	peer_prove(peer, "partner.example", "corp.example");
	peer_send(peer, "<message from='a@partner.example' to='b@corp.example' id='m1'/>");
	world_until(&world, slowed, &world, "the stream is slowed");
	world_expect_routed(&world, "m1");
	peer_free(&peer);
	world_free(&world); /* stops s2s under the waiting stream */
}

/* ---- networks ---- */

static void connections_have_a_rate_per_network(void **ctx)
{
	struct world world;
	struct fw_addr addr;

	(void)ctx;
	world_init(&world);
	world.config.connections_per_address_rate = 3;
	world.config.rate_burst_s = 2;
	world_start(&world);
	for (int i = 0; i < 6; i++) {
		char ip[64];
		snprintf(ip, sizeof(ip), "2001:db8:0:1::%d", i + 1);
		assert_int_equal(fw_addr_parse(ip, 1, &addr), FW_OK);
		assert_null(s2s_limits_refusal(world.s2s, &addr));
	}
	assert_string_equal(s2s_limits_refusal(world.s2s, &addr), "connections_per_address_rate");
	assert_int_equal(fw_addr_parse("2001:db8:0:2::1", 1, &addr), FW_OK);
	assert_null(s2s_limits_refusal(world.s2s, &addr));
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
		cmocka_unit_test(a_debt_is_paid_at_the_rate),
		cmocka_unit_test(without_a_rate_nothing_is_counted),
		cmocka_unit_test(numbers_do_not_overflow),
		cmocka_unit_test(an_account_outlives_its_streams_until_it_is_full),
		cmocka_unit_test(who_is_over_the_rate_is_read_later_and_loses_nothing),
		cmocka_unit_test(the_end_comes_while_it_waits),
		cmocka_unit_test(connections_have_a_rate_per_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
