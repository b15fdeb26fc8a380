/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stanzas in both directions on one leg (XEP-0288): who offers it, who asks for it, and what a pair
 * that is proved or taken is worth for the way back. Called by s2s_features.c, by the leg for the
 * element, by the states when features are in, and by s2s_trust.c for each pair. Which leg then
 * carries a pair is for s2s_carriers.c.
 */
#include "components/s2s/s2s_bidi.h"

#include <stdio.h>

#include "components/s2s/s2s_leg.h"

static struct fw_logger bidi_logger = FW_LOGGER("s2s.bidi");

static bool bidi_allowed(const struct s2s_leg *leg, enum s2s_bidi direction)
{
	const struct s2s_domain_row *row = s2s_security_row(
	        leg->s2s->security, leg->remote, direction == S2S_BIDI_IN ? S2S_IN : S2S_OUT);

	if (row != NULL && row->bidi != S2S_YES_INHERIT) {
		return row->bidi == S2S_YES;
	}
	return (leg->s2s->config->bidi & (int)direction) != 0;
}

/* ---- the peer opened ---- */

int s2s_bidi_offer(const struct s2s_leg *leg, char *out, size_t size)
{
	return bidi_allowed(leg, S2S_BIDI_IN) && !leg->bidi
	               ? snprintf(out, size, "<bidi xmlns='" S2S_NS_BIDI_FEATURE "'/>")
	               : 0;
}

bool s2s_bidi_element(struct s2s_leg *leg, struct fw_stanza **element)
{
	if (!fw_str_is(fw_stanza_name(*element), "bidi") || leg->kind->out ||
	    !bidi_allowed(leg, S2S_BIDI_IN)) {
		return false;
	}
	/* XEP-0288 §2: before SASL and dialback; later the roles of the pairs are settled */
	bool late = leg->proofs != NULL || leg->bidi;
	s2s_log_element(leg->log, leg->session, false,
	                late ? "<bidi/> ignored: it comes too late" : "<bidi/>");
	leg->bidi = !late || leg->bidi;
	return true;
}

/* ---- we opened ---- */

void s2s_bidi_request(struct s2s_leg *leg)
{
	const struct s2s_rules *rules = s2s_security_rules(leg->s2s->security, leg->remote, S2S_IN);
	enum s2s_method method =
	        s2s_rules_allow(rules, S2S_METHOD_DIALBACK) ? S2S_METHOD_NONE : S2S_METHOD_EXTERNAL;
	struct s2s_verdict verdict;

	/* What the peer sends must be good enough by the rules for what it opens itself: where
	 * only certificates count, the one that it shows here. */
	if (!leg->features.bidi || !bidi_allowed(leg, S2S_BIDI_OUT) ||
	    !s2s_trust_channel(leg->s2s, leg->channel, leg->remote, S2S_IN, method, &verdict)) {
		return;
	}
	/* Whatever namespace the feature had, this is the one of the request. */
	fw_channel_send_text(leg->channel, "<bidi xmlns='" S2S_NS_BIDI "'/>");
	s2s_log_element(leg->log, leg->session, true, "<bidi/>");
	leg->bidi = true;
}

/* ---- the way back ---- */

void s2s_bidi_proved(struct s2s_proof *proof)
{
	struct s2s_leg *leg = proof->leg;

	if (!leg->bidi || leg->kind->out) {
		return;
	}
	s2s_carriers_put(&proof->at_remote, leg, proof->remote);
	/* It may be that we cannot reach the domain, but it has reached us. */
	s2s_remotes_reached(leg->s2s->remotes, proof->remote);
}

void s2s_bidi_taken(const struct s2s_claim *claim)
{
	struct s2s_leg *leg = claim->leg;

	if (!leg->bidi || !leg->kind->out) {
		return;
	}
	if (s2s_proofs_mirror(leg, claim->pair->local, claim->pair->remote, claim->grant.method) !=
	    FW_OK) {
		fw_log(leg->log, &bidi_logger, FW_LOG_WARNING,
		       "the way back of a pair is not open local=%s remote=%s", claim->pair->local,
		       claim->pair->remote);
	}
}
