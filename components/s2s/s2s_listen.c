/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Listens for servers and accepts them, as far as s2s_limits.c lets them in. On a reload only
 * listeners that came or went are touched. What an accepted connection does is s2s_in.c.
 */
#include <stdlib.h>

#include "components/s2s/s2s.h"
#include "components/s2s/s2s_in.h"
#include "components/s2s/s2s_limits.h"
#include "components/s2s/s2s_side.h"

enum { LISTEN_BACKLOG = 256, LISTEN_PER_TURN = 64, LISTEN_PAUSE_MS = 1000 };

static struct fw_logger listen_logger = FW_LOGGER("s2s.listen");

struct s2s_listener {
	struct s2s_listener *next;
	struct s2s *s2s;
	struct fw_addr wanted; /* as configured */
	struct fw_addr addr;   /* as bound */
	int fd;
	struct fw_io *io;
	struct fw_timer *pause;
	bool keep; /* during s2s_listen_apply() */
};

static void listener_free(struct s2s_listener **listener)
{
	if (*listener == NULL) {
		return;
	}
	fw_io_remove(&(*listener)->io);
	fw_timer_free(&(*listener)->pause);
	fw_socket_close(&(*listener)->fd);
	free(*listener);
	*listener = NULL;
}

static void listener_on_pause_over(void *ctx)
{
	struct s2s_listener *listener = ctx;

	fw_io_set(listener->io, FW_IO_READ);
}

/* The option that forbids a connection from there; NULL: none. Our own servers may come as often as
 * they like: some dial anew for every domain. */
static const char *listen_refusal(struct s2s *s2s, const struct fw_addr *peer, enum fw_cause *cause)
{
	if (!s2s_side_admits(s2s, peer)) {
		*cause = FW_CAUSE_NOT_AUTHORIZED;
		return "inner_servers";
	}
	*cause = FW_CAUSE_RESOURCES;
	return s2s_side_inner(s2s) ? NULL : s2s_limits_refusal(s2s, peer);
}

static void listener_on_readable(void *ctx, int events)
{
	struct s2s_listener *listener = ctx;
	struct s2s *s2s = listener->s2s;

	(void)events;
	for (int i = 0; i < LISTEN_PER_TURN; i++) {
		struct fw_addr peer;
		char text[FW_ADDR_TEXT_SIZE];
		int fd = -1;
		int ret = fw_socket_accept(listener->fd, &fd, &peer);
		if (ret == FW_ELIMIT) {
			fw_log(fw_self_log(s2s->self), &listen_logger, FW_LOG_ERROR,
			       "out of descriptors, accepting again in %d ms", LISTEN_PAUSE_MS);
			fw_io_set(listener->io, 0);
			fw_timer_start_ms(listener->pause, LISTEN_PAUSE_MS, 0);
			return;
		}
		if (ret != FW_OK) {
			return;
		}
		enum fw_cause cause = FW_CAUSE_NONE;
		const char *limit = listen_refusal(s2s, &peer, &cause);
		if (limit != NULL) {
			s2s_count(s2s, S2S_COUNT_STREAMS_REFUSED);
			fw_log(fw_self_log(s2s->self), &listen_logger, FW_LOG_WARNING,
			       "connection refused peer=%s cause=%s limit=%s",
			       fw_addr_text(&peer, text), fw_cause_row(cause)->name, limit);
			fw_socket_close(&fd);
			continue;
		}
		s2s_count(s2s, S2S_COUNT_STREAMS_IN);
		s2s_in_accept(s2s, &fd, &peer);
	}
}

static int listener_open(struct s2s *s2s, const struct fw_addr *addr, struct s2s_listener **out,
                         struct fw_error *err)
{
	struct s2s_listener *listener = calloc(1, sizeof(*listener));
	int ret = FW_ENOMEM;

	if (listener == NULL) {
		goto done;
	}
	listener->s2s = s2s;
	listener->fd = -1;
	listener->wanted = *addr;
	ret = fw_socket_listen(addr, LISTEN_BACKLOG, &listener->fd, err);
	if (ret != FW_OK) {
		goto done;
	}
	ret = fw_socket_name(listener->fd, &listener->addr);
	if (ret != FW_OK) {
		goto done;
	}
	ret = fw_timer_new(s2s->loop, listener_on_pause_over, listener, &listener->pause);
	if (ret != FW_OK) {
		goto done;
	}
	ret = fw_io_add(s2s->loop, listener->fd, FW_IO_READ, listener_on_readable, listener,
	                &listener->io);
	if (ret != FW_OK) {
		goto done;
	}
	*out = listener;
	listener = NULL;
done:
	listener_free(&listener);
	return ret;
}

static struct s2s_listener *listen_find(const struct s2s *s2s, const struct fw_addr *addr)
{
	struct s2s_listener *listener = s2s->listeners;

	while (listener != NULL && (listener->keep || !fw_addr_eq(&listener->wanted, addr))) {
		listener = listener->next;
	}
	return listener;
}

static void listen_close_others(struct s2s *s2s)
{
	struct s2s_listener **link = &s2s->listeners;
	char text[FW_ADDR_TEXT_SIZE];

	while (*link != NULL) {
		struct s2s_listener *listener = *link;
		if (listener->keep) {
			listener->keep = false;
			link = &listener->next;
			continue;
		}
		*link = listener->next;
		fw_log(fw_self_log(s2s->self), &listen_logger, FW_LOG_NOTICE,
		       "no longer listening address=%s", fw_addr_text(&listener->addr, text));
		listener_free(&listener);
	}
}

int s2s_listen_apply(struct s2s *s2s, const struct s2s_config *config, struct fw_error *err)
{
	const struct s2s_listen_row *rows = config->listen.items;
	int ret = FW_OK;

	for (size_t i = 0; i < config->listen.count; i++) {
		struct fw_addr addr;
		char text[FW_ADDR_TEXT_SIZE];
		int one = fw_addr_parse(rows[i].address, rows[i].port, &addr);
		struct s2s_listener *listener = one == FW_OK ? listen_find(s2s, &addr) : NULL;
		if (one == FW_OK && listener == NULL) {
			one = listener_open(s2s, &addr, &listener, err);
			if (one == FW_OK) {
				listener->next = s2s->listeners;
				s2s->listeners = listener;
				fw_log(fw_self_log(s2s->self), &listen_logger, FW_LOG_NOTICE,
				       "listening address=%s", fw_addr_text(&listener->addr, text));
			}
		}
		if (listener != NULL) {
			listener->keep = true;
		}
		ret = ret == FW_OK ? one : ret;
	}
	listen_close_others(s2s);
	return ret;
}

void s2s_listen_close(struct s2s *s2s)
{
	listen_close_others(s2s);
}

void s2s_listen_report(const struct s2s *s2s, struct fw_json *array)
{
	char text[FW_ADDR_TEXT_SIZE];

	for (const struct s2s_listener *listener = s2s->listeners; listener != NULL;
	     listener = listener->next) {
		fw_json_append(array, fw_str(fw_addr_text(&listener->addr, text)));
	}
}

uint16_t s2s_listen_port(const struct s2s *s2s)
{
	return s2s->listeners != NULL ? fw_addr_port(&s2s->listeners->addr) : 0;
}
