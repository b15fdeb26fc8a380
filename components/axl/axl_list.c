/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Short lists of names: component IDs, realms. Called by the other files of this folder.
 */
#include "components/axl/axl_list.h"

#include <stdlib.h>

#include <fedway/error.h>

int axl_list_add(struct axl_list *list, struct fw_str text)
{
	if (axl_list_has(list, text)) {
		return FW_OK;
	}
	if (list->count == list->size) {
		size_t size = list->size * 2 + 8;
		char **more = realloc(list->items, size * sizeof(*more));
		if (more == NULL) {
			return FW_ENOMEM;
		}
		list->items = more;
		list->size = size;
	}
	list->items[list->count] = fw_str_dup(text);
	if (list->items[list->count] == NULL) {
		return FW_ENOMEM;
	}
	list->count++;
	return FW_OK;
}

bool axl_list_has(const struct axl_list *list, struct fw_str text)
{
	for (size_t i = 0; i < list->count; i++) {
		if (fw_str_is(text, list->items[i])) {
			return true;
		}
	}
	return false;
}

bool axl_list_has_nocase(const struct axl_list *list, struct fw_str text)
{
	for (size_t i = 0; i < list->count; i++) {
		if (fw_str_eq_nocase(text, fw_str(list->items[i]))) {
			return true;
		}
	}
	return false;
}

bool axl_list_eq(const struct axl_list *a, const struct axl_list *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; i < a->count && same; i++) {
		same = axl_list_has(b, fw_str(a->items[i]));
	}
	return same;
}

void axl_list_move(struct axl_list *to, struct axl_list *from)
{
	axl_list_clear(to);
	*to = *from;
	*from = (struct axl_list){ 0 };
}

void axl_list_clear(struct axl_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i]);
	}
	free(list->items);
	*list = (struct axl_list){ 0 };
}
