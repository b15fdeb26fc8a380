/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What we tell another router: our realm, names of ours that somebody here holds, the default route
 * while a gateway here can take it, and what others have told us, with the way to them. Never what
 * has come through the one that is told (split horizon by path). Called by fabric.c; compares with
 * what was told last and sends the difference.
 */
#include "router/fabric.h"
#include "router/route_table.h"

/* The least that a router may set as largest stanza is 10000 bytes. */
enum { BATCH_BYTES = 7000, ROUTE_BYTES = 160, OWN_WEIGHT = 10 };

static struct fw_logger tell_log = FW_LOGGER("router.fabric");

struct telling {
	struct fabric_peer *peer;
	struct fabric_set now;
	struct fw_stanza *batch;
	size_t bytes;
	unsigned routes, gone;
	bool full, failed;
};

/* ---- what there is to tell ---- */

/* The cheapest way to a name counts; ways of the same cost add their weights. */
static void want(struct telling *telling, const char *name, const struct fabric_route *terms)
{
	struct fabric_route *route = fabric_set_find(&telling->now, name);

	if (route == NULL) {
		route = fabric_set_make(&telling->now, name);
		if (route == NULL) {
			telling->failed = true;
			return;
		}
	} else if (terms->cost == route->cost) {
		uint32_t sum = route->weight + terms->weight;
		route->weight = sum < UINT16_MAX ? sum : UINT16_MAX;
		return;
	} else if (terms->cost > route->cost) {
		return;
	}
	route->cost = terms->cost;
	route->weight = terms->weight;
	route->trail = terms->trail;
	route->seq = terms->seq;
}

/* Up, here, and not itself standing for something elsewhere. */
static bool holds_here(const struct route *route)
{
	const struct component *component = route->component;

	return component->state == COMPONENT_UP && component->peer == NULL &&
	       component->stands_for == NULL;
}

static void want_name(struct telling *telling, const struct route_name *name)
{
	struct fabric_route terms = { .seq = telling->peer->fabric->seq };
	char text[FW_DOMAIN_SIZE + 2];

	for (const struct route *route = name->holders; route != NULL; route = route->sibling) {
		terms.weight += holds_here(route) ? route_weight(route) : 0;
	}
	if (terms.weight == 0) {
		return;
	}
	terms.weight = terms.weight < UINT16_MAX ? terms.weight : UINT16_MAX;
	route_name_text(name, text);
	want(telling, text, &terms);
}

static void want_own(struct telling *telling)
{
	const struct router *router = telling->peer->fabric->router;
	struct fabric_route terms = { .weight = OWN_WEIGHT, .seq = telling->peer->fabric->seq };
	bool open = router_federation_is_on(router) && !router->draining;
	const struct route_name *name = NULL;
	char text[FW_DOMAIN_SIZE + 4], realm[FW_DOMAIN_SIZE + 2];

	if (fabric_name(fw_str(router->realm), realm) == FW_OK) {
		want(telling, realm, &terms);
		(void)snprintf(text, sizeof(text), "*.%s", realm);
		want(telling, text, &terms);
	}
	while ((name = route_table_next(router->routes, name)) != NULL) {
		if (name->kind == ROUTE_DEFAULT ? open : name->listed) {
			want_name(telling, name);
		}
	}
}

/* A route goes on while its path leaves room for us, and has not been through the listener. Who
 * speaks for the outside itself has no use for another's way there. */
static void want_learned(struct telling *telling, const struct fabric_peer *from)
{
	const struct trails *trails = from->fabric->trails;
	const struct router *router = from->fabric->router;
	const struct fabric_route *route = NULL;
	bool outside = telling->peer->row->outside;

	while ((route = fabric_set_next(&from->learned, route)) != NULL) {
		bool leaves = strcmp(route->name, "*") == 0;
		if (!route->bound || (leaves && (router->draining || outside)) ||
		    trail_hops(trails, route->trail) >= TRAIL_HOPS_MAX ||
		    trail_has(trails, route->trail, fw_str(telling->peer->realm))) {
			continue;
		}
		struct fabric_route terms = *route;
		terms.cost += from->row->cost;
		terms.cost = terms.cost < UINT16_MAX ? terms.cost : UINT16_MAX;
		if (leaves) {
			terms.weight = fabric_weight(from, route);
		}
		want(telling, route->name, &terms);
	}
}

/* ---- the difference, in elements ---- */

static void send_batch(struct telling *telling, bool more)
{
	struct fabric_peer *peer = telling->peer;

	if (more && fw_stanza_set(telling->batch, "more", fw_str("true")) != FW_OK) {
		telling->failed = true;
	}
	peer->wire->send(peer->link, &telling->batch);
	fw_stanza_free(&telling->batch);
}

static void set_number(struct telling *telling, struct fw_elem *elem, const char *key,
                       uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	if (elem == NULL || fw_elem_set(elem, key, fw_str(text)) != FW_OK) {
		telling->failed = true;
	}
}

static void begin_batch(struct telling *telling)
{
	struct fabric *fabric = telling->peer->fabric;
	bool first = telling->bytes == 0;

	if (fw_stanza_new("routes", TRAIL_NS, &telling->batch) != FW_OK) {
		telling->failed = true;
		return;
	}
	struct fw_elem *root = fw_stanza_root(telling->batch);
	telling->peer->told_seq = ++fabric->seq;
	set_number(telling, root, "seq", fabric->seq);
	set_number(telling, root, "expires", fabric->router->config->router.routes_expire_s);
	(void)fw_stanza_set(telling->batch, "full",
	                    fw_str(telling->full && first ? "true" : "false"));
	telling->bytes = 1;
}

/* A new child of the element under way. */
static struct fw_elem *add_child(struct telling *telling, const char *kind, const char *name,
                                 size_t bytes)
{
	if (telling->batch != NULL && telling->bytes + bytes > BATCH_BYTES) {
		send_batch(telling, true);
	}
	if (telling->batch == NULL) {
		begin_batch(telling);
	}
	if (telling->failed) {
		return NULL;
	}
	telling->bytes += bytes;
	struct fw_elem *elem = fw_elem_add(fw_stanza_root(telling->batch), kind, NULL);
	if (elem == NULL || fw_elem_set(elem, "name", fw_str(name)) != FW_OK) {
		telling->failed = true;
	}
	return elem;
}

static bool same_terms(const struct fabric_route *a, const struct fabric_route *b)
{
	return a->cost == b->cost && a->weight == b->weight && a->trail == b->trail;
}

static void tell_route(struct telling *telling, const struct fabric_route *route)
{
	struct fabric_peer *peer = telling->peer;
	struct trails *trails = peer->fabric->trails;
	struct fabric_route *told = fabric_set_make(&peer->told, route->name);
	struct fw_str path = trail_onward(trails, route->trail);

	if (told == NULL) {
		telling->failed = true;
		return;
	}
	struct fw_elem *elem = add_child(telling, "route", route->name,
	                                 ROUTE_BYTES + strlen(route->name) + path.len);
	if (elem == NULL) {
		return;
	}
	set_number(telling, elem, "cost", route->cost);
	set_number(telling, elem, "weight", route->weight);
	set_number(telling, elem, "seq", route->seq);
	if (fw_elem_set(elem, "path", path) != FW_OK) {
		telling->failed = true;
	}
	told->cost = route->cost;
	told->weight = route->weight;
	told->trail = route->trail;
	told->seq = route->seq;
	telling->routes++;
}

static void tell_gone(struct telling *telling)
{
	struct fabric_set *told = &telling->peer->told;
	struct fabric_route *route = fabric_set_next(told, NULL), *next;

	for (; route != NULL && !telling->failed; route = next) {
		next = fabric_set_next(told, route);
		if (fabric_set_find(&telling->now, route->name) == NULL) {
			if (!telling->full) {
				(void)add_child(telling, "gone", route->name,
				                ROUTE_BYTES + strlen(route->name));
			}
			fabric_set_remove(told, &route);
			telling->gone++;
		}
	}
}

void fabric_tell(struct fabric_peer *peer, bool full)
{
	struct telling telling = { .peer = peer, .full = full };
	const struct fabric_route *route = NULL;

	if (peer->component == NULL) {
		return;
	}
	want_own(&telling);
	for (const struct fabric_peer *other = peer->fabric->peers; other != NULL;
	     other = other->next) {
		if (other != peer) {
			want_learned(&telling, other);
		}
	}
	while (!telling.failed && (route = fabric_set_next(&telling.now, route)) != NULL) {
		const struct fabric_route *told = fabric_set_find(&peer->told, route->name);
		if (full || told == NULL || !same_terms(route, told)) {
			tell_route(&telling, route);
		}
	}
	tell_gone(&telling);
	if (telling.batch != NULL && !telling.failed) {
		send_batch(&telling, false);
	}
	fw_stanza_free(&telling.batch);
	if (telling.failed) { /* all is said again at the next refresh */
		fw_log(peer->fabric->router->log, &tell_log, FW_LOG_ERROR,
		       "out of memory, routes were not told router=%s", peer->realm);
		fabric_set_clear(&peer->told);
	} else if (telling.routes + telling.gone > 0 && !full) {
		fw_log(peer->fabric->router->log, &tell_log, FW_LOG_INFO,
		       "told router=%s routes=%u gone=%u seq=%llu", peer->realm, telling.routes,
		       telling.gone, (unsigned long long)peer->told_seq);
	}
	fabric_set_clear(&telling.now);
}
