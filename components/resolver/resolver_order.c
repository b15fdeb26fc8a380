/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * RFC 2782, "Usage rules": groups of one priority, lowest first; in a group, records of weight 0
 * stand first, a number between 0 and the sum of weights is drawn, and the first record whose
 * running sum reaches it is next. "In any order" leaves the rest of the line-up free: it is
 * shuffled, so that equal weights get equal shares.
 */
#include "components/resolver/resolver_order.h"

#include <stdlib.h>

#include <fedway/io/crypto.h>

static void order_shuffle(size_t *items, size_t count, resolver_random_fn *random, void *ctx)
{
	for (size_t left = count; left > 1; left--) {
		size_t pick = random(ctx, (uint32_t)left - 1);
		size_t item = items[left - 1];
		items[left - 1] = items[pick];
		items[pick] = item;
	}
}

/* Stable: those with the smaller key first. */
static void order_sort(const struct resolver_host *hosts, size_t *items, size_t count,
                       bool by_weight)
{
	for (size_t i = 1; i < count; i++) {
		size_t item = items[i], at = i;
		for (; at > 0; at--) {
			const struct resolver_host *a = &hosts[items[at - 1]], *b = &hosts[item];
			bool in_order = by_weight ? a->weight == 0 || b->weight > 0
			                          : a->priority <= b->priority;
			if (in_order) {
				break;
			}
			items[at] = items[at - 1];
		}
		items[at] = item;
	}
}

/* One group: draws what comes first, then the same for those that are left. */
static void order_group(const struct resolver_host *hosts, size_t *items, size_t count,
                        resolver_random_fn *random, void *ctx)
{
	for (size_t first = 0; first + 1 < count; first++) {
		uint32_t sum = 0, running = 0;

		order_shuffle(items + first, count - first, random, ctx);
		order_sort(hosts, items + first, count - first, true);
		for (size_t i = first; i < count; i++) {
			sum += hosts[items[i]].weight;
		}
		uint32_t drawn = sum > 0 ? random(ctx, sum) : 0;
		size_t pick = first;
		for (; pick + 1 < count; pick++) {
			running += hosts[items[pick]].weight;
			if (running >= drawn) {
				break;
			}
		}
		size_t chosen = items[pick];
		for (; pick > first; pick--) {
			items[pick] = items[pick - 1];
		}
		items[first] = chosen;
	}
}

void resolver_order(const struct resolver_host *hosts, size_t count, size_t *order,
                    resolver_random_fn *random, void *ctx)
{
	for (size_t i = 0; i < count; i++) {
		order[i] = i;
	}
	order_sort(hosts, order, count, false);
	for (size_t begin = 0, end; begin < count; begin = end) {
		for (end = begin + 1;
		     end < count && hosts[order[end]].priority == hosts[order[begin]].priority;) {
			end++;
		}
		order_group(hosts, order + begin, end - begin, random, ctx);
	}
}

uint32_t resolver_random(void *ctx, uint32_t max)
{
	uint32_t mask = max, drawn;

	(void)ctx;
	for (int shift = 1; shift < 32; shift *= 2) {
		mask |= mask >> shift;
	}
	do { /* numbers over the limit are thrown away: no bias */
		fw_random(&drawn, sizeof(drawn));
		drawn &= mask;
	} while (drawn > max);
	return drawn;
}
