/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The room of uplinks: makes them from the configuration, and tells on a reload which stay, which
 * change live, which are dialled anew and which end. One uplink is uplink_conn.c.
 */
#include "router/uplink.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/io/crypto.h>
#include <fedway/jid.h>

#include "router/uplink_conn.h"

static struct fw_logger uplinks_log = FW_LOGGER("router.uplink");

struct uplink_room {
	struct router *router;
	struct uplink *list;
	struct uplink *aside;  /**< made by uplinks_check(), not dialling yet */
	struct uplink *ending; /**< removed, saying goodbye */
	uint32_t next_number;
};

static void free_list(struct uplink **list, enum fw_cause cause)
{
	while (*list != NULL) {
		struct uplink *first = *list;
		*list = first->next;
		uplink_free(&first, cause);
	}
}

/* Rows with the same way to the same server are one uplink; the rest can change while it is up. */
static bool same_way(const struct config_uplink *a, const struct config_uplink *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->host, b->host) == 0 &&
	       a->port == b->port &&
	       fw_equal_const_time(fw_str_n(a->secret.bytes, a->secret.len),
	                           fw_str_n(b->secret.bytes, b->secret.len));
}

static struct uplink *find_row(struct uplink *list, const struct config_uplink *row)
{
	while (list != NULL && !same_way(list->row, row)) {
		list = list->next;
	}
	return list;
}

static const struct config_uplink *find_in_config(const struct config *config,
                                                  const struct config_uplink *row)
{
	const struct config_uplink *rows = config->router.uplinks.items;

	for (size_t i = 0; i < config->router.uplinks.count; i++) {
		if (same_way(&rows[i], row)) {
			return &rows[i];
		}
	}
	return NULL;
}

/* Makes what the configuration has and the room has not, at the end of `aside`. */
static int make_missing(struct uplink_room *room, const struct config *config, struct fw_error *err)
{
	const struct config_uplink *rows = config->router.uplinks.items;
	struct uplink **tail = &room->aside;

	for (size_t i = 0; i < config->router.uplinks.count; i++) {
		if (find_row(room->aside, &rows[i]) != NULL) {
			return fw_error_set(err, FW_EINVAL, "uplinks: \"%s\" at %s is given twice",
			                    rows[i].name, rows[i].host);
		}
		if (find_row(room->list, &rows[i]) != NULL) {
			continue;
		}
		int ret = uplink_new(room->router, &rows[i], room->next_number + 1, tail, err);
		if (ret != FW_OK) {
			return ret;
		}
		room->next_number++;
		tail = &(*tail)->next;
	}
	return FW_OK;
}

static void say(struct fw_json *changes, const char *fact, const struct config_uplink *row)
{
	fw_json_appendf(changes, "uplink %s: %s at %s port %u", fact, row->name, row->host,
	                row->port);
}

static void begin_aside(struct uplink_room *room, struct fw_json *changes)
{
	struct uplink **tail = &room->list;

	while (*tail != NULL) {
		tail = &(*tail)->next;
	}
	*tail = room->aside;
	room->aside = NULL;
	for (struct uplink *uplink = *tail; uplink != NULL; uplink = uplink->next) {
		say(changes, "added", uplink->row);
		if (uplink_begin(uplink) != FW_OK) {
			fw_log(uplink->log, &uplinks_log, FW_LOG_ERROR, "no memory to dial");
		}
	}
}

int uplinks_start(struct router *router, struct fw_error *err)
{
	int ret;
	struct uplink_room *room = calloc(1, sizeof(*room));

	if (room == NULL) {
		return FW_ENOMEM;
	}
	room->router = router;
	router->uplinks = room;
	ret = make_missing(room, router->config, err);
	if (ret != FW_OK) {
		uplinks_stop(router);
		return ret;
	}
	begin_aside(room, NULL);
	return FW_OK;
}

int uplinks_check(struct router *router, const struct config *config, struct fw_error *err)
{
	int ret;

	uplinks_forget(router);
	ret = make_missing(router->uplinks, config, err);
	if (ret != FW_OK) {
		uplinks_forget(router);
	}
	return ret;
}

void uplinks_forget(struct router *router)
{
	if (router->uplinks != NULL) {
		free_list(&router->uplinks->aside, FW_CAUSE_CONFIG_CLOSED);
	}
}

static void uplink_ended(struct uplink *uplink)
{
	struct uplink **at = &uplink->router->uplinks->ending;

	while (*at != uplink) {
		at = &(*at)->next;
	}
	*at = uplink->next;
	uplink_free(&uplink, FW_CAUSE_CONFIG_CLOSED);
}

void uplinks_apply(struct router *router, const struct config *config, struct fw_json *changes)
{
	struct uplink_room *room = router->uplinks;
	struct uplink **at = &room->list;

	while (*at != NULL) {
		struct uplink *uplink = *at;
		const struct config_uplink *row = find_in_config(config, uplink->row);
		if (row != NULL) {
			if (!config_options_equal(config_uplink_options, uplink->row, row)) {
				say(changes, "changed", row);
			}
			uplink_reload(uplink, row);
			at = &uplink->next;
			continue;
		}
		say(changes, "removed", uplink->row);
		*at = uplink->next;
		uplink->next = room->ending;
		room->ending = uplink;
		uplink_remove(uplink, uplink_ended);
	}
	begin_aside(room, changes);
}

size_t uplinks_reattach(struct router *router, struct fw_str name, struct fw_json *names)
{
	size_t count = 0;

	for (struct uplink *uplink = router->uplinks->list; uplink != NULL; uplink = uplink->next) {
		const char *own = uplink->row->name;
		if (uplink->up_ms != 0 && (name.ptr == NULL || fw_domain_eq(name, fw_str(own)))) {
			fw_json_append(names, fw_str(own));
			uplink_reattach(uplink);
			count++;
		}
	}
	return count;
}

void uplinks_drain(struct router *router)
{
	if (router->uplinks == NULL) {
		return;
	}
	uplinks_forget(router);
	for (struct uplink *uplink = router->uplinks->list; uplink != NULL; uplink = uplink->next) {
		uplink_retire(uplink);
	}
}

void uplinks_stop(struct router *router)
{
	struct uplink_room *room = router->uplinks;

	if (room == NULL) {
		return;
	}
	free_list(&room->aside, FW_CAUSE_SHUTDOWN);
	free_list(&room->list, FW_CAUSE_SHUTDOWN);
	free_list(&room->ending, FW_CAUSE_SHUTDOWN);
	router->uplinks = NULL;
	free(room);
}
