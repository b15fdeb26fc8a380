/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The race between targets, on a network and a clock that the test moves.
 */
#include <fedway/io/dial.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/scenarios/fake_loop.h"
#include "tests/scenarios/fake_net.h"

#define HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:server' " \
	"xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' " \
	"from='b.example' to='a.example' id='i1' version='1.0'>"
#define FEATURES "<stream:features/>"
#define STARTTLS_FEATURES \
	"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
#define ERROR \
	"<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"

enum { TARGETS = 20 };

struct race {
	struct fw_loop *loop;
	struct fw_dial *dial;
	struct fw_tls_context *tls;
	struct fw_target targets[TARGETS];
	size_t count;
	int ends[TARGETS]; /* the peer's side of a connection that was made; -1: none yet */
	int calls;
	enum fw_cause cause;
	char detail[160];
	uint16_t port; /* of the result's target */
	struct fw_channel *channel;
	struct fw_dial_attempt attempts[TARGETS];
	uint16_t ports[TARGETS]; /* of the attempts' targets */
	size_t attempt_count;
};

/* ---- the race ---- */

/* Targets are told apart by their ports: 1, 2, 3, … */
static struct fw_target *race_add(struct race *race, const char *ip, const char *host,
                                  enum fake_answer answer)
{
	struct fw_target *target = &race->targets[race->count];
	char addr[FW_ADDR_TEXT_SIZE];

	race->ends[race->count++] = -1;
	assert_int_equal(fw_addr_parse(ip, (uint16_t)race->count, &target->addr), FW_OK);
	snprintf(target->host, sizeof(target->host), "%s", host);
	fake_net_target(fw_addr_text(&target->addr, addr), answer);
	return target;
}

static void race_begin(struct race *race)
{
	memset(race, 0, sizeof(*race));
	assert_int_equal(fw_loop_new(&race->loop), FW_OK);
}

static void race_done(void *ctx, struct fw_dial_result *result)
{
	struct race *race = ctx;

	race->calls++;
	race->cause = result->cause;
	race->port = fw_addr_port(&result->target->addr);
	snprintf(race->detail, sizeof(race->detail), "%s", result->detail);
	race->channel = result->channel;
	result->channel = NULL;
	race->attempt_count = result->attempt_count;
	for (size_t i = 0; i < result->attempt_count; i++) {
		race->attempts[i] = result->attempts[i];
		race->ports[i] = fw_addr_port(&result->attempts[i].target->addr);
	}
}

static void race_start(struct race *race, enum fw_security security)
{
	const struct fw_tls_settings keys = { .certificate_file = TEST_CERTS "/a.pem",
		                              .key_file = TEST_CERTS "/a.key",
		                              .ca_file = TEST_CERTS "/ca.pem" };

	if (security != FW_SECURITY_NONE) {
		assert_int_equal(fw_tls_context_new(&keys, &race->tls, NULL), FW_OK);
	}
	const struct fw_dial_settings settings = {
		.local_domain = "a.example",
		.remote_domain = "b.example",
		.security = security,
		.tls = race->tls,
		.limits = FW_XML_LIMITS_BEFORE_AUTH,
		.connect_timeout_ms = 5000,
		.stream_timeout_ms = 6000,
		.tls_timeout_ms = 7000,
		.targets = race->targets,
		.target_count = race->count,
	};

	assert_int_equal(fw_dial_start(race->loop, &settings, race_done, race, &race->dial), FW_OK);
	assert_int_equal(race->calls, 0);
	fake_loop_settle(race->loop);
}

/* Whether the target with this number has been connected to by now. */
static bool race_reached(struct race *race, size_t number)
{
	char addr[FW_ADDR_TEXT_SIZE];

	if (race->ends[number - 1] < 0) {
		race->ends[number - 1] =
		        fake_net_accepted(fw_addr_text(&race->targets[number - 1].addr, addr));
	}
	return race->ends[number - 1] >= 0;
}

static void race_says(struct race *race, size_t number, const char *text)
{
	assert_true(race_reached(race, number));
	assert_int_equal(write(race->ends[number - 1], text, strlen(text)), strlen(text));
}

/* What the target has heard since the last look; "" also at the end. */
static const char *race_heard(struct race *race, size_t number)
{
	static char text[4096];

	assert_true(race_reached(race, number));
	ssize_t got = read(race->ends[number - 1], text, sizeof(text) - 1);
	text[got > 0 ? got : 0] = '\0';
	return text;
}

static void race_end(struct race *race)
{
	fw_dial_cancel(&race->dial);
	fw_channel_free(&race->channel);
	fw_tls_context_release(&race->tls);
	fw_loop_free(&race->loop); /* streams that still close end with it */
	for (size_t i = 0; i < race->count; i++) {
		if (race->ends[i] >= 0) {
			close(race->ends[i]);
		}
	}
	fake_net_clear();
}

/* ---- cases ---- */

static void a_port_that_accepts_and_stays_silent_loses(void **state)
{
	struct race race;

	(void)state;
	race_begin(&race);
	race_add(&race, "2001:db8::1", "x.example", FAKE_ACCEPTS);
	race_add(&race, "192.0.2.2", "x.example", FAKE_ACCEPTS);
	race_start(&race, FW_SECURITY_NONE);
	fake_loop_advance(race.loop, 249);
	assert_false(race_reached(&race, 2));
	fake_loop_advance(race.loop, 1);
	race_says(&race, 2, HEADER FEATURES);
	fake_loop_settle(race.loop);
	assert_int_equal(race.calls, 1);
	assert_int_equal(race.cause, FW_CAUSE_NONE);
	assert_int_equal(race.port, 2);
	assert_non_null(race.channel);
	/* The loser is told good-bye and is not waited for. */
	assert_non_null(strstr(race_heard(&race, 1), "</stream:stream>"));
	assert_int_equal(race.attempt_count, 2);
	assert_int_equal(race.attempts[0].cause, FW_CAUSE_OUTRUN);
	assert_int_equal(race.attempts[0].phase, FW_DIAL_STREAM);
	assert_int_equal(race.attempts[0].spent_us[FW_DIAL_STREAM], 250000);
	assert_int_equal(race.attempts[1].cause, FW_CAUSE_NONE);
	assert_int_equal(race.attempts[1].begun_us, 250000);
	race_end(&race);
}

static void a_target_that_fails_makes_way_at_once(void **state)
{
	struct race race;

	(void)state;
	race_begin(&race);
	race_add(&race, "192.0.2.1", "w.example", FAKE_REFUSES);
	race_add(&race, "192.0.2.2", "x.example", FAKE_ACCEPTS);
	race_add(&race, "192.0.2.3", "y.example", FAKE_ACCEPTS);
	race_add(&race, "192.0.2.4", "z.example", FAKE_ACCEPTS);
	race_start(&race, FW_SECURITY_NONE);
	assert_false(race_reached(&race, 3));
	race_says(&race, 2, HEADER ERROR); /* and it keeps the stream open */
	fake_loop_settle(race.loop);
	assert_non_null(strstr(race_heard(&race, 2), "</stream:stream>"));
	race_says(&race, 3, "HTTP/1.1 400 Bad Request\r\n\r\n");
	fake_loop_settle(race.loop);
	assert_non_null(strstr(race_heard(&race, 3), "not-well-formed"));
	race_says(&race, 4, HEADER FEATURES);
	fake_loop_settle(race.loop);
	assert_int_equal(race.calls, 1);
	assert_int_equal(race.cause, FW_CAUSE_NONE);
	assert_int_equal(race.attempt_count, 4);
	assert_int_equal(race.attempts[0].cause, FW_CAUSE_CONNECT_FAILED);
	assert_int_equal(race.attempts[1].cause, FW_CAUSE_PEER_ERROR);
	assert_string_equal(race.attempts[1].detail, "host-unknown");
	assert_int_equal(race.attempts[2].cause, FW_CAUSE_NOT_WELL_FORMED);
	assert_int_equal(race.attempts[3].begun_us, 0);
	race_end(&race);
}

static void the_verdict_does_not_wait_for_the_peer_to_go(void **state)
{
	static const char *const last_words[] = { HEADER ERROR, HEADER "<message/>",
		                                  HEADER "<!-- a -->" };

	(void)state;
	for (size_t i = 0; i < FW_COUNT(last_words); i++) {
		struct race race;
		char rest;

		race_begin(&race);
		race_add(&race, "192.0.2.1", "x.example", FAKE_ACCEPTS);
		race_start(&race, FW_SECURITY_NONE);
		race_says(&race, 1, last_words[i]);
		fake_loop_settle(race.loop);
		assert_int_equal(race.calls, 1);
		fw_dial_cancel(&race.dial);
		/* Cancelled already, the stream still ends in good order. */
		assert_non_null(strstr(race_heard(&race, 1), "</stream:stream>"));
		fake_loop_advance(race.loop, 10000);
		assert_int_equal(read(race.ends[0], &rest, 1), 0);
		race_end(&race);
	}
}

static void time_goes_on_for_silent_targets_side_by_side(void **state)
{
	struct race race;

	(void)state;
	race_begin(&race);
	race_add(&race, "192.0.2.1", "x.example", FAKE_SILENT);
	race_add(&race, "192.0.2.2", "y.example", FAKE_SILENT);
	race_add(&race, "192.0.2.3", "z.example", FAKE_ACCEPTS);
	race_start(&race, FW_SECURITY_NONE);
	assert_string_equal(fw_dial_phase_name(race.dial), "connect");
	fake_loop_advance(race.loop, 500);
	assert_true(race_reached(&race, 3));
	assert_string_equal(fw_dial_phase_name(race.dial), "stream");
	fake_loop_advance(race.loop, 5999);
	assert_int_equal(race.calls, 0);
	fake_loop_advance(race.loop, 1);
	assert_int_equal(race.calls, 1);
	assert_int_equal(race.cause, FW_CAUSE_HEADER_TIMEOUT);
	assert_int_equal(race.port, 3);
	assert_int_equal(race.attempts[0].cause, FW_CAUSE_CONNECT_TIMEOUT);
	assert_int_equal(race.attempts[0].spent_us[FW_DIAL_CONNECT], 5000000);
	assert_int_equal(race.attempts[1].begun_us, 250000);
	assert_non_null(strstr(race_heard(&race, 3), "connection-timeout"));
	race_end(&race);
}

static void a_target_that_comes_further_gets_more_time(void **state)
{
	struct race race;

	(void)state;
	race_begin(&race);
	race_add(&race, "192.0.2.1", "x.example", FAKE_ACCEPTS);
	race_add(&race, "192.0.2.2", "y.example", FAKE_ACCEPTS);
	race_start(&race, FW_SECURITY_REQUIRED);
	fake_loop_advance(race.loop, 200);
	race_says(&race, 1, HEADER STARTTLS_FEATURES);
	fake_loop_settle(race.loop);
	assert_string_equal(fw_dial_phase_name(race.dial), "tls");
	fake_loop_advance(race.loop, 249);
	assert_false(race_reached(&race, 2));
	fake_loop_advance(race.loop, 1);
	assert_true(race_reached(&race, 2));
	race_end(&race);
}

static void a_worse_priority_gives_twice_the_start(void **state)
{
	struct race race;

	(void)state;
	race_begin(&race);
	race_add(&race, "192.0.2.1", "x.example", FAKE_ACCEPTS);
	race_add(&race, "192.0.2.2", "y.example", FAKE_ACCEPTS)->priority = 10;
	race_start(&race, FW_SECURITY_NONE);
	fake_loop_advance(race.loop, 499);
	assert_false(race_reached(&race, 2));
	fake_loop_advance(race.loop, 1);
	assert_true(race_reached(&race, 2));
	race_end(&race);
}

static void only_one_wins_when_two_are_ready_in_one_turn(void **state)
{
	struct race race;

	(void)state;
	race_begin(&race);
	race_add(&race, "192.0.2.1", "x.example", FAKE_ACCEPTS);
	race_add(&race, "192.0.2.2", "y.example", FAKE_ACCEPTS);
	race_start(&race, FW_SECURITY_NONE);
	fake_loop_advance(race.loop, 250);
	race_says(&race, 1, HEADER FEATURES);
	race_says(&race, 2, HEADER FEATURES);
	fake_loop_settle(race.loop);
	assert_int_equal(race.calls, 1);
	assert_int_equal(race.cause, FW_CAUSE_NONE);
	assert_non_null(strstr(race_heard(&race, 3u - race.port), "</stream:stream>"));
	assert_null(strstr(race_heard(&race, race.port), "</stream:stream>"));
	race_end(&race);
}

/* All refuse: the order in which they began is the order of their ports. */
static void check_order(struct race *race, const uint16_t *order, size_t count)
{
	race_start(race, FW_SECURITY_NONE);
	assert_int_equal(race->calls, 1);
	assert_int_equal(race->cause, FW_CAUSE_CONNECT_FAILED);
	assert_int_equal(race->attempt_count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(race->ports[i], order[i]);
	}
	race_end(race);
}

static void set_port(struct fw_target *target, const char *ip, uint16_t port)
{
	assert_int_equal(fw_addr_parse(ip, port, &target->addr), FW_OK);
}

static void families_take_turns_within_one_host(void **state)
{
	static const char *const ips[] = { "2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1",
		                           "192.0.2.2" };
	static const char *const wanted[] = { "2001:db8::1", "192.0.2.1", "2001:db8::2",
		                              "192.0.2.2", "2001:db8::3" };
	struct race race;

	(void)state;
	race_begin(&race);
	for (size_t i = 0; i < FW_COUNT(ips); i++) {
		set_port(race_add(&race, ips[i], "x.example", FAKE_REFUSES), ips[i], 5269);
	}
	race_start(&race, FW_SECURITY_NONE); /* nobody knows these ports: unreachable */
	assert_int_equal(race.calls, 1);
	assert_int_equal(race.attempt_count, FW_COUNT(ips));
	for (size_t i = 0; i < FW_COUNT(wanted); i++) {
		assert_non_null(strstr(race.attempts[i].detail, wanted[i]));
	}
	race_end(&race);
}

static void the_order_of_hosts_stays(void **state)
{
	static const uint16_t order[] = { 1, 2, 3 };
	struct race race;

	(void)state;
	race_begin(&race);
	race_add(&race, "2001:db8::1", "x.example", FAKE_REFUSES);
	race_add(&race, "2001:db8::2", "y.example", FAKE_REFUSES);
	race_add(&race, "192.0.2.3", "z.example", FAKE_REFUSES);
	check_order(&race, order, FW_COUNT(order));
}

static void direct_tls_is_passed_over_where_tls_is_forbidden(void **state)
{
	static const uint16_t order[] = { 2 };
	struct race race;

	(void)state;
	race_begin(&race);
	race_add(&race, "192.0.2.1", "x.example", FAKE_REFUSES)->tls = FW_TARGET_DIRECT_TLS;
	race_add(&race, "192.0.2.2", "x.example", FAKE_REFUSES);
	check_order(&race, order, FW_COUNT(order));

	race_begin(&race);
	race_add(&race, "192.0.2.1", "x.example", FAKE_ACCEPTS)->tls = FW_TARGET_DIRECT_TLS;
	check_order(&race, NULL, 0);
	assert_non_null(strstr(race.detail, "direct TLS"));
}

static void a_list_that_is_too_long_is_cut(void **state)
{
	struct race race;

	(void)state;
	race_begin(&race);
	for (size_t i = 0; i < TARGETS; i++) {
		race_add(&race, "192.0.2.1", "x.example", FAKE_REFUSES);
	}
	race_start(&race, FW_SECURITY_NONE);
	assert_int_equal(race.calls, 1);
	assert_int_equal(race.attempt_count, FW_TARGETS_MAX);
	race_end(&race);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_that_accepts_and_stays_silent_loses),
		cmocka_unit_test(a_target_that_fails_makes_way_at_once),
		cmocka_unit_test(the_verdict_does_not_wait_for_the_peer_to_go),
		cmocka_unit_test(time_goes_on_for_silent_targets_side_by_side),
		cmocka_unit_test(a_target_that_comes_further_gets_more_time),
		cmocka_unit_test(a_worse_priority_gives_twice_the_start),
		cmocka_unit_test(only_one_wins_when_two_are_ready_in_one_turn),
		cmocka_unit_test(families_take_turns_within_one_host),
		cmocka_unit_test(the_order_of_hosts_stays),
		cmocka_unit_test(direct_tls_is_passed_over_where_tls_is_forbidden),
		cmocka_unit_test(a_list_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
