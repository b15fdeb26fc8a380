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
	uint64_t seed = mix(fw_str_hash(fw_str(component->id)));
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
	return -(double)route->component->weight / log(uniform);
}

static uint64_t pair_key(const struct fw_stanza *stanza)
{
	uint64_t from = fw_str_hash(fw_jid_bare(fw_stanza_from(stanza)));
	uint64_t to = fw_str_hash(fw_jid_bare(fw_stanza_to(stanza)));
	return mix(from + 1) ^ to;
}

/* What belongs to something under way still reaches a component that starts or drains. */
static bool is_reply(const struct fw_stanza *stanza)
{
	return fw_stanza_is_bounce(stanza) ||
	       (fw_stanza_kind(stanza) == FW_KIND_IQ && !fw_stanza_is_request(stanza));
}

static bool can_take(const struct component *component, const struct fw_stanza *stanza)
{
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
	uint64_t key = pair_key(stanza);
	struct component *best = NULL;
	double best_score = 0;

	for (const struct route *route = name->holders; route != NULL; route = route->sibling) {
		struct component *component = route->component;
		if (!can_take(component, stanza)) {
			continue;
		}
		if (prefer != 0 && component->number == prefer) {
			return component;
		}
		if (best != NULL && component->priority > best->priority && prefer == 0) {
			break; /* holders come in order of priority */
		}
		double own = score(key, route);
		if (best == NULL || (component->priority == best->priority && own > best_score)) {
			best = component;
			best_score = own;
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
		if (first->component->state == COMPONENT_UP) {
			return first->component;
		}
		found = can_take(first->component, stanza) ? first->component : NULL;
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
		}
	}
	return NULL;
}
