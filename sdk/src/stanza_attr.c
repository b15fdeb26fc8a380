/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Attributes of a stanza's own tag, read from its bytes: for small elements that come with every
 * stanza, or every turn, and are not worth a tree. The bytes have passed a parser, so nothing is
 * checked here.
 */
#include "sdk/src/element_private.h"
#include "sdk/src/stanza_private.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Quotes cannot nest, and '>' and '/' end a tag only outside of them, so this needs no parser. */
bool stanza_next_attribute(const char *bytes, uint32_t size, uint32_t *at, struct fw_str *name,
                           struct fw_str *value)
{
	uint32_t i = *at, begin;

	while (i < size && is_blank(bytes[i])) {
		i++;
	}
	begin = i;
	while (i < size && bytes[i] != '=' && bytes[i] != '>' && bytes[i] != '/' &&
	       !is_blank(bytes[i])) {
		i++;
	}
	*name = fw_str_n(bytes + begin, i - begin);
	while (i < size && bytes[i] != '\'' && bytes[i] != '"') {
		if (bytes[i] == '>' || bytes[i] == '/') {
			return false;
		}
		i++;
	}
	const char *quote = i < size ? memchr(bytes + i + 1, bytes[i], size - i - 1) : NULL;
	if (quote == NULL) {
		return false;
	}
	*value = fw_str_n(bytes + i + 1, (size_t)(quote - bytes) - i - 1);
	*at = (uint32_t)(quote - bytes) + 1;
	return true;
}

/* References and white space, which a parser would have to decode (XML 1.0 §3.3.3). */
static bool is_plain(struct fw_str value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		if (c == '&' || (is_blank(c) && c != ' ')) {
			return false;
		}
	}
	return true;
}

struct fw_str fw_stanza_attr(struct fw_stanza *stanza, const char *name)
{
	uint32_t at = stanza->name_size;
	struct fw_str found, value;

	if (stanza->tree != NULL) {
		return fw_elem_attr(stanza->tree->root, name);
	}
	while (stanza_next_attribute(stanza->bytes, stanza->size, &at, &found, &value)) {
		if (fw_str_is(found, name) && !fw_str_is(found, "xmlns")) {
			return is_plain(value) ? value : fw_elem_attr(fw_stanza_root(stanza), name);
		}
	}
	return fw_str(NULL);
}
