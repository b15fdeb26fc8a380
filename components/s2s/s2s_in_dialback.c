/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Dialback on inbound streams (XEP-0220): as receiving server it has the peer's domain proved,
 * policy first, then the authoritative server; as authoritative server it says whether a key is
 * ours. Both by questions to services; the secret is never here. What a proof is worth is decided
 * in s2s_trust.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "components/s2s/s2s_in.h"

enum { IN_CHECKS_MAX = 64 };

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

	s2s_db_send(proof->in->channel, &db, proof->in->log, proof->in->session);
}

/* type='error' to a question as it came; the stream stays (XEP-0220 §2.5). */
static void in_refuse(struct s2s_in *in, const struct s2s_db *question, const char *condition,
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
		s2s_count(in->s2s, S2S_COUNT_DIALBACK_IN_ERROR);
	}
	s2s_db_send(in->channel, &db, in->log, in->session);
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
	struct s2s_proof **link = &proof->in->proofs;

	while (*link != proof) {
		link = &(*link)->next;
	}
	*link = proof->next;
	proof->in->proof_count--;
	fw_request_cancel(&proof->request);
	fw_request_cancel(&proof->judging);
	free(proof->remote_text);
	free(proof->local_text);
	free(proof->key);
	free(proof);
}

static struct s2s_proof *proof_find(const struct s2s_in *in, const char *remote, const char *local)
{
	struct s2s_proof *proof = in->proofs;

	while (proof != NULL &&
	       (strcmp(proof->remote, remote) != 0 || strcmp(proof->local, local) != 0)) {
		proof = proof->next;
	}
	return proof;
}

static struct s2s_proof *proof_new(struct s2s_in *in, const struct s2s_db *db, const char *remote,
                                   const char *local)
{
	struct s2s_proof *proof = calloc(1, sizeof(*proof));

	if (proof == NULL) {
		return NULL;
	}
	proof->in = in;
	memcpy(proof->remote, remote, strlen(remote) + 1);
	memcpy(proof->local, local, strlen(local) + 1);
	proof->remote_text = fw_str_dup(db->from);
	proof->local_text = fw_str_dup(db->to);
	proof->key = fw_str_dup(db->key);
	proof->next = in->proofs;
	in->proofs = proof;
	in->proof_count++;
	if (proof->remote_text == NULL || proof->local_text == NULL || proof->key == NULL) {
		proof_remove(proof);
		return NULL;
	}
	return proof;
}

bool s2s_in_proof_pending(const struct s2s_in *in)
{
	for (const struct s2s_proof *proof = in->proofs; proof != NULL; proof = proof->next) {
		if (proof->state != S2S_PROOF_VALID) {
			return true;
		}
	}
	return false;
}

static void proof_failed(struct s2s_proof *proof, const char *condition, const char *text)
{
	s2s_count(proof->in->s2s, S2S_COUNT_DIALBACK_IN_ERROR);
	proof_answer(proof, "error", condition, text);
	proof_remove(proof);
}

static void proof_invalid(struct s2s_proof *proof)
{
	struct s2s_in *in = proof->in;

	s2s_count(in->s2s, S2S_COUNT_DIALBACK_IN_INVALID);
	if (in->valid_count > 0) { /* others were proved here: they keep the stream */
		proof_answer(proof, "error", "forbidden",
		             fw_cause_row(FW_CAUSE_DIALBACK_INVALID)->text);
		proof_remove(proof);
		return;
	}
	proof_answer(proof, "invalid", NULL, NULL);
	proof_remove(proof);
	s2s_in_close(in, FW_CAUSE_DIALBACK_INVALID, "");
}

static void proof_on_verdict(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct s2s_proof *proof = ctx;
	struct s2s_in *in = proof->in;

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
		s2s_trust_in(in, proof);
		proof_answer(proof, "valid", NULL, NULL);
		fw_machine_send(&in->machine, S2S_IN_EV_TRUSTED, NULL);
	}
}

static void proof_on_policy(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct s2s_proof *proof = ctx;
	struct s2s_in *in = proof->in;
	bool asked = false;

	proof->request = NULL;
	cause = s2s_ask_read_policy(reply, cause, &asked);
	if (!asked) { /* nobody to ask: nobody comes in */
		proof_failed(proof, "resource-constraint", "the policy could not be asked");
		return;
	}
	if (cause != FW_CAUSE_NONE) {
		proof_failed(proof, fw_cause_row(cause)->stanza_condition,
		             fw_cause_row(cause)->text);
		return;
	}
	proof->state = S2S_PROOF_VERIFY;
	struct s2s_question question = {
		.name = "verify",
		.receiving = proof->local,
		.originating = proof->remote,
		.stream_id = fw_str(in->stream_id),
		.key = fw_str(proof->key),
		.session = in->session,
		.timeout_ms = in->s2s->config->auth_timeout_ms,
	};
	if (s2s_ask_dialback(in->s2s, &question, proof_on_verdict, proof, &proof->request) !=
	    FW_OK) {
		proof_failed(proof, "resource-constraint", NULL);
	}
}

/* A server asks us to take it for `from` on this stream (receiving role). */
static void in_result(struct s2s_in *in, const struct s2s_db *db, const char *remote,
                      const char *local)
{
	struct s2s_proof *proof = proof_find(in, remote, local);

	if (!fw_domain_is_federated(in->s2s->self, fw_str(local))) {
		in_refuse(in, db, "item-not-found", "this domain is not federated here");
	} else if (in->s2s->config->security_mode == FW_SECURITY_REQUIRED && !in->secured) {
		in_refuse(in, db, "policy-violation", "TLS is required before dialback");
	} else if (in->s2s->draining) {
		in_refuse(in, db, "resource-constraint", "this router is stopping");
	} else if (fw_domain_is_local(in->s2s->self, fw_str(remote))) {
		in_refuse(in, db, "not-acceptable", "the domain in from is served here");
	} else if (db->key.len == 0 || db->key.len > S2S_DB_KEY_MAX) {
		in_refuse(in, db, "not-acceptable", "no key, or a key over 256 characters");
	} else if (proof != NULL && proof->state == S2S_PROOF_VALID) {
		proof_answer(proof, "valid", NULL, NULL);
	} else if (proof != NULL) {
		s2s_count(in->s2s, S2S_COUNT_DIALBACK_IGNORED);
		s2s_log_element(in->log, in->session, false, "ignored: this pair is being proved");
	} else if (in->proof_count >= in->s2s->config->pairs_per_stream_max) {
		in_refuse(in, db, "resource-constraint",
		          "no room for another pair of domains on this stream");
	} else {
		proof = proof_new(in, db, remote, local);
		if (proof == NULL) {
			in_refuse(in, db, "resource-constraint", NULL);
		} else if (s2s_ask_policy(in->s2s, local, remote, false, proof_on_policy, proof,
		                          &proof->request) != FW_OK) {
			proof_failed(proof, "resource-constraint", NULL);
		}
	}
}

/* ---- authoritative role ---- */

static void check_remove(struct s2s_check *check)
{
	struct s2s_check **link = &check->in->checks;

	while (*link != check) {
		link = &(*link)->next;
	}
	*link = check->next;
	check->in->check_count--;
	fw_request_cancel(&check->request);
	free(check->from);
	free(check->to);
	free(check->id);
	free(check);
}

static struct s2s_check *check_new(struct s2s_in *in, const struct s2s_db *db)
{
	struct s2s_check *check = calloc(1, sizeof(*check));

	if (check == NULL) {
		return NULL;
	}
	check->in = in;
	check->from = fw_str_dup(db->from);
	check->to = fw_str_dup(db->to);
	check->id = fw_str_dup(db->id);
	check->next = in->checks;
	in->checks = check;
	in->check_count++;
	if (check->from == NULL || check->to == NULL || check->id == NULL) {
		check_remove(check);
		return NULL;
	}
	return check;
}

static void check_on_verdict(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct s2s_check *check = ctx;
	struct s2s_in *in = check->in;
	struct s2s_db db = {
		.name = "verify",
		.from = fw_str(check->to),
		.to = fw_str(check->from),
		.id = fw_str(check->id),
	};

	check->request = NULL;
	cause = s2s_ask_read_dialback(reply, cause, "check");
	if (cause == FW_CAUSE_NONE) {
		db.type = fw_str("valid");
	} else if (cause == FW_CAUSE_DIALBACK_INVALID) {
		db.type = fw_str("invalid");
	} else {
		db.type = fw_str("error");
		db.condition = fw_str("resource-constraint");
		db.text = fw_str("the dialback service could not be asked");
	}
	s2s_count(in->s2s, S2S_COUNT_DIALBACK_CHECKS);
	s2s_db_send(in->channel, &db, in->log, in->session);
	check_remove(check);
}

/* A server asks whether a key is ours. Allowed before authentication and in clear: the answer tells
 * nothing to who does not have the key (XEP-0220 §2.1.2 lets verify-only connections skip TLS).
 */
static void in_verify(struct s2s_in *in, const struct s2s_db *db, const char *remote,
                      const char *local)
{
	struct s2s_question question = {
		.name = "check",
		.receiving = remote,
		.originating = local,
		.stream_id = db->id,
		.key = db->key,
		.session = in->session,
	};

	if (db->id.len == 0) {
		in_refuse(in, db, "bad-request", "no id");
		return;
	}
	if (!fw_domain_is_federated(in->s2s->self, fw_str(local))) {
		in_refuse(in, db, "item-not-found", "this domain is not federated here");
		return;
	}
	if (db->key.len > S2S_DB_KEY_MAX) { /* ours are shorter: it cannot be one */
		struct s2s_db answer = { .name = "verify",
			                 .from = db->to,
			                 .to = db->from,
			                 .id = db->id,
			                 .type = fw_str("invalid") };
		s2s_count(in->s2s, S2S_COUNT_DIALBACK_CHECKS);
		s2s_db_send(in->channel, &answer, in->log, in->session);
		return;
	}
	struct s2s_check *check = in->check_count < IN_CHECKS_MAX ? check_new(in, db) : NULL;
	if (check == NULL) {
		in_refuse(in, db, "resource-constraint", "too many questions at once");
	} else if (s2s_ask_dialback(in->s2s, &question, check_on_verdict, check, &check->request) !=
	           FW_OK) {
		check_remove(check);
		in_refuse(in, db, "resource-constraint", NULL);
	}
}

/* ---- the door ---- */

void s2s_in_dialback(struct s2s_in *in, const struct s2s_db *db)
{
	char text[1024];
	char remote[FW_DOMAIN_SIZE];
	char local[FW_DOMAIN_SIZE];

	s2s_log_element(in->log, in->session, false, s2s_db_text(db, text, sizeof(text)));
	if (db->type.ptr != NULL) { /* XEP-0220 §2.2: never legal in this direction */
		s2s_count(in->s2s, S2S_COUNT_DIALBACK_IGNORED);
		s2s_log_element(in->log, in->session, false, "ignored: nobody asked for it");
		return;
	}
	if (fw_domain_key(db->from, remote, NULL) != FW_OK ||
	    fw_domain_key(db->to, local, NULL) != FW_OK) {
		s2s_in_close(in, FW_CAUSE_IMPROPER_ADDRESSING, "a dialback element's addresses");
		return;
	}
	if (strcmp(db->name, "result") == 0) {
		in_result(in, db, remote, local);
	} else {
		in_verify(in, db, remote, local);
	}
}

const struct s2s_proof *s2s_in_proof_of(struct s2s_in *in, const struct fw_stanza *stanza,
                                        enum fw_cause *why)
{
	struct fw_str from = fw_stanza_from_domain(stanza);
	struct fw_str to = fw_stanza_to_domain(stanza);
	char remote[FW_DOMAIN_SIZE];
	char local[FW_DOMAIN_SIZE];

	/* Nearly always the pair of the stanza before, written in the same way. */
	if (in->last != NULL && fw_str_is(from, in->last->remote) &&
	    fw_str_is(to, in->last->local)) {
		return in->last;
	}
	if (fw_domain_key(from, remote, NULL) != FW_OK || fw_domain_key(to, local, NULL) != FW_OK) {
		*why = FW_CAUSE_IMPROPER_ADDRESSING;
		return NULL;
	}
	struct s2s_proof *proof = proof_find(in, remote, local);
	if (proof != NULL && proof->state == S2S_PROOF_VALID) {
		in->last = proof;
		return proof;
	}
	/* RFC 6120 §8.1.1.2 and §8.1.2.2: which half is the wrong one? */
	*why = FW_CAUSE_INVALID_FROM;
	for (proof = in->proofs; proof != NULL; proof = proof->next) {
		if (proof->state == S2S_PROOF_VALID && strcmp(proof->remote, remote) == 0) {
			*why = FW_CAUSE_HOST_UNKNOWN;
		}
	}
	return NULL;
}

void s2s_in_dialback_free(struct s2s_in *in)
{
	in->last = NULL;
	while (in->proofs != NULL) {
		proof_remove(in->proofs);
	}
	while (in->checks != NULL) {
		check_remove(in->checks);
	}
}
