/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * From what peers have told to the state of this node. A core writes `edges`; an edge writes
 * `domains`, `allow`, `deny` and `static_routes`, joined over its cores (of several rows for one
 * name, that of the core that was known first). Each row is built anew from what it may hold:
 * peers are ours, and are not believed all the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fedway/jid.h>

#include "components/tunnel/tunnel.h"

enum { ROWS_MAX = 10000, EDGE_COMPONENTS_MAX = 64, SEEN_SIZE = 32768 };

static struct fw_logger learn_logger = FW_LOGGER("Tunnel");

/* ---- on the core ---- */

/* An ID of a component of that realm. */
static bool is_component_of(struct fw_str id, const char *realm)
{
	size_t len = strlen(realm);

	return id.len > len + 1 && id.len < FW_DOMAIN_SIZE &&
	       memcmp(id.ptr + id.len - len, realm, len) == 0 && id.ptr[id.len - len - 1] == '.' &&
	       memchr(id.ptr, '\0', id.len) == NULL && memchr(id.ptr, ' ', id.len) == NULL;
}

static void learn_edge(const struct tunnel *tunnel, const struct tunnel_edge_row *row,
                       struct fw_json *edges)
{
	const struct tunnel_peer *peer = tunnel_memory_find(tunnel->memory, row->realm);
	struct fw_json *edge = fw_json_append_object(edges);

	fw_json_set(edge, "realm", fw_str(row->realm));
	fw_json_set(edge, "host", fw_str(row->host));
	fw_json_set_bool(edge, "connected", peer != NULL && peer->connected);
	const struct fw_json *federation =
	        peer != NULL ? tunnel_peer_value(peer, "federation") : NULL;
	if (federation != NULL) { /* else nobody has said yet */
		fw_json_set_bool(edge, "federation", fw_json_bool(fw_json_get(federation, "on")));
	}
	struct fw_json *components = fw_json_set_array(edge, "components");
	const struct fw_json *told = peer != NULL ? tunnel_peer_value(peer, "components") : NULL;
	for (size_t i = 0; i < fw_json_count(told) && i < EDGE_COMPONENTS_MAX; i++) {
		struct fw_str id = fw_json_text(fw_json_at(told, i));
		if (is_component_of(id, row->realm)) {
			fw_json_append(components, id);
		}
	}
}

static struct fw_json *learn_edges(const struct tunnel *tunnel, struct fw_json *document)
{
	const struct tunnel_edge_row *rows = tunnel->config->edges.items;
	struct fw_json *edges = fw_json_set_array(document, "edges");

	for (size_t i = 0; i < tunnel->config->edges.count; i++) {
		learn_edge(tunnel, &rows[i], edges);
	}
	return edges;
}

/* ---- on the edge ---- */

/* Names that are in the list already. */
struct seen {
	struct fw_str names[SEEN_SIZE];
	size_t count;
};

static bool seen_new(struct seen *seen, struct fw_str name)
{
	size_t at = fw_str_hash(name) % SEEN_SIZE;

	while (seen->names[at].ptr != NULL) {
		if (fw_str_eq(seen->names[at], name)) {
			return false;
		}
		at = (at + 1) % SEEN_SIZE;
	}
	if (seen->count >= ROWS_MAX) {
		return false;
	}
	seen->names[at] = name;
	seen->count++;
	return true;
}

static bool is_domain(struct fw_str name)
{
	char room[FW_DOMAIN_SIZE];
	struct fw_str key;

	return name.len > 0 && memchr(name.ptr, '\0', name.len) == NULL &&
	       fw_domain_key(name, room, &key) == FW_OK;
}

static void copy_domain(const struct fw_json *row, struct fw_json *list)
{
	struct fw_str alias_of = fw_json_text(fw_json_get(row, "alias_of"));
	struct fw_json *copy = fw_json_append_object(list);

	fw_json_set(copy, "name", fw_json_text(fw_json_get(row, "name")));
	fw_json_set_bool(copy, "federation", fw_json_bool(fw_json_get(row, "federation")));
	fw_json_set_bool(copy, "im_and_presence",
	                 fw_json_bool(fw_json_get(row, "im_and_presence")));
	if (alias_of.len > 0) {
		fw_json_set(copy, "alias_of", alias_of);
	}
}

static void copy_route(const struct fw_json *row, struct fw_json *list)
{
	struct fw_str host = fw_json_text(fw_json_get(row, "host"));
	int64_t port = fw_json_int(fw_json_get(row, "port"));

	if (host.len == 0 || host.len > 255 || port < 1 || port > 65535) {
		return;
	}
	struct fw_json *copy = fw_json_append_object(list);
	fw_json_set(copy, "domain", fw_json_text(fw_json_get(row, "domain")));
	fw_json_set(copy, "host", host);
	fw_json_set_int(copy, "port", port);
}

static const struct list {
	const char *key;
	const char *name; /* the member that names a row; NULL: rows are texts */
	void (*copy)(const struct fw_json *row, struct fw_json *list);
} lists[] = {
	{ "domains", "name", copy_domain },
	{ "allow", NULL, NULL },
	{ "deny", NULL, NULL },
	{ "static_routes", "domain", copy_route },
};

/* Adds what one core says. @return how many rows cannot be used */
static unsigned learn_rows(const struct list *list, const struct fw_json *told, struct seen *seen,
                           struct fw_json *to)
{
	unsigned bad = 0;

	for (size_t i = 0; i < fw_json_count(told); i++) {
		const struct fw_json *row = fw_json_at(told, i);
		struct fw_str name =
		        fw_json_text(list->name != NULL ? fw_json_get(row, list->name) : row);
		bool suffix = list->name == NULL && name.len > 2 && memcmp(name.ptr, "*.", 2) == 0;

		if (!is_domain(suffix ? fw_str_n(name.ptr + 2, name.len - 2) : name)) {
			bad++;
		} else if (!seen_new(seen, name)) {
			continue;
		} else if (list->copy != NULL) {
			list->copy(row, to);
		} else {
			fw_json_append(to, name);
		}
	}
	return bad;
}

static struct fw_json *learn_list(const struct tunnel *tunnel, const struct list *list,
                                  struct fw_json *document)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	struct fw_json *to = NULL;
	unsigned bad = 0;

	for (const struct tunnel_peer *peer = tunnel->memory->peers; peer != NULL && seen != NULL;
	     peer = peer->next) {
		const struct fw_json *told = tunnel_peer_value(peer, list->key);
		if (fw_json_type(told) == FW_JSON_ARRAY) {
			to = to != NULL ? to : fw_json_set_array(document, list->key);
			bad += learn_rows(list, told, seen, to);
		}
	}
	if (bad > 0) {
		fw_log(fw_self_log(tunnel->self), &learn_logger, FW_LOG_WARNING,
		       "rows that the cores told are passed over: no domains list=%s count=%u",
		       list->key, bad);
	}
	free(seen);
	return to;
}

/* ---- into the state ---- */

static void learn_set(struct tunnel *tunnel, const char *key, const struct fw_json *value)
{
	struct fw_error err = { 0 };
	char notice[64];

	snprintf(notice, sizeof(notice), "learn %s", key);
	if (fw_state_set(tunnel->self, key, value, &err) != FW_OK) {
		fw_notice(tunnel->self, notice, FW_NOTICE_YELLOW, NULL,
		          "what the other side of the tunnel says of %s is not taken: %s", key,
		          err.text);
	} else {
		fw_notice_clear(tunnel->self, notice);
	}
}

void tunnel_learn_now(void *ctx)
{
	struct tunnel *tunnel = ctx;
	struct fw_json *document = fw_json_new();
	struct fw_error err = { 0 };

	if (document == NULL) {
		return;
	}
	if (tunnel->config->role == TUNNEL_CONNECT) {
		learn_set(tunnel, "edges", learn_edges(tunnel, document));
	}
	/* An edge that has never heard of a core leaves the state as it is. */
	for (size_t i = 0; i < FW_COUNT(lists) && tunnel->config->role == TUNNEL_LISTEN &&
	                   tunnel->memory->peers != NULL;
	     i++) {
		learn_set(tunnel, lists[i].key, learn_list(tunnel, &lists[i], document));
	}
	fw_json_free(&document);
	if (tunnel_memory_keep(tunnel->memory, &err) != FW_OK) {
		fw_notice(tunnel->self, "memory", FW_NOTICE_YELLOW,
		          "look at the disk, and at owner and mode of the directory",
		          "what the tunnel has learned cannot be kept: %s", err.text);
	} else {
		fw_notice_clear(tunnel->self, "memory");
	}
}

void tunnel_learn_later(struct tunnel *tunnel)
{
	fw_defer(fw_self_loop(tunnel->self), &tunnel->apply);
}
