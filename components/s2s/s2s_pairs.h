/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Outgoing: from (local, remote) domain pair to its queue and its one stream. A pair lives as long as
 * it has either; streams come and go under it, one after the other, so that order holds.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_PAIRS_H
#define FEDWAY_COMPONENTS_S2S_S2S_PAIRS_H

#include <fedway/jid.h>

#include "components/s2s/s2s_waiting.h"

struct s2s;
struct s2s_out;
struct s2s_pairs;
struct fw_request;
struct fw_timer;

struct s2s_pair {
	struct s2s_pair *next;       /**< in its bucket */
	struct s2s *s2s;
	char local[FW_DOMAIN_SIZE];  /**< keys */
	char remote[FW_DOMAIN_SIZE];
	struct s2s_waiting waiting;
	struct fw_timer *age_timer;
	struct s2s_out *out;
	struct fw_request *judging;  /**< policy, asked again */
	bool retried;                /**< the stream before this one ended cleanly without sending a stanza */
};

int s2s_pairs_new(struct s2s *s2s, struct s2s_pairs **out);
/** Every stanza still held is bounced with `cause`, every stream ends at once. */
void s2s_pairs_free(struct s2s_pairs **pairs, enum fw_cause cause);
size_t s2s_pairs_count(const struct s2s_pairs *pairs);
void s2s_pairs_each(struct s2s_pairs *pairs, void (*fn)(struct s2s_pair *pair, void *ctx),
		    void *ctx);
struct s2s_pair *s2s_pairs_find(struct s2s_pairs *pairs, const char *local, const char *remote);

/** A stanza for the outside: queued, or bounced with the reason. [t] */
void s2s_pairs_deliver(struct s2s *s2s, struct fw_stanza **stanza);

/** For s2s_out: the stream can take more; the next stanza that waits, or NULL. [g] */
struct fw_stanza *s2s_pair_next(struct s2s_pair *pair);
/** For s2s_out: the attempt or stream has failed; what waits is bounced at once. */
void s2s_pair_failed(struct s2s_pair *pair, enum fw_cause cause);
/**
 * For s2s_out: the stream is gone and frees itself. `back` holds what it had not written.
 * @param again  the peer or we ended it in good order: what is left begins a new stream
 */
void s2s_pair_ended(struct s2s_pair *pair, struct s2s_waiting *back, enum fw_cause cause,
		    bool again);

#endif
