/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Outgoing streams against peers of plain bytes: the initiating role and every way in which it
 * fails. What becomes of the stanzas that wait is in test_s2s_out_queue.c. Each test ends with a
 * balanced ledger.
 */
#include "tests/components/s2s/world.h"

#define ALICE "alice@corp.example"
#define BOB "bob@partner.example"

static void a_stanza_crosses_in_order(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_listen(&world);
	world_send(&world, ALICE, BOB, "m1");
	world_send(&world, ALICE, BOB, "m2");
	peer_expect_connection(peer, 1);
	peer_accept_pair(peer, "S1D0001", "corp.example", "partner.example");
	assert_non_null(strstr(peer->in, "xmlns:db='jabber:server:dialback'"));
	assert_non_null(strstr(peer->in, "to='partner.example'"));
	assert_non_null(strstr(peer->in, "<db:result from='corp.example' to='partner.example'>"
	                                 "key-for-S1D0001-abcdef</db:result>"));
	assert_null(strstr(peer->in, "<message"));
	peer_expect(peer, "hello m1");
	peer_expect(peer, "hello m2");
	world_send(&world, ALICE, BOB, "m3");
	peer_expect(peer, "hello m3");
	assert_int_equal(peer->accepted, 1);
	assert_int_equal(world.resolved, 1);
	/* the log tells the story, without the key and without bodies */
	world_expect_log(&world, "sending:: <db:result from='corp.example' to='partner.example'>"
	                         "key-for-\xe2\x80\xa6</db:result>");
	world_expect_log(&world, "received:: <db:result from='partner.example' "
	                         "to='corp.example' type='valid'/>");
	world_expect_log(&world, "AUTHENTICATING->OPEN");
	world_expect_log(&world, "corp.example:partner.example, OUT)");
	assert_int_equal(fake_host_logged(world.host, "key-for-S1D0001"), 0);
	assert_int_equal(fake_host_logged(world.host, "hello"), 0);
	peer_free(&peer);
	world_free(&world);
}

static void each_failed_lookup_returns_its_cause(void **ctx)
{
	static const struct {
		enum fw_cause answer, bounce;
	} rows[] = {
		{ FW_CAUSE_DNS_NOT_FOUND, FW_CAUSE_DNS_NOT_FOUND },
		{ FW_CAUSE_DNS_NO_SERVICE, FW_CAUSE_DNS_NO_SERVICE },
		{ FW_CAUSE_DNS_FAILED, FW_CAUSE_DNS_FAILED },
		{ FW_CAUSE_BAD_ADDRESS, FW_CAUSE_BAD_ADDRESS },
		{ FW_CAUSE_NO_ROUTE, FW_CAUSE_DNS_FAILED },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct world world;
		world_init(&world);
		world.resolve = rows[i].answer;
		world_start(&world);
		world_send(&world, ALICE, BOB, "m1");
		world_send(&world, ALICE, BOB, "m2");
		world_expect_bounces(&world, rows[i].bounce, 2);
		world_expect_no_pairs(&world);
		struct fw_stanza *answer = fake_host_take_to(world.host, ALICE);
		assert_true(fw_str_is(fake_host_cause(answer), fw_cause_row(rows[i].bounce)->name));
		fake_host_done(&answer);
		world_free(&world);
	}
}

static void a_silent_resolver_is_given_up(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.resolver_silent = true;
	world.config.resolve_timeout_ms = 20;
	world_start(&world);
	world_send(&world, ALICE, BOB, "m1");
	world_expect_bounces(&world, FW_CAUSE_DNS_FAILED, 1);
	world_free(&world);
}

static void nobody_listens(void **ctx)
{
	static const struct {
		bool is_static;
		enum fw_cause bounce;
	} rows[] = { { false, FW_CAUSE_CONNECT_FAILED }, { true, FW_CAUSE_STATIC_FAILED } };

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct world world;
		world_init(&world);
		world.is_static = rows[i].is_static;
		world_start(&world);
		struct peer *peer = peer_listen(&world); /* takes a free port and gives it back */
		peer_free(&peer);
		world_send(&world, ALICE, BOB, "m1");
		world_expect_bounces(&world, rows[i].bounce, 1);
		world_expect_log(&world, "CONNECTING->CLOSED");
		world_free(&world);
	}
}

#define HEADER_TEXT \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:server' " \
	"xmlns:stream='http://etherx.jabber.org/streams' "
#define FEATURES_NONE "<stream:features/>"

static void each_bad_greeting_has_its_cause(void **ctx)
{
	static const struct {
		const char *what, *greeting;
		bool cut;
		enum fw_cause bounce;
	} rows[] = {
		{ "no dialback anywhere", HEADER_TEXT "id='x' version='1.0'>" FEATURES_NONE, false,
		  FW_CAUSE_NO_AUTH_METHOD },
		{ "no id",
		  HEADER_TEXT "xmlns:db='jabber:server:dialback' version='1.0'>" FEATURES_NONE,
		  false, FW_CAUSE_DIALBACK_ERROR },
		{ "silence", "", false, FW_CAUSE_HEADER_TIMEOUT },
		{ "a header and silence", HEADER_TEXT "id='x' version='1.0'>", false,
		  FW_CAUSE_HEADER_TIMEOUT },
		{ "another protocol", "220 mail.example ESMTP\r\n", true,
		  FW_CAUSE_NOT_WELL_FORMED },
		{ "a stream error",
		  HEADER_TEXT "id='x' version='1.0'><stream:error><host-unknown "
		              "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
		              "</stream:stream>",
		  false, FW_CAUSE_PEER_ERROR },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct world world;
		world_init(&world);
		world.config.stream_timeout_ms = rows[i].cut ? SOON_MS : 50;
		world_start(&world);
		struct peer *peer = peer_listen(&world);
		world_send(&world, ALICE, BOB, "m1");
		peer_expect_connection(peer, 1);
		peer_expect(peer, "<stream:stream");
		if (rows[i].greeting[0] != '\0') {
			peer_send(peer, "%s", rows[i].greeting);
		}
		if (rows[i].cut) {
			peer_expect(peer, "</stream:stream>");
			peer_cut(peer);
		}
		world_expect_bounces(&world, rows[i].bounce, 1);
		peer_free(&peer);
		world_free(&world);
	}
}

static void tls_is_required_and_not_offered(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world_use_tls(&world, FW_SECURITY_REQUIRED);
	world_start(&world);
	struct peer *peer = peer_listen(&world);
	world_send(&world, ALICE, BOB, "m1");
	peer_expect_connection(peer, 1);
	peer_expect(peer, "<stream:stream");
	peer_send(peer,
	          HEADER_TEXT "xmlns:db='jabber:server:dialback' id='x' version='1.0'>"
	                      "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/>"
	                      "</stream:features>");
	peer_expect(peer, "</stream:stream>");
	peer_send(peer, "</stream:stream>");
	world_expect_bounces(&world, FW_CAUSE_TLS_REQUIRED, 1);
	assert_int_equal(world.keys, 0);
	peer_free(&peer);
	world_free(&world);
}

static void a_stanza_crosses_under_tls(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world_use_tls(&world, FW_SECURITY_REQUIRED);
	world_start(&world);
	struct peer *peer = peer_listen(&world);
	world_send(&world, ALICE, BOB, "m1");
	peer_expect_connection(peer, 1);
	peer_expect(peer, "<stream:stream");
	peer_send(peer,
	          HEADER_TEXT "xmlns:db='jabber:server:dialback' id='clear' version='1.0'>"
	                      "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>"
	                      "<required/></starttls></stream:features>");
	peer_expect(peer, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	assert_int_equal(world.keys, 0);
	peer_send(peer, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	peer_secure(peer, FW_TLS_RECEIVING);
	peer_accept_pair(peer, "secured", "corp.example", "partner.example");
	assert_true(peer_has(peer, "key-for-secured") ||
	            strstr(peer->in, "key-for-secured-abcdef") != NULL);
	peer_expect(peer, "hello m1");
	struct fw_json *report = fw_json_new();
	s2s_report(world.self, "streams", report);
	const struct fw_json *stream = fw_json_at(fw_json_get(report, "streams"), 0);
	assert_true(fw_str_is(fw_json_text(fw_json_get(stream, "state")), "up"));
	assert_true(fw_str_is(fw_json_text(fw_json_get(stream, "method")), "dialback"));
	const struct fw_json *security = fw_json_get(stream, "security");
	assert_true(fw_json_bool(fw_json_get(security, "tls")));
	assert_true(fw_str_is(fw_json_text(fw_json_get(security, "certificate")), "untrusted"));
	assert_true(fw_json_text(fw_json_get(security, "version")).len > 0);
	fw_json_free(&report);
	peer_free(&peer);
	world_free(&world);
}

static void each_end_of_dialback_has_its_cause(void **ctx)
{
	static const struct {
		const char *answer;
		enum fw_cause bounce;
	} rows[] = {
		{ "<db:result from='partner.example' to='corp.example' type='invalid'/>",
		  FW_CAUSE_DIALBACK_INVALID },
		{ "<db:result from='partner.example' to='corp.example' type='error'><error "
		  "type='cancel'>"
		  "<item-not-found "
		  "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>",
		  FW_CAUSE_DIALBACK_ERROR },
		{ "</stream:stream>", FW_CAUSE_PEER_CLOSED },
		{ "", FW_CAUSE_DIALBACK_TIMEOUT },
		{ NULL, FW_CAUSE_PEER_LOST },
		{ "<message from='bob@partner.example' to='alice@corp.example'/>",
		  FW_CAUSE_NOT_AUTHORIZED },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct world world;
		world_init(&world);
		world.config.auth_timeout_ms = 100;
		world_start(&world);
		struct peer *peer = peer_listen(&world);
		world_send(&world, ALICE, BOB, "m1");
		world_send(&world, ALICE, BOB, "m2");
		peer_expect_connection(peer, 1);
		peer_take_stream(peer, "id1");
		if (rows[i].answer == NULL) {
			peer_cut(peer);
		} else if (rows[i].answer[0] != '\0') {
			peer_send(peer, "%s", rows[i].answer);
		}
		world_expect_bounces(&world, rows[i].bounce, 2);
		if (rows[i].bounce == FW_CAUSE_DIALBACK_INVALID) {
			peer_expect(peer, "</stream:stream>");
			assert_null(strstr(peer->in, "stream:error"));
		}
		/* the failure is known, and the next stanza does not knock again */
		world_send(&world, ALICE, BOB, "m3");
		world_expect_bounces(&world, FW_CAUSE_BACKOFF, 1);
		assert_int_equal(world.resolved, 1);
		assert_int_equal(fw_self_counter(world.self, S2S_COUNT_STREAMS_OUT_FAILED), 1);
		assert_int_equal(fw_self_counter(world.self, S2S_COUNT_DIALBACK_OUT_INVALID),
		                 rows[i].bounce == FW_CAUSE_DIALBACK_INVALID);
		assert_int_equal(fw_self_counter(world.self, S2S_COUNT_DIALBACK_OUT_ERROR),
		                 rows[i].bounce == FW_CAUSE_DIALBACK_ERROR);
		assert_int_equal(fw_self_counter(world.self, S2S_COUNT_STANZAS_RETURNED), 2);
		assert_int_equal(fw_self_counter(world.self, S2S_COUNT_STANZAS_REFUSED), 1);
		peer_free(&peer);
		world_free(&world);
	}
}

static void no_key_no_dialback(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.key = FW_CAUSE_NO_ROUTE;
	world_start(&world);
	struct peer *peer = peer_listen(&world);
	world_send(&world, ALICE, BOB, "m1");
	peer_expect_connection(peer, 1);
	peer_expect(peer, "<stream:stream");
	peer_send(peer, HEADER_TEXT "xmlns:db='jabber:server:dialback' id='x'>");
	world_expect_bounces(&world, FW_CAUSE_DIALBACK_ERROR, 1);
	peer_expect(peer, "</stream:stream>");
	peer_free(&peer);
	world_free(&world);
}

static void a_peer_before_1_0_is_taken(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_listen(&world);
	world_send(&world, ALICE, BOB, "m1");
	peer_expect_connection(peer, 1);
	peer_expect(peer, "<stream:stream");
	peer_send(peer, HEADER_TEXT "xmlns:db='jabber:server:dialback' id='old'>");
	peer_expect(peer, "key-for-old-abcdef</db:result>");
	peer_send(peer, "<db:result from='partner.example' to='corp.example' type='valid'/>");
	peer_expect(peer, "hello m1");
	peer_free(&peer);
	world_free(&world);
}

static void answers_for_others_count_for_nothing(void **ctx)
{
	static const char *const wrong[] = {
		"<db:result from='other.example' to='corp.example' type='valid'/>",
		"<db:result from='partner.example' to='sales.example' type='valid'/>",
		"<db:result from='partner.example' to='corp.example'>a-key</db:result>",
		"<db:verify from='partner.example' to='corp.example' id='id1' type='valid'/>",
		"<result xmlns='urn:other' from='partner.example' to='corp.example' type='valid'/>",
	};
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_listen(&world);
	world_send(&world, ALICE, BOB, "m1");
	peer_expect_connection(peer, 1);
	peer_take_stream(peer, "id1");
	for (size_t i = 0; i < FW_COUNT(wrong); i++) {
		peer_send(peer, "%s", wrong[i]);
	}
	world_expect_log(&world, "id='id1' type='valid'");
	fake_host_settle(world.host);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_DIALBACK_IGNORED), 4);
	assert_null(strstr(peer->in, "<message"));
	peer_send(peer, "<db:result from='Partner.Example' to='corp.example' type='valid'/>");
	peer_expect(peer, "hello m1");
	peer_free(&peer);
	world_free(&world);
}

static void an_answer_before_the_question_is_ignored(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.auth_timeout_ms = 100;
	world_start(&world);
	struct peer *peer = peer_listen(&world);
	world_send(&world, ALICE, BOB, "m1");
	peer_expect_connection(peer, 1);
	peer_expect(peer, "<stream:stream");
	peer_send(peer,
	          HEADER_TEXT "xmlns:db='jabber:server:dialback' id='x' version='1.0'>"
	                      "<stream:features/>"
	                      "<db:result from='partner.example' to='corp.example' type='valid'/>");
	world_expect_bounces(&world, FW_CAUSE_DIALBACK_TIMEOUT, 1);
	assert_null(strstr(peer->in, "<message"));
	peer_free(&peer);
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stanza_crosses_in_order),
		cmocka_unit_test(each_failed_lookup_returns_its_cause),
		cmocka_unit_test(a_silent_resolver_is_given_up),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(each_bad_greeting_has_its_cause),
		cmocka_unit_test(tls_is_required_and_not_offered),
		cmocka_unit_test(a_stanza_crosses_under_tls),
		cmocka_unit_test(each_end_of_dialback_has_its_cause),
		cmocka_unit_test(no_key_no_dialback),
		cmocka_unit_test(a_peer_before_1_0_is_taken),
		cmocka_unit_test(answers_for_others_count_for_nothing),
		cmocka_unit_test(an_answer_before_the_question_is_ignored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
