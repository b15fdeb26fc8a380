/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two ends of TLS on a socket pair, for tests: 0 initiates, 1 receives.
 */
#ifndef TESTS_SUPPORT_TLS_PAIR_H
#define TESTS_SUPPORT_TLS_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>

#include <fedway/io/loop.h>
#include <fedway/io/socket.h>
#include <fedway/io/tls.h>

struct pair {
	int fds[2];
	struct fw_tls *tls[2];
	struct fw_error err[2];
	int done[2];
};

static inline struct fw_tls_context *pair_context(const struct fw_tls_settings *settings)
{
	struct fw_tls_context *context = NULL;
	struct fw_error err = { 0 };

	if (fw_tls_context_new(settings, &context, &err) != FW_OK) {
		fail_msg("%s", err.text);
	}
	return context;
}

static inline struct fw_tls_context *context_of(const char *cert, const char *key, const char *ca)
{
	const struct fw_tls_settings settings = { .certificate_file = cert,
		                                  .key_file = key,
		                                  .ca_file = ca };

	return pair_context(&settings);
}

static inline void pair_open_as(struct pair *pair, struct fw_tls_context *initiating,
				const struct fw_tls_start *out, struct fw_tls_context *receiving,
				const struct fw_tls_start *in)
{
	memset(pair, 0, sizeof(*pair));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair->fds), 0);
	assert_int_equal(fw_tls_new(initiating, out, pair->fds[0], &pair->tls[0]), FW_OK);
	assert_int_equal(fw_tls_new(receiving, in, pair->fds[1], &pair->tls[1]), FW_OK);
}

/** As after STARTTLS; the contexts are released: the connections hold them. */
static inline void pair_open(struct pair *pair, struct fw_tls_context *initiating,
			     struct fw_tls_context *receiving)
{
	static const struct fw_tls_start out = { .side = FW_TLS_INITIATING,
		                                 .peer_name = "b.example" };
	static const struct fw_tls_start in = { .side = FW_TLS_RECEIVING };

	pair_open_as(pair, initiating, &out, receiving, &in);
	fw_tls_context_release(&initiating);
	fw_tls_context_release(&receiving);
}

static inline void pair_close(struct pair *pair)
{
	for (int i = 0; i < 2; i++) {
		fw_tls_free(&pair->tls[i]);
		fw_socket_close(&pair->fds[i]);
	}
}

/** Runs both handshakes to their ends. */
static inline void pair_shake(struct pair *pair)
{
	pair->done[0] = pair->done[1] = FW_EAGAIN;
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 2; i++) {
			int want = 0;

			if (pair->done[i] == FW_EAGAIN) {
				pair->done[i] =
					fw_tls_handshake(pair->tls[i], &want, &pair->err[i]);
				assert_true(pair->done[i] != FW_EAGAIN || want == FW_IO_READ ||
					    want == FW_IO_WRITE);
			}
		}
	}
}

/** Both are done, and what the receiving side sent after the handshake (tickets) has been read. */
static inline void pair_up(struct pair *pair)
{
	char byte;
	int want = 0;

	pair_shake(pair);
	if (pair->done[0] != FW_OK || pair->done[1] != FW_OK) {
		fail_msg("%s / %s", pair->err[0].text, pair->err[1].text);
	}
	assert_int_equal(fw_tls_read(pair->tls[0], &byte, 1, &want), FW_EAGAIN);
}

#endif
