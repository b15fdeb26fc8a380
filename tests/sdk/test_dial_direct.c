/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Dials on loopback: direct TLS (XEP-0368), sessions that go on, and the address to connect from.
 */
#include <fedway/io/dial.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CERT(name) TEST_CERTS "/" name
#define HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:server' " \
	"xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' " \
	"from='b.example' to='a.example' id='i1' version='1.0'><stream:features/>"

static const struct fw_stream_settings stream = {
	.content_ns = FW_NS_SERVER,
	.limits = FW_XML_LIMITS_BEFORE_AUTH,
};

static struct fw_loop *loop;
static struct fw_tls_context *ours, *theirs;
static struct fw_dial *dial;

/* A server; it speaks TLS or clear text as its peer begins, or clear text alone. */
struct server {
	bool deaf_to_tls;
	int listener;
	struct fw_io *io;
	struct fw_channel *channel;
	struct fw_target target;
	char peer[FW_ADDR_TEXT_SIZE];
};

static void server_opened(void *ctx, const struct fw_stream_header *header)
{
	struct server *server = ctx;

	(void)header;
	fw_channel_send_text(server->channel, HEADER);
}

static void server_element(void *ctx, struct fw_stanza **stanza)
{
	(void)ctx;
	(void)stanza;
}

static void server_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	struct server *server = ctx;

	(void)cause;
	(void)detail;
	fw_channel_free(&server->channel);
}

static const struct fw_channel_events server_events = {
	.opened = server_opened,
	.element = server_element,
	.closed = server_closed,
};

static void server_accept(void *ctx, int events)
{
	struct server *server = ctx;
	struct fw_addr peer;
	int fd = -1;

	(void)events;
	assert_int_equal(fw_socket_accept(server->listener, &fd, &peer), FW_OK);
	fw_addr_ip_text(&peer, server->peer);
	fw_channel_free(&server->channel);
	assert_int_equal(
	        fw_channel_new(loop, &fd, &stream, &server_events, server, &server->channel),
	        FW_OK);
	if (!server->deaf_to_tls) {
		fw_channel_sniff_tls(server->channel, theirs);
	}
}

static void server_start(struct server *server, enum fw_target_tls tls)
{
	struct fw_addr addr;

	server->target.tls = tls;
	assert_int_equal(fw_addr_parse("127.0.0.1", 0, &addr), FW_OK);
	assert_int_equal(fw_socket_listen(&addr, 8, &server->listener, NULL), FW_OK);
	assert_int_equal(fw_socket_name(server->listener, &server->target.addr), FW_OK);
	assert_int_equal(
	        fw_io_add(loop, server->listener, FW_IO_READ, server_accept, server, &server->io),
	        FW_OK);
}

static void server_stop(struct server *server)
{
	fw_channel_free(&server->channel);
	fw_io_remove(&server->io);
	fw_socket_close(&server->listener);
}

/* ---- the caller ---- */

struct outcome {
	bool told;
	enum fw_cause cause;
	bool direct, resumed;
	char alpn[32];
	uint64_t tls_us;
	struct fw_channel *channel;
};

static void outcome_element(void *ctx, struct fw_stanza **stanza)
{
	(void)ctx;
	(void)stanza;
}

static void outcome_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	(void)ctx;
	(void)cause;
	(void)detail;
}

static const struct fw_channel_events outcome_events = {
	.element = outcome_element,
	.closed = outcome_closed,
};

static void on_done(void *ctx, struct fw_dial_result *result)
{
	struct outcome *outcome = ctx;
	struct fw_tls_facts facts;

	outcome->told = true;
	outcome->cause = result->cause;
	outcome->tls_us = result->spent_us[FW_DIAL_TLS];
	if (result->channel == NULL) {
		return;
	}
	outcome->channel = result->channel;
	result->channel = NULL;
	fw_channel_set_owner(outcome->channel, &outcome_events, outcome);
	if (fw_channel_tls(outcome->channel) != NULL) {
		fw_tls_facts(fw_channel_tls(outcome->channel), &facts);
		outcome->direct = facts.direct;
		outcome->resumed = facts.resumed;
		snprintf(outcome->alpn, sizeof(outcome->alpn), "%s", facts.alpn);
	}
}

static void call(struct outcome *outcome, const struct fw_target *targets, size_t count,
                 enum fw_security security, const char *source)
{
	struct fw_dial_settings settings = {
		.local_domain = "a.example",
		.remote_domain = "b.example",
		.security = security,
		.tls = ours,
		.limits = FW_XML_LIMITS_BEFORE_AUTH,
		.connect_timeout_ms = 5000,
		.stream_timeout_ms = 5000,
		.tls_timeout_ms = 5000,
		.targets = targets,
		.target_count = count,
	};
	uint64_t until_us = fw_now_us(loop) + 20 * 1000 * 1000;

	*outcome = (struct outcome){ .told = false };
	if (source != NULL) {
		assert_int_equal(fw_addr_parse(source, 0, &settings.sources[1]), FW_OK);
	}
	assert_int_equal(fw_dial_start(loop, &settings, on_done, outcome, &dial), FW_OK);
	while (!outcome->told) {
		assert_true(fw_now_us(loop) < until_us);
		fw_loop_turn(loop, true);
	}
	fw_dial_cancel(&dial);
}

/* A ticket for resumption comes behind the handshake; the peer's last words are behind it. */
static void hear_out(struct outcome *outcome)
{
	for (int i = 0; i < 20; i++) {
		fw_loop_turn(loop, false);
	}
	fw_channel_free(&outcome->channel);
}

static struct fw_tls_context *context_of(const char *cert, const char *key)
{
	const struct fw_tls_settings settings = { .certificate_file = cert,
		                                  .key_file = key,
		                                  .ca_file = CERT("ca.pem") };
	struct fw_tls_context *context = NULL;

	assert_int_equal(fw_tls_context_new(&settings, &context, NULL), FW_OK);
	return context;
}

static int setup(void **state)
{
	(void)state;
	assert_int_equal(fw_loop_new(&loop), FW_OK);
	ours = context_of(CERT("a.pem"), CERT("a.key"));
	theirs = context_of(CERT("b.pem"), CERT("b.key"));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fw_tls_context_release(&ours);
	fw_tls_context_release(&theirs);
	fw_loop_free(&loop);
	return 0;
}

/* ---- cases ---- */

static void tls_comes_first_and_its_session_goes_on(void **state)
{
	struct server server = { .listener = -1 };
	struct outcome outcome;

	(void)state;
	server_start(&server, FW_TARGET_DIRECT_TLS);
	for (int i = 0; i < 2; i++) {
		call(&outcome, &server.target, 1, FW_SECURITY_REQUIRED, NULL);
		assert_int_equal(outcome.cause, FW_CAUSE_NONE);
		assert_true(outcome.direct);
		assert_string_equal(outcome.alpn, "xmpp-server");
		assert_true(outcome.tls_us > 0);
		assert_int_equal(outcome.resumed, i > 0);
		hear_out(&outcome);
	}
	server_stop(&server);
}

static void optional_tls_takes_direct_tls_as_well(void **state)
{
	struct server server = { .listener = -1 };
	struct outcome outcome;

	(void)state;
	server_start(&server, FW_TARGET_DIRECT_TLS);
	call(&outcome, &server.target, 1, FW_SECURITY_OPTIONAL, NULL);
	assert_true(outcome.direct);
	hear_out(&outcome);
	server_stop(&server);
}

static void a_port_without_direct_tls_makes_way(void **state)
{
	struct server plain = { .deaf_to_tls = true, .listener = -1 }, good = { .listener = -1 };
	struct outcome outcome;

	(void)state;
	server_start(&plain, FW_TARGET_DIRECT_TLS);
	server_start(&good, FW_TARGET_DIRECT_TLS);
	const struct fw_target targets[] = { plain.target, good.target };
	call(&outcome, targets, 1, FW_SECURITY_REQUIRED, NULL);
	assert_int_equal(outcome.cause, FW_CAUSE_TLS_FAILED);
	call(&outcome, targets, 2, FW_SECURITY_REQUIRED, NULL);
	assert_int_equal(outcome.cause, FW_CAUSE_NONE);
	hear_out(&outcome);
	server_stop(&plain);
	server_stop(&good);
}

static void connections_leave_from_the_source(void **state)
{
	struct server server = { .listener = -1 };
	struct outcome outcome;

	(void)state;
	server_start(&server, FW_TARGET_STARTTLS);
	call(&outcome, &server.target, 1, FW_SECURITY_NONE, "127.0.0.9");
	assert_string_equal(server.peer, "127.0.0.9");
	hear_out(&outcome);
	call(&outcome, &server.target, 1, FW_SECURITY_NONE, "::1"); /* of the other family */
	assert_string_equal(server.peer, "127.0.0.1");
	hear_out(&outcome);
	call(&outcome, &server.target, 1, FW_SECURITY_NONE, "192.0.2.1"); /* not one of ours */
	assert_int_equal(outcome.cause, FW_CAUSE_CONNECT_FAILED);
	server_stop(&server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tls_comes_first_and_its_session_goes_on),
		TEST(optional_tls_takes_direct_tls_as_well),
		TEST(a_port_without_direct_tls_makes_way),
		TEST(connections_leave_from_the_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
