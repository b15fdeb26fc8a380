/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Life cycle: start and its refusals, reload of listeners and keys, a changed policy, drain,
 * and reports.
 */
#include "tests/components/s2s/world.h"

extern const struct fw_component s2s_LTX_fw_component;

static bool is_drained(void *ctx)
{
	return fake_host_drained(((struct world *)ctx)->self);
}

static void start_names_what_is_wrong(void **ctx)
{
	struct world world;
	struct fw_error err = { 0 };

	(void)ctx;
	world_init(&world);
	world_start(&world);
	assert_true(fake_host_holds(world.host, "*"));
	/* a second instance on the same port, then one that finds "*" taken */
	struct s2s_config second = world.config;
	struct fw_listen_row taken = { "127.0.0.1", s2s_listen_port(world.s2s) };
	second.listen = (struct fw_rows){ &taken, 1 };
	assert_null(fake_host_start(world.host, &s2s_LTX_fw_component, &second, &err));
	assert_true(strlen(err.text) > 0);
	second.listen.count = 0;
	assert_null(fake_host_start(world.host, &s2s_LTX_fw_component, &second, &err));
	assert_non_null(strstr(err.text, "\"*\""));
	world_free(&world);
}

static void reload_touches_only_what_changed(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "partner.example", "corp.example");
	peer_prove(peer, "partner.example", "corp.example");
	uint16_t port = s2s_listen_port(world.s2s);
	/* the same listener, other options */
	struct s2s_config next = world.config;
	next.idle_timeout_ms = 12345;
	fake_host_reload(world.self, &next);
	assert_int_equal(s2s_listen_port(world.s2s), port);
	assert_int_equal(world.s2s->config->idle_timeout_ms, 12345);
	/* one more, and the first gone */
	struct fw_listen_row other = { "127.0.0.2", 0 };
	struct s2s_config moved = next;
	moved.listen = (struct fw_rows){ &other, 1 };
	fake_host_reload(world.self, &moved);
	assert_int_not_equal(s2s_listen_port(world.s2s), 0);
	world_expect_log(&world, "listening address=127.0.0.2");
	world_expect_log(&world, "no longer listening address=127.0.0.1");
	/* none: we only initiate */
	struct s2s_config none = next;
	none.listen = (struct fw_rows){ NULL, 0 };
	fake_host_reload(world.self, &none);
	assert_int_equal(s2s_listen_port(world.s2s), 0);
	/* and the stream is still there */
	peer_prove(peer, "other.example", "corp.example");
	peer_free(&peer);
	world_free(&world);
}

static void reload_takes_new_keys_for_new_streams(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world_use_tls(&world, FW_SECURITY_REQUIRED);
	world_start(&world);
	struct peer *old = peer_connect(&world);
	peer_open(old, "partner.example", "corp.example");
	peer_send(old, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	peer_expect(old, "<proceed ");
	peer_secure(old, FW_TLS_INITIATING);
	struct fw_tls_context *before = world.s2s->tls;
	struct s2s_config next = world.config;
	fake_host_reload(world.self, &next);
	assert_ptr_not_equal(world.s2s->tls, before);
	peer_open(old, "partner.example", "corp.example");
	peer_prove(old, "partner.example", "corp.example");
	peer_free(&old);
	world_free(&world);
}

static void reload_may_take_tls_away(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world_use_tls(&world, FW_SECURITY_REQUIRED);
	world_start(&world);
	struct peer *offered = peer_connect(&world);
	peer_open(offered, "partner.example", "corp.example");
	struct s2s_config next = world.config;
	next.security_mode = FW_SECURITY_NONE;
	fake_host_reload(world.self, &next);
	assert_null(world.s2s->tls);
	peer_send(offered, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	peer_expect(offered, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	peer_expect(offered, "</stream:stream>");
	struct peer *fresh = peer_connect(&world);
	peer_open(fresh, "partner.example", "corp.example");
	assert_null(strstr(fresh->in, "starttls"));
	peer_prove(fresh, "partner.example", "corp.example");
	peer_free(&offered);
	peer_free(&fresh);
	world_free(&world);
}

static void a_new_policy_closes_only_the_forbidden(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *good = peer_connect(&world);
	peer_open(good, "good.example", "corp.example");
	peer_prove(good, "good.example", "corp.example");
	struct peer *bad = peer_connect(&world);
	peer_open(bad, "bad.example", "corp.example");
	peer_prove(bad, "bad.example", "corp.example");
	struct peer *both = peer_connect(&world);
	peer_open(both, "good.example", "corp.example");
	peer_prove(both, "good.example", "corp.example");
	peer_prove(both, "bad.example", "corp.example");
	struct peer *out_good = peer_listen(&world);
	world_send(&world, "a@corp.example", "b@good.example", "g1");
	peer_expect_connection(out_good, 1);
	peer_accept_pair(out_good, "x", "corp.example", "good.example");
	peer_expect(out_good, "hello g1");
	struct peer *out_bad = peer_listen(&world);
	world_send(&world, "a@corp.example", "b@bad.example", "b1");
	peer_expect_connection(out_bad, 1);
	peer_take_stream(out_bad, "y"); /* still waiting, with a stanza in the queue */

	world.denied = "bad.example";
	s2s_LTX_fw_component.announced(world.self, "policy");
	peer_expect(bad, "<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>");
	peer_expect(out_bad, "<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>");
	world_expect_bounces(&world, FW_CAUSE_POLICY_STREAM, 1);
	/* the others work on */
	world_send(&world, "a@corp.example", "b@good.example", "g2");
	peer_expect(out_good, "hello g2");
	peer_prove(good, "other.example", "corp.example");
	peer_prove(both, "third.example", "corp.example");
	/* not a failure of the domain: when it is allowed again, it is tried at once */
	assert_true(s2s_remotes_may_try(world.s2s->remotes, "bad.example"));
	/* announcements of others, and a policy that does not answer, change nothing */
	world.denied = "good.example";
	s2s_LTX_fw_component.announced(world.self, "dialback");
	s2s_LTX_fw_component.announced(world.self, "resolver");
	world.policy_absent = true;
	s2s_LTX_fw_component.announced(world.self, "policy");
	world_expect_log(&world, "the policy could not be asked");
	world_send(&world, "a@corp.example", "b@good.example", "g3");
	peer_expect(out_good, "hello g3");
	peer_free(&good);
	peer_free(&bad);
	peer_free(&both);
	peer_free(&out_good);
	peer_free(&out_bad);
	world_free(&world);
}

static void a_policy_that_changes_during_a_proof(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_connect(&world);
	peer_open(peer, "good.example", "corp.example");
	peer_prove(peer, "good.example", "corp.example");
	world.verify_silent = true;
	peer_send(peer, "<db:result from='bad.example' to='corp.example'>k</db:result>");
	world_expect_log(&world, "<db:result from='bad.example'");
	while (world.verified < 2) {
		fake_host_settle(world.host);
	}
	world.denied = "bad.example";
	s2s_LTX_fw_component.announced(world.self, "policy");
	world_expect_log(&world, "forbidden by the new policy");
	/* the verdict that comes now helps no more */
	struct s2s_proof *proof = world.s2s->ins->proofs;
	assert_string_equal(proof->remote, "bad.example");
	assert_true(proof->forbidden);
	world.verify_silent = false;
	peer_prove(peer, "third.example", "corp.example");
	peer_free(&peer);
	world_free(&world);
}

static void drain_finishes_queues_first(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *in = peer_connect(&world);
	peer_open(in, "partner.example", "corp.example");
	peer_prove(in, "partner.example", "corp.example");
	struct peer *out = peer_listen(&world);
	world_send(&world, "a@corp.example", "b@partner.example", "m1");
	peer_expect_connection(out, 1);
	peer_take_stream(out, "x");
	fake_host_drain(world.self);
	peer_expect(in, "<system-shutdown ");
	peer_send(in, "</stream:stream>");
	assert_false(fake_host_drained(world.self));
	/* the peer must be able to ask us about the key of the stream that is under way */
	struct peer *verify = peer_connect(&world);
	peer_open(verify, "partner.example", "corp.example");
	peer_send(verify, "<db:verify from='partner.example' to='corp.example' id='x'>"
	                  "key-for-x-abcdef</db:verify>");
	peer_expect(verify, "type='valid'/>");
	peer_send(verify, "<db:result from='partner.example' to='corp.example'>k</db:result>");
	peer_expect(verify, "<resource-constraint ");
	/* nothing new is taken */
	world_send(&world, "a@corp.example", "b@partner.example", "m2");
	world_expect_bounces(&world, FW_CAUSE_COMPONENT_DRAINING, 1);
	peer_send(out, "<db:result from='partner.example' to='corp.example' type='valid'/>");
	peer_expect(out, "hello m1");
	peer_expect(out, "<system-shutdown ");
	peer_send(out, "</stream:stream>");
	peer_expect(verify, "<system-shutdown ");
	peer_send(verify, "</stream:stream>");
	world_until(&world, is_drained, &world, "the drain");
	assert_int_equal(s2s_listen_port(world.s2s), 0);
	peer_free(&in);
	peer_free(&out);
	peer_free(&verify);
	world_free(&world);
}

static void an_empty_drain_is_done_at_once(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	fake_host_drain(world.self);
	world_until(&world, is_drained, &world, "the drain");
	world_free(&world);
}

static void the_status_tells_the_last_failure(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.resolve = FW_CAUSE_DNS_NOT_FOUND;
	world_start(&world);
	world_send(&world, "a@corp.example", "b@partner.example", "m1");
	world_expect_bounces(&world, FW_CAUSE_DNS_NOT_FOUND, 1);
	struct fw_json *report = fw_json_new();
	s2s_report(world.self, "status", report);
	s2s_report(world.self, "nonsense", report);
	const struct fw_json *failure = fw_json_at(fw_json_get(report, "failures"), 0);
	assert_true(fw_str_is(fw_json_text(fw_json_get(failure, "remote")), "partner.example"));
	assert_true(fw_str_is(fw_json_text(fw_json_get(failure, "cause")), "dns-not-found"));
	assert_true(fw_json_text(fw_json_get(failure, "remedy")).len > 0);
	assert_int_equal(fw_json_int(fw_json_get(failure, "failures")), 1);
	assert_true(fw_str_is(fw_json_text(fw_json_get(report, "security_mode")), "no-tls"));
	assert_int_equal(fw_json_count(fw_json_get(report, "listen")), 1);
	char *text = fw_json_dump(report, false);
	assert_non_null(text);
	free(text);
	fw_json_free(&report);
	world_free(&world);
}

static void counters_tell_what_left(void **ctx)
{
	struct world world;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_listen(&world);
	world_send(&world, "alice@corp.example", "bob@partner.example", "m1");
	world_send(&world, "alice@corp.example", "bob@partner.example", "m2");
	peer_expect_connection(peer, 1);
	peer_accept_pair(peer, "id1", "corp.example", "partner.example");
	peer_expect(peer, "hello m2");
	world_send(&world, "alice@corp.example", "bob@partner.example", "m3");
	peer_expect(peer, "hello m3");
	peer_expect(peer, "</message>");
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_STREAMS_OUT), 1);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_STREAMS_OUT_UP), 1);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_STREAMS_OUT_FAILED), 0);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_DIALBACK_OUT_VALID), 1);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_STANZAS_OUT), 3);
	const char *messages = strstr(peer->in, "<message");
	assert_non_null(messages); /* and nothing but stanzas after it */
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_BYTES_OUT), strlen(messages));
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_STANZAS_REFUSED), 0);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_STANZAS_RETURNED), 0);
	peer_free(&peer);
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_names_what_is_wrong),
		cmocka_unit_test(reload_touches_only_what_changed),
		cmocka_unit_test(reload_takes_new_keys_for_new_streams),
		cmocka_unit_test(reload_may_take_tls_away),
		cmocka_unit_test(a_new_policy_closes_only_the_forbidden),
		cmocka_unit_test(a_policy_that_changes_during_a_proof),
		cmocka_unit_test(drain_finishes_queues_first),
		cmocka_unit_test(an_empty_drain_is_done_at_once),
		cmocka_unit_test(the_status_tells_the_last_failure),
		cmocka_unit_test(counters_tell_what_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
