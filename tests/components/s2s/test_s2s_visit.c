/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of s2s_visit.c: what "check" says of peers that are good, bad, silent or gone; that it
 * sends no stanza and leaves queues and back-off alone.
 */
#include "tests/components/s2s/world.h"

/* A check that runs while the test plays the peer. */
struct check {
	struct fw_call *under_way;
	struct fw_json *args, *result;
	char error[256];
};

static void check_ended(void *ctx, int code, const char *why, const char *remedy)
{
	struct check *check = ctx;

	(void)remedy;
	if (code != FW_OK) {
		(void)snprintf(check->error, sizeof(check->error), "%s", why);
	}
}

static void begin(struct world *world, struct check *check)
{
	const struct fw_command *row = fw_self_component(world->self)->commands;

	while (strcmp(row->name, "check") != 0) {
		row++;
	}
	memset(check, 0, sizeof(*check));
	check->result = fw_json_new();
	assert_int_equal(fw_json_parse(fw_str("{\"local\": \"corp.example\", \"remote\": "
	                                      "\"partner.example\"}"),
	                               &check->args, NULL),
	                 FW_OK);
	const struct fw_call_settings settings = {
		.command = row,
		.args = check->args,
		.result = check->result,
		.ended = check_ended,
		.ctx = check,
	};
	assert_int_equal(fw_self_call(world->self, &settings, &check->under_way), FW_OK);
}

static bool is_over(void *ctx)
{
	const struct check *check = ctx;

	return check->under_way == NULL;
}

static void check_free(struct check *check)
{
	fw_json_free(&check->args);
	fw_json_free(&check->result);
}

static const char *text_of(const struct fw_json *object, const char *key)
{
	struct fw_str text = fw_json_text(fw_json_get(object, key));

	return text.ptr != NULL ? text.ptr : "";
}

/* Waits for the end; the last step of that name must have this verdict and these words or cause. */
static void expect(struct world *world, struct check *check, const char *name, const char *verdict,
                   const char *words)
{
	const struct fw_json *found = NULL;

	world_until(world, is_over, check, "the check ends");
	const struct fw_json *steps = fw_json_get(check->result, "steps");
	for (size_t i = 0; i < fw_json_count(steps); i++) {
		const struct fw_json *step = fw_json_at(steps, i);
		found = strcmp(text_of(step, "step"), name) == 0 ? step : found;
	}
	if (found == NULL) {
		fail_msg("there is no step %s", name);
	}
	assert_string_equal(text_of(found, "verdict"), verdict);
	if (strstr(text_of(found, "text"), words) == NULL &&
	    strcmp(text_of(found, "cause"), words) != 0) {
		fail_msg("%s says \"%s\" %s, not \"%s\"", name, text_of(found, "text"),
		         text_of(found, "cause"), words);
	}
}

#define DB_RESULT(type) "<db:result from='partner.example' to='corp.example' type='" type "'/>"

static void a_peer_that_takes_us(void **ctx)
{
	struct world world;
	struct check check;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_listen(&world);
	begin(&world, &check);
	peer_take_stream(peer, "id-1");
	peer_send(peer, DB_RESULT("valid"));
	expect(&world, &check, "dialback", "ok", "both directions work");
	expect(&world, &check, "target", "ok", "127.0.0.1");
	expect(&world, &check, "TLS", "warn", "none");
	expect(&world, &check, "offers", "ok", "dialback");
	peer_expect(peer, "</stream:stream>"); /* verify-done: no error, it has served */
	assert_false(peer_has(peer, "<message"));
	assert_null(world.s2s->outs); /* no stream of ours came of it */
	assert_int_equal(world.s2s->visits, 0);
	check_free(&check);
	peer_free(&peer);
	world_free(&world);
}

static const struct {
	const char *sentence, *answer, *cause;
} answers[] = {
	{ "it says invalid", DB_RESULT("invalid"), "dialback-invalid" },
	{ "it says error",
	  "<db:result from='partner.example' to='corp.example' type='error'><error type='cancel'>"
	  "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>",
	  "dialback-error" },
	{ "it ends the stream", "</stream:stream>", "peer-closed" },
	{ "it ends the stream with an error",
	  "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
	  "</stream:stream>",
	  "peer-error" },
	{ "it speaks of others first, then of us",
	  "<db:result from='other.example' to='corp.example' type='valid'/>" DB_RESULT("invalid"),
	  "dialback-invalid" },
};

static void peers_that_do_not_take_us(void **ctx)
{
	struct check check;

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(answers); i++) {
		struct world world;
		print_message("%s\n", answers[i].sentence);
		world_new(&world);
		struct peer *peer = peer_listen(&world);
		begin(&world, &check);
		peer_take_stream(peer, "id-1");
		peer_send(peer, "%s", answers[i].answer);
		expect(&world, &check, "dialback", "fail", answers[i].cause);
		assert_true(s2s_remotes_may_try(world.s2s->remotes, "partner.example"));
		check_free(&check);
		peer_free(&peer);
		world_free(&world);
	}
}

static void a_peer_that_is_silent(void **ctx)
{
	struct world world;
	struct check check;

	(void)ctx;
	world_init(&world);
	world.config.stream_timeout_ms = 100;
	world_start(&world);
	struct peer *peer = peer_listen(&world);
	begin(&world, &check);
	peer_expect_connection(peer, 1); /* and no header ever */
	expect(&world, &check, "result", "fail", "header-timeout");
	check_free(&check);
	peer_free(&peer);
	world_free(&world);

	world_init(&world);
	world.config.auth_timeout_ms = 100;
	world_start(&world);
	peer = peer_listen(&world);
	begin(&world, &check);
	peer_take_stream(peer, "id-1"); /* and no answer to the key */
	expect(&world, &check, "dialback", "fail", "dialback-timeout");
	check_free(&check);
	peer_free(&peer);
	world_free(&world);
}

static void nobody_there(void **ctx)
{
	struct world world;
	struct check check;

	(void)ctx;
	world_new(&world);
	world.port = 1;
	begin(&world, &check);
	expect(&world, &check, "target", "warn", "connect-failed");
	expect(&world, &check, "result", "fail", "connect-failed");
	check_free(&check);
	world.resolve = FW_CAUSE_DNS_NOT_FOUND;
	begin(&world, &check);
	expect(&world, &check, "addresses", "fail", "dns-not-found");
	check_free(&check);
	world_free(&world);
}

static void a_denied_domain_is_not_called(void **ctx)
{
	struct world world;
	struct check check;

	(void)ctx;
	world_new(&world);
	struct peer *peer = peer_listen(&world);
	world.denied = "partner.example";
	begin(&world, &check);
	expect(&world, &check, "policy", "fail", "");
	assert_int_equal(world.resolved, 0);
	assert_int_equal(peer->accepted, 0);
	check_free(&check);
	peer_free(&peer);
	world_free(&world);
}

static void it_is_given_up_when_nobody_waits(void **ctx)
{
	struct world world;
	struct check checks[6];

	(void)ctx;
	world_new(&world);
	world.resolver_silent = true;
	for (size_t i = 0; i < FW_COUNT(checks); i++) {
		begin(&world, &checks[i]);
	}
	assert_int_equal(world.s2s->visits, 4);
	assert_non_null(strstr(checks[5].error, "under way already"));
	for (size_t i = 0; i < 2; i++) {
		fw_call_cancel(&checks[i].under_way);
	}
	assert_int_equal(world.s2s->visits, 2);
	fake_host_stop(world.host, &world.self); /* the others are ended */
	for (size_t i = 0; i < FW_COUNT(checks); i++) {
		assert_null(checks[i].under_way);
		check_free(&checks[i]);
	}
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_that_takes_us),
		cmocka_unit_test(peers_that_do_not_take_us),
		cmocka_unit_test(a_peer_that_is_silent),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(a_denied_domain_is_not_called),
		cmocka_unit_test(it_is_given_up_when_nobody_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
