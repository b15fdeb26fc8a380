/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * dialback_stream.c against a scripted authoritative server: which questions share a stream, how
 * long one is kept, and what ends it. That a dead one is replaced is in the scenarios.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fedway/json.h>

#include "components/dialback/dialback.h"
#include "tests/components/dialback/fake_server.h"
#include "tests/support/fake_host.h"

extern const struct fw_component dialback_LTX_fw_component;

enum { LONG_MS = 20000 };

static struct dialback_config config;
static struct fake_host *host;
static struct fw_self *dialback;
static struct fake_server *server;
static unsigned wanted;

static void stand_in(void *ctx, struct fake_host *at, struct fw_stanza **request)
{
	char targets[256];

	(void)ctx;
	snprintf(targets, sizeof(targets),
	         "<targets xmlns='urn:fedway:resolver:1' source='srv'>"
	         "<target ip='127.0.0.1' port='%u' host='xmpp.example'/></targets>",
	         fake_server_port(server));
	fake_host_answer(at, request, targets);
}

static int begin(void **state)
{
	static const struct fake_script script = { "later", "", NULL, NULL, false };
	struct fw_error err = { 0 };

	(void)state;
	config = (struct dialback_config){
		.secret = { "s3cr3tf0rd14lb4ck", 17, NULL },
		.timeout_ms = LONG_MS,
		.security_mode = FW_SECURITY_NONE,
		.connect_timeout_ms = 5000,
		.stream_timeout_ms = 5000,
		.tls_timeout_ms = 5000,
		.max_pending = 10,
		.verify_keep_ms = LONG_MS,
		.verify_keep_max = 2,
	};
	host = fake_host_new();
	fake_host_service(host, "resolver", stand_in, NULL);
	server = fake_server_new(fake_host_loop(host), &script);
	dialback = fake_host_start(host, &dialback_LTX_fw_component, &config, &err);
	assert_string_equal(err.text, "");
	return 0;
}

static int end(void **state)
{
	(void)state;
	fake_server_free(&server);
	fake_host_free(&host);
	return 0;
}

static void ask(const char *remote, const char *id, const char *key)
{
	char payload[512];

	snprintf(payload, sizeof(payload),
	         "<verify xmlns='urn:fedway:dialback:1' receiving='corp.example' "
	         "originating='%s' id='%s' session='5E551011ABCD'>%s</verify>",
	         remote, id, key);
	fake_host_request(host, NULL, id, "dialback", payload);
}

static bool has_answers(void *ctx)
{
	(void)ctx;
	return fake_host_waiting(host) >= wanted;
}

/* The server has the question; it says valid; who asked has the answer. */
static bool has_question(void *ctx)
{
	return strstr(fake_server_received(server), ctx) != NULL;
}

static void answer(const char *remote, const char *id)
{
	char text[256];

	snprintf(text, sizeof(text), " id='%s'>", id);
	assert_true(fake_host_run_until(host, has_question, text, LONG_MS));
	snprintf(text, sizeof(text),
	         "<db:verify from='%s' to='corp.example' id='%s' type='valid'/>", remote, id);
	fake_server_say(server, text);
	wanted = 1;
	assert_true(fake_host_run_until(host, has_answers, NULL, LONG_MS));
	struct fw_stanza *reply = fake_host_take(host);
	assert_true(fw_str_is(fw_stanza_id(reply), id));
	assert_true(fw_str_is(fw_stanza_type(reply), "result"));
	fake_host_done(&reply);
}

static bool servers_open(void *ctx)
{
	return fake_server_open(server) == *(unsigned *)ctx;
}

static void expect_open(unsigned count)
{
	assert_true(fake_host_run_until(host, servers_open, &count, LONG_MS));
}

static void test_one_after_the_other(void **state)
{
	(void)state;
	ask("partner.example", "S1", "key");
	answer("partner.example", "S1");
	ask("partner.example", "S2", "key");
	answer("partner.example", "S2");
	assert_int_equal(fake_server_connections(server), 1);
	assert_int_equal(fw_self_counter(dialback, DIALBACK_COUNT_STREAMS_REUSED), 1);
	struct fw_json *out = fw_json_new();
	dialback_LTX_fw_component.report(dialback, "streams", out);
	char *text = fw_json_dump(out, false);
	assert_non_null(strstr(text, "\"state\":\"kept\""));
	free(text);
	fw_json_free(&out);
}

static void test_side_by_side(void **state)
{
	(void)state;
	ask("partner.example", "S1", "key");
	ask("partner.example", "S2", "key");
	answer("partner.example", "S2"); /* in any order */
	answer("partner.example", "S1");
	assert_int_equal(fake_server_connections(server), 1);
}

static void test_who_does_not_share(void **state)
{
	(void)state;
	ask("partner.example", "S1", "key");
	ask("partner.example", "S1", "yek"); /* an answer could not say for which key it is */
	ask("other.example", "S3", "key");   /* another domain is looked up for itself */
	answer("other.example", "S3");
	assert_int_equal(fake_server_connections(server), 3);
}

static void test_the_oldest_makes_room(void **state)
{
	static const char *const remotes[] = { "a.example", "b.example", "c.example" };

	(void)state;
	for (size_t i = 0; i < FW_COUNT(remotes); i++) {
		ask(remotes[i], remotes[i], "key");
		answer(remotes[i], remotes[i]);
	}
	expect_open(2);
	ask("c.example", "S4", "key");
	answer("c.example", "S4");
	assert_int_equal(fake_server_connections(server), 3);
	ask("a.example", "S5", "key"); /* that was the one */
	answer("a.example", "S5");
	assert_int_equal(fake_server_connections(server), 4);
}

static void test_time_ends_it(void **state)
{
	(void)state;
	config.verify_keep_ms = 20;
	ask("partner.example", "S1", "key");
	answer("partner.example", "S1");
	expect_open(0);
	assert_int_equal(fake_host_logged(host, "closing stream used for dialback only"), 1);
}

static void test_reload_ends_it(void **state)
{
	(void)state;
	ask("partner.example", "S1", "key");
	answer("partner.example", "S1");
	dialback_LTX_fw_component.reload(dialback, &config);
	expect_open(0);
}

static void test_new_routes_end_it(void **state)
{
	(void)state;
	ask("partner.example", "S1", "key");
	answer("partner.example", "S1");
	dialback_LTX_fw_component.announced(dialback, "policy"); /* that changes no address */
	fake_host_settle(host);
	assert_int_equal(fake_server_open(server), 1);
	dialback_LTX_fw_component.announced(dialback, "resolver");
	expect_open(0);
}

static void test_drain_ends_it(void **state)
{
	(void)state;
	ask("partner.example", "S1", "key");
	answer("partner.example", "S1");
	fake_host_drain(dialback);
	assert_true(fake_host_drained(dialback));
	expect_open(0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_after_the_other), TEST(test_side_by_side),
		TEST(test_who_does_not_share),  TEST(test_the_oldest_makes_room),
		TEST(test_time_ends_it),        TEST(test_reload_ends_it),
		TEST(test_new_routes_end_it),   TEST(test_drain_ends_it),
	};

	return cmocka_run_group_tests_name("dialback_stream", tests, NULL, NULL);
}
