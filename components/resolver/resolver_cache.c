/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A hash table with chains, and a list in order of arrival for making room: among the oldest the
 * expired ones go first, then the oldest. Times come from the caller.
 */
#include "components/resolver/resolver_cache.h"

#include <stdlib.h>

enum { CACHE_CHAINS = 1024, CACHE_LOOK_AT = 64 };

struct cache_entry {
	struct cache_entry *next;            /* in its chain */
	struct cache_entry *older, *younger; /* in the list */
	struct resolver_result *result;
	uint64_t expires_ms, hits;
	size_t len;
	char key[];
};

struct resolver_cache {
	size_t count, max;
	struct cache_entry *oldest, *youngest;
	struct cache_entry *chains[CACHE_CHAINS];
};

int resolver_cache_new(size_t entries_max, struct resolver_cache **out)
{
	struct resolver_cache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL) {
		return FW_ENOMEM;
	}
	cache->max = entries_max;
	*out = cache;
	return FW_OK;
}

static struct cache_entry **cache_find(struct resolver_cache *cache, struct fw_str key)
{
	struct cache_entry **at = &cache->chains[fw_str_hash(key) % CACHE_CHAINS];

	while (*at != NULL && !fw_str_eq(fw_str_n((*at)->key, (*at)->len), key)) {
		at = &(*at)->next;
	}
	return at;
}

static void cache_remove(struct resolver_cache *cache, struct cache_entry **at)
{
	struct cache_entry *gone = *at;

	*at = gone->next;
	*(gone->older != NULL ? &gone->older->younger : &cache->oldest) = gone->younger;
	*(gone->younger != NULL ? &gone->younger->older : &cache->youngest) = gone->older;
	resolver_result_release(&gone->result);
	free(gone);
	cache->count--;
}

static void cache_make_room(struct resolver_cache *cache, uint64_t now_ms)
{
	struct cache_entry *entry = cache->oldest;

	for (int i = 0; i < CACHE_LOOK_AT && entry != NULL && cache->count >= cache->max; i++) {
		struct cache_entry *younger = entry->younger;
		if (entry->expires_ms <= now_ms) {
			cache_remove(cache, cache_find(cache, fw_str_n(entry->key, entry->len)));
		}
		entry = younger;
	}
	while (cache->count > 0 && cache->count >= cache->max) {
		entry = cache->oldest;
		cache_remove(cache, cache_find(cache, fw_str_n(entry->key, entry->len)));
	}
}

void resolver_cache_put(struct resolver_cache *cache, struct fw_str key,
                        struct resolver_result *result, uint64_t now_ms)
{
	struct cache_entry **at = cache_find(cache, key);

	if (*at != NULL) {
		cache_remove(cache, at);
	}
	if (result->ttl_s == 0 || cache->max == 0) {
		return;
	}
	cache_make_room(cache, now_ms);
	struct cache_entry *entry = calloc(1, sizeof(*entry) + key.len);
	if (entry == NULL) {
		return;
	}
	memcpy(entry->key, key.ptr, key.len);
	entry->len = key.len;
	entry->result = resolver_result_ref(result);
	entry->expires_ms = now_ms + (uint64_t)result->ttl_s * 1000;
	at = cache_find(cache, key);
	entry->next = *at;
	*at = entry;
	entry->older = cache->youngest;
	*(cache->youngest != NULL ? &cache->youngest->younger : &cache->oldest) = entry;
	cache->youngest = entry;
	cache->count++;
}

static uint32_t cache_left_s(const struct cache_entry *entry, uint64_t now_ms)
{
	return (uint32_t)((entry->expires_ms - now_ms + 999) / 1000);
}

struct resolver_result *resolver_cache_get(struct resolver_cache *cache, struct fw_str key,
                                           uint64_t now_ms, uint32_t *left_s)
{
	struct cache_entry **at = cache_find(cache, key);

	if (*at == NULL) {
		return NULL;
	}
	if ((*at)->expires_ms <= now_ms) {
		cache_remove(cache, at);
		return NULL;
	}
	*left_s = cache_left_s(*at, now_ms);
	(*at)->hits++;
	return (*at)->result;
}

void resolver_cache_each(const struct resolver_cache *cache, uint64_t now_ms, resolver_cache_fn *fn,
                         void *ctx)
{
	for (const struct cache_entry *entry = cache->oldest; entry != NULL;
	     entry = entry->younger) {
		if (entry->expires_ms > now_ms) {
			const struct resolver_cache_view view = {
				.key = fw_str_n(entry->key, entry->len),
				.result = entry->result,
				.left_s = cache_left_s(entry, now_ms),
				.hits = entry->hits,
			};
			fn(ctx, &view);
		}
	}
}

void resolver_cache_forget(struct resolver_cache *cache, struct fw_str key)
{
	struct cache_entry **at = cache_find(cache, key);

	if (*at != NULL) {
		cache_remove(cache, at);
	}
}

void resolver_cache_clear(struct resolver_cache *cache)
{
	while (cache->oldest != NULL) {
		struct fw_str key = fw_str_n(cache->oldest->key, cache->oldest->len);
		cache_remove(cache, cache_find(cache, key));
	}
}

void resolver_cache_free(struct resolver_cache **at)
{
	if (*at == NULL) {
		return;
	}
	resolver_cache_clear(*at);
	free(*at);
	*at = NULL;
}

size_t resolver_cache_count(const struct resolver_cache *cache)
{
	return cache->count;
}
