/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The route table: a hash table of names, each with its holders. component.c and router.c write it,
 * the lookup of passage.c reads it for every stanza, where one hash look-up of the bytes as they
 * came must be enough. Which of several holders is taken is decided in route_balance.c.
 */
#include "router/route_table_private.h"

#include <stdlib.h>

#include "router/route_balance.h"

enum { FIRST_BUCKETS = 64 };

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
	struct route_name *name = route_name_find(table, wanted->kind, wanted->key);

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
	name->hash = route_name_hash(name->kind, name->key);
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

	while (*at != NULL && route_rank(*at) <= route_rank(route)) {
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

static void set_terms(struct route *route, const struct route_terms *terms)
{
	route->has_terms = terms != NULL;
	if (terms != NULL) {
		route->terms = *terms;
		route->terms.cost = terms->cost < UINT16_MAX ? terms->cost : UINT16_MAX;
	}
}

static int add_holding(struct route_table *table, struct component *component,
                       const struct wanted_name *wanted, const struct route_terms *terms)
{
	struct route_name *name = make_name(table, wanted);

	if (name == NULL) {
		return FW_ENOMEM;
	}
	struct route *route = calloc(1, sizeof(*route));
	if (route == NULL) {
		forget_name(table, name);
		return FW_ENOMEM;
	}
	route->name = name;
	route->component = component;
	route->seed = route_balance_seed(name, component);
	set_terms(route, terms);
	route->next = component->routes;
	component->routes = route;
	hang_in(route);
	component->gateway = component->gateway || name->kind == ROUTE_DEFAULT;
	table->generation++;
	return FW_OK;
}

/* The component's holding of a name, or NULL. */
static struct route *find_holding(const struct route_table *table,
                                  const struct component *component,
                                  const struct wanted_name *wanted)
{
	const struct route_name *name = route_name_find(table, wanted->kind, wanted->key);

	return name != NULL ? route_name_holding(name, component) : NULL;
}

int route_table_bind(struct route_table *table, struct component *component, const char *domain)
{
	struct wanted_name wanted;
	int ret = route_name_read(table, domain, &wanted);

	if (ret != FW_OK) {
		return ret == FW_ENOMEM ? ret : FW_EPARSE;
	}
	if (find_holding(table, component, &wanted) != NULL) {
		return FW_EEXIST;
	}
	return add_holding(table, component, &wanted, NULL);
}

int route_table_bind_terms(struct route_table *table, struct component *component,
                           const char *domain, const struct route_terms *terms)
{
	struct wanted_name wanted;
	int ret = route_name_read(table, domain, &wanted);

	if (ret != FW_OK) {
		return ret == FW_ENOMEM ? ret : FW_EPARSE;
	}
	struct route *route = find_holding(table, component, &wanted);
	if (route == NULL) {
		return add_holding(table, component, &wanted, terms);
	}
	take_out(route);
	set_terms(route, terms);
	hang_in(route);
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

	if (route_name_read(table, domain, &wanted) != FW_OK) {
		return FW_EPARSE;
	}
	const struct route_name *name = route_name_find(table, wanted.kind, wanted.key);
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
	int ret = route_name_read(table, domain, &wanted);

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

	if (route_name_read(table, domain, &wanted) != FW_OK || wanted.kind == ROUTE_DEFAULT) {
		return;
	}
	struct route_name *name = route_name_find(table, wanted.kind, wanted.key);
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
	table->list_generation++;
	table->generation++;
}

uint64_t route_table_generation(const struct route_table *table)
{
	return table->generation;
}

uint64_t route_table_list_generation(const struct route_table *table)
{
	return table->list_generation;
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
