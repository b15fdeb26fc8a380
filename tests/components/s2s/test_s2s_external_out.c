/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * SASL EXTERNAL on streams, the initiating side: a peer that offers it, takes our certificate or
 * does not, and what we do then. Each test ends with a balanced ledger.
 */
#include "tests/components/s2s/world.h"

#define ALICE "alice@corp.example"
#define BOB "bob@partner.example"
#define SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:server' " \
	"xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "
#define STARTTLS \
	"<stream:features><starttls " \
	"xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>" \
	"</stream:features>"
#define MECHANISMS "<mechanisms xmlns='" SASL "'><mechanism>EXTERNAL</mechanism></mechanisms>"
#define DIALBACK "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
#define OUR_AUTH "<auth xmlns='" SASL "' mechanism='EXTERNAL'>Y29ycC5leGFtcGxl</auth>"

static const char *const only_external[] = { "external" };
static const char *const pins[] = {
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
};
static const char *const dialback_first[] = { "dialback", "external" };

/* A peer that takes our connection, does TLS, and offers this in it. */
static void peer_offer(struct peer *peer, unsigned number, const char *features)
{
	peer_expect_connection(peer, number);
	peer_expect(peer, "<stream:stream");
	peer_send(peer, HEADER "id='clear' version='1.0'>" STARTTLS);
	peer_expect(peer, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	peer_send(peer, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	peer_secure(peer, FW_TLS_RECEIVING);
	peer_expect(peer, "<stream:stream");
	peer_send(peer, HEADER "id='secured' version='1.0'><stream:features>%s</stream:features>",
	          features);
}

static struct peer *begin(struct world *world, const struct fw_strings *methods,
                          const char *features)
{
	world_init(world);
	world_use_tls(world, FW_SECURITY_REQUIRED);
	world->config.external_retry_ms = 3600000;
	world->config.multiplex = S2S_MULTIPLEX_SENDER;
	if (methods != NULL) {
		world->config.methods = *methods;
	}
	world_start(world);
	struct peer *peer = peer_listen(world);
	world_send(world, ALICE, BOB, "m1");
	peer_offer(peer, 1, features);
	return peer;
}

static void a_peer_takes_our_certificate(void **ctx)
{
	struct world world;
	struct peer *peer = begin(&world, NULL, MECHANISMS DIALBACK);

	(void)ctx;
	peer_expect(peer, OUR_AUTH);
	peer_send(peer, "<success xmlns='" SASL "'/>");
	peer_expect(peer, "<stream:stream");
	peer_expect(peer, "from='corp.example'");
	assert_false(peer_has(peer, "hello"));
	peer_send(peer, HEADER "id='again' version='1.0'><stream:features>" DIALBACK
	                       "</stream:features>");
	peer_expect(peer, "hello m1");
	assert_int_equal(world.keys, 0);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_EXTERNAL_OUT), 1);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_STREAMS_OUT_UP), 1);
	world_expect_log(&world, "authenticated local=corp.example remote=partner.example "
	                         "method=external");
	/* another domain of ours joins by dialback, with the id of the last header */
	world_send(&world, "bob@sales.example", BOB, "m2");
	peer_expect(peer, "<db:result from='sales.example' to='partner.example'>"
	                  "key-for-again-abcdef</db:result>");
	peer_send(peer, "<db:result from='partner.example' to='sales.example' type='valid'/>");
	peer_expect(peer, "hello m2");
	peer_free(&peer);
	world_free(&world);
}

/* What it says behind SASL counts: a pair that waited for it goes over a stream of its own. */
static void a_peer_that_cannot_share_gets_a_stream_for_each_pair(void **ctx)
{
	struct world world;
	struct peer *peer = begin(&world, NULL, MECHANISMS DIALBACK);

	(void)ctx;
	peer_expect(peer, OUR_AUTH);
	world_send(&world, "bob@sales.example", BOB, "m2");
	fake_host_settle(world.host);
	assert_int_equal(peer->accepted, 1);
	peer_send(peer, "<success xmlns='" SASL "'/>");
	peer_expect(peer, "<stream:stream");
	peer_expect(peer, "from='corp.example'");
	peer_send(peer, HEADER "id='again' version='1.0'><stream:features>"
	                       "<dialback xmlns='urn:xmpp:features:dialback'/>"
	                       "</stream:features>");
	peer_expect_connection(peer, 2);
	peer_expect(peer, "from='sales.example'");
	assert_int_equal(world.keys, 0);
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_PAIRS_JOINED), 0);
	peer_free(&peer);
	world_free(&world);
}

static void the_order_of_methods_decides(void **ctx)
{
	static const struct {
		struct fw_strings methods;
		const char *features, *first;
	} rows[] = {
		{ { NULL, 0 }, MECHANISMS DIALBACK, OUR_AUTH },
		{ { dialback_first, 2 }, MECHANISMS DIALBACK, "<db:result " },
		{ { NULL, 0 }, "<mechanisms xmlns='" SASL "'/>" DIALBACK, "<db:result " },
		{ { NULL, 0 }, DIALBACK, "<db:result " },
		{ { only_external, 1 }, MECHANISMS, OUR_AUTH },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct world world;
		struct peer *peer = begin(&world, &rows[i].methods, rows[i].features);
		peer_expect(peer, rows[i].first);
		peer_free(&peer);
		world_free(&world);
	}
}

static void a_refusal_leads_to_dialback_on_the_same_stream(void **ctx)
{
	struct world world;
	struct peer *peer = begin(&world, NULL, MECHANISMS DIALBACK);

	(void)ctx;
	peer_expect(peer, OUR_AUTH);
	peer_send(peer, "<failure xmlns='" SASL "'><invalid-authzid/></failure>");
	peer_expect(peer, "<db:result from='corp.example' to='partner.example'>");
	peer_send(peer, "<db:result from='partner.example' to='corp.example' type='valid'/>");
	peer_expect(peer, "hello m1");
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_EXTERNAL_OUT_REFUSED), 1);
	assert_true(s2s_remotes_refuses_external(world.s2s->remotes, "partner.example"));
	/* it is not asked again for a while */
	peer_send(peer, "</stream:stream>");
	peer_expect(peer, "</stream:stream>");
	peer_expect_end(peer);
	world_expect_no_pairs(&world);
	world_send(&world, ALICE, BOB, "m2");
	peer_offer(peer, 2, MECHANISMS DIALBACK);
	peer_expect(peer, "<db:result from='corp.example' to='partner.example'>");
	assert_null(strstr(peer->in, "<auth"));
	peer_send(peer, "<db:result from='partner.example' to='corp.example' type='valid'/>");
	peer_expect(peer, "hello m2");
	peer_free(&peer);
	world_free(&world);
}

/* A peer that refuses and closes, with an error or without, after its refusal or instead of it. */
static void a_refusal_that_closes_leads_to_dialback_on_the_next_stream(void **ctx)
{
	static const char *const ends[] = {
		"</stream:stream>",
		"<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
		"</stream:error></stream:stream>",
		"<failure xmlns='" SASL "'><not-authorized/></failure></stream:stream>",
		"<failure xmlns='" SASL "'><not-authorized/></failure><stream:error>"
		"<policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
		"</stream:stream>",
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(ends); i++) {
		struct world world;
		struct peer *peer = begin(&world, NULL, MECHANISMS DIALBACK);
		peer_expect(peer, OUR_AUTH);
		peer_send(peer, "%s", ends[i]);
		peer_offer(peer, 2, MECHANISMS DIALBACK);
		peer_expect(peer, "<db:result from='corp.example' to='partner.example'>");
		peer_send(peer,
		          "<db:result from='partner.example' to='corp.example' type='valid'/>");
		peer_expect(peer, "hello m1");
		assert_int_equal(world.resolved, 2);
		peer_free(&peer);
		world_free(&world);
	}
}

static void a_peer_that_never_answers_is_asked_by_dialback_next(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world_use_tls(&world, FW_SECURITY_REQUIRED);
	world.config.external_retry_ms = 3600000;
	world.config.auth_timeout_ms = 50;
	world_start(&world);
	struct peer *peer = peer_listen(&world);
	world_send(&world, ALICE, BOB, "m1");
	peer_offer(peer, 1, MECHANISMS DIALBACK);
	peer_expect(peer, OUR_AUTH);
	peer_expect(peer, "</stream:stream>");
	peer_send(peer, "</stream:stream>");
	peer_offer(peer, 2, MECHANISMS DIALBACK);
	peer_expect(peer, "<db:result from='corp.example' to='partner.example'>");
	peer_free(&peer);
	world_free(&world);
}

static void without_a_way_that_both_have_stanzas_return(void **ctx)
{
	static const struct {
		const char *features, *answer;
		enum fw_cause cause;
	} rows[] = {
		{ DIALBACK, NULL, FW_CAUSE_NO_AUTH_METHOD },
		{ "<mechanisms xmlns='" SASL "'/>" DIALBACK, NULL, FW_CAUSE_NO_AUTH_METHOD },
		{ MECHANISMS DIALBACK, "<failure xmlns='" SASL "'><not-authorized/></failure>",
		  FW_CAUSE_SASL_FAILED },
		{ MECHANISMS DIALBACK, "</stream:stream>", FW_CAUSE_SASL_FAILED },
	};
	const struct fw_strings methods = { only_external, 1 };

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct world world;
		struct peer *peer = begin(&world, &methods, rows[i].features);
		if (rows[i].answer != NULL) {
			peer_expect(peer, OUR_AUTH);
			peer_send(peer, "%s", rows[i].answer);
		}
		world_expect_bounces(&world, rows[i].cause, 1);
		assert_int_equal(world.keys, 0);
		peer_free(&peer);
		world_free(&world);
	}
}

/* What a peer may not do while we wait; no stanza leaves before the end of it. */
static void words_of_sasl_count_only_when_asked_for(void **ctx)
{
	struct world world;
	struct peer *peer = begin(&world, NULL, DIALBACK);

	(void)ctx;
	peer_expect(peer, "<db:result from='corp.example' to='partner.example'>");
	peer_send(peer, "<success xmlns='" SASL "'/>");
	peer_send(peer, "<db:result from='partner.example' to='corp.example' type='valid'/>");
	peer_expect(peer, "hello m1");
	peer_free(&peer);
	world_free(&world);
	peer = begin(&world, NULL, MECHANISMS DIALBACK);
	peer_expect(peer, OUR_AUTH);
	/* nobody has asked by dialback: such an answer proves nothing */
	peer_send(peer, "<db:result from='partner.example' to='corp.example' type='valid'/>");
	peer_send(peer, "<challenge xmlns='" SASL "'/>");
	peer_expect(peer, "<abort xmlns='" SASL "'/>");
	assert_null(strstr(peer->in, "hello"));
	assert_int_equal(fw_self_counter(world.self, S2S_COUNT_DIALBACK_IGNORED), 1);
	peer_send(peer, "<failure xmlns='" SASL "'><aborted/></failure>");
	peer_expect(peer, "<db:result from='corp.example' to='partner.example'>");
	peer_free(&peer);
	world_free(&world);
}

/* Our rules for streams to others: judged before one byte of a key or a stanza leaves. */
static void a_connection_that_is_not_good_enough_gets_nothing(void **ctx)
{
	static const struct {
		const char *certificate;
		struct s2s_domain_row row;
		enum fw_cause cause;
	} rows[] = {
		{ "stranger", { .name = "partner.example" }, FW_CAUSE_CERT_NAME },
		{ "partner-self",
		  { .name = "partner.example", .tls = S2S_TLS_VERIFIED },
		  FW_CAUSE_CERT_UNTRUSTED },
		{ "partner",
		  { .name = "partner.example", .tls = S2S_TLS_REQUIRED, .pins = { pins, 1 } },
		  FW_CAUSE_CERT_PIN },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct world world;
		struct s2s_domain_row row = rows[i].row;
		world_init(&world);
		world_use_tls(&world, FW_SECURITY_REQUIRED);
		world.config.domains = (struct fw_rows){ &row, 1 };
		world_start(&world);
		struct peer *peer = peer_listen(&world);
		peer->certificate = rows[i].certificate;
		world_send(&world, ALICE, BOB, "m1");
		peer_offer(peer, 1, MECHANISMS DIALBACK);
		world_expect_bounces(&world, rows[i].cause, 1);
		assert_int_equal(world.keys, 0);
		assert_null(strstr(peer->in, "<auth"));
		peer_free(&peer);
		world_free(&world);
	}
}

/* The next target is tried before anything is told: a server may have moved. */
static void a_wrong_certificate_makes_way_for_the_next_target(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world_use_tls(&world, FW_SECURITY_REQUIRED);
	world_start(&world);
	struct peer *good = peer_listen(&world);
	world.second_port = world.port;
	struct peer *wrong = peer_listen(&world);
	wrong->certificate = "stranger";
	world_send(&world, ALICE, BOB, "m1");
	peer_expect_connection(wrong, 1);
	peer_expect(wrong, "<stream:stream");
	peer_send(wrong, HEADER "id='clear' version='1.0'>" STARTTLS);
	peer_expect(wrong, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	peer_send(wrong, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	peer_secure(wrong, FW_TLS_RECEIVING);
	peer_offer(good, 1, DIALBACK);
	peer_expect(good, "<db:result from='corp.example' to='partner.example'>");
	peer_send(good, "<db:result from='partner.example' to='corp.example' type='valid'/>");
	peer_expect(good, "hello m1");
	world_expect_log(&world, "cause=certificate-name detail=it names DNS:stranger.example");
	peer_free(&good);
	peer_free(&wrong);
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_takes_our_certificate),
		cmocka_unit_test(a_peer_that_cannot_share_gets_a_stream_for_each_pair),
		cmocka_unit_test(the_order_of_methods_decides),
		cmocka_unit_test(a_refusal_leads_to_dialback_on_the_same_stream),
		cmocka_unit_test(a_refusal_that_closes_leads_to_dialback_on_the_next_stream),
		cmocka_unit_test(a_peer_that_never_answers_is_asked_by_dialback_next),
		cmocka_unit_test(without_a_way_that_both_have_stanzas_return),
		cmocka_unit_test(words_of_sasl_count_only_when_asked_for),
		cmocka_unit_test(a_connection_that_is_not_good_enough_gets_nothing),
		cmocka_unit_test(a_wrong_certificate_makes_way_for_the_next_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
