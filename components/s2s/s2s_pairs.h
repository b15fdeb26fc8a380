/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Outgoing: from (local, remote) domain pair to its queue and to the one leg that carries it. A pair lives as
 * long as it has either, or something to remember; legs come and go under it, one after the other, so that order holds.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_PAIRS_H
#define FEDWAY_COMPONENTS_S2S_S2S_PAIRS_H

#include <fedway/jid.h>

#include "components/s2s/s2s_waiting.h"

struct s2s;
struct s2s_claim;
struct s2s_pairs;
struct fw_timer;

struct s2s_pair {
	struct s2s_pair *next;       /**< in its bucket */
	struct s2s *s2s;
	char local[FW_DOMAIN_SIZE];  /**< keys */
	char remote[FW_DOMAIN_SIZE];
	struct s2s_waiting waiting;
	struct fw_timer *age_timer;
	struct s2s_claim *claim;     /**< its place on the leg that carries it; NULL: no leg */
	bool settling;               /**< it looks for a leg right now: what comes meanwhile waits */
	bool apart;                  /**< rides on no leg of others until it is forgotten */
	uint32_t refusals;           /**< by a server that takes other pairs of ours; in a row */
	uint64_t refused_ms;         /**< loop time until which nothing is tried */
	uint64_t keep_ms;            /**< loop time until which this is remembered */
	bool retried;                /**< the leg before this one ended well without sending a stanza of it */
};

int s2s_pairs_new(struct s2s *s2s, struct s2s_pairs **out);
/** Every stanza still held is bounced with `cause`, every stream ends at once. */
void s2s_pairs_free(struct s2s_pairs **pairs, enum fw_cause cause);
size_t s2s_pairs_count(const struct s2s_pairs *pairs);
struct s2s_pair *s2s_pairs_find(struct s2s_pairs *pairs, const char *local, const char *remote);

/** A stanza for the outside: queued, or bounced with the reason. [t] */
void s2s_pairs_deliver(struct s2s *s2s, struct fw_stanza **stanza);

/** For s2s_claims: the pair did not get on with others on one leg, and needs one of its own. */
void s2s_pair_keep_apart(struct s2s_pair *pair);
/** For s2s_claims: the server refuses this pair and takes others: the pair alone waits before it tries again. */
void s2s_pair_refused(struct s2s_pair *pair);
/** For s2s_claims: the peer takes it. */
void s2s_pair_taken(struct s2s_pair *pair);
/**
 * For s2s_claims: the pair has no leg any more. `back` holds what the last one had not written. The pair may
 * be gone afterwards.
 * @param again  that leg ended in good order: what is left begins a new one
 */
void s2s_pair_parted(struct s2s_pair *pair, struct s2s_waiting *back, enum fw_cause cause,
		     bool again);

#endif
