/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Choosing among several holders of a name. The lookup calls it for every stanza; a single holder
 * costs a comparison. Rendezvous hashing: each holder draws a lot from the pair of addresses and
 * its own seed, the best lot wins; so a holder that leaves moves only its own share.
 */
#include "router/route_balance.h"

#include <math.h>

/* The finaliser of MurmurHash3: every bit of the input reaches every bit of the result. */
static uint64_t mix(uint64_t value)
{
	value ^= value >> 33;
	value *= UINT64_C(0xff51afd7ed558ccd);
	value ^= value >> 33;
	value *= UINT64_C(0xc4ceb9fe1a85ec53);
	return value ^ (value >> 33);
}

uint64_t route_balance_seed(const struct route_name *name, const struct component *component)
{
	const char *id = component->stands_for != NULL ? component->stands_for : component->id;
	uint64_t seed = mix(fw_str_hash(fw_str(id)));
	bool taken;

	do { /* holders with the same ID take the next free lot */
		taken = false;
		for (const struct route *route = name->holders; route != NULL;
		     route = route->sibling) {
			taken = taken || route->seed == seed;
		}
		seed = taken ? mix(seed + 1) : seed;
	} while (taken);
	return seed;
}

/* Weighted rendezvous: -w / ln(u), u uniform in (0, 1); the largest score wins with probability w /
 * Σw. */
static double score(uint64_t key, const struct route *route)
{
	uint64_t lot = mix(key ^ route->seed);
	double uniform = ((double)(lot >> 11) + 0.5) * 0x1p-53;
	return -(double)route_weight(route) / log(uniform);
}

/* A conversation between two addresses stays with one holder; on the way to the outside all between
 * two domains does, because that is what a stream of S2S carries. */
static uint64_t pair_key(const struct fw_stanza *stanza, bool by_domain)
{
	struct fw_str from =
	        by_domain ? fw_stanza_from_domain(stanza) : fw_jid_bare(fw_stanza_from(stanza));
	struct fw_str to =
	        by_domain ? fw_stanza_to_domain(stanza) : fw_jid_bare(fw_stanza_to(stanza));
	return mix(fw_str_hash(from) + 1) ^ fw_str_hash(to);
}

/* What belongs to something under way still reaches a component that starts or drains. */
static bool is_reply(const struct fw_stanza *stanza)
{
	return fw_stanza_is_bounce(stanza) ||
	       (fw_stanza_kind(stanza) == FW_KIND_IQ && !fw_stanza_is_request(stanza));
}

bool route_balance_can_take(const struct component *component, const struct fw_stanza *stanza)
{
	if (component->port_ops->ready != NULL) {
		return component->port_ops->ready(component->port, stanza);
	}
	switch (component->state) {
	case COMPONENT_UP:
		return true;
	case COMPONENT_STARTING:
	case COMPONENT_DRAINING:
		return is_reply(stanza);
	case COMPONENT_DOWN:
		break;
	}
	return false;
}

static struct component *pick_of_many(const struct route_name *name, const struct fw_stanza *stanza,
                                      uint32_t prefer)
{
	uint64_t key = pair_key(stanza, name->kind == ROUTE_DEFAULT);
	struct component *best = NULL;
	uint32_t best_rank = 0;
	double best_score = 0;
	bool waiting = true; /* the best so far is of a link that is broken for the moment */

	for (const struct route *route = name->holders; route != NULL; route = route->sibling) {
		struct component *component = route->component;
		if (!route_balance_can_take(component, stanza)) {
			continue;
		}
		if (prefer != 0 && component->number == prefer) {
			return component;
		}
		if (best != NULL && component->suspended) {
			continue;
		}
		if (best != NULL && !waiting && route_rank(route) > best_rank) {
			if (prefer == 0) {
				break; /* holders come in order of rank */
			}
			continue;
		}
		double own = score(key, route);
		if (best == NULL || waiting || own > best_score) {
			best = component;
			best_rank = route_rank(route);
			best_score = own;
			waiting = component->suspended;
		}
	}
	return best;
}

struct component *route_balance_pick(const struct route_name *name, const struct fw_stanza *stanza,
                                     uint32_t prefer, enum fw_cause *cause)
{
	const struct route *first = name->holders;
	struct component *found;

	if (first->sibling == NULL) {
		found = route_balance_can_take(first->component, stanza) ? first->component : NULL;
	} else {
		found = pick_of_many(name, stanza, prefer);
	}
	if (found != NULL) {
		return found;
	}
	*cause = FW_CAUSE_NO_ROUTE;
	for (const struct route *route = first; route != NULL; route = route->sibling) {
		if (route->component->state == COMPONENT_DRAINING) {
			*cause = FW_CAUSE_COMPONENT_DRAINING;
		} else if (route->component->stands_for != NULL && *cause == FW_CAUSE_NO_ROUTE) {
			*cause = FW_CAUSE_NO_EDGE;
		}
	}
	return NULL;
}
