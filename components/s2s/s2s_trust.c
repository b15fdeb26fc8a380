/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The one place that says "authenticated", and "this connection is not good enough for that
 * domain". Rules come from s2s_security.c, facts from the channel's TLS; that a key or a SASL
 * exchange was right is told by s2s_proofs.c, s2s_claims.c and s2s_external_in.c, who ask here before
 * and record here after.
 */
#include "components/s2s/s2s_trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "components/s2s/s2s_bidi.h"
#include "components/s2s/s2s_certs.h"
#include "components/s2s/s2s_leg.h"

/* ---- what a peer shows ---- */

void s2s_trust_look(const struct fw_channel *channel, const char *remote, struct fw_tls_shown *out)
{
	fw_tls_look(channel != NULL ? fw_channel_tls(channel) : NULL, remote, out);
}

/* ---- is it enough? Of the connection (fw_tls_judge), and for the method. ---- */

static enum fw_tls_verdict trust_chain(const struct s2s_rules *rules,
                                       const struct fw_tls_shown *shown)
{
	return fw_tls_verdict_under(&shown->facts, rules->purpose);
}

/* Of a pinned key no authority is asked: only what speaks against the certificate itself counts. */
static enum fw_cause trust_external(const struct s2s_rules *rules, const struct fw_tls_shown *shown)
{
	enum fw_tls_verdict chain = trust_chain(rules, shown);

	if (!shown->tls) {
		return FW_CAUSE_TLS_REQUIRED;
	}
	if (shown->facts.has_certificate && rules->pin_count > 0) {
		return (shown->facts.problems & 1u << FW_TLS_REVOKED) != 0   ? FW_CAUSE_CERT_REVOKED
		       : (shown->facts.problems & 1u << FW_TLS_EXPIRED) != 0 ? FW_CAUSE_CERT_EXPIRED
		                                                             : FW_CAUSE_NONE;
	}
	if (chain != FW_TLS_VALID) {
		return fw_tls_verdict_cause(chain);
	}
	return shown->named ? FW_CAUSE_NONE : FW_CAUSE_CERT_NAME;
}

enum fw_cause s2s_trust_judge(const struct s2s_rules *rules, const struct fw_tls_shown *shown,
                              enum s2s_method method)
{
	const struct fw_tls_rules asked = s2s_rules_tls(rules);
	enum fw_cause cause = FW_CAUSE_NONE;

	if (method != S2S_METHOD_NONE && !s2s_rules_allow(rules, method)) {
		return FW_CAUSE_NO_AUTH_METHOD;
	}
	cause = fw_tls_judge(&asked, shown);
	if (cause == FW_CAUSE_NONE && method == S2S_METHOD_EXTERNAL) {
		cause = trust_external(rules, shown);
	}
	return cause;
}

/* ---- the same for streams, with words ---- */

bool s2s_trust_channel(const struct s2s *s2s, const struct fw_channel *channel, const char *remote,
                       enum s2s_direction direction, enum s2s_method method,
                       struct s2s_verdict *out)
{
	const struct s2s_rules *rules = s2s_security_rules(s2s->security, remote, direction);
	struct fw_tls_shown shown;

	s2s_trust_look(channel, remote, &shown);
	out->cause = s2s_trust_judge(rules, &shown, method);
	fw_tls_judge_words(out->cause, &shown, out->detail, sizeof(out->detail));
	return out->cause == FW_CAUSE_NONE;
}

static enum s2s_direction trust_direction(const struct s2s_leg *leg)
{
	return leg->kind->out ? S2S_OUT : S2S_IN;
}

bool s2s_trust_leg(const struct s2s_leg *leg, const char *remote, enum s2s_method method,
                   struct s2s_verdict *out)
{
	return s2s_trust_channel(leg->s2s, leg->channel, remote, trust_direction(leg), method, out);
}

/* ---- what is kept ---- */

void s2s_grant_clear(struct s2s_grant *grant)
{
	free(grant->names);
	*grant = (struct s2s_grant){ 0 };
}

/* Would the stream not be trusted without the peer's certificate? That a peer takes ours says
 * nothing about its own. */
static bool trust_rests(const struct s2s_leg *leg, const char *remote, enum s2s_method method)
{
	const struct s2s_security *security = leg->s2s->security;
	bool out = leg->kind->out;

	if ((!out && method == S2S_METHOD_EXTERNAL) ||
	    s2s_security_rules(security, remote, trust_direction(leg))->must_verify) {
		return true;
	}
	const struct s2s_rules *back = s2s_security_rules(security, remote, out ? S2S_IN : S2S_OUT);
	return leg->bidi &&
	       (back->must_verify || (out && !s2s_rules_allow(back, S2S_METHOD_DIALBACK)));
}

/* RFC 6120 §13.7.2.3. Valid to the end of its last second (RFC 5280 §4.1.2.5). */
uint64_t s2s_trust_left_ms(const struct s2s_trust *trust)
{
	int64_t now = (int64_t)time(NULL);

	if (trust->until_s == 0) {
		return UINT64_MAX;
	}
	return trust->until_s < now ? 0 : (uint64_t)(trust->until_s - now + 1) * 1000;
}

/* Records why, tells it in one line, and on the leg when it is the first. */
static void trust_grant(struct s2s_leg *leg, const char *local, const char *remote,
                        enum s2s_method method, struct s2s_grant *grant)
{
	const struct s2s_rules *rules =
	        s2s_security_rules(leg->s2s->security, remote, trust_direction(leg));
	const struct fw_tls_rules asked = s2s_rules_tls(rules);
	struct fw_tls_shown shown;
	char secured[S2S_LOG_SECURED_SIZE];

	s2s_trust_look(leg->channel, remote, &shown);
	s2s_grant_clear(grant);
	grant->method = method;
	grant->certificate = shown.tls && shown.facts.has_certificate;
	if (grant->certificate) {
		grant->named = shown.named;
		grant->pinned = fw_tls_pinned(&asked, &shown);
		grant->chain = trust_chain(rules, &shown);
		s2s_certs_saw(leg->s2s->certs, remote, shown.facts.certificate, grant->chain,
		              method, leg->log);
		grant->names = fw_str_dup(fw_str(shown.names)); /* without memory: no words */
		if (trust_rests(leg, remote, method)) {
			leg->trust.until_s = shown.facts.certificate->not_after;
		}
	}
	if (leg->trust.method == S2S_METHOD_NONE) {
		leg->trust.method = method;
		leg->trust.since_ms = fw_now_ms(leg->s2s->loop);
	}
	s2s_event(leg->log, FW_LOG_INFO, "Stream Authenticated",
	          "authenticated local=%s remote=%s method=%s %s row='%s'%s", local, remote,
	          s2s_method_word(method), s2s_log_secured(secured, &shown), rules->row,
	          grant->pinned ? " pinned=true" : "");
}

void s2s_trust_proof(struct s2s_proof *proof, enum s2s_method method)
{
	struct s2s_leg *leg = proof->leg;
	const struct s2s_config *config = leg->s2s->config;
	struct fw_xml_limits limits = FW_XML_LIMITS_DEFAULT;

	fw_assert(proof->state == S2S_PROOF_VERIFY);
	proof->state = S2S_PROOF_VALID;
	(void)s2s_rate_hold(leg->s2s->rates, proof->remote, &proof->rate);
	trust_grant(leg, proof->local, proof->remote, method, &proof->grant);
	s2s_bidi_proved(proof);
	if (++leg->proofs_valid > 1) {
		return;
	}
	limits.tag_max_bytes = config->tag_max_bytes;
	limits.stanza_max_bytes = config->stanza_max_bytes;
	limits.depth_max = config->depth_max;
	limits.attributes_max = config->attributes_max;
	limits.declarations_max = config->declarations_max;
	fw_channel_set_limits(leg->channel, &limits);
}

void s2s_trust_claim(struct s2s_claim *claim, enum s2s_method method)
{
	struct s2s_leg *leg = claim->leg;

	fw_assert(claim->state == S2S_CLAIM_ASKED || claim->state == S2S_CLAIM_SASL);
	claim->state = S2S_CLAIM_VALID;
	trust_grant(leg, claim->pair->local, claim->pair->remote, method, &claim->grant);
	s2s_bidi_taken(claim);
	if (++leg->claims_valid == 1 && leg->kind->out) {
		s2s_count(leg->s2s, S2S_COUNT_STREAMS_OUT_UP);
	}
}
