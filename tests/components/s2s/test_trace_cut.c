/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of trace_cut.c: where a stream is cut, and what is blotted out; whole, cut at every byte,
 * begun at every byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "components/s2s/trace_cut.h"

/* What came out: all raw bytes, and what may be seen with "|" behind each unit. */
struct heard {
	char raw[65536], shown[65536];
	size_t raw_len, shown_len;
};

static void hear(void *ctx, struct fw_str raw, struct fw_str shown)
{
	struct heard *heard = ctx;

	assert_int_equal(raw.len, shown.len);
	assert_true(heard->raw_len + raw.len < sizeof(heard->raw));
	assert_true(heard->shown_len + shown.len + 1 < sizeof(heard->shown));
	memcpy(heard->raw + heard->raw_len, raw.ptr, raw.len);
	heard->raw_len += raw.len;
	memcpy(heard->shown + heard->shown_len, shown.ptr, shown.len);
	heard->shown_len += shown.len;
	heard->shown[heard->shown_len++] = '|';
}

static const struct {
	const char *sentence, *in, *shown;
} rows[] = {
	{ "a header is one unit with its declaration",
	  "<?xml version='1.0'?><stream:stream to='a' id='>'><x/>",
	  "<?xml version='1.0'?><stream:stream to='a' id='>'>|<x/>|" },
	{ "text is private", "<message to='a'><body>hi you &amp; me</body></message>",
	  "<message to='a'><body>** *** ***** **</body></message>|" },
	{ "also outside of body", "<iq><q xmlns='n'><secret>s3</secret></q></iq>",
	  "<iq><q xmlns='n'><secret>**</secret></q></iq>|" },
	{ "keys of dialback", "<db:result from='a' to='b'>00ff</db:result>",
	  "<db:result from='a' to='b'>****</db:result>|" },
	{ "attributes of payloads, but for kinds and namespaces",
	  "<message id='1'><x xmlns='n' xmlns:y='m' type='t' password='pw' y:a=\"b\"/></message>",
	  "<message id='1'><x xmlns='n' xmlns:y='m' type='t' password='**' "
	  "y:a=\"*\"/></message>|" },
	{ "features are not private",
	  "<stream:features><m><mechanism>EXTERNAL</mechanism></m></stream:features>"
	  "<message><body>x</body></message>",
	  "<stream:features><m><mechanism>EXTERNAL</mechanism></m></stream:features>|"
	  "<message><body>*</body></message>|" },
	{ "nor are stream errors", "<stream:error><text>why</text></stream:error></stream:stream>",
	  "<stream:error><text>why</text></stream:error>|</stream:stream>|" },
	{ "but what calls itself so inside of a stanza is",
	  "<message><stream:features>x</stream:features><body>y</body></message>",
	  "<message><stream:features>*</stream:features><body>*</body></message>|" },
	{ "a greater-than sign in an attribute or in text ends nothing",
	  "<message a='<>/>' b=\"'>\"><body>1 > 0</body></message>",
	  "<message a='<>/>' b=\"'>\"><body>* * *</body></message>|" },
	{ "character data in brackets is text",
	  "<message><body><![CDATA[a<b>]] ]]></body></message>",
	  "<message><body><![CDATA[*******]]></body></message>|" },
	{ "comments and declarations are not for traces either",
	  "<!DOCTYPE x><message><!-- no --></message>",
	  "<!*********><message><!********></message>|" },
	{ "spaces between stanzas go with the next", "<a/> \n<b/>", "<a/>| \n<b/>|" },
	{ "empty elements inside do not close", "<a><b/><c><d/></c></a><e/>",
	  "<a><b/><c><d/></c></a>|<e/>|" },
	{ "a new header begins anew, whatever was open", "<a><b><stream:stream to='x'><c>t</c>",
	  "<a><b><stream:stream to='x'>|<c>*</c>|" },
	{ "more end tags than begins", "</b></a><c/>", "</b>|</a>|<c/>|" },
	{ "UTF-8 keeps its length", "<m><body>\xc3\xa4\xe2\x82\xac</body></m>",
	  "<m><body>*****</body></m>|" },
	{ "a slash in the value of an attribute closes nothing", "<a b='/'><c/></a>",
	  "<a b='/'><c/></a>|" },
	{ "spaces in odd places", "<a  b = '1' ><c\n/></a >", "<a  b = '1' ><c\n/></a >|" },
};

/* The end of the brackets is private too: nobody can know before it comes. */
static void compare(const struct heard *heard, size_t i)
{
	char *shown = strdup(rows[i].shown);

	assert_non_null(shown);
	if (strstr(rows[i].in, "CDATA") != NULL) {
		char *end = strstr(shown, "]]>");
		memcpy(end, "**", 2);
	}
	if (heard->raw_len != strlen(rows[i].in) || heard->shown_len != strlen(shown) ||
	    memcmp(heard->shown, shown, heard->shown_len) != 0) {
		fail_msg("%s: shown is %.*s", rows[i].sentence, (int)heard->shown_len,
		         heard->shown);
	}
	assert_memory_equal(heard->raw, rows[i].in, heard->raw_len);
	free(shown);
}

static void test_whole_and_cut_at_every_byte(void **state)
{
	static struct heard heard;

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		size_t len = strlen(rows[i].in);
		print_message("%s\n", rows[i].sentence);
		for (size_t at = 0; at <= len; at++) {
			struct trace_cut cut = { 0 };
			heard.raw_len = heard.shown_len = 0;
			trace_cut_feed(&cut, fw_str_n(rows[i].in, at), hear, &heard);
			trace_cut_feed(&cut, fw_str_n(rows[i].in + at, len - at), hear, &heard);
			compare(&heard, i);
			trace_cut_free(&cut);
		}
	}
}

/* Begun in the middle it may cut elsewhere, but it never shows what people say. */
static void test_begun_and_truncated_at_every_byte(void **state)
{
	static const char text[] =
	        "<message to='b@b.example'><x p='SECRET'/><body>SECRET</body><html><p>SECRET</p>"
	        "</html></message><db:result from='a'>SECRET</db:result>";
	static struct heard heard;

	(void)state;
	for (size_t at = 0; at < sizeof(text); at++) {
		struct trace_cut cut = { 0 };
		heard.raw_len = heard.shown_len = 0;
		trace_cut_feed(&cut, fw_str_n(text + at, sizeof(text) - 1 - at), hear, &heard);
		trace_cut_flush(&cut, hear, &heard);
		heard.shown[heard.shown_len] = '\0';
		assert_int_equal(heard.raw_len, sizeof(text) - 1 - at);
		assert_null(strstr(heard.shown, ">SECRET"));
		trace_cut_free(&cut);

		heard.raw_len = heard.shown_len = 0;
		trace_cut_feed(&cut, fw_str_n(text, at), hear, &heard);
		trace_cut_flush(&cut, hear, &heard);
		heard.shown[heard.shown_len] = '\0';
		assert_null(strstr(heard.shown, "SECRET"));
		trace_cut_free(&cut);
	}
}

static void count_part(void *ctx, struct fw_str raw, struct fw_str shown)
{
	size_t *total = ctx;

	(void)shown;
	assert_true(raw.len <= TRACE_UNIT_MAX);
	*total += raw.len;
}

static void test_an_endless_element_comes_in_parts(void **state)
{
	struct trace_cut cut = { 0 };
	char text[4096];
	size_t total = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	trace_cut_feed(&cut, fw_str("<message><body>"), count_part, &total);
	for (int i = 0; i < 100; i++) {
		trace_cut_feed(&cut, fw_str_n(text, sizeof(text)), count_part, &total);
	}
	assert_true(total >= (size_t)2 * TRACE_UNIT_MAX);
	trace_cut_flush(&cut, count_part, &total);
	assert_int_equal(total, 15 + 100 * sizeof(text));
	trace_cut_free(&cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_and_cut_at_every_byte),
		cmocka_unit_test(test_begun_and_truncated_at_every_byte),
		cmocka_unit_test(test_an_endless_element_comes_in_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
