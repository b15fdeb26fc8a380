/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which component holds which domain. A name is exact, a suffix ("*.example.org") or the default ("*"), and has
 * one holder as a rule, several when they share. A name may also be *listed*: it is ours by configuration even
 * while nobody holds it, so its stanzas never leave by the default route.
 */
#ifndef FEDWAY_ROUTER_ROUTE_TABLE_H
#define FEDWAY_ROUTER_ROUTE_TABLE_H

#include <fedway/jid.h>

#include "router/component.h"

struct route_table;

struct link_credit;

enum route_kind { ROUTE_EXACT, ROUTE_SUFFIX, ROUTE_DEFAULT };

/** A name that somebody holds or that is listed. */
struct route_name {
	struct route_name *next; /**< in the same bucket */
	uint64_t hash;
	enum route_kind kind;
	bool listed, federated;
	bool wanted;             /**< kept for the list that is being prepared */
	struct route *holders;   /**< lower rank first, then the older one */
	struct fw_str key;       /**< form of fw_domain_key(); a suffix without its "*." */
	char text[];
};

/** How a holding stands among others of the same name, when not as its component does. */
struct route_terms {
	uint32_t priority;       /**< up to 65535; lower first … */
	uint32_t cost;           /**< … then by the way to it; more than 65535 counts as that */
	uint32_t weight;
	bool beyond;             /**< the name belongs to the outside: it is not ours by this holding */
};

/** Room for the text of any name. */
enum { ROUTE_NAME_SIZE = FW_DOMAIN_SIZE + 2 };
/** As fw_bind() takes it: "a.example", "*.example", "*". */
void route_name_text(const struct route_name *name, char out[ROUTE_NAME_SIZE]);

/** One holding. */
struct route {
	struct route *next;      /**< of the same component */
	struct route *sibling;   /**< next holder of the same name */
	struct route_name *name;
	struct component *component;
	uint64_t seed;           /**< its lot in the rendezvous (route_balance.c) */
	bool has_terms;
	struct route_terms terms; /**< when has_terms */
	struct link_credit *credit; /**< link_credit.c's, of this component for this name; NULL: unlimited */
};

/** Place among the holders of a name: lower first; holders of the same rank share. */
static inline uint32_t route_rank(const struct route *route)
{
	uint32_t priority = route->has_terms ? route->terms.priority : route->component->priority;
	return priority << 16 | (route->has_terms ? route->terms.cost : 0);
}

static inline uint32_t route_weight(const struct route *route)
{
	return route->has_terms ? route->terms.weight : route->component->weight;
}

/** @param realm  name space of the router: it and all below it are never routed by default [g] */
int route_table_new(const char *realm, struct route_table **out);
/** All components must be gone. */
void route_table_free(struct route_table **table);

/**
 * Adds a holding. `domain` follows the grammar of fw_bind().
 * @return FW_OK; FW_EEXIST (held by this component already); FW_EPARSE; FW_ENOMEM
 */
int route_table_bind(struct route_table *table, struct component *component, const char *domain);
/** The same with terms of its own; a holding that is there already takes them over. */
int route_table_bind_terms(struct route_table *table, struct component *component, const char *domain,
                           const struct route_terms *terms);
/** @return FW_OK, FW_ENOENT, FW_EPARSE */
int route_table_unbind(struct route_table *table, struct component *component, const char *domain);
/** Gives back all that a component holds. */
void route_table_unbind_all(struct route_table *table, struct component *component);
/** Puts the holdings of a component in their place again after its priority changed. */
void route_table_reorder(struct route_table *table, struct component *component);

/**
 * Finds the name that serves a domain: exact, then the longest suffix, then the default. The bytes are tried as
 * they are first; only a miss makes the key.
 * @return FW_OK (*out has a holder); FW_ENOENT (ours, but not held; or nobody holds the default);
 *         FW_EPARSE, FW_ELIMIT (no domain name)
 */
int route_table_find(const struct route_table *table, struct fw_str domain, const struct route_name **out);
/** Holders of exactly this name (grammar of fw_bind()), or NULL. */
const struct route *route_table_holders(const struct route_table *table, const char *domain);
/** The component holds the domain, by exact name or by suffix (not by the default). */
bool route_table_holds(const struct route_table *table, const struct component *component, struct fw_str domain);

bool route_table_is_local(const struct route_table *table, struct fw_str domain);
bool route_table_is_federated(const struct route_table *table, struct fw_str domain);

/** It, or a suffix that it is below, is listed. */
bool route_table_is_listed(const struct route_table *table, struct fw_str domain);

/** Prepares a list in steps that can fail and change nothing that is looked up: makes the name. "*" is ignored. */
int route_table_want(struct route_table *table, const char *domain);
/** The prepared list takes the place of the old one: first this, then _list() for each. */
void route_table_list_begin(struct route_table *table);
/** Marks a name that was wanted before. A name listed twice is federated if either says so. */
void route_table_list(struct route_table *table, const char *domain, bool federated);
/** Forgets names that nobody needs any more; also the way to give up a prepared list. */
void route_table_list_end(struct route_table *table);

/** Changes whenever an answer may have changed; for callers that remember answers. Never 0. */
uint64_t route_table_generation(const struct route_table *table);

/** Changes with the list of what is ours. */
uint64_t route_table_list_generation(const struct route_table *table);

/** Walks all names; `after` NULL gives the first, NULL is the end. */
const struct route_name *route_table_next(const struct route_table *table, const struct route_name *after);

#endif
