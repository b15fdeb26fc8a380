/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The HTTPS server of the tests: connections under TLS, whole requests in, answers out. What it
 * answers as an AXL service is axl_table.c.
 */
#include "tests/components/axl/axl_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include <fedway/io/socket.h>
#include <fedway/io/tls_pipe.h>

enum { CONNECTIONS = 16, REQUEST_SIZE = 65536 };

struct connection {
	struct fw_tls_pipe *pipe;
	struct fw_io *io;
	int fd;
	char in[REQUEST_SIZE];
	size_t in_len;
	char *out;
	size_t out_len, out_at;
	bool used, hang_up;
};

static struct {
	struct fw_loop *loop;
	axl_server_fn *fn;
	void *ctx;
	int fd;
	struct fw_io *io;
	struct fw_tls_context *tls;
	struct connection connections[CONNECTIONS];
	unsigned accepted, requests;
	char last[REQUEST_SIZE];
} server;

static void drop(struct connection *connection)
{
	fw_io_remove(&connection->io);
	fw_socket_close(&connection->fd);
	free(connection->out);
	connection->out = NULL;
}

static void say(struct connection *connection)
{
	while (connection->out_at < connection->out_len) {
		ssize_t some = send(connection->fd, connection->out + connection->out_at,
		                    connection->out_len - connection->out_at, MSG_NOSIGNAL);
		if (some <= 0) {
			fw_io_set(connection->io, FW_IO_READ | FW_IO_WRITE);
			return;
		}
		connection->out_at += (size_t)some;
	}
	fw_io_set(connection->io, FW_IO_READ);
	free(connection->out);
	connection->out = NULL;
	if (connection->hang_up) {
		drop(connection);
	}
}

/* The length of the request that stands at the beginning, 0 when it is not whole. */
static size_t whole_request(const struct connection *connection)
{
	const char *end = strstr(connection->in, "\r\n\r\n");
	const char *length = strstr(connection->in, "Content-Length: ");

	if (end == NULL) {
		return 0;
	}
	size_t size = (size_t)(end + 4 - connection->in);
	size += length != NULL ? strtoul(length + 16, NULL, 10) : 0;
	return connection->in_len >= size ? size : 0;
}

static void answer(struct connection *connection, size_t size)
{
	memcpy(server.last, connection->in, size);
	server.last[size] = '\0';
	memmove(connection->in, connection->in + size, connection->in_len - size + 1);
	connection->in_len -= size;
	server.requests++;
	connection->out = server.fn(server.ctx, server.last, &connection->hang_up);
	connection->out_at = 0;
	connection->out_len = connection->out != NULL ? strlen(connection->out) : 0;
	if (connection->out != NULL || connection->hang_up) {
		say(connection);
	}
}

static void on_plain(void *ctx, int events)
{
	struct connection *connection = ctx;
	ssize_t got;

	if (connection->out != NULL && (events & FW_IO_WRITE)) {
		say(connection);
		return;
	}
	got = fw_socket_read(connection->fd, connection->in + connection->in_len,
	                     REQUEST_SIZE - connection->in_len - 1);
	if (got == FW_EAGAIN) {
		return;
	}
	if (got <= 0) {
		drop(connection);
		return;
	}
	connection->in_len += (size_t)got;
	connection->in[connection->in_len] = '\0';
	size_t size = whole_request(connection);
	if (size > 0) {
		answer(connection, size);
	}
}

static void take(struct connection *connection, int *fd)
{
	connection->fd = *fd;
	*fd = -1;
	assert_int_equal(fw_io_add(server.loop, connection->fd, FW_IO_READ, on_plain, connection,
	                           &connection->io),
	                 FW_OK);
}

static void on_secured(void *ctx, int *fd)
{
	take(ctx, fd);
}

static void on_closed(void *ctx, const char *detail)
{
	struct connection *connection = ctx;

	(void)detail;
	fw_tls_pipe_free(&connection->pipe);
}

static void on_accept(void *ctx, int events)
{
	static const struct fw_tls_pipe_events pipe_events = { on_secured, on_closed };
	const struct fw_tls_pipe_settings settings = { .context = server.tls };
	struct fw_addr peer;
	int fd;

	(void)ctx;
	(void)events;
	if (fw_socket_accept(server.fd, &fd, &peer) != FW_OK) {
		return;
	}
	assert_true(server.accepted < CONNECTIONS);
	struct connection *connection = &server.connections[server.accepted++];
	*connection = (struct connection){ .fd = -1, .used = true };
	if (server.tls == NULL) {
		take(connection, &fd);
		return;
	}
	assert_int_equal(fw_tls_pipe_new(server.loop, &fd, &settings, &pipe_events, connection,
	                                 &connection->pipe),
	                 FW_OK);
}

uint16_t axl_server_begin(struct fw_loop *loop, const char *certificate, axl_server_fn *fn,
                          void *ctx)
{
	char cert[256], key[256];
	const struct fw_tls_settings settings = { .certificate_file = cert, .key_file = key };
	struct fw_addr addr;

	memset(&server, 0, sizeof(server));
	server.loop = loop;
	server.fn = fn;
	server.ctx = ctx;
	snprintf(cert, sizeof(cert), "%s/%s.pem", TEST_CERTS, certificate);
	snprintf(key, sizeof(key), "%s/%s.key", TEST_CERTS, certificate);
	if (certificate[0] != '\0') {
		assert_int_equal(fw_tls_context_new(&settings, &server.tls, NULL), FW_OK);
	}
	assert_int_equal(fw_addr_parse("127.0.0.1", 0, &addr), FW_OK);
	assert_int_equal(fw_socket_listen(&addr, 8, &server.fd, NULL), FW_OK);
	assert_int_equal(fw_socket_name(server.fd, &addr), FW_OK);
	assert_int_equal(fw_io_add(loop, server.fd, FW_IO_READ, on_accept, NULL, &server.io),
	                 FW_OK);
	return fw_addr_port(&addr);
}

void axl_server_end(void)
{
	for (size_t i = 0; i < CONNECTIONS; i++) {
		if (server.connections[i].used) {
			drop(&server.connections[i]);
			fw_tls_pipe_free(&server.connections[i].pipe);
		}
	}
	fw_io_remove(&server.io);
	fw_socket_close(&server.fd);
	fw_tls_context_release(&server.tls);
}

unsigned axl_server_requests(void)
{
	return server.requests;
}

unsigned axl_server_connections(void)
{
	return server.accepted;
}

const char *axl_server_last(void)
{
	return server.last;
}
