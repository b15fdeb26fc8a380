/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * An authoritative server with STARTTLS for the tests of dialback_verify.c. There is one at a time,
 * for one connection at a time.
 */
#include "tests/components/dialback/tls_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fedway/io/channel.h>
#include <fedway/io/socket.h>
#include <fedway/io/tls.h>

static struct {
	struct fw_loop *loop;
	const char *answer;
	int fd;
	struct fw_io *io;
	struct fw_channel *channel;
	struct fw_tls_context *tls;
	unsigned asked_in_clear, asked_under_tls;
} server;

static void tls_server_opened(void *ctx, const struct fw_stream_header *header)
{
	bool clear = fw_channel_tls(server.channel) == NULL;

	(void)ctx;
	fw_channel_open(server.channel, header->from, header->to, fw_str("A1"), true);
	fw_channel_send_text(server.channel, "<stream:features>%s</stream:features>",
	                     clear ? "<starttls xmlns='" FW_NS_TLS "'><required/></starttls>"
	                           : "<dialback xmlns='" FW_NS_DIALBACK_FEATURE "'/>");
}

static void tls_server_element(void *ctx, struct fw_stanza **stanza)
{
	bool clear = fw_channel_tls(server.channel) == NULL;

	(void)ctx;
	if (fw_str_is(fw_stanza_name(*stanza), "starttls")) {
		fw_channel_send_text(server.channel, "<proceed xmlns='" FW_NS_TLS "'/>");
		const struct fw_tls_start start = { .side = FW_TLS_RECEIVING };
		fw_channel_secure(server.channel, server.tls, &start);
	} else if (fw_str_is(fw_stanza_name(*stanza), "verify")) {
		server.asked_in_clear += clear;
		server.asked_under_tls += !clear;
		fw_channel_send_text(server.channel, "%s", server.answer);
	}
}

static void tls_server_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	(void)ctx;
	(void)cause;
	(void)detail;
	fw_channel_free(&server.channel);
}

static void tls_server_accept(void *ctx, int events)
{
	static const struct fw_channel_events channel_events = {
		.opened = tls_server_opened,
		.element = tls_server_element,
		.closed = tls_server_closed,
	};
	const struct fw_stream_settings settings = { FW_NS_SERVER, true,
		                                     FW_XML_LIMITS_BEFORE_AUTH };
	struct fw_addr peer;
	int fd;

	(void)ctx;
	(void)events;
	if (fw_socket_accept(server.fd, &fd, &peer) == FW_OK) {
		assert_null(server.channel);
		assert_int_equal(fw_channel_new(server.loop, &fd, &settings, &channel_events, NULL,
		                                &server.channel),
		                 FW_OK);
	}
}

bool tls_server_is_alone(void *ctx)
{
	(void)ctx;
	return server.channel == NULL;
}

uint16_t tls_server_begin(struct fw_loop *loop, const char *answer)
{
	const struct fw_tls_settings settings = { .certificate_file = TEST_CERTS "/a.pem",
		                                  .key_file = TEST_CERTS "/a.key" };
	struct fw_addr addr;

	server.loop = loop;
	server.answer = answer;
	server.asked_in_clear = server.asked_under_tls = 0;
	assert_int_equal(fw_tls_context_new(&settings, &server.tls, NULL), FW_OK);
	assert_int_equal(fw_addr_parse("127.0.0.1", 0, &addr), FW_OK);
	assert_int_equal(fw_socket_listen(&addr, 8, &server.fd, NULL), FW_OK);
	assert_int_equal(fw_socket_name(server.fd, &addr), FW_OK);
	assert_int_equal(
	        fw_io_add(server.loop, server.fd, FW_IO_READ, tls_server_accept, NULL, &server.io),
	        FW_OK);
	return fw_addr_port(&addr);
}

void tls_server_end(void)
{
	fw_io_remove(&server.io);
	fw_socket_close(&server.fd);
	fw_tls_context_release(&server.tls);
}

unsigned tls_server_asked(bool under_tls)
{
	return under_tls ? server.asked_under_tls : server.asked_in_clear;
}
