/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A changed policy judges all streams again: the service is asked for every pair, and only what it
 * forbids now is closed. While the service does not answer, streams stay as they are; its hook in
 * the router still sees every stanza. Called by announced().
 */
#include "components/s2s/s2s_in.h"
#include "components/s2s/s2s_out.h"

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
		fw_log(log, &judge_logger, FW_LOG_NOTICE, "forbidden by the new policy cause=%s",
		       fw_cause_row(cause)->name);
	}
	return cause != FW_CAUSE_NONE;
}

static void judge_on_pair(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct s2s_pair *pair = ctx;

	pair->judging = NULL;
	if (pair->out != NULL && s2s_out_live(pair->out) &&
	    judge_forbids(pair->out->log, reply, cause)) {
		s2s_out_close(pair->out, FW_CAUSE_POLICY_STREAM);
	}
}

static void judge_pair(struct s2s_pair *pair, void *ctx)
{
	(void)ctx;
	fw_request_cancel(&pair->judging);
	s2s_ask_policy(pair->s2s, pair->local, pair->remote, true, judge_on_pair, pair,
	               &pair->judging);
}

/* A stream that carries other pairs stays for them; the router's hook returns what is forbidden. */
static bool judge_all_forbidden(const struct s2s_in *in)
{
	for (const struct s2s_proof *proof = in->proofs; proof != NULL; proof = proof->next) {
		if (!proof->forbidden) {
			return false;
		}
	}
	return true;
}

static void judge_on_proof(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct s2s_proof *proof = ctx;

	proof->judging = NULL;
	proof->forbidden = judge_forbids(proof->in->log, reply, cause);
	if (proof->forbidden && judge_all_forbidden(proof->in)) {
		s2s_in_close(proof->in, FW_CAUSE_POLICY_STREAM, "");
	}
}

void s2s_judge_all(struct s2s *s2s)
{
	s2s_pairs_each(s2s->pairs, judge_pair, NULL);
	for (struct s2s_in *in = s2s->ins; in != NULL; in = in->next) {
		for (struct s2s_proof *proof = in->proofs; proof != NULL; proof = proof->next) {
			if (proof->state == S2S_PROOF_POLICY) {
				continue; /* it is being asked for the first time */
			}
			fw_request_cancel(&proof->judging);
			s2s_ask_policy(s2s, proof->local, proof->remote, false, judge_on_proof,
			               proof, &proof->judging);
		}
	}
}
