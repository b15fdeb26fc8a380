/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Namespace rules, with the XML library's own namespace mode as the judge: thousands of documents
 * made from a seed must be taken or refused by both.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <expat.h>

#include "sdk/io/xml_reader.h"

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static const char *pick(const char *const *words, uint32_t count)
{
	return words[draw(count)];
}

static const char *const names[] = { "a",     "b",  "p:a", "q:b",     "xml:a", "r:c",
	                             "p:q:a", ":a", "p:",  "xmlns:a", "p:1" };
static const char *const attributes[] = {
	"x",       "p:x",     "q:x",       "y",           "xml:lang", "xmlns",
	"xmlns:p", "xmlns:q", "xmlns:xml", "xmlns:xmlns", "r:x",      "p:q:x",
};
static const char *const uris[] = {
	"urn:1",
	"urn:2",
	"",
	"http://www.w3.org/XML/1998/namespace",
	"http://www.w3.org/2000/xmlns/",
};

/* Mostly sound documents: the odd words at the ends of the tables are drawn seldom. */
static size_t element(char *out, size_t size, int depth)
{
	const char *name = pick(names, draw(8) == 0 ? 11 : 4);
	size_t len = (size_t)snprintf(out, size, "<%s", name);
	uint32_t count = draw(4);

	for (uint32_t i = 0; i < count; i++) {
		len += (size_t)snprintf(out + len, size - len, " %s='%s'",
		                        pick(attributes, draw(8) == 0 ? 12 : 8),
		                        pick(uris, draw(8) == 0 ? 5 : 2));
	}
	len += (size_t)snprintf(out + len, size - len, ">");
	for (uint32_t i = 0; depth < 3 && i < draw(3); i++) {
		len += element(out + len, size - len, depth + 1);
	}
	return len + (size_t)snprintf(out + len, size - len, "</%s>", name);
}

static void ignore_header(void *ctx, const struct xml_tag *tag, uint64_t end)
{
	(void)ctx, (void)tag, (void)end;
}

static void ignore_start(void *ctx, const struct xml_tag *tag, uint64_t begin)
{
	(void)ctx, (void)tag, (void)begin;
}

static void ignore_end(void *ctx, int depth, uint64_t end)
{
	(void)ctx, (void)depth, (void)end;
}

static void ignore_text(void *ctx, struct fw_str text)
{
	(void)ctx, (void)text;
}

static void ignore_footer(void *ctx, uint64_t begin)
{
	(void)begin;
	(void)ctx;
}

static bool ours(const char *document, size_t size, bool deep)
{
	static const struct xml_events events = {
		.header = ignore_header,
		.start = ignore_start,
		.end = ignore_end,
		.text = ignore_text,
		.footer = ignore_footer,
	};
	const struct fw_xml_limits limits = { 100000, 100000, 100, 100, 100 };
	struct xml_reader reader;
	enum fw_cause cause;

	xml_reader_init(&reader, &events, NULL, &limits, deep);
	cause = xml_reader_feed(&reader, document, size);
	xml_reader_clear(&reader);
	return cause == FW_CAUSE_NONE;
}

static bool theirs(const char *document, size_t size)
{
	XML_Parser parser = XML_ParserCreateNS("UTF-8", ' ');
	bool good = XML_Parse(parser, document, (int)size, 1) == XML_STATUS_OK;

	XML_ParserFree(parser);
	return good;
}

static void the_judge_agrees(void **state)
{
	static char document[65536];
	unsigned good = 0, bad = 0;

	(void)state;
	for (uint32_t i = 0; i < 20000; i++) {
		seed = i + 1;
		size_t size = (size_t)snprintf(document, sizeof(document),
		                               "<s xmlns:p='urn:1' xmlns:q='urn:2'>");
		size += element(document + size, sizeof(document) - size, 0);
		size += (size_t)snprintf(document + size, sizeof(document) - size, "</s>");
		bool expect = theirs(document, size);
		if (ours(document, size, false) != expect || ours(document, size, true) != expect) {
			fail_msg("seed %u: the library says %s: %s", i + 1, expect ? "good" : "bad",
			         document);
		}
		good += expect;
		bad += !expect;
	}
	/* Both sides of the question were asked. */
	assert_true(good > 2000 && bad > 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_judge_agrees) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
