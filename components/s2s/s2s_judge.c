/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A changed policy judges all streams again: the service is asked for every pair, and only what it
 * forbids now is closed. While the service does not answer, streams stay as they are; its hook in
 * the router still sees every stanza. Called by announced().
 */
#include "components/s2s/s2s_leg.h"
#include "components/s2s/s2s_side.h"

static struct fw_logger judge_logger = FW_LOGGER("s2s.policy");

/* True when the service answered and forbids. */
static bool judge_forbids(const struct fw_log *log, struct fw_stanza *reply, enum fw_cause cause)
{
	bool asked = false;

	cause = s2s_ask_read_policy(reply, cause, &asked);
	if (!asked) {
		fw_log(log, &judge_logger, FW_LOG_WARNING,
		       "the policy could not be asked, the stream stays cause=%s",
		       fw_cause_row(cause)->name);
		return false;
	}
	if (cause != FW_CAUSE_NONE) {
		s2s_event(log, FW_LOG_NOTICE, "Stream Closed By Policy",
		          "forbidden by the new policy cause=%s", fw_cause_row(cause)->name);
	}
	return cause != FW_CAUSE_NONE;
}

/* A leg stays as long as the policy leaves it a pair. A forbidden claim is withdrawn; a forbidden
 * proof stays proved, and the router's hook returns what it sends. */
static bool judge_all_forbidden(const struct s2s_leg *leg)
{
	for (const struct s2s_proof *proof = leg->proofs; proof != NULL; proof = proof->next) {
		if (!proof->forbidden) {
			return false;
		}
	}
	for (const struct s2s_claim *claim = leg->claims; claim != NULL; claim = claim->next) {
		if (!claim->forbidden) {
			return false;
		}
	}
	return true;
}

static void judge_on_claim(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct s2s_claim *claim = ctx;

	claim->judging = NULL;
	claim->forbidden = judge_forbids(claim->leg->log, reply, cause);
	if (claim->forbidden && judge_all_forbidden(claim->leg)) {
		s2s_leg_close(claim->leg, FW_CAUSE_POLICY_STREAM, "");
	} else if (claim->forbidden) {
		s2s_claims_withdraw(claim, FW_CAUSE_POLICY_STREAM);
	}
}

static void judge_on_proof(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct s2s_proof *proof = ctx;

	proof->judging = NULL;
	proof->forbidden = judge_forbids(proof->leg->log, reply, cause);
	if (proof->forbidden && judge_all_forbidden(proof->leg)) {
		s2s_leg_close(proof->leg, FW_CAUSE_POLICY_STREAM, "");
	}
}

static void judge_leg(struct s2s_leg *leg)
{
	if (!s2s_leg_live(leg)) {
		return;
	}
	for (struct s2s_claim *claim = leg->claims; claim != NULL; claim = claim->next) {
		fw_request_cancel(&claim->judging);
		if (s2s_side_among_us(leg->s2s, claim->pair->local)) {
			continue;
		}
		s2s_ask_policy(leg->s2s, claim->pair->local, claim->pair->remote, true,
		               judge_on_claim, claim, &claim->judging);
	}
	for (struct s2s_proof *proof = leg->proofs; proof != NULL; proof = proof->next) {
		if (proof->state == S2S_PROOF_POLICY || s2s_side_among_us(leg->s2s, proof->local)) {
			continue; /* it is being asked for the first time, or never */
		}
		fw_request_cancel(&proof->judging);
		s2s_ask_policy(leg->s2s, proof->local, proof->remote, false, judge_on_proof, proof,
		               &proof->judging);
	}
}

void s2s_judge_all(struct s2s *s2s)
{
	for (struct s2s_leg *leg = s2s->outs; leg != NULL; leg = leg->next) {
		judge_leg(leg);
	}
	for (struct s2s_leg *leg = s2s->ins; leg != NULL; leg = leg->next) {
		judge_leg(leg);
	}
}

/* ---- what the configuration says of sides ---- */

static bool judge_is_left(const struct s2s_leg *leg)
{
	for (const struct s2s_claim *claim = leg->claims; claim != NULL; claim = claim->next) {
		if (s2s_side_refusal(leg->s2s, claim->pair->local, claim->pair->remote) !=
		    FW_CAUSE_NONE) {
			return true;
		}
	}
	for (const struct s2s_proof *proof = leg->proofs; proof != NULL; proof = proof->next) {
		if (!s2s_side_plays(leg->s2s, proof->local) ||
		    s2s_side_objection(leg->s2s, proof->local, proof->remote, &leg->peer) != NULL) {
			return true;
		}
	}
	return false;
}

static void judge_legs_by_side(struct s2s_leg *leg)
{
	while (leg != NULL) {
		struct s2s_leg *next = leg->next;
		if (s2s_leg_live(leg) && s2s_side_closed(leg->s2s)) {
			s2s_leg_close(leg, FW_CAUSE_FEDERATION_OFF, "");
		} else if (s2s_leg_live(leg) && judge_is_left(leg)) {
			s2s_leg_close(leg, FW_CAUSE_CONFIG_CLOSED, "");
		}
		leg = next;
	}
}

void s2s_judge_side(struct s2s *s2s)
{
	judge_legs_by_side(s2s->outs);
	judge_legs_by_side(s2s->ins);
}
