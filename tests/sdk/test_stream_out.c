/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * fw_stream, what leaves it: stanzas are forwarded byte by byte as they came, in pieces of any
 * size, and a close tells why. What comes in is in test_stream.c.
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

/* Takes `step` bytes at a time, as a slow socket would. */
static size_t drain(struct fw_stream *stream, char *out, size_t size, size_t step)
{
	struct iovec pieces[64];
	size_t len = 0;
	int count;

	while ((count = fw_stream_pending(stream, pieces, 64)) > 0) {
		size_t part = pieces[0].iov_len < step ? pieces[0].iov_len : step;
		assert_true(len + part < size);
		memcpy(out + len, pieces[0].iov_base, part);
		len += part;
		fw_stream_sent(stream, part);
	}
	out[len] = '\0';
	return len;
}

static void relay_opened(void *ctx, const struct fw_stream_header *header)
{
	(void)ctx;
	(void)header;
}

static void relay_element(void *ctx, struct fw_stanza **stanza)
{
	assert_int_equal(fw_stream_send(ctx, stanza), FW_OK);
}

static const struct fw_stream_events relay_events = { relay_opened, relay_element, NULL, NULL, NULL };
static const struct fw_stream_settings server = { FW_NS_SERVER, true, FW_XML_LIMITS_DEFAULT };
static const struct fw_stream_settings component = { FW_NS_COMPONENT, false,
	                                             FW_XML_LIMITS_DEFAULT };

/* Once with the parser alone, once with the recogniser before it. */
static bool quick;

/* A stream whose stanzas go straight to another. */
static struct fw_stream *relay_open(struct fw_stream **to)
{
	struct fw_stream *from = NULL;

	assert_int_equal(fw_stream_new(&component, &relay_events, NULL, to), FW_OK);
	assert_int_equal(fw_stream_new(&server, &relay_events, *to, &from), FW_OK);
	if (quick) {
		fw_stream_set_limits(from, &server.limits);
	}
	return from;
}

static void relay_feed(struct fw_stream *from, const char *bytes, size_t size, size_t step)
{
	while (size > 0) {
		void *space;
		size_t room;
		assert_int_equal(fw_stream_space(from, &space, &room), FW_OK);
		room = room < step ? room : step;
		room = room < size ? room : size;
		memcpy(space, bytes, room);
		fw_stream_received(from, room);
		bytes += room;
		size -= room;
	}
}

static void forwards_the_same_bytes(void **state)
{
	static const char input[] =
	        HEADER "<message id='1'><body>a</body></message><message id='2'><foo:x/></message>"
	               "<iq xmlns='jabber:server' id='3'/>\n<presence id='4'/>";
	static const char expect[] = "<message id='1'><body>a</body></message><message "
	                             "xmlns:foo='urn:foo' id='2'><foo:x/></message>"
	                             "<iq id='3'/><presence id='4'/>";
	char out[1024];

	(void)state;
	for (size_t step = 1; step < 60; step++) {
		struct fw_stream *to = NULL, *from = relay_open(&to);
		size_t stanzas, bytes;
		relay_feed(from, input, sizeof(input) - 1, step);
		fw_stream_queued(to, &stanzas, &bytes);
		assert_int_equal(stanzas, 4);
		assert_int_equal(bytes, sizeof(expect) - 1);
		if (step % 2 == 0) {
			fw_stream_settle(to);
		}
		drain(to, out, sizeof(out), step);
		assert_string_equal(out, expect);
		fw_stream_queued(to, &stanzas, &bytes);
		assert_int_equal(stanzas + bytes, 0);
		assert_int_equal(fw_stream_counts(to)->stanzas_out, 4);
		fw_stream_free(&from);
		fw_stream_free(&to);
	}
}

/* Stanzas that came one behind the other leave in one piece of memory. */
static void neighbours_leave_together(void **state)
{
	struct fw_stream *to = NULL, *from = relay_open(&to);
	struct iovec pieces[64];

	(void)state;
	relay_feed(from, HEADER, strlen(HEADER), SIZE_MAX);
	relay_feed(from, "<message/><message/><message/>", 30, SIZE_MAX);
	assert_int_equal(fw_stream_pending(to, pieces, 64), 1);
	assert_int_equal(pieces[0].iov_len, 30);
	fw_stream_free(&from);
	fw_stream_free(&to);
}

static void close_tells_why(void **state)
{
	static const struct {
		enum fw_cause cause;
		const char *expect;
	} cases[] = {
		{ FW_CAUSE_IDLE, "<x/></stream:stream>" },
		{ FW_CAUSE_HOST_UNKNOWN,
		  "<x/><stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
		  "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>the domain is "
		  "not served here"
		  "</text></stream:error></stream:stream>" },
	};
	char out[4096];

	(void)state;
	for (size_t i = 0; i < FW_COUNT(cases); i++) {
		struct fw_stream *stream = NULL;
		struct fw_stanza *stanza = NULL;
		assert_int_equal(fw_stream_new(&server, &relay_events, NULL, &stream), FW_OK);
		fw_stream_open(stream, fw_str("a'b"), fw_str("c"), fw_str(NULL), true);
		drain(stream, out, sizeof(out), 7);
		assert_string_equal(out,
		                    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
		                    "xmlns:stream='http://etherx.jabber.org/streams' "
		                    "xmlns:db='jabber:server:dialback' to='a&apos;b' from='c' "
		                    "version='1.0' xml:lang='en'>");
		fw_stream_send_text(stream, "<%s/>", "x");
		fw_stream_close(stream, cases[i].cause);
		fw_stream_close(stream, FW_CAUSE_INTERNAL);
		/* What is queued behind the end is not written, and not lost either. */
		assert_int_equal(fw_stanza_parse(fw_str("<message/>"), &stanza), FW_OK);
		fw_stream_send(stream, &stanza);
		drain(stream, out, sizeof(out), 1000);
		assert_string_equal(out, cases[i].expect);
		stanza = fw_stream_take_back(stream);
		assert_non_null(stanza);
		assert_null(fw_stream_take_back(stream));
		fw_stanza_free(&stanza);
		fw_stream_free(&stream);
	}
}

/* A header comes first, even before an error (RFC 6120 §4.9.1.2). */
static void error_before_header_has_one(void **state)
{
	struct fw_stream *stream = NULL;
	char out[4096];

	(void)state;
	assert_int_equal(fw_stream_new(&server, &relay_events, NULL, &stream), FW_OK);
	fw_stream_close(stream, FW_CAUSE_NOT_WELL_FORMED);
	drain(stream, out, sizeof(out), 1000);
	assert_non_null(strstr(out, "<stream:stream "));
	assert_non_null(strstr(out, "<not-well-formed "));
	fw_stream_free(&stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forwards_the_same_bytes),
		cmocka_unit_test(neighbours_leave_together),
		cmocka_unit_test(close_tells_why),
		cmocka_unit_test(error_before_header_has_one),
	};

	int failed = cmocka_run_group_tests_name("parser alone", tests, NULL, NULL);

	quick = true;
	return failed + cmocka_run_group_tests_name("recogniser and parser", tests, NULL, NULL);
}
