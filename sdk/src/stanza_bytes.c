/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Bytes of a stanza: as they came, or written from the tree when it was made or changed here.
 * Elements are written without prefixes, each namespace as the default one where it begins.
 */
#include <stdio.h>
#include <stdlib.h>

#include <fedway/io/xml.h>

#include "sdk/src/element_private.h"
#include "sdk/src/stanza_private.h"

#define NS_XML "http://www.w3.org/XML/1998/namespace"

/* Text under construction. Once `failed`, further pieces are ignored. */
struct writer {
	char *bytes;
	size_t len, size;
	bool failed;
};

static void put(struct writer *writer, struct fw_str text)
{
	if (writer->failed) {
		return;
	}
	if (text.len > writer->size - writer->len) {
		size_t size = (writer->size + text.len) * 2 + 256;
		char *bytes = realloc(writer->bytes, size);
		if (bytes == NULL) {
			writer->failed = true;
			return;
		}
		writer->bytes = bytes;
		writer->size = size;
	}
	if (text.len > 0) {
		memcpy(writer->bytes + writer->len, text.ptr, text.len);
		writer->len += text.len;
	}
}

static struct fw_str escape_of(char c)
{
	switch (c) {
	case '&':
		return fw_str("&amp;");
	case '<':
		return fw_str("&lt;");
	case '>':
		return fw_str("&gt;");
	case '\'':
		return fw_str("&apos;");
	case '"':
		return fw_str("&quot;");
	case '\n':
		return fw_str("&#10;");
	case '\t':
		return fw_str("&#9;");
	case '\r':
		return fw_str("&#13;");
	default:
		return fw_str(NULL);
	}
}

/* White space is written as references in attributes only, where a parser would turn it into
 * spaces; a carriage return always. */
static void put_escaped(struct writer *writer, struct fw_str text, bool attribute)
{
	size_t begin = 0;

	if (text.len == 0) {
		return;
	}
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		struct fw_str escaped = escape_of(c);
		if (escaped.ptr == NULL || (!attribute && (c == '\n' || c == '\t'))) {
			continue;
		}
		put(writer, fw_str_n(text.ptr + begin, i - begin));
		put(writer, escaped);
		begin = i + 1;
	}
	put(writer, fw_str_n(text.ptr + begin, text.len - begin));
}

static void put_attribute(struct writer *writer, const char *prefix, struct fw_str name,
                          struct fw_str value)
{
	put(writer, fw_str(" "));
	put(writer, fw_str(prefix));
	put(writer, name);
	put(writer, fw_str("='"));
	put_escaped(writer, value, true);
	put(writer, fw_str("'"));
}

static void put_start(struct writer *writer, const struct fw_elem *elem)
{
	struct fw_str parent_ns = elem->parent != NULL ? elem->parent->ns : fw_str(NULL);
	const struct attribute *attribute;
	unsigned number = 0;
	char prefix[24];

	put(writer, fw_str("<"));
	put(writer, elem->name);
	if (!fw_str_eq(elem->ns, parent_ns)) {
		put_attribute(writer, "", fw_str("xmlns"), elem->ns);
	}
	for (attribute = elem->attributes; attribute != NULL; attribute = attribute->next) {
		if (attribute->ns.len == 0) {
			put_attribute(writer, "", attribute->name, attribute->value);
		} else if (fw_str_is(attribute->ns, NS_XML)) {
			put_attribute(writer, "xml:", attribute->name, attribute->value);
		} else {
			snprintf(prefix, sizeof(prefix), "a%u", number++);
			put_attribute(writer, "xmlns:", fw_str(prefix), attribute->ns);
			snprintf(prefix, sizeof(prefix), "a%u:", number - 1);
			put_attribute(writer, prefix, attribute->name, attribute->value);
		}
	}
	put(writer, fw_str(elem->first != NULL ? ">" : "/>"));
}

static void put_end(struct writer *writer, const struct fw_elem *elem)
{
	put(writer, fw_str("</"));
	put(writer, elem->name);
	put(writer, fw_str(">"));
}

/* Walks without recursion: depth is a peer's choice. */
static void put_tree(struct writer *writer, const struct fw_elem *root)
{
	const struct fw_elem *node = root;

	for (;;) {
		if (elem_is_text(node)) {
			put_escaped(writer, node->text, false);
		} else {
			put_start(writer, node);
			if (node->first != NULL) {
				node = node->first;
				continue;
			}
		}
		while (node != root && node->next == NULL) {
			node = node->parent;
			put_end(writer, node);
		}
		if (node == root) {
			return;
		}
		node = node->next;
	}
}

int stanza_need_bytes(struct fw_stanza *stanza)
{
	struct writer writer = { NULL, 0, 0, false };
	struct chunk *chunk;

	if (stanza->bytes != NULL) {
		return FW_OK;
	}
	put_tree(&writer, stanza->tree->root);
	chunk = writer.failed ? NULL : chunk_new(writer.len);
	if (chunk == NULL) {
		free(writer.bytes);
		return FW_ENOMEM;
	}
	memcpy(chunk->bytes, writer.bytes, writer.len);
	free(writer.bytes);
	stanza->chunk = chunk;
	stanza->bytes = chunk->bytes;
	stanza->size = (uint32_t)writer.len;
	stanza->name_size = (uint32_t)(1 + stanza->name.len);
	stanza->borrowed = false;
	return FW_OK;
}

/* The envelope may point into bytes that go: copies those parts of it. */
static int keep_envelope(struct fw_stanza *stanza)
{
	struct fw_str *parts[] = { &stanza->name, &stanza->ns,   &stanza->type,
		                   &stanza->id,   &stanza->from, &stanza->to };

	for (size_t i = 0; i < FW_COUNT(parts); i++) {
		const char *ptr = parts[i]->ptr;
		if (ptr < stanza->bytes || ptr >= stanza->bytes + stanza->size) {
			continue;
		}
		*parts[i] = stanza_store(stanza, *parts[i]);
		if (parts[i]->ptr == NULL) {
			return FW_ENOMEM;
		}
	}
	stanza_set_from(stanza, stanza->from);
	stanza_set_to(stanza, stanza->to);
	return FW_OK;
}

int fw_stanza_bytes(struct fw_stanza *stanza, struct fw_str *out)
{
	struct chunk *chunk;
	char *at;

	if (stanza_need_bytes(stanza) != FW_OK) {
		return FW_ENOMEM;
	}
	if (stanza->inject.len > 0 || stanza->cut_size > 0) {
		/* Make one piece of it, for good. */
		chunk = keep_envelope(stanza) == FW_OK ? chunk_new(stanza_wire_size(stanza)) : NULL;
		if (chunk == NULL) {
			return FW_ENOMEM;
		}
		at = chunk->bytes;
		memcpy(at, stanza->bytes, stanza->name_size);
		at += stanza->name_size;
		if (stanza->inject.len > 0) {
			memcpy(at, stanza->inject.ptr, stanza->inject.len);
			at += stanza->inject.len;
		}
		uint32_t from = stanza->name_size;
		uint32_t cut_at = stanza->cut_size > 0 ? stanza->cut_at : from;
		memcpy(at, stanza->bytes + from, cut_at - from);
		at += cut_at - from;
		from = cut_at + stanza->cut_size;
		memcpy(at, stanza->bytes + from, stanza->size - from);
		stanza->size = (uint32_t)stanza_wire_size(stanza);
		chunk_release(&stanza->chunk);
		stanza->chunk = chunk;
		stanza->bytes = chunk->bytes;
		stanza->inject = fw_str(NULL);
		stanza->cut_size = 0;
		stanza->borrowed = false;
	}
	*out = fw_str_n(stanza->bytes, stanza->size);
	return FW_OK;
}

size_t fw_stanza_size(const struct fw_stanza *stanza)
{
	return stanza != NULL ? stanza_wire_size(stanza) : 0;
}

int fw_stanza_settle(struct fw_stanza *stanza)
{
	struct chunk *chunk;

	if (!stanza->borrowed || stanza->chunk == NULL) {
		return FW_OK;
	}
	chunk = keep_envelope(stanza) == FW_OK ? chunk_new(stanza->size) : NULL;
	if (chunk == NULL) {
		return FW_ENOMEM;
	}
	memcpy(chunk->bytes, stanza->bytes, stanza->size);
	chunk_release(&stanza->chunk);
	stanza->chunk = chunk;
	stanza->bytes = chunk->bytes;
	stanza->borrowed = false;
	return FW_OK;
}

const char *fw_xml_escape(struct fw_str text, char *out, size_t out_size)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		struct fw_str piece = escape_of(text.ptr[i]);
		if (piece.ptr == NULL) {
			piece = fw_str_n(text.ptr + i, 1);
		}
		if (len + piece.len + 1 > out_size) {
			break;
		}
		memcpy(out + len, piece.ptr, piece.len);
		len += piece.len;
	}
	if (out_size > 0) {
		out[len] = '\0';
	}
	return out;
}
