/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Results kept for their time to live, at most so many.
 */
#ifndef FEDWAY_COMPONENTS_RESOLVER_CACHE_H
#define FEDWAY_COMPONENTS_RESOLVER_CACHE_H

#include <fedway/str.h>

#include "components/resolver/resolver_result.h"

struct resolver_cache;

/** One entry, for reports. */
struct resolver_cache_view {
	struct fw_str key;
	const struct resolver_result *result;
	uint32_t left_s;
	uint64_t hits; /**< how often it was asked for */
};
typedef void resolver_cache_fn(void *ctx, const struct resolver_cache_view *view);

/** @param entries_max  0 keeps nothing. @return FW_OK, FW_ENOMEM [g] */
int resolver_cache_new(size_t entries_max, struct resolver_cache **out);
void resolver_cache_free(struct resolver_cache **cache);
/** Keeps a result for its ttl_s, in the place of an older one; nothing happens when that is 0 or memory is out. */
void resolver_cache_put(struct resolver_cache *cache, struct fw_str key,
                        struct resolver_result *result, uint64_t now_ms);
/** @param left_s  what is left of its time, at least 1. @return the result [b], or NULL */
struct resolver_result *resolver_cache_get(struct resolver_cache *cache, struct fw_str key,
                                           uint64_t now_ms, uint32_t *left_s);
/** Drops one entry, if it is there. */
void resolver_cache_forget(struct resolver_cache *cache, struct fw_str key);
void resolver_cache_clear(struct resolver_cache *cache);
/** All that have not expired, oldest first; `fn` changes nothing. */
void resolver_cache_each(const struct resolver_cache *cache, uint64_t now_ms, resolver_cache_fn *fn, void *ctx);
size_t resolver_cache_count(const struct resolver_cache *cache);

#endif
