/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A real router on a real loop, and peers on real loopback sockets that speak raw text: for the tests of links,
 * uplinks and the control socket. Everything runs in one thread; a peer that waits turns the router's loop.
 */
#ifndef TESTS_ROUTER_ATTACH_RIG_H
#define TESTS_ROUTER_ATTACH_RIG_H

#include <fedway/io/crypto.h>
#include <fedway/io/tls.h>

#include "router/router.h"

struct rig {
	struct fw_loop *loop;
	struct module_list *modules;
	struct router *router;
};

struct peer {
	struct rig *rig;
	int fd;
	char text[262144]; /**< all it has received and not forgotten */
	size_t len;
	bool ended;        /**< the router closed the connection */
	struct fw_tls *tls; /**< NULL: in clear */
};

/** Starts a router; fails the test with the problems if that does not work. */
void rig_start(struct rig *rig, const char *config, ...) FW_PRINTF(2, 3);
/** Reloads. @return the result of router_reload(), or that of config_load_text() */
int rig_reload(struct rig *rig, struct fw_json *changes, const char *config, ...) FW_PRINTF(3, 4);
/** Stops; fails the test unless the ledger balances with nothing in flight. */
void rig_stop(struct rig *rig);
/** Turns the loop until `done` says true; fails the test after some seconds. */
void rig_until(struct rig *rig, bool (*done)(void *ctx), void *ctx, const char *what);
/** Turns the loop as long as there is something to do at once. */
void rig_settle(struct rig *rig);

/** A new path for a control socket; the same again. */
const char *rig_new_socket(void);
const char *rig_socket(void);
/** A TCP port of 127.0.0.1 that is free now. */
uint16_t rig_free_port(void);

void peer_connect(struct peer *peer, struct rig *rig, uint16_t port);
void peer_take(struct peer *peer, struct rig *rig, int fd);
void peer_send(struct peer *peer, const char *format, ...) FW_PRINTF(2, 3);
void peer_send_bytes(struct peer *peer, const char *bytes, size_t size);
/** Reads until `text` has come; fails the test with what came instead. */
void peer_expect(struct peer *peer, const char *text);
/** Reads until the element has come, and decodes its base 64. */
void peer_hear(struct peer *peer, const char *element, char *out, size_t size);
/** Reads until the router has closed the connection. */
void peer_expect_end(struct peer *peer);
bool peer_has(const struct peer *peer, const char *text);
/** How often `text` stands in what has come. */
size_t peer_count(const struct peer *peer, const char *text);
void peer_forget(struct peer *peer);
void peer_close(struct peer *peer);

/** TLS from here on: the handshake. Its context is released. @return false: the router closed the connection */
bool peer_secure(struct peer *peer, struct fw_tls_context *context, bool direct);

/** Stream header to `name`. */
void peer_open(struct peer *peer, const char *name);
/** Header, then the handshake of `secret`, without waiting for its answer. */
void peer_prove(struct peer *peer, const char *name, const char *secret);
/** All of it; fails the test unless the link is up. */
void peer_attach(struct peer *peer, struct rig *rig, uint16_t port, const char *name, const char *secret);

/* ---- attach dialect 2 ---- */

/** Header with version and from, and the features behind the router's. */
void peer_open_sasl(struct peer *peer, const char *from);
/** An element of SASL with base 64 of the text. @param attributes  with a space before, or "" */
void peer_say(struct peer *peer, const char *element, const char *attributes, const char *text);
/** SCRAM-SHA-256 up to the last word of the peer, without waiting for its answer. */
void peer_scram(struct peer *peer, const char *name, const char *secret);
/** All of it in clear text; fails the test unless the features offer to bind. */
void peer_attach_sasl(struct peer *peer, struct rig *rig, uint16_t port, const char *name, const char *secret);

#endif
