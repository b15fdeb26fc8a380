/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What this node tells: an edge its switch and its S2S components, a core the domains and what its
 * options have for edges. Taken again at each announcement that may have changed it; the book
 * finds out whether it has.
 */
#include "components/tunnel/tunnel.h"

#include "components/tunnel/tunnel_edge.h"
#include "components/tunnel/tunnel_gate.h"

static bool take_federation(struct tunnel *tunnel)
{
	const struct fw_json *state = fw_state(tunnel->self, "federation");
	struct fw_json *value = fw_json_new();

	fw_json_set_bool(value, "on", fw_federation_is_on(tunnel->self));
	fw_json_set(value, "since", fw_json_text(fw_json_get(state, "at")));
	bool changed = tunnel_book_set(tunnel->book, "federation", value);
	fw_json_free(&value);
	return changed;
}

/* Those of this node that take what goes to the outside. */
static bool take_components(struct tunnel *tunnel)
{
	struct fw_json *document = fw_json_new();
	struct fw_json *ids = fw_json_set_array(document, "ids");
	struct fw_json *holders = fw_json_set_array(document, "holders");

	if (fw_holders(tunnel->self, "*", holders) != FW_OK) {
		fw_json_free(&document);
		return false;
	}
	for (size_t i = 0; i < fw_json_count(holders); i++) {
		const struct fw_json *holder = fw_json_at(holders, i);
		if (fw_str_is(fw_json_text(fw_json_get(holder, "realm")),
		              fw_self_realm(tunnel->self))) {
			fw_json_append(ids, fw_json_text(fw_json_get(holder, "id")));
		}
	}
	bool changed = tunnel_book_set(tunnel->book, "components", ids);
	fw_json_free(&document);
	return changed;
}

static bool take_domains(struct tunnel *tunnel)
{
	struct fw_json *document = fw_json_new();
	struct fw_json *rows = fw_json_set_array(document, "rows");
	bool changed = false;

	if (fw_domains(tunnel->self, rows) == FW_OK) {
		changed = tunnel_book_set(tunnel->book, "domains", rows);
	}
	fw_json_free(&document);
	return changed;
}

/* An empty list is not told: the edge may have one of its own. */
static bool take_list(struct tunnel *tunnel, const char *key, const struct fw_strings *list)
{
	struct fw_json *document = fw_json_new();
	struct fw_json *names = fw_json_set_array(document, "names");

	for (size_t i = 0; i < list->count; i++) {
		fw_json_append(names, fw_str(list->items[i]));
	}
	bool changed = tunnel_book_set(tunnel->book, key, list->count > 0 ? names : NULL);
	fw_json_free(&document);
	return changed;
}

static bool take_routes(struct tunnel *tunnel)
{
	const struct tunnel_route_row *rows = tunnel->config->static_routes.items;
	size_t count = tunnel->config->static_routes.count;
	struct fw_json *document = fw_json_new();
	struct fw_json *routes = fw_json_set_array(document, "routes");

	for (size_t i = 0; i < count; i++) {
		struct fw_json *route = fw_json_append_object(routes);
		fw_json_set(route, "domain", fw_str(rows[i].domain));
		fw_json_set(route, "host", fw_str(rows[i].host));
		fw_json_set_int(route, "port", rows[i].port);
	}
	bool changed = tunnel_book_set(tunnel->book, "static_routes", count > 0 ? routes : NULL);
	fw_json_free(&document);
	return changed;
}

void tunnel_facts_take(struct tunnel *tunnel)
{
	bool changed = false;

	if (tunnel->config->role == TUNNEL_LISTEN) {
		changed |= take_federation(tunnel);
		changed |= take_components(tunnel);
		if (changed && tunnel->gate != NULL) {
			tunnel_gate_tell(tunnel);
		}
		return;
	}
	changed |= take_domains(tunnel);
	changed |= take_list(tunnel, "allow", &tunnel->config->allow);
	changed |= take_list(tunnel, "deny", &tunnel->config->deny);
	changed |= take_routes(tunnel);
	if (changed) {
		tunnel_edges_tell(tunnel);
	}
}
