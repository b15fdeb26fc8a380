/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The room of other routers: makes a peer from each row, tells neighbours at the end of a turn what
 * has changed in it, tells all again in time, and forgets what nobody repeats. The router starts,
 * reloads and stops it; links call it when they stand, end, or hear an element. What is said is
 * fabric_tell.c, what is heard fabric_learn.c.
 */
#include "router/fabric.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <fedway/io/crypto.h>

#include "router/holders.h"
#include "router/router_dial.h"
#include "router/route_table.h"
#include "router/router_drain.h"

enum { PATHS_MAX = 4096 };

static struct fw_logger fabric_log = FW_LOGGER("router.fabric");

/* ---- peers ---- */

static void peer_free(struct fabric_peer **at)
{
	struct fabric_peer *peer = *at;

	*at = peer->next;
	router_dial_free(&peer->dial);
	fabric_notice_clear(peer);
	fabric_set_clear(&peer->learned);
	fabric_set_clear(&peer->told);
	free(peer->realm);
	free(peer);
}

static struct fabric_peer *find_in(struct fabric_peer *list, struct fw_str realm)
{
	while (list != NULL && !fw_str_eq_nocase(fw_str(list->realm), realm)) {
		list = list->next;
	}
	return list;
}

struct fabric_peer *fabric_find(const struct router *router, struct fw_str realm)
{
	return router->fabric != NULL ? find_in(router->fabric->peers, realm) : NULL;
}

/* Makes peers for rows that have none yet, at the end of `aside`. */
static int make_missing(struct fabric *fabric, const struct config *config)
{
	const struct config_peer *rows = config->router.routers.items;
	struct fabric_peer **tail = &fabric->aside;

	for (size_t i = 0; i < config->router.routers.count; i++) {
		if (find_in(fabric->peers, fw_str(rows[i].realm)) != NULL) {
			continue;
		}
		struct fabric_peer *peer = calloc(1, sizeof(*peer));
		if (peer == NULL) {
			return FW_ENOMEM;
		}
		*tail = peer;
		tail = &peer->next;
		peer->fabric = fabric;
		peer->row = &rows[i];
		peer->since_ms = fw_now_ms(fabric->router->loop);
		peer->realm = fw_str_dup(fw_str(rows[i].realm));
		if (peer->realm == NULL) {
			return FW_ENOMEM;
		}
		peer->trail.realm = peer->realm;
	}
	return FW_OK;
}

static void take_aside(struct fabric *fabric)
{
	struct fabric_peer **tail = &fabric->peers;

	while (*tail != NULL) {
		tail = &(*tail)->next;
	}
	*tail = fabric->aside;
	fabric->aside = NULL;
}

/* Dials those that have a host, and no others. Without memory it is tried again at the next tick.
 */
static void dial_all(struct fabric *fabric)
{
	for (struct fabric_peer *peer = fabric->peers; peer != NULL; peer = peer->next) {
		if (peer->row->host[0] == '\0' || fabric->router->draining) {
			router_dial_free(&peer->dial);
		} else if (peer->dial == NULL && router_dial_new(peer, &peer->dial) == FW_OK) {
			router_dial_begin(peer->dial);
		}
	}
}

static void begin_to_dial(void *ctx)
{
	dial_all(ctx);
}

/* ---- time ---- */

/* Thrice in the time that others believe us. The same time again changes nothing: many reloads must
 * not put off what is due. Another one counts from now on, and all is told with it. */
static void start_timer(struct fabric *fabric, const struct config *config)
{
	uint64_t third_ms = config->router.routes_expire_s * UINT64_C(1000) / 3;
	bool first = fabric->third_ms == 0;

	if (third_ms != fabric->third_ms) {
		fabric->third_ms = third_ms;
		fw_timer_start_ms(fabric->timer, first ? third_ms : 1, third_ms);
	}
}

static void fabric_tick(void *ctx)
{
	struct fabric *fabric = ctx;

	for (struct fabric_peer *peer = fabric->peers; peer != NULL; peer = peer->next) {
		(void)fabric_expire(peer, fw_now_ms(fabric->router->loop));
		fabric_notice_look(peer);
	}
	for (struct fabric_peer *peer = fabric->peers; peer != NULL; peer = peer->next) {
		fabric_tell(peer, true);
	}
}

/* Moves when what was announced has to be judged again. */
static uint64_t judging_of(const struct router *router)
{
	return route_table_list_generation(router->routes) + router->via_generation;
}

void fabric_look(struct router *router)
{
	struct fabric *fabric = router->fabric;

	if (fabric == NULL) {
		return;
	}
	uint64_t generation = judging_of(router);
	for (struct fabric_peer *peer = fabric->peers; peer != NULL; peer = peer->next) {
		if (generation != fabric->judged) {
			fabric_judge(peer);
		}
	}
	fabric->judged = generation;
	for (struct fabric_peer *peer = fabric->peers; peer != NULL; peer = peer->next) {
		fabric_tell(peer, false);
	}
}

/* One whose link is suspended cannot hear it; it has other ways for what is new already. */
static bool is_settled(const struct fabric_peer *peer)
{
	return peer->component == NULL || peer->component->suspended ||
	       peer->acked_seq >= peer->told_seq;
}

bool fabric_settled(const struct router *router)
{
	const struct fabric_peer *peer = router->fabric != NULL ? router->fabric->peers : NULL;

	while (peer != NULL && is_settled(peer)) {
		peer = peer->next;
	}
	return peer == NULL;
}

/* ---- links ---- */

void fabric_up(struct fabric_peer *peer, struct component *component,
               const struct fabric_wire *wire, void *link)
{
	if (peer->component != NULL) {
		peer->component->peer = NULL;
		fabric_set_clear(&peer->told);
		fabric_rehome(peer, component);
	}
	peer->component = component;
	component->peer = peer;
	component->last_generation = 0;
	peer->wire = wire;
	peer->link = link;
	peer->told_seq = peer->acked_seq = peer->heard_seq = 0;
	peer->since_ms = fw_now_ms(peer->fabric->router->loop);
	fabric_notice_clear(peer);
	fw_log(peer->fabric->router->log, &fabric_log, FW_LOG_NOTICE, "router attached realm=%s",
	       peer->realm);
	fabric_tell(peer, true);
	holders_changed(peer->fabric->router);
}

void fabric_resumed(struct fabric_peer *peer)
{
	fabric_notice_clear(peer);
	fabric_tell(peer, true);
}

void fabric_down(struct fabric_peer *peer, enum fw_cause cause, const char *detail)
{
	if (peer->component == NULL) {
		return;
	}
	fabric_unlearn(peer);
	fabric_set_clear(&peer->told);
	peer->component->peer = NULL;
	peer->component = NULL;
	peer->wire = NULL;
	peer->link = NULL;
	peer->since_ms = fw_now_ms(peer->fabric->router->loop);
	peer->last_cause = cause;
	(void)snprintf(peer->last_detail, sizeof(peer->last_detail), "%s", detail);
	fw_log(peer->fabric->router->log, &fabric_log, FW_LOG_WARNING,
	       "router gone realm=%s cause=%s text=\"%s\" remedy=\"%s\"", peer->realm,
	       fw_cause_row(cause)->name, fw_cause_row(cause)->text, fw_cause_row(cause)->remedy);
	router_drain_progress(peer->fabric->router);
	holders_changed(peer->fabric->router);
}

enum fw_cause fabric_element(struct fabric_peer *peer, struct fw_stanza *element)
{
	uint64_t seq;

	if (fw_str_is(fw_stanza_name(element), "routes")) {
		return fabric_learn(peer, element);
	}
	if (!fw_str_is(fw_stanza_name(element), "learned")) {
		return FW_CAUSE_NONE; /* of a later version */
	}
	struct fw_elem *root = fw_stanza_root(element);
	if (root == NULL) {
		return FW_CAUSE_RESOURCES;
	}
	if (fw_str_to_u64(fw_elem_attr(root, "seq"), UINT64_MAX, &seq) != FW_OK ||
	    seq > peer->told_seq) {
		return FW_CAUSE_BAD_ROUTES;
	}
	if (seq > peer->acked_seq) {
		peer->acked_seq = seq;
	}
	router_drain_progress(peer->fabric->router);
	return FW_CAUSE_NONE;
}

/* ---- the room ---- */

int fabric_start(struct router *router, struct fw_error *err)
{
	struct fabric *fabric = calloc(1, sizeof(*fabric));
	int ret = FW_ENOMEM;

	if (fabric == NULL) {
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	router->fabric = fabric;
	fabric->router = router;
	fabric->seq = (uint64_t)time(NULL) * 1000;
	fabric->judged = judging_of(router);
	ret = trails_new(router->realm, PATHS_MAX, &fabric->trails);
	if (ret == FW_OK) {
		ret = fw_timer_new(router->loop, fabric_tick, fabric, &fabric->timer);
	}
	if (ret == FW_OK) {
		ret = make_missing(fabric, router->config);
	}
	if (ret != FW_OK) {
		fabric_stop(router);
		return fw_error_set(err, ret, "out of memory");
	}
	take_aside(fabric);
	start_timer(fabric, router->config);
	fabric->begin.fn = begin_to_dial;
	fabric->begin.ctx = fabric;
	fw_defer(router->loop, &fabric->begin); /* when links and components are there */
	return FW_OK;
}

void fabric_stop(struct router *router)
{
	struct fabric *fabric = router->fabric;

	if (fabric == NULL) {
		return;
	}
	fabric_forget(router);
	while (fabric->peers != NULL) {
		fabric_down(fabric->peers, FW_CAUSE_SHUTDOWN, "");
		peer_free(&fabric->peers);
	}
	fw_defer_cancel(&fabric->begin);
	fw_timer_free(&fabric->timer);
	trails_free(&fabric->trails);
	router->fabric = NULL;
	free(fabric);
}

int fabric_check(struct router *router, const struct config *config, struct fw_error *err)
{
	int ret;

	fabric_forget(router);
	ret = make_missing(router->fabric, config);
	if (ret != FW_OK) {
		fabric_forget(router);
		return fw_error_set(err, ret, "out of memory");
	}
	return FW_OK;
}

void fabric_forget(struct router *router)
{
	while (router->fabric != NULL && router->fabric->aside != NULL) {
		peer_free(&router->fabric->aside);
	}
}

static const struct config_peer *find_row(const struct config *config, const char *realm)
{
	const struct config_peer *rows = config->router.routers.items;

	for (size_t i = 0; i < config->router.routers.count; i++) {
		if (fw_str_eq_nocase(fw_str(rows[i].realm), fw_str(realm))) {
			return &rows[i];
		}
	}
	return NULL;
}

static bool same_way(const struct config_peer *a, const struct config_peer *b)
{
	return strcmp(a->host, b->host) == 0 && a->port == b->port &&
	       strcmp(a->certificate_name, b->certificate_name) == 0 &&
	       fw_equal_const_time(fw_str_n(a->secret.bytes, a->secret.len),
	                           fw_str_n(b->secret.bytes, b->secret.len));
}

void fabric_apply(struct router *router, const struct config *config, struct fw_json *changes)
{
	struct fabric *fabric = router->fabric;
	struct fabric_peer **at = &fabric->peers;

	while (*at != NULL) {
		struct fabric_peer *peer = *at;
		const struct config_peer *row = find_row(config, peer->realm);
		if (row != NULL) {
			bool other_way = !same_way(peer->row, row);
			if (!config_options_equal(config_peer_options, peer->row, row)) {
				fw_json_appendf(changes, "router changed: %s", peer->realm);
			}
			peer->row = row;
			fabric_judge(peer);
			if (other_way && peer->dial != NULL) {
				router_dial_reload(peer->dial);
			}
			at = &peer->next;
			continue;
		}
		fw_json_appendf(changes, "router removed: %s", peer->realm);
		if (peer->component != NULL) {
			peer->wire->end(peer->link, FW_CAUSE_CONFIG_CLOSED);
		}
		fabric_down(peer, FW_CAUSE_CONFIG_CLOSED, "");
		peer_free(at);
	}
	for (const struct fabric_peer *peer = fabric->aside; peer != NULL; peer = peer->next) {
		fw_json_appendf(changes, "router added: %s", peer->realm);
	}
	take_aside(fabric);
	start_timer(fabric, config);
	fw_defer(router->loop, &fabric->begin); /* the new configuration is in force by then */
	holders_changed(router);
}
