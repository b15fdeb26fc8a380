/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A set of routes by name: what one other router has announced to us, or what we have announced to it.
 */
#ifndef FEDWAY_ROUTER_FABRIC_SET_H
#define FEDWAY_ROUTER_FABRIC_SET_H

#include <stdbool.h>

#include <fedway/str.h>

/** What has become of a route that was announced to us. */
enum fabric_verdict {
	FABRIC_TAKEN,
	FABRIC_NOT_WANTED, /**< the default route, and the row does not take it */
	FABRIC_NOT_OURS,   /**< a name that is not listed here */
	FABRIC_UNKNOWN,    /**< a router behind an outside one, which nothing here names */
	FABRIC_NO_RIGHT,   /**< the row does not let it announce this name */
	FABRIC_LOOP,       /**< it has come through here already, or through too many */
	FABRIC_NO_MEMORY,
};

struct fabric_route {
	struct fabric_route *next; /**< in the same bucket */
	uint64_t hash;
	uint64_t seq;              /**< the origin's */
	uint64_t expires_ms;       /**< learned ones */
	uint32_t cost, weight;
	uint32_t trail;            /**< routers it came through, the origin first (trail.h) */
	enum fabric_verdict verdict;
	bool bound;                /**< it is a holding of the link now */
	bool marked;               /**< not said again yet, since a full list began */
	char name[];               /**< as fw_bind() takes it, in the form of fw_domain_key() */
};

struct fabric_set {
	struct fabric_route **buckets;
	size_t mask, count;
};

struct fabric_route *fabric_set_find(const struct fabric_set *set, const char *name);
/** Finds or makes; a new one is zero but for its name. NULL: out of memory. */
struct fabric_route *fabric_set_make(struct fabric_set *set, const char *name);
void fabric_set_remove(struct fabric_set *set, struct fabric_route **route);
void fabric_set_clear(struct fabric_set *set);
/** Walks all; `after` NULL gives the first, NULL is the end. */
struct fabric_route *fabric_set_next(const struct fabric_set *set, const struct fabric_route *after);

#endif
