/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inbound streams against peers of plain bytes: headers and features, the receiving and the
 * authoritative role, whose stanzas are taken, timers and limits. Each test ends with a balanced
 * ledger.
 */
#include "tests/components/s2s/world.h"

#define HEADER_TEXT \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:server' " \
	"xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "
#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define DIALBACK_FEATURE "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"

/* ---- the receiving role ---- */

static bool has_stanza(void *ctx)
{
	return fake_host_waiting(((struct world *)ctx)->host) > 0;
}

/* The next stanza that was handed to the router. */
static void expect_routed(struct world *world, const char *id)
{
	world_until(world, has_stanza, world, id);
	struct fw_stanza *stanza = fake_host_take(world->host);
	assert_true(fw_str_is(fw_stanza_id(stanza), id));
	fake_host_done(&stanza);
}

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
	assert_non_null(
	        strstr(peer->in, "<stream:features>" DIALBACK_FEATURE "</stream:features>"));
	peer_prove(peer, "partner.example", "corp.example");
	assert_int_equal(world.asked, 1);
	assert_int_equal(world.verified, 1);
	peer_send(peer, "<message from='bob@partner.example/x' to='alice@corp.example' id='1'/>"
	                "<message from='bob@Partner.example' to='alice@CORP.example' id='2'/>");
	expect_routed(&world, "1");
	expect_routed(&world, "2");
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
	expect_routed(&world, "1");
	expect_routed(&world, "2");
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

/* ---- headers and features ---- */

static void each_bad_header_has_its_error(void **ctx)
{
	static const struct {
		const char *header, *error;
	} rows[] = {
		{ HEADER_TEXT "from='p.example' to='unknown.example' version='1.0'>",
		  "<host-unknown " },
		{ HEADER_TEXT "from='p.example' to='inside.example' version='1.0'>",
		  "<host-unknown " },
		{ HEADER_TEXT "from='p.example' to='a b' version='1.0'>", "<host-unknown " },
		{ HEADER_TEXT "from='a b' to='corp.example' version='1.0'>",
		  "<improper-addressing " },
		{ "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
		  "xmlns:stream='http://etherx.jabber.org/streams' to='corp.example' "
		  "version='1.0'>",
		  "<invalid-namespace " },
		{ "<stream xmlns='urn:other'>", "<invalid-namespace " },
		{ "GET / HTTP/1.0\r\n\r\n", "<not-well-formed " },
		{ "<!DOCTYPE x><a/>", "<restricted-xml " },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct world world;
		world_new(&world);
		struct peer *peer = peer_connect(&world);
		peer_send(peer, "%s", rows[i].header);
		peer_expect(peer, "<stream:stream"); /* our header first: RFC 6120 §4.9.1.2 */
		peer_expect(peer, "<stream:error>");
		peer_expect(peer, rows[i].error);
		peer_expect(peer, "</stream:stream>");
		peer_free(&peer);
		world_expect_no_ins(&world);
		world_free(&world);
	}
}

static void a_peer_before_1_0_gets_no_features(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_connect(&world);
	peer_send(peer, HEADER_TEXT "to='corp.example'>");
	peer_expect(peer, "<stream:stream");
	peer_expect(peer, ">");
	peer_prove(peer, "partner.example", "corp.example");
	assert_null(strstr(peer->in, "features"));
	assert_null(strstr(peer->in, "version='1.0'>"));
	peer_free(&peer);
	world_free(&world);
}

/* ---- TLS ---- */

static void tls_comes_before_dialback(void **ctx)
{
	struct world world;
	char clear_id[128], secure_id[128];

	(void)ctx;
	world_init(&world);
	world_use_tls(&world, FW_SECURITY_REQUIRED);
	world_start(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	peer_attr(peer, "<stream:stream", "id", clear_id);
	assert_non_null(strstr(peer->in,
	                       "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>"
	                       "<required/></starttls></stream:features>"));
	peer_send(peer, "<db:result from='partner.example' to='corp.example'>k</db:result>");
	peer_expect(peer, "type='error'>");
	peer_expect(peer, "<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>");
	/* a verify-only connection may skip TLS */
	peer_send(peer, "<db:verify from='partner.example' to='corp.example' id='S1'>"
	                "key-for-S1-abcdef</db:verify>");
	peer_expect(peer, "type='valid'/>");
	peer_send(peer, STARTTLS);
	peer_expect(peer, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	peer_secure(peer, FW_TLS_INITIATING);
	peer->len = peer->seen = 0;
	peer_open(peer, "partner.example", "corp.example");
	peer_attr(peer, "<stream:stream", "id", secure_id);
	assert_string_not_equal(clear_id, secure_id);
	assert_null(strstr(peer->in, "starttls"));
	assert_non_null(strstr(peer->in, DIALBACK_FEATURE));
	peer_prove(peer, "partner.example", "corp.example");
	peer_send(peer, "<message from='a@partner.example' to='b@corp.example' id='1'/>");
	expect_routed(&world, "1");
	assert_true(world.s2s->ins->trust.tls);
	peer_free(&peer);
	world_expect_no_ins(&world);
	world_free(&world);
}

static void optional_tls_is_offered_beside_dialback(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world_use_tls(&world, FW_SECURITY_OPTIONAL);
	world_start(&world);
	struct peer *clear = peer_connect(&world);
	peer_open(clear, "partner.example", "corp.example");
	assert_non_null(strstr(clear->in, "<stream:features>" STARTTLS DIALBACK_FEATURE));
	peer_prove(clear, "partner.example", "corp.example");
	struct peer *secure = peer_connect(&world);
	peer_open(secure, "partner.example", "corp.example");
	peer_send(secure, STARTTLS);
	peer_expect(secure, "<proceed ");
	peer_secure(secure, FW_TLS_INITIATING);
	peer_open(secure, "partner.example", "corp.example");
	peer_prove(secure, "partner.example", "corp.example");
	peer_free(&clear);
	peer_free(&secure);
	world_free(&world);
}

static void bytes_behind_starttls_end_the_stream(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world_use_tls(&world, FW_SECURITY_REQUIRED);
	world_start(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	peer_send(peer, STARTTLS "<db:result from='evil.example' to='corp.example'>k</db:result>");
	peer_expect_end(peer);
	assert_null(strstr(peer->in, "type='"));
	peer_free(&peer);
	world_expect_no_ins(&world);
	world_expect_log(&world, "tls-injection");
	assert_int_equal(world.verified + world.asked, 0);
	world_free(&world);
}

static void garbage_instead_of_a_handshake(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world_use_tls(&world, FW_SECURITY_REQUIRED);
	world_start(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	peer_send(peer, STARTTLS);
	peer_expect(peer, "<proceed ");
	peer_send(peer, HEADER_TEXT "to='corp.example' version='1.0'>");
	peer_expect_end(peer);
	world_expect_no_ins(&world);
	world_expect_log(&world, "tls-failed");
	peer_free(&peer);
	world_free(&world);
}

/* ---- stanzas ---- */

static void each_bad_stanza_has_its_error(void **ctx)
{
	static const struct {
		const char *stanza, *error;
	} rows[] = {
		{ "<message from='a@other.example' to='b@corp.example'/>", "<invalid-from " },
		{ "<message from='a@partner.example' to='b@sales.example'/>", "<host-unknown " },
		{ "<message from='a@partner.example' to='b@unknown.example'/>", "<host-unknown " },
		{ "<message from='a@corp.example' to='b@corp.example'/>", "<invalid-from " },
		{ "<message to='b@corp.example'/>", "<improper-addressing " },
		{ "<message from='a@partner.example'/>", "<improper-addressing " },
		{ "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>",
		  "<unsupported-stanza-type " },
		{ STARTTLS, "<unsupported-stanza-type " },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct world world;
		world_new(&world);
		struct peer *peer = peer_connect(&world);
		peer_open(peer, "partner.example", "corp.example");
		peer_prove(peer, "partner.example", "corp.example");
		peer_send(peer,
		          "%s<message from='a@partner.example' to='b@corp.example' id='late'/>",
		          rows[i].stanza);
		peer_expect(peer, "<stream:error>");
		peer_expect(peer, rows[i].error);
		peer_expect(peer, "</stream:stream>");
		assert_int_equal(fake_host_waiting(world.host), 0);
		peer_free(&peer);
		world_free(&world);
	}
}

static void half_a_stanza_is_nothing(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	peer_prove(peer, "partner.example", "corp.example");
	peer_send(peer, "<message from='a@partner.example' to='b@corp.example' id='1'/>"
	                "<message from='a@partner.example' to='b@corp.example' id='2'><bo");
	expect_routed(&world, "1");
	peer_cut(peer);
	world_expect_no_ins(&world);
	world_expect_log(&world, "peer-lost");
	assert_int_equal(fake_host_waiting(world.host), 0);
	peer_free(&peer);
	world_free(&world);
}

#define DIALOGUE \
	HEADER_TEXT "from='partner.example' to='corp.example' version='1.0'>" \
	            "<db:result from='partner.example' to='corp.example'>some-key</db:result>" \
	            "<db:verify from='partner.example' to='corp.example' id='S1'>k</db:verify>"

static void a_dialogue_in_single_bytes(void **ctx)
{
	static const char text[] = DIALOGUE;
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_connect(&world);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		peer_send(peer, "%c", text[i]);
		fake_host_settle(world.host);
	}
	peer_expect(peer, "</stream:features>");
	peer_expect(peer, "<db:result from='corp.example' to='partner.example' type='valid'/>");
	assert_non_null(strstr(peer->in, "id='S1' type='invalid'/>")); /* it asks nobody else */
	peer_send(peer, "<message from='a@partner.example' to='b@corp.example' id='1'/>");
	expect_routed(&world, "1");
	peer_free(&peer);
	world_free(&world);
}

static void a_dialogue_cut_at_every_byte(void **ctx)
{
	static const char text[] = DIALOGUE;
	struct world world;

	(void)ctx;
	world_new(&world);
	for (size_t i = 0; i < sizeof(text); i++) {
		struct peer *peer = peer_connect(&world);
		if (i > 0) {
			peer_send(peer, "%.*s", (int)i, text);
		}
		if (i % 2 == 0) { /* half of them vanish before they were even accepted */
			fake_host_settle(world.host);
		}
		peer_free(&peer);
		fake_host_settle(world.host);
	}
	world_expect_no_ins(&world);
	assert_int_equal(world.s2s->unauthenticated, 0);
	assert_int_equal(fake_host_waiting(world.host), 0);
	world_free(&world);
}

static void limits_are_raised_with_the_first_proof(void **ctx)
{
	struct world world;
	char *body = malloc(20001);

	(void)ctx;
	assert_non_null(body);
	memset(body, 'x', 20000);
	body[20000] = '\0';
	world_new(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	peer_prove(peer, "partner.example", "corp.example");
	peer_send(peer,
	          "<message from='a@partner.example' to='b@corp.example' id='1'><body>%s</body>"
	          "</message>",
	          body);
	expect_routed(&world, "1");
	struct peer *early = peer_connect(&world);
	peer_open(early, "partner.example", "corp.example");
	peer_send(early, "<db:result from='partner.example' to='corp.example'>%s</db:result>",
	          body);
	peer_expect(early, "<policy-violation ");
	peer_free(&early);
	peer_free(&peer);
	free(body);
	world_free(&world);
}

/* ---- timers and limits ---- */

static void each_phase_has_its_limit(void **ctx)
{
	static const struct {
		const char *what;
		bool tls, header, starttls, proof;
		const char *error, *log;
	} rows[] = {
		{ "no header", false, false, false, false, "<connection-timeout ",
		  "header-timeout" },
		{ "no starttls", true, true, false, false, "<connection-timeout ", "tls-timeout" },
		{ "no handshake", true, true, true, false, NULL, "tls-timeout" },
		{ "no proof", false, true, false, false, "<connection-timeout ", "auth-timeout" },
		{ "no stanza", false, true, false, true, "</stream:stream>", "cause=idle" },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct world world;
		world_init(&world);
		world.config.stream_timeout_ms = rows[i].header ? SOON_MS : 20;
		world.config.tls_timeout_ms = 60;
		world.config.auth_timeout_ms = rows[i].proof ? SOON_MS : 60;
		world.config.idle_timeout_ms = 60;
		if (rows[i].tls) {
			world_use_tls(&world, FW_SECURITY_REQUIRED);
		}
		world_start(&world);
		struct peer *peer = peer_connect(&world);
		if (rows[i].header) {
			peer_open(peer, "partner.example", "corp.example");
		}
		if (rows[i].starttls) {
			peer_send(peer, STARTTLS);
			peer_expect(peer, "<proceed ");
		}
		if (rows[i].proof) {
			peer_prove(peer, "partner.example", "corp.example");
		}
		if (rows[i].error != NULL) {
			peer_expect(peer, rows[i].error);
		} else {
			peer_expect_end(peer);
		}
		peer_free(&peer);
		world_expect_no_ins(&world);
		world_expect_log(&world, rows[i].log);
		world_free(&world);
	}
}

static bool refused_one(void *ctx)
{
	const struct world *each = ctx;

	return fw_self_counter(each->self, S2S_COUNT_STREAMS_REFUSED) > 0;
}

static void strangers_are_bounded(void **ctx)
{
	static const struct {
		uint32_t total, per_address;
	} rows[] = { { 2, 100 }, { 100, 2 } };

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct world world;
		world_init(&world);
		world.config.unauthenticated_max = rows[i].total;
		world.config.unauthenticated_per_address_max = rows[i].per_address;
		world_start(&world);
		struct peer *proved = peer_connect(&world);
		peer_open(proved, "partner.example", "corp.example");
		peer_prove(proved, "partner.example", "corp.example");
		struct peer *one = peer_connect(&world);
		peer_open(one, "partner.example", "corp.example");
		struct peer *two = peer_connect(&world);
		peer_open(two, "partner.example", "corp.example");
		struct peer *three = peer_connect(&world);
		peer_expect_end(three);
		world_until(&world, refused_one, &world, "a refusal");
		assert_int_equal(world.s2s->unauthenticated, 2);
		peer_free(&one); /* room again */
		peer_free(&three);
		world_expect_log(&world, "limit=unauthenticated_");
		world_expect_log(&world, "peer-lost");
		fake_host_settle(world.host);
		three = peer_connect(&world);
		peer_open(three, "partner.example", "corp.example");
		peer_free(&two);
		peer_free(&three);
		peer_free(&proved);
		world_expect_no_ins(&world);
		assert_int_equal(world.s2s->unauthenticated, 0);
		world_free(&world);
	}
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
		cmocka_unit_test(each_bad_header_has_its_error),
		cmocka_unit_test(a_peer_before_1_0_gets_no_features),
		cmocka_unit_test(tls_comes_before_dialback),
		cmocka_unit_test(optional_tls_is_offered_beside_dialback),
		cmocka_unit_test(bytes_behind_starttls_end_the_stream),
		cmocka_unit_test(garbage_instead_of_a_handshake),
		cmocka_unit_test(each_bad_stanza_has_its_error),
		cmocka_unit_test(half_a_stanza_is_nothing),
		cmocka_unit_test(a_dialogue_in_single_bytes),
		cmocka_unit_test(a_dialogue_cut_at_every_byte),
		cmocka_unit_test(limits_are_raised_with_the_first_proof),
		cmocka_unit_test(each_phase_has_its_limit),
		cmocka_unit_test(strangers_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
