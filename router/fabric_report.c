/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What operators are shown of other routers: each with its state, what it announces, and what was
 * refused of that. Called by control_report.c.
 */
#include "router/fabric.h"
#include "router/route_table.h"
#include "router/router_dial.h"

static int64_t left_ms(const struct fabric_peer *peer, const struct fabric_route *route)
{
	uint64_t now = fw_now_ms(peer->fabric->router->loop);

	return now < route->expires_ms ? (int64_t)(route->expires_ms - now) : 0;
}

void fabric_report_route(const struct fabric_peer *peer, const struct route_name *name,
                         struct fw_json *out)
{
	const struct fabric_route *route = NULL;
	char text[ROUTE_NAME_SIZE];

	if (peer != NULL) {
		route_name_text(name, text);
		route = fabric_set_find(&peer->learned, text);
	}
	if (route != NULL && route->bound) {
		fw_json_set(out, "origin", trail_first(peer->fabric->trails, route->trail));
		fw_json_set_int(out, "expires_ms", left_ms(peer, route));
	}
}

static void report_routes(const struct fabric_peer *peer, struct fw_json *array)
{
	const struct trails *trails = peer->fabric->trails;
	const struct fabric_route *route = NULL;

	while ((route = fabric_set_next(&peer->learned, route)) != NULL) {
		struct fw_json *out = fw_json_append_object(array);
		fw_json_set(out, "name", fw_str(route->name));
		fw_json_set(out, "origin", trail_first(trails, route->trail));
		fw_json_set(out, "path", trail_path(trails, route->trail));
		fw_json_set_int(out, "cost", route->cost + peer->row->cost);
		fw_json_set_int(out, "weight", fabric_weight(peer, route));
		fw_json_set(out, "verdict", fw_str(fabric_verdict_name(route->verdict)));
		fw_json_set_int(out, "expires_ms", left_ms(peer, route));
	}
}

static void report_peer(const struct fabric_peer *peer, struct fw_json *out)
{
	bool up = peer->component != NULL;
	size_t refused = 0;
	const struct fabric_route *route = NULL;

	while ((route = fabric_set_next(&peer->learned, route)) != NULL) {
		refused += route->verdict == FABRIC_NO_RIGHT ? 1 : 0;
	}
	fw_json_set(out, "realm", fw_str(peer->realm));
	fw_json_set(out, "state",
	            fw_str(!up ? "down"
	                   : peer->component->suspended
	                           ? "suspended"
	                           : component_state_name(peer->component->state)));
	fw_json_set_int(out, "since_ms",
	                (int64_t)(fw_now_ms(peer->fabric->router->loop) - peer->since_ms));
	fw_json_set_bool(out, "dialled", peer->row->host[0] != '\0');
	if (peer->dial != NULL && (!up || peer->component->suspended)) {
		fw_json_set(out, "dial", fw_str(router_dial_state(peer->dial)));
		fw_json_set_int(out, "failures", router_dial_failures(peer->dial));
	}
	fw_json_set_bool(out, "outside", peer->row->outside);
	fw_json_set_bool(out, "default_route", peer->row->default_route);
	fw_json_set_bool(out, "control", peer->row->control);
	fw_json_set_int(out, "cost", peer->row->cost);
	fw_json_set_int(out, "announced", (int64_t)peer->learned.count);
	fw_json_set_int(out, "refused", (int64_t)refused);
	fw_json_set_int(out, "told", (int64_t)peer->told.count);
	fw_json_set_bool(out, "settled", !up || peer->acked_seq >= peer->told_seq);
	if (peer->last_cause != FW_CAUSE_NONE) {
		fw_json_set(out, "last_cause", fw_str(fw_cause_row(peer->last_cause)->name));
		fw_json_set(out, "last_text", fw_str(fw_cause_row(peer->last_cause)->text));
		fw_json_set(out, "remedy", fw_str(fabric_remedy(peer->last_cause)));
		fw_json_set(out, "last_detail", fw_str(peer->last_detail));
	}
	report_routes(peer, fw_json_set_array(out, "routes"));
}

void fabric_report(const struct router *router, struct fw_json *array)
{
	const struct fabric_peer *peer = router->fabric != NULL ? router->fabric->peers : NULL;

	for (; peer != NULL; peer = peer->next) {
		report_peer(peer, fw_json_append_object(array));
	}
}
