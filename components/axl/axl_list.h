/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A short list of texts without duplicates, in the order in which they came.
 */
#ifndef FEDWAY_COMPONENTS_AXL_LIST_H
#define FEDWAY_COMPONENTS_AXL_LIST_H

#include <fedway/str.h>

/** Zero-initialise. */
struct axl_list {
	char **items;
	size_t count, size;
};

/** Copies the text. One that is there already stays alone. @return FW_OK, FW_ENOMEM */
int axl_list_add(struct axl_list *list, struct fw_str text);
bool axl_list_has(const struct axl_list *list, struct fw_str text);
/** The same, ASCII case ignored. */
bool axl_list_has_nocase(const struct axl_list *list, struct fw_str text);
/** The same texts, in any order. */
bool axl_list_eq(const struct axl_list *a, const struct axl_list *b);
/** Everything of `from` becomes `to`'s, what was there is freed. */
void axl_list_move(struct axl_list *to, struct axl_list *from);
void axl_list_clear(struct axl_list *list);

#endif
