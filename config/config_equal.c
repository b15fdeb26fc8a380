/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Do two structs filled from the same rows say the same? Called by the router on reload, to leave
 * alone what has not changed. Struct padding and pointers are never compared, only what the rows
 * name.
 */
#include "config/config.h"

static bool equal_text(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

/* The file it came from does not matter, its bytes do. */
static bool equal_secret(const struct fw_secret *a, const struct fw_secret *b)
{
	return (a->bytes == NULL) == (b->bytes == NULL) &&
	       fw_str_eq(fw_str_n(a->bytes, a->len), fw_str_n(b->bytes, b->len));
}

static bool equal_strings(const struct fw_strings *a, const struct fw_strings *b)
{
	bool equal = a->count == b->count;

	for (size_t i = 0; equal && i < a->count; i++) {
		equal = equal_text(a->items[i], b->items[i]);
	}
	return equal;
}

static bool equal_rows(const struct fw_option *row, const struct fw_rows *a,
                       const struct fw_rows *b)
{
	bool equal = a->count == b->count;

	for (size_t i = 0; equal && i < a->count; i++) {
		equal = config_options_equal(row->rows, (const char *)a->items + i * row->row_size,
		                             (const char *)b->items + i * row->row_size);
	}
	return equal;
}

static bool equal_member(const struct fw_option *row, const void *a, const void *b)
{
	switch (row->type) {
	case FW_OPTION_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case FW_OPTION_U16:
		return *(const uint16_t *)a == *(const uint16_t *)b;
	case FW_OPTION_U32:
		return *(const uint32_t *)a == *(const uint32_t *)b;
	case FW_OPTION_U64:
		return *(const uint64_t *)a == *(const uint64_t *)b;
	case FW_OPTION_CHOICE:
		return *(const int *)a == *(const int *)b;
	case FW_OPTION_STRING:
		return equal_text(*(const char *const *)a, *(const char *const *)b);
	case FW_OPTION_SECRET:
		return equal_secret(a, b);
	case FW_OPTION_STRINGS:
		return equal_strings(a, b);
	case FW_OPTION_ROWS:
		return equal_rows(row, a, b);
	}
	return false;
}

bool config_options_equal(const struct fw_option *rows, const void *a, const void *b)
{
	for (const struct fw_option *row = rows; row != NULL && row->name != NULL; row++) {
		if (!equal_member(row, (const char *)a + row->offset,
		                  (const char *)b + row->offset)) {
			return false;
		}
	}
	return true;
}
