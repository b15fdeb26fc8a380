/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The recogniser against the parser. Whatever it takes, the parser must take as one element with
 * the same end and the same envelope; what it leaves is no concern of this test, except that plain
 * stanzas must not be left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sdk/io/xml_quick.h"
#include "sdk/io/xml_reader.h"

static const struct fw_xml_limits limits = { 10000, 20000, 16, 12, 12 };

/* ---- what the parser says of the first element ---- */

struct judged {
	struct xml_reader reader;
	char text[4096]; /* the envelope as text */
	size_t end;
};

static void add(struct judged *judged, const char *name, struct fw_str value)
{
	size_t len = strlen(judged->text);

	if (value.ptr != NULL) {
		snprintf(judged->text + len, sizeof(judged->text) - len, "%s=%.*s\n", name,
		         FW_STR_ARG(value));
	}
}

static void on_header(void *ctx, const struct xml_tag *tag, uint64_t end)
{
	(void)ctx, (void)tag, (void)end;
}

static struct fw_str value_of(const struct xml_tag *tag, const char *name)
{
	for (size_t i = 0; tag->attributes[i] != NULL; i += 2) {
		if (strcmp(tag->attributes[i], name) == 0) {
			return fw_str(tag->attributes[i + 1]);
		}
	}
	return fw_str(NULL);
}

static void on_start(void *ctx, const struct xml_tag *tag, uint64_t begin)
{
	static const char *const names[] = { "xmlns", "to", "from", "id", "type" };
	struct judged *judged = ctx;

	(void)begin;
	add(judged, "name", tag->name);
	for (size_t i = 0; i < FW_COUNT(names); i++) {
		add(judged, names[i], value_of(tag, names[i]));
	}
	add(judged, "lang", fw_str(value_of(tag, "xml:lang").ptr != NULL ? "yes" : "no"));
}

static void on_end(void *ctx, int depth, uint64_t end)
{
	struct judged *judged = ctx;

	(void)depth;
	judged->end = (size_t)end - 3;
	xml_reader_stop(&judged->reader, FW_CAUSE_NONE);
}

static void on_footer(void *ctx, uint64_t begin)
{
	(void)ctx, (void)begin;
}

/* FALSE: the parser refuses the bytes, or there is no whole element. */
static bool judge(struct judged *judged, const char *bytes, size_t size)
{
	static const struct xml_events events = {
		.header = on_header, .start = on_start, .end = on_end, .footer = on_footer
	};
	bool good;

	memset(judged, 0, sizeof(*judged));
	xml_reader_init(&judged->reader, &events, judged, &limits, false);
	good = xml_reader_feed(&judged->reader, "<s>", 3) == FW_CAUSE_NONE &&
	       xml_reader_feed(&judged->reader, bytes, size) == FW_CAUSE_NONE && judged->end > 0;
	xml_reader_clear(&judged->reader);
	return good;
}

/* The envelope that the recogniser found, in the same words. */
static void describe(struct judged *out, const struct xml_quick *element)
{
	memset(out->text, 0, sizeof(out->text));
	add(out, "name", element->name);
	add(out, "xmlns", element->xmlns);
	add(out, "to", element->to);
	add(out, "from", element->from);
	add(out, "id", element->id);
	add(out, "type", element->type);
	add(out, "lang", fw_str(element->has_lang ? "yes" : "no"));
}

/* What it takes must stand before the judge. Says what it found. */
static enum xml_quick_result compare(const char *bytes, size_t size)
{
	static struct judged judged, found;
	struct xml_quick element;
	enum xml_quick_result result = xml_quick_element(bytes, size, &limits, &element);

	if (result != XML_QUICK_WHOLE) {
		return result;
	}
	describe(&found, &element);
	if (!judge(&judged, bytes, element.size)) {
		fail_msg("the parser refuses what was taken: %.*s", (int)element.size, bytes);
	}
	assert_int_equal(judged.end, element.size);
	assert_string_equal(judged.text, found.text);
	return result;
}

/* ---- rows ---- */

static const struct {
	const char *bytes;
	enum xml_quick_result result;
} rows[] = {
	{ "<message from='a@b/c' to='d' type='chat' id='1'><body>hi &amp; bye</body></message>",
	  XML_QUICK_WHOLE },
	{ "<presence/>", XML_QUICK_WHOLE },
	{ "<presence / >", XML_QUICK_UNSURE },
	{ "<presence\n to = \"a\"\t/>", XML_QUICK_WHOLE },
	{ "<iq type='get'><query xmlns='jabber:iq:roster'/></iq >rest", XML_QUICK_WHOLE },
	{ "<iq xml:lang='en'><q/></iq>", XML_QUICK_WHOLE },
	{ "<m>gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80</m>", XML_QUICK_WHOLE },
	{ "<m a='gr\xc3\xbc'>]x]</m>", XML_QUICK_WHOLE },
	{ "<m><a b='&lt;&quot;&apos;&gt;'/>&gt;</m>", XML_QUICK_WHOLE },
	{ "<m xmlns='jabber:client' xmlns:x='urn:x'/>", XML_QUICK_UNSURE },
	{ "<m to='a&amp;b'/>", XML_QUICK_UNSURE },
	{ "<m to='a\tb'/>", XML_QUICK_UNSURE },
	{ "<m><a/></m>", XML_QUICK_WHOLE },
	{ "<m>a text that is longer than eight bytes, with a tab\there\nand lines ]here] &amp; "
	  "there</m>",
	  XML_QUICK_WHOLE },
	{ "<m>a text that is longer than eight bytes, with \x7f and \x1f</m>", XML_QUICK_UNSURE },
	{ "<m><a></b></m>", XML_QUICK_UNSURE },
	{ "<m a='1' a='2'/>", XML_QUICK_UNSURE },
	{ "<m a='1'b='2'/>", XML_QUICK_UNSURE },
	{ "<m a='<'/>", XML_QUICK_UNSURE },
	{ "<m>]]></m>", XML_QUICK_UNSURE },
	{ "<m>]]]></m>", XML_QUICK_UNSURE },
	{ "<m><![CDATA[x]]></m>", XML_QUICK_UNSURE },
	{ "<m><!-- --></m>", XML_QUICK_UNSURE },
	{ "<m><?x?></m>", XML_QUICK_UNSURE },
	{ "<m>&nbsp;</m>", XML_QUICK_UNSURE },
	{ "<m>&#65;</m>", XML_QUICK_UNSURE },
	{ "<m>\x01</m>", XML_QUICK_UNSURE },
	{ "<m>\xc0\xaf</m>", XML_QUICK_UNSURE },
	{ "<m>\xed\xa0\x80</m>", XML_QUICK_UNSURE },
	{ "<m>\xef\xbf\xbe</m>", XML_QUICK_UNSURE },
	{ "<m>\xf4\x90\x80\x80</m>", XML_QUICK_UNSURE },
	{ "<m xmlns='http://www.w3.org/2000/xmlns/'/>", XML_QUICK_UNSURE },
	{ "<m><a xmlns='http://www.w3.org/XML/1998/namespace'/></m>", XML_QUICK_UNSURE },
	{ "<x:m/>", XML_QUICK_UNSURE },
	{ "<m><x:a/></m>", XML_QUICK_UNSURE },
	{ "<1/>", XML_QUICK_UNSURE },
	{ "</stream:stream>", XML_QUICK_UNSURE },
	{ "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a></a></"
	  "a></a></a></a></a>",
	  XML_QUICK_WHOLE },
	{ "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a></a></"
	  "a></a></a></a></a></a>",
	  XML_QUICK_UNSURE },
	{ "<a a='' b='' c='' d='' e='' f='' g='' h='' i='' j='' k='' l=''/>", XML_QUICK_WHOLE },
	{ "<a a='' b='' c='' d='' e='' f='' g='' h='' i='' j='' k='' l='' m=''/>",
	  XML_QUICK_UNSURE },
};

static void takes_and_leaves(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		enum xml_quick_result got = compare(rows[i].bytes, strlen(rows[i].bytes));
		if (got != rows[i].result) {
			fail_msg("%s: %d instead of %d", rows[i].bytes, (int)got,
			         (int)rows[i].result);
		}
	}
}

/* A beginning of what is taken is never refused, and never taken. Runs on a copy of exact size, so
 * that a read past the end shows under the sanitizer. */
static void a_part_is_a_part(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct xml_quick element;
		size_t size = strlen(rows[i].bytes);
		bool whole = xml_quick_element(rows[i].bytes, size, &limits, &element) ==
		             XML_QUICK_WHOLE;
		for (size_t cut = 1; cut <= size; cut++) {
			struct xml_quick part;
			char *copy = malloc(cut);
			memcpy(copy, rows[i].bytes, cut);
			enum xml_quick_result got = xml_quick_element(copy, cut, &limits, &part);
			free(copy);
			if (whole &&
			    got != (cut < element.size ? XML_QUICK_PART : XML_QUICK_WHOLE)) {
				fail_msg("%s cut at %zu: %d", rows[i].bytes, cut, (int)got);
			}
		}
	}
}

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

/* Every row, changed in up to three places by the bytes that matter in XML: half a million
 * documents. */
static void the_parser_agrees(void **state)
{
	static const char spice[] = "<>/='\"&;:! -]?[x1\t\n\xc3\xbc\xff\x01"
	                            "aA.";
	unsigned taken = 0, left = 0;

	(void)state;
	for (uint32_t round = 0; round < 500000; round++) {
		char bytes[256];
		const char *row = rows[round % FW_COUNT(rows)].bytes;
		size_t size = strlen(row);
		seed = round + 1;
		memcpy(bytes, row, size);
		for (uint32_t changes = draw(3); changes > 0 && size > 2; changes--) {
			size_t at = 1 + draw((uint32_t)size - 1);
			switch (draw(3)) {
			case 0:
				bytes[at] = spice[draw(sizeof(spice) - 1)];
				break;
			case 1:
				memmove(bytes + at, bytes + at + 1, size - at - 1);
				size--;
				break;
			default:
				memmove(bytes + at + 1, bytes + at, size - at);
				bytes[at] = spice[draw(sizeof(spice) - 1)];
				size++;
				break;
			}
		}
		if (compare(bytes, size) == XML_QUICK_WHOLE) {
			taken++;
		} else {
			left++;
		}
	}
	/* Both sides of the question were asked. */
	print_message("taken %u, left %u\n", taken, left);
	assert_true(taken > 50000 && left > 50000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_and_leaves),
		cmocka_unit_test(a_part_is_a_part),
		cmocka_unit_test(the_parser_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
