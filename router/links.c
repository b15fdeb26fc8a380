/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The link room: listeners, names and the lists of links, as a whole. The router starts, reloads
 * and stops it; what happens on one connection is in link_hello.c and link.c.
 */
#include "router/links.h"

#include <stdlib.h>

#include "router/link.h"
#include "router/link_tls.h"

static struct fw_logger links_log = FW_LOGGER("router.listener");

/* For a connection over the cap: said in one write, because an object for it is what we do not
 * want. */
static const char too_many[] = "<?xml version='1.0'?><stream:stream xmlns='" FW_NS_COMPONENT
                               "' xmlns:stream='" FW_NS_STREAMS "'><stream:error>"
                               "<resource-constraint xmlns='" FW_NS_STREAM_ERRORS "'/>"
                               "</stream:error></stream:stream>";

enum { LISTEN_BACKLOG = 1024, LISTEN_PER_TURN = 64 };

/* As the configuration in force says; a listener that it no longer has is about to go. */
static int xep_0114_of(const struct link_room *room, const struct fw_addr *wanted)
{
	const struct config_router *config = &room->router->config->router;
	const struct config_listen *rows = config->listen.items;
	struct fw_addr addr;

	for (size_t i = 0; i < config->listen.count; i++) {
		if (fw_addr_parse(rows[i].address, rows[i].port, &addr) == FW_OK &&
		    fw_addr_eq(&addr, wanted)) {
			return rows[i].xep_0114;
		}
	}
	return CONFIG_XEP_0114_NEVER;
}

static void links_accepted(void *ctx, const struct fw_addr *wanted, int *fd,
                           const struct fw_addr *peer)
{
	struct link_room *room = ctx;
	uint32_t max = room->router->config->router.link_unauthenticated_max;
	struct iovec piece = { (void *)too_many, sizeof(too_many) - 1 };
	char text[FW_ADDR_TEXT_SIZE];

	if (room->hello_count < max) {
		link_hello_start(room, xep_0114_of(room, wanted), fd);
		return;
	}
	bool room_made = link_hello_make_room(room, peer);
	/* One line per power of two: a flood must not become a flood of lines. */
	room->refused_count++;
	if ((room->refused_count & (room->refused_count - 1)) == 0) {
		fw_log(room->router->log, &links_log, FW_LOG_WARNING,
		       "connection refused peer=%s cause=%s limit=link_unauthenticated_max "
		       "value=%u "
		       "refused=%llu%s",
		       fw_addr_text(peer, text), fw_cause_row(FW_CAUSE_RESOURCES)->name, max,
		       (unsigned long long)room->refused_count,
		       room_made ? " instead=\"the oldest, whose place it gets\"" : "");
	}
	if (room_made) {
		link_hello_start(room, xep_0114_of(room, wanted), fd);
		return;
	}
	(void)fw_socket_write(*fd, &piece, 1);
}

/* Binds what the configuration has and we have not. */
static int prepare_listeners(struct link_room *room, const struct config *config,
                             struct fw_error *err)
{
	const struct config_listen *rows = config->router.listen.items;
	size_t count = config->router.listen.count;
	struct fw_listen_row *wanted = calloc(count + 1, sizeof(*wanted));

	if (wanted == NULL) {
		return FW_ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		wanted[i] = (struct fw_listen_row){ rows[i].address, rows[i].port };
	}
	int ret = fw_listeners_prepare(room->listeners, wanted, count, err);
	free(wanted);
	return ret;
}

int links_start(struct router *router, struct fw_error *err)
{
	const struct fw_listeners_settings settings = { LISTEN_BACKLOG, LISTEN_PER_TURN,
		                                        router->log, &links_log };
	int ret = FW_ENOMEM;
	struct link_room *room = calloc(1, sizeof(*room));

	if (room == NULL) {
		goto done;
	}
	room->router = router;
	router->links = room;
	ret = link_names_new(router->config, &room->names, err);
	if (ret != FW_OK) {
		goto done;
	}
	ret = link_tls_new(router, &room->tls, err);
	if (ret != FW_OK) {
		goto done;
	}
	ret = fw_listeners_new(router->loop, &settings, links_accepted, room, &room->listeners);
	if (ret == FW_OK) {
		ret = prepare_listeners(room, router->config, err);
	}
	if (ret == FW_OK) {
		ret = fw_listeners_apply(room->listeners, NULL, err);
	}
	if (ret != FW_OK) {
		goto done;
	}
	room = NULL;
done:
	if (room != NULL) {
		links_stop(router);
	}
	return ret;
}

int links_check(struct router *router, const struct config *config, struct fw_error *err)
{
	struct link_room *room = router->links;
	int ret;

	links_forget(router);
	ret = link_names_new(config, &room->new_names, err);
	if (ret == FW_OK) {
		ret = link_tls_load(&config->router, &room->new_tls, err);
	}
	if (ret == FW_OK) {
		ret = prepare_listeners(room, config, err);
	}
	if (ret != FW_OK) {
		links_forget(router);
	}
	return ret;
}

void links_forget(struct router *router)
{
	struct link_room *room = router->links;

	if (room != NULL) {
		if (room->listeners != NULL) {
			fw_listeners_forget(room->listeners);
		}
		link_names_free(&room->new_names);
		fw_tls_context_release(&room->new_tls);
	}
}

/* The holders of a name move from the old table to the new one; a name that is gone takes its links
 * along. */
static void move_name(struct link_room *room, struct link_name *old, const struct config *config,
                      struct fw_json *changes)
{
	struct link_name *name = link_names_find(room->new_names, fw_str(old->key));

	if (name != NULL) {
		link_name_inherit(name, old);
	}
	if (old->row == NULL) {
		return; /* another router: its links are looked after where its row is */
	}
	if (name == NULL || name->row == NULL) {
		fw_json_appendf(changes, "link removed: %s", old->key);
		while (old->links != NULL) {
			link_end(old->links, FW_CAUSE_CONFIG_CLOSED);
		}
		return;
	}
	if (!config_options_equal(config_link_options, old->row, name->row)) {
		fw_json_appendf(changes, "link changed: %s", old->key);
	}
	name->links = old->links;
	old->links = NULL;
	if (name->links != NULL) {
		name->links->name_prev = &name->links;
	}
	for (struct link *link = name->links; link != NULL; link = link->name_next) {
		link->name = name;
		link_reload(link, old->row, config);
	}
}

void links_apply(struct router *router, const struct config *config, struct fw_json *changes)
{
	struct link_room *room = router->links;
	struct fw_error err = { 0 };
	struct link_name *name;

	for (size_t i = 0; (name = link_names_at(room->names, i)) != NULL; i++) {
		move_name(room, name, config, changes);
	}
	for (size_t i = 0; (name = link_names_at(room->new_names, i)) != NULL; i++) {
		const struct link_name *old = link_names_find(room->names, fw_str(name->key));
		if (name->row != NULL && (old == NULL || old->row == NULL)) {
			fw_json_appendf(changes, "link added: %s", name->key);
		}
	}
	link_names_free(&room->names);
	room->names = room->new_names;
	room->new_names = NULL;
	link_tls_take(room->tls, &config->router, &room->new_tls);
	if (fw_listeners_apply(room->listeners, changes, &err) != FW_OK) {
		fw_json_appendf(changes, "not listening: %s", err.text);
		fw_log(room->router->log, &links_log, FW_LOG_ERROR, "not listening reason='%s'",
		       err.text);
	}
}

void links_drain(struct router *router)
{
	struct link_room *room = router->links;

	if (room == NULL) {
		return;
	}
	links_forget(router);
	fw_listeners_free(&room->listeners);
	for (struct link_hello *h = room->hellos; h != NULL; h = link_hello_next(h)) {
		link_hello_end(h, FW_CAUSE_SHUTDOWN);
	}
}

void links_stop(struct router *router)
{
	struct link_room *room = router->links;

	if (room == NULL) {
		return;
	}
	links_forget(router);
	fw_listeners_free(&room->listeners);
	while (room->hellos != NULL) {
		struct link_hello *hello = room->hellos;
		link_hello_free(&hello);
	}
	while (room->links != NULL) {
		struct link *link = room->links;
		link->draining = false;
		link_free(&link, FW_CAUSE_SHUTDOWN);
	}
	link_names_free(&room->names);
	link_tls_free(&room->tls);
	router->links = NULL;
	free(room);
}

void links_report(const struct router *router, struct fw_json *out)
{
	const struct link_room *room = router->links;
	struct fw_json *list = fw_json_set_array(out, "listeners");
	if (room == NULL) {
		return;
	}
	fw_listeners_report(room->listeners, list);
	fw_json_set_int(out, "links", room->link_count);
	fw_json_set_int(out, "links_unauthenticated", room->hello_count);
	fw_json_set_int(out, "links_refused", (int64_t)room->refused_count);
}
