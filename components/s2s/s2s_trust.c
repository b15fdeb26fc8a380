/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The one place that says "authenticated". Today there is one method, server dialback: inbound,
 * when the authoritative server has confirmed the key; outgoing, when the receiving server has said
 * so. What TLS knows is kept beside it. Called by s2s_proofs.c and s2s_claims.c only.
 */
#include "components/s2s/s2s_trust.h"

#include <stdio.h>

#include "components/s2s/s2s_leg.h"

void s2s_trust_look(const struct fw_channel *channel, struct s2s_trust *trust)
{
	const struct fw_tls *tls = channel != NULL ? fw_channel_tls(channel) : NULL;
	struct fw_tls_facts facts;

	if (tls == NULL) {
		return;
	}
	fw_tls_facts(tls, &facts);
	trust->tls = true;
	snprintf(trust->tls_version, sizeof(trust->tls_version), "%s",
	         facts.version != NULL ? facts.version : "");
	snprintf(trust->cipher, sizeof(trust->cipher), "%s",
	         facts.cipher != NULL ? facts.cipher : "");
	trust->has_certificate = facts.has_certificate;
	trust->chain_valid = facts.chain_valid;
	snprintf(trust->chain_problem, sizeof(trust->chain_problem), "%s", facts.chain_problem);
}

static void trust_give(struct s2s_leg *leg)
{
	if (leg->trust.method == S2S_METHOD_NONE) {
		leg->trust.method = S2S_METHOD_DIALBACK;
		leg->trust.since_ms = fw_now_ms(leg->s2s->loop);
		s2s_trust_look(leg->channel, &leg->trust);
	}
}

void s2s_trust_proof(struct s2s_proof *proof)
{
	struct s2s_leg *leg = proof->leg;
	const struct s2s_config *config = leg->s2s->config;
	struct fw_xml_limits limits = FW_XML_LIMITS_DEFAULT;

	fw_assert(proof->state == S2S_PROOF_VERIFY);
	proof->state = S2S_PROOF_VALID;
	(void)s2s_rate_hold(leg->s2s->rates, proof->remote, &proof->rate);
	s2s_count(leg->s2s, S2S_COUNT_DIALBACK_IN_VALID);
	if (++leg->proofs_valid > 1) {
		return;
	}
	trust_give(leg);
	limits.tag_max_bytes = config->tag_max_bytes;
	limits.stanza_max_bytes = config->stanza_max_bytes;
	fw_channel_set_limits(leg->channel, &limits);
}

void s2s_trust_claim(struct s2s_claim *claim)
{
	struct s2s_leg *leg = claim->leg;

	fw_assert(claim->state == S2S_CLAIM_ASKED);
	claim->state = S2S_CLAIM_VALID;
	s2s_count(leg->s2s, S2S_COUNT_DIALBACK_OUT_VALID);
	if (++leg->claims_valid > 1) {
		return;
	}
	trust_give(leg);
	s2s_count(leg->s2s, S2S_COUNT_STREAMS_OUT_UP);
}

const char *s2s_trust_method(const struct s2s_trust *trust)
{
	return trust->method == S2S_METHOD_DIALBACK ? "dialback" : "none";
}
