/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two channels on a socket pair, in clear and under TLS: STARTTLS, order of many stanzas through a
 * small socket, ends, and bytes that do not belong there.
 */
#include <fedway/io/channel.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/channel_pair.h"
#include "tests/support/tls_pair.h"

#define CERT(name) TEST_CERTS "/" name

enum { STANZAS = 1000 };

static int setup(void **state)
{
	static struct channel_pair pair;

	channel_pair_setup(&pair, context_of(CERT("a.pem"), CERT("a.key"), CERT("ca.pem")),
	                   context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem")));
	*state = &pair;
	return 0;
}

static int teardown(void **state)
{
	channel_pair_teardown(*state);
	return 0;
}

static void start(struct channel_pair *w, bool tls)
{
	end_start(&w->a, w->loop, w->fds[0]);
	end_start(&w->b, w->loop, w->fds[1]);
	channel_pair_open(w);
	if (tls) {
		fw_channel_send_text(w->a.channel, STARTTLS);
		end_wait(w->loop, &w->a.secured, 1);
		end_wait(w->loop, &w->b.secured, 1);
		assert_non_null(fw_channel_tls(w->a.channel));
		channel_pair_open(w);
	}
	end_turns(w->loop, 5);
}

static void starttls_begins_a_new_stream_under_tls(void **state)
{
	struct channel_pair *w = *state;
	struct fw_tls_facts facts;

	start(w, true);
	assert_string_equal(w->a.story, "opened proceed secured opened ");
	assert_string_equal(w->b.story, "opened starttls secured opened ");
	fw_tls_facts(fw_channel_tls(w->b.channel), &facts);
	assert_true(facts.chain_valid);
	assert_string_equal(facts.certificate->subject, "CN=a.example");
	fw_channel_close(w->a.channel, FW_CAUSE_IDLE);
	end_wait(w->loop, &w->a.closed, 1);
	end_wait(w->loop, &w->b.closed, 1);
	assert_int_equal(w->a.cause, FW_CAUSE_IDLE);
	assert_int_equal(w->b.cause, FW_CAUSE_PEER_CLOSED);
}

/* Stanzas carry their number as id; sizes go from small to larger than a record. */
static void check_order(struct end *end, struct fw_stanza *stanza)
{
	int *next = end->data;
	uint64_t number = 0;

	if (fw_stanza_kind(stanza) != FW_KIND_MESSAGE) {
		return;
	}
	assert_int_equal(fw_str_to_u64(fw_stanza_id(stanza), UINT32_MAX, &number), FW_OK);
	assert_int_equal(number, *next);
	(*next)++;
}

static void send_many(struct end *end)
{
	char body[20001];

	for (int i = 0; i < STANZAS; i++) {
		struct fw_stanza *stanza = NULL;
		size_t size = (size_t)(i * 7919) % (i % 50 == 0 ? 20000 : 500);
		char id[16];

		memset(body, 'x', size);
		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(fw_stanza_new("message", NULL, &stanza), FW_OK);
		fw_stanza_set(stanza, "id", fw_str(id));
		fw_stanza_set(stanza, "to", fw_str("b.example"));
		fw_elem_set_text(fw_elem_add(fw_stanza_root(stanza), "body", NULL),
		                 fw_str_n(body, size));
		fw_channel_send(end->channel, &stanza);
		if (i % 10 == 0) {
			fw_loop_turn(end->loop, false);
		}
	}
}

static void many_stanzas_keep_their_order(void **state)
{
	for (int tls = 0; tls < 2; tls++) {
		struct channel_pair *w = NULL;
		int at_a = 0, at_b = 0;

		setup((void **)&w);
		w->a.data = &at_a;
		w->b.data = &at_b;
		w->a.on_element = w->b.on_element = check_order;
		start(w, tls != 0);
		send_many(&w->a);
		send_many(&w->b);
		end_wait(w->loop, &at_b, STANZAS);
		end_wait(w->loop, &at_a, STANZAS);
		end_turns(w->loop, 5);
		assert_int_equal(fw_channel_counts(w->a.channel)->stanzas_out, STANZAS);
		teardown((void **)&w);
	}
	(void)state;
}

static void a_pause_under_tls_loses_nothing(void **state)
{
	struct channel_pair *w = *state;

	start(w, true);
	w->b.act_at = "message";
	w->b.act = END_PAUSE;
	w->b.answer = NULL;
	for (int i = 0; i < 3; i++) {
		/* More than one buffer in one record's time: TLS holds what the descriptor does not
		 * show. */
		fw_channel_send_text(w->a.channel, "<message id='%d'>%15000s</message>", i, "x");
	}
	for (int i = 0; i < 20 && w->b.elements < 4; i++) {
		end_turns(w->loop, 10);
		fw_channel_pause(w->b.channel, false);
	}
	end_wait(w->loop, &w->b.elements, 4); /* starttls and three messages */
}

static void bytes_behind_starttls_are_an_attack(void **state)
{
	struct channel_pair *w = *state;
	const char *text = HEADER STARTTLS "<message from='a.example' to='b.example'/>";
	char reply[4096];

	end_start(&w->b, w->loop, w->fds[1]);
	fw_channel_open(w->b.channel, fw_str(NULL), fw_str("b.example"), fw_str("i"), true);
	assert_int_equal(write(w->fds[0], text, strlen(text)), strlen(text));
	end_turns(w->loop, 5);
	assert_string_equal(w->b.story, "opened starttls ");
	ssize_t got = read(w->fds[0], reply, sizeof(reply) - 1);
	assert_true(got > 0);
	reply[got] = '\0';
	assert_non_null(strstr(reply, "<policy-violation "));
	close(w->fds[0]);
	end_wait(w->loop, &w->b.closed, 1);
	assert_int_equal(w->b.cause, FW_CAUSE_TLS_INJECTION);
	assert_int_equal(w->b.secured, 0);
}

static void a_failed_handshake_has_words_and_no_footer(void **state)
{
	struct channel_pair *w = *state;
	const char *text = HEADER STARTTLS, *more = "<stream:stream xmlns='jabber:server'>";
	char reply[4096];

	end_start(&w->b, w->loop, w->fds[1]);
	fw_channel_open(w->b.channel, fw_str(NULL), fw_str("b.example"), fw_str("i"), true);
	assert_int_equal(write(w->fds[0], text, strlen(text)), strlen(text));
	end_turns(w->loop, 5);
	assert_int_equal(write(w->fds[0], more, strlen(more)), strlen(more));
	end_wait(w->loop, &w->b.closed, 1);
	assert_int_equal(w->b.cause, FW_CAUSE_TLS_FAILED);
	assert_string_not_equal(w->b.detail, "");
	ssize_t got = read(w->fds[0], reply, sizeof(reply) - 1);
	assert_true(got > 0);
	reply[got] = '\0';
	assert_non_null(strstr(reply, PROCEED));
	assert_null(strstr(reply, "</stream:stream>"));
	close(w->fds[0]);
}

static void close_during_the_handshake_ends_at_once(void **state)
{
	struct channel_pair *w = *state;
	const char *text = HEADER STARTTLS;

	end_start(&w->b, w->loop, w->fds[1]);
	assert_int_equal(write(w->fds[0], text, strlen(text)), strlen(text));
	end_turns(w->loop, 5);
	fw_channel_close(w->b.channel, FW_CAUSE_TLS_TIMEOUT);
	assert_int_equal(w->b.closed, 0);
	end_wait(w->loop, &w->b.closed, 1);
	assert_int_equal(w->b.cause, FW_CAUSE_TLS_TIMEOUT);
	close(w->fds[0]);
}

static void what_is_queued_after_start_tls_is_never_in_clear(void **state)
{
	struct channel_pair *w = *state;
	const char *text = HEADER STARTTLS;
	char reply[65536];

	w->b.behind = "<secret/>";
	end_start(&w->b, w->loop, w->fds[1]);
	fw_channel_open(w->b.channel, fw_str(NULL), fw_str("b.example"), fw_str("i"), true);
	assert_int_equal(write(w->fds[0], text, strlen(text)), strlen(text));
	end_turns(w->loop, 5);
	ssize_t got = read(w->fds[0], reply, sizeof(reply) - 1);
	assert_true(got > 0);
	reply[got] = '\0';
	assert_non_null(strstr(reply, PROCEED));
	assert_null(strstr(reply, "secret"));
	close(w->fds[0]);
}

/* ---- from the first byte ---- */

static void begin_direct(struct channel_pair *w)
{
	const struct fw_tls_start start = { .side = FW_TLS_INITIATING,
		                            .direct = true,
		                            .peer_name = "b.example" };

	w->a.act = w->b.act = END_NOTHING;
	end_start(&w->a, w->loop, w->fds[0]);
	end_start(&w->b, w->loop, w->fds[1]);
	fw_channel_secure(w->a.channel, w->a.context, &start);
	fw_channel_sniff_tls(w->b.channel, w->b.context);
}

static void direct_tls_needs_no_clear_byte(void **state)
{
	struct channel_pair *w = *state;
	struct fw_tls_facts facts;

	begin_direct(w);
	fw_channel_open(w->a.channel, fw_str("b.example"), fw_str("a.example"), fw_str(NULL), true);
	end_wait(w->loop, &w->a.secured, 1);
	end_wait(w->loop, &w->b.secured, 1);
	fw_channel_open(w->b.channel, fw_str("a.example"), fw_str("b.example"), fw_str("i"), true);
	fw_channel_send_text(w->a.channel, "<message id='1'/>");
	end_wait(w->loop, &w->b.elements, 1);
	end_turns(w->loop, 5);
	assert_string_equal(w->a.story, "secured opened ");
	assert_string_equal(w->b.story, "secured opened message ");
	fw_tls_facts(fw_channel_tls(w->a.channel), &facts);
	assert_true(facts.direct);
	assert_string_equal(facts.alpn, "xmpp-server");
	fw_tls_facts(fw_channel_tls(w->b.channel), &facts);
	assert_true(facts.direct);
	assert_true(facts.chain_valid);
	assert_string_equal(facts.alpn, "xmpp-server");
	fw_channel_close(w->b.channel, FW_CAUSE_IDLE);
	end_wait(w->loop, &w->a.closed, 1);
	end_wait(w->loop, &w->b.closed, 1);
	assert_int_equal(w->a.cause, FW_CAUSE_PEER_CLOSED);
	assert_int_equal(w->b.cause, FW_CAUSE_IDLE);
}

static bool pass_a_byte(int from, int to)
{
	char byte;

	return read(from, &byte, 1) == 1 && write(to, &byte, 1) == 1;
}

static void direct_tls_comes_through_byte_by_byte(void **state)
{
	struct channel_pair *w = *state;
	int far[2], near_end = w->fds[1];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, far), 0);
	w->fds[1] = far[1];
	begin_direct(w);
	for (int i = 0; i < 20000 && (w->a.secured == 0 || w->b.secured == 0); i++) {
		pass_a_byte(near_end, far[0]);
		pass_a_byte(far[0], near_end);
		fw_loop_turn(w->loop, false);
	}
	assert_int_equal(w->a.secured, 1);
	assert_int_equal(w->b.secured, 1);
	close(near_end);
	close(far[0]);
}

static void who_begins_in_clear_is_served_in_clear(void **state)
{
	struct channel_pair *w = *state;
	const char *text = HEADER "<message id='1'/>";

	w->b.act = END_NOTHING;
	end_start(&w->b, w->loop, w->fds[1]);
	fw_channel_sniff_tls(w->b.channel, w->b.context);
	end_turns(w->loop, 3);
	assert_string_equal(w->b.story, "");
	for (size_t i = 0; i < strlen(text); i++) {
		assert_int_equal(write(w->fds[0], text + i, 1), 1);
		end_turns(w->loop, 1);
	}
	end_wait(w->loop, &w->b.elements, 1);
	assert_string_equal(w->b.story, "opened message ");
	assert_null(fw_channel_tls(w->b.channel));
	close(w->fds[0]);
}

static void a_bad_beginning_ends_as_it_should(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		enum fw_cause cause;
	} rows[] = {
		{ "", 0, FW_CAUSE_PEER_LOST },
		{ "\x16\x03\x01", 3, FW_CAUSE_TLS_FAILED }, /* and no more */
		{ "\x16\x16\x16\x16\x16\x16\x16", 7, FW_CAUSE_TLS_FAILED },
		{ "\x16GET / HTTP/1.0", 15, FW_CAUSE_TLS_FAILED },
		{ "\x15\x03\x01\x00\x02\x01\x00", 7, FW_CAUSE_ENCODING },
		{ "GET / HTTP/1.0\r\n\r\n", 18, FW_CAUSE_NOT_WELL_FORMED },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct channel_pair *w = NULL;

		setup((void **)&w);
		end_start(&w->b, w->loop, w->fds[1]);
		fw_channel_sniff_tls(w->b.channel, w->b.context);
		assert_int_equal(write(w->fds[0], rows[i].bytes, rows[i].size), rows[i].size);
		end_turns(w->loop, 3);
		close(w->fds[0]);
		end_wait(w->loop, &w->b.closed, 1);
		assert_int_equal(w->b.cause, rows[i].cause);
		assert_int_equal(w->b.secured, 0);
		teardown((void **)&w);
	}
}

static void a_silent_stranger_is_told_in_clear(void **state)
{
	struct channel_pair *w = *state;
	char reply[1024];

	end_start(&w->b, w->loop, w->fds[1]);
	fw_channel_sniff_tls(w->b.channel, w->b.context);
	end_turns(w->loop, 3);
	fw_channel_close(w->b.channel, FW_CAUSE_HEADER_TIMEOUT);
	end_turns(w->loop, 3);
	ssize_t got = read(w->fds[0], reply, sizeof(reply) - 1);
	assert_true(got > 0);
	reply[got] = '\0';
	assert_non_null(strstr(reply, "<connection-timeout "));
	close(w->fds[0]);
	end_wait(w->loop, &w->b.closed, 1);
	assert_int_equal(w->b.cause, FW_CAUSE_HEADER_TIMEOUT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(starttls_begins_a_new_stream_under_tls),
		cmocka_unit_test(many_stanzas_keep_their_order),
		CASE(a_pause_under_tls_loses_nothing),
		CASE(bytes_behind_starttls_are_an_attack),
		CASE(a_failed_handshake_has_words_and_no_footer),
		CASE(close_during_the_handshake_ends_at_once),
		CASE(what_is_queued_after_start_tls_is_never_in_clear),
		CASE(direct_tls_needs_no_clear_byte),
		CASE(direct_tls_comes_through_byte_by_byte),
		CASE(who_begins_in_clear_is_served_in_clear),
		cmocka_unit_test(a_bad_beginning_ends_as_it_should),
		CASE(a_silent_stranger_is_told_in_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
