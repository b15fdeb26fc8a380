/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Who comes through the UNIX socket: the system says which user, the first line says which key,
 * and authorized_keys which core that is. One session for each core: a new one ends the old.
 */
#include "components/tunnel/tunnel_gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fedway/io/socket.h>

#include "components/tunnel/tunnel_conn.h"
#include "components/tunnel/tunnel_keys.h"

enum { GATE_GUESTS_MAX = 32, GATE_LOGIN_MS = 5000, GATE_BACKLOG = 16 };

static struct fw_logger gate_logger = FW_LOGGER("Tunnel");

/* One that has come; a core once its key is known. */
struct guest {
	struct guest *next;
	struct tunnel *tunnel;
	int fd;
	struct fw_io *io; /* until it has said its key */
	struct fw_timer *timer;
	char login[TUNNEL_KEY_SIZE + 64];
	size_t len;
	char realm[TUNNEL_REALM_SIZE];
	struct tunnel_conn *conn;
};

struct tunnel_gate {
	int fd;
	struct fw_io *io;
	struct guest *guests;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static void guest_free(struct guest *guest)
{
	struct guest **at = &guest->tunnel->gate->guests;

	while (*at != guest) {
		at = &(*at)->next;
	}
	*at = guest->next;
	tunnel_conn_free(&guest->conn);
	fw_io_remove(&guest->io);
	fw_timer_free(&guest->timer);
	fw_socket_close(&guest->fd);
	free(guest);
}

static void guest_refuse(struct guest *guest, const char *why)
{
	fw_log(fw_self_log(guest->tunnel->self), &gate_logger, FW_LOG_WARNING,
	       "a session is refused: %s", why);
	guest_free(guest);
}

/* ---- a core ---- */

static void guest_ready(void *ctx)
{
	struct guest *guest = ctx;

	fw_log(fw_self_log(guest->tunnel->self), &gate_logger, FW_LOG_NOTICE,
	       "core connected core=%s", guest->realm);
}

static void guest_ended(void *ctx, const char *why)
{
	struct guest *guest = ctx;

	fw_log(fw_self_log(guest->tunnel->self), &gate_logger, FW_LOG_NOTICE,
	       "core disconnected core=%s: %s", guest->realm,
	       why[0] != '\0' ? why : "the tunnel was closed");
	guest_free(guest);
}

static const struct tunnel_conn_calls guest_calls = { guest_ready, guest_ended };

static struct guest *gate_find(const struct tunnel *tunnel, const char *realm)
{
	struct guest *guest = tunnel->gate->guests;

	while (guest != NULL && (guest->conn == NULL || strcmp(guest->realm, realm) != 0)) {
		guest = guest->next;
	}
	return guest;
}

void tunnel_gate_end(struct tunnel *tunnel, const char *realm, const char *why)
{
	struct guest *guest = gate_find(tunnel, realm);

	if (guest != NULL) {
		guest_ended(guest, why);
	}
}

static void guest_begin(struct guest *guest)
{
	struct tunnel *tunnel = guest->tunnel;
	struct tunnel_peer *peer = NULL;

	tunnel_gate_end(tunnel, guest->realm, "it has come again");
	int ret = tunnel_memory_get(tunnel->memory, guest->realm, &peer);
	if (ret == FW_OK) {
		ret = tunnel_conn_new(tunnel, guest->fd, guest->fd, peer, fw_self_log(tunnel->self),
		                      &guest_calls, guest, &guest->conn);
	}
	if (ret != FW_OK) {
		guest_refuse(guest, fw_strerror(ret));
	}
}

/* ---- the first line ---- */

static void guest_login(struct guest *guest)
{
	struct tunnel_key *key = malloc(sizeof(*key));
	struct fw_error err = { 0 };

	fw_io_remove(&guest->io);
	fw_timer_stop(guest->timer);
	int ret = key != NULL ? tunnel_key_parse(fw_str_n(guest->login, guest->len), key, &err)
	                      : FW_ENOMEM;
	if (ret == FW_OK) {
		ret = tunnel_authorized_find(guest->tunnel, key, guest->realm);
	}
	free(key);
	if (ret == FW_OK) {
		guest_begin(guest);
	} else {
		guest_refuse(guest, ret == FW_ENOENT ? "its key is not (any more) authorized"
		                                     : fw_strerror(ret));
	}
}

static void guest_on_io(void *ctx, int events)
{
	struct guest *guest = ctx;
	char c = '\0';

	(void)events;
	/* A byte at a time: what follows the line is the session's. */
	while (guest->len < sizeof(guest->login)) {
		ssize_t got = fw_socket_read(guest->fd, &c, 1);
		if (got == FW_EAGAIN) {
			return;
		}
		if (got <= 0) {
			guest_refuse(guest, "it has gone before it said its key");
			return;
		}
		if (c == '\n') {
			guest_login(guest);
			return;
		}
		guest->login[guest->len++] = c;
	}
	guest_refuse(guest, "its first line is too long");
}

static void guest_on_timer(void *ctx)
{
	guest_refuse(ctx, "it does not say its key");
}

/* ---- the socket ---- */

static bool gate_has_room(const struct tunnel *tunnel)
{
	size_t count = 0;

	for (const struct guest *guest = tunnel->gate->guests; guest != NULL; guest = guest->next) {
		count++;
	}
	return count < GATE_GUESTS_MAX;
}

static void gate_take(struct tunnel *tunnel, int fd)
{
	struct ucred who = { 0 };
	socklen_t size = sizeof(who);
	struct guest *guest = NULL;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 || who.uid != geteuid() ||
	    !gate_has_room(tunnel) || (guest = calloc(1, sizeof(*guest))) == NULL) {
		fw_log(fw_self_log(tunnel->self), &gate_logger, FW_LOG_WARNING,
		       "a connection to the tunnel's socket is refused user=%u", (unsigned)who.uid);
		fw_socket_close(&fd);
		return;
	}
	guest->tunnel = tunnel;
	guest->fd = fd;
	guest->next = tunnel->gate->guests;
	tunnel->gate->guests = guest;
	struct fw_loop *loop = fw_self_loop(tunnel->self);
	if (fw_io_add(loop, fd, FW_IO_READ, guest_on_io, guest, &guest->io) != FW_OK ||
	    fw_timer_new(loop, guest_on_timer, guest, &guest->timer) != FW_OK) {
		guest_refuse(guest, fw_strerror(FW_ENOMEM));
		return;
	}
	fw_timer_start_ms(guest->timer, GATE_LOGIN_MS, 0);
}

static void gate_on_io(void *ctx, int events)
{
	struct tunnel *tunnel = ctx;
	int fd = -1;

	(void)events;
	while (tunnel->gate != NULL && fw_socket_accept(tunnel->gate->fd, &fd, NULL) == FW_OK) {
		gate_take(tunnel, fd);
	}
}

int tunnel_gate_open(struct tunnel *tunnel, struct fw_error *err)
{
	struct tunnel_gate *gate = calloc(1, sizeof(*gate));
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char path[TUNNEL_PATH_SIZE];
	int ret = FW_ESYS;

	if (gate == NULL) {
		return FW_ENOMEM;
	}
	gate->fd = -1;
	tunnel->gate = gate;
	tunnel_path(tunnel, "tunnel.sock", "", "", path);
	if (strlen(path) >= sizeof(addr.sun_path)) {
		ret = fw_error_set(err, FW_ELIMIT, "%s is too long for a socket: at most %zu bytes",
		                   path, sizeof(addr.sun_path) - 1);
		goto done;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	memcpy(gate->path, path, strlen(path) + 1);
	(void)unlink(path); /* of a process that was killed: the directory is ours alone */
	gate->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (gate->fd < 0 || bind(gate->fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    chmod(path, 0600) != 0 || listen(gate->fd, GATE_BACKLOG) != 0) {
		fw_error_set(err, ret, "cannot listen on %s: %s", path, strerror(errno));
		goto done;
	}
	ret = fw_io_add(fw_self_loop(tunnel->self), gate->fd, FW_IO_READ, gate_on_io, tunnel,
	                &gate->io);
done:
	if (ret != FW_OK) {
		tunnel_gate_close(tunnel);
	}
	return ret;
}

void tunnel_gate_close(struct tunnel *tunnel)
{
	struct tunnel_gate *gate = tunnel->gate;

	if (gate == NULL) {
		return;
	}
	while (gate->guests != NULL) {
		guest_free(gate->guests);
	}
	fw_io_remove(&gate->io);
	if (gate->fd >= 0) {
		(void)unlink(gate->path);
	}
	fw_socket_close(&gate->fd);
	tunnel->gate = NULL;
	free(gate);
}

void tunnel_gate_tell(struct tunnel *tunnel)
{
	for (struct guest *guest = tunnel->gate->guests; guest != NULL; guest = guest->next) {
		if (guest->conn != NULL) {
			tunnel_conn_tell(guest->conn);
		}
	}
}

bool tunnel_gate_report(const struct tunnel *tunnel, const char *realm, struct fw_json *row)
{
	const struct guest *guest = gate_find(tunnel, realm);

	if (guest == NULL) {
		return false;
	}
	tunnel_conn_report(guest->conn, row);
	return true;
}
