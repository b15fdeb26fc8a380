/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of s2s_explain.c and of the command "connections": what an operator is told, with nothing
 * sent to the peer.
 */
#include "components/s2s/s2s_certs.h"
#include "tests/components/s2s/world.h"

static struct fw_json *explain_of(struct world *world, const char *local)
{
	char arguments[128];

	snprintf(arguments, sizeof(arguments),
	         "{\"local\": \"%s\", \"remote\": \"partner.example\"}", local);
	return fake_host_command(world->host, world->self, "explain", arguments, SOON_MS);
}

static struct fw_json *explain(struct world *world)
{
	return explain_of(world, "corp.example");
}

static const char *text_of(const struct fw_json *object, const char *key)
{
	struct fw_str text = fw_json_text(fw_json_get(object, key));

	return text.ptr != NULL ? text.ptr : "";
}

/* The step of that name in one direction; NULL when there is none. */
static const struct fw_json *step_of(const struct fw_json *result, const char *direction,
                                     const char *name)
{
	const struct fw_json *steps = fw_json_get(result, direction);

	for (size_t i = 0; i < fw_json_count(steps); i++) {
		if (strcmp(text_of(fw_json_at(steps, i), "step"), name) == 0) {
			return fw_json_at(steps, i);
		}
	}
	return NULL;
}

static void expect_step(const struct fw_json *result, const char *direction, const char *name,
                        const char *verdict, const char *words)
{
	const struct fw_json *step = step_of(result, direction, name);

	if (step == NULL) {
		fail_msg("there is no step %s %s", direction, name);
	}
	assert_string_equal(text_of(step, "verdict"), verdict);
	if (strstr(text_of(step, "text"), words) == NULL) {
		fail_msg("%s %s says \"%s\", not \"%s\"", direction, name, text_of(step, "text"),
		         words);
	}
}

static void nothing_stands_yet(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_listen(&world);
	struct fw_json *result = explain(&world);
	assert_null(fw_json_get(result, "error"));
	expect_step(result, "outgoing", "policy", "ok", "allowed");
	expect_step(result, "outgoing", "addresses", "ok", "1, from SRV records");
	expect_step(result, "outgoing", "rules", "info", "TLS off");
	expect_step(result, "incoming", "rules", "info", "dialback");
	expect_step(result, "outgoing", "last failure", "info", "none");
	expect_step(result, "outgoing", "stream", "info", "none stands");
	expect_step(result, "incoming", "policy", "ok", "allowed");
	expect_step(result, "incoming", "stream", "info", "none stands");
	assert_int_equal(fw_json_count(fw_json_get(result, "targets")), 1);
	assert_int_equal(peer->accepted, 0); /* nobody was called */
	fw_json_free(&result);
	peer_free(&peer);
	world_free(&world);
}

static void a_denied_domain_is_not_looked_up(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	world.denied = "partner.example";
	struct fw_json *result = explain(&world);
	expect_step(result, "outgoing", "policy", "fail", "");
	assert_true(strlen(text_of(step_of(result, "outgoing", "policy"), "cause")) > 0);
	expect_step(result, "outgoing", "addresses", "info", "not asked for");
	expect_step(result, "incoming", "policy", "fail", "");
	assert_int_equal(world.resolved, 0);
	fw_json_free(&result);
	world_free(&world);
}

static void services_that_do_not_answer(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	world.policy_absent = true;
	world.resolve = FW_CAUSE_DNS_NOT_FOUND;
	struct fw_json *result = explain(&world);
	expect_step(result, "outgoing", "policy", "warn", "could not be asked");
	expect_step(result, "outgoing", "addresses", "fail", "DNS has no record");
	fw_json_free(&result);
	world_free(&world);
}

static void failures_and_the_wait_are_told(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.backoff_min_ms = 60000;
	world.config.backoff_max_ms = 60000;
	world_start(&world);
	world.resolve = FW_CAUSE_DNS_NO_SERVICE;
	world_send(&world, "a@corp.example", "b@partner.example", "1");
	world_expect_bounces(&world, FW_CAUSE_DNS_NO_SERVICE, 1);
	world.resolve = FW_CAUSE_NONE;
	struct fw_json *result = explain(&world);
	expect_step(result, "outgoing", "last failure", "warn", "no XMPP service");
	expect_step(result, "outgoing", "back-off", "fail", "the next one waits");
	fw_json_free(&result);
	world_free(&world);
}

static void the_last_attempt_is_told_phase_by_phase(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.backoff_min_ms = world.config.backoff_max_ms = 1;
	world_start(&world);
	world.port = 1;
	world_send(&world, "a@corp.example", "b@partner.example", "1");
	world_expect_bounces(&world, FW_CAUSE_CONNECT_FAILED, 1);
	struct fw_json *result = explain(&world);
	const struct fw_json *tried = fw_json_get(result, "attempts");
	assert_int_equal(fw_json_count(tried), 1);
	assert_string_equal(text_of(fw_json_at(tried, 0), "address"), "127.0.0.1:1");
	assert_string_equal(text_of(fw_json_at(tried, 0), "host"), "localhost");
	assert_string_equal(text_of(fw_json_at(tried, 0), "outcome"), "connect-failed");
	assert_string_equal(text_of(fw_json_at(tried, 0), "stream"), "");
	fw_json_free(&result);
	struct peer *peer = peer_listen(&world);
	fake_host_run_ms(world.host, 5);
	world_send(&world, "a@corp.example", "b@partner.example", "2");
	peer_accept_pair(peer, "id-1", "corp.example", "partner.example");
	peer_expect(peer, "id='2'");
	result = explain(&world);
	tried = fw_json_get(result, "attempts");
	assert_string_equal(text_of(fw_json_at(tried, 0), "outcome"), "good");
	assert_non_null(strstr(text_of(fw_json_at(tried, 0), "stream"), " ms"));
	fw_json_free(&result);
	peer_free(&peer);
	world_free(&world);
}

static void expect_told(struct world *world, const char *local, const char *name,
                        const char *verdict, const char *words)
{
	struct fw_json *result = explain_of(world, local);

	expect_step(result, "outgoing", name, verdict, words);
	fw_json_free(&result);
}

static void who_shares_a_stream_is_told(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.multiplex = S2S_MULTIPLEX_SENDER;
	world.config.backoff_min_ms = world.config.backoff_max_ms = 60000;
	world_start(&world);
	struct peer *peer = peer_listen(&world);
	world_send(&world, "a@corp.example", "b@partner.example", "1");
	peer_accept_pair(peer, "id-1", "corp.example", "partner.example");
	peer_expect(peer, "id='1'");
	expect_told(&world, "sales.example", "stream", "info", "the next stanza asks to share it");
	world_send(&world, "a@sales.example", "b@partner.example", "2");
	peer_expect(peer, "<db:result from='sales.example'");
	expect_told(&world, "sales.example", "stream", "info", "not yet for this pair");
	expect_told(&world, "corp.example", "stream", "ok", "shared by 2 pairs");
	peer_send(peer, "<db:result from='partner.example' to='sales.example' type='error'/>");
	world_expect_bounces(&world, FW_CAUSE_DIALBACK_ERROR, 1);
	expect_told(&world, "sales.example", "back-off", "fail", "this pair alone");
	peer_free(&peer);
	world_free(&world);
}

static void a_peer_that_cannot_share_is_told(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.multiplex = S2S_MULTIPLEX_SENDER;
	world_start(&world);
	struct peer *peer = peer_listen(&world);
	world_send(&world, "a@corp.example", "b@partner.example", "1");
	peer_expect(peer, "<stream:stream");
	peer_send(peer, "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
	                "xmlns:stream='http://etherx.jabber.org/streams' id='id-1' version='1.0'>"
	                "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/>"
	                "</stream:features>");
	peer_expect(peer, "</db:result>");
	peer_send(peer, "<db:result from='partner.example' to='corp.example' type='valid'/>");
	peer_expect(peer, "id='1'");
	expect_told(&world, "corp.example", "stream", "ok",
	            "not shared: the peer advertises no dialback errors");
	expect_told(&world, "sales.example", "stream", "info", "none stands");
	peer_free(&peer);
	world_free(&world);
}

static void streams_of_both_directions_are_told(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_listen(&world);
	world_send(&world, "a@corp.example", "b@partner.example", "1");
	peer_accept_pair(peer, "id-1", "corp.example", "partner.example");
	peer_expect(peer, "id='1'");
	struct peer *caller = peer_connect(&world);
	peer_open(caller, "partner.example", "corp.example");
	peer_prove(caller, "partner.example", "corp.example");
	struct fw_json *result = explain(&world);
	expect_step(result, "outgoing", "stream", "ok", "proved by dialback");
	expect_step(result, "incoming", "stream", "ok", "proved by dialback");
	assert_string_equal(text_of(fw_json_get(result, "stream"), "remote"), "partner.example");
	fw_json_free(&result);

	result = fake_host_command(world.host, world.self, "connections", NULL, SOON_MS);
	const struct fw_json *list = fw_json_get(result, "connections");
	assert_int_equal(fw_json_count(list), 2);
	for (size_t i = 0; i < 2; i++) {
		const struct fw_json *row = fw_json_at(list, i);
		assert_string_equal(fw_json_key_at(row, 0), "direction"); /* the first column */
		assert_string_equal(text_of(row, "local"), "corp.example");
		assert_string_equal(text_of(row, "remote"), "partner.example");
		assert_string_equal(text_of(row, "method"), "dialback");
		assert_string_equal(text_of(row, "tls"), "none");
		assert_true(fw_json_int(fw_json_get(row, "bytes_in")) > 0);
	}
	assert_string_equal(text_of(fw_json_at(list, 0), "direction"), "out");
	assert_int_equal(fw_json_int(fw_json_get(fw_json_at(list, 0), "stanzas_out")), 1);
	fw_json_free(&result);
	peer_free(&caller);
	peer_free(&peer);
	world_free(&world);
}

/* Also when no stream stands any more. */
static void the_last_certificate_is_told(void **ctx)
{
	static const struct {
		const char *file, *verdict, *words;
		enum fw_tls_verdict chain;
	} rows[] = {
		{ CERT("partner.pem"), "ok", "valid when last seen, 0 s ago; ", FW_TLS_VALID },
		{ CERT("partner-self.pem"), "info", "for 'DNS:partner.example'; proved by dialback",
		  FW_TLS_UNTRUSTED },
		{ CERT("expired.pem"), "warn", "it has ended since; by 'CN=Fedway test CA'",
		  FW_TLS_VALID },
	};
	struct world world;

	(void)ctx;
	world_new(&world);
	struct fw_json *result = explain(&world);
	expect_step(result, "outgoing", "certificate", "info", "none is remembered");
	fw_json_free(&result);
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		const struct fw_certificate *seen = NULL;
		assert_int_equal(fw_certificate_read(rows[i].file, &seen, NULL), FW_OK);
		s2s_certs_saw(world.s2s->certs, "partner.example", seen, rows[i].chain,
		              S2S_METHOD_DIALBACK, fw_self_log(world.self));
		fw_certificate_release(&seen);
		result = explain(&world);
		expect_step(result, "outgoing", "certificate", rows[i].verdict, rows[i].words);
		fw_json_free(&result);
	}
	world_free(&world);
}

static void domains_that_are_none(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct fw_json *result =
	        fake_host_command(world.host, world.self, "explain",
	                          "{\"local\": \"corp.example\", \"remote\": \"a b\"}", SOON_MS);
	assert_int_equal(fw_json_int(fw_json_get(result, "code")), FW_EINVAL);
	fw_json_free(&result);
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_stands_yet),
		cmocka_unit_test(a_denied_domain_is_not_looked_up),
		cmocka_unit_test(services_that_do_not_answer),
		cmocka_unit_test(failures_and_the_wait_are_told),
		cmocka_unit_test(the_last_attempt_is_told_phase_by_phase),
		cmocka_unit_test(who_shares_a_stream_is_told),
		cmocka_unit_test(a_peer_that_cannot_share_is_told),
		cmocka_unit_test(streams_of_both_directions_are_told),
		cmocka_unit_test(the_last_certificate_is_told),
		cmocka_unit_test(domains_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
