/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The initiating role of XEP-0220 on a leg: each pair that sends here has its own claim, from the
 * question for the key to the peer's answer, with its own time limit; a claim that fails leaves
 * the others alone. Their stanzas are moved by s2s_claims_flow.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "components/s2s/s2s_leg.h"

static struct fw_logger claims_logger = FW_LOGGER("s2s.claims");

/* ---- one claim ---- */

static void claim_stop(struct s2s_claim *claim)
{
	fw_request_cancel(&claim->request);
	fw_request_cancel(&claim->judging);
	fw_timer_free(&claim->timer);
}

void s2s_claims_free(struct s2s_claim **claim_ptr)
{
	struct s2s_claim *claim = *claim_ptr;

	claim_stop(claim);
	if (claim->trying) {
		s2s_remotes_abandoned(claim->pair->s2s->remotes, claim->pair->remote);
	}
	s2s_grant_clear(&claim->grant);
	free(claim);
	*claim_ptr = NULL;
}

static void claim_unlink(struct s2s_claim *claim)
{
	struct s2s_leg *leg = claim->leg;
	struct s2s_claim **link = &leg->claims;

	while (*link != claim) {
		link = &(*link)->next;
	}
	*link = claim->next;
	s2s_carriers_drop(&claim->at_remote);
	if (leg->turn == claim) {
		leg->turn = claim->next;
	}
	leg->claim_count--;
	if (claim->state == S2S_CLAIM_VALID) {
		leg->claims_valid--;
	}
	claim->pair->claim = NULL;
}

void s2s_claims_drop(struct s2s_claim **claim)
{
	claim_unlink(*claim);
	s2s_claims_free(claim);
}

/* The remote domain failed; or this pair alone, when its server answers and takes others of ours:
 * those and their followers do not wait for it. */
static void claim_blame(struct s2s_claim *claim, enum fw_cause cause, const char *detail)
{
	struct s2s_pair *pair = claim->pair;
	struct s2s *s2s = pair->s2s;

	if (!claim->trying) {
		return;
	}
	claim->trying = false;
	if (claim->leg->channel != NULL && s2s_carriers_take_some(s2s->carriers, pair->remote)) {
		s2s_remotes_noted(s2s->remotes, pair->remote, cause, detail);
		s2s_pair_refused(pair);
	} else {
		s2s_remotes_failed(s2s->remotes, pair->remote, cause, detail);
	}
}

static void claim_link(struct s2s_claim *claim, struct s2s_leg *leg)
{
	struct s2s_claim **link = &leg->claims;

	while (*link != NULL) {
		link = &(*link)->next;
	}
	*link = claim;
	claim->next = NULL;
	claim->leg = leg;
	leg->claim_count++;
	claim->pair->claim = claim;
	s2s_carriers_put(&claim->at_remote, leg, claim->pair->remote);
}

static struct s2s_claim *claim_new(struct s2s_leg *leg, struct s2s_pair *pair)
{
	struct s2s_claim *claim = calloc(1, sizeof(*claim));

	if (claim != NULL) {
		claim->pair = pair;
		claim_link(claim, leg);
	}
	return claim;
}

int s2s_claims_add(struct s2s_leg *leg, struct s2s_pair *pair)
{
	struct s2s_claim *claim = claim_new(leg, pair);

	if (claim == NULL) {
		return FW_ENOMEM;
	}
	claim->trying = true;
	s2s_remotes_begin(leg->s2s->remotes, pair->remote);
	return FW_OK;
}

int s2s_claims_mirror(struct s2s_leg *leg, struct s2s_pair *pair, enum s2s_method method)
{
	struct s2s_claim *claim = claim_new(leg, pair);

	if (claim == NULL) {
		return FW_ENOMEM;
	}
	s2s_count(leg->s2s, S2S_COUNT_PAIRS_BACK);
	claim->state = S2S_CLAIM_ASKED;
	s2s_trust_claim(claim, method);
	fw_machine_send(&leg->machine, S2S_LEG_EV_TRUSTED, NULL);
	return FW_OK;
}

static void claim_joined(struct s2s_claim *claim)
{
	struct s2s_leg *leg = claim->leg;

	claim->joined = true;
	fw_log(leg->log, &claims_logger, FW_LOG_INFO, "pair joins local=%s remote=%s pairs=%u",
	       claim->pair->local, claim->pair->remote, leg->claim_count);
	if (s2s_leg_up(leg)) { /* before, the leg asks for one after the other */
		s2s_claims_begin(leg);
	}
}

int s2s_claims_join(struct s2s_leg *leg, struct s2s_pair *pair)
{
	int ret = s2s_claims_add(leg, pair);

	if (ret == FW_OK) {
		claim_joined(pair->claim);
	}
	return ret;
}

void s2s_claims_move(struct s2s_leg *leg, struct s2s_leg *to)
{
	while (leg->claims != NULL) {
		struct s2s_claim *claim = leg->claims;
		fw_assert(claim->state == S2S_CLAIM_WAITING);
		claim_unlink(claim);
		claim_link(claim, to);
		claim_joined(claim);
	}
}

/* The pair leaves a leg that others use, and `cause` is what becomes of its stanzas. */
static void claim_leave(struct s2s_claim *claim, enum fw_cause cause, const char *detail)
{
	struct s2s_leg *leg = claim->leg;
	struct s2s_pair *pair = claim->pair;
	struct s2s_waiting none = { 0 };

	fw_log(leg->log, &claims_logger, FW_LOG_INFO,
	       "pair leaves local=%s remote=%s cause=%s detail='%s' pairs=%u", pair->local,
	       pair->remote, fw_cause_row(cause)->name, detail, leg->claim_count - 1);
	s2s_claims_drop(&claim);
	if (cause != FW_CAUSE_NONE) {
		s2s_waiting_bounce(pair->s2s, &pair->waiting, cause);
	}
	s2s_pair_parted(pair, &none, cause, true);
}

/**
 * The pair does not get on over this leg, which goes with it only when nothing else is carried.
 * @param elsewhere  a leg of its own may do better, when this one was made for others
 */
static void claim_give_up(struct s2s_claim *claim, enum fw_cause cause, const char *detail,
                          bool elsewhere)
{
	struct s2s_leg *leg = claim->leg;
	struct s2s_pair *pair = claim->pair;
	bool invalid = cause == FW_CAUSE_DIALBACK_INVALID;
	bool alone = leg->kind->out && leg->claim_count == 1 && leg->proofs == NULL;

	if (claim->joined && (elsewhere || invalid)) {
		s2s_pair_keep_apart(pair);
	}
	if (claim->joined && elsewhere) {
		claim_leave(claim, FW_CAUSE_NONE, detail);
		if (alone) { /* the policy has taken the pair that it was made for */
			s2s_leg_close(leg, FW_CAUSE_IDLE, "its pairs have gone elsewhere");
		}
	} else if (alone) {
		s2s_leg_fail(leg, cause, "%s", detail);
		return;
	} else {
		claim_blame(claim, cause, detail);
		claim_leave(claim, cause, detail);
	}
	if (invalid) { /* the peer ends the stream: what others still send would be lost */
		leg->bystanders = true;
		s2s_leg_close(leg, cause, detail);
	}
}

/* The same when the others of the leg may have waited for it. */
static void claim_failed(struct s2s_claim *claim, enum fw_cause cause, const char *detail,
                         bool elsewhere)
{
	struct s2s_leg *leg = claim->leg;

	claim_give_up(claim, cause, detail, elsewhere);
	s2s_claims_begin(leg);
}

void s2s_claims_withdraw(struct s2s_claim *claim, enum fw_cause cause)
{
	claim_leave(claim, cause, "");
}

/* ---- asking ---- */

/* On a leg that was made for another remote domain: what fails here can do well on one that is made
 * for it. */
static bool claim_is_guest(const struct s2s_claim *claim)
{
	return strcmp(claim->leg->remote, claim->pair->remote) != 0;
}

static void claim_on_timeout(void *ctx)
{
	claim_failed(ctx, FW_CAUSE_DIALBACK_TIMEOUT, "no db:result from the peer",
	             claim_is_guest(ctx));
}

static void claim_on_key(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct s2s_claim *claim = ctx;
	struct s2s_leg *leg = claim->leg;
	char detail[100];
	char from[FW_DOMAIN_TEXT_SIZE], to[FW_DOMAIN_TEXT_SIZE];
	struct s2s_db db = {
		.name = "result",
		.from = fw_str(fw_domain_text(claim->pair->local, from)),
		.to = fw_str(fw_domain_text(claim->pair->remote, to)),
		.key = s2s_ask_read_key(reply),
	};

	claim->request = NULL;
	if (cause != FW_CAUSE_NONE || db.key.len == 0) {
		snprintf(detail, sizeof(detail), "no key from the dialback service: %s",
		         fw_cause_row(cause)->name);
		claim_failed(claim, FW_CAUSE_DIALBACK_ERROR, detail, false);
		return;
	}
	s2s_db_send(leg->channel, &db, leg->log, leg->session);
	claim->state = S2S_CLAIM_ASKED;
}

static void claim_begin(struct s2s_claim *claim)
{
	struct s2s_leg *leg = claim->leg;
	struct s2s *s2s = leg->s2s;
	struct s2s_verdict verdict;

	if (claim->joined ? !s2s_features_can_share(leg) : !leg->features.dialback) {
		claim_give_up(claim, FW_CAUSE_NO_AUTH_METHOD,
		              claim->joined ? "the peer does not advertise dialback errors"
		                            : "the peer does no dialback",
		              true);
		return;
	}
	if (!s2s_trust_leg(leg, claim->pair->remote, S2S_METHOD_DIALBACK, &verdict)) {
		/* where only EXTERNAL counts, each pair has a stream of its own */
		claim_give_up(claim, verdict.cause, verdict.detail,
		              claim_is_guest(claim) || verdict.cause == FW_CAUSE_NO_AUTH_METHOD);
		return;
	}
	if (claim->joined) {
		s2s_count(s2s, S2S_COUNT_PAIRS_JOINED);
	}
	claim->state = S2S_CLAIM_KEY;
	if (fw_timer_new(s2s->loop, claim_on_timeout, claim, &claim->timer) != FW_OK ||
	    s2s_ask_key(s2s, claim->pair->remote, claim->pair->local, leg->stream_id, claim_on_key,
	                claim, &claim->request) != FW_OK) {
		claim_give_up(claim, FW_CAUSE_RESOURCES, "out of memory", false);
		return;
	}
	fw_timer_start_ms(claim->timer, s2s->config->auth_timeout_ms, 0);
}

void s2s_claims_begin(struct s2s_leg *leg)
{
	struct s2s_claim *claim = leg->claims;

	while (claim != NULL && s2s_leg_live(leg)) {
		if (claim->state != S2S_CLAIM_WAITING) {
			/* Until the first is taken the others wait, or go at once when they cannot
			 * stay. */
			claim = s2s_leg_up(leg) || !s2s_features_can_share(leg) ? claim->next
			                                                        : NULL;
			continue;
		}
		claim_begin(claim);
		claim = leg->claims; /* that one may be gone */
	}
}

/* ---- the peer's answer ---- */

static void claim_valid(struct s2s_claim *claim, enum s2s_method method)
{
	struct s2s_leg *leg = claim->leg;

	fw_timer_free(&claim->timer);
	s2s_count(leg->s2s, method == S2S_METHOD_EXTERNAL ? S2S_COUNT_EXTERNAL_OUT
	                                                  : S2S_COUNT_DIALBACK_OUT_VALID);
	s2s_trust_claim(claim, method);
	claim->trying = false;
	s2s_pair_taken(claim->pair);
	s2s_remotes_succeeded(leg->s2s->remotes, claim->pair->remote);
	fw_machine_send(&leg->machine, S2S_LEG_EV_TRUSTED, NULL);
}

bool s2s_claims_answer(struct s2s_leg *leg, const struct s2s_db *db)
{
	struct s2s_claim *claim = leg->claims;
	char condition[64];
	char text[80];
	char detail[160];

	/* Matched on (from, to), on this very stream, and only while we wait (XEP-0220 §2.1.1). */
	while (claim != NULL && (claim->state != S2S_CLAIM_ASKED ||
	                         !fw_domain_eq(db->from, fw_str(claim->pair->remote)) ||
	                         !fw_domain_eq(db->to, fw_str(claim->pair->local)))) {
		claim = claim->next;
	}
	if (claim == NULL || db->type.len == 0) {
		return false;
	}
	if (fw_str_is(db->type, "valid")) {
		claim_valid(claim, S2S_METHOD_DIALBACK);
	} else if (fw_str_is(db->type, "invalid")) {
		s2s_count(leg->s2s, S2S_COUNT_DIALBACK_OUT_INVALID);
		claim_failed(claim, FW_CAUSE_DIALBACK_INVALID, "the peer answered invalid", false);
	} else {
		s2s_count(leg->s2s, S2S_COUNT_DIALBACK_OUT_ERROR);
		snprintf(detail, sizeof(detail), "the peer answered %s %s",
		         fw_quote(db->condition, condition, sizeof(condition)),
		         fw_quote(db->text, text, sizeof(text)));
		/* XEP-0220 §2.5: no room on this stream is an invitation to open another one */
		claim_failed(claim, FW_CAUSE_DIALBACK_ERROR, detail,
		             claim_is_guest(claim) ||
		                     fw_str_is(db->condition, "resource-constraint"));
	}
	return true;
}

/* ---- SASL instead ---- */

static struct s2s_claim *claims_in_sasl(struct s2s_leg *leg)
{
	struct s2s_claim *claim = leg->claims;

	while (claim != NULL && claim->state != S2S_CLAIM_SASL) {
		claim = claim->next;
	}
	return claim;
}

void s2s_claims_external(struct s2s_leg *leg)
{
	for (struct s2s_claim *claim = leg->claims; claim != NULL; claim = claim->next) {
		if (claim->state == S2S_CLAIM_WAITING &&
		    strcmp(claim->pair->local, leg->local) == 0 &&
		    strcmp(claim->pair->remote, leg->remote) == 0) {
			claim->state = S2S_CLAIM_SASL;
		}
	}
}

void s2s_claims_external_valid(struct s2s_leg *leg)
{
	struct s2s_claim *claim = claims_in_sasl(leg);

	if (claim != NULL) {
		claim_valid(claim, S2S_METHOD_EXTERNAL);
	} else { /* the policy has taken it meanwhile; the stream is of no use for others */
		s2s_leg_close(leg, FW_CAUSE_POLICY_STREAM, "");
	}
}

void s2s_claims_external_refused(struct s2s_leg *leg)
{
	struct s2s_claim *claim = claims_in_sasl(leg);

	if (claim != NULL) {
		claim->state = S2S_CLAIM_WAITING;
	}
	s2s_claims_begin(leg);
}

bool s2s_claims_take_some(const struct s2s_leg *leg, const char *remote)
{
	const struct s2s_claim *claim = leg->claims;

	while (claim != NULL &&
	       (claim->state != S2S_CLAIM_VALID || strcmp(claim->pair->remote, remote) != 0)) {
		claim = claim->next;
	}
	return claim != NULL;
}

bool s2s_claims_pending(const struct s2s_leg *leg)
{
	return leg->claims_valid < leg->claim_count;
}

/* ---- all of a leg ---- */

void s2s_claims_blame(struct s2s_leg *leg, enum fw_cause cause, const char *detail)
{
	for (struct s2s_claim *claim = leg->claims; claim != NULL; claim = claim->next) {
		claim_blame(claim, cause, detail);
	}
}

void s2s_claims_stop(struct s2s_leg *leg)
{
	for (struct s2s_claim *claim = leg->claims; claim != NULL; claim = claim->next) {
		claim_stop(claim);
	}
}
