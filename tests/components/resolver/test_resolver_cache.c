/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * resolver_cache.c: times to live, replacement, and how room is made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "components/resolver/resolver_cache.h"

static struct resolver_cache *cache;

static void put(const char *key, uint32_t ttl_s, uint64_t now_ms)
{
	struct resolver_result *result = resolver_result_new(RESOLVER_SRV);
	assert_non_null(result);
	result->ttl_s = ttl_s;
	assert_non_null(resolver_result_add(result, key, RESOLVER_PORT));
	resolver_cache_put(cache, fw_str(key), result, now_ms);
	resolver_result_release(&result);
}

/* Seconds left, or 0 when it is not there. */
static uint32_t left(const char *key, uint64_t now_ms)
{
	uint32_t left_s = 0;
	struct resolver_result *result = resolver_cache_get(cache, fw_str(key), now_ms, &left_s);

	if (result == NULL) {
		return 0;
	}
	assert_string_equal(result->hosts[0].name, key);
	assert_true(left_s > 0);
	return left_s;
}

static void test_times(void **state)
{
	(void)state;
	assert_int_equal(resolver_cache_new(10, &cache), FW_OK);
	put("a.example", 5, 1000);
	assert_int_equal(left("a.example", 1000), 5);
	assert_int_equal(left("a.example", 5999), 1);
	assert_int_equal(left("b.example", 1000), 0);
	assert_int_equal(left("a.example", 6000), 0);
	assert_int_equal(resolver_cache_count(cache), 0); /* an expired one goes when it is met */
	put("a.example", 0, 1000);
	assert_int_equal(resolver_cache_count(cache), 0); /* not to be kept */
	put("a.example", 5, 1000);
	put("a.example", 50, 2000);
	assert_int_equal(resolver_cache_count(cache), 1);
	assert_int_equal(left("a.example", 2000), 50);
	put("a.example", 0, 2000); /* the newer result says that the older is not to be used */
	assert_int_equal(left("a.example", 2000), 0);
	resolver_cache_free(&cache);
	assert_null(cache);
}

static void test_room(void **state)
{
	char name[32];

	(void)state;
	assert_int_equal(resolver_cache_new(3, &cache), FW_OK);
	put("first.example", 100, 0);
	put("short.example", 1, 0);
	put("third.example", 100, 0);
	put("fourth.example", 100, 2000); /* the expired one makes room, not the oldest */
	assert_int_equal(left("short.example", 2000), 0);
	assert_int_equal(left("first.example", 2000), 98);
	put("fifth.example", 100, 2000); /* now the oldest */
	assert_int_equal(left("first.example", 2000), 0);
	assert_int_equal(left("third.example", 2000), 98);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "d%d.example", i);
		put(name, 100, 3000);
		assert_in_range(resolver_cache_count(cache), 1, 3);
	}
	assert_int_equal(left("d4999.example", 3000), 100);
	resolver_cache_clear(cache);
	assert_int_equal(resolver_cache_count(cache), 0);
	assert_int_equal(left("d4999.example", 3000), 0);
	resolver_cache_free(&cache);
}

static void test_no_cache(void **state)
{
	(void)state;
	assert_int_equal(resolver_cache_new(0, &cache), FW_OK);
	put("a.example", 100, 0);
	assert_int_equal(left("a.example", 0), 0);
	resolver_cache_free(&cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_no_cache),
	};

	return cmocka_run_group_tests_name("resolver_cache", tests, NULL, NULL);
}
