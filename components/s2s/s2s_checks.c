/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The authoritative role of XEP-0220: says whether a key is ours, by a question to the dialback
 * service; the secret is never here. No state of a pair is needed, so any router with the same
 * secret can answer.
 */
#include <stdlib.h>

#include "components/s2s/s2s_leg.h"
#include "components/s2s/s2s_side.h"

enum { CHECKS_MAX = 64 };

/** A question to us, while the service thinks. */
struct s2s_check {
	struct s2s_check *next;
	struct s2s_leg *leg;
	struct fw_request *request;
	char *from, *to, *id; /**< as the peer wrote them */
};

static void check_remove(struct s2s_check *check)
{
	struct s2s_check **link = &check->leg->checks;

	while (*link != check) {
		link = &(*link)->next;
	}
	*link = check->next;
	check->leg->check_count--;
	fw_request_cancel(&check->request);
	free(check->from);
	free(check->to);
	free(check->id);
	free(check);
}

static struct s2s_check *check_new(struct s2s_leg *leg, const struct s2s_db *db)
{
	struct s2s_check *check = calloc(1, sizeof(*check));

	if (check == NULL) {
		return NULL;
	}
	check->leg = leg;
	check->from = fw_str_dup(db->from);
	check->to = fw_str_dup(db->to);
	check->id = fw_str_dup(db->id);
	check->next = leg->checks;
	leg->checks = check;
	leg->check_count++;
	if (check->from == NULL || check->to == NULL || check->id == NULL) {
		check_remove(check);
		return NULL;
	}
	return check;
}

static void check_on_verdict(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct s2s_check *check = ctx;
	struct s2s_leg *leg = check->leg;
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
	s2s_count(leg->s2s, S2S_COUNT_DIALBACK_CHECKS);
	s2s_db_send(leg->channel, &db, leg->log, leg->session);
	check_remove(check);
}

/* A server asks whether a key is ours. Allowed before authentication and in clear: the answer tells
 * nothing to who does not have the key (XEP-0220 §2.1.2 lets verify-only connections skip TLS).
 */
void s2s_checks_verify(struct s2s_leg *leg, const struct s2s_db *db, const char *remote,
                       const char *local)
{
	struct s2s_question question = {
		.name = "check",
		.receiving = remote,
		.originating = local,
		.stream_id = db->id,
		.key = db->key,
		.session = leg->session,
	};

	if (db->id.len == 0) {
		s2s_proofs_refuse(leg, db, "bad-request", "no id");
		return;
	}
	if (!s2s_side_plays(leg->s2s, local)) {
		s2s_proofs_refuse(leg, db, "item-not-found", "this domain is not federated here");
		return;
	}
	if (db->key.len > S2S_DB_KEY_MAX) { /* ours are shorter: it cannot be one */
		struct s2s_db answer = { .name = "verify",
			                 .from = db->to,
			                 .to = db->from,
			                 .id = db->id,
			                 .type = fw_str("invalid") };
		s2s_count(leg->s2s, S2S_COUNT_DIALBACK_CHECKS);
		s2s_db_send(leg->channel, &answer, leg->log, leg->session);
		return;
	}
	struct s2s_check *check = leg->check_count < CHECKS_MAX ? check_new(leg, db) : NULL;
	if (check == NULL) {
		s2s_proofs_refuse(leg, db, "resource-constraint", "too many questions at once");
	} else if (s2s_ask_dialback(leg->s2s, &question, check_on_verdict, check,
	                            &check->request) != FW_OK) {
		check_remove(check);
		s2s_proofs_refuse(leg, db, "resource-constraint", NULL);
	}
}

void s2s_checks_free(struct s2s_leg *leg)
{
	while (leg->checks != NULL) {
		check_remove(leg->checks);
	}
}
