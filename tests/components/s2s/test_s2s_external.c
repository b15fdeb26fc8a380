/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * SASL EXTERNAL on streams, the receiving side: a peer in TLS with certificates good and bad. What
 * its elements say is tested in test_s2s_sasl.c, the verdict on certificates in test_s2s_trust.c,
 * the initiating side in test_s2s_external_out.c. Each test ends with a balanced ledger.
 */
#include <time.h>

#include "tests/components/s2s/world.h"

#define SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define OFFERED "<stream:features><mechanisms xmlns='" SASL "'><mechanism>EXTERNAL</mechanism>"
#define AUTH "<auth xmlns='" SASL "' mechanism='EXTERNAL'>"
#define PARTNER AUTH "cGFydG5lci5leGFtcGxl</auth>"

#define PIN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const char *const pins[] = { PIN };
static const char *const only_dialback[] = { "dialback" };
static const char *const only_external[] = { "external" };

/* A peer in TLS that has read our features. */
static struct peer *peer_secured(struct world *world, const char *certificate, const char *from)
{
	struct peer *peer = peer_connect(world);

	peer->certificate = certificate;
	peer_open(peer, from, "corp.example");
	peer_send(peer, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	peer_expect(peer, "<proceed ");
	peer_secure(peer, FW_TLS_INITIATING);
	peer->len = peer->seen = 0;
	peer_open(peer, from, "corp.example");
	return peer;
}

static void secure_world(struct world *world)
{
	world_init(world);
	world_use_tls(world, FW_SECURITY_REQUIRED);
}

static void a_certificate_proves_the_domain(void **ctx)
{
	struct world world;
	char before[128];
	char after[128];

	(void)ctx;
	secure_world(&world);
	world_start(&world);
	struct peer *peer = peer_secured(&world, "partner", "partner.example");
	assert_non_null(strstr(peer->in, OFFERED));
	peer_attr(peer, "<stream:stream", "id", before);
	peer_send(peer, PARTNER);
	peer_expect(peer, "<success xmlns='" SASL "'/>");
	assert_int_equal(world.asked, 1);
	peer->len = peer->seen = 0;
	peer_open(peer, "partner.example", "corp.example");
	peer_attr(peer, "<stream:stream", "id", after);
	assert_string_not_equal(before, after);
	assert_null(strstr(peer->in, "mechanisms"));
	assert_null(strstr(peer->in, "starttls"));
	peer_send(peer, "<message from='a@partner.example' to='b@corp.example' id='1'/>");
	world_expect_routed(&world, "1");
	assert_int_equal(world.verified, 0);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_EXTERNAL_IN), 1);
	assert_int_equal(world.s2s->unauthenticated, 0);
	world_expect_log(&world, "authenticated local=corp.example remote=partner.example "
	                         "method=external");
	world_expect_log(&world, "names='DNS:partner.example' named=true");
	struct fw_json *report = fw_json_new();
	s2s_report(world.self, "streams", report);
	const struct fw_json *row = fw_json_at(fw_json_get(report, "streams"), 0);
	assert_true(fw_str_is(fw_json_text(fw_json_get(row, "method")), "external"));
	const struct fw_json *pair = fw_json_at(fw_json_get(row, "pairs"), 0);
	assert_true(fw_str_is(fw_json_text(fw_json_get(pair, "names")), "DNS:partner.example"));
	assert_true(fw_str_is(fw_json_text(fw_json_get(pair, "certificate")), "valid"));
	fw_json_free(&report);
	/* further pairs by dialback, on the same stream; the proved one needs no proof */
	peer_prove(peer, "partner.example", "corp.example");
	assert_int_equal(world.verified, 0);
	peer_prove(peer, "partner.example", "sales.example");
	assert_int_equal(world.verified, 1);
	peer_free(&peer);
	world_free(&world);
}

/* XEP-0178 §3: `=` stands for the header's from; without initial response it is asked for. */
static void the_identity_may_be_empty(void **ctx)
{
	struct world world;

	(void)ctx;
	secure_world(&world);
	world_start(&world);
	struct peer *empty = peer_secured(&world, "partner", "partner.example");
	peer_send(empty, AUTH "=</auth>");
	peer_expect(empty, "<success ");
	struct peer *late = peer_secured(&world, "partner", "partner.example");
	peer_send(late, "<auth xmlns='" SASL "' mechanism='EXTERNAL'/>");
	peer_expect(late, "<challenge xmlns='" SASL "'/>");
	peer_send(late, "<abort xmlns='" SASL "'/>");
	peer_expect(late, "<failure xmlns='" SASL "'><aborted/>");
	peer_send(late, "<auth xmlns='" SASL "' mechanism='EXTERNAL'/>");
	peer_expect(late, "<challenge xmlns='" SASL "'/>");
	peer_send(late, "<response xmlns='" SASL "'>cGFydG5lci5leGFtcGxl</response>");
	peer_expect(late, "<success ");
	peer_free(&empty);
	peer_free(&late);
	world_free(&world);
}

static void a_failure_has_its_condition_and_the_third_ends_the_stream(void **ctx)
{
	static const struct {
		const char *auth, *condition;
	} rows[] = {
		{ AUTH "b3RoZXIuZXhhbXBsZQ==</auth>", "invalid-authzid" },
		{ AUTH "partner.example</auth>", "incorrect-encoding" },
		{ "<auth xmlns='" SASL "' mechanism='PLAIN'>=</auth>", "invalid-mechanism" },
	};
	struct world world;

	(void)ctx;
	secure_world(&world);
	world_start(&world);
	struct peer *peer = peer_secured(&world, "partner", "partner.example");
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		char failure[128];
		snprintf(failure, sizeof(failure), "<failure xmlns='" SASL "'><%s/>",
		         rows[i].condition);
		peer_send(peer, "%s", rows[i].auth);
		peer_expect(peer, failure);
	}
	peer_expect(peer, "<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>");
	world_expect_log(&world, "cause=sasl-failed");
	/* two failures leave room for dialback */
	struct peer *other = peer_secured(&world, "partner", "partner.example");
	peer_send(other, "%s", rows[0].auth);
	peer_expect(other, "<invalid-authzid/>");
	peer_send(other, "%s", rows[1].auth);
	peer_expect(other, "<incorrect-encoding/>");
	peer_prove(other, "partner.example", "corp.example");
	peer_free(&peer);
	peer_free(&other);
	world_free(&world);
}

static void external_is_offered_to_the_good_only(void **ctx)
{
	static const struct {
		const char *what, *certificate, *from;
		struct fw_strings methods;
		bool offered;
	} rows[] = {
		{ "good", "partner", "partner.example", { NULL, 0 }, true },
		{ "self-signed", "partner-self", "partner.example", { NULL, 0 }, false },
		{ "another name", "partner", "other.example", { NULL, 0 }, false },
		{ "none shown", NULL, "partner.example", { NULL, 0 }, false },
		{ "issued for clients", "client", "client.example", { NULL, 0 }, false },
		{ "not by the rules", "partner", "partner.example", { only_dialback, 1 }, false },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct world world;
		secure_world(&world);
		world.config.methods = rows[i].methods;
		world_start(&world);
		struct peer *peer = peer_secured(&world, rows[i].certificate, rows[i].from);
		if ((strstr(peer->in, "EXTERNAL") != NULL) != rows[i].offered) {
			fail_msg("%s", rows[i].what);
		}
		assert_non_null(strstr(peer->in, "<dialback "));
		if (!rows[i].offered) { /* it cannot be had by asking either */
			peer_send(peer, AUTH "=</auth>");
			peer_expect(peer, "<failure xmlns='" SASL "'><invalid-mechanism/>");
			assert_int_equal(world.asked, 0);
		}
		peer_free(&peer);
		world_free(&world);
	}
}

static void the_policy_is_asked_before_success(void **ctx)
{
	struct world world;

	(void)ctx;
	secure_world(&world);
	world.denied = "partner.example";
	world_start(&world);
	struct peer *peer = peer_secured(&world, "partner", "partner.example");
	peer_send(peer, PARTNER);
	peer_expect(peer, "<failure xmlns='" SASL "'><not-authorized/>");
	assert_int_equal(world.asked, 1);
	world.denied = NULL;
	world.policy_absent = true;
	peer_send(peer, PARTNER);
	peer_expect(peer, "<temporary-auth-failure/>");
	assert_null(strstr(peer->in, "success"));
	peer_free(&peer);
	world_free(&world);
}

static void who_authenticated_stays_who_it_is(void **ctx)
{
	struct world world;

	(void)ctx;
	secure_world(&world);
	world_start(&world);
	struct peer *peer = peer_secured(&world, "partner", "partner.example");
	peer_send(peer, PARTNER);
	peer_expect(peer, "<success ");
	peer_send(peer, "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
	                "xmlns:stream='http://etherx.jabber.org/streams' from='other.example' "
	                "to='corp.example' version='1.0'>");
	peer_expect(peer, "<stream:stream");
	peer_expect(peer, "<invalid-from ");
	/* a header without from speaks for who authenticated */
	struct peer *silent = peer_secured(&world, "partner", "partner.example");
	peer_send(silent, PARTNER);
	peer_expect(silent, "<success ");
	peer_send(silent, "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
	                  "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>");
	peer_expect(silent, "</stream:features>");
	peer_send(silent, "<message from='a@other.example' to='b@corp.example' id='1'/>");
	peer_expect(silent, "<invalid-from ");
	peer_free(&peer);
	peer_free(&silent);
	world_free(&world);
}

static void once_is_enough(void **ctx)
{
	struct world world;

	(void)ctx;
	secure_world(&world);
	world_start(&world);
	struct peer *peer = peer_secured(&world, "partner", "partner.example");
	peer_send(peer, PARTNER);
	peer_expect(peer, "<success ");
	peer_open(peer, "partner.example", "corp.example");
	peer_send(peer, PARTNER);
	peer_expect(peer, "<policy-violation ");
	peer_free(&peer);
	world_free(&world);
}

static void where_only_external_counts_dialback_is_refused(void **ctx)
{
	struct world world;
	struct s2s_domain_row row = { .name = "partner.example", .methods = { only_external, 1 } };

	(void)ctx;
	secure_world(&world);
	world.config.domains = (struct fw_rows){ &row, 1 };
	world_start(&world);
	struct peer *peer = peer_secured(&world, "partner", "partner.example");
	peer_send(peer, "<db:result from='partner.example' to='corp.example'>key</db:result>");
	peer_expect(peer, "<not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>");
	peer_expect(peer, "<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>");
	world_expect_log(&world, "cause=no-auth-method");
	assert_int_equal(world.verified, 0);
	struct peer *good = peer_secured(&world, "partner", "partner.example");
	peer_send(good, PARTNER);
	peer_expect(good, "<success ");
	peer_free(&peer);
	peer_free(&good);
	world_free(&world);
}

/* Rules of a row end to end: what the same peer meets under another word. */
static const struct {
	const char *what, *certificate;
	struct s2s_domain_row row;
	const char *cause; /* NULL: it is proved by dialback */
	const char *asks;  /* of the server that is asked about the key; NULL: nothing */
} meetings[] = {
	{ "another name", "stranger", { .name = "partner.example" }, "certificate-name", NULL },
	{ "another name, relaxed",
	  "stranger",
	  { .name = "partner.example", .certificate_name = S2S_NAME_OPTIONAL },
	  NULL,
	  NULL },
	{ "self-signed, verified",
	  "partner-self",
	  { .name = "*.example", .tls = S2S_TLS_VERIFIED },
	  "certificate-untrusted",
	  NULL },
	{ "none shown, verified",
	  NULL,
	  { .name = "*.example", .tls = S2S_TLS_VERIFIED },
	  "certificate-missing",
	  NULL },
	{ "none shown", NULL, { .name = "*.example" }, NULL, NULL },
	{ "good, verified",
	  "partner",
	  { .name = "*.example", .tls = S2S_TLS_VERIFIED },
	  NULL,
	  "tls verified named" },
	{ "self-signed, verified for our streams only",
	  "partner-self",
	  { .name = "*.example", .direction = S2S_OUT, .tls = S2S_TLS_VERIFIED },
	  NULL,
	  "tls verified named" },
	{ "self-signed, pinned for our streams",
	  "partner-self",
	  { .name = "*.example", .direction = S2S_OUT, .pins = { pins, 1 } },
	  NULL,
	  "tls pin=" PIN },
	{ "good, verified for its own streams only",
	  "partner",
	  { .name = "*.example", .direction = S2S_IN, .tls = S2S_TLS_VERIFIED },
	  NULL,
	  NULL },
};

static void rules_decide_what_a_peer_meets(void **ctx)
{
	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(meetings); i++) {
		struct world world;
		struct s2s_domain_row row = meetings[i].row;
		secure_world(&world);
		world.config.domains = (struct fw_rows){ &row, 1 };
		world_start(&world);
		struct peer *peer =
		        peer_secured(&world, meetings[i].certificate, "partner.example");
		if (meetings[i].cause == NULL) {
			peer_prove(peer, "partner.example", "corp.example");
			assert_string_equal(world.verify_asks,
			                    meetings[i].asks != NULL ? meetings[i].asks : "");
		} else {
			char cause[64];
			/* a question about our key tells nothing: it is answered all the same */
			peer_send(peer, "<db:verify from='partner.example' to='corp.example' "
			                "id='S1'>key-for-S1-abcdef</db:verify>");
			peer_expect(peer, "type='valid'/>");
			peer_send(peer, "<db:result from='partner.example' to='corp.example'>key"
			                "</db:result>");
			peer_expect(peer, "<not-authorized "
			                  "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>");
			peer_expect(peer, "<stream:error><not-authorized ");
			snprintf(cause, sizeof(cause), "cause=%s", meetings[i].cause);
			world_expect_log(&world, cause);
			assert_int_equal(world.verified, 0);
		}
		peer_free(&peer);
		world_free(&world);
	}
}

/* When the certificate ends that the only inbound stream rests on; 0: it rests on none. */
static int64_t rests_until(const struct world *world)
{
	const struct s2s_leg *leg = world->s2s->ins;
	struct fw_tls_shown shown;

	assert_non_null(leg);
	s2s_trust_look(leg->channel, leg->remote, &shown);
	assert_true(leg->trust.until_s == 0 ||
	            leg->trust.until_s == shown.facts.certificate->not_after);
	return leg->trust.until_s;
}

/* RFC 6120 §13.7.2.3 */
static void a_stream_ends_with_the_certificate_that_it_rests_on(void **ctx)
{
	struct s2s_domain_row row = { .name = "*.example", .tls = S2S_TLS_VERIFIED };
	struct world world;

	(void)ctx;
	secure_world(&world);
	world_start(&world);
	struct peer *peer = peer_secured(&world, "partner", "partner.example");
	peer_prove(peer, "partner.example", "corp.example");
	assert_int_equal(rests_until(&world), 0); /* dialback proves the domain */
	peer_free(&peer);
	world_free(&world);

	secure_world(&world);
	world.config.domains = (struct fw_rows){ &row, 1 };
	world_start(&world);
	peer = peer_secured(&world, "partner", "partner.example");
	peer_prove(peer, "partner.example", "corp.example");
	assert_true(rests_until(&world) > time(NULL)); /* which is not enough here */
	peer_free(&peer);
	world_free(&world);

	secure_world(&world);
	world_start(&world);
	peer = peer_secured(&world, "partner", "partner.example");
	peer_send(peer, PARTNER);
	peer_expect(peer, "<success ");
	peer_open(peer, "partner.example", "corp.example");
	assert_true(rests_until(&world) > time(NULL));
	world.s2s->ins->trust.until_s = (int64_t)time(NULL) - 1;
	peer_prove(peer, "partner.example", "sales.example"); /* it looks at the time again */
	peer_expect(peer, "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>");
	peer_expect(peer, "</stream:stream>");
	peer_send(peer, "</stream:stream>");
	world_expect_log(&world, "cause=certificate-ended");
	world_expect_no_ins(&world);
	peer_free(&peer);
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_proves_the_domain),
		cmocka_unit_test(the_identity_may_be_empty),
		cmocka_unit_test(a_failure_has_its_condition_and_the_third_ends_the_stream),
		cmocka_unit_test(external_is_offered_to_the_good_only),
		cmocka_unit_test(the_policy_is_asked_before_success),
		cmocka_unit_test(who_authenticated_stays_who_it_is),
		cmocka_unit_test(once_is_enough),
		cmocka_unit_test(where_only_external_counts_dialback_is_refused),
		cmocka_unit_test(rules_decide_what_a_peer_meets),
		cmocka_unit_test(a_stream_ends_with_the_certificate_that_it_rests_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
