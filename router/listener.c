/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Accepts connections on one address and hands the descriptors on; links.c decides what becomes of
 * them. When the process is out of descriptors it rests for a second instead of spinning on a
 * socket that stays readable.
 */
#include "router/listener.h"

#include <stdlib.h>

#include <fedway/log.h>

enum {
	LISTENER_BACKLOG = 1024,
	LISTENER_PER_TURN =
	        64, /**< accepted in one turn, so that links that are up get their share */
	LISTENER_REST_MS = 1000,
};

static struct fw_logger listener_log = FW_LOGGER("router.listener");

struct listener {
	struct listener *next;
	struct fw_loop *loop;
	char *address;
	uint16_t port;
	int fd;
	struct fw_io *io;
	struct fw_timer *rest;
	listener_accept_fn *accepted;
	void *ctx;
};

int listener_open(struct fw_loop *loop, const struct config_listen *row, struct listener **out,
                  struct fw_error *err)
{
	int ret = FW_ENOMEM;
	struct fw_addr addr;
	struct listener *listener = calloc(1, sizeof(*listener));

	if (listener == NULL) {
		goto done;
	}
	listener->fd = -1;
	listener->loop = loop;
	listener->port = row->port;
	listener->address = fw_str_dup(fw_str(row->address));
	if (listener->address == NULL) {
		goto done;
	}
	ret = fw_addr_parse(row->address, row->port, &addr);
	if (ret != FW_OK) {
		ret = fw_error_set(err, FW_EINVAL, "listen: \"%s\" is not an IP address",
		                   row->address);
		goto done;
	}
	ret = fw_socket_listen(&addr, LISTENER_BACKLOG, &listener->fd, err);
	if (ret != FW_OK) {
		goto done;
	}
	*out = listener;
	listener = NULL;
done:
	listener_close(&listener);
	return ret;
}

static void listener_ready(void *ctx, int events)
{
	struct listener *listener = ctx;
	struct fw_addr peer;
	int fd = -1;

	(void)events;
	for (int i = 0; i < LISTENER_PER_TURN; i++) {
		int ret = fw_socket_accept(listener->fd, &fd, &peer);
		if (ret == FW_EAGAIN) {
			return;
		}
		if (ret != FW_OK) {
			fw_log(NULL, &listener_log, FW_LOG_WARNING,
			       "accept failed, resting ms=%d reason=\"%s\"", LISTENER_REST_MS,
			       ret == FW_ELIMIT ? "out of file descriptors" : fw_strerror(ret));
			fw_io_set(listener->io, 0);
			fw_timer_start_ms(listener->rest, LISTENER_REST_MS, 0);
			return;
		}
		listener->accepted(listener->ctx, listener, &fd, &peer);
		if (fd >= 0) {
			fw_socket_close(&fd);
		}
	}
}

static void listener_rested(void *ctx)
{
	struct listener *listener = ctx;

	fw_io_set(listener->io, FW_IO_READ);
}

int listener_watch(struct listener *listener, listener_accept_fn *accepted, void *ctx)
{
	int ret = fw_timer_new(listener->loop, listener_rested, listener, &listener->rest);

	if (ret != FW_OK) {
		return ret;
	}
	listener->accepted = accepted;
	listener->ctx = ctx;
	return fw_io_add(listener->loop, listener->fd, FW_IO_READ, listener_ready, listener,
	                 &listener->io);
}

void listener_close(struct listener **listener)
{
	struct listener *old = *listener;

	if (old == NULL) {
		return;
	}
	*listener = NULL;
	fw_io_remove(&old->io);
	fw_timer_free(&old->rest);
	if (old->fd >= 0) {
		fw_socket_close(&old->fd);
	}
	free(old->address);
	free(old);
}

bool listener_matches(const struct listener *listener, const struct config_listen *row)
{
	return listener->port == row->port && fw_str_is(fw_str(row->address), listener->address);
}

const char *listener_text(const struct listener *listener, char out[FW_ADDR_TEXT_SIZE])
{
	struct fw_addr addr = { .len = 0 };

	if (fw_socket_name(listener->fd, &addr) != FW_OK) {
		addr.len = 0;
	}
	return fw_addr_text(&addr, out);
}

struct listener **listener_next(struct listener *listener)
{
	return &listener->next;
}
