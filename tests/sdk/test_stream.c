/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * fw_stream, what comes in: every input is fed whole, cut at every byte, byte by byte, and
 * truncated at every byte; the events must be the same, and what is refused must be refused with
 * its own cause. What leaves is in test_stream_out.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fedway/io/stream.h>

#define HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='" FW_NS_STREAMS \
	"' xmlns:db='jabber:server:dialback' xmlns:foo='urn:foo' to='b.example' from='a.example' " \
	"version='1.0'>"

/* Everything that happened, as text. */
struct witness {
	struct fw_stream *stream;
	char text[16384];
	size_t len;
	bool hold_on_starttls;
};

static FW_PRINTF(2, 3) void note(struct witness *witness, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	witness->len += (size_t)vsnprintf(witness->text + witness->len,
	                                  sizeof(witness->text) - witness->len, format, args);
	va_end(args);
	assert_true(witness->len < sizeof(witness->text));
}

static void on_opened(void *ctx, const struct fw_stream_header *header)
{
	note(ctx, "open %.*s>%.*s v%d db%d\n", FW_STR_ARG(header->from), FW_STR_ARG(header->to),
	     header->has_version, header->has_dialback);
}

static void on_element(void *ctx, struct fw_stanza **stanza)
{
	struct witness *witness = ctx;
	struct fw_str bytes;

	assert_int_equal(fw_stanza_bytes(*stanza, &bytes), FW_OK);
	note(witness, "%d {%.*s}%.*s to=%.*s id=%.*s: %.*s\n", fw_stanza_kind(*stanza),
	     FW_STR_ARG(fw_stanza_ns(*stanza)), FW_STR_ARG(fw_stanza_name(*stanza)),
	     FW_STR_ARG(fw_stanza_to(*stanza)), FW_STR_ARG(fw_stanza_id(*stanza)),
	     FW_STR_ARG(bytes));
	if (witness->hold_on_starttls && fw_str_is(fw_stanza_name(*stanza), "starttls")) {
		fw_stream_hold(witness->stream);
	}
}

static void on_ended(void *ctx)
{
	note(ctx, "end\n");
}

static void on_refused(void *ctx, enum fw_cause cause)
{
	note(ctx, "refused %s\n", fw_cause_row(cause)->name);
}

static const struct fw_stream_events events = { on_opened, on_element, on_ended, on_refused, NULL };

/* Once with the parser alone, once with the recogniser before it. */
static bool quick;

static void witness_open(struct witness *witness)
{
	const struct fw_stream_settings settings = { FW_NS_SERVER,
		                                     true,
		                                     { 10000, 20000, 8, 8, 8 } };

	memset(witness, 0, sizeof(*witness));
	assert_int_equal(fw_stream_new(&settings, &events, witness, &witness->stream), FW_OK);
	if (quick) {
		fw_stream_set_limits(witness->stream, &settings.limits);
	}
}

static void give(struct witness *witness, const char *bytes, size_t size)
{
	while (size > 0) {
		void *space;
		size_t room;
		assert_int_equal(fw_stream_space(witness->stream, &space, &room), FW_OK);
		room = room < size ? room : size;
		memcpy(space, bytes, room);
		fw_stream_received(witness->stream, room);
		bytes += room;
		size -= room;
	}
}

struct row {
	const char *what, *input, *expect;
	size_t input_size; /* when it has zero bytes */
};

static const struct row rows[] = {
	{ "header and footer", HEADER "</stream:stream>", "open a.example>b.example v1 db1\nend\n",
	  0 },
	{ "bytes behind the footer are not looked at", HEADER "</stream:stream><junk",
	  "open a.example>b.example v1 db1\nend\n", 0 },
	{ "white space before and between",
	  "\n \n" HEADER " \n<message to='x@b.example' id='1'/>\n\n<presence/> ",
	  "open a.example>b.example v1 db1\n0 {}message to=x@b.example id=1: <message "
	  "to='x@b.example' id='1'/>\n"
	  "1 {}presence to= id=: <presence/>\n",
	  0 },
	{ "entities are decoded in the envelope and kept in the bytes",
	  HEADER "<iq to='a&amp;b' id='&#x41;'><q/></iq >",
	  "open a.example>b.example v1 db1\n2 {}iq to=a&b id=A: <iq to='a&amp;b' "
	  "id='&#x41;'><q/></iq >\n",
	  0 },
	{ "a '>' in an attribute and in text", HEADER "<message id='>'><body>a>b</body></message>",
	  "open a.example>b.example v1 db1\n0 {}message to= id=>: <message "
	  "id='>'><body>a>b</body></message>\n",
	  0 },
	{ "CDATA", HEADER "<message><body><![CDATA[</message>]]></body></message>",
	  "open a.example>b.example v1 db1\n0 {}message to= id=: "
	  "<message><body><![CDATA[</message>]]></body></message>\n",
	  0 },
	{ "a prefix of the header is declared anew", HEADER "<message><foo:x foo:y=''/></message>",
	  "open a.example>b.example v1 db1\n0 {}message to= id=: "
	  "<message xmlns:foo='urn:foo'><foo:x foo:y=''/></message>\n",
	  0 },
	{ "a prefix declared inside hides that of the header",
	  HEADER "<message><foo:x xmlns:foo='urn:other'><foo:y/></foo:x></message>",
	  "open a.example>b.example v1 db1\n0 {}message to= id=: "
	  "<message><foo:x xmlns:foo='urn:other'><foo:y/></foo:x></message>\n",
	  0 },
	{ "dialback elements", HEADER "<db:result to='b.example'>key</db:result>",
	  "open a.example>b.example v1 db1\n3 {jabber:server:dialback}result to=b.example id=: "
	  "<db:result xmlns:db='jabber:server:dialback' to='b.example'>key</db:result>\n",
	  0 },
	{ "a content namespace that the stanza repeats is left out",
	  HEADER
	  "<message id='1' xmlns='jabber:server' to=\"c\"><a xmlns='jabber:client'/></message>",
	  "open a.example>b.example v1 db1\n0 {}message to=c id=1: "
	  "<message id='1' to=\"c\"><a xmlns='jabber:client'/></message>\n",
	  0 },
	{ "an element of another namespace is no stanza", HEADER "<message xmlns='urn:x'/>",
	  "open a.example>b.example v1 db1\n3 {urn:x}message to= id=: <message xmlns='urn:x'/>\n",
	  0 },
	{ "old peer without version",
	  "<stream:stream xmlns='jabber:server' xmlns:stream='" FW_NS_STREAMS "' id=''><presence/>",
	  "open > v0 db0\n1 {}presence to= id=: <presence/>\n", 0 },
	{ "language of the header goes with stanzas that have none",
	  "<stream:stream xmlns='jabber:server' xmlns:stream='" FW_NS_STREAMS
	  "' version='1.0' xml:lang='de'><message/><message xml:lang='fr'/>",
	  "open > v1 db0\n0 {}message to= id=: <message xml:lang='de'/>\n"
	  "0 {}message to= id=: <message xml:lang='fr'/>\n",
	  0 },
	{ "signs in the language of the header",
	  "<stream:stream xmlns='jabber:server' xmlns:stream='" FW_NS_STREAMS
	  "' xml:lang='\"\"\"\"\"\"\"\"\"\"\"\"'><message/>",
	  "open > v0 db0\n0 {}message to= id=: <message xml:lang='&quot;&quot;&quot;&quot;&quot;"
	  "&quot;&quot;&quot;&quot;&quot;&quot;&quot;'/>\n",
	  0 },

	{ "wrong content namespace",
	  "<stream:stream xmlns='jabber:client' xmlns:stream='" FW_NS_STREAMS "'>",
	  "refused invalid-namespace\n", 0 },
	{ "wrong stream namespace", "<stream:stream xmlns='jabber:server' xmlns:stream='urn:x'>",
	  "refused invalid-namespace\n", 0 },
	{ "another prefix for the stream",
	  "<s:stream xmlns='jabber:server' xmlns:s='" FW_NS_STREAMS "'>",
	  "refused bad-namespace-prefix\n", 0 },
	{ "not a stream at all", "GET / HTTP/1.1\r\n\r\n", "refused not-well-formed\n", 0 },
	{ "a stanza with a prefix", HEADER "<x:message xmlns:x='jabber:server'/>",
	  "open a.example>b.example v1 db1\nrefused bad-namespace-prefix\n", 0 },
	{ "text between stanzas", HEADER "<presence/>hello<presence/>",
	  "open a.example>b.example v1 db1\n1 {}presence to= id=: <presence/>\nrefused "
	  "bad-format\n",
	  0 },
	{ "text before the footer", HEADER "hello</stream:stream>",
	  "open a.example>b.example v1 db1\nrefused bad-format\n", 0 },
	{ "comment", HEADER "<message><!-- x --></message>",
	  "open a.example>b.example v1 db1\nrefused restricted-xml\n", 0 },
	{ "processing instruction", HEADER "<message><?x y?></message>",
	  "open a.example>b.example v1 db1\nrefused restricted-xml\n", 0 },
	{ "document type", "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x/>",
	  "refused restricted-xml\n", 0 },
	{ "unknown entity", HEADER "<message>&nbsp;</message>",
	  "open a.example>b.example v1 db1\nrefused restricted-xml\n", 0 },
	{ "encoding that is not UTF-8", "<?xml version='1.0' encoding='ISO-8859-1'?>" HEADER,
	  "refused unsupported-encoding\n", 0 },
	{ "UTF-16 by its first bytes", "<\0s\0t\0r\0>\0", "refused unsupported-encoding\n", 10 },
	{ "UTF-16 with a mark", "\xff\xfe<\0s\0", "refused unsupported-encoding\n", 6 },
	{ "XML 1.1", "<?xml version='1.1'?><x/>", "refused not-well-formed\n", 0 },
	{ "standalone", "<?xml version='1.0' standalone='no'?><x/>", "refused restricted-xml\n",
	  0 },
	{ "tags that do not match", HEADER "<message></presence>",
	  "open a.example>b.example v1 db1\nrefused not-well-formed\n", 0 },
	{ "bad UTF-8", HEADER "<message>\xc0\xaf</message>",
	  "open a.example>b.example v1 db1\nrefused not-well-formed\n", 0 },
	{ "prefix that nobody declared", HEADER "<message><bar:x/></message>",
	  "open a.example>b.example v1 db1\nrefused not-well-formed\n", 0 },
	{ "prefixed attribute that nobody declared", HEADER "<message><x bar:y=''/></message>",
	  "open a.example>b.example v1 db1\nrefused not-well-formed\n", 0 },
	{ "one attribute twice through two prefixes",
	  HEADER "<message><x xmlns:a='u' xmlns:b='u' a:y='' b:y=''/></message>",
	  "open a.example>b.example v1 db1\nrefused not-well-formed\n", 0 },
	{ "prefix undeclared", HEADER "<message xmlns:a=''/>",
	  "open a.example>b.example v1 db1\nrefused not-well-formed\n", 0 },
	{ "xml bound to something else", HEADER "<message xmlns:xml='urn:x'/>",
	  "open a.example>b.example v1 db1\nrefused not-well-formed\n", 0 },
	{ "a name with two colons", HEADER "<message><foo:a:b/></message>",
	  "open a.example>b.example v1 db1\nrefused not-well-formed\n", 0 },
	{ "too deep", HEADER "<a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a>",
	  "open a.example>b.example v1 db1\nrefused too-deep\n", 0 },
	{ "too many attributes", HEADER "<a b='' c='' d='' e='' f='' g='' h='' i='' j=''/>",
	  "open a.example>b.example v1 db1\nrefused too-many-attributes\n", 0 },
	{ "too many declarations",
	  HEADER
	  "<a xmlns:a='1' xmlns:b='1' xmlns:c='1' xmlns:d='1'><b xmlns:e='1' xmlns:f='1'/></a>",
	  "open a.example>b.example v1 db1\nrefused too-many-attributes\n", 0 },
};

static size_t size_of(const struct row *row)
{
	return row->input_size != 0 ? row->input_size : strlen(row->input);
}

static void expect_events(struct witness *witness, const struct row *row, const char *how,
                          size_t cut)
{
	if (strcmp(witness->text, row->expect) != 0) {
		fail_msg("%s, %s %zu:\n--- got\n%s--- expected\n%s", row->what, how, cut,
		         witness->text, row->expect);
	}
	fw_stream_free(&witness->stream);
}

static void fed_whole(void **state)
{
	static struct witness witness;

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		witness_open(&witness);
		give(&witness, rows[i].input, size_of(&rows[i]));
		expect_events(&witness, &rows[i], "whole", 0);
	}
}

static void cut_at_every_byte(void **state)
{
	static struct witness witness;

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		for (size_t cut = 1; cut < size_of(&rows[i]); cut++) {
			witness_open(&witness);
			give(&witness, rows[i].input, cut);
			give(&witness, rows[i].input + cut, size_of(&rows[i]) - cut);
			expect_events(&witness, &rows[i], "cut at", cut);
		}
	}
}

static void byte_by_byte_with_rests(void **state)
{
	static struct witness witness;

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		witness_open(&witness);
		for (size_t at = 0; at < size_of(&rows[i]); at++) {
			give(&witness, rows[i].input + at, 1);
			fw_stream_rest(witness.stream);
		}
		expect_events(&witness, &rows[i], "byte by byte", 0);
	}
}

/* What a truncated input brings is a beginning of what the whole brings. */
static void truncated_at_every_byte(void **state)
{
	static struct witness witness;

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		for (size_t cut = 0; cut < size_of(&rows[i]); cut++) {
			witness_open(&witness);
			give(&witness, rows[i].input, cut);
			if (strncmp(rows[i].expect, witness.text, witness.len) != 0) {
				fail_msg("%s, truncated at %zu: %s", rows[i].what, cut,
				         witness.text);
			}
			fw_stream_free(&witness.stream);
		}
	}
}

/* What the header declares comes with the stanza whole, or the stanza does not come. */
static void long_namespaces_are_not_cut(void **state)
{
	static struct witness witness;
	static const struct {
		const char *sign;
		int times;
		bool refused;
	} cases[] = { { "x", 1100, false },
		      { "x", 1400, true },
		      { "x", 3000, true },
		      { "&lt;", 300, false },
		      { "&lt;", 400, true } };

	(void)state;
	for (size_t i = 0; i < FW_COUNT(cases); i++) {
		char uri[4096] = "", declaration[4200];
		for (int n = 0; n < cases[i].times; n++) {
			memcpy(uri + (size_t)n * strlen(cases[i].sign), cases[i].sign,
			       strlen(cases[i].sign));
		}
		snprintf(declaration, sizeof(declaration), " xmlns:long='%s'>", uri);
		witness_open(&witness);
		give(&witness, HEADER, strlen(HEADER) - 1);
		give(&witness, declaration, strlen(declaration));
		give(&witness, "<message><long:x/></message>", 28);
		snprintf(declaration, sizeof(declaration), "<message xmlns:long='%s'>", uri);
		assert_int_equal(strstr(witness.text, declaration) == NULL, cases[i].refused);
		assert_int_equal(strstr(witness.text, "refused too-many-attributes") != NULL,
		                 cases[i].refused);
		fw_stream_free(&witness.stream);
	}
}

/* A stanza is told as soon as its last byte is there, wherever the segments were cut. */
static void no_stanza_is_late(void **state)
{
	static const char stanza[] = "<message id='m'><body>hello world &amp; all</body><x "
	                             "xmlns='urn:x' a='b'/></message>";
	static struct witness witness;

	(void)state;
	for (size_t cut = 1; cut < sizeof(stanza) - 1; cut++) {
		witness_open(&witness);
		give(&witness, HEADER, strlen(HEADER));
		give(&witness, stanza, cut);
		assert_int_equal(fw_stream_counts(witness.stream)->stanzas_in, 0);
		give(&witness, stanza + cut, sizeof(stanza) - 1 - cut);
		assert_int_equal(fw_stream_counts(witness.stream)->stanzas_in, 1);
		fw_stream_free(&witness.stream);
	}
}

static void limits_hold(void **state)
{
	static struct witness witness;
	static const struct {
		const char *what, *begin;
		char fill;
		size_t piece;
		const char *expect;
	} cases[] = {
		{ "endless attribute", "<message a='", 'x', 1, "refused tag-too-long\n" },
		{ "endless attribute in segments", "<message a='", 'x', 1400,
		  "refused tag-too-long\n" },
		{ "endless attribute with '>'", "<message a='", '>', 1, "refused no-progress\n" },
		{ "endless name", "<", 'x', 100, "refused tag-too-long\n" },
		{ "endless body", "<message><body>", 'x', 100, "refused stanza-too-large\n" },
		{ "endless body with '>'", "<message><body>", '>', 100,
		  "refused stanza-too-large\n" },
	};
	char piece[1400];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(cases); i++) {
		witness_open(&witness);
		give(&witness, HEADER, strlen(HEADER));
		give(&witness, cases[i].begin, strlen(cases[i].begin));
		memset(piece, cases[i].fill, sizeof(piece));
		size_t given = 0;
		while (strstr(witness.text, "refused") == NULL && given < 40000) {
			give(&witness, piece, cases[i].piece);
			given += cases[i].piece;
		}
		if (strstr(witness.text, cases[i].expect) == NULL) {
			fail_msg("%s: after %zu bytes: %s", cases[i].what, given, witness.text);
		}
		fw_stream_free(&witness.stream);
	}
}

/* A limit is the same whether the bytes come in one segment or in many. */
static void limits_hold_in_one_segment(void **state)
{
	static struct witness witness;
	static const struct {
		const char *what, *before, *begin, *end;
		const char *expect;
	} cases[] = {
		{ "a whole tag", HEADER, "<message a='", "'/>", "refused tag-too-long\n" },
		{ "a whole tag inside", HEADER, "<message><a b='", "'/></message>",
		  "refused tag-too-long\n" },
		{ "an unfinished tag", HEADER, "<message a='", "", "refused tag-too-long\n" },
		{ "an unfinished tag inside", HEADER, "<message><a b='", "",
		  "refused tag-too-long\n" },
		{ "a whole header", "", "<stream:stream to='",
		  "' xmlns='jabber:server' xmlns:stream='" FW_NS_STREAMS "'>",
		  "refused tag-too-long\n" },
	};
	static char text[24000];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(cases); i++) {
		witness_open(&witness);
		give(&witness, cases[i].before, strlen(cases[i].before));
		size_t begin = strlen(cases[i].begin);
		size_t end = strlen(cases[i].end);
		memset(text, 'x', sizeof(text));
		memcpy(text, cases[i].begin, begin);
		memcpy(text + begin + 12000, cases[i].end, end);
		give(&witness, text, begin + 12000 + end);
		if (strstr(witness.text, cases[i].expect) == NULL) {
			fail_msg("%s: %.300s", cases[i].what, witness.text);
		}
		fw_stream_free(&witness.stream);
	}
}

/* Keep-alives of a quiet peer neither pile up nor end the stream. */
static void white_space_for_ever(void **state)
{
	static struct witness witness;

	(void)state;
	witness_open(&witness);
	give(&witness, HEADER, strlen(HEADER));
	for (int i = 0; i < 100000; i++) {
		give(&witness, " ", 1);
	}
	give(&witness, "<presence/>", 11);
	assert_non_null(strstr(witness.text, "presence"));
	assert_null(strstr(witness.text, "refused"));
	fw_stream_free(&witness.stream);
}

/* RFC 6120 §5.4.2.3: what follows <starttls/> in the same packet is visible as held, and never
 * parsed. */
static void holds_behind_starttls(void **state)
{
	static const char input[] = HEADER "<starttls xmlns='" FW_NS_TLS "'/>";
	static struct witness witness;

	(void)state;
	witness_open(&witness);
	witness.hold_on_starttls = true;
	give(&witness, input, sizeof(input) - 1);
	assert_int_equal(fw_stream_held(witness.stream), 0);
	fw_stream_restart(witness.stream);
	give(&witness, HEADER "<presence/>", strlen(HEADER) + 11);
	assert_non_null(strstr(witness.text, "<presence/>"));
	fw_stream_free(&witness.stream);

	witness_open(&witness);
	witness.hold_on_starttls = true;
	give(&witness, HEADER "<starttls xmlns='" FW_NS_TLS "'/><message/>",
	     sizeof(input) - 1 + 10);
	assert_int_equal(fw_stream_held(witness.stream), 10);
	assert_null(strstr(witness.text, "message"));
	fw_stream_free(&witness.stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fed_whole),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(byte_by_byte_with_rests),
		cmocka_unit_test(truncated_at_every_byte),
		cmocka_unit_test(long_namespaces_are_not_cut),
		cmocka_unit_test(no_stanza_is_late),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(limits_hold_in_one_segment),
		cmocka_unit_test(white_space_for_ever),
		cmocka_unit_test(holds_behind_starttls),
	};

	int failed = cmocka_run_group_tests_name("parser alone", tests, NULL, NULL);

	quick = true;
	return failed + cmocka_run_group_tests_name("recogniser and parser", tests, NULL, NULL);
}
