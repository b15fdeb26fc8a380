/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Builds the tree of a stanza from its bytes, for those who ask. The bytes were checked when they
 * arrived; here only memory can be short, except for text that did not come from a stream
 * (fw_stanza_parse, fw_xml_document).
 */
#include <stdlib.h>

#include <fedway/io/xml.h>

#include "sdk/io/xml_reader.h"
#include "sdk/src/element_private.h"
#include "sdk/src/stanza_private.h"

struct builder {
	struct xml_reader reader;
	struct fw_stanza *stanza;
	struct tree *tree;
	struct fw_elem *open; /* innermost open element */
	char *text;           /* character data since the last tag */
	size_t text_len, text_size;
	int elements; /* of the first level */
};

static void out_of_memory(struct builder *builder)
{
	xml_reader_stop(&builder->reader, FW_CAUSE_RESOURCES);
}

static void flush_text(struct builder *builder)
{
	struct fw_elem *node;

	if (builder->text_len == 0 || builder->open == NULL) {
		builder->text_len = 0;
		return;
	}
	node = tree_node(builder->stanza, builder->tree, builder->open, fw_str(NULL), fw_str(NULL));
	if (node != NULL) {
		node->text = tree_text(builder->tree, fw_str_n(builder->text, builder->text_len));
	}
	if (node == NULL || node->text.ptr == NULL) {
		out_of_memory(builder);
	}
	builder->text_len = 0;
}

static void on_text(void *ctx, struct fw_str text)
{
	struct builder *builder = ctx;

	if (text.len > builder->text_size - builder->text_len) {
		size_t size = (builder->text_len + text.len) * 2;
		char *more = realloc(builder->text, size);
		if (more == NULL) {
			out_of_memory(builder);
			return;
		}
		builder->text = more;
		builder->text_size = size;
	}
	memcpy(builder->text + builder->text_len, text.ptr, text.len);
	builder->text_len += text.len;
}

static int add_attributes(struct builder *builder, struct fw_elem *elem,
                          const char *const *attributes)
{
	for (size_t i = 0; attributes[i] != NULL; i += 2) {
		struct fw_str prefix, name, ns = fw_str(NULL);
		if (strncmp(attributes[i], "xmlns", 5) == 0 &&
		    (attributes[i][5] == '\0' || attributes[i][5] == ':')) {
			continue;
		}
		xml_names_split(attributes[i], &prefix, &name);
		if (prefix.len > 0) {
			ns = xml_names_resolve(&builder->reader.names, prefix);
		}
		if (tree_attribute(builder->tree, elem, name, ns, fw_str(attributes[i + 1])) !=
		    FW_OK) {
			return FW_ENOMEM;
		}
	}
	return FW_OK;
}

static void on_header(void *ctx, const struct xml_tag *tag, uint64_t end)
{
	(void)ctx;
	(void)tag;
	(void)end;
}

static void on_start(void *ctx, const struct xml_tag *tag, uint64_t begin)
{
	struct builder *builder = ctx;
	struct fw_elem *elem;
	struct fw_str ns = tag->ns.len > 0 ? tag->ns : fw_str(NULL);

	(void)begin;
	flush_text(builder);
	if (builder->open == NULL && builder->elements++ > 0) {
		xml_reader_stop(&builder->reader, FW_CAUSE_BAD_FORMAT);
		return;
	}
	elem = tree_node(builder->stanza, builder->tree, builder->open, tag->name, ns);
	if (elem == NULL || add_attributes(builder, elem, tag->attributes) != FW_OK) {
		out_of_memory(builder);
		return;
	}
	builder->open = elem;
}

static void on_end(void *ctx, int depth, uint64_t end)
{
	struct builder *builder = ctx;

	(void)depth;
	(void)end;
	flush_text(builder);
	builder->open = builder->open->parent;
}

static void on_footer(void *ctx, uint64_t begin)
{
	struct builder *builder = ctx;

	(void)begin;
	xml_reader_stop(&builder->reader, FW_CAUSE_BAD_FORMAT);
}

static const struct xml_events tree_events = {
	.header = on_header,
	.start = on_start,
	.end = on_end,
	.text = on_text,
	.footer = on_footer,
};

static int code_of(enum fw_cause cause)
{
	switch (cause) {
	case FW_CAUSE_NONE:
		return FW_OK;
	case FW_CAUSE_RESOURCES:
		return FW_ENOMEM;
	case FW_CAUSE_TAG_TOO_LONG:
	case FW_CAUSE_STANZA_TOO_LARGE:
	case FW_CAUSE_TOO_DEEP:
	case FW_CAUSE_TOO_MANY_ATTRIBUTES:
		return FW_ELIMIT;
	default:
		return FW_EPARSE;
	}
}

/* @return FW_CAUSE_NONE, or why the text is refused */
static enum fw_cause build(struct fw_stanza *stanza, const struct fw_xml_limits *limits,
                           bool comments)
{
	struct builder builder = { .stanza = stanza };
	struct fw_str bytes;
	enum fw_cause cause;

	if (fw_stanza_bytes(stanza, &bytes) != FW_OK) {
		return FW_CAUSE_RESOURCES;
	}
	builder.tree = tree_new();
	if (builder.tree == NULL) {
		return FW_CAUSE_RESOURCES;
	}
	/* A root without a default namespace: what the stanza inherits from its stream shows as
	 * absent. */
	xml_reader_init(&builder.reader, &tree_events, &builder, limits, true);
	builder.reader.comments = comments;
	cause = xml_reader_feed(&builder.reader, "<r>", 3);
	if (cause == FW_CAUSE_NONE) {
		cause = xml_reader_feed(&builder.reader, bytes.ptr, bytes.len);
	}
	if (cause == FW_CAUSE_NONE &&
	    (builder.elements != 1 || builder.open != NULL || builder.reader.depth != 1)) {
		cause = FW_CAUSE_BAD_FORMAT;
	}
	xml_reader_clear(&builder.reader);
	free(builder.text);
	if (cause != FW_CAUSE_NONE) {
		tree_free(&builder.tree);
		return cause;
	}
	stanza->tree = builder.tree;
	return FW_CAUSE_NONE;
}

/* The stream had limits of its own; these only bound text from elsewhere. */
static const struct fw_xml_limits trusted_limits = { UINT32_MAX, UINT32_MAX, 1024, 1024, 1024 };

int tree_parse(struct fw_stanza *stanza)
{
	return code_of(build(stanza, &trusted_limits, false));
}

static enum fw_cause parse_text(struct fw_str text, const struct fw_xml_limits *limits,
                                bool comments, struct fw_stanza **out)
{
	struct fw_stanza *stanza = stanza_alloc();
	enum fw_cause cause = FW_CAUSE_RESOURCES;

	if (stanza == NULL) {
		return cause;
	}
	stanza->chunk = chunk_new(text.len);
	if (stanza->chunk == NULL) {
		goto done;
	}
	if (text.len > 0) {
		memcpy(stanza->chunk->bytes, text.ptr, text.len);
	}
	stanza->bytes = stanza->chunk->bytes;
	stanza->size = (uint32_t)text.len;
	cause = build(stanza, limits, comments);
	if (cause != FW_CAUSE_NONE) {
		goto done;
	}
	/* The name's place in the bytes is not known: have them written again. */
	stanza_edited(stanza);
	*out = stanza;
	stanza = NULL;
done:
	fw_stanza_free(&stanza);
	return cause;
}

int fw_stanza_parse(struct fw_str text, struct fw_stanza **out)
{
	return code_of(parse_text(text, &trusted_limits, false, out));
}

/* ---- documents ---- */

/* XML 1.0 §2.8: the declaration must be the very first thing; nothing but UTF-8 is read here. */
static int skip_declaration(struct fw_str *text, struct fw_error *err)
{
	static const char bom[] = "\xef\xbb\xbf", begin[] = "<?xml";
	struct fw_str rest = *text;

	if (rest.len >= 3 && memcmp(rest.ptr, bom, 3) == 0) {
		rest = fw_str_n(rest.ptr + 3, rest.len - 3);
	}
	if (rest.len > 5 && memcmp(rest.ptr, begin, 5) == 0 && memchr(" \t\r\n", rest.ptr[5], 4)) {
		const char *end = memchr(rest.ptr, '>', rest.len);
		if (end == NULL || end[-1] != '?') {
			return fw_error_set(err, FW_EPARSE, "the XML declaration does not end");
		}
		struct fw_str line = fw_str_n(rest.ptr, (size_t)(end - rest.ptr));
		const char *word = memmem(line.ptr, line.len, "encoding", 8);
		while (word != NULL && word < end && *word != '"' && *word != '\'') {
			word++;
		}
		if (word != NULL &&
		    (end - word < 7 || !fw_str_eq_nocase(fw_str_n(word + 1, 5), fw_str("utf-8")) ||
		     word[6] != word[0])) {
			return fw_error_set(err, FW_EPARSE, "the document is not encoded in UTF-8");
		}
		rest = fw_str_n(end + 1, (size_t)(rest.ptr + rest.len - end - 1));
	}
	*text = fw_str_trim(rest);
	return FW_OK;
}

int fw_xml_document(struct fw_str text, const struct fw_xml_limits *limits, struct fw_stanza **out,
                    struct fw_error *err)
{
	int ret = skip_declaration(&text, err);

	if (ret != FW_OK) {
		return ret;
	}
	if (text.len > limits->stanza_max_bytes) {
		return fw_error_set(err, FW_ELIMIT, "the document has more than %u bytes",
		                    (unsigned)limits->stanza_max_bytes);
	}
	enum fw_cause cause = parse_text(text, limits, true, out);
	if (cause != FW_CAUSE_NONE) {
		return fw_error_set(err, code_of(cause), "%s", fw_cause_row(cause)->text);
	}
	return FW_OK;
}
