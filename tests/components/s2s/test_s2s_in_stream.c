/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Inbound streams against peers of plain bytes: headers and features, TLS, whose stanzas are taken,
 * timers and limits. Dialback is in test_s2s_in.c. Each test ends with a balanced ledger.
 */
#include "tests/components/s2s/world.h"

#define HEADER_TEXT \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:server' " \
	"xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "
#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define DIALBACK_FEATURE "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"

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
	world_expect_routed(&world, "1");
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
		{ "<compress xmlns='http://jabber.org/protocol/compress'/>",
		  "<unsupported-stanza-type " },
		{ STARTTLS, "<unsupported-stanza-type " },
		{ "<stream:features/>", "<unsupported-stanza-type " },
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
	world_expect_routed(&world, "1");
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

/* It may come before or after the result: it asks nobody else. */
static bool has_the_verdict(void *ctx)
{
	const struct peer *peer = ctx;

	return strstr(peer->in, "id='S1' type='invalid'/>") != NULL;
}

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
	world_until(&world, has_the_verdict, peer, "the verdict on the key");
	peer_send(peer, "<message from='a@partner.example' to='b@corp.example' id='1'/>");
	world_expect_routed(&world, "1");
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
	world_expect_routed(&world, "1");
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
	} rows[] = { { 100, 2 }, { 2, 2 } };

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

/* Whoever is in earnest is quicker than those that only hold places: the oldest of these gives way.
 */
static void the_oldest_stranger_makes_room(void **ctx)
{
	struct world world;

	(void)ctx;
	world_init(&world);
	world.config.unauthenticated_max = 2;
	world_start(&world);
	struct peer *proved = peer_connect(&world);
	peer_open(proved, "partner.example", "corp.example");
	peer_prove(proved, "partner.example", "corp.example");
	struct peer *oldest = peer_connect(&world);
	peer_open(oldest, "partner.example", "corp.example");
	struct peer *second = peer_connect(&world);
	peer_open(second, "partner.example", "corp.example");
	struct peer *third = peer_connect(&world);
	peer_open(third, "partner.example", "corp.example");
	peer_expect_end(oldest);
	assert_int_equal(world.s2s->unauthenticated, 2);
	world_expect_log(&world, "cause=resource-constraint");
	world_expect_log(&world, "unauthenticated_max");
	peer_prove(third, "partner.example", "corp.example");
	assert_int_equal(world.s2s->unauthenticated, 1);
	peer_free(&oldest);
	peer_free(&second);
	peer_free(&third);
	peer_free(&proved);
	world_expect_no_ins(&world);
	assert_int_equal(world.s2s->unauthenticated, 0);
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		cmocka_unit_test(the_oldest_stranger_makes_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
