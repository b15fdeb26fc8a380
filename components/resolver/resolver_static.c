/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The table of static routes: checked and sorted once, searched for each look-up. Called by
 * resolver.c (configuration) and resolver_lookup.c (search).
 */
#include "components/resolver/resolver_static.h"

#include <stdio.h>
#include <stdlib.h>

#include "components/resolver/resolver_result.h"

const struct fw_choice resolver_fallback_choices[] = {
	{ "none", RESOLVER_FALLBACK_NONE, "the domain cannot be reached then" },
	{ "dns", RESOLVER_FALLBACK_DNS, "DNS is asked for the domain then" },
	{ NULL, 0, NULL },
};

static int static_fill(struct resolver_static *route, const struct resolver_static_row *row,
                       struct fw_error *err)
{
	struct fw_str host = fw_str(row->host);

	if (fw_domain_key(fw_str(row->domain), route->domain, NULL) != FW_OK) {
		return fw_error_set(err, FW_EINVAL, "static_routes: '%s' is not a domain",
		                    row->domain);
	}
	if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
		host = fw_str_n(host.ptr + 1, host.len - 2);
	}
	snprintf(route->host, sizeof(route->host), "%.*s", FW_STR_ARG(host));
	route->port = row->port;
	route->tls = (enum fw_target_tls)row->tls;
	route->priority = row->priority;
	route->weight = row->weight;
	route->fallback = (enum resolver_fallback)row->fallback;
	if (fw_addr_parse(route->host, row->port, &route->addr) == FW_OK) {
		return FW_OK;
	}
	route->addr.len = 0;
	if (fw_domain_key(fw_str(row->host), route->host, NULL) != FW_OK) {
		return fw_error_set(
		        err, FW_EINVAL,
		        "static_routes: host '%s' of %s is neither an address nor a name",
		        row->host, row->domain);
	}
	return FW_OK;
}

static int static_compare(const void *a, const void *b)
{
	const struct resolver_static *left = a, *right = b;
	int order = strcmp(left->domain, right->domain);

	if (order == 0) {
		order = left->number < right->number ? -1 : left->number > right->number;
	}
	return order;
}

static int static_check_counts(const struct resolver_statics *statics, struct fw_error *err)
{
	for (size_t i = RESOLVER_HOSTS_MAX; i < statics->count; i++) {
		const struct resolver_static *last = &statics->items[i];
		if (strcmp(last->domain, statics->items[i - RESOLVER_HOSTS_MAX].domain) == 0) {
			return fw_error_set(err, FW_EINVAL,
			                    "static_routes: %s has more than %d hosts",
			                    last->domain, RESOLVER_HOSTS_MAX);
		}
	}
	return FW_OK;
}

/* The routes of a domain are one list: what follows when they lead nowhere is said of all of them.
 */
static int static_check_fallbacks(const struct resolver_statics *statics, struct fw_error *err)
{
	for (size_t i = 1; i < statics->count; i++) {
		const struct resolver_static *a = &statics->items[i - 1], *b = a + 1;
		if (strcmp(a->domain, b->domain) == 0 && a->fallback != b->fallback) {
			return fw_error_set(err, FW_EINVAL,
			                    "static_routes: rows %zu and %zu, both of %s, have "
			                    "fallback \"%s\" and \"%s\": give them the same",
			                    a->number + 1, b->number + 1, a->domain,
			                    resolver_fallback_choices[a->fallback].word,
			                    resolver_fallback_choices[b->fallback].word);
		}
	}
	return FW_OK;
}

int resolver_statics_new(const struct fw_rows *rows, struct resolver_statics **out,
                         struct fw_error *err)
{
	const struct resolver_static_row *row = rows->items;
	struct resolver_statics *statics =
	        calloc(1, sizeof(*statics) + rows->count * sizeof(statics->items[0]));
	int ret = statics != NULL ? FW_OK : FW_ENOMEM;

	if (statics != NULL) {
		statics->configured = rows->count;
	}
	for (size_t i = 0; i < rows->count && ret == FW_OK; i++) {
		statics->items[i].number = i;
		ret = static_fill(&statics->items[i], &row[i], err);
		statics->count++;
	}
	if (ret == FW_OK) {
		qsort(statics->items, statics->count, sizeof(statics->items[0]), static_compare);
		ret = static_check_counts(statics, err);
	}
	if (ret == FW_OK) {
		ret = static_check_fallbacks(statics, err);
	}
	if (ret == FW_OK) {
		*out = statics;
		statics = NULL;
	}
	free(statics);
	return ret;
}

const struct resolver_static *resolver_statics_find(const struct resolver_statics *statics,
                                                    struct fw_str key, size_t *count)
{
	size_t low = 0, high = statics->count;

	while (low < high) { /* the first whose domain is not smaller */
		size_t middle = low + (high - low) / 2;
		struct fw_str domain = fw_str(statics->items[middle].domain);
		size_t shorter = domain.len < key.len ? domain.len : key.len;
		int order = memcmp(domain.ptr, key.ptr, shorter);
		if (order < 0 || (order == 0 && domain.len < key.len)) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	*count = 0;
	while (low + *count < statics->count &&
	       fw_str_is(key, statics->items[low + *count].domain)) {
		(*count)++;
	}
	return *count > 0 ? &statics->items[low] : NULL;
}

bool resolver_statics_eq(const struct resolver_statics *a, const struct resolver_statics *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; i < a->count && same; i++) {
		const struct resolver_static *x = &a->items[i], *y = &b->items[i];
		same = strcmp(x->domain, y->domain) == 0 && strcmp(x->host, y->host) == 0 &&
		       x->port == y->port && x->tls == y->tls && x->priority == y->priority &&
		       x->weight == y->weight && x->fallback == y->fallback;
	}
	return same;
}
