/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The receiving role of XEP-0220 on a leg: has the peer's domains proved, policy first, then the
 * authoritative server, both by questions to services; and says which stanzas a peer may send.
 * What a proof is worth is decided in s2s_trust.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "components/s2s/s2s_external.h"
#include "components/s2s/s2s_leg.h"
#include "components/s2s/s2s_side.h"

/* ---- answers ---- */

static void proof_answer(struct s2s_proof *proof, const char *type, const char *condition,
                         const char *text)
{
	struct s2s_db db = {
		.name = "result",
		.from = fw_str(proof->local_text),
		.to = fw_str(proof->remote_text),
		.type = fw_str(type),
		.condition = fw_str(condition),
		.text = fw_str(text),
	};

	s2s_db_send(proof->leg->channel, &db, proof->leg->log, proof->leg->session);
}

/* type='error' to a question as it came; the stream stays (XEP-0220 §2.5). */
void s2s_proofs_refuse(struct s2s_leg *leg, const struct s2s_db *question, const char *condition,
                       const char *text)
{
	struct s2s_db db = {
		.name = question->name,
		.from = question->to,
		.to = question->from,
		.id = question->id,
		.type = fw_str("error"),
		.condition = fw_str(condition),
		.text = fw_str(text),
	};

	if (strcmp(question->name, "result") == 0) {
		db.id = fw_str(NULL);
		s2s_count(leg->s2s, S2S_COUNT_DIALBACK_IN_ERROR);
	}
	s2s_db_send(leg->channel, &db, leg->log, leg->session);
}

/* XEP-0220 §2.5: what a failure on our side of the proof is called towards the initiating server.
 */
static const char *proof_condition(enum fw_cause cause)
{
	switch (cause) {
	case FW_CAUSE_DNS_NOT_FOUND:
	case FW_CAUSE_DNS_NO_SERVICE:
	case FW_CAUSE_DNS_FAILED:
	case FW_CAUSE_BAD_ADDRESS:
	case FW_CAUSE_HOST_UNKNOWN:
	case FW_CAUSE_DIALBACK_ERROR:
	case FW_CAUSE_PEER_ERROR:
		return "remote-server-not-found";
	case FW_CAUSE_CONNECT_FAILED:
	case FW_CAUSE_CONNECT_TIMEOUT:
	case FW_CAUSE_STATIC_FAILED:
		return "remote-connection-failed";
	case FW_CAUSE_RESOURCES:
	case FW_CAUSE_INTERNAL:
	case FW_CAUSE_NO_ROUTE:
	case FW_CAUSE_COMPONENT_GONE:
	case FW_CAUSE_COMPONENT_DRAINING:
	case FW_CAUSE_QUEUE_FULL:
		return "resource-constraint";
	default:
		return "remote-server-timeout";
	}
}

/* ---- proofs ---- */

static void proof_remove(struct s2s_proof *proof)
{
	struct s2s_proof **link = &proof->leg->proofs;

	while (*link != proof) {
		link = &(*link)->next;
	}
	*link = proof->next;
	proof->leg->proof_count--;
	fw_request_cancel(&proof->request);
	fw_request_cancel(&proof->judging);
	s2s_rate_release(&proof->rate);
	s2s_carriers_drop(&proof->at_remote);
	s2s_grant_clear(&proof->grant);
	free(proof->remote_text);
	free(proof->local_text);
	free(proof->key);
	free(proof);
}

static struct s2s_proof *proof_find(const struct s2s_leg *leg, const char *remote,
                                    const char *local)
{
	struct s2s_proof *proof = leg->proofs;

	while (proof != NULL &&
	       (strcmp(proof->remote, remote) != 0 || strcmp(proof->local, local) != 0)) {
		proof = proof->next;
	}
	return proof;
}

static struct s2s_proof *proof_new(struct s2s_leg *leg, const struct s2s_db *db, const char *remote,
                                   const char *local)
{
	struct s2s_proof *proof = calloc(1, sizeof(*proof));

	if (proof == NULL) {
		return NULL;
	}
	proof->leg = leg;
	proof->method = S2S_METHOD_DIALBACK;
	memcpy(proof->remote, remote, strlen(remote) + 1);
	memcpy(proof->local, local, strlen(local) + 1);
	proof->remote_text = fw_str_dup(db->from);
	proof->local_text = fw_str_dup(db->to);
	proof->key = fw_str_dup(db->key);
	proof->next = leg->proofs;
	leg->proofs = proof;
	leg->proof_count++;
	if (proof->remote_text == NULL || proof->local_text == NULL || proof->key == NULL) {
		proof_remove(proof);
		return NULL;
	}
	return proof;
}

const struct s2s_proof *s2s_proofs_find(const struct s2s_leg *leg, const char *remote,
                                        const char *local)
{
	const struct s2s_proof *proof = proof_find(leg, remote, local);

	return proof != NULL && proof->state == S2S_PROOF_VALID ? proof : NULL;
}

int s2s_proofs_mirror(struct s2s_leg *leg, const char *local, const char *remote,
                      enum s2s_method method)
{
	const struct s2s_db none = { .from = fw_str(remote),
		                     .to = fw_str(local),
		                     .key = fw_str("") };
	struct s2s_proof *proof = proof_find(leg, remote, local);

	if (proof != NULL) { /* the peer has asked for it itself: that one decides */
		return FW_OK;
	}
	proof = proof_new(leg, &none, remote, local);
	if (proof == NULL) {
		return FW_ENOMEM;
	}
	proof->state = S2S_PROOF_VERIFY;
	s2s_trust_proof(proof, method);
	return FW_OK;
}

bool s2s_proofs_pending(const struct s2s_leg *leg)
{
	for (const struct s2s_proof *proof = leg->proofs; proof != NULL; proof = proof->next) {
		if (proof->state != S2S_PROOF_VALID) {
			return true;
		}
	}
	return false;
}

static void proof_failed(struct s2s_proof *proof, const char *condition, const char *text)
{
	s2s_count(proof->leg->s2s, S2S_COUNT_DIALBACK_IN_ERROR);
	proof_answer(proof, "error", condition, text);
	proof_remove(proof);
}

static void proof_invalid(struct s2s_proof *proof)
{
	struct s2s_leg *leg = proof->leg;

	s2s_count(leg->s2s, S2S_COUNT_DIALBACK_IN_INVALID);
	if (leg->proofs_valid > 0) { /* others were proved here: they keep the stream */
		proof_answer(proof, "error", "forbidden",
		             fw_cause_row(FW_CAUSE_DIALBACK_INVALID)->text);
		proof_remove(proof);
		return;
	}
	proof_answer(proof, "invalid", NULL, NULL);
	proof_remove(proof);
	s2s_leg_close(leg, FW_CAUSE_DIALBACK_INVALID, "");
}

static void proof_valid(struct s2s_proof *proof, enum s2s_method method)
{
	s2s_count(proof->leg->s2s, S2S_COUNT_DIALBACK_IN_VALID);
	s2s_trust_proof(proof, method);
	proof_answer(proof, "valid", NULL, NULL);
	fw_machine_send(&proof->leg->machine, S2S_LEG_EV_TRUSTED, NULL);
}

static void proof_on_verdict(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct s2s_proof *proof = ctx;

	proof->request = NULL;
	cause = s2s_ask_read_dialback(reply, cause, "verify");
	if (cause == FW_CAUSE_DIALBACK_INVALID) {
		proof_invalid(proof);
	} else if (cause != FW_CAUSE_NONE) {
		proof_failed(proof, proof_condition(cause), fw_cause_row(cause)->text);
	} else if (proof->forbidden) { /* the policy changed while we asked */
		const struct fw_cause_row *row = fw_cause_row(FW_CAUSE_POLICY_STREAM);
		proof_failed(proof, row->stanza_condition, row->text);
	} else {
		proof_valid(proof, S2S_METHOD_DIALBACK);
	}
}

/* Where streams that we open to the domain need a certificate that verifies, or a pinned key, the
 * server that we ask about it needs the same: else who can lie in DNS could vouch for himself. */
static const char *proof_asks(const struct s2s_proof *proof, char out[FW_TLS_RULES_TEXT_SIZE])
{
	const struct fw_tls_rules rules = s2s_rules_tls(
	        s2s_security_rules(proof->leg->s2s->security, proof->remote, S2S_OUT));

	out[0] = '\0';
	if (rules.must_verify || rules.pin_count > 0) {
		int ret = fw_tls_rules_write(&rules, out, FW_TLS_RULES_TEXT_SIZE);
		fw_assert(ret == FW_OK); /* the options have the same limits */
	}
	return out;
}

/* The pair may talk: now the domain is proved. */
static void proof_verify(struct s2s_proof *proof)
{
	struct s2s_leg *leg = proof->leg;
	char asks[FW_TLS_RULES_TEXT_SIZE];

	proof->state = S2S_PROOF_VERIFY;
	if (s2s_side_vouches(leg->s2s)) {
		proof_valid(proof, S2S_METHOD_ADDRESS);
		return;
	}
	struct s2s_question question = {
		.name = "verify",
		.receiving = proof->local,
		.originating = proof->remote,
		.stream_id = fw_str(leg->stream_id),
		.key = fw_str(proof->key),
		.session = leg->session,
		.timeout_ms = leg->s2s->config->auth_timeout_ms,
		.asks = proof_asks(proof, asks),
	};
	if (s2s_ask_dialback(leg->s2s, &question, proof_on_verdict, proof, &proof->request) !=
	    FW_OK) {
		proof_failed(proof, "resource-constraint", NULL);
	}
}

static void proof_external(struct s2s_proof *proof, enum fw_cause cause)
{
	struct s2s_leg *leg = proof->leg;

	if (cause == FW_CAUSE_NONE) {
		proof->state = S2S_PROOF_VERIFY;
		s2s_trust_proof(proof, S2S_METHOD_EXTERNAL);
	} else {
		proof_remove(proof);
	}
	s2s_external_settled(leg, cause);
}

static void proof_on_policy(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct s2s_proof *proof = ctx;
	bool asked = false;

	proof->request = NULL;
	cause = s2s_ask_read_policy(reply, cause, &asked);
	if (proof->method == S2S_METHOD_EXTERNAL) {
		proof_external(proof, asked ? cause : FW_CAUSE_RESOURCES);
		return;
	}
	if (!asked) { /* nobody to ask: nobody comes in */
		proof_failed(proof, "resource-constraint", "the policy could not be asked");
		return;
	}
	if (cause != FW_CAUSE_NONE) {
		proof_failed(proof, fw_cause_row(cause)->stanza_condition,
		             fw_cause_row(cause)->text);
		return;
	}
	proof_verify(proof);
}

/* The connection is not good enough for the domain, whatever the key. In clear the peer may still
 * do better; else, unless the stream serves others, there is nothing left to say on it (RFC 6120
 * §13.7.2). */
static void proofs_distrust(struct s2s_leg *leg, const struct s2s_db *db,
                            const struct s2s_verdict *verdict)
{
	if (verdict->cause == FW_CAUSE_TLS_REQUIRED) {
		s2s_proofs_refuse(leg, db, "policy-violation", "TLS is required before dialback");
		return;
	}
	s2s_proofs_refuse(leg, db, "not-authorized", fw_cause_row(verdict->cause)->text);
	if (leg->proofs == NULL && leg->checks == NULL && leg->claims == NULL) {
		s2s_leg_close(leg, verdict->cause, verdict->detail);
	}
}

/* A server asks us to take it for `from` on this stream (receiving role). */
void s2s_proofs_result(struct s2s_leg *leg, const struct s2s_db *db, const char *remote,
                       const char *local)
{
	struct s2s_proof *proof = proof_find(leg, remote, local);
	struct s2s_verdict verdict;
	const char *objection = s2s_side_objection(leg->s2s, local, remote, &leg->peer);

	if (!s2s_side_plays(leg->s2s, local)) {
		s2s_proofs_refuse(leg, db, "item-not-found", "this domain is not federated here");
	} else if (leg->s2s->draining) {
		s2s_proofs_refuse(leg, db, "resource-constraint", "this router is stopping");
	} else if (objection != NULL) {
		s2s_proofs_refuse(leg, db, "not-acceptable", objection);
	} else if (db->key.len == 0 || db->key.len > S2S_DB_KEY_MAX) {
		s2s_proofs_refuse(leg, db, "not-acceptable",
		                  "no key, or a key over 256 characters");
	} else if (!s2s_trust_leg(leg, remote, S2S_METHOD_DIALBACK, &verdict)) {
		proofs_distrust(leg, db, &verdict);
	} else if (proof != NULL && proof->state == S2S_PROOF_VALID) {
		proof_answer(proof, "valid", NULL, NULL);
	} else if (proof != NULL) {
		s2s_count(leg->s2s, S2S_COUNT_DIALBACK_IGNORED);
		s2s_log_element(leg->log, leg->session, false,
		                "ignored: this pair is being proved");
	} else if (leg->proof_count >= leg->s2s->config->pairs_per_stream_max) {
		s2s_proofs_refuse(leg, db, "resource-constraint",
		                  "no room for another pair of domains on this stream");
	} else {
		proof = proof_new(leg, db, remote, local);
		if (proof == NULL) {
			s2s_proofs_refuse(leg, db, "resource-constraint", NULL);
		} else if (s2s_side_among_us(leg->s2s, local)) {
			proof_verify(proof);
		} else if (s2s_ask_policy(leg->s2s, local, remote, false, proof_on_policy, proof,
		                          &proof->request) != FW_OK) {
			proof_failed(proof, "resource-constraint", NULL);
		}
	}
}

/* ---- SASL instead ---- */

int s2s_proofs_external(struct s2s_leg *leg)
{
	const struct s2s_db db = { .from = fw_str(leg->remote),
		                   .to = fw_str(leg->local),
		                   .key = fw_str("") };
	struct s2s_proof *proof = proof_new(leg, &db, leg->remote, leg->local);

	if (proof == NULL) {
		return FW_ENOMEM;
	}
	proof->method = S2S_METHOD_EXTERNAL;
	if (s2s_side_among_us(leg->s2s, leg->local)) {
		proof_external(proof, FW_CAUSE_NONE);
	} else if (s2s_ask_policy(leg->s2s, leg->local, leg->remote, false, proof_on_policy, proof,
	                          &proof->request) != FW_OK) {
		proof_remove(proof);
		return FW_ENOMEM;
	}
	return FW_OK;
}

bool s2s_proofs_external_pending(const struct s2s_leg *leg)
{
	for (const struct s2s_proof *proof = leg->proofs; proof != NULL; proof = proof->next) {
		if (proof->method == S2S_METHOD_EXTERNAL && proof->state != S2S_PROOF_VALID) {
			return true;
		}
	}
	return false;
}

/* ---- stanzas ---- */

const struct s2s_proof *s2s_proofs_of(struct s2s_leg *leg, const struct fw_stanza *stanza,
                                      enum fw_cause *why)
{
	struct fw_str from = fw_stanza_from_domain(stanza);
	struct fw_str to = fw_stanza_to_domain(stanza);
	char remote[FW_DOMAIN_SIZE];
	char local[FW_DOMAIN_SIZE];

	/* Nearly always the pair of the stanza before, written in the same way. */
	if (leg->last_proof != NULL && fw_str_is(from, leg->last_proof->remote) &&
	    fw_str_is(to, leg->last_proof->local)) {
		return leg->last_proof;
	}
	if (fw_domain_key(from, remote, NULL) != FW_OK || fw_domain_key(to, local, NULL) != FW_OK) {
		*why = FW_CAUSE_IMPROPER_ADDRESSING;
		return NULL;
	}
	struct s2s_proof *proof = proof_find(leg, remote, local);
	if (proof != NULL && proof->state == S2S_PROOF_VALID) {
		leg->last_proof = proof;
		return proof;
	}
	/* RFC 6120 §8.1.1.2 and §8.1.2.2: which half is the wrong one? */
	*why = FW_CAUSE_INVALID_FROM;
	for (proof = leg->proofs; proof != NULL; proof = proof->next) {
		if (proof->state == S2S_PROOF_VALID && strcmp(proof->remote, remote) == 0) {
			*why = FW_CAUSE_HOST_UNKNOWN;
		}
	}
	return NULL;
}

void s2s_proofs_settle(struct s2s_leg *leg)
{
	struct s2s_proof *next;

	for (struct s2s_proof *proof = leg->proofs; proof != NULL; proof = next) {
		next = proof->next;
		if (proof->state != S2S_PROOF_VALID) {
			proof_remove(proof);
		}
	}
}

void s2s_proofs_free(struct s2s_leg *leg)
{
	leg->last_proof = NULL;
	while (leg->proofs != NULL) {
		proof_remove(leg->proofs);
	}
}
