/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A set of domain keys, each with a number: made once, then only asked.
 */
#ifndef FEDWAY_COMPONENTS_POLICY_SET_H
#define FEDWAY_COMPONENTS_POLICY_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fedway/str.h>

struct policy_set;

/** An empty set with room for `count` domains; NULL when out of memory. */
struct policy_set *policy_set_new(size_t count);
void policy_set_free(struct policy_set **set);
/**
 * Adds a key, once: one that is there keeps its number.
 * @return FW_OK, FW_EEXIST, FW_ENOMEM, FW_ELIMIT (more than there is room for)
 */
int policy_set_add(struct policy_set *set, struct fw_str key, uint32_t number);
/** No allocation, one hash. NULL is the empty set. @param number  may be NULL */
bool policy_set_has(const struct policy_set *set, struct fw_str key, uint32_t *number);
size_t policy_set_count(const struct policy_set *set);
bool policy_set_eq(const struct policy_set *a, const struct policy_set *b);
/** Key at `index` in the order of adding; NULL past the end. */
const char *policy_set_at(const struct policy_set *set, size_t index);

#endif
