/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the S2S tests stand on: a host with s2s on it, services that answer as a test wants, and peers of
 * plain bytes on 127.0.0.1 in the same loop. Domains: corp.example and sales.example are ours and federated,
 * inside.example is ours only; the rest is the outside.
 */
#ifndef TESTS_COMPONENTS_S2S_WORLD_H
#define TESTS_COMPONENTS_S2S_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fedway/io/tls.h>

#include "components/s2s/s2s.h"
#include "components/s2s/s2s_in.h"
#include "components/s2s/s2s_out.h"
#include "tests/support/fake_host.h"

/** Longest wait for something that must happen; a test never takes it when it passes. */
enum { SOON_MS = 5000 };

struct world {
	struct fake_host *host;
	struct fw_self *self;
	struct s2s *s2s;
	struct s2s_config config;
	struct fw_listen_row listen;
	/* resolver */
	uint16_t port;           /**< where every remote domain is found */
	uint16_t second_port;    /**< and where after it; 0: nowhere else */
	enum fw_cause resolve;   /**< FW_CAUSE_NONE: it is found */
	bool is_static, resolver_silent;
	unsigned resolved;       /**< questions asked */
	/* dialback */
	enum fw_cause key;       /**< FW_CAUSE_NONE: a key is made */
	const char *verdict;     /**< of verify: "valid", "invalid"; NULL: the cause below */
	enum fw_cause verify;
	bool verify_silent;
	char verify_asks[FW_TLS_RULES_TEXT_SIZE]; /**< of the authoritative server, in the last question */
	unsigned keys, verified, checked;
	/* policy */
	const char *denied;      /**< remote domain that may not talk; NULL: none */
	bool policy_absent;
	unsigned asked;
};

/** Where a certificate of the tests is. */
#define CERT(name) TEST_CERTS "/" name

/** Defaults with short times, no TLS, one listener on a free port of 127.0.0.1; nothing runs yet. */
void world_init(struct world *world);
/** Starts s2s with world->config. */
void world_start(struct world *world);
/** Starts with defaults. */
void world_new(struct world *world);
/** Stops all and checks that every stanza had its exit. */
void world_free(struct world *world);
/** Keys for tls-required. */
void world_use_tls(struct world *world, enum fw_security mode);
/** Turns until `ready` or SOON_MS; fails the test with `what` when it does not happen. */
void world_until(struct world *world, bool (*ready)(void *ctx), void *ctx, const char *what);
/** A message with this body and id from a user of ours. */
void world_send(struct world *world, const char *from, const char *to, const char *id);
/** Turns until so many stanzas were returned with the cause, and eats the error answers. */
void world_expect_bounces(struct world *world, enum fw_cause cause, unsigned count);
/** Waits for the next stanza that is handed to the router, which must have this id. */
void world_expect_routed(struct world *world, const char *id);
void world_expect_log(struct world *world, const char *text);
/** Turns until no outgoing pair is left. */
void world_expect_no_pairs(struct world *world);
void world_expect_no_ins(struct world *world);

/** A peer: one connection of plain bytes, or of bytes in TLS. */
struct peer {
	struct world *world;
	int listen_fd;
	struct fw_io *listen_io;
	int fd;
	struct fw_io *io;
	struct fw_tls *tls;
	const char *certificate; /**< of TEST_CERTS; NULL: none. At first "partner-self": its authority is not ours */
	const char *sni;         /**< the name it asks for when it initiates: "corp.example"; "": none */
	bool handshaking, secure;
	char in[262144];
	size_t len, seen;
	bool ended;
	bool deaf;        /**< does not read */
	unsigned accepted;
};

/** Listens; the resolver tells its port. The newest connection is the peer's. */
struct peer *peer_listen(struct world *world);
/** Connects to our listener. */
struct peer *peer_connect(struct world *world);
void peer_free(struct peer **peer);
void peer_send(struct peer *peer, const char *format, ...) FW_PRINTF(2, 3);
/** Waits until `text` came after what was expected before; fails the test when it does not come. */
void peer_expect(struct peer *peer, const char *text);
/** True when it is there already. */
bool peer_has(const struct peer *peer, const char *text);
/** Waits for a connection. */
void peer_expect_connection(struct peer *peer, unsigned number);
/** Waits for the end of the connection. */
void peer_expect_end(struct peer *peer);
/** Closes the socket, as a crash does. */
void peer_cut(struct peer *peer);
/** TLS from here on, as `side`; waits for the handshake. */
void peer_secure(struct peer *peer, enum fw_tls_side side);
/** Value of attribute `name` in the last element that was expected. */
const char *peer_attr(struct peer *peer, const char *after, const char *name, char out[128]);

/** Header, features and dialback as the receiving server, up to the key; answers nothing. */
void peer_take_stream(struct peer *peer, const char *id);
/** The same and the answer `valid`. */
void peer_accept_pair(struct peer *peer, const char *id, const char *local, const char *remote);
/** Header as the initiating server; waits for ours and for features. */
void peer_open(struct peer *peer, const char *from, const char *to);
/** Sends db:result and waits for `valid`. */
void peer_prove(struct peer *peer, const char *from, const char *to);

#endif
