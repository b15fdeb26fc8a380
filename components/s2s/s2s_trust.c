/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The one place that says "authenticated". Today there is one method, server dialback: inbound,
 * when the authoritative server has confirmed the key; outgoing, when the receiving server has said
 * so. What TLS knows is kept beside it. Called by s2s_in_dialback.c and s2s_out_states.c only.
 */
#include "components/s2s/s2s_trust.h"

#include <stdio.h>

#include "components/s2s/s2s_in.h"
#include "components/s2s/s2s_out.h"

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

static void trust_give(const struct s2s *s2s, const struct fw_channel *channel,
                       struct s2s_trust *trust)
{
	if (trust->method == S2S_METHOD_NONE) {
		trust->method = S2S_METHOD_DIALBACK;
		trust->since_ms = fw_now_ms(s2s->loop);
		s2s_trust_look(channel, trust);
	}
}

void s2s_trust_in(struct s2s_in *in, struct s2s_proof *proof)
{
	const struct s2s_config *config = in->s2s->config;
	struct fw_xml_limits limits = FW_XML_LIMITS_DEFAULT;

	fw_assert(proof->state == S2S_PROOF_VERIFY);
	proof->state = S2S_PROOF_VALID;
	s2s_count(in->s2s, S2S_COUNT_DIALBACK_IN_VALID);
	if (++in->valid_count > 1) {
		return;
	}
	trust_give(in->s2s, in->channel, &in->trust);
	limits.tag_max_bytes = config->tag_max_bytes;
	limits.stanza_max_bytes = config->stanza_max_bytes;
	fw_channel_set_limits(in->channel, &limits);
	s2s_in_settled(in);
}

void s2s_trust_out(struct s2s_out *out)
{
	trust_give(out->s2s, out->channel, &out->trust);
	s2s_count(out->s2s, S2S_COUNT_STREAMS_OUT_UP);
}

const char *s2s_trust_method(const struct s2s_trust *trust)
{
	return trust->method == S2S_METHOD_DIALBACK ? "dialback" : "none";
}
