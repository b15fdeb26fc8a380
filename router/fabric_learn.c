/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What another router tells us: each route is kept as it was said and judged by the rights of the
 * row and the list of what is ours; those that are taken become holdings of the router's link. They
 * are judged again when rights or lists change, because either may come later than the word.
 */
#include "router/fabric.h"
#include "router/route_table.h"
#include "router/via.h"

enum { COST_MAX = 65535, EXPIRES_MAX_S = 86400, NORMAL_WEIGHT = 10 };

static struct fw_logger learn_log = FW_LOGGER("router.fabric");

const char *fabric_verdict_name(enum fabric_verdict verdict)
{
	static const char *const names[] = {
		[FABRIC_TAKEN] = "taken",
		[FABRIC_NOT_WANTED] = "default_route is false",
		[FABRIC_NOT_OURS] = "not ours",
		[FABRIC_NO_RIGHT] = "no right to it",
		[FABRIC_UNKNOWN] = "a router behind it that nothing here names",
		[FABRIC_LOOP] = "loop",
		[FABRIC_NO_MEMORY] = "out of memory",
	};
	return names[verdict];
}

int fabric_name(struct fw_str text, char out[FW_DOMAIN_SIZE + 2])
{
	char key[FW_DOMAIN_SIZE];
	bool suffix = text.len > 2 && memcmp(text.ptr, "*.", 2) == 0;

	if (fw_str_is(text, "*")) {
		(void)snprintf(out, FW_DOMAIN_SIZE + 2, "*");
		return FW_OK;
	}
	if (suffix) {
		text = fw_str_n(text.ptr + 2, text.len - 2);
	}
	if (text.len == 0 || text.ptr[text.len - 1] == '.' ||
	    fw_domain_key(text, key, NULL) != FW_OK) {
		return FW_EPARSE;
	}
	(void)snprintf(out, FW_DOMAIN_SIZE + 2, "%s%s", suffix ? "*." : "", key);
	return FW_OK;
}

/* ---- rights ---- */

/* A pattern of a row's domains covers a name. */
static bool covers(const char *pattern, struct fw_str name)
{
	char key[FW_DOMAIN_SIZE + 2];

	if (fabric_name(fw_str(pattern), key) != FW_OK) {
		return false;
	}
	struct fw_str tail = fw_str(key);
	if (fw_str_eq(tail, name)) {
		return true;
	}
	if (tail.len < 3 || key[0] != '*') {
		return false;
	}
	tail = fw_str_n(key + 1, tail.len - 1); /* with its dot */
	return name.len > tail.len &&
	       memcmp(name.ptr + name.len - tail.len, tail.ptr, tail.len) == 0;
}

/* The row lets it hold this name of ours. */
static bool row_allows(const struct config_peer *row, struct fw_str name)
{
	if (!row->outside) {
		return true;
	}
	for (size_t i = 0; i < row->domains.count; i++) {
		if (covers(row->domains.items[i], name)) {
			return true;
		}
	}
	return false;
}

bool fabric_may_send(const struct fabric_peer *peer, struct fw_str domain)
{
	char key[FW_DOMAIN_SIZE + 2];

	return fabric_name(domain, key) == FW_OK && row_allows(peer->row, fw_str(key)) &&
	       route_table_is_listed(peer->fabric->router->routes, domain);
}

static bool is_realm_of(struct fw_str name, struct fw_str realm)
{
	if (name.len > 2 && memcmp(name.ptr, "*.", 2) == 0) {
		name = fw_str_n(name.ptr + 2, name.len - 2);
	}
	return fw_str_eq_nocase(name, realm);
}

/* What an outside router says of others would make them ours: it could take in their traffic, speak
 * for them, and call a top-level domain a realm. So somebody here has to know them. */
static bool may_be_behind(const struct fabric_peer *peer, struct fw_str realm)
{
	const struct fw_strings *realms = &peer->row->realms;
	bool may = !peer->row->outside || fw_str_eq_nocase(realm, fw_str(peer->realm));

	for (size_t i = 0; i < realms->count && !may; i++) {
		may = strcmp(realms->items[i], "*") == 0 ||
		      fw_str_eq_nocase(realm, fw_str(realms->items[i]));
	}
	return may || vias_stand_in(peer->fabric->router, realm);
}

static enum fabric_verdict judge(const struct fabric_peer *peer, const struct fabric_route *route)
{
	const struct fabric *fabric = peer->fabric;
	struct fw_str name = fw_str(route->name);
	struct fw_str bare = name;

	if (trail_judge(fabric->trails, route->trail) != FW_CAUSE_NONE ||
	    is_realm_of(name, fw_str(fabric->router->realm))) {
		return FABRIC_LOOP;
	}
	if (fw_str_is(name, "*")) {
		if (!peer->row->outside) {
			return FABRIC_NO_RIGHT;
		}
		return peer->row->default_route ? FABRIC_TAKEN : FABRIC_NOT_WANTED;
	}
	if (memcmp(route->name, "*.", 2) == 0) {
		bare = fw_str_n(name.ptr + 2, name.len - 2);
	}
	bool ours = route_table_is_listed(fabric->router->routes, bare);
	if (!ours) {
		if (!is_realm_of(name, trail_first(fabric->trails, route->trail))) {
			return FABRIC_NOT_OURS;
		}
		return may_be_behind(peer, bare) ? FABRIC_TAKEN : FABRIC_UNKNOWN;
	}
	return row_allows(peer->row, name) ? FABRIC_TAKEN : FABRIC_NO_RIGHT;
}

/* ---- holdings ---- */

uint32_t fabric_weight(const struct fabric_peer *peer, const struct fabric_route *route)
{
	uint64_t weight = (uint64_t)peer->row->weight * route->weight / NORMAL_WEIGHT;

	weight = weight > 0 ? weight : 1;
	return weight < UINT16_MAX ? (uint32_t)weight : UINT16_MAX;
}

static void unbind(struct fabric_peer *peer, struct fabric_route *route)
{
	/* The link's own name stays with it as long as it stands. */
	if (route->bound && !fw_domain_eq(fw_str(route->name), fw_str(peer->component->id))) {
		(void)component_unbind(peer->component, route->name);
	}
	route->bound = false;
}

static void settle(struct fabric_peer *peer, struct fabric_route *route)
{
	const struct route_terms terms = {
		.priority = peer->row->priority,
		.cost = route->cost + peer->row->cost,
		.weight = fabric_weight(peer, route),
	};
	enum fabric_verdict before = route->verdict;

	route->verdict = judge(peer, route);
	if (route->verdict != FABRIC_TAKEN) {
		unbind(peer, route);
	} else if (component_bind_terms(peer->component, route->name, &terms, NULL) == FW_OK) {
		route->bound = true;
	} else {
		route->verdict = FABRIC_NO_MEMORY;
	}
	if (route->verdict != before && route->verdict == FABRIC_NO_RIGHT) {
		peer->refused++;
		fw_log(peer->fabric->router->log, &learn_log,
		       (peer->refused & (peer->refused - 1)) == 0 ? FW_LOG_WARNING : FW_LOG_DEBUG,
		       "route refused router=%s name=%s reason=\"%s\" refused=%llu", peer->realm,
		       route->name, fabric_verdict_name(route->verdict),
		       (unsigned long long)peer->refused);
	}
}

void fabric_judge(struct fabric_peer *peer)
{
	struct fabric_route *route = NULL;

	while (peer->component != NULL &&
	       (route = fabric_set_next(&peer->learned, route)) != NULL) {
		settle(peer, route);
	}
}

void fabric_rehome(struct fabric_peer *peer, struct component *component)
{
	struct fabric_route *route = NULL;

	while ((route = fabric_set_next(&peer->learned, route)) != NULL) {
		unbind(peer, route);
		route->marked = true;
	}
	peer->component = component;
	fabric_judge(peer);
}

static void forget(struct fabric_peer *peer, struct fabric_route *route, const char *why)
{
	fw_log(peer->fabric->router->log, &learn_log, FW_LOG_INFO,
	       "route gone router=%s name=%s reason=\"%s\"", peer->realm, route->name, why);
	unbind(peer, route);
	fabric_set_remove(&peer->learned, &route);
}

void fabric_unlearn(struct fabric_peer *peer)
{
	struct fabric_route *route = NULL;

	while ((route = fabric_set_next(&peer->learned, route)) != NULL) {
		unbind(peer, route);
	}
	fabric_set_clear(&peer->learned);
}

/* Ends all routes for which `over` says so. */
static bool sweep(struct fabric_peer *peer, uint64_t now_ms, const char *why)
{
	struct fabric_route *route = fabric_set_next(&peer->learned, NULL), *next;
	bool any = false;

	for (; route != NULL; route = next) {
		next = fabric_set_next(&peer->learned, route);
		if (now_ms > 0 ? route->expires_ms <= now_ms : route->marked) {
			forget(peer, route, why);
			any = true;
		}
	}
	return any;
}

bool fabric_expire(struct fabric_peer *peer, uint64_t now_ms)
{
	return peer->component != NULL && sweep(peer, now_ms, "not said again in time");
}

/* ---- the element ---- */

static int read_number(const struct fw_elem *elem, const char *key, uint64_t max, uint64_t *out)
{
	struct fw_str text = fw_elem_attr(elem, key);

	return text.len > 0 ? fw_str_to_u64(text, max, out) : FW_EPARSE;
}

static enum fw_cause read_route(struct fabric_peer *peer, const struct fw_elem *elem,
                                uint64_t expires_ms)
{
	struct trails *trails = peer->fabric->trails;
	uint32_t max = peer->fabric->router->config->router.routes_max, trail = 0;
	char name[FW_DOMAIN_SIZE + 2];
	uint64_t cost, weight, seq;

	if (fabric_name(fw_elem_attr(elem, "name"), name) != FW_OK ||
	    read_number(elem, "cost", COST_MAX, &cost) != FW_OK ||
	    read_number(elem, "weight", UINT16_MAX, &weight) != FW_OK || weight == 0 ||
	    read_number(elem, "seq", UINT64_MAX, &seq) != FW_OK) {
		return FW_CAUSE_BAD_ROUTES;
	}
	int ret = trail_intern(trails, &peer->trail, fw_elem_attr(elem, "path"), &trail);
	if (ret == FW_EPARSE) {
		return FW_CAUSE_BAD_ROUTES;
	}
	struct fabric_route *route = fabric_set_find(&peer->learned, name);
	if (ret == FW_OK && route == NULL && peer->learned.count < max) {
		route = fabric_set_make(&peer->learned, name);
	}
	if (ret != FW_OK || route == NULL) {
		peer->refused++;
		if ((peer->refused & (peer->refused - 1)) == 0) {
			fw_log(peer->fabric->router->log, &learn_log, FW_LOG_WARNING,
			       "route refused router=%s name=%s limit=%s value=%u refused=%llu",
			       peer->realm, name, ret == FW_OK ? "routes_max" : "paths", max,
			       (unsigned long long)peer->refused);
		}
		return FW_CAUSE_NONE;
	}
	bool same = route->bound && route->cost == cost && route->weight == weight &&
	            route->trail == trail;
	route->cost = (uint32_t)cost;
	route->weight = (uint32_t)weight;
	route->trail = trail;
	route->seq = seq;
	route->expires_ms = expires_ms;
	route->marked = false;
	if (!same) { /* what is only said again must not move the route table */
		settle(peer, route);
	}
	return FW_CAUSE_NONE;
}

static enum fw_cause read_gone(struct fabric_peer *peer, const struct fw_elem *elem)
{
	char name[FW_DOMAIN_SIZE + 2];

	if (fabric_name(fw_elem_attr(elem, "name"), name) != FW_OK) {
		return FW_CAUSE_BAD_ROUTES;
	}
	struct fabric_route *route = fabric_set_find(&peer->learned, name);
	if (route != NULL) {
		forget(peer, route, "withdrawn");
	}
	return FW_CAUSE_NONE;
}

static void mark_all(struct fabric_peer *peer)
{
	struct fabric_route *route = NULL;

	while ((route = fabric_set_next(&peer->learned, route)) != NULL) {
		route->marked = true;
	}
}

/* Confirms a list. Without memory the other side only waits longer when it drains. */
static void confirm(struct fabric_peer *peer)
{
	struct fw_stanza *learned = NULL;
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)peer->heard_seq);
	if (fw_stanza_new("learned", TRAIL_NS, &learned) == FW_OK &&
	    fw_stanza_set(learned, "seq", fw_str(text)) == FW_OK) {
		peer->wire->send(peer->link, &learned);
	}
	fw_stanza_free(&learned);
}

enum fw_cause fabric_learn(struct fabric_peer *peer, struct fw_stanza *routes)
{
	const struct fw_elem *root = fw_stanza_root(routes);
	enum fw_cause cause = FW_CAUSE_NONE;
	uint64_t seq, expires_s;

	if (root == NULL) {
		return FW_CAUSE_RESOURCES;
	}
	if (read_number(root, "seq", UINT64_MAX, &seq) != FW_OK || seq == 0 ||
	    read_number(root, "expires", EXPIRES_MAX_S, &expires_s) != FW_OK || expires_s == 0) {
		return FW_CAUSE_BAD_ROUTES;
	}
	if (seq <= peer->heard_seq) { /* said again by a link that goes on: known already */
		confirm(peer);
		return FW_CAUSE_NONE;
	}
	uint64_t expires_ms = fw_now_ms(peer->fabric->router->loop) + expires_s * 1000;
	if (fw_str_is(fw_elem_attr(root, "full"), "true")) {
		mark_all(peer);
	}
	for (const struct fw_elem *elem = fw_elem_first(root);
	     elem != NULL && cause == FW_CAUSE_NONE; elem = fw_elem_next(elem)) {
		if (fw_str_is(fw_elem_name(elem), "route")) {
			cause = read_route(peer, elem, expires_ms);
		} else if (fw_str_is(fw_elem_name(elem), "gone")) {
			cause = read_gone(peer, elem);
		}
	}
	if (cause != FW_CAUSE_NONE) {
		return cause;
	}
	if (!fw_str_is(fw_elem_attr(root, "more"), "true")) {
		(void)sweep(peer, 0, "no longer in the list");
	}
	peer->heard_seq = seq;
	confirm(peer);
	return FW_CAUSE_NONE;
}
