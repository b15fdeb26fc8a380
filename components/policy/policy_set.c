/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Open addressing, never more than half full, keys in one array in the order of adding. Asked for
 * every stanza that crosses the border (policy_rules.c).
 */
#include "components/policy/policy_set.h"

#include <stdlib.h>

#include <fedway/error.h>

struct set_key {
	char *text;
	uint32_t number;
};

struct policy_set {
	size_t count, max;
	size_t mask;     /* number of slots - 1 */
	uint32_t *slots; /* 0: free; else index into keys + 1 */
	struct set_key *keys;
};

struct policy_set *policy_set_new(size_t count)
{
	struct policy_set *set = calloc(1, sizeof(*set));
	size_t slots = 8;

	if (set == NULL) {
		return NULL;
	}
	while (slots < count * 2) {
		slots *= 2;
	}
	set->max = count;
	set->mask = slots - 1;
	set->slots = calloc(slots, sizeof(*set->slots));
	set->keys = calloc(count + 1, sizeof(*set->keys));
	if (set->slots == NULL || set->keys == NULL) {
		policy_set_free(&set);
	}
	return set;
}

void policy_set_free(struct policy_set **at)
{
	struct policy_set *set = *at;

	*at = NULL;
	if (set == NULL) {
		return;
	}
	for (size_t i = 0; i < set->count; i++) {
		free(set->keys[i].text);
	}
	free(set->keys);
	free(set->slots);
	free(set);
}

/* Slot of a key, or the free one where it would go. */
static uint32_t *set_slot(const struct policy_set *set, struct fw_str key)
{
	size_t at = (size_t)fw_str_hash(key) & set->mask;

	while (set->slots[at] != 0 && !fw_str_is(key, set->keys[set->slots[at] - 1].text)) {
		at = (at + 1) & set->mask;
	}
	return &set->slots[at];
}

int policy_set_add(struct policy_set *set, struct fw_str key, uint32_t number)
{
	uint32_t *slot = set_slot(set, key);

	if (*slot != 0) {
		return FW_EEXIST;
	}
	if (set->count == set->max) {
		return FW_ELIMIT;
	}
	char *copy = fw_str_dup(key);
	if (copy == NULL) {
		return FW_ENOMEM;
	}
	set->keys[set->count++] = (struct set_key){ copy, number };
	*slot = (uint32_t)set->count;
	return FW_OK;
}

bool policy_set_has(const struct policy_set *set, struct fw_str key, uint32_t *number)
{
	uint32_t slot = set != NULL && set->count > 0 ? *set_slot(set, key) : 0;

	if (slot != 0 && number != NULL) {
		*number = set->keys[slot - 1].number;
	}
	return slot != 0;
}

size_t policy_set_count(const struct policy_set *set)
{
	return set != NULL ? set->count : 0;
}

bool policy_set_eq(const struct policy_set *a, const struct policy_set *b)
{
	bool same = policy_set_count(a) == policy_set_count(b);

	for (size_t i = 0; i < policy_set_count(a) && same; i++) {
		same = policy_set_has(b, fw_str(a->keys[i].text), NULL);
	}
	return same;
}

const char *policy_set_at(const struct policy_set *set, size_t index)
{
	return index < policy_set_count(set) ? set->keys[index].text : NULL;
}
