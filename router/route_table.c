/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The route table: a hash table of names, each with its holders. component.c and router.c write it,
 * the lookup of passage.c reads it for every stanza, where one hash look-up of the bytes as they
 * came must be enough. Which of several holders is taken is decided in route_balance.c.
 */
#include "router/route_table.h"

#include <stdlib.h>

#include "router/route_balance.h"

struct route_table {
	struct route_name **buckets;
	size_t mask; /* number of buckets - 1 */
	size_t count;
	size_t suffixes;             /* names of kind suffix: 0 saves the walk */
	struct route_name *fallback; /* the name "*", never in a bucket */
	uint64_t generation;
	struct fw_str realm;
	char realm_text[FW_DOMAIN_SIZE];
};

enum { FIRST_BUCKETS = 64 };

/* A suffix and an exact name with the same letters must not meet. */
static const uint64_t suffix_salt = UINT64_C(0x9e3779b97f4a7c15);

/* A domain as fw_bind() takes it, taken apart. */
struct wanted_name {
	enum route_kind kind;
	struct fw_str key;
	char text[FW_DOMAIN_SIZE];
};

static int read_name(const struct route_table *table, const char *domain, struct wanted_name *out)
{
	struct fw_str text = fw_str(domain);
	char service[2 * FW_DOMAIN_SIZE];

	if (fw_str_is(text, "*")) {
		out->kind = ROUTE_DEFAULT;
		out->key = fw_str_n("", 0);
		return FW_OK;
	}
	out->kind = ROUTE_EXACT;
	if (text.len > 2 && memcmp(text.ptr, "*.", 2) == 0) {
		out->kind = ROUTE_SUFFIX;
		text = fw_str_n(text.ptr + 2, text.len - 2);
	} else if (text.len > 1 && text.ptr[text.len - 1] == '.') {
		if (text.len + table->realm.len >= sizeof(service)) {
			return FW_ELIMIT;
		}
		memcpy(service, text.ptr, text.len);
		memcpy(service + text.len, table->realm.ptr, table->realm.len);
		text = fw_str_n(service, text.len + table->realm.len);
	}
	return fw_domain_key(text, out->text, &out->key);
}

int route_table_new(const char *realm, struct route_table **out)
{
	struct route_table *table = calloc(1, sizeof(*table));

	if (table == NULL) {
		return FW_ENOMEM;
	}
	table->buckets = calloc(FIRST_BUCKETS, sizeof(struct route_name *));
	if (table->buckets == NULL) {
		free(table);
		return FW_ENOMEM;
	}
	table->mask = FIRST_BUCKETS - 1;
	table->generation = 1;
	int ret = fw_domain_key(fw_str(realm), table->realm_text, &table->realm);
	if (ret != FW_OK) {
		free(table->buckets);
		free(table);
		return ret;
	}
	*out = table;
	return FW_OK;
}

static void name_free(struct route_name *name)
{
	fw_assert(name->holders == NULL);
	free(name);
}

void route_table_free(struct route_table **table)
{
	if (*table == NULL) {
		return;
	}
	for (size_t i = 0; i <= (*table)->mask; i++) {
		for (struct route_name *name = (*table)->buckets[i], *next; name != NULL;
		     name = next) {
			next = name->next;
			name_free(name);
		}
	}
	if ((*table)->fallback != NULL) {
		name_free((*table)->fallback);
	}
	free((*table)->buckets);
	free(*table);
	*table = NULL;
}

/* ---- finding ---- */

static uint64_t name_hash(enum route_kind kind, struct fw_str key)
{
	uint64_t hash = fw_str_hash(key);
	return kind == ROUTE_SUFFIX ? hash ^ suffix_salt : hash;
}

static struct route_name *find_name(const struct route_table *table, enum route_kind kind,
                                    struct fw_str key)
{
	if (kind == ROUTE_DEFAULT) {
		return table->fallback;
	}
	uint64_t hash = name_hash(kind, key);
	struct route_name *name = table->buckets[hash & table->mask];
	while (name != NULL &&
	       (name->hash != hash || name->kind != kind || !fw_str_eq(name->key, key))) {
		name = name->next;
	}
	return name;
}

/* The next longer suffix's shorter brother: what follows the first dot; absent at the end. */
static struct fw_str parent_domain(struct fw_str key)
{
	const char *dot = key.len > 0 ? memchr(key.ptr, '.', key.len) : NULL;
	if (dot == NULL) {
		return fw_str_n(NULL, 0);
	}
	return fw_str_n(dot + 1, key.len - (size_t)(dot + 1 - key.ptr));
}

/* The names that can answer for a domain, best first: itself, then its suffixes, the longest first.
 */
struct candidates {
	const struct route_table *table;
	struct fw_str rest;
	bool exact_done;
};

static const struct route_name *candidate_next(struct candidates *walk)
{
	if (!walk->exact_done) {
		walk->exact_done = true;
		const struct route_name *name = find_name(walk->table, ROUTE_EXACT, walk->rest);
		if (name != NULL) {
			return name;
		}
	}
	while (walk->table->suffixes > 0 && walk->rest.len > 0) {
		walk->rest = parent_domain(walk->rest);
		if (walk->rest.len > 0) {
			const struct route_name *name =
			        find_name(walk->table, ROUTE_SUFFIX, walk->rest);
			if (name != NULL) {
				return name;
			}
		}
	}
	return NULL;
}

static bool in_realm(const struct route_table *table, struct fw_str key)
{
	struct fw_str realm = table->realm;

	if (key.len < realm.len ||
	    memcmp(key.ptr + key.len - realm.len, realm.ptr, realm.len) != 0) {
		return false;
	}
	return key.len == realm.len || key.ptr[key.len - realm.len - 1] == '.';
}

static int find_by_key(const struct route_table *table, struct fw_str domain,
                       const struct route_name **out)
{
	char text[FW_DOMAIN_SIZE];
	struct fw_str key;
	int ret = fw_domain_key(domain, text, &key);

	if (ret != FW_OK) {
		return ret;
	}
	struct candidates walk = { table, key, false };
	bool ours = in_realm(table, key);
	for (const struct route_name *name; (name = candidate_next(&walk)) != NULL;) {
		if (name->holders != NULL) {
			*out = name;
			return FW_OK;
		}
		ours = ours || name->listed;
	}
	/* RFC 6120 §10.5: what is ours is never sent outwards */
	if (ours || table->fallback == NULL || table->fallback->holders == NULL) {
		return FW_ENOENT;
	}
	*out = table->fallback;
	return FW_OK;
}

int route_table_find(const struct route_table *table, struct fw_str domain,
                     const struct route_name **out)
{
	const struct route_name *name = find_name(table, ROUTE_EXACT, domain);

	if (name != NULL && name->holders != NULL) {
		*out = name;
		return FW_OK;
	}
	return find_by_key(table, domain, out);
}

const struct route *route_table_holders(const struct route_table *table, const char *domain)
{
	struct wanted_name wanted;

	if (read_name(table, domain, &wanted) != FW_OK) {
		return NULL;
	}
	const struct route_name *name = find_name(table, wanted.kind, wanted.key);
	return name != NULL ? name->holders : NULL;
}

static struct route *holding_of(const struct route_name *name, const struct component *component)
{
	struct route *route = name->holders;
	while (route != NULL && route->component != component) {
		route = route->sibling;
	}
	return route;
}

bool route_table_holds(const struct route_table *table, const struct component *component,
                       struct fw_str domain)
{
	char text[FW_DOMAIN_SIZE];
	struct candidates walk = { table, domain, false };

	if (fw_domain_key(domain, text, &walk.rest) != FW_OK) {
		return false;
	}
	for (const struct route_name *name; (name = candidate_next(&walk)) != NULL;) {
		if (holding_of(name, component) != NULL) {
			return true;
		}
	}
	return false;
}

bool route_table_is_local(const struct route_table *table, struct fw_str domain)
{
	char text[FW_DOMAIN_SIZE];
	struct candidates walk = { table, domain, false };

	if (fw_domain_key(domain, text, &walk.rest) != FW_OK) {
		return false;
	}
	if (in_realm(table, walk.rest)) {
		return true;
	}
	for (const struct route_name *name; (name = candidate_next(&walk)) != NULL;) {
		if (name->listed || name->holders != NULL) {
			return true;
		}
	}
	return false;
}

bool route_table_is_federated(const struct route_table *table, struct fw_str domain)
{
	char text[FW_DOMAIN_SIZE];
	struct candidates walk = { table, domain, false };

	if (fw_domain_key(domain, text, &walk.rest) != FW_OK || in_realm(table, walk.rest)) {
		return false;
	}
	for (const struct route_name *name; (name = candidate_next(&walk)) != NULL;) {
		if (name->listed) {
			return name->federated; /* the longest that is listed decides */
		}
	}
	return false;
}

/* ---- writing ---- */

static void grow(struct route_table *table)
{
	size_t size = (table->mask + 1) * 2;
	struct route_name **buckets = calloc(size, sizeof(struct route_name *));

	if (buckets == NULL) {
		return; /* slower, not wrong */
	}
	for (size_t i = 0; i <= table->mask; i++) {
		for (struct route_name *name = table->buckets[i], *next; name != NULL;
		     name = next) {
			next = name->next;
			name->next = buckets[name->hash & (size - 1)];
			buckets[name->hash & (size - 1)] = name;
		}
	}
	free(table->buckets);
	table->buckets = buckets;
	table->mask = size - 1;
}

static struct route_name *make_name(struct route_table *table, const struct wanted_name *wanted)
{
	struct route_name *name = find_name(table, wanted->kind, wanted->key);

	if (name != NULL) {
		return name;
	}
	name = calloc(1, sizeof(*name) + wanted->key.len + 1);
	if (name == NULL) {
		return NULL;
	}
	memcpy(name->text, wanted->key.ptr, wanted->key.len);
	name->key = fw_str_n(name->text, wanted->key.len);
	name->kind = wanted->kind;
	if (wanted->kind == ROUTE_DEFAULT) {
		table->fallback = name;
		return name;
	}
	if (table->count > table->mask) {
		grow(table);
	}
	name->hash = name_hash(name->kind, name->key);
	name->next = table->buckets[name->hash & table->mask];
	table->buckets[name->hash & table->mask] = name;
	table->count++;
	table->suffixes += name->kind == ROUTE_SUFFIX ? 1 : 0;
	return name;
}

/* Removes a name that is neither held nor listed. */
static void forget_name(struct route_table *table, struct route_name *name)
{
	if (name->holders != NULL || name->listed || name->wanted) {
		return;
	}
	if (name->kind == ROUTE_DEFAULT) {
		table->fallback = NULL;
	} else {
		struct route_name **at = &table->buckets[name->hash & table->mask];
		while (*at != name) {
			at = &(*at)->next;
		}
		*at = name->next;
		table->count--;
		table->suffixes -= name->kind == ROUTE_SUFFIX ? 1 : 0;
	}
	name_free(name);
}

static void hang_in(struct route *route)
{
	struct route **at = &route->name->holders;

	while (*at != NULL && (*at)->component->priority <= route->component->priority) {
		at = &(*at)->sibling;
	}
	route->sibling = *at;
	*at = route;
}

static void take_out(struct route *route)
{
	struct route **at = &route->name->holders;

	while (*at != route) {
		at = &(*at)->sibling;
	}
	*at = route->sibling;
}

int route_table_bind(struct route_table *table, struct component *component, const char *domain)
{
	struct wanted_name wanted;
	int ret = read_name(table, domain, &wanted);

	if (ret != FW_OK) {
		return ret == FW_ENOMEM ? ret : FW_EPARSE;
	}
	struct route_name *name = make_name(table, &wanted);
	if (name == NULL) {
		return FW_ENOMEM;
	}
	if (holding_of(name, component) != NULL) {
		return FW_EEXIST;
	}
	struct route *route = calloc(1, sizeof(*route));
	if (route == NULL) {
		forget_name(table, name);
		return FW_ENOMEM;
	}
	route->name = name;
	route->component = component;
	route->seed = route_balance_seed(name, component);
	route->next = component->routes;
	component->routes = route;
	hang_in(route);
	component->gateway = component->gateway || name->kind == ROUTE_DEFAULT;
	table->generation++;
	return FW_OK;
}

/* Ends the holding that *at points to. */
static void end_holding(struct route_table *table, struct route **at)
{
	struct route *route = *at;
	struct route_name *name = route->name;

	*at = route->next;
	take_out(route);
	if (name->kind == ROUTE_DEFAULT) {
		route->component->gateway = false;
	}
	free(route);
	forget_name(table, name);
	table->generation++;
}

int route_table_unbind(struct route_table *table, struct component *component, const char *domain)
{
	struct wanted_name wanted;

	if (read_name(table, domain, &wanted) != FW_OK) {
		return FW_EPARSE;
	}
	const struct route_name *name = find_name(table, wanted.kind, wanted.key);
	for (struct route **at = &component->routes; *at != NULL; at = &(*at)->next) {
		if ((*at)->name == name) {
			end_holding(table, at);
			return FW_OK;
		}
	}
	return FW_ENOENT;
}

void route_table_unbind_all(struct route_table *table, struct component *component)
{
	while (component->routes != NULL) {
		end_holding(table, &component->routes);
	}
}

void route_table_reorder(struct route_table *table, struct component *component)
{
	for (struct route *route = component->routes; route != NULL; route = route->next) {
		take_out(route);
		hang_in(route);
	}
	table->generation++;
}

/* ---- the list of what is ours ---- */

int route_table_want(struct route_table *table, const char *domain)
{
	struct wanted_name wanted;
	int ret = read_name(table, domain, &wanted);

	if (ret != FW_OK || wanted.kind == ROUTE_DEFAULT) {
		return ret;
	}
	struct route_name *name = make_name(table, &wanted);
	if (name == NULL) {
		return FW_ENOMEM;
	}
	name->wanted = true;
	return FW_OK;
}

void route_table_list_begin(struct route_table *table)
{
	for (size_t i = 0; i <= table->mask; i++) {
		for (struct route_name *name = table->buckets[i]; name != NULL; name = name->next) {
			name->listed = name->federated = false;
		}
	}
}

void route_table_list(struct route_table *table, const char *domain, bool federated)
{
	struct wanted_name wanted;

	if (read_name(table, domain, &wanted) != FW_OK || wanted.kind == ROUTE_DEFAULT) {
		return;
	}
	struct route_name *name = find_name(table, wanted.kind, wanted.key);
	fw_assert(name != NULL);
	name->listed = true;
	name->federated = name->federated || federated;
}

void route_table_list_end(struct route_table *table)
{
	for (size_t i = 0; i <= table->mask; i++) {
		for (struct route_name *name = table->buckets[i], *next; name != NULL;
		     name = next) {
			next = name->next;
			name->wanted = false;
			forget_name(table, name);
		}
	}
	table->generation++;
}

uint64_t route_table_generation(const struct route_table *table)
{
	return table->generation;
}

const struct route_name *route_table_next(const struct route_table *table,
                                          const struct route_name *after)
{
	size_t bucket = 0;

	if (after == table->fallback && after != NULL) {
		return NULL;
	}
	if (after != NULL) {
		if (after->next != NULL) {
			return after->next;
		}
		bucket = (after->hash & table->mask) + 1;
	}
	for (; bucket <= table->mask; bucket++) {
		if (table->buckets[bucket] != NULL) {
			return table->buckets[bucket];
		}
	}
	return table->fallback;
}
