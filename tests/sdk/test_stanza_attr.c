/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Attributes read from the bytes of an element that came over a stream: whatever the spelling, what
 * the tree of the same element says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fedway/io/stream.h>

#define HEADER \
	"<stream:stream xmlns='jabber:server' xmlns:stream='" FW_NS_STREAMS "' version='1.0'>"

static const char *const names[] = { "h", "path", "id", "to", "missing", "xmlns", "hop", "" };

static int seen;

static void expect_same(struct fw_str got, struct fw_str wanted, const char *name)
{
	if ((got.ptr == NULL) != (wanted.ptr == NULL) || !fw_str_eq(got, wanted)) {
		fail_msg("%s is '%.*s', not '%.*s'", name, FW_STR_ARG(got), FW_STR_ARG(wanted));
	}
}

static void on_element(void *ctx, struct fw_stanza **stanza)
{
	struct fw_stanza *parsed = NULL;

	(void)ctx;
	seen++;
	assert_int_equal(fw_stanza_copy(*stanza, &parsed), FW_OK);
	for (size_t i = 0; i < FW_COUNT(names); i++) {
		struct fw_str wanted = fw_elem_attr(fw_stanza_root(parsed), names[i]);
		expect_same(fw_stanza_attr(*stanza, names[i]), wanted, names[i]);
		/* and with a tree */
		expect_same(fw_stanza_attr(parsed, names[i]), wanted, names[i]);
	}
	fw_stanza_free(&parsed);
}

static void on_opened(void *ctx, const struct fw_stream_header *header)
{
	(void)ctx;
	(void)header;
}

static void on_ended(void *ctx)
{
	(void)ctx;
}

static void on_refused(void *ctx, enum fw_cause cause)
{
	(void)ctx;
	fail_msg("refused: %s", fw_cause_row(cause)->name);
}

static void give(struct fw_stream *stream, const char *text)
{
	size_t size = strlen(text), room;
	void *space;

	assert_int_equal(fw_stream_space(stream, &space, &room), FW_OK);
	assert_true(room >= size);
	memcpy(space, text, size);
	fw_stream_received(stream, size);
}

/* With the parser alone, and with the recogniser before it. */
static void they_are_what_the_tree_says(void **state)
{
	static const struct fw_stream_events events = { on_opened, on_element, on_ended, on_refused,
		                                        NULL };
	static const struct fw_stream_settings settings = { FW_NS_SERVER,
		                                            false,
		                                            { 10000, 20000, 8, 8, 8 } };
	static const char *const rows[] = {
		"<a xmlns='urn:xmpp:sm:3' h='7'/>",
		"<a h='7' xmlns='urn:xmpp:sm:3'/>",
		"<a/>",
		"<a ></a >",
		"<a\n\th\r\n =\n \"7\"\n/>",
		"<a h='a>b/c=\"d\"' path=\"it's\"/>",
		"<a path='im-1 core-1' id='1' to='x'>h='8'</a>",
		"<a><b h='9'/></a>",
		"<a h=''/>",
		"<a h='&lt;&#65;'/>",
		"<a path='one\ntwo\tthree'/>",
		"<a hh='1' h='2' ah='3'/>",
		"<a xmlns:p='urn:p' p:h='1'/>",
		"<p:a xmlns:p='urn:p' h='1' p:path='2' path='3'/>",
		"<a xml:lang='de' h='\xc3\xa4'/>",
	};

	(void)state;
	for (int quick = 0; quick < 2; quick++) {
		struct fw_stream *stream = NULL;
		assert_int_equal(fw_stream_new(&settings, &events, NULL, &stream), FW_OK);
		give(stream, HEADER);
		if (quick) {
			fw_stream_set_limits(stream, &settings.limits);
		}
		seen = 0;
		for (size_t i = 0; i < FW_COUNT(rows); i++) {
			print_message("%s\n", rows[i]);
			give(stream, rows[i]);
			assert_int_equal(seen, i + 1);
		}
		fw_stream_free(&stream);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_what_the_tree_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
