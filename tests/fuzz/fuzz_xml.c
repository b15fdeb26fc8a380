/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the XML reader. The first line of the input is a script, each byte of it the size of
 * a piece ('.' is a rest); the document follows. Fed whole or in pieces, and whatever the library
 * reports with its own namespace support: the events must be the same.
 */
#include <fedway/error.h>

#include "sdk/io/xml_reader.h"
#include "tests/fuzz/xml_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
	struct xml_reader reader;
	struct fw_str document;
	struct record record;
	uint64_t begin, behind; /* of the first-level element that is open, and behind the last */
	bool restable;          /* the root has the one name that can be put to rest */
	bool stopped;           /* at the first-level element "stop" */
	bool stop_next;
};

static void tell_tag(struct reading *reading, const struct xml_tag *tag)
{
	const struct xml_names *names = &reading->reader.names;

	record_start(&reading->record, tag->plain ? xml_names_resolve(names, fw_str("")) : tag->ns,
	             tag->name);
	for (size_t i = 0; tag->attributes[i] != NULL; i += 2) {
		struct fw_str prefix, name, ns = fw_str("");
		fw_assert(xml_names_split(tag->attributes[i], &prefix, &name));
		if (fw_str_is(prefix, "xmlns") || (prefix.len == 0 && fw_str_is(name, "xmlns"))) {
			continue;
		}
		if (prefix.len > 0) {
			ns = xml_names_resolve(names, prefix);
			fw_assert(ns.ptr != NULL);
		}
		record_attribute(&reading->record, ns, name, fw_str(tag->attributes[i + 1]));
	}
}

static void on_header(void *ctx, const struct xml_tag *tag, uint64_t end)
{
	struct reading *reading = ctx;

	fw_assert(tag->depth == 0 && end <= reading->document.len);
	fw_assert(reading->document.ptr[end - 1] == '>');
	reading->restable = fw_str_is(tag->prefix, "stream") && fw_str_is(tag->name, "stream");
	reading->behind = end;
	tell_tag(reading, tag);
}

static void on_start(void *ctx, const struct xml_tag *tag, uint64_t begin)
{
	struct reading *reading = ctx;

	if (tag->depth == 1) {
		fw_assert(begin >= reading->behind && begin < reading->document.len);
		fw_assert(reading->document.ptr[begin] == '<');
		reading->begin = begin;
		reading->stop_next = fw_str_is(tag->name, "stop");
	} else {
		fw_assert(reading->reader.deep);
	}
	tell_tag(reading, tag);
}

static void on_end(void *ctx, int depth, uint64_t end)
{
	struct reading *reading = ctx;

	record_end(&reading->record);
	if (depth > 1) {
		fw_assert(reading->reader.deep);
		return;
	}
	fw_assert(end > reading->begin && end <= reading->document.len);
	fw_assert(reading->document.ptr[end - 1] == '>');
	reading->behind = end;
	if (reading->stop_next) {
		reading->stopped = true;
		xml_reader_stop(&reading->reader, FW_CAUSE_NONE);
	}
}

static void on_text(void *ctx, struct fw_str text)
{
	struct reading *reading = ctx;

	fw_assert(reading->reader.deep);
	record_add(&reading->record, text);
}

static void on_footer(void *ctx, uint64_t begin)
{
	struct reading *reading = ctx;

	/* a root that is empty has no tag of its own for its end */
	fw_assert(begin == reading->behind ||
	          (begin > reading->behind && reading->document.ptr[begin] == '<'));
	record_end(&reading->record);
}

static void on_free_prefix(void *ctx, struct fw_str prefix, struct fw_str uri)
{
	struct reading *reading = ctx;

	(void)uri; /* an empty one would be a prefix undeclared */
	fw_assert(prefix.len > 0 && uri.len > 0 && reading->reader.depth > 0);
}

static const struct xml_events events = {
	.header = on_header,
	.start = on_start,
	.end = on_end,
	.text = on_text,
	.footer = on_footer,
	.free_prefix = on_free_prefix,
};

/* The script again and again; without sizes in it everything is one piece. */
static size_t next_piece(struct reading *reading, struct fw_str script, size_t *at, size_t left)
{
	for (size_t tries = 0; tries < script.len; tries++) {
		unsigned char c = (unsigned char)script.ptr[(*at)++ % script.len];
		if (c != '.') {
			return c < left ? (c > 0 ? c : 1) : left;
		}
		if (reading->restable) {
			xml_reader_rest(&reading->reader);
		}
	}
	return left;
}

static void read_document(struct reading *reading, struct fw_str script, struct fw_str document,
                          bool deep)
{
	/* Small enough that inputs get beyond; a single tag does not, since it has no such limit
	 * when it comes at once. */
	static const struct fw_xml_limits limits = { 10000, 2000, 16, 16, 16 };
	enum fw_cause cause = FW_CAUSE_NONE;
	size_t given = 0, at = 0;

	memset(reading, 0, sizeof(*reading));
	reading->document = document;
	xml_reader_init(&reading->reader, &events, reading, &limits, deep);
	while (given < document.len && cause == FW_CAUSE_NONE && !reading->reader.stopped) {
		given += next_piece(reading, script, &at, document.len - given);
		fw_assert(reading->reader.fed <= given);
		cause = xml_reader_feed(&reading->reader, document.ptr + reading->reader.fed,
		                        given - (size_t)reading->reader.fed);
		fw_assert(cause == reading->reader.refused);
	}
	fw_assert(reading->reader.fed <= given);
	if (reading->stopped && cause == FW_CAUSE_NONE) {
		fw_assert(reading->reader.fed == reading->behind);
	}
}

static void reading_clear(struct reading *reading)
{
	xml_reader_clear(&reading->reader);
	record_clear(&reading->record);
}

/* How the input is cut may only decide when a limit is broken, never what is read. */
static void compare(const struct reading *whole, const struct reading *pieces)
{
	enum fw_cause a = whole->reader.refused, b = pieces->reader.refused;

	if (b == FW_CAUSE_STANZA_TOO_LARGE || b == FW_CAUSE_NO_PROGRESS) {
		fw_assert(a != FW_CAUSE_NONE || b == FW_CAUSE_NO_PROGRESS);
		fw_assert(record_begins(&whole->record, &pieces->record));
	} else {
		fw_assert(a == b || (a == FW_CAUSE_ENCODING && b == FW_CAUSE_NOT_WELL_FORMED));
		/* of a text that is refused at its end, the beginning may have been told */
		fw_assert(a == FW_CAUSE_NONE
		                  ? record_eq(&whole->record, &pieces->record)
		                  : record_begins(&whole->record, &pieces->record) ||
		                            record_begins(&pieces->record, &whole->record));
	}
}

static void ask_judge(const struct reading *deep)
{
	struct xml_judge judge = { .with_root = true };

	xml_judge_read(&judge, deep->document);
	fw_assert(record_begins(&judge.record, &deep->record));
	switch (deep->reader.refused) {
	case FW_CAUSE_NONE:
		if (deep->reader.ended) {
			fw_assert(judge.closed);
		} else if (!deep->stopped) {
			/* it minds some mistakes before their tag is complete */
			fw_assert(judge.well_formed || deep->reader.unfinished < deep->reader.fed);
		}
		if (!deep->stopped) {
			fw_assert(record_eq(&judge.record, &deep->record));
		}
		break;
	case FW_CAUSE_NOT_WELL_FORMED:
		fw_assert(!judge.well_formed || judge.odd_version);
		break;
	default:
		break;
	}
	xml_judge_clear(&judge);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fw_str input = fw_str_n((const char *)data, size);
	const char *line = size > 0 ? memchr(data, '\n', size) : NULL;
	struct fw_str script = fw_str_n(input.ptr, line != NULL ? (size_t)(line - input.ptr) : 0);
	struct record document = { NULL, 0, 0 };
	struct reading whole, pieces;

	record_add(&document, line != NULL ? fw_str_n(line + 1, size - script.len - 1) : input);
	if (document.len == 0 || document.bytes[document.len - 1] != '>') {
		record_add(&document, fw_str(">")); /* so that nothing is left unread */
	}
	record_fit(&document);
	for (int deep = 0; deep < 2; deep++) {
		struct fw_str text = fw_str_n(document.bytes, document.len);
		read_document(&whole, fw_str(""), text, deep);
		read_document(&pieces, script, text, deep);
		compare(&whole, &pieces);
		if (deep) {
			ask_judge(&whole);
		}
		reading_clear(&whole);
		reading_clear(&pieces);
	}
	record_clear(&document);
	return 0;
}
