/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A server for one or more connections that says what its script says, on 127.0.0.1 and in the loop of the test.
 */
#ifndef TESTS_COMPONENTS_DIALBACK_FAKE_SERVER_H
#define TESTS_COMPONENTS_DIALBACK_FAKE_SERVER_H

#include <fedway/io/loop.h>
#include <fedway/io/socket.h>

struct fake_script {
	const char *what;     /**< for messages of the test */
	const char *header;   /**< answer to the stream header; NULL: silence, "": a usual one */
	const char *features; /**< after the header; NULL: the usual ones */
	const char *answer;   /**< after the whole <db:verify/>; NULL: silence */
	bool hang_up;         /**< closes the connection after the answer */
};

struct fake_server;

/** Listens on a free port of 127.0.0.1. The script must outlive the server. */
struct fake_server *fake_server_new(struct fw_loop *loop, const struct fake_script *script);
void fake_server_free(struct fake_server **server);
uint16_t fake_server_port(const struct fake_server *server);
/** Connections so far, and those that are open now. */
unsigned fake_server_connections(const struct fake_server *server);
unsigned fake_server_open(const struct fake_server *server);
/** What was received on all connections, one after the other. */
const char *fake_server_received(const struct fake_server *server);
/** Sends text on all open connections. */
void fake_server_say(struct fake_server *server, const char *text);

#endif
