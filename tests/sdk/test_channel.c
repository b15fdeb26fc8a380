/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Channels in clear on a socket pair: the test is the peer and writes bytes by hand.
 */
#include <fedway/io/channel.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/channel_end.h"

#define HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:server' " \
	"xmlns:stream='http://etherx.jabber.org/streams' from='a.example' version='1.0'>"
#define FOOTER "</stream:stream>"
#define MESSAGE "<message from='u@a.example' to='v@b.example'><body>hi</body></message>"
#define PEER_ERROR \
	"<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>" \
	"<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>who?</text></stream:error>"

struct world {
	struct fw_loop *loop;
	struct end end;
	int peer;
};

static int setup(void **state)
{
	static struct world world;
	int fds[2];

	memset(&world, 0, sizeof(world));
	assert_int_equal(fw_loop_new(&world.loop), FW_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	world.peer = fds[1];
	end_start(&world.end, world.loop, fds[0]);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	fw_channel_free(&world->end.channel);
	fw_socket_close(&world->peer);
	fw_loop_free(&world->loop);
	return 0;
}

static void peer_says(struct world *world, const char *text)
{
	assert_int_equal(write(world->peer, text, strlen(text)), strlen(text));
	end_turns(world->loop, 2);
}

/* All that has been written to the peer so far. */
static const char *peer_reads(struct world *world)
{
	static char text[65536];
	size_t size = 0;
	ssize_t got;

	end_turns(world->loop, 3);
	while ((got = read(world->peer, text + size, sizeof(text) - 1 - size)) > 0) {
		size += (size_t)got;
	}
	text[size] = '\0';
	return text;
}

static void bytes_become_events(void **state)
{
	struct world *w = *state;

	peer_says(w, HEADER MESSAGE "\n" MESSAGE);
	assert_string_equal(w->end.story, "opened message message ");
	assert_int_equal(fw_channel_counts(w->end.channel)->stanzas_in, 2);
}

static void bytes_one_at_a_time_become_the_same_events(void **state)
{
	struct world *w = *state;
	const char *text =
	        HEADER MESSAGE "<iq id='1' type='get' from='a' to='b'><q xmlns='x'/></iq>" FOOTER;

	for (size_t i = 0; text[i] != '\0'; i++) {
		assert_int_equal(write(w->peer, text + i, 1), 1);
		fw_loop_turn(w->loop, false);
	}
	end_turns(w->loop, 3);
	assert_string_equal(w->end.story, "opened message iq peer-closed ");
}

static void what_is_queued_in_a_turn_is_written_once_and_told_when_gone(void **state)
{
	struct world *w = *state;
	struct fw_stanza *stanza = NULL;
	size_t stanzas = 0, bytes = 0;

	fw_channel_open(w->end.channel, fw_str("a.example"), fw_str("b.example"), fw_str("i1"),
	                true);
	fw_channel_send_text(w->end.channel, "<stream:features/>");
	assert_int_equal(fw_stanza_parse(fw_str(MESSAGE), &stanza), FW_OK);
	fw_channel_send(w->end.channel, &stanza);
	assert_null(stanza);
	fw_channel_queued(w->end.channel, &stanzas, &bytes);
	assert_int_equal(stanzas, 1);
	assert_true(bytes > strlen(MESSAGE));
	assert_string_equal(w->end.story, "");
	const char *text = peer_reads(w);
	assert_non_null(strstr(text, "id='i1'"));
	assert_non_null(strstr(text, "<stream:features/>" MESSAGE));
	assert_int_equal(w->end.drained, 1);
	fw_channel_queued(w->end.channel, &stanzas, &bytes);
	assert_int_equal(stanzas + bytes, 0);
}

static void the_peers_footer_is_answered(void **state)
{
	struct world *w = *state;

	fw_channel_open(w->end.channel, fw_str(NULL), fw_str("b.example"), fw_str("i1"), true);
	peer_says(w, HEADER FOOTER);
	end_wait(w->loop, &w->end.closed, 1);
	assert_string_equal(w->end.story, "opened peer-closed ");
	assert_non_null(strstr(peer_reads(w), FOOTER));
	assert_int_equal(w->end.closed, 1);
	assert_true(fw_channel_closing(w->end.channel));
}

static void ends_of_the_peer_have_their_causes(void **state)
{
	static const struct {
		const char *text;
		enum fw_cause cause;
		const char *detail;
	} rows[] = {
		{ "", FW_CAUSE_PEER_LOST, "" },
		{ HEADER, FW_CAUSE_PEER_LOST, "" },
		{ HEADER "<message from='a", FW_CAUSE_PEER_LOST, "" },
		{ HEADER MESSAGE FOOTER, FW_CAUSE_PEER_CLOSED, "" },
		{ HEADER PEER_ERROR FOOTER, FW_CAUSE_PEER_ERROR, "host-unknown" },
		{ HEADER PEER_ERROR, FW_CAUSE_PEER_ERROR, "host-unknown" },
		{ HEADER PEER_ERROR MESSAGE FOOTER, FW_CAUSE_PEER_CLOSED, "" },
		{ HEADER PEER_ERROR MESSAGE, FW_CAUSE_PEER_LOST, "" },
		{ HEADER "<a></b>", FW_CAUSE_NOT_WELL_FORMED, "" },
		{ HEADER "<!-- -->", FW_CAUSE_RESTRICTED_XML, "" },
		{ "<html>", FW_CAUSE_INVALID_NAMESPACE, "" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct world *w = NULL;

		setup((void **)&w);
		peer_says(w, rows[i].text);
		shutdown(w->peer, SHUT_WR);
		end_wait(w->loop, &w->end.closed, 1);
		assert_string_equal(fw_cause_row(w->end.cause)->name,
		                    fw_cause_row(rows[i].cause)->name);
		assert_string_equal(w->end.detail, rows[i].detail);
		end_turns(w->loop, 3);
		assert_int_equal(w->end.closed, 1);
		teardown((void **)&w);
	}
}

static void refused_input_is_answered_with_the_error_and_a_header(void **state)
{
	struct world *w = *state;

	peer_says(w, HEADER "<a></b>");
	const char *text = peer_reads(w);
	assert_non_null(strstr(text, "<stream:stream "));
	assert_non_null(strstr(text, "<not-well-formed "));
	assert_non_null(strstr(text, FOOTER));
	assert_int_equal(w->end.closed, 0); /* the peer is given time to read it */
	peer_says(w, "more and more, which is not looked at");
	assert_int_equal(w->end.closed, 0);
	fw_socket_close(&w->peer);
	end_wait(w->loop, &w->end.closed, 1);
	assert_int_equal(w->end.cause, FW_CAUSE_NOT_WELL_FORMED);
}

static void closing_writes_what_is_queued_and_waits_for_the_footer(void **state)
{
	struct world *w = *state;

	peer_says(w, HEADER);
	fw_channel_open(w->end.channel, fw_str(NULL), fw_str("b.example"), fw_str("i1"), true);
	fw_channel_send_text(w->end.channel, "%s", MESSAGE);
	fw_channel_close(w->end.channel, FW_CAUSE_IDLE);
	fw_channel_close(w->end.channel, FW_CAUSE_INTERNAL); /* changes nothing */
	assert_true(fw_channel_closing(w->end.channel));
	const char *text = peer_reads(w);
	assert_non_null(strstr(text, MESSAGE FOOTER));
	assert_null(strstr(text, "stream:error"));
	assert_int_equal(w->end.closed, 0);
	peer_says(w, MESSAGE); /* RFC 6120 §4.4: still processed */
	assert_int_equal(w->end.elements, 1);
	peer_says(w, FOOTER);
	end_wait(w->loop, &w->end.closed, 1);
	assert_int_equal(w->end.cause, FW_CAUSE_IDLE);
	assert_int_equal(read(w->peer, (char[1]){ 0 }, 1), 0);
}

static void a_violator_is_not_heard_any_more(void **state)
{
	struct world *w = *state;

	w->end.act_at = "bad";
	w->end.act = END_CLOSE;
	w->end.act_cause = FW_CAUSE_UNEXPECTED;
	peer_says(w, HEADER "<bad xmlns='x'/>" MESSAGE);
	assert_string_equal(w->end.story, "opened bad ");
	assert_non_null(strstr(peer_reads(w), "<policy-violation "));
	peer_says(w, MESSAGE FOOTER);
	end_wait(w->loop, &w->end.closed, 1);
	assert_string_equal(w->end.story, "opened bad unexpected-element ");
}

static void a_silent_peer_is_waited_for_five_seconds_at_most(void **state)
{
	struct world *w = *state;

	fw_channel_close(w->end.channel, FW_CAUSE_SHUTDOWN);
	assert_non_null(strstr(peer_reads(w), "<system-shutdown "));
	uint64_t began = fw_now_ms(w->loop);
	while (w->end.closed == 0) {
		fw_loop_turn(w->loop, true);
	}
	assert_int_equal(w->end.cause, FW_CAUSE_SHUTDOWN);
	assert_in_range(fw_now_ms(w->loop) - began, 4000, 9000);
}

static void free_from_within_an_event_ends_all(void **state)
{
	struct world *w = *state;

	w->end.act_at = "message";
	w->end.act = END_FREE;
	peer_says(w, HEADER MESSAGE MESSAGE MESSAGE FOOTER);
	assert_null(w->end.channel);
	assert_string_equal(w->end.story, "opened message ");
	assert_int_equal(w->end.closed, 0);
	assert_int_equal(read(w->peer, (char[1]){ 0 }, 1), 0);
}

static void close_from_within_an_event_tells_closed_later(void **state)
{
	struct world *w = *state;

	w->end.act_at = "message";
	w->end.act = END_CLOSE;
	w->end.act_cause = FW_CAUSE_IDLE;
	peer_says(w, HEADER MESSAGE FOOTER);
	end_wait(w->loop, &w->end.closed, 1);
	assert_string_equal(w->end.story, "opened message idle ");
}

static void a_paused_channel_leaves_bytes_to_the_system(void **state)
{
	struct world *w = *state;

	peer_says(w, HEADER MESSAGE);
	fw_channel_pause(w->end.channel, true);
	peer_says(w, MESSAGE MESSAGE);
	assert_int_equal(w->end.elements, 1);
	fw_channel_pause(w->end.channel, false);
	end_turns(w->loop, 3);
	assert_int_equal(w->end.elements, 3);
}

static void a_rested_stream_goes_on_as_if_nothing_was(void **state)
{
	struct world *w = *state;

	peer_says(w, HEADER MESSAGE);
	uint64_t until = fw_now_ms(w->loop) + 1200;
	while (fw_now_ms(w->loop) < until) {
		fw_loop_turn(w->loop, w->end.closed == 0 && fw_now_ms(w->loop) + 300 < until);
	}
	peer_says(w, "<presence from='a.example' to='b.example'/>" FOOTER);
	end_wait(w->loop, &w->end.closed, 1);
	assert_string_equal(w->end.story, "opened message presence peer-closed ");
}

static void unwritten_stanzas_can_be_taken_back(void **state)
{
	struct world *w = *state;
	struct fw_stanza *stanza = NULL;
	int back = 0;

	peer_says(w, HEADER);
	fw_socket_close(&w->peer);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fw_stanza_parse(fw_str(MESSAGE), &stanza), FW_OK);
		fw_channel_send(w->end.channel, &stanza);
	}
	end_wait(w->loop, &w->end.closed, 1);
	assert_int_equal(w->end.cause, FW_CAUSE_PEER_LOST);
	assert_int_equal(fw_stanza_parse(fw_str(MESSAGE), &stanza), FW_OK);
	fw_channel_send(w->end.channel, &stanza); /* too late, but not lost either */
	while ((stanza = fw_channel_take_back(w->end.channel)) != NULL) {
		fw_stanza_free(&stanza);
		back++;
	}
	assert_int_equal(back, 4);
}

static void a_new_owner_gets_the_events(void **state)
{
	struct world *w = *state;
	struct end other = { 0 };

	peer_says(w, HEADER);
	fw_channel_set_owner(w->end.channel, &end_events, &other);
	peer_says(w, MESSAGE FOOTER);
	end_wait(w->loop, &other.closed, 1);
	assert_string_equal(w->end.story, "opened ");
	assert_string_equal(other.story, "message peer-closed ");
}

static void a_restart_from_within_an_event_forgets_what_stands_behind_it(void **state)
{
	struct world *w = *state;

	fw_channel_open(w->end.channel, fw_str(NULL), fw_str("b.example"), fw_str("i1"), true);
	w->end.act_at = "success";
	w->end.act = END_RESTART;
	peer_says(w, HEADER "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>" MESSAGE "<iq");
	assert_string_equal(w->end.story, "opened success ");
	peer_says(w, HEADER MESSAGE);
	assert_string_equal(w->end.story, "opened success opened message ");
	fw_channel_close(w->end.channel, FW_CAUSE_INVALID_FROM);
	const char *text = peer_reads(w);
	const char *again = strstr(text, "id='again'");
	assert_non_null(strstr(text, "id='i1'"));
	assert_non_null(again);
	assert_null(strstr(again, "<stream:stream")); /* it was open when the error came */
	assert_non_null(strstr(again, "<invalid-from"));
}

static void a_restart_between_events_keeps_what_is_queued(void **state)
{
	struct world *w = *state;

	fw_channel_open(w->end.channel, fw_str(NULL), fw_str("b.example"), fw_str("i1"), true);
	peer_says(w, HEADER "<auth/>");
	fw_channel_send_text(w->end.channel, "<success/>");
	fw_channel_restart(w->end.channel);
	/* before our new header is out: an error brings one with it (RFC 6120 §4.9.1.2) */
	fw_channel_close(w->end.channel, FW_CAUSE_INVALID_FROM);
	const char *text = peer_reads(w);
	const char *success = strstr(text, "<success/>");
	assert_non_null(success);
	const char *header = strstr(success, "<stream:stream");
	assert_non_null(header);
	assert_non_null(strstr(header, "<invalid-from"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(bytes_become_events),
		CASE(bytes_one_at_a_time_become_the_same_events),
		CASE(what_is_queued_in_a_turn_is_written_once_and_told_when_gone),
		CASE(the_peers_footer_is_answered),
		cmocka_unit_test(ends_of_the_peer_have_their_causes),
		CASE(refused_input_is_answered_with_the_error_and_a_header),
		CASE(closing_writes_what_is_queued_and_waits_for_the_footer),
		CASE(a_violator_is_not_heard_any_more),
		CASE(a_silent_peer_is_waited_for_five_seconds_at_most),
		CASE(free_from_within_an_event_ends_all),
		CASE(close_from_within_an_event_tells_closed_later),
		CASE(a_paused_channel_leaves_bytes_to_the_system),
		CASE(a_rested_stream_goes_on_as_if_nothing_was),
		CASE(unwritten_stanzas_can_be_taken_back),
		CASE(a_new_owner_gets_the_events),
		CASE(a_restart_from_within_an_event_forgets_what_stands_behind_it),
		CASE(a_restart_between_events_keeps_what_is_queued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
