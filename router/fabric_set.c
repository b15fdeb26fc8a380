/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The hash table behind a set of routes. Knows nothing of what they mean.
 */
#include "router/fabric_set.h"

#include <stdlib.h>

enum { FIRST_BUCKETS = 32 };

static bool grow(struct fabric_set *set)
{
	size_t size = set->buckets != NULL ? (set->mask + 1) * 2 : FIRST_BUCKETS;
	struct fabric_route **buckets = calloc(size, sizeof(struct fabric_route *));

	if (buckets == NULL) {
		return set->buckets != NULL; /* slower, not wrong */
	}
	for (size_t i = 0; set->buckets != NULL && i <= set->mask; i++) {
		for (struct fabric_route *route = set->buckets[i], *next; route != NULL;
		     route = next) {
			next = route->next;
			route->next = buckets[route->hash & (size - 1)];
			buckets[route->hash & (size - 1)] = route;
		}
	}
	free(set->buckets);
	set->buckets = buckets;
	set->mask = size - 1;
	return true;
}

struct fabric_route *fabric_set_find(const struct fabric_set *set, const char *name)
{
	uint64_t hash = fw_str_hash(fw_str(name));
	struct fabric_route *route = set->buckets != NULL ? set->buckets[hash & set->mask] : NULL;

	while (route != NULL && (route->hash != hash || strcmp(route->name, name) != 0)) {
		route = route->next;
	}
	return route;
}

struct fabric_route *fabric_set_make(struct fabric_set *set, const char *name)
{
	struct fabric_route *route = fabric_set_find(set, name);
	size_t size = strlen(name) + 1;

	if (route != NULL) {
		return route;
	}
	if ((set->buckets == NULL || set->count > set->mask) && !grow(set)) {
		return NULL;
	}
	route = calloc(1, sizeof(*route) + size);
	if (route == NULL) {
		return NULL;
	}
	memcpy(route->name, name, size);
	route->hash = fw_str_hash(fw_str(name));
	route->next = set->buckets[route->hash & set->mask];
	set->buckets[route->hash & set->mask] = route;
	set->count++;
	return route;
}

void fabric_set_remove(struct fabric_set *set, struct fabric_route **route)
{
	struct fabric_route **at = &set->buckets[(*route)->hash & set->mask];

	while (*at != *route) {
		at = &(*at)->next;
	}
	*at = (*route)->next;
	set->count--;
	free(*route);
	*route = NULL;
}

void fabric_set_clear(struct fabric_set *set)
{
	struct fabric_route *route;

	while ((route = fabric_set_next(set, NULL)) != NULL) {
		fabric_set_remove(set, &route);
	}
	free(set->buckets);
	memset(set, 0, sizeof(*set));
}

struct fabric_route *fabric_set_next(const struct fabric_set *set, const struct fabric_route *after)
{
	size_t bucket = 0;

	if (set->buckets == NULL) {
		return NULL;
	}
	if (after != NULL) {
		if (after->next != NULL) {
			return after->next;
		}
		bucket = (after->hash & set->mask) + 1;
	}
	while (bucket <= set->mask && set->buckets[bucket] == NULL) {
		bucket++;
	}
	return bucket <= set->mask ? set->buckets[bucket] : NULL;
}
