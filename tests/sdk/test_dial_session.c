/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Dials one after the other to the same server: its TLS session goes on, and a server that stumbles
 * over that is tried again without before anybody hears of it.
 */
#include <fedway/io/dial.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sdk/io/tls_private.h"

#define CERT(name) TEST_CERTS "/" name
#define HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:server' id='x' from='b.example' " \
	"xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"

struct server {
	struct fw_loop *loop;
	struct fw_io *io;
	int listener, accepted;
	struct fw_tls_context *context;
	struct fw_channel *channel;
	struct fw_target target;
	/* the dial's end */
	struct fw_tls_context *ours;
	struct fw_dial *dial;
	int calls;
	enum fw_cause cause;
	size_t attempts;
	bool resumed;
};

static void server_opened(void *ctx, const struct fw_stream_header *header)
{
	struct server *server = ctx;

	(void)header;
	fw_channel_send_text(server->channel, HEADER "<stream:features/>");
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
	static const struct fw_stream_settings settings = {
		.content_ns = FW_NS_SERVER,
		.limits = FW_XML_LIMITS_BEFORE_AUTH,
	};
	struct server *server = ctx;
	int fd = -1;

	(void)events;
	assert_int_equal(fw_socket_accept(server->listener, &fd, NULL), FW_OK);
	server->accepted++;
	fw_channel_free(&server->channel);
	assert_int_equal(fw_channel_new(server->loop, &fd, &settings, &server_events, server,
	                                &server->channel),
	                 FW_OK);
	fw_channel_sniff_tls(server->channel, server->context);
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
	static struct server server;
	struct fw_addr addr;

	memset(&server, 0, sizeof(server));
	assert_int_equal(fw_loop_new(&server.loop), FW_OK);
	server.context = context_of(CERT("b.pem"), CERT("b.key"));
	server.ours = context_of(CERT("a.pem"), CERT("a.key"));
	assert_int_equal(fw_addr_parse("127.0.0.1", 0, &addr), FW_OK);
	assert_int_equal(fw_socket_listen(&addr, 8, &server.listener, NULL), FW_OK);
	assert_int_equal(fw_socket_name(server.listener, &server.target.addr), FW_OK);
	snprintf(server.target.host, sizeof(server.target.host), "b.example");
	server.target.tls = FW_TARGET_DIRECT_TLS;
	assert_int_equal(fw_io_add(server.loop, server.listener, FW_IO_READ, server_accept, &server,
	                           &server.io),
	                 FW_OK);
	*state = &server;
	return 0;
}

static int teardown(void **state)
{
	struct server *server = *state;

	fw_channel_free(&server->channel);
	fw_io_remove(&server->io);
	fw_socket_close(&server->listener);
	fw_tls_context_release(&server->context);
	fw_tls_context_release(&server->ours);
	fw_loop_free(&server->loop);
	return 0;
}

static void done(void *ctx, struct fw_dial_result *result)
{
	struct server *server = ctx;
	struct fw_tls_facts facts = { 0 };

	server->calls++;
	server->cause = result->cause;
	server->attempts = result->attempt_count;
	if (result->channel != NULL) {
		fw_tls_facts(fw_channel_tls(result->channel), &facts);
	}
	server->resumed = facts.resumed;
}

static void dial_once(struct server *server)
{
	const struct fw_dial_settings settings = {
		.local_domain = "a.example",
		.remote_domain = "b.example",
		.tls = server->ours,
		.limits = FW_XML_LIMITS_BEFORE_AUTH,
		.connect_timeout_ms = 10000,
		.stream_timeout_ms = 10000,
		.tls_timeout_ms = 10000,
		.targets = &server->target,
		.target_count = 1,
	};
	int before = server->calls;
	uint64_t until_us = fw_now_us(server->loop) + 20 * 1000 * 1000;

	server->accepted = 0;
	assert_int_equal(fw_dial_start(server->loop, &settings, done, server, &server->dial),
	                 FW_OK);
	while (server->calls == before) {
		assert_true(fw_now_us(server->loop) < until_us);
		fw_loop_turn(server->loop, true);
	}
	fw_dial_cancel(&server->dial);
	assert_int_equal(server->cause, FW_CAUSE_NONE);
	assert_int_equal(server->attempts, 1);
}

static void a_session_goes_on_from_dial_to_dial(void **state)
{
	struct server *server = *state;

	for (int i = 0; i < 3; i++) {
		dial_once(server);
		assert_int_equal(server->resumed, i > 0);
		assert_int_equal(server->accepted, 1);
	}
}

static void a_server_that_stumbles_is_tried_again_at_once(void **state)
{
	struct server *server = *state;

	/* OpenSSL's servers that ask for certificates stumble without it. */
	SSL_CTX_set_session_id_context(server->context->ssl, (const unsigned char *)"", 0);
	for (int i = 0; i < 4; i++) {
		dial_once(server);
		assert_false(server->resumed);
		assert_int_equal(server->accepted, i == 1 ? 2 : 1);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_session_goes_on_from_dial_to_dial),
		CASE(a_server_that_stumbles_is_tried_again_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
