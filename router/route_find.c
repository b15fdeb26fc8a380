/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Looking into the route table: which name serves a domain, who holds it, is it ours. Asked for
 * every stanza, where one hash look-up of the bytes as they came must be enough as a rule.
 */
#include "router/route_table_private.h"

#include <stdio.h>

/* A suffix and an exact name with the same letters must not meet. */
static const uint64_t suffix_salt = UINT64_C(0x9e3779b97f4a7c15);

int route_name_read(const struct route_table *table, const char *domain, struct wanted_name *out)
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

uint64_t route_name_hash(enum route_kind kind, struct fw_str key)
{
	uint64_t hash = fw_str_hash(key);
	return kind == ROUTE_SUFFIX ? hash ^ suffix_salt : hash;
}

struct route_name *route_name_find(const struct route_table *table, enum route_kind kind,
                                   struct fw_str key)
{
	if (kind == ROUTE_DEFAULT) {
		return table->fallback;
	}
	uint64_t hash = route_name_hash(kind, key);
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
		const struct route_name *name =
		        route_name_find(walk->table, ROUTE_EXACT, walk->rest);
		if (name != NULL) {
			return name;
		}
	}
	while (walk->table->suffixes > 0 && walk->rest.len > 0) {
		walk->rest = parent_domain(walk->rest);
		if (walk->rest.len > 0) {
			const struct route_name *name =
			        route_name_find(walk->table, ROUTE_SUFFIX, walk->rest);
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

void route_name_text(const struct route_name *name, char out[ROUTE_NAME_SIZE])
{
	static const char *const heads[] = {
		[ROUTE_EXACT] = "",
		[ROUTE_SUFFIX] = "*.",
		[ROUTE_DEFAULT] = "*",
	};

	(void)snprintf(out, ROUTE_NAME_SIZE, "%s%.*s", heads[name->kind], FW_STR_ARG(name->key));
}

int route_table_find(const struct route_table *table, struct fw_str domain,
                     const struct route_name **out)
{
	const struct route_name *name = route_name_find(table, ROUTE_EXACT, domain);

	if (name != NULL && name->holders != NULL) {
		*out = name;
		return FW_OK;
	}
	return find_by_key(table, domain, out);
}

const struct route *route_table_holders(const struct route_table *table, const char *domain)
{
	struct wanted_name wanted;

	if (route_name_read(table, domain, &wanted) != FW_OK) {
		return NULL;
	}
	const struct route_name *name = route_name_find(table, wanted.kind, wanted.key);
	return name != NULL ? name->holders : NULL;
}

struct route *route_name_holding(const struct route_name *name, const struct component *component)
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
		if (route_name_holding(name, component) != NULL) {
			return true;
		}
	}
	return false;
}

/* Somebody holds it who makes it a name of this side. */
static bool has_inner_holder(const struct route_name *name)
{
	const struct route *route = name->holders;

	while (route != NULL && route->has_terms && route->terms.beyond) {
		route = route->sibling;
	}
	return route != NULL;
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
		if (name->listed || has_inner_holder(name)) {
			return true;
		}
	}
	return false;
}

bool route_table_is_listed(const struct route_table *table, struct fw_str domain)
{
	char text[FW_DOMAIN_SIZE];
	struct candidates walk = { table, domain, false };

	if (fw_domain_key(domain, text, &walk.rest) != FW_OK) {
		return false;
	}
	for (const struct route_name *name; (name = candidate_next(&walk)) != NULL;) {
		if (name->listed) {
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
