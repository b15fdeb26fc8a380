/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Listening sockets: opened and closed as a configuration asks, and accepted from. Called by
 * whoever listens: the router for links, components for servers and clients. Who is let in, and
 * what a connection does, is not known here.
 */
#include <fedway/io/listener.h>

#include <netinet/in.h>
#include <stdlib.h>

enum { LISTENER_REST_MS = 1000 };

struct listener {
	struct listener *next;
	struct fw_listeners *set;
	struct fw_addr wanted; /* as asked for */
	struct fw_addr bound;
	int fd; /* -1: waits until another address has gone */
	struct fw_io *io;
	struct fw_timer *rest;
	bool busy; /* in on_readable(), which frees it when it is gone */
	bool gone;
	bool keep;    /* the last fw_listeners_prepare() asked for it */
	bool starved; /* nothing could be accepted the last time */
};

struct fw_listeners {
	struct fw_loop *loop;
	struct fw_listeners_settings settings;
	fw_listeners_fn *fn;
	void *ctx;
	struct listener *open;
	struct listener *aside; /* bound, or still to be bound; not accepting */
};

/* ---- accepting ---- */

static void listener_starve(struct listener *listener, int why)
{
	const struct fw_listeners_settings *settings = &listener->set->settings;
	char text[FW_ADDR_TEXT_SIZE];

	/* Once: a machine may be short of descriptors for hours. */
	fw_log(settings->log, settings->logger, listener->starved ? FW_LOG_DEBUG : FW_LOG_ERROR,
	       "cannot accept connections address=%s reason='%s' retry_ms=%d",
	       fw_addr_text(&listener->bound, text),
	       why == FW_ELIMIT ? "out of file descriptors" : fw_strerror(why), LISTENER_REST_MS);
	listener->starved = true;
	fw_io_set(listener->io, 0);
	fw_timer_start_ms(listener->rest, LISTENER_REST_MS, 0);
}

static void listener_fed(struct listener *listener)
{
	const struct fw_listeners_settings *settings = &listener->set->settings;
	char text[FW_ADDR_TEXT_SIZE];

	if (listener->starved) {
		listener->starved = false;
		fw_log(settings->log, settings->logger, FW_LOG_NOTICE,
		       "connections are accepted again address=%s",
		       fw_addr_text(&listener->bound, text));
	}
}

static void on_readable(void *ctx, int events)
{
	struct listener *listener = ctx;
	struct fw_listeners *set = listener->set;

	(void)events;
	listener->busy = true;
	for (int left = set->settings.per_turn; left > 0; left--) {
		struct fw_addr peer;
		int fd = -1;
		int ret = fw_socket_accept(listener->fd, &fd, &peer);
		if (ret == FW_EAGAIN) {
			break;
		}
		if (ret != FW_OK) {
			listener_starve(listener, ret);
			break;
		}
		listener_fed(listener);
		set->fn(set->ctx, &listener->wanted, &fd, &peer);
		fw_socket_close(&fd);
		if (listener->gone) { /* and the set, maybe */
			free(listener);
			return;
		}
	}
	listener->busy = false;
}

static void on_rested(void *ctx)
{
	struct listener *listener = ctx;

	fw_io_set(listener->io, FW_IO_READ);
}

/* ---- one address ---- */

static void listener_free(struct listener **at)
{
	struct listener *listener = *at;

	if (listener == NULL) {
		return;
	}
	*at = NULL;
	listener->gone = true;
	fw_io_remove(&listener->io);
	fw_timer_free(&listener->rest);
	fw_socket_close(&listener->fd);
	if (!listener->busy) {
		free(listener);
	}
}

static int listener_bind(struct listener *listener, struct fw_error *err)
{
	struct fw_listeners *set = listener->set;
	int ret = fw_socket_listen(&listener->wanted, set->settings.backlog, &listener->fd, err);

	if (ret == FW_OK) {
		ret = fw_socket_name(listener->fd, &listener->bound);
	}
	if (ret == FW_OK) {
		ret = fw_io_add(set->loop, listener->fd, 0, on_readable, listener, &listener->io);
	}
	return ret;
}

/* @param late  it is bound by fw_listeners_apply() */
static int listener_new(struct fw_listeners *set, const struct fw_addr *wanted, bool late,
                        struct listener **out, struct fw_error *err)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	int ret = FW_ENOMEM;

	if (listener == NULL) {
		return ret;
	}
	listener->set = set;
	listener->wanted = *wanted;
	listener->fd = -1;
	listener->keep = true;
	ret = fw_timer_new(set->loop, on_rested, listener, &listener->rest);
	if (ret == FW_OK && !late) {
		ret = listener_bind(listener, err);
	}
	if (ret != FW_OK) {
		listener_free(&listener);
		return ret;
	}
	*out = listener;
	return FW_OK;
}

/* ---- lists ---- */

static void list_push(struct listener **list, struct listener *listener)
{
	while (*list != NULL) {
		list = &(*list)->next;
	}
	listener->next = NULL;
	*list = listener;
}

static struct listener *list_shift(struct listener **list)
{
	struct listener *first = *list;

	*list = first->next;
	return first;
}

static void list_free(struct listener **list)
{
	while (*list != NULL) {
		struct listener *first = list_shift(list);
		listener_free(&first);
	}
}

static struct listener *list_find(struct listener *list, const struct fw_addr *wanted)
{
	while (list != NULL && !fw_addr_eq(&list->wanted, wanted)) {
		list = list->next;
	}
	return list;
}

/* ---- the set ---- */

int fw_listeners_new(struct fw_loop *loop, const struct fw_listeners_settings *settings,
                     fw_listeners_fn *fn, void *ctx, struct fw_listeners **out)
{
	struct fw_listeners *set = calloc(1, sizeof(*set));

	if (set == NULL) {
		return FW_ENOMEM;
	}
	*set = (struct fw_listeners){ .loop = loop, .settings = *settings, .fn = fn, .ctx = ctx };
	*out = set;
	return FW_OK;
}

void fw_listeners_free(struct fw_listeners **at)
{
	struct fw_listeners *set = *at;

	if (set == NULL) {
		return;
	}
	*at = NULL;
	list_free(&set->aside);
	list_free(&set->open);
	free(set);
}

static bool is_any(const struct fw_addr *addr)
{
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)&addr->storage;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addr->storage;

	return addr->storage.ss_family == AF_INET ? in4->sin_addr.s_addr == htonl(INADDR_ANY)
	                                          : IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
}

/* The kernel would refuse to have it beside an address that is to go. */
static bool collides(const struct fw_listeners *set, const struct fw_addr *wanted)
{
	for (const struct listener *old = set->open; old != NULL; old = old->next) {
		if (!old->keep && old->bound.storage.ss_family == wanted->storage.ss_family &&
		    fw_addr_port(&old->bound) == fw_addr_port(wanted) &&
		    (is_any(&old->bound) || is_any(wanted) || fw_addr_eq(&old->bound, wanted))) {
			return true;
		}
	}
	return false;
}

static int read_row(const struct fw_listen_row *row, struct fw_addr *out, struct fw_error *err)
{
	if (fw_addr_parse(row->address, row->port, out) == FW_OK) {
		return FW_OK;
	}
	return fw_error_set(err, FW_EINVAL,
	                    "listen: \"%s\" is not an IP address; give \"::\" or \"0.0.0.0\" for "
	                    "all addresses",
	                    row->address);
}

static bool is_asked_for(const struct fw_addr *wanted, const struct fw_listen_row *rows,
                         size_t count)
{
	struct fw_addr addr;

	for (size_t i = 0; i < count; i++) {
		if (read_row(&rows[i], &addr, NULL) == FW_OK && fw_addr_eq(&addr, wanted)) {
			return true;
		}
	}
	return false;
}

int fw_listeners_check(const struct fw_listen_row *rows, size_t count, struct fw_error *err)
{
	struct fw_addr addr;

	for (size_t i = 0; i < count; i++) {
		if (read_row(&rows[i], &addr, err) != FW_OK) {
			return FW_EINVAL;
		}
		if (rows[i].port != 0 && is_asked_for(&addr, rows, i)) {
			return fw_error_set(err, FW_EINVAL,
			                    "listen: %s port %u is given twice; remove one",
			                    rows[i].address, rows[i].port);
		}
	}
	return FW_OK;
}

static int prepare_row(struct fw_listeners *set, const struct fw_listen_row *row,
                       struct fw_error *err)
{
	struct listener *listener = NULL;
	struct fw_addr wanted;
	int ret = read_row(row, &wanted, err);

	if (ret != FW_OK || list_find(set->open, &wanted) != NULL ||
	    list_find(set->aside, &wanted) != NULL) {
		return ret;
	}
	ret = listener_new(set, &wanted, collides(set, &wanted), &listener, err);
	if (ret == FW_OK) {
		list_push(&set->aside, listener);
	}
	return ret;
}

int fw_listeners_prepare(struct fw_listeners *set, const struct fw_listen_row *rows, size_t count,
                         struct fw_error *err)
{
	int ret = FW_OK;

	list_free(&set->aside);
	for (struct listener *old = set->open; old != NULL; old = old->next) {
		old->keep = is_asked_for(&old->wanted, rows, count);
	}
	for (size_t i = 0; i < count; i++) {
		int one = prepare_row(set, &rows[i], ret == FW_OK ? err : NULL);
		ret = ret == FW_OK ? one : ret;
	}
	return ret;
}

void fw_listeners_forget(struct fw_listeners *set)
{
	list_free(&set->aside);
	for (struct listener *old = set->open; old != NULL; old = old->next) {
		old->keep = true;
	}
}

static void tell(const struct listener *listener, const char *fact, struct fw_json *changes)
{
	const struct fw_listeners_settings *settings = &listener->set->settings;
	char text[FW_ADDR_TEXT_SIZE];

	fw_addr_text(&listener->bound, text);
	fw_log(settings->log, settings->logger, FW_LOG_NOTICE, "%s address=%s", fact, text);
	fw_json_appendf(changes, "%s on %s", fact, text);
}

static void close_unwanted(struct fw_listeners *set, struct fw_json *changes)
{
	struct listener **link = &set->open;

	while (*link != NULL) {
		struct listener *old = *link;
		if (old->keep) {
			link = &old->next;
			continue;
		}
		*link = old->next;
		tell(old, "no longer listening", changes);
		listener_free(&old);
	}
}

int fw_listeners_apply(struct fw_listeners *set, struct fw_json *changes, struct fw_error *err)
{
	int ret = FW_OK;

	close_unwanted(set, changes);
	while (set->aside != NULL) {
		struct listener *listener = list_shift(&set->aside);
		int one = listener->fd < 0 ? listener_bind(listener, ret == FW_OK ? err : NULL)
		                           : FW_OK;
		ret = ret == FW_OK ? one : ret;
		if (one != FW_OK) {
			listener_free(&listener);
			continue;
		}
		list_push(&set->open, listener);
		fw_io_set(listener->io, FW_IO_READ);
		tell(listener, "listening", changes);
	}
	return ret;
}

int fw_listeners_follow(struct fw_listeners *set, const struct fw_listen_row *rows, size_t count,
                        struct fw_error *err)
{
	int bound = fw_listeners_prepare(set, rows, count, err);
	int ret = fw_listeners_apply(set, NULL, bound == FW_OK ? err : NULL);

	return bound == FW_OK ? ret : bound;
}

void fw_listeners_close(struct fw_listeners *set)
{
	(void)fw_listeners_follow(set, NULL, 0, NULL);
}

const struct fw_addr *fw_listeners_at(const struct fw_listeners *set, size_t index)
{
	const struct listener *listener = set != NULL ? set->open : NULL;

	while (listener != NULL && index > 0) {
		listener = listener->next;
		index--;
	}
	return listener != NULL ? &listener->bound : NULL;
}

void fw_listeners_report(const struct fw_listeners *set, struct fw_json *array)
{
	const struct fw_addr *bound;
	char text[FW_ADDR_TEXT_SIZE];

	for (size_t i = 0; (bound = fw_listeners_at(set, i)) != NULL; i++) {
		fw_json_append(array, fw_str(fw_addr_text(bound, text)));
	}
}
