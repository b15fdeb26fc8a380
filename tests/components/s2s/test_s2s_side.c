/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The inner side: a server of ours at 127.0.0.1 serves corp.example and rooms.example, and s2s
 * plays the world towards it. One at 192.0.2.20 serves sales.example.
 */
#include "components/s2s/s2s_side.h"
#include "tests/components/s2s/world.h"

static const char *const ours[] = { "corp.example", "rooms.example" };
static const char *const theirs[] = { "sales.example" };
static const char *const nets[] = { "192.0.2.0/28", "2001:db8::/33" };

struct inside {
	struct world world;
	struct s2s_server_row servers[2];
};

static void inside_init(struct inside *inside)
{
	world_init(&inside->world);
	inside->servers[0] = (struct s2s_server_row){ .domains = { ours, 2 },
		                                      .host = "127.0.0.1",
		                                      .port = 5269 };
	inside->servers[1] = (struct s2s_server_row){
		.domains = { theirs, 1 }, .host = "", .port = 5269, .addresses = { nets, 2 }
	};
	inside->world.config.side = S2S_SIDE_INNER;
	inside->world.config.inner_servers = (struct fw_rows){ inside->servers, 2 };
}

static void inside_new(struct inside *inside)
{
	inside_init(inside);
	world_start(&inside->world);
}

static void it_holds_the_domains_inside(void **ctx)
{
	struct inside inside;
	struct s2s_config config;

	(void)ctx;
	inside_new(&inside);
	assert_true(fake_host_holds(inside.world.host, "corp.example"));
	assert_true(fake_host_holds(inside.world.host, "rooms.example"));
	assert_true(fake_host_holds(inside.world.host, "sales.example"));
	assert_false(fake_host_holds(inside.world.host, "*"));
	assert_string_equal(s2s_side_word(inside.world.s2s), "inner");
	world_expect_log(&inside.world, "domain=rooms.example"); /* nobody has listed it */
	/* a reload takes and gives single names, and may even change sides */
	config = inside.world.config;
	inside.servers[0].domains = (struct fw_strings){ ours, 1 };
	fake_host_reload(inside.world.self, &config);
	assert_true(fake_host_holds(inside.world.host, "corp.example"));
	assert_false(fake_host_holds(inside.world.host, "rooms.example"));
	config.side = S2S_SIDE_OUTER;
	config.inner_servers = (struct fw_rows){ NULL, 0 };
	fake_host_reload(inside.world.self, &config);
	assert_false(fake_host_holds(inside.world.host, "corp.example"));
	assert_true(fake_host_holds(inside.world.host, "*"));
	assert_string_equal(s2s_side_word(inside.world.s2s), "outer");
	world_free(&inside.world);
}

static void the_address_is_the_proof(void **ctx)
{
	struct inside inside;

	(void)ctx;
	inside_new(&inside);
	struct peer *peer = peer_connect(&inside.world);
	peer_open(peer, "corp.example", "partner.example");
	peer_prove(peer, "corp.example", "partner.example");
	peer_send(peer, "<message from='nurse@corp.example' to='juliet@partner.example' id='m1'/>");
	world_expect_routed(&inside.world, "m1");
	/* another target and another source on the same stream */
	peer_prove(peer, "rooms.example", "other.example");
	peer_send(peer, "<presence from='hall@rooms.example' to='juliet@other.example' id='m2'/>");
	world_expect_routed(&inside.world, "m2");
	assert_int_equal(inside.world.verified, 0);
	assert_int_equal(inside.world.asked, 2); /* the policy has its say */
	world_expect_log(&inside.world, "method=address");
	peer_free(&peer);
	world_free(&inside.world);
}

static void what_is_not_taken(void **ctx)
{
	static const struct {
		const char *from, *to, *condition;
	} rows[] = {
		{ "stranger.example", "partner.example", "<not-acceptable" },
		{ "sales.example", "partner.example",
		  "<not-acceptable" },                                  /* comes from elsewhere */
		{ "corp.example", "rooms.example", "<not-acceptable" }, /* the same server */
		{ "corp.example", "policy." FAKE_REALM, "<item-not-found" }, /* services of ours */
		{ "corp.example", "denied.example", "<not-allowed" },
	};
	struct inside inside;

	(void)ctx;
	inside_new(&inside);
	inside.world.denied = "denied.example";
	struct peer *peer = peer_connect(&inside.world);
	peer_open(peer, "corp.example", "partner.example");
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		char answer[256];
		peer_send(peer, "<db:result from='%s' to='%s'>a-key</db:result>", rows[i].from,
		          rows[i].to);
		snprintf(answer, sizeof(answer), "<db:result from='%s' to='%s' type='error'>",
		         rows[i].to, rows[i].from);
		peer_expect(peer, answer);
		peer_expect(peer, rows[i].condition);
	}
	peer_prove(peer, "corp.example", "partner.example"); /* the stream is as good as before */
	peer_free(&peer);
	world_free(&inside.world);
}

static void a_service_of_the_realm_is_no_host(void **ctx)
{
	struct inside inside;

	(void)ctx;
	inside_new(&inside);
	struct peer *peer = peer_connect(&inside.world);
	peer_send(peer,
	          "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
	          "xmlns:stream='http://etherx.jabber.org/streams' from='corp.example' to='%s' "
	          "version='1.0'>",
	          "resolver." FAKE_REALM);
	peer_expect(peer, "<host-unknown");
	peer_send(peer, "</stream:stream>");
	peer_expect_end(peer);
	peer_free(&peer);
	world_free(&inside.world);
}

/* Components of ours that are not at that server: the router finds them, and no policy is asked. */
static void among_ourselves(void **ctx)
{
	struct inside inside;

	(void)ctx;
	inside_new(&inside);
	inside.world.denied = "inside.example";
	struct peer *peer = peer_connect(&inside.world);
	peer_open(peer, "corp.example", "inside.example");
	peer_prove(peer, "corp.example", "inside.example");
	peer_send(peer, "<message from='nurse@corp.example' to='x@inside.example' id='m1'/>");
	world_expect_routed(&inside.world, "m1");
	s2s_judge_all(inside.world.s2s);
	assert_int_equal(inside.world.asked, 0);
	peer_free(&peer);
	world_free(&inside.world);
}

static void keys_of_everybody_are_ours(void **ctx)
{
	struct inside inside;

	(void)ctx;
	inside_new(&inside);
	struct peer *peer = peer_connect(&inside.world);
	peer_open(peer, "corp.example", "partner.example");
	peer_send(peer, "<db:verify from='corp.example' to='partner.example' id='S1'>"
	                "key-for-S1-abcdef</db:verify>");
	peer_expect(peer,
	            "<db:verify from='partner.example' to='corp.example' id='S1' type='valid'/>");
	peer_send(peer, "<db:verify from='corp.example' to='partner.example' id='S2'>"
	                "key-for-S1-abcdef</db:verify>");
	peer_expect(peer,
	            "<db:verify from='partner.example' to='corp.example' id='S2' type='invalid'/>");
	peer_free(&peer);
	world_free(&inside.world);
}

static void the_server_is_dialled_in_the_name_of_the_world(void **ctx)
{
	struct inside inside;

	(void)ctx;
	inside_init(&inside);
	struct peer *peer = peer_listen(&inside.world);
	inside.servers[0].port = inside.world.port;
	world_start(&inside.world);
	world_send(&inside.world, "juliet@partner.example", "nurse@corp.example", "m1");
	peer_accept_pair(peer, "in-1", "partner.example", "corp.example");
	peer_expect(peer, "hello m1");
	world_expect_log(&inside.world, "partner.example:corp.example, OUT");
	assert_int_equal(inside.world.resolved, 0);
	assert_int_equal(inside.world.keys, 1);
	peer_free(&peer);
	world_free(&inside.world);
}

static void what_does_not_leave(void **ctx)
{
	static const struct {
		const char *from, *to;
		enum fw_cause cause;
		unsigned count;
	} rows[] = {
		/* and so does the answer to it */
		{ "hall@rooms.example", "nurse@corp.example", FW_CAUSE_LOOP, 2 },
		{ "x@quiet." FAKE_REALM, "nurse@corp.example", FW_CAUSE_NOT_FEDERATED, 1 },
		{ "juliet@partner.example", "x@sales.example", FW_CAUSE_NO_ROUTE, 1 }, /* no host */
	};
	struct inside inside;

	(void)ctx;
	inside_new(&inside);
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		world_send(&inside.world, rows[i].from, rows[i].to, "m1");
		world_expect_bounces(&inside.world, rows[i].cause, rows[i].count);
	}
	assert_int_equal(s2s_pairs_count(inside.world.s2s->pairs), 0);
	world_free(&inside.world);
}

static void a_stranger_is_not_heard(void **ctx)
{
	struct inside inside;

	(void)ctx;
	inside_init(&inside);
	inside.servers[0].host = "192.0.2.99";
	world_start(&inside.world);
	struct peer *peer = peer_connect(&inside.world);
	peer_expect_end(peer);
	assert_int_equal(peer->len, 0);
	world_expect_log(&inside.world, "cause=not-authorized limit=inner_servers");
	peer_free(&peer);
	world_free(&inside.world);
}

/* What a reload takes away ends with it; the other stream never notices. */
static void a_reload_ends_what_is_gone(void **ctx)
{
	struct inside inside;
	struct s2s_config config;

	(void)ctx;
	inside_new(&inside);
	struct peer *gone = peer_connect(&inside.world);
	struct peer *stays = peer_connect(&inside.world);
	peer_open(gone, "rooms.example", "partner.example");
	peer_prove(gone, "rooms.example", "partner.example");
	peer_open(stays, "corp.example", "partner.example");
	peer_prove(stays, "corp.example", "partner.example");
	config = inside.world.config;
	inside.servers[0].domains = (struct fw_strings){ ours, 1 };
	fake_host_reload(inside.world.self, &config);
	peer_expect(gone, "<reset");
	peer_send(gone, "</stream:stream>");
	peer_expect_end(gone);
	peer_send(stays, "<message from='nurse@corp.example' to='j@partner.example' id='m1'/>");
	world_expect_routed(&inside.world, "m1");
	peer_free(&gone);
	peer_free(&stays);
	world_free(&inside.world);
}

/* XEP-0368: the same port takes a peer that begins with TLS, and offers it no STARTTLS. */
static void tls_may_come_first(void **ctx)
{
	struct inside inside;

	(void)ctx;
	inside_init(&inside);
	world_use_tls(&inside.world, FW_SECURITY_REQUIRED);
	world_start(&inside.world);
	struct peer *peer = peer_connect(&inside.world);
	peer_secure(peer, FW_TLS_INITIATING);
	peer_open(peer, "corp.example", "partner.example");
	assert_null(strstr(peer->in, "<starttls"));
	peer_prove(peer, "corp.example", "partner.example");
	peer_send(peer, "<message from='nurse@corp.example' to='j@partner.example' id='m1'/>");
	world_expect_routed(&inside.world, "m1");
	peer_free(&peer);
	world_free(&inside.world);
}

static void expect_text(const struct fw_json *steps, const char *text)
{
	char *all = NULL;

	assert_non_null(steps);
	all = fw_json_dump(steps, false);
	if (all == NULL || strstr(all, text) == NULL) {
		fail_msg("\"%s\" is not in %s", text, all != NULL ? all : "nothing");
	}
	free(all);
}

/* Asked from the border: what goes out to the world came in from our server. */
static void it_explains_the_way_inside(void **ctx)
{
	struct inside inside;

	(void)ctx;
	inside_new(&inside);
	struct peer *peer = peer_connect(&inside.world);
	peer_open(peer, "corp.example", "partner.example");
	peer_prove(peer, "corp.example", "partner.example");
	struct fw_json *result = fake_host_command(
	        inside.world.host, inside.world.self, "explain",
	        "{\"local\": \"corp.example\", \"remote\": \"partner.example\"}", SOON_MS);
	expect_text(fw_json_get(result, "outgoing"), "proved by address");
	expect_text(fw_json_get(result, "incoming"), "from inner_servers");
	expect_text(fw_json_get(result, "targets"), "127.0.0.1:5269");
	assert_int_equal(inside.world.resolved, 0);
	fw_json_free(&result);
	peer_free(&peer);
	world_free(&inside.world);
}

static void networks(void **ctx)
{
	static const struct {
		const char *network, *address;
		bool has;
	} rows[] = {
		{ "192.0.2.20", "192.0.2.20", true },
		{ "192.0.2.20", "192.0.2.21", false },
		{ "192.0.2.16/28", "192.0.2.31", true },
		{ "192.0.2.16/28", "192.0.2.32", false },
		{ "192.0.2.0/23", "192.0.3.255", true },
		{ "192.0.2.0/23", "192.0.4.0", false },
		{ "0.0.0.0/0", "198.51.100.1", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "2001:db8::1/128", "2001:db8::1", true },
		{ "2001:db8::1", "2001:db8::2", false },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct inside inside;
		struct fw_addr addr;
		inside_init(&inside);
		inside.servers[0].host = "203.0.113.1"; /* always one of them */
		inside.servers[0].addresses = (struct fw_strings){ &rows[i].network, 1 };
		inside.world.config.inner_servers.count = 1;
		world_start(&inside.world);
		assert_int_equal(fw_addr_parse(rows[i].address, 40000, &addr), FW_OK);
		if (s2s_side_admits(inside.world.s2s, &addr) != rows[i].has) {
			fail_msg("%s in %s", rows[i].address, rows[i].network);
		}
		assert_int_equal(fw_addr_parse("203.0.113.1", 40000, &addr), FW_OK);
		assert_true(s2s_side_admits(inside.world.s2s, &addr));
		world_free(&inside.world);
	}
}

static void options_are_checked(void **ctx)
{
	static const char *const none[] = { "no domain" };
	static const struct {
		const char *what;
		int side;
		size_t servers;
		const char *host, *address;
		const char *const *domains;
		const char *sentence;
	} rows[] = {
		{ "good", S2S_SIDE_INNER, 1, "192.0.2.1", NULL, ours, NULL },
		{ "no host", S2S_SIDE_INNER, 1, "", "192.0.2.1", ours, NULL },
		{ "no server", S2S_SIDE_INNER, 0, "", NULL, ours, "needs inner_servers" },
		{ "outer", S2S_SIDE_OUTER, 1, "192.0.2.1", NULL, ours, "side = \"inner\"" },
		{ "nobody", S2S_SIDE_INNER, 1, "", NULL, ours, "neither host nor addresses" },
		{ "name", S2S_SIDE_INNER, 1, "im.corp", NULL, ours, "\"im.corp\"" },
		{ "domain", S2S_SIDE_INNER, 1, "192.0.2.1", NULL, none, "\"no domain\"" },
		{ "bits", S2S_SIDE_INNER, 1, "", "192.0.2.1/33", ours, "\"192.0.2.1/33\"" },
		{ "no bits", S2S_SIDE_INNER, 1, "", "192.0.2.1/", ours, "\"192.0.2.1/\"" },
		{ "rest", S2S_SIDE_INNER, 1, "", "192.0.2.1/8x", ours, "\"192.0.2.1/8x\"" },
		{ "signed", S2S_SIDE_INNER, 1, "", "192.0.2.1/+8", ours, "\"192.0.2.1/+8\"" },
		{ "bits 6", S2S_SIDE_INNER, 1, "", "2001:db8::/129", ours, "2001:db8::/129" },
		{ "long", S2S_SIDE_INNER, 1, "",
		  "2001:0db8:0000:0000:0000:0000:0000:0000:0000:0000/64", ours, "neither an IP" },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct inside inside;
		struct fw_error err = { 0 };
		inside_init(&inside);
		inside.servers[0].domains = (struct fw_strings){ rows[i].domains, 1 };
		inside.servers[0].host = rows[i].host;
		inside.servers[0].addresses =
		        (struct fw_strings){ &rows[i].address, rows[i].address != NULL };
		inside.world.config.side = rows[i].side;
		inside.world.config.inner_servers.count = rows[i].servers;
		int ret = s2s_options_check(&inside.world.config, &err);
		if ((ret == FW_OK) != (rows[i].sentence == NULL) ||
		    (ret != FW_OK && strstr(err.text, rows[i].sentence) == NULL)) {
			fail_msg("%s: %d \"%s\"", rows[i].what, ret, err.text);
		}
		world_free(&inside.world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_holds_the_domains_inside),
		cmocka_unit_test(the_address_is_the_proof),
		cmocka_unit_test(what_is_not_taken),
		cmocka_unit_test(a_service_of_the_realm_is_no_host),
		cmocka_unit_test(among_ourselves),
		cmocka_unit_test(keys_of_everybody_are_ours),
		cmocka_unit_test(the_server_is_dialled_in_the_name_of_the_world),
		cmocka_unit_test(what_does_not_leave),
		cmocka_unit_test(a_stranger_is_not_heard),
		cmocka_unit_test(a_reload_ends_what_is_gone),
		cmocka_unit_test(tls_may_come_first),
		cmocka_unit_test(it_explains_the_way_inside),
		cmocka_unit_test(networks),
		cmocka_unit_test(options_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
