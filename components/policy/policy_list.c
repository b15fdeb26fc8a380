/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two sets of keys: exact domains, and suffixes. A domain of n labels costs n + 1 look-ups at most,
 * one when there are no suffixes. Used for allow, deny and rules (policy_rules.c).
 */
#include "components/policy/policy_list.h"

#include <stdio.h>
#include <string.h>

#include <fedway/jid.h>

int policy_list_init(struct policy_list *list, size_t count)
{
	list->exact = policy_set_new(count);
	list->suffix = policy_set_new(count);
	if (list->exact == NULL || list->suffix == NULL) {
		policy_list_clear(list);
		return FW_ENOMEM;
	}
	return FW_OK;
}

void policy_list_clear(struct policy_list *list)
{
	policy_set_free(&list->exact);
	policy_set_free(&list->suffix);
}

int policy_list_add(struct policy_list *list, const char *entry, uint32_t number)
{
	bool is_suffix = strncmp(entry, "*.", 2) == 0;
	char room[FW_DOMAIN_SIZE];
	struct fw_str key;

	if (fw_domain_key(fw_str(is_suffix ? entry + 2 : entry), room, &key) != FW_OK) {
		return FW_EPARSE;
	}
	return policy_set_add(is_suffix ? list->suffix : list->exact, key, number);
}

bool policy_list_has(const struct policy_list *list, struct fw_str domain, uint32_t *number)
{
	if (policy_set_has(list->exact, domain, number)) {
		return true;
	}
	if (policy_set_count(list->suffix) == 0) {
		return false;
	}
	while (domain.len > 0) {
		if (policy_set_has(list->suffix, domain, number)) {
			return true;
		}
		const char *dot = memchr(domain.ptr, '.', domain.len);
		size_t cut = dot != NULL ? (size_t)(dot - domain.ptr) + 1 : domain.len;
		domain = fw_str_n(domain.ptr + cut, domain.len - cut);
	}
	return false;
}

void policy_list_report(const struct policy_list *list, struct fw_json *array)
{
	char entry[FW_DOMAIN_SIZE + 2];

	for (size_t i = 0; i < policy_set_count(list->exact); i++) {
		fw_json_append(array, fw_str(policy_set_at(list->exact, i)));
	}
	for (size_t i = 0; i < policy_set_count(list->suffix); i++) {
		snprintf(entry, sizeof(entry), "*.%s", policy_set_at(list->suffix, i));
		fw_json_append(array, fw_str(entry));
	}
}
