/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Words for values and for what an option wants. Called wherever config/ speaks to a person. It
 * decides nothing. Values of secrets must not be given to it.
 */
#include "config/config_describe.h"

#include <inttypes.h>

#define NAME_MAX_COMPARED 63u

const char *config_describe_value(const struct config_node *node, char *out, size_t out_size)
{
	char quoted[64];

	switch (node->type) {
	case CONFIG_GROUP:
		snprintf(out, out_size, "{ … }");
		break;
	case CONFIG_LIST:
		snprintf(out, out_size, "( … )");
		break;
	case CONFIG_BOOL:
		snprintf(out, out_size, "%s", node->number != 0 ? "true" : "false");
		break;
	case CONFIG_NUMBER:
		snprintf(out, out_size, "%" PRId64, node->number);
		break;
	case CONFIG_FLOAT:
		snprintf(out, out_size, "%g", node->real);
		break;
	case CONFIG_TEXT:
		snprintf(out, out_size, "\"%s\"",
		         fw_quote(fw_str(node->text), quoted, sizeof(quoted)));
		break;
	}
	return out;
}

uint64_t config_describe_max(const struct fw_option *row)
{
	if (row->max > 0) {
		return row->max;
	}
	switch (row->type) {
	case FW_OPTION_U16:
		return UINT16_MAX;
	case FW_OPTION_U32:
		return UINT32_MAX;
	default:
		return INT64_MAX; /* of the file's syntax */
	}
}

static const char *describe_choices(const struct fw_choice *choices, char *out, size_t out_size)
{
	size_t used = (size_t)snprintf(out, out_size, "one of ");

	for (const struct fw_choice *c = choices; c != NULL && c->word != NULL; c++) {
		if (used < out_size) {
			used += (size_t)snprintf(out + used, out_size - used, "%s\"%s\"",
			                         c == choices ? "" : ", ", c->word);
		}
	}
	return out;
}

const char *config_describe_wanted(const struct fw_option *row, char *out, size_t out_size)
{
	switch (row->type) {
	case FW_OPTION_BOOL:
		snprintf(out, out_size, "true or false");
		break;
	case FW_OPTION_U16:
	case FW_OPTION_U32:
	case FW_OPTION_U64:
		snprintf(out, out_size, "a number from %" PRIu64 " to %" PRIu64, row->min,
		         config_describe_max(row));
		break;
	case FW_OPTION_STRING:
	case FW_OPTION_SECRET:
		snprintf(out, out_size, "a string in quotes");
		break;
	case FW_OPTION_CHOICE:
		return describe_choices(row->choices, out, out_size);
	case FW_OPTION_STRINGS:
		snprintf(out, out_size, "a list of strings, such as ( \"a\", \"b\" ),");
		break;
	case FW_OPTION_ROWS:
		snprintf(out, out_size, "a list of groups, such as ( { … } ),");
		break;
	}
	return out;
}

/* Letters to add, drop, change or swap with their neighbour to make one of the other. */
static size_t describe_distance(const char *a, const char *b)
{
	size_t rows[3][NAME_MAX_COMPARED + 1];
	size_t a_len = strlen(a), b_len = strlen(b);

	for (size_t j = 0; j <= b_len; j++) {
		rows[0][j] = j;
	}
	for (size_t i = 1; i <= a_len; i++) {
		size_t *here = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
		here[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
			best = above[j] + 1 < best ? above[j] + 1 : best;
			best = here[j - 1] + 1 < best ? here[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    above2[j - 2] + 1 < best) {
				best = above2[j - 2] + 1;
			}
			here[j] = best;
		}
	}
	return rows[a_len % 3][b_len];
}

const char *config_describe_nearest(const char *name, const char *const *known, size_t count)
{
	size_t len = strlen(name);
	size_t best = len / 3 + 2; /* further away it is another word */
	const char *nearest = NULL;

	if (len > NAME_MAX_COMPARED) {
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		if (strlen(known[i]) <= NAME_MAX_COMPARED) {
			size_t distance = describe_distance(name, known[i]);
			/* nothing is left of a word of which every letter changes */
			if (distance < best && distance < strlen(known[i])) {
				best = distance;
				nearest = known[i];
			}
		}
	}
	return nearest;
}
