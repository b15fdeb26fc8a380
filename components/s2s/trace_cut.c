/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Cuts a stream into units for a trace and blots out what people say. Private is all text, and
 * below the first level all attributes but those that say what kind of thing it is; features and
 * stream errors are not private. Every private byte becomes one star, so that lengths and offsets
 * hold.
 */
#include "components/s2s/trace_cut.h"

#include <stdlib.h>
#include <string.h>

enum {
	CUT_TEXT,  /* between tags */
	CUT_LT,    /* behind "<" */
	CUT_NAME,  /* of a tag */
	CUT_TAG,   /* between attributes */
	CUT_ATTR,  /* name of an attribute, and up to its value */
	CUT_VALUE, /* in quotes */
	CUT_PI,    /* a processing instruction, or the XML declaration */
	CUT_BANG,  /* CDATA, comments, declarations */
};

/* Attributes of payloads that may be seen: kinds and namespaces, and no words of people. */
static const char *const plain_attrs[] = { "xmlns", "type", "from", "to", "id", "xml:lang" };

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void cut_give(struct trace_cut *cut, trace_cut_fn *give, void *ctx)
{
	if (cut->len > 0) {
		give(ctx, fw_str_n(cut->raw, cut->len), fw_str_n(cut->shown, cut->len));
		cut->len = 0;
	}
}

static bool cut_room(struct trace_cut *cut)
{
	if (cut->len < cut->room) {
		return true;
	}
	size_t room = cut->room > 0 ? cut->room * 2 : 1024;
	char *raw = realloc(cut->raw, room);
	if (raw == NULL) {
		return false;
	}
	cut->raw = raw;
	char *shown = realloc(cut->shown, room);
	if (shown == NULL) {
		return false;
	}
	cut->shown = shown;
	cut->room = room;
	return true;
}

static bool name_is(const struct trace_cut *cut, const char *name)
{
	return fw_str_is(fw_str_n(cut->name, cut->name_len), name);
}

/* Whatever prefix it has, as long as that is declared for streams as everybody does. */
static bool is_stream_name(const struct trace_cut *cut)
{
	return name_is(cut, "stream:stream");
}

/* @return a unit is complete */
static bool tag_ended(struct trace_cut *cut)
{
	bool opens = name_is(cut, "stream:features") || name_is(cut, "stream:error");

	if (is_stream_name(cut)) {
		cut->depth = 0; /* a header or a footer: whatever was open is not any more */
		cut->open = false;
		return true;
	}
	if (cut->end_tag) {
		cut->depth -= cut->depth > 0 ? 1 : 0; /* it may have begun in the middle */
		cut->open = cut->open && !opens;
	} else if (!cut->empty) {
		cut->open = cut->open || (opens && cut->depth == 0);
		cut->depth++;
	}
	return cut->depth == 0;
}

static bool attr_is_plain(const struct trace_cut *cut)
{
	struct fw_str name = fw_str_n(cut->attr, cut->attr_len);

	if (cut->depth == 0 || cut->open || is_stream_name(cut) ||
	    (name.len >= 6 && memcmp(name.ptr, "xmlns:", 6) == 0)) {
		return true;
	}
	for (size_t i = 0; i < sizeof(plain_attrs) / sizeof(plain_attrs[0]); i++) {
		if (fw_str_is(name, plain_attrs[i])) {
			return true;
		}
	}
	return false;
}

static void name_add(char *name, size_t size, unsigned *len, char c)
{
	if (*len < size) {
		name[(*len)++] = c;
	}
}

/* Inside of a tag, from its name to ">". @return a unit is complete */
static bool step_tag(struct trace_cut *cut, char c)
{
	if (c == '>') {
		cut->state = CUT_TEXT;
		return tag_ended(cut);
	}
	if (cut->state == CUT_NAME && !is_space(c) && c != '/') {
		name_add(cut->name, sizeof(cut->name), &cut->name_len, c);
		return false;
	}
	cut->empty = c == '/';
	if (c == '\'' || c == '"') {
		cut->quote = c;
		cut->hidden = !attr_is_plain(cut);
		cut->state = CUT_VALUE;
	} else if (is_space(c) || c == '/') {
		cut->state = CUT_TAG;
	} else if (c != '=') {
		cut->attr_len = cut->state == CUT_TAG ? 0 : cut->attr_len;
		cut->state = CUT_ATTR;
		name_add(cut->attr, sizeof(cut->attr), &cut->attr_len, c);
	}
	return false;
}

static void step_lt(struct trace_cut *cut, char c)
{
	cut->end_tag = c == '/';
	cut->empty = false;
	cut->name_len = cut->attr_len = 0;
	cut->matched = 0;
	cut->cdata = false;
	cut->state = c == '?' ? CUT_PI : c == '!' ? CUT_BANG : CUT_NAME;
	if (c != '?' && c != '!' && c != '/') {
		name_add(cut->name, sizeof(cut->name), &cut->name_len, c);
	}
}

/* Behind "<!". @return it is private */
static bool step_bang(struct trace_cut *cut, char c)
{
	static const char begin[] = "[CDATA[";

	if (!cut->cdata && cut->matched < sizeof(begin) - 1 && c == begin[cut->matched]) {
		cut->matched++;
		cut->cdata = cut->matched == sizeof(begin) - 1;
		cut->matched = cut->cdata ? 0 : cut->matched;
		return false;
	}
	if (!cut->cdata) {
		cut->matched = sizeof(begin); /* something else: to its first ">" */
		cut->state = c == '>' ? CUT_TEXT : CUT_BANG;
		return c != '>';
	}
	if (c == '>' && cut->matched >= 2) {
		cut->state = CUT_TEXT;
		return false;
	}
	cut->matched = c == ']' ? cut->matched + 1 : 0;
	return true;
}

/* One byte. @return it is private; *done: a unit is complete with it */
static bool step(struct trace_cut *cut, char c, bool *done)
{
	switch (cut->state) {
	case CUT_TEXT:
		if (c == '<') {
			cut->state = CUT_LT;
			return false;
		}
		return !cut->open && !is_space(c);
	case CUT_LT:
		step_lt(cut, c);
		return false;
	case CUT_VALUE:
		if (c == cut->quote) {
			cut->state = CUT_TAG;
			return false;
		}
		return cut->hidden;
	case CUT_PI:
		cut->state = c == '>' ? CUT_TEXT : CUT_PI;
		return false;
	case CUT_BANG:
		return step_bang(cut, c);
	default:
		*done = step_tag(cut, c);
		return false;
	}
}

void trace_cut_feed(struct trace_cut *cut, struct fw_str bytes, trace_cut_fn *give, void *ctx)
{
	for (size_t i = 0; i < bytes.len; i++) {
		bool done = false;
		bool hidden = step(cut, bytes.ptr[i], &done);
		if (cut_room(cut)) {
			cut->raw[cut->len] = bytes.ptr[i];
			cut->shown[cut->len++] = hidden ? '*' : bytes.ptr[i];
		}
		if (done || cut->len >= TRACE_UNIT_MAX) {
			cut_give(cut, give, ctx);
		}
	}
}

void trace_cut_flush(struct trace_cut *cut, trace_cut_fn *give, void *ctx)
{
	cut_give(cut, give, ctx);
}

void trace_cut_free(struct trace_cut *cut)
{
	free(cut->raw);
	free(cut->shown);
	*cut = (struct trace_cut){ 0 };
}
