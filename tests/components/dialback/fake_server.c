/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The scripted server: reads, looks for a header, a db:verify and a footer in what it got, and
 * answers with the script's bytes. It knows no XML: whatever a test wants to be said can be said.
 */
#include "tests/components/dialback/fake_server.h"

#include <stdio.h>
#include <stdlib.h>

enum { CONNECTIONS = 8, RECEIVED_SIZE = 65536 };

static const char usual_header[] =
        "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
        "xmlns:db='jabber:server:dialback' "
        "xmlns:stream='http://etherx.jabber.org/streams' from='partner.example' to='corp.example' "
        "id='A1' version='1.0'>";
static const char usual_features[] =
        "<stream:features><dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
        "</stream:features>";

struct fake_connection {
	struct fake_server *server;
	struct fw_io *io;
	int fd; /* -1: free */
	char got[16384];
	size_t used;
	bool opened, answered;
};

struct fake_server {
	struct fw_loop *loop;
	const struct fake_script *script;
	struct fw_io *io;
	int fd;
	uint16_t port;
	unsigned count;
	struct fake_connection connections[CONNECTIONS];
	char received[RECEIVED_SIZE];
	size_t received_len;
};

static void say(struct fake_connection *connection, const char *text)
{
	const struct iovec piece = { (void *)text, strlen(text) };

	if (text[0] != '\0') {
		fw_socket_write(connection->fd, &piece, 1);
	}
}

static void hang_up(struct fake_connection *connection)
{
	fw_io_remove(&connection->io);
	fw_socket_close(&connection->fd);
	connection->fd = -1;
}

static void answer(struct fake_connection *connection)
{
	const struct fake_script *script = connection->server->script;
	const char *header = strstr(connection->got, "<stream:stream");

	if (!connection->opened && header != NULL && strchr(header, '>') != NULL &&
	    script->header != NULL) {
		connection->opened = true;
		say(connection, script->header[0] != '\0' ? script->header : usual_header);
		say(connection, script->features != NULL ? script->features : usual_features);
	}
	if (!connection->answered && strstr(connection->got, "</db:verify>") != NULL) {
		connection->answered = true;
		say(connection, script->answer != NULL ? script->answer : "");
		if (script->hang_up) {
			hang_up(connection);
			return;
		}
	}
	if (strstr(connection->got, "</stream:stream>") != NULL) {
		say(connection, "</stream:stream>");
		hang_up(connection);
	}
}

static void on_bytes(void *ctx, int events)
{
	struct fake_connection *connection = ctx;
	struct fake_server *server = connection->server;
	size_t room = sizeof(connection->got) - connection->used - 1;
	ssize_t got = fw_socket_read(connection->fd, connection->got + connection->used, room);

	(void)events;
	if (got == FW_EAGAIN) {
		return;
	}
	if (got <= 0) {
		hang_up(connection);
		return;
	}
	if (server->received_len + (size_t)got < sizeof(server->received)) {
		memcpy(server->received + server->received_len, connection->got + connection->used,
		       (size_t)got);
		server->received_len += (size_t)got;
	}
	connection->used += (size_t)got;
	connection->got[connection->used] = '\0';
	answer(connection);
}

static void on_accept(void *ctx, int events)
{
	struct fake_server *server = ctx;
	struct fw_addr peer;
	int fd;

	(void)events;
	while (fw_socket_accept(server->fd, &fd, &peer) == FW_OK) {
		struct fake_connection *connection = server->connections;
		while (connection->fd >= 0) {
			connection++;
		}
		*connection = (struct fake_connection){ .server = server, .fd = fd };
		fw_io_add(server->loop, fd, FW_IO_READ, on_bytes, connection, &connection->io);
		server->count++;
	}
}

struct fake_server *fake_server_new(struct fw_loop *loop, const struct fake_script *script)
{
	struct fake_server *server = calloc(1, sizeof(*server));
	struct fw_addr addr;

	server->loop = loop;
	server->script = script;
	for (size_t i = 0; i < CONNECTIONS; i++) {
		server->connections[i].fd = -1;
	}
	if (fw_addr_parse("127.0.0.1", 0, &addr) != FW_OK ||
	    fw_socket_listen(&addr, 8, &server->fd, NULL) != FW_OK ||
	    fw_socket_name(server->fd, &addr) != FW_OK ||
	    fw_io_add(loop, server->fd, FW_IO_READ, on_accept, server, &server->io) != FW_OK) {
		abort();
	}
	server->port = fw_addr_port(&addr);
	return server;
}

void fake_server_free(struct fake_server **at)
{
	struct fake_server *server = *at;

	if (server == NULL) {
		return;
	}
	for (size_t i = 0; i < CONNECTIONS; i++) {
		if (server->connections[i].fd >= 0) {
			hang_up(&server->connections[i]);
		}
	}
	fw_io_remove(&server->io);
	fw_socket_close(&server->fd);
	free(server);
	*at = NULL;
}

uint16_t fake_server_port(const struct fake_server *server)
{
	return server->port;
}

unsigned fake_server_connections(const struct fake_server *server)
{
	return server->count;
}

unsigned fake_server_open(const struct fake_server *server)
{
	unsigned count = 0;

	for (size_t i = 0; i < CONNECTIONS; i++) {
		count += server->connections[i].fd >= 0;
	}
	return count;
}

const char *fake_server_received(const struct fake_server *server)
{
	return server->received;
}

void fake_server_say(struct fake_server *server, const char *text)
{
	for (size_t i = 0; i < CONNECTIONS; i++) {
		if (server->connections[i].fd >= 0) {
			say(&server->connections[i], text);
		}
	}
}
