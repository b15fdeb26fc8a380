/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The other server of the S2S bench: opens and accepts streams with STARTTLS and dialback, for as many
 * domains as wanted, on one epoll loop. It believes every key, since it is the load and not the subject. It knows
 * no XML but what the subjects of the bench send, and nothing of libfedway, so that it cannot measure itself.
 */
#ifndef FEDWAY_TESTS_BENCH_PEER_H
#define FEDWAY_TESTS_BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

enum peer_kind {
	PEER_ACCEPTED,  /* the subject dialled us */
	PEER_DIALLED,   /* we dialled the subject */
	PEER_COMPONENT, /* our component behind the subject */
};

struct peer;

struct peer_conn {
	struct peer *peer;
	struct peer_conn *next, *previous;
	enum peer_kind kind;
	int fd;
	SSL *ssl;          /* NULL in clear */
	bool handshake;    /* under way */
	bool up;           /* dialled: our pair was taken */
	char domain[128];  /* dialled: ours */
	char *in, *out;
	size_t in_len, in_size, out_at, out_len, out_size;
};

struct peer {
	const char *ip;      /* of the subject */
	int port;            /* its port for servers */
	const char *target;  /* its domain */
	const char *end_tag; /* of the stanzas that are counted */
	int epoll, listener;
	SSL_CTX *tls;
	SSL_SESSION *session; /* of the last dialled stream, when `resume` */
	bool resume;
	uint64_t stanzas;    /* arrived here, all connections together */
	int64_t last_number; /* of the last one */
	bool disorder;
	uint32_t ups;        /* dialled streams that came up */
	uint32_t resumed;
	struct peer_conn *conns;
};

/** @param certificate  PEM with chain and key. @return 0; -1 after saying why */
int peer_init(struct peer *peer, const char *certificate, int listen_port);
struct peer_conn *peer_dial(struct peer *peer, const char *domain);
/** A connected component's socket (bench_attach). */
struct peer_conn *peer_adopt(struct peer *peer, int fd);
/** Queues bytes. */
void peer_send(struct peer_conn *conn, const char *bytes, size_t len);
/** Nothing of it waits. */
bool peer_idle(const struct peer_conn *conn);
/** Writes what it can of what is queued, and closes. */
void peer_close(struct peer_conn *conn);
/** One turn of the loop. @return 0; 1: nothing happened for so long; -1: a stream failed, after saying so */
int peer_turn(struct peer *peer, int timeout_ms);

#endif
