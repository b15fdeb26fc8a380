/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * From (local, remote) domain pair to queue and leg. Decides whether a stanza may wait at all,
 * when a leg is begun, and what becomes of stanzas whose leg has ended. One leg per pair at any
 * time, so that stanzas leave in the order in which they came (RFC 6120 §10.1). Never
 * touches a channel.
 */
#include "components/s2s/s2s_pairs.h"

#include <stdlib.h>

#include "components/s2s/s2s.h"
#include "components/s2s/s2s_out.h"
#include "components/s2s/s2s_side.h"

enum { PAIRS_BUCKETS = 4096 };

struct s2s_pairs {
	struct s2s *s2s;
	size_t count;
	struct s2s_pair *buckets[PAIRS_BUCKETS];
};

int s2s_pairs_new(struct s2s *s2s, struct s2s_pairs **out)
{
	struct s2s_pairs *pairs = calloc(1, sizeof(*pairs));

	if (pairs == NULL) {
		return FW_ENOMEM;
	}
	pairs->s2s = s2s;
	*out = pairs;
	return FW_OK;
}

static struct s2s_pair **pairs_bucket(struct s2s_pairs *pairs, const char *local,
                                      const char *remote)
{
	uint64_t hash = fw_str_hash(fw_str(remote)) * 31 + fw_str_hash(fw_str(local));

	return &pairs->buckets[hash % PAIRS_BUCKETS];
}

static struct s2s_pair **pairs_link(struct s2s_pairs *pairs, const char *local, const char *remote)
{
	struct s2s_pair **link = pairs_bucket(pairs, local, remote);

	while (*link != NULL &&
	       (strcmp((*link)->remote, remote) != 0 || strcmp((*link)->local, local) != 0)) {
		link = &(*link)->next;
	}
	return link;
}

struct s2s_pair *s2s_pairs_find(struct s2s_pairs *pairs, const char *local, const char *remote)
{
	return *pairs_link(pairs, local, remote);
}

size_t s2s_pairs_count(const struct s2s_pairs *pairs)
{
	return pairs->count;
}

/* ---- one pair ---- */

static void pair_leave(struct s2s_pair *pair);

static void pair_on_age(void *ctx)
{
	struct s2s_pair *pair = ctx;
	uint64_t max_age = pair->s2s->config->queue_max_age_ms;
	uint64_t now = fw_now_ms(pair->s2s->loop);
	bool budget = pair->claim != NULL && s2s_out_waits(pair->claim->leg);

	while (pair->waiting.stanzas > 0 && now >= s2s_waiting_since_ms(&pair->waiting) + max_age) {
		struct fw_stanza *stanza = s2s_waiting_pop(pair->s2s, &pair->waiting);
		s2s_count(pair->s2s, S2S_COUNT_STANZAS_RETURNED);
		fw_bounce(pair->s2s->self, &stanza,
		          budget ? FW_CAUSE_EGRESS_BUDGET : FW_CAUSE_QUEUE_AGED);
	}
	if (pair->waiting.stanzas > 0) {
		uint64_t due = s2s_waiting_since_ms(&pair->waiting) + max_age;
		fw_timer_start_ms(pair->age_timer, due > now ? due - now : 1, 0);
	} else {
		pair_leave(pair);
	}
}

static int pair_add(struct s2s *s2s, const char *local, const char *remote, struct s2s_pair **out)
{
	struct s2s_pair *pair = calloc(1, sizeof(*pair));

	if (pair == NULL) {
		return FW_ENOMEM;
	}
	pair->s2s = s2s;
	pair->waiting.ranked = true;
	memcpy(pair->local, local, strlen(local) + 1);
	memcpy(pair->remote, remote, strlen(remote) + 1);
	if (fw_timer_new(s2s->loop, pair_on_age, pair, &pair->age_timer) != FW_OK) {
		free(pair);
		return FW_ENOMEM;
	}
	struct s2s_pair **bucket = pairs_bucket(s2s->pairs, local, remote);
	pair->next = *bucket;
	*bucket = pair;
	s2s->pairs->count++;
	*out = pair;
	return FW_OK;
}

static void pair_remove(struct s2s_pairs *pairs, struct s2s_pair *pair)
{
	struct s2s_pair **link = pairs_link(pairs, pair->local, pair->remote);

	fw_assert(*link == pair && pair->claim == NULL);
	*link = pair->next;
	pairs->count--;
	fw_timer_free(&pair->age_timer);
	free(pair);
}

/* Ends a pair that has neither leg nor stanzas, when there is nothing to remember of it. */
static void pair_leave(struct s2s_pair *pair)
{
	uint64_t now = fw_now_ms(pair->s2s->loop);

	if (pair->claim != NULL || pair->waiting.stanzas > 0 || pair->settling) {
		return;
	}
	if (now < pair->keep_ms && !pair->s2s->stopping) {
		fw_timer_start_ms(pair->age_timer, pair->keep_ms - now, 0);
	} else {
		pair_remove(pair->s2s->pairs, pair);
	}
}

void s2s_pairs_free(struct s2s_pairs **pairs_in, enum fw_cause cause)
{
	struct s2s_pairs *pairs = *pairs_in;

	if (pairs == NULL) {
		return;
	}
	for (size_t i = 0; i < PAIRS_BUCKETS; i++) {
		while (pairs->buckets[i] != NULL) {
			struct s2s_pair *pair = pairs->buckets[i];
			s2s_waiting_bounce(pairs->s2s, &pair->waiting, cause);
			pair_remove(pairs, pair);
		}
	}
	free(pairs);
	*pairs_in = NULL;
}

/* ---- what is remembered ---- */

static void pair_remember(struct s2s_pair *pair)
{
	pair->keep_ms = fw_now_ms(pair->s2s->loop) + pair->s2s->config->backoff_max_ms;
}

void s2s_pair_keep_apart(struct s2s_pair *pair)
{
	pair->apart = true;
	pair_remember(pair);
}

void s2s_pair_refused(struct s2s_pair *pair)
{
	pair->refusals++;
	pair->refused_ms =
	        fw_now_ms(pair->s2s->loop) + s2s_remotes_wait_ms(pair->s2s->config, pair->refusals);
	pair_remember(pair);
}

void s2s_pair_taken(struct s2s_pair *pair)
{
	pair->refusals = 0;
	pair->refused_ms = 0;
}

/* Nothing may be begun for the pair now. */
static bool pair_has_to_wait(const struct s2s_pair *pair)
{
	return fw_now_ms(pair->s2s->loop) < pair->refused_ms ||
	       !s2s_remotes_may_try(pair->s2s->remotes, pair->remote);
}

/* ---- a leg for the pair ---- */

static int pair_find_leg(struct s2s_pair *pair, const struct s2s_way *way)
{
	if (way->leg == NULL) {
		return s2s_out_start(pair->s2s, pair);
	}
	return way->proof != NULL ? s2s_claims_mirror(way->leg, pair, way->proof->grant.method)
	                          : s2s_claims_join(way->leg, pair);
}

/* Finds or begins a leg for what waits, or returns it with the reason why not. */
static void pair_begin(struct s2s_pair *pair)
{
	struct s2s *s2s = pair->s2s;

	pair->settling = true;
	/* a bounce can bring the next stanza */
	while (pair->claim == NULL && pair->waiting.stanzas > 0) {
		struct s2s_way way = s2s_carriers_of_remote(pair);
		if (s2s->stopping) {
			s2s_waiting_bounce(s2s, &pair->waiting, FW_CAUSE_COMPONENT_GONE);
		} else if (s2s_side_closed(s2s)) {
			s2s_waiting_bounce(s2s, &pair->waiting, FW_CAUSE_FEDERATION_OFF);
		} else if (way.proof == NULL && pair_has_to_wait(pair)) {
			s2s_waiting_bounce(s2s, &pair->waiting, FW_CAUSE_BACKOFF);
		} else if (pair_find_leg(pair, &way) != FW_OK) {
			s2s_waiting_bounce(s2s, &pair->waiting, FW_CAUSE_RESOURCES);
		}
	}
	pair->settling = false;
	pair_leave(pair);
}

void s2s_pair_parted(struct s2s_pair *pair, struct s2s_waiting *back, enum fw_cause cause,
                     bool again)
{
	struct s2s *s2s = pair->s2s;
	bool settling =
	        pair->settling; /* it parted from what it had just found: the search goes on */

	pair->settling = true;
	if (again) {
		s2s_waiting_prepend(s2s, &pair->waiting, back);
	} else {
		s2s_waiting_bounce(s2s, back, cause);
	}
	if (pair->waiting.stanzas > 0) {
		fw_timer_start_ms(pair->age_timer, s2s->config->queue_max_age_ms, 0);
	}
	if (!settling) {
		pair_begin(pair);
	}
	s2s_progress(s2s);
}

/* ---- stanzas that leave ---- */

/* Why a stanza cannot leave at all; fills both keys. */
static enum fw_cause pairs_refusal(struct s2s *s2s, const struct fw_stanza *stanza,
                                   char local[FW_DOMAIN_SIZE], char remote[FW_DOMAIN_SIZE])
{
	struct fw_str from = fw_stanza_from_domain(stanza);
	struct fw_str to = fw_stanza_to_domain(stanza);

	if (fw_domain_key(from, local, NULL) != FW_OK || fw_domain_key(to, remote, NULL) != FW_OK) {
		return FW_CAUSE_BAD_ADDRESS;
	}
	if (s2s->draining || s2s->stopping) {
		return FW_CAUSE_COMPONENT_DRAINING;
	}
	return s2s_side_refusal(s2s, local, remote);
}

/* Why a stanza of a pair that may leave is not even queued. */
static enum fw_cause pairs_hold(struct s2s *s2s, const struct s2s_pair *pair, const char *remote)
{
	if (pair == NULL) {
		return s2s_remotes_may_try(s2s->remotes, remote) ? FW_CAUSE_NONE : FW_CAUSE_BACKOFF;
	}
	if (pair->settling || (pair->claim != NULL && s2s_leg_live(pair->claim->leg))) {
		return FW_CAUSE_NONE;
	}
	return pair_has_to_wait(pair) ? FW_CAUSE_BACKOFF : FW_CAUSE_NONE;
}

void s2s_pairs_deliver(struct s2s *s2s, struct fw_stanza **stanza)
{
	char local[FW_DOMAIN_SIZE];
	char remote[FW_DOMAIN_SIZE];
	struct s2s_pair *pair = NULL;
	struct s2s_waiting paid = { 0 };
	enum fw_cause cause = pairs_refusal(s2s, *stanza, local, remote);

	if (cause != FW_CAUSE_NONE) {
		goto done;
	}
	pair = s2s_pairs_find(s2s->pairs, local, remote);
	if (pair != NULL && pair->claim != NULL && s2s_claims_send(pair->claim, stanza)) {
		return;
	}
	cause = pairs_hold(s2s, pair, remote);
	if (cause != FW_CAUSE_NONE) {
		goto done;
	}
	if (pair == NULL && pair_add(s2s, local, remote, &pair) != FW_OK) {
		cause = FW_CAUSE_RESOURCES;
		goto done;
	}
	int ret = s2s_waiting_push(s2s, &pair->waiting, stanza, &paid);
	if (ret != FW_OK) {
		cause = ret == FW_ELIMIT ? FW_CAUSE_QUEUE_FULL : FW_CAUSE_RESOURCES;
		pair_leave(pair);
		goto done;
	}
	if (pair->waiting.stanzas == 1) {
		fw_timer_start_ms(pair->age_timer, s2s->config->queue_max_age_ms, 0);
	}
	if (pair->claim == NULL && !pair->settling) {
		pair_begin(pair);
	}
done:
	if (cause != FW_CAUSE_NONE) {
		s2s_count(s2s, S2S_COUNT_STANZAS_REFUSED);
		fw_bounce(s2s->self, stanza, cause);
	}
	s2s_waiting_bounce(s2s, &paid, FW_CAUSE_QUEUE_FULL);
}
