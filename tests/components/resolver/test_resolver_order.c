/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * resolver_order.c: exactly, with drawn numbers given, and statistically, with a seeded generator.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "components/resolver/resolver_order.h"

enum { DRAWS = 100000 };

static struct resolver_host hosts[RESOLVER_HOSTS_MAX];

static void set_hosts(const uint16_t (*rows)[2], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		hosts[i].priority = rows[i][0];
		hosts[i].weight = rows[i][1];
	}
}

/* Gives `max` when it is asked to shuffle (so that nothing moves) and the script's number for a
 * weight. */
struct script {
	uint32_t sum; /* a draw up to this number is one of weights */
	uint32_t drawn;
};

static uint32_t scripted(void *ctx, uint32_t max)
{
	struct script *script = ctx;
	return max == script->sum ? script->drawn : max;
}

static void test_first_is_drawn_by_running_sums(void **state)
{
	/* weights 0, 10, 30 of one priority: running sums 0, 10, 40 */
	static const uint16_t rows[][2] = { { 5, 10 }, { 5, 0 }, { 5, 30 } };
	static const struct {
		uint32_t drawn;
		size_t first;
	} cases[] = { { 0, 1 }, { 1, 0 }, { 10, 0 }, { 11, 2 }, { 40, 2 } };

	(void)state;
	set_hosts(rows, 3);
	for (size_t i = 0; i < FW_COUNT(cases); i++) {
		struct script script = { 40, cases[i].drawn };
		size_t order[3];
		resolver_order(hosts, 3, order, scripted, &script);
		if (order[0] != cases[i].first) {
			fail_msg("drawn %u: first is %zu", cases[i].drawn, order[0]);
		}
		assert_int_equal(order[0] + order[1] + order[2], 3);
	}
}

static uint32_t seeded(void *ctx, uint32_t max)
{
	uint64_t *x = ctx;

	*x ^= *x << 13; /* xorshift64 */
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return (uint32_t)((*x >> 16) % ((uint64_t)max + 1));
}

static uint64_t new_seed(void)
{
	const char *given = getenv("SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : 20782;
	printf("SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

/* Share of draws, in per mille, in which each host comes first. */
static void shares(size_t count, unsigned *out)
{
	uint64_t seed = new_seed();

	memset(out, 0, count * sizeof(*out));
	for (int i = 0; i < DRAWS; i++) {
		size_t order[RESOLVER_HOSTS_MAX];
		resolver_order(hosts, count, order, seeded, &seed);
		out[order[0]]++;
	}
	for (size_t i = 0; i < count; i++) {
		out[i] = (unsigned)(((uint64_t)out[i] * 1000 + DRAWS / 2) / DRAWS);
	}
}

static void test_weights_give_shares(void **state)
{
	/* r is 0 … 4: weight 0 gets r = 0, weight 1 gets one value, weight 3 three */
	static const uint16_t rows[][2] = { { 0, 0 }, { 0, 1 }, { 0, 3 } };
	unsigned share[3];

	(void)state;
	set_hosts(rows, 3);
	shares(3, share);
	assert_in_range(share[0], 190, 210);
	assert_in_range(share[1], 190, 210);
	assert_in_range(share[2], 590, 610);
}

static void test_big_weights(void **state)
{
	static const uint16_t rows[][2] = { { 0, 0 }, { 0, 100 }, { 0, 300 } };
	unsigned share[3];

	(void)state;
	set_hosts(rows, 3);
	shares(3, share);
	assert_in_range(share[0], 1, 6); /* small, but not none */
	assert_in_range(share[1], 240, 260);
	assert_in_range(share[2], 735, 760);
}

static void test_equal_hosts_are_shuffled(void **state)
{
	static const uint16_t rows[][2] = { { 0, 0 }, { 0, 0 }, { 0, 0 }, { 0, 0 } };
	unsigned share[4];

	(void)state;
	set_hosts(rows, 4);
	shares(4, share);
	for (int i = 0; i < 4; i++) {
		assert_in_range(share[i], 235, 265);
	}
}

static void test_priority_goes_first(void **state)
{
	static const uint16_t rows[][2] = {
		{ 20, 100 }, { 10, 0 }, { 30, 65535 }, { 10, 65535 }, { 20, 0 }, { 0, 1 },
	};
	uint64_t seed = new_seed();

	(void)state;
	set_hosts(rows, 6);
	for (int i = 0; i < 1000; i++) {
		size_t order[6];
		unsigned seen = 0;
		resolver_order(hosts, 6, order, seeded, &seed);
		for (int k = 0; k < 6; k++) {
			seen |= 1u << order[k];
			assert_true(k == 0 ||
			            hosts[order[k - 1]].priority <= hosts[order[k]].priority);
		}
		assert_int_equal(seen, 0x3f); /* each once */
	}
}

static void test_none_and_one(void **state)
{
	size_t order[1] = { 7 };

	(void)state;
	resolver_order(hosts, 0, order, resolver_random, NULL);
	assert_int_equal(order[0], 7);
	resolver_order(hosts, 1, order, resolver_random, NULL);
	assert_int_equal(order[0], 0);
	for (int i = 0; i < 1000; i++) {
		assert_in_range(resolver_random(NULL, 4), 0, 4);
	}
	assert_int_equal(resolver_random(NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_is_drawn_by_running_sums),
		cmocka_unit_test(test_weights_give_shares),
		cmocka_unit_test(test_big_weights),
		cmocka_unit_test(test_equal_hosts_are_shuffled),
		cmocka_unit_test(test_priority_goes_first),
		cmocka_unit_test(test_none_and_one),
	};

	return cmocka_run_group_tests_name("resolver_order", tests, NULL, NULL);
}
