/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A list of domains as operators write them: exact ones, and "*.example.org" for example.org and all
 * below it. The longest match wins.
 */
#ifndef FEDWAY_COMPONENTS_POLICY_LIST_H
#define FEDWAY_COMPONENTS_POLICY_LIST_H

#include <fedway/error.h>
#include <fedway/json.h>

#include "components/policy/policy_set.h"

struct policy_list {
	struct policy_set *exact, *suffix; /**< suffixes without their "*." */
};

/** An empty list with room for `count` entries. @return FW_OK, FW_ENOMEM */
int policy_list_init(struct policy_list *list, size_t count);
void policy_list_clear(struct policy_list *list);
/**
 * Adds an entry in any spelling, with a number of the caller's choice.
 * @return FW_OK; FW_EEXIST (it is there, with its number); FW_EPARSE (no domain); FW_ENOMEM
 */
int policy_list_add(struct policy_list *list, const char *entry, uint32_t number);
/**
 * The longest entry that matches a domain, given as a key. No allocation.
 * @param number  of that entry; may be NULL
 */
bool policy_list_has(const struct policy_list *list, struct fw_str domain, uint32_t *number);
/** For reports: its entries, as keys. */
void policy_list_report(const struct policy_list *list, struct fw_json *array);

#endif
