/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What lies behind struct route_table, for route_table.c, which writes it, and route_find.c, which reads it.
 */
#ifndef FEDWAY_ROUTER_ROUTE_TABLE_PRIVATE_H
#define FEDWAY_ROUTER_ROUTE_TABLE_PRIVATE_H

#include "router/route_table.h"

struct route_table {
	struct route_name **buckets;
	size_t mask; /* number of buckets - 1 */
	size_t count;
	size_t suffixes;             /* names of kind suffix: 0 saves the walk */
	struct route_name *fallback; /* the name "*", never in a bucket */
	uint64_t generation, list_generation;
	struct fw_str realm;
	char realm_text[FW_DOMAIN_SIZE];
};

/** A domain as fw_bind() takes it, taken apart. */
struct wanted_name {
	enum route_kind kind;
	struct fw_str key;
	char text[FW_DOMAIN_SIZE];
};

/** @return FW_OK, FW_EPARSE, FW_ELIMIT, FW_ENOMEM */
int route_name_read(const struct route_table *table, const char *domain, struct wanted_name *out);
uint64_t route_name_hash(enum route_kind kind, struct fw_str key);
/** The name of this kind and key; NULL when it is not there. */
struct route_name *route_name_find(const struct route_table *table, enum route_kind kind, struct fw_str key);
/** The holding of a component; NULL when it has none of this name. */
struct route *route_name_holding(const struct route_name *name, const struct component *component);

#endif
