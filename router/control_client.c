/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Those that are connected to the control socket: lines in, replies out, one request at a time. No
 * client can hold memory or time without limit. What a request does is control_call.c.
 */
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <fedway/io/socket.h>

#include "router/control_room.h"

enum {
	CONTROL_LINE_MAX = 65536,  /**< bytes of one request */
	CONTROL_TIMEOUT_MS = 10000 /**< without a byte in or out, while nothing is under way */
};

struct control_client {
	struct control_client *next, **prev;
	struct control *control;
	int fd;
	struct fw_io *io;
	struct fw_timer *timer;
	struct fw_task go;         /**< writes what there is, then goes on */
	struct control_call *call; /**< request under way, or NULL */
	char *in;                  /**< CONTROL_LINE_MAX bytes */
	size_t in_len;
	char *out; /**< lines to be written, or NULL */
	size_t out_len, out_sent;
	bool ended;   /**< the client has sent all it will */
	bool broken;  /**< a reply was lost for want of memory */
	char who[64]; /**< the user at the other end */
};

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
	control_cancel(&old->call);
	fw_defer_cancel(&old->go);
	fw_io_remove(&old->io);
	fw_timer_free(&old->timer);
	if (old->fd >= 0) {
		fw_socket_close(&old->fd);
	}
	free(old->in);
	free(old->out);
	free(old);
}

/* ---- replies ---- */

/* A line for the client. Nothing is written here: who calls is at work on the request. */
static void client_reply(void *ctx, char *line, bool last)
{
	struct control_client *client = ctx;
	size_t len = line != NULL ? strlen(line) : 0;

	/* Progress is told to those who read it. */
	if (!last && client->out != NULL) {
		free(line);
		return;
	}
	char *more = line != NULL ? realloc(client->out, client->out_len + len + 1) : NULL;
	if (more == NULL) {
		client->broken = client->broken || last;
	} else {
		memcpy(more + client->out_len, line, len);
		more[client->out_len + len] = '\n';
		client->out = more;
		client->out_len += len + 1;
	}
	free(line);
	fw_defer(client->control->router->loop, &client->go);
}

/* @return false when the client is gone */
static bool client_write(struct control_client *client)
{
	while (client->out != NULL) {
		struct iovec piece = { client->out + client->out_sent,
			               client->out_len - client->out_sent };
		ssize_t done = fw_socket_write(client->fd, &piece, 1);
		if (done == FW_EAGAIN) {
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
			client->out_len = client->out_sent = 0;
		}
	}
	return true;
}

/* ---- requests ---- */

/* Begins the next request, if one is complete and the reply to the one before is gone. */
static void client_work(struct control_client *client)
{
	while (client->out == NULL && client->call == NULL && client->in_len > 0) {
		char *end = memchr(client->in, '\n', client->in_len);
		if (end == NULL && !client->ended) {
			break;
		}
		size_t len = end != NULL ? (size_t)(end - client->in) : client->in_len;
		size_t used = end != NULL ? len + 1 : len;
		struct fw_str line = fw_str_trim(fw_str_n(client->in, len));
		control_set_who(client->control->router, client->who);
		if (line.len > 0 && control_ask(client->control->router, line, client_reply, client,
		                                &client->call) != FW_OK) {
			client->broken = true;
			fw_defer(client->control->router->loop, &client->go);
		}
		control_set_who(client->control->router, NULL);
		client->in_len -= used;
		memmove(client->in, client->in + used, client->in_len);
	}
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

/* Nobody is there any more, as opposed to a client that has only said that it will send no more. */
static bool has_hung_up(const struct control_client *client)
{
	struct pollfd there = { .fd = client->fd };

	return poll(&there, 1, 0) > 0 && (there.revents & (POLLHUP | POLLERR)) != 0;
}

static int wanted_events(const struct control_client *client)
{
	if (client->out != NULL) { /* who does not read its reply is not read from */
		return FW_IO_WRITE;
	}
	bool full = client->call != NULL && client->in_len == CONTROL_LINE_MAX;
	return client->ended || full ? 0 : FW_IO_READ;
}

/* After any reading or writing: the next request, or the end, or what to wait for. */
static void client_continue(struct control_client *client)
{
	client_work(client);
	bool idle = client->out == NULL && client->call == NULL;
	if (client->ended &&
	    (idle ? client->in_len == 0 : client->out == NULL && has_hung_up(client))) {
		client_free(&client);
		return;
	}
	if (client->call != NULL && client->out == NULL) {
		fw_timer_stop(client->timer); /* a request has a time limit of its own */
	}
	fw_io_set(client->io, wanted_events(client));
}

static void client_go(void *ctx)
{
	struct control_client *client = ctx;

	if (client->broken) {
		client_free(&client);
		return;
	}
	if (client_write(client)) {
		client_continue(client);
	}
}

static void client_ready(void *ctx, int events)
{
	struct control_client *client = ctx;

	(void)events;
	if (client->out != NULL ? client_write(client) : client_read(client)) {
		client_continue(client);
	}
}

static void client_expired(void *ctx)
{
	struct control_client *client = ctx;

	client_free(&client);
}

/* ---- coming and going ---- */

/* The kernel knows who has opened the socket. */
static void client_identify(struct control_client *client)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	char room[4096];
	struct passwd entry, *found = NULL;

	if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
		return;
	}
	if (getpwuid_r(peer.uid, &entry, room, sizeof(room), &found) == 0 && found != NULL) {
		(void)snprintf(client->who, sizeof(client->who), "%s", found->pw_name);
	} else {
		(void)snprintf(client->who, sizeof(client->who), "user %u", peer.uid);
	}
}

void control_client_start(struct control *control, int *fd)
{
	struct fw_loop *loop = control->router->loop;
	struct control_client *client = calloc(1, sizeof(*client));

	if (client == NULL) {
		return;
	}
	client->control = control;
	client->go.fn = client_go;
	client->go.ctx = client;
	client->fd = *fd;
	*fd = -1;
	client_identify(client);
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

void control_clients_stop(struct control *control)
{
	while (control->clients != NULL) {
		struct control_client *client = control->clients;
		client_free(&client);
	}
}
