/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The control socket itself: lines in, replies out, for a handful of clients. Whoever may open the
 * socket may command the router, so the file's mode is the lock; still, no client can hold memory
 * or time without limit. What the commands do is control_commands.c.
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
	CONTROL_LINE_MAX = 65536,  /**< bytes of one request */
	CONTROL_TIMEOUT_MS = 10000 /**< without a byte in or out */
};

static struct fw_logger control_socket = FW_LOGGER("router.control");

struct control_client {
	struct control_client *next, **prev;
	struct control *control;
	int fd;
	struct fw_io *io;
	struct fw_timer *timer;
	char *in; /**< CONTROL_LINE_MAX bytes */
	size_t in_len;
	char *out; /**< reply under way, or NULL */
	size_t out_len, out_sent;
	bool ended; /**< the client has sent all it will */
};

struct control {
	struct router *router;
	const struct control_daemon *daemon;
	void *daemon_ctx;
	char *path;
	int fd;
	struct fw_io *io;
	struct control_client *clients;
	unsigned client_count;
};

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

static void client_free(struct control_client **client)
{
	struct control_client *old = *client;

	if (old == NULL) {
		return;
	}
	*client = NULL;
	if (old->prev != NULL) {
		*old->prev = old->next;
		if (old->next != NULL) {
			old->next->prev = old->prev;
		}
		old->control->client_count--;
	}
	fw_io_remove(&old->io);
	fw_timer_free(&old->timer);
	if (old->fd >= 0) {
		fw_socket_close(&old->fd);
	}
	free(old->in);
	free(old->out);
	free(old);
}

/* @return false when the client is gone */
static bool client_write(struct control_client *client)
{
	while (client->out != NULL) {
		struct iovec piece = { client->out + client->out_sent,
			               client->out_len - client->out_sent };
		ssize_t done = fw_socket_write(client->fd, &piece, 1);
		if (done == FW_EAGAIN) {
			fw_io_set(client->io, FW_IO_WRITE);
			return true;
		}
		if (done < 0) {
			client_free(&client);
			return false;
		}
		fw_timer_start_ms(client->timer, CONTROL_TIMEOUT_MS, 0);
		client->out_sent += (size_t)done;
		if (client->out_sent == client->out_len) {
			free(client->out);
			client->out = NULL;
		}
	}
	return true;
}

/* Answers one request. @return false when the client is gone */
static bool client_answer(struct control_client *client, struct fw_str line)
{
	char *text = control_answer(client->control->router, line);
	char *with_end = NULL;

	if (text != NULL) {
		client->out_len = strlen(text) + 1;
		with_end = realloc(text, client->out_len);
	}
	if (with_end == NULL) {
		free(text);
		client_free(&client);
		return false;
	}
	with_end[client->out_len - 1] = '\n';
	client->out = with_end;
	client->out_sent = 0;
	return client_write(client);
}

/* Answers requests, one at a time, as long as the client takes the replies. @return false when it
 * is gone */
static bool client_work(struct control_client *client)
{
	while (client->out == NULL && client->in_len > 0) {
		char *end = memchr(client->in, '\n', client->in_len);
		if (end == NULL && !client->ended) {
			break;
		}
		size_t len = end != NULL ? (size_t)(end - client->in) : client->in_len;
		size_t used = end != NULL ? len + 1 : len;
		struct fw_str line = fw_str_trim(fw_str_n(client->in, len));
		if (line.len > 0 && !client_answer(client, line)) {
			return false;
		}
		client->in_len -= used;
		memmove(client->in, client->in + used, client->in_len);
	}
	return true;
}

/* @return false when the client is gone */
static bool client_read(struct control_client *client)
{
	static const char too_long[] = "{\"ok\":false,\"error\":\"the request is too long\","
	                               "\"remedy\":\"a request is one line of at most 64 KiB\"}\n";
	ssize_t got;

	if (client->in_len == CONTROL_LINE_MAX) {
		struct iovec piece = { (void *)too_long, sizeof(too_long) - 1 };
		(void)fw_socket_write(client->fd, &piece, 1);
		client_free(&client);
		return false;
	}
	got = fw_socket_read(client->fd, client->in + client->in_len,
	                     CONTROL_LINE_MAX - client->in_len);
	if (got == FW_EAGAIN) {
		return true;
	}
	if (got < 0) {
		client_free(&client);
		return false;
	}
	client->ended = got == 0;
	client->in_len += (size_t)got;
	fw_timer_start_ms(client->timer, CONTROL_TIMEOUT_MS, 0);
	return true;
}

static void client_ready(void *ctx, int events)
{
	struct control_client *client = ctx;

	(void)events;
	if (client->out != NULL) {
		if (!client_write(client)) {
			return;
		}
	} else if (!client_read(client)) {
		return;
	}
	if (!client_work(client)) {
		return;
	}
	if (client->ended && client->out == NULL && client->in_len == 0) {
		client_free(&client);
		return;
	}
	/* One thing at a time: who does not read its reply is not read from. */
	fw_io_set(client->io, client->out != NULL ? FW_IO_WRITE : FW_IO_READ);
}

static void client_expired(void *ctx)
{
	struct control_client *client = ctx;

	client_free(&client);
}

static void client_start(struct control *control, int *fd)
{
	struct fw_loop *loop = control->router->loop;
	struct control_client *client = calloc(1, sizeof(*client));

	if (client == NULL) {
		return;
	}
	client->control = control;
	client->fd = *fd;
	*fd = -1;
	client->in = malloc(CONTROL_LINE_MAX);
	if (client->in == NULL ||
	    fw_timer_new(loop, client_expired, client, &client->timer) != FW_OK ||
	    fw_io_add(loop, client->fd, FW_IO_READ, client_ready, client, &client->io) != FW_OK) {
		client_free(&client);
		return;
	}
	client->next = control->clients;
	client->prev = &control->clients;
	if (client->next != NULL) {
		client->next->prev = &client->next;
	}
	control->clients = client;
	control->client_count++;
	fw_timer_start_ms(client->timer, CONTROL_TIMEOUT_MS, 0);
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
		client_start(control, &fd);
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
	while (control->clients != NULL) {
		struct control_client *client = control->clients;
		client_free(&client);
	}
	close_socket(control);
	router->control = NULL;
	free(control);
}
