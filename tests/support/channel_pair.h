/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two channels on a socket pair whose buffers are small, ready for STARTTLS: a initiates, b receives.
 * For tests of channels under TLS.
 */
#ifndef TESTS_SUPPORT_CHANNEL_PAIR_H
#define TESTS_SUPPORT_CHANNEL_PAIR_H

#include <sys/socket.h>

#include "tests/support/channel_end.h"

#define HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:server' " \
	"xmlns:stream='http://etherx.jabber.org/streams' from='a.example' version='1.0'>"
#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define PROCEED "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

struct channel_pair {
	struct fw_loop *loop;
	struct end a, b;
	int fds[2];
};

/** Takes both contexts. */
static inline void channel_pair_setup(struct channel_pair *pair,
				      struct fw_tls_context *initiating,
				      struct fw_tls_context *receiving)
{
	const int small = 4096;

	memset(pair, 0, sizeof(*pair));
	assert_int_equal(fw_loop_new(&pair->loop), FW_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair->fds), 0);
	setsockopt(pair->fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	setsockopt(pair->fds[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	pair->a.context = initiating;
	pair->a.side = FW_TLS_INITIATING;
	pair->a.act_at = "proceed";
	pair->a.act = END_START_TLS;
	pair->b.context = receiving;
	pair->b.side = FW_TLS_RECEIVING;
	pair->b.act_at = "starttls";
	pair->b.act = END_START_TLS;
	pair->b.answer = PROCEED;
}

static inline void channel_pair_teardown(struct channel_pair *pair)
{
	fw_channel_free(&pair->a.channel);
	fw_channel_free(&pair->b.channel);
	fw_tls_context_release(&pair->a.context);
	fw_tls_context_release(&pair->b.context);
	fw_loop_free(&pair->loop);
}

/* Both headers. */
static inline void channel_pair_open(struct channel_pair *pair)
{
	fw_channel_open(pair->a.channel, fw_str("b.example"), fw_str("a.example"), fw_str(NULL), true);
	fw_channel_open(pair->b.channel, fw_str("a.example"), fw_str("b.example"), fw_str("i"), true);
}

#endif
