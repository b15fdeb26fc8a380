/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The control socket itself: a file that is opened, moved and removed, and a handful of clients
 * that are let in. Whoever may open the file may command the router, so its mode is the lock. What
 * clients say is read in control_client.c.
 */
#include "router/control.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fedway/io/socket.h>

#include "router/control_room.h"

enum {
	CONTROL_BACKLOG = 16,
	CONTROL_CLIENTS_MAX = 32,
};

static struct fw_logger control_socket = FW_LOGGER("router.control");

void control_set_daemon(struct router *router, const struct control_daemon *daemon, void *ctx)
{
	if (router->control != NULL) {
		router->control->daemon = daemon;
		router->control->daemon_ctx = ctx;
	}
}

void control_get_daemon(const struct router *router, const struct control_daemon **daemon,
                        void **ctx)
{
	*daemon = router->control != NULL ? router->control->daemon : NULL;
	*ctx = router->control != NULL ? router->control->daemon_ctx : NULL;
}

static void control_ready(void *ctx, int events)
{
	static const char busy[] =
	        "{\"ok\":false,\"error\":\"too many clients\",\"remedy\":\"try again\"}\n";
	struct control *control = ctx;
	struct fw_addr peer;
	int fd = -1;

	(void)events;
	if (fw_socket_accept(control->fd, &fd, &peer) != FW_OK) {
		return;
	}
	if (control->client_count < CONTROL_CLIENTS_MAX) {
		control_client_start(control, &fd);
	} else {
		struct iovec piece = { (void *)busy, sizeof(busy) - 1 };
		(void)fw_socket_write(fd, &piece, 1);
	}
	if (fd >= 0) {
		fw_socket_close(&fd);
	}
}

/* A file left by a daemon that died is removed; one that answers is another daemon's. */
static int clear_path(const struct sockaddr_un *addr, struct fw_error *err)
{
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int refused;
	struct stat info;

	if (probe < 0) {
		return fw_error_set(err, FW_ESYS, "socket: %s", strerror(errno));
	}
	refused = connect(probe, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ? 0 : errno;
	(void)close(probe);
	if (refused == 0) {
		return fw_error_set(err, FW_EEXIST,
		                    "control socket %s: another fedwayd answers there",
		                    addr->sun_path);
	}
	if (refused == ENOENT) {
		return FW_OK;
	}
	if (lstat(addr->sun_path, &info) == 0 && !S_ISSOCK(info.st_mode)) {
		return fw_error_set(err, FW_EEXIST,
		                    "control socket %s: a file that is no socket is there",
		                    addr->sun_path);
	}
	if (refused == ECONNREFUSED && unlink(addr->sun_path) == 0) {
		return FW_OK;
	}
	return fw_error_set(err, FW_ESYS, "control socket %s: %s", addr->sun_path,
	                    strerror(refused));
}

static int open_socket(const char *path, int *out, struct fw_error *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int ret = FW_ESYS;
	int fd = -1;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		return fw_error_set(err, FW_ELIMIT, "control socket %s: longer than %zu bytes",
		                    path, sizeof(addr.sun_path) - 1);
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	ret = clear_path(&addr, err);
	if (ret != FW_OK) {
		return ret;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The mode is right from the first instant: chmod() afterwards would leave a gap. */
	mode_t before = umask(0117);
	int bound = fd >= 0 ? bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) : -1;
	(void)umask(before);
	if (bound != 0 || listen(fd, CONTROL_BACKLOG) != 0) {
		ret = fw_error_set(err, FW_ESYS, "control socket %s: %s", path, strerror(errno));
		if (fd >= 0) {
			(void)close(fd);
		}
		return ret;
	}
	*out = fd;
	return FW_OK;
}

static void close_socket(struct control *control)
{
	fw_io_remove(&control->io);
	if (control->fd >= 0) {
		fw_socket_close(&control->fd);
		(void)unlink(control->path);
	}
	free(control->path);
	control->path = NULL;
}

/* Opens the path and only then lets go of the one before. */
static int move_to(struct control *control, const char *path, struct fw_error *err)
{
	int ret = FW_OK;
	int fd = -1;
	struct fw_io *io = NULL;
	char *copy = fw_str_dup(fw_str(path));

	if (copy == NULL) {
		return FW_ENOMEM;
	}
	if (path[0] != '\0') {
		ret = open_socket(path, &fd, err);
		if (ret == FW_OK) {
			ret = fw_io_add(control->router->loop, fd, FW_IO_READ, control_ready,
			                control, &io);
		}
	}
	if (ret != FW_OK) {
		if (fd >= 0) {
			(void)close(fd);
			(void)unlink(path);
		}
		free(copy);
		return ret;
	}
	close_socket(control);
	control->fd = fd;
	control->io = io;
	control->path = copy;
	fw_log(control->router->log, &control_socket, FW_LOG_NOTICE, "control socket path=%s",
	       path);
	return FW_OK;
}

int control_start(struct router *router, struct fw_error *err)
{
	struct control *control = calloc(1, sizeof(*control));
	int ret;

	if (control == NULL) {
		return FW_ENOMEM;
	}
	control->router = router;
	control->fd = -1;
	router->control = control;
	ret = move_to(control, router->config->router.control_socket, err);
	if (ret != FW_OK) {
		control_stop(router);
	}
	return ret;
}

int control_apply(struct router *router, struct fw_error *err)
{
	const char *path = router->config->router.control_socket;

	if (router->control == NULL || strcmp(router->control->path, path) == 0) {
		return FW_OK;
	}
	return move_to(router->control, path, err);
}

void control_stop(struct router *router)
{
	struct control *control = router->control;

	if (control == NULL) {
		return;
	}
	control_clients_stop(control);
	close_socket(control);
	router->control = NULL;
	free(control);
}

void control_set_who(const struct router *router, const char *who)
{
	if (router->control != NULL) {
		router->control->who = who;
	}
}

const char *control_who(const struct router *router)
{
	const char *who = router->control != NULL ? router->control->who : NULL;

	return who != NULL ? who : "an unknown caller";
}
