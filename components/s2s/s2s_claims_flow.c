/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The stanzas of the pairs that send over a leg: moved from their queues to the channel in turn, so
 * that no pair holds up another; and when the leg ends, given back to the pair from which they
 * came, each in order. What then becomes of them is for s2s_pairs.c.
 */
#include "components/s2s/s2s_leg.h"

/* ---- stanzas ---- */

static void claim_write(struct s2s_claim *claim, struct fw_stanza *stanza)
{
	struct s2s_leg *leg = claim->leg;
	uint64_t size = s2s_waiting_size(stanza);

	if (leg->features.max_bytes > 0 && size > leg->features.max_bytes) {
		/* XEP-0478: the peer would end the stream. */
		s2s_count(leg->s2s, S2S_COUNT_STANZAS_REFUSED);
		fw_bounce(leg->s2s->self, &stanza, FW_CAUSE_TOO_LARGE_FOR_PEER);
		return;
	}
	claim->sent++;
	leg->last_stanza_ms = fw_now_ms(leg->s2s->loop);
	s2s_count(leg->s2s, S2S_COUNT_STANZAS_OUT);
	fw_count(leg->s2s->self, S2S_COUNT_BYTES_OUT, size);
	s2s_log_stanza(leg->log, stanza, true);
	s2s_acks_writes(leg);
	s2s_probe_writes(leg);
	fw_channel_send(leg->channel, &stanza);
}

bool s2s_claims_send(struct s2s_claim *claim, struct fw_stanza **stanza)
{
	if (claim->state != S2S_CLAIM_VALID || claim->pair->waiting.stanzas > 0 ||
	    !s2s_leg_takes(claim->leg)) {
		return false;
	}
	claim_write(claim, *stanza);
	*stanza = NULL;
	return true;
}

void s2s_claims_pump(struct s2s_leg *leg)
{
	uint32_t without = 0; /* claims in a row that had nothing */

	while (without < leg->claim_count && s2s_leg_takes(leg)) {
		struct s2s_claim *claim = leg->turn != NULL ? leg->turn : leg->claims;
		struct fw_stanza *stanza = NULL;
		leg->turn = claim->next;
		if (claim->state == S2S_CLAIM_VALID) {
			stanza = s2s_waiting_pop(leg->s2s, &claim->pair->waiting);
		}
		if (stanza == NULL) {
			without++;
		} else {
			without = 0;
			claim_write(claim, stanza);
		}
	}
}

/* ---- the leg ends ---- */

void s2s_claims_bounce(struct s2s_leg *leg, enum fw_cause cause, bool spare_guests)
{
	for (struct s2s_claim *claim = leg->claims; claim != NULL; claim = claim->next) {
		claim->spared = spare_guests && claim->joined && !claim->forbidden &&
		                claim->state != S2S_CLAIM_VALID;
		if (!claim->spared) {
			s2s_waiting_bounce(leg->s2s, &claim->pair->waiting, cause);
		}
	}
}

/* Whose stanza came back; NULL when the pair has left since it was sent. */
static struct s2s_claim *claims_of(struct s2s_leg *leg, const struct fw_stanza *stanza)
{
	struct fw_str from = fw_stanza_from_domain(stanza);
	struct fw_str to = fw_stanza_to_domain(stanza);
	struct s2s_claim *claim = leg->claims;

	while (claim != NULL && (!fw_domain_eq(from, fw_str(claim->pair->local)) ||
	                         !fw_domain_eq(to, fw_str(claim->pair->remote)))) {
		claim = claim->next;
	}
	return claim;
}

static void claims_give_back(struct s2s_leg *leg, struct fw_stanza *stanza)
{
	struct s2s_claim *claim = claims_of(leg, stanza);

	if (claim == NULL || s2s_waiting_return(leg->s2s, &claim->back, &stanza) != FW_OK) {
		s2s_count(leg->s2s, S2S_COUNT_STANZAS_RETURNED);
		fw_bounce(leg->s2s->self, &stanza, claim == NULL ? leg->cause : FW_CAUSE_RESOURCES);
	}
}

/* The peer may have them: to send them again may repeat them, so their senders decide, unless the
 * configuration has decided. */
static void claims_unacknowledged(struct s2s_leg *leg)
{
	bool again = leg->s2s->config->resend_unacknowledged && s2s_leg_ended_well(leg);
	struct fw_stanza *stanza;

	while ((stanza = fw_channel_take_unacknowledged(leg->channel)) != NULL) {
		s2s_count(leg->s2s, S2S_COUNT_STANZAS_UNACKNOWLEDGED);
		if (again) {
			claims_give_back(leg, stanza);
		} else {
			fw_bounce(leg->s2s->self, &stanza, FW_CAUSE_NOT_ACKNOWLEDGED);
		}
	}
}

struct s2s_claim *s2s_claims_take_off(struct s2s_leg *leg)
{
	struct s2s_claim *claims = leg->claims;
	struct fw_stanza *stanza;

	if (leg->channel != NULL) {
		claims_unacknowledged(leg);
	}
	while (leg->channel != NULL && (stanza = fw_channel_take_back(leg->channel)) != NULL) {
		claims_give_back(leg, stanza);
	}
	for (struct s2s_claim *claim = claims; claim != NULL; claim = claim->next) {
		s2s_carriers_drop(&claim->at_remote);
		claim->pair->claim = NULL;
		claim->leg = NULL;
	}
	leg->claims = NULL;
	leg->turn = NULL;
	leg->claim_count = 0;
	leg->claims_valid = 0;
	return claims;
}

/* A peer that takes a pair and closes twice in a row before one stanza of it could go is a peer
 * that failed. */
static bool claim_goes_again(struct s2s_claim *claim, enum fw_cause cause)
{
	struct s2s_pair *pair = claim->pair;

	if (cause == FW_CAUSE_IDLE || claim->sent > claim->back.stanzas) {
		pair->retried = false;
		return true;
	}
	if (pair->retried) {
		pair->retried = false;
		s2s_remotes_begin(pair->s2s->remotes, pair->remote);
		s2s_remotes_failed(pair->s2s->remotes, pair->remote, cause,
		                   "closed twice before a stanza was sent");
		s2s_waiting_bounce(pair->s2s, &pair->waiting, cause);
		return false;
	}
	pair->retried = true;
	return true;
}

void s2s_claims_part(struct s2s_claim *claims, enum fw_cause cause, bool well)
{
	while (claims != NULL) {
		struct s2s_claim *claim = claims;
		struct s2s_pair *pair = claim->pair;
		struct s2s_waiting back = claim->back;
		bool again = (well || claim->spared) && claim_goes_again(claim, cause);
		if (claim->spared) {
			s2s_pair_keep_apart(pair);
		}
		claims = claim->next;
		s2s_claims_free(&claim);
		s2s_pair_parted(pair, &back, cause, again);
	}
}
