/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * fw_stream, acknowledgement: what was written is kept, in order, until the peer says that it has
 * it; counts wrap; and every stanza has one exit whatever happens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fedway/error.h>
#include <fedway/io/stream.h>

#include "sdk/io/stream_private.h"

#define HEADER "<stream:stream xmlns='jabber:server' xmlns:stream='" FW_NS_STREAMS "'>"

static int elements;

static void on_opened(void *ctx, const struct fw_stream_header *header)
{
	(void)ctx;
	(void)header;
}

static void on_element(void *ctx, struct fw_stanza **stanza)
{
	(void)ctx;
	(void)stanza;
	elements++;
}

static const struct fw_stream_events events = { on_opened, on_element, NULL, NULL, NULL };
static const struct fw_stream_settings settings = { FW_NS_SERVER, true, FW_XML_LIMITS_DEFAULT };

struct world {
	struct fw_stream *stream;
	struct fw_ledger *ledger;
	int next;
};

static int setup(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof(world));
	world.ledger = fw_ledger_new(NULL);
	assert_non_null(world.ledger);
	assert_int_equal(fw_stream_new(&settings, &events, NULL, &world.stream), FW_OK);
	*state = &world;
	return 0;
}

/* Every test ends with a balanced ledger. */
static int teardown(void **state)
{
	struct world *w = *state;

	fw_stream_free(&w->stream);
	assert_true(fw_ledger_balanced(w->ledger));
	assert_int_equal(w->ledger->in_flight, 0);
	fw_ledger_release(&w->ledger);
	return 0;
}

static void send_stanzas(struct world *w, int count)
{
	while (count-- > 0) {
		struct fw_stanza *stanza = NULL;
		char text[64];

		snprintf(text, sizeof(text), "<message id='%d'/>", ++w->next);
		assert_int_equal(fw_stanza_parse(fw_str(text), &stanza), FW_OK);
		stanza->ledger = w->ledger;
		fw_ledger_enter(w->ledger);
		assert_int_equal(fw_stream_send(w->stream, &stanza), FW_OK);
	}
}

static void write_all(struct world *w)
{
	struct iovec pieces[64];

	while (fw_stream_pending(w->stream, pieces, 64) > 0) {
		fw_stream_sent(w->stream, pieces[0].iov_len);
	}
}

static void expect_kept(const struct world *w, size_t expect)
{
	size_t stanzas = 0, bytes = 0;

	fw_stream_unacknowledged(w->stream, &stanzas, &bytes);
	assert_int_equal(stanzas, expect);
	assert_int_equal(bytes > 0, expect > 0);
}

static void begin(struct world *w)
{
	assert_int_equal(fw_stream_acks_begin(w->stream, fw_str("<enable/>")), FW_OK);
}

static void only_what_is_behind_the_beginning_is_kept(void **state)
{
	struct world *w = *state;

	send_stanzas(w, 2);
	begin(w);
	send_stanzas(w, 3);
	fw_stream_send_text(w->stream, "<db:result/>");
	expect_kept(w, 0);
	write_all(w);
	assert_int_equal(w->ledger->exits[FW_EXIT_DELIVERED], 2);
	expect_kept(w, 3);
	assert_int_equal(fw_stream_acked(w->stream, 3), FW_OK);
	assert_int_equal(w->ledger->exits[FW_EXIT_ACKNOWLEDGED], 3);
	expect_kept(w, 0);
}

static void acknowledged_ones_go_from_the_front(void **state)
{
	static const struct {
		uint32_t handled;
		int ret;
		size_t kept;
	} rows[] = {
		{ 0, FW_OK, 5 },     { 2, FW_OK, 3 },     { 2, FW_OK, 3 },
		{ 6, FW_EINVAL, 3 }, { 1, FW_EINVAL, 3 }, { 4, FW_OK, 1 },
		{ 3, FW_EINVAL, 1 }, { 5, FW_OK, 0 },     { 6, FW_EINVAL, 0 },
	};
	struct world *w = *state;

	begin(w);
	send_stanzas(w, 5);
	write_all(w);
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_int_equal(fw_stream_acked(w->stream, rows[i].handled), rows[i].ret);
		expect_kept(w, rows[i].kept);
	}
	struct iovec pieces[8];
	fw_stream_close(w->stream, FW_CAUSE_HANDLED_TOO_HIGH);
	assert_int_equal(fw_stream_pending(w->stream, pieces, 8), 3);
	assert_non_null(memmem(pieces[1].iov_base, pieces[1].iov_len, "<undefined-condition ", 21));
	const char *more = "<handled-count-too-high xmlns='urn:xmpp:sm:3' h='6' send-count='5'/>";
	assert_non_null(memmem(pieces[1].iov_base, pieces[1].iov_len, more, strlen(more)));
}

/* A stanza that was not written whole cannot have been acknowledged. */
static void half_a_stanza_is_unwritten(void **state)
{
	struct world *w = *state;
	struct iovec pieces[8];

	begin(w);
	send_stanzas(w, 2);
	assert_true(fw_stream_pending(w->stream, pieces, 8) > 0);
	fw_stream_sent(w->stream, strlen("<enable/><message id='1'/><mess"));
	expect_kept(w, 1);
	assert_int_equal(fw_stream_acked(w->stream, 2), FW_EINVAL);
	struct fw_stanza *written = fw_stream_take_unacknowledged(w->stream);
	assert_true(fw_str_is(fw_stanza_id(written), "1"));
	assert_null(fw_stream_take_unacknowledged(w->stream));
	struct fw_stanza *unwritten = fw_stream_take_back(w->stream);
	assert_true(fw_str_is(fw_stanza_id(unwritten), "2"));
	fw_stanza_end(&written, FW_EXIT_BOUNCED, FW_CAUSE_NOT_ACKNOWLEDGED);
	fw_stanza_end(&unwritten, FW_EXIT_DELIVERED, FW_CAUSE_DELIVERED);
}

static void counts_wrap(void **state)
{
	struct world *w = *state;

	begin(w);
	write_all(w);
	w->stream->acked = UINT32_MAX - 1;
	send_stanzas(w, 4);
	write_all(w);
	assert_int_equal(fw_stream_acked(w->stream, UINT32_MAX), FW_OK);
	expect_kept(w, 3);
	assert_int_equal(fw_stream_acked(w->stream, 3), FW_EINVAL);
	assert_int_equal(fw_stream_acked(w->stream, 2), FW_OK);
	expect_kept(w, 0);
}

static void a_peer_that_declines_has_them_as_before(void **state)
{
	struct world *w = *state;

	begin(w);
	send_stanzas(w, 2);
	write_all(w);
	fw_stream_acks_end(w->stream);
	send_stanzas(w, 1);
	write_all(w);
	expect_kept(w, 0);
	assert_int_equal(w->ledger->exits[FW_EXIT_DELIVERED], 3);
}

static void declined_before_it_was_written(void **state)
{
	struct world *w = *state;

	begin(w);
	fw_stream_acks_end(w->stream);
	send_stanzas(w, 1);
	write_all(w);
	expect_kept(w, 0);
}

/* The end may come before the first byte, or with all of them kept. */
static void what_nobody_takes_back_is_dropped_with_its_cause(void **state)
{
	struct world *w = *state;
	struct fw_stanza *stanza;

	begin(w);
	send_stanzas(w, 2);
	stanza = fw_stream_take_back(w->stream);
	fw_stanza_end(&stanza, FW_EXIT_BOUNCED, FW_CAUSE_PEER_LOST);
	begin(w);
	write_all(w);
	fw_stream_free(&w->stream);
	assert_int_equal(w->ledger->causes[FW_CAUSE_NOT_ACKNOWLEDGED], 0);
	assert_int_equal(w->ledger->causes[FW_CAUSE_PEER_LOST], 1);
	assert_int_equal(fw_stream_new(&settings, &events, NULL, &w->stream), FW_OK);
	begin(w);
	send_stanzas(w, 3);
	write_all(w);
	send_stanzas(w, 1);
	fw_stream_free(&w->stream);
	assert_int_equal(w->ledger->causes[FW_CAUSE_NOT_ACKNOWLEDGED], 3);
	assert_int_equal(w->ledger->causes[FW_CAUSE_COMPONENT_GONE], 1);
}

/* A kept stanza holds its own bytes, not the buffer that it came in. */
static void kept_ones_borrow_nothing(void **state)
{
	struct world *w = *state;
	struct fw_stanza *stanza = NULL;

	begin(w);
	assert_int_equal(fw_stanza_parse(fw_str("<message id='1'/>"), &stanza), FW_OK);
	stanza->borrowed = true;
	fw_stream_send(w->stream, &stanza);
	write_all(w);
	stanza = fw_stream_take_unacknowledged(w->stream);
	assert_false(stanza->borrowed);
	fw_stanza_free(&stanza);
}

static void feed(struct fw_stream *stream, const char *text)
{
	void *space = NULL;
	size_t size = 0;

	assert_int_equal(fw_stream_space(stream, &space, &size), FW_OK);
	assert_true(size >= strlen(text));
	memcpy(space, text, strlen(text));
	fw_stream_received(stream, strlen(text));
}

/* XEP-0198 §4: message, presence and iq, and nothing else. */
static void our_own_count_is_of_stanzas(void **state)
{
	struct world *w = *state;

	feed(w->stream, HEADER "<message/>");
	assert_int_equal(fw_stream_handled(w->stream), 1);
	fw_stream_handled_begin(w->stream);
	assert_int_equal(fw_stream_handled(w->stream), 0);
	feed(w->stream, "<r xmlns='urn:xmpp:sm:3'/><message/><iq/><presence/>"
	                "<message xmlns='urn:other'/>");
	assert_int_equal(fw_stream_handled(w->stream), 3);
	assert_int_equal(elements, 6);
	w->stream->handled_from -= (uint64_t)UINT32_MAX;
	assert_int_equal(fw_stream_handled(w->stream), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		ROW(only_what_is_behind_the_beginning_is_kept),
		ROW(acknowledged_ones_go_from_the_front),
		ROW(half_a_stanza_is_unwritten),
		ROW(counts_wrap),
		ROW(a_peer_that_declines_has_them_as_before),
		ROW(declined_before_it_was_written),
		ROW(what_nobody_takes_back_is_dropped_with_its_cause),
		ROW(kept_ones_borrow_nothing),
		ROW(our_own_count_is_of_stanzas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
