/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which version of the AXL schema to speak. A 599 lists those that a publisher supports, in a text
 * for people; here it is searched for numbers. Called by axl_publisher.c.
 */
#include "components/axl/axl_schema.h"

#include <stdio.h>

#include <fedway/error.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One or two digits. @return how many */
static size_t read_number(struct fw_str text, unsigned *out)
{
	size_t len = 0;

	*out = 0;
	while (len < text.len && is_digit(text.ptr[len])) {
		if (len == 2) {
			return 0;
		}
		*out = *out * 10 + (unsigned)(text.ptr[len++] - '0');
	}
	return len;
}

/* "14" or "14.0" at the beginning. @return its length, 0: there is none */
static size_t read_version(struct fw_str text, unsigned *major, unsigned *minor)
{
	size_t len = read_number(text, major), more;

	*minor = 0;
	if (len == 0 || *major == 0 || len + 1 >= text.len || text.ptr[len] != '.') {
		return *major == 0 ? 0 : len;
	}
	more = read_number(fw_str_n(text.ptr + len + 1, text.len - len - 1), minor);
	return more > 0 ? len + 1 + more : len;
}

bool axl_schema_read(struct fw_str text, char out[AXL_SCHEMA_SIZE])
{
	unsigned major, minor;
	size_t len = read_version(text, &major, &minor);

	if (len == 0 || (len < text.len && is_digit(text.ptr[len]))) {
		return false;
	}
	snprintf(out, AXL_SCHEMA_SIZE, "%u.%u", major, minor);
	return true;
}

static unsigned schema_rank(const char *schema)
{
	unsigned major, minor;

	(void)read_version(fw_str(schema), &major, &minor);
	return major * 100 + minor;
}

static bool schema_was_tried(const struct axl_schemas *tried, const char *schema)
{
	for (size_t i = 0; i < tried->count; i++) {
		if (strcmp(tried->items[i], schema) == 0) {
			return true;
		}
	}
	return false;
}

/* A version in a text stands between these. What is part of a path or of a longer number does not.
 */
static bool stands_alone(struct fw_str said, size_t at, size_t len)
{
	static const char before[] = " \t\r\n,;:[({>\"'", after[] = " \t\r\n,;])}<\"'";
	bool dot_ends = at + len + 1 >= said.len || !is_digit(said.ptr[at + len + 1]);

	return (at == 0 || strchr(before, said.ptr[at - 1]) != NULL) &&
	       (at + len == said.len || strchr(after, said.ptr[at + len]) != NULL ||
	        (said.ptr[at + len] == '.' && dot_ends));
}

/* Words about the refused version come first; the list is behind "support…". */
static struct fw_str behind_support(struct fw_str said)
{
	static const struct fw_str word = FW_STR("support");

	for (size_t i = 0; i + word.len <= said.len; i++) {
		if (fw_str_eq_nocase(fw_str_n(said.ptr + i, word.len), word)) {
			return fw_str_n(said.ptr + i + word.len, said.len - i - word.len);
		}
	}
	return said;
}

bool axl_schema_next(struct fw_str said, const char *wanted, struct axl_schemas *tried,
                     char out[AXL_SCHEMA_SIZE])
{
	unsigned limit = schema_rank(wanted), best = 0;

	if (!schema_was_tried(tried, wanted) && tried->count < AXL_SCHEMAS_TRIED) {
		snprintf(tried->items[tried->count++], AXL_SCHEMA_SIZE, "%s", wanted);
	}
	if (tried->count == AXL_SCHEMAS_TRIED) {
		return false;
	}
	said = behind_support(said);
	for (size_t at = 0; at < said.len; at++) {
		char found[AXL_SCHEMA_SIZE];
		unsigned major, minor;
		struct fw_str rest = fw_str_n(said.ptr + at, said.len - at);
		size_t len = is_digit(*rest.ptr) ? read_version(rest, &major, &minor) : 0;
		if (len == 0 || !stands_alone(said, at, len) || !axl_schema_read(rest, found) ||
		    schema_was_tried(tried, found)) {
			continue;
		}
		unsigned rank = schema_rank(found);
		bool better = best == 0 || (rank <= limit ? best > limit || rank > best
		                                          : best > limit && rank < best);
		if (better) {
			best = rank;
			snprintf(out, AXL_SCHEMA_SIZE, "%s", found);
		}
		at += len - 1;
	}
	return best != 0;
}
