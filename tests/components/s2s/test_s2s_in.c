/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inbound streams against peers of plain bytes, dialback: the receiving and the authoritative role.
 * The stream around it is in test_s2s_in_stream.c. Each test ends with a balanced ledger.
 */
#include "tests/components/s2s/world.h"

#define DIALBACK_FEATURE "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"

/* ---- the receiving role ---- */

static void a_proved_domain_may_send(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	assert_non_null(strstr(peer->in, "from='corp.example'"));
	assert_non_null(strstr(peer->in, "to='partner.example'"));
	assert_non_null(strstr(peer->in, "xmlns:db='jabber:server:dialback'"));
	assert_non_null(strstr(peer->in, "version='1.0'"));
	assert_non_null(strstr(peer->in, "<stream:features>" DIALBACK_FEATURE));
	assert_non_null(strstr(peer->in, "<sm xmlns='urn:xmpp:sm:3'/>"));
	assert_non_null(strstr(peer->in, "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>"
	                                 "262144</max-bytes><idle-seconds>60</idle-seconds>"
	                                 "</limits></stream:features>"));
	peer_prove(peer, "partner.example", "corp.example");
	assert_int_equal(world.asked, 1);
	assert_int_equal(world.verified, 1);
	peer_send(peer, "<message from='bob@partner.example/x' to='alice@corp.example' id='1'/>"
	                "<message from='bob@Partner.example' to='alice@CORP.example' id='2'/>");
	world_expect_routed(&world, "1");
	world_expect_routed(&world, "2");
	/* the same question again: answered, nobody is asked */
	peer_prove(peer, "partner.example", "corp.example");
	assert_int_equal(world.verified, 1);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_STREAMS_IN), 1);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_DIALBACK_IN_VALID), 1);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_STANZAS_IN), 2);
	assert_int_equal(
	        fw_self_counter(world.self, S2S_COUNT_BYTES_IN),
	        strlen("<message from='bob@partner.example/x' to='alice@corp.example' id='1'/>"
	               "<message from='bob@Partner.example' to='alice@CORP.example' id='2'/>"));
	world_expect_log(&world, "received:: <db:result from='partner.example' to='corp.example'>"
	                         "some-key\xe2\x80\xa6</db:result>");
	world_expect_log(&world, "sending:: <db:result from='corp.example' to='partner.example' "
	                         "type='valid'/>");
	world_expect_log(&world, "partner.example:corp.example, IN)");
	assert_int_equal(fake_host_logged(world.host, "some-key-of-theirs"), 0);
	struct fw_json *report = fw_json_new();
	s2s_report(world.self, "streams", report);
	const struct fw_json *row = fw_json_at(fw_json_get(report, "streams"), 0);
	assert_true(fw_str_is(fw_json_text(fw_json_get(row, "direction")), "in"));
	assert_true(fw_str_is(fw_json_text(fw_json_get(row, "state")), "up"));
	assert_int_equal(fw_json_int(fw_json_get(row, "stanzas_in")), 2);
	assert_int_equal(fw_json_count(fw_json_get(row, "pairs")), 1);
	fw_json_free(&report);
	peer_send(peer, "</stream:stream>");
	peer_expect(peer, "</stream:stream>");
	world_expect_no_ins(&world);
	peer_free(&peer);
	world_free(&world);
}

static void each_failed_proof_has_its_condition(void **ctx)
{
	static const struct {
		enum fw_cause cause;
		const char *condition;
	} rows[] = {
		{ FW_CAUSE_DNS_NOT_FOUND, "remote-server-not-found" },
		{ FW_CAUSE_DNS_NO_SERVICE, "remote-server-not-found" },
		{ FW_CAUSE_DNS_FAILED, "remote-server-not-found" },
		{ FW_CAUSE_DIALBACK_ERROR, "remote-server-not-found" },
		{ FW_CAUSE_CONNECT_FAILED, "remote-connection-failed" },
		{ FW_CAUSE_CONNECT_TIMEOUT, "remote-connection-failed" },
		{ FW_CAUSE_STATIC_FAILED, "remote-connection-failed" },
		{ FW_CAUSE_DIALBACK_TIMEOUT, "remote-server-timeout" },
		{ FW_CAUSE_PEER_LOST, "remote-server-timeout" },
		{ FW_CAUSE_TLS_FAILED, "remote-server-timeout" },
		{ FW_CAUSE_RESOURCES, "resource-constraint" },
		{ FW_CAUSE_NO_ROUTE, "resource-constraint" },
	};
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	world.verdict = NULL;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		char condition[128];
		world.verify = rows[i].cause;
		snprintf(condition, sizeof(condition),
		         "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>", rows[i].condition);
		peer_send(peer,
		          "<db:result from='partner.example' to='corp.example'>key</db:result>");
		peer_expect(peer,
		            "<db:result from='corp.example' to='partner.example' type='error'>"
		            "<error type='cancel'>");
		peer_expect(peer, condition);
	}
	world.verdict = "valid"; /* the stream has stayed */
	peer_prove(peer, "partner.example", "corp.example");
	peer_free(&peer);
	world_free(&world);
}

static void what_is_refused_before_any_lookup(void **ctx)
{
	static const struct {
		const char *question, *condition;
	} rows[] = {
		{ "<db:result from='partner.example' to='unknown.example'>k</db:result>",
		  "item-not-found" },
		{ "<db:result from='partner.example' to='inside.example'>k</db:result>",
		  "item-not-found" },
		{ "<db:result from='denied.example' to='corp.example'>k</db:result>",
		  "not-allowed" },
		{ "<db:result from='sales.example' to='corp.example'>k</db:result>",
		  "not-acceptable" },
		{ "<db:result from='partner.example' to='corp.example'/>", "not-acceptable" },
	};
	struct world world;

	(void)ctx;
	world_new(&world);
	world.denied = "denied.example";
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		char condition[128];
		snprintf(condition, sizeof(condition),
		         "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>", rows[i].condition);
		peer_send(peer, "%s", rows[i].question);
		peer_expect(peer, "type='error'>");
		peer_expect(peer, condition);
		peer_expect(peer, "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>");
	}
	assert_int_equal(world.verified, 0);
	assert_int_equal(world.asked, 1);
	world.policy_absent = true; /* nobody to ask: nobody comes in */
	peer_send(peer, "<db:result from='partner.example' to='corp.example'>k</db:result>");
	peer_expect(peer, "resource-constraint");
	assert_int_equal(world.verified, 0);
	world.policy_absent = false;
	peer_prove(peer, "partner.example", "corp.example");
	peer_free(&peer);
	world_free(&world);
}

static void an_invalid_key_ends_the_stream(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	world.verdict = "invalid";
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	peer_send(peer, "<db:result from='partner.example' to='corp.example'>k</db:result>");
	peer_expect(peer, "<db:result from='corp.example' to='partner.example' type='invalid'/>");
	peer_expect(peer, "</stream:stream>");
	assert_null(strstr(peer->in, "stream:error"));
	peer_send(peer, "</stream:stream>");
	world_expect_no_ins(&world);
	world_expect_log(&world, "dialback-invalid");
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_DIALBACK_IN_INVALID), 1);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_DIALBACK_IN_ERROR), 0);
	peer_free(&peer);
	world_free(&world);
}

static void an_invalid_key_beside_a_proved_pair(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	peer_prove(peer, "partner.example", "corp.example");
	peer_prove(peer, "other.example", "corp.example");
	peer_prove(peer, "partner.example", "sales.example");
	world.verdict = "invalid";
	peer_send(peer, "<db:result from='third.example' to='corp.example'>k</db:result>");
	peer_expect(peer, "<db:result from='corp.example' to='third.example' type='error'>");
	peer_expect(peer, "<forbidden ");
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_DIALBACK_IN_VALID), 3);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_DIALBACK_IN_INVALID), 1);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_DIALBACK_IN_ERROR), 0);
	peer_send(peer, "<message from='a@other.example' to='b@corp.example' id='1'/>"
	                "<message from='a@partner.example' to='b@sales.example' id='2'/>");
	world_expect_routed(&world, "1");
	world_expect_routed(&world, "2");
	peer_free(&peer);
	world_free(&world);
}

static void answers_on_inbound_streams_mean_nothing(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	peer_send(peer,
	          "<db:result from='partner.example' to='corp.example' type='valid'/>"
	          "<db:verify from='partner.example' to='corp.example' id='x' type='valid'/>"
	          "<db:result from='partner.example' to='corp.example' type=''>k</db:result>");
	world_expect_log(&world, "type=''");
	fake_host_settle(world.host);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_DIALBACK_IGNORED), 3);
	assert_int_equal(world.verified + world.asked + world.checked, 0);
	peer_send(peer, "<message from='a@partner.example' to='b@corp.example'/>");
	peer_expect(peer, "<not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>");
	peer_free(&peer);
	world_free(&world);
}

static void a_second_question_for_a_pair_waits_for_the_first(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.verify_silent = true;
	world.config.auth_timeout_ms = 50;
	world_start(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	peer_send(peer, "<db:result from='partner.example' to='corp.example'>k</db:result>"
	                "<db:result from='partner.example' to='corp.example'>k2</db:result>");
	/* the service never answers: the peer hears of it before the stream's own timer ends it */
	peer_expect(peer, "remote-server-timeout");
	assert_int_equal(world.verified, 1);
	peer_expect(peer, "<connection-timeout xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>");
	peer_free(&peer);
	world_free(&world);
}

static void pairs_on_a_stream_are_bounded(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.pairs_per_stream_max = 2;
	world_start(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	peer_prove(peer, "a.example", "corp.example");
	peer_prove(peer, "b.example", "corp.example");
	peer_send(peer, "<db:result from='c.example' to='corp.example'>k</db:result>");
	peer_expect(peer, "<resource-constraint ");
	peer_free(&peer);
	world_free(&world);
}

/* ---- the authoritative role ---- */

static void keys_are_checked_before_any_proof(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	peer_send(peer, "<db:verify from='partner.example' to='corp.example' id='S1'>"
	                "key-for-S1-abcdef</db:verify>");
	peer_expect(peer, "<db:verify from='corp.example' to='partner.example' id='S1' "
	                  "type='valid'/>");
	peer_send(peer, "<db:verify from='partner.example' to='corp.example' id='S&lt;2'> \n"
	                "key-for-S1-abcdef</db:verify>");
	peer_expect(peer, "<db:verify from='corp.example' to='partner.example' id='S&lt;2' "
	                  "type='invalid'/>");
	peer_send(peer, "<db:verify from='partner.example' to='unknown.example' id='S3'>k"
	                "</db:verify>");
	peer_expect(peer, "<db:verify from='unknown.example' to='partner.example' id='S3' "
	                  "type='error'>");
	peer_expect(peer, "<item-not-found ");
	peer_send(peer, "<db:verify from='partner.example' to='corp.example'>k</db:verify>");
	peer_expect(peer, "<bad-request ");
	assert_int_equal(world.checked, 2);
	world_expect_log(&world, "sending:: <db:verify from='corp.example' to='partner.example' "
	                         "id='S1' type='valid'/>");
	/* it proved nothing by asking */
	peer_send(peer, "<message from='a@partner.example' to='b@corp.example'/>");
	peer_expect(peer, "<not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>");
	peer_free(&peer);
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proved_domain_may_send),
		cmocka_unit_test(each_failed_proof_has_its_condition),
		cmocka_unit_test(what_is_refused_before_any_lookup),
		cmocka_unit_test(an_invalid_key_ends_the_stream),
		cmocka_unit_test(an_invalid_key_beside_a_proved_pair),
		cmocka_unit_test(answers_on_inbound_streams_mean_nothing),
		cmocka_unit_test(a_second_question_for_a_pair_waits_for_the_first),
		cmocka_unit_test(pairs_on_a_stream_are_bounded),
		cmocka_unit_test(keys_are_checked_before_any_proof),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
