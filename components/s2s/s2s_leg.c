/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One leg as an object: the life that inbound and outgoing streams share, what a peer's elements
 * mean on either, and the one way to end. When what is allowed is decided by the states of the
 * kind; proofs, checks and claims have files of their own.
 */
#include "components/s2s/s2s_leg.h"
#include "components/s2s/s2s_side.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "components/s2s/s2s_bidi.h"
#include "components/s2s/s2s_external.h"
#include "components/s2s/s2s_sasl.h"

/* Bytes that may wait in the channel; the rest stays in the pairs' queues, where it can age and be
 * returned. */
enum { LEG_WINDOW = 65536 };

/* ---- events of the channel ---- */

void s2s_leg_on_element(void *ctx, struct fw_stanza **stanza)
{
	struct s2s_leg *leg = ctx;

	fw_machine_send(&leg->machine, S2S_LEG_EV_ELEMENT, stanza);
}

void s2s_leg_on_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	struct s2s_leg *leg = ctx;
	struct s2s_leg_end end = { cause, detail };

	leg->channel_closed = true;
	fw_machine_send(&leg->machine, S2S_LEG_EV_CLOSED, &end);
}

void s2s_leg_on_drained(void *ctx)
{
	struct s2s_leg *leg = ctx;

	s2s_claims_pump(leg);
	s2s_progress(leg->s2s);
}

void s2s_leg_on_ended(void *ctx)
{
	s2s_acks_last_words(ctx);
}

static void leg_on_changed(void *owner, int from, int to, uint64_t spent_us)
{
	struct s2s_leg *leg = owner;
	char more[S2S_LOG_SECURED_SIZE + 256] = "";

	if (to >= leg->kind->drain) {
		snprintf(more, sizeof(more), "cause=%s", fw_cause_row(leg->cause)->name);
	} else {
		leg->kind->describe(leg, from, to, more, sizeof(more));
	}
	s2s_log_change(leg->log, leg->level, leg->kind->words[from], leg->kind->words[to], spent_us,
	               more);
	s2s_progress(leg->s2s);
}

/* ---- what it is ---- */

bool s2s_leg_live(const struct s2s_leg *leg)
{
	return leg->machine.state < leg->kind->drain;
}

bool s2s_leg_up(const struct s2s_leg *leg)
{
	return leg->machine.state == leg->kind->up;
}

bool s2s_leg_takes(const struct s2s_leg *leg)
{
	size_t stanzas = 0;
	size_t bytes = 0;

	if (!s2s_leg_up(leg) || fw_channel_closing(leg->channel)) {
		return false;
	}
	fw_channel_queued(leg->channel, &stanzas, &bytes);
	return bytes < LEG_WINDOW && s2s_acks_takes(leg);
}

bool s2s_leg_empty(const struct s2s_leg *leg)
{
	size_t stanzas = 0;
	size_t bytes = 0;

	if (leg->channel != NULL) {
		fw_channel_queued(leg->channel, &stanzas, &bytes);
	}
	for (const struct s2s_claim *claim = leg->claims; claim != NULL; claim = claim->next) {
		stanzas += claim->pair->waiting.stanzas;
	}
	return bytes == 0 && stanzas == 0 && s2s_acks_missing(leg) == 0;
}

bool s2s_leg_ended_well(const struct s2s_leg *leg)
{
	bool lost = leg->cause == FW_CAUSE_PEER_LOST || leg->cause == FW_CAUSE_PING_TIMEOUT;

	return leg->cause == FW_CAUSE_IDLE || leg->cause == FW_CAUSE_PEER_CLOSED ||
	       leg->cause == FW_CAUSE_CERT_ENDED || leg->bystanders || leg->another_way ||
	       (lost && leg->acks.sending && leg->s2s->config->resend_unacknowledged);
}

/* ---- elements ---- */

static bool leg_dialback(struct s2s_leg *leg, struct fw_stanza **element)
{
	struct s2s_db db;
	char text[1024];
	char remote[FW_DOMAIN_SIZE];
	char local[FW_DOMAIN_SIZE];

	if (!s2s_db_read(*element, &db)) {
		return false;
	}
	s2s_log_element(leg->log, leg->session, false, s2s_db_text(&db, text, sizeof(text)));
	bool is_result = strcmp(db.name, "result") == 0;
	if (db.type.ptr != NULL && is_result && s2s_claims_answer(leg, &db)) {
		return true;
	}
	/* XEP-0220 §2.2: an answer that nobody waits for; under XEP-0288 the guard against forged
	 * ones. Else questions come only from who opened. */
	if (db.type.ptr != NULL || (leg->kind->out && !leg->bidi)) {
		s2s_count(leg->s2s, S2S_COUNT_DIALBACK_IGNORED);
		s2s_log_element(leg->log, leg->session, false, "ignored: nobody asked for it");
	} else if (fw_domain_key(db.from, remote, NULL) != FW_OK ||
	           fw_domain_key(db.to, local, NULL) != FW_OK) {
		s2s_leg_close(leg, FW_CAUSE_IMPROPER_ADDRESSING, "a dialback element's addresses");
	} else if (is_result) {
		s2s_proofs_result(leg, &db, remote, local);
	} else {
		s2s_checks_verify(leg, &db, remote, local);
	}
	return true;
}

static bool leg_streams(struct s2s_leg *leg, struct fw_stanza **element)
{
	if (!fw_str_is(fw_stanza_name(*element), "error")) {
		return false;
	}
	fw_channel_close(leg->channel, FW_CAUSE_PEER_ERROR); /* RFC 6120 §4.9.1.1 */
	return true;
}

static void leg_stanza(struct s2s_leg *leg, struct fw_stanza **stanza)
{
	enum fw_cause why = FW_CAUSE_NONE;

	s2s_log_stanza(leg->log, *stanza, false);
	if (leg->proofs_valid == 0) {
		s2s_leg_close(leg, FW_CAUSE_NOT_AUTHORIZED,
		              "a stanza before any domain was proved");
		return;
	}
	const struct s2s_proof *proof = s2s_proofs_of(leg, *stanza, &why);
	if (proof == NULL) {
		s2s_leg_close(leg, why, "a stanza's addresses");
		return;
	}
	/* The list of domains may have changed since the proof; never a relay (RFC 6120 §10.4). */
	if (!s2s_side_plays(leg->s2s, proof->local)) {
		s2s_leg_close(leg, FW_CAUSE_HOST_UNKNOWN, "no longer federated");
		return;
	}
	leg->stanzas++;
	s2s_count(leg->s2s, S2S_COUNT_STANZAS_IN);
	fw_count(leg->s2s->self, S2S_COUNT_BYTES_IN, fw_stanza_size(*stanza));
	s2s_rate_took(proof->rate, &leg->pace, leg->channel, fw_stanza_size(*stanza));
	leg->last_stanza_ms = fw_now_ms(leg->s2s->loop);
	if (s2s_probe_answered(leg->s2s, *stanza)) {
		return;
	}
	fw_route(leg->s2s->self, stanza); /* on an error it has given the stanza its exit */
}

static bool leg_sasl(struct s2s_leg *leg, struct fw_stanza **element)
{
	return leg->kind->out ? s2s_external_answer(leg, *element)
	                      : s2s_external_take(leg, *element);
}

/* Who understands which namespace. `take` answers false for an element that it does not know. */
static const struct {
	const char *ns;
	bool (*take)(struct s2s_leg *leg, struct fw_stanza **element);
} leg_rooms[] = {
	{ FW_NS_DIALBACK, leg_dialback },
	{ FW_NS_STREAMS, leg_streams },
	{ FW_NS_SM, s2s_acks_element },
	{ S2S_NS_BIDI, s2s_bidi_element },
	{ S2S_NS_BIDI_FEATURE, s2s_bidi_element }, /* some peers ask in the feature's namespace */
	{ FW_NS_SASL, leg_sasl },
};

void s2s_leg_element(struct s2s_leg *leg, struct fw_stanza **element)
{
	if (fw_stanza_kind(*element) != FW_KIND_OTHER) {
		if (!leg->kind->out || leg->bidi) {
			leg_stanza(leg, element);
			return;
		}
		/* Stanzas flow from the initiating to the receiving server (RFC 6120 §4.5). */
		const char *detail = "a stanza on a stream that we opened";
		if (s2s_leg_up(leg)) {
			s2s_leg_close(leg, FW_CAUSE_NOT_AUTHORIZED, detail);
		} else {
			s2s_leg_fail(leg, FW_CAUSE_NOT_AUTHORIZED, "%s", detail);
		}
		return;
	}
	for (size_t i = 0; i < FW_COUNT(leg_rooms); i++) {
		if (fw_str_is(fw_stanza_ns(*element), leg_rooms[i].ns) &&
		    leg_rooms[i].take(leg, element)) {
			return;
		}
	}
	if (!leg->kind->out) { /* RFC 6120 §4.9.3.24 */
		s2s_leg_close(leg, FW_CAUSE_UNSUPPORTED_STANZA, "");
	}
}

/* ---- ends ---- */

/* The first reason counts. A channel that ends for one of its own tells it with closed(). */
static bool leg_has_reason(const struct s2s_leg *leg)
{
	return leg->cause != FW_CAUSE_NONE ||
	       (leg->channel != NULL && !leg->channel_closed && fw_channel_closing(leg->channel));
}

static void leg_begin_end(struct s2s_leg *leg)
{
	bool polite = leg->channel != NULL && !leg->channel_closed;

	if (s2s_leg_live(leg)) {
		fw_machine_goto(&leg->machine, polite ? leg->kind->drain : leg->kind->closed);
	}
}

void s2s_leg_close(struct s2s_leg *leg, enum fw_cause cause, const char *detail)
{
	if (leg_has_reason(leg)) {
		return;
	}
	leg->cause = cause;
	snprintf(leg->detail, sizeof(leg->detail), "%s", detail);
	leg_begin_end(leg);
	if (!s2s_leg_ended_well(leg)) {
		s2s_claims_bounce(leg, cause, true);
	}
}

void s2s_leg_fail(struct s2s_leg *leg, enum fw_cause cause, const char *format, ...)
{
	va_list args;

	if (leg_has_reason(leg)) {
		return;
	}
	leg->cause = cause;
	va_start(args, format);
	vsnprintf(leg->detail, sizeof(leg->detail), format, args);
	va_end(args);
	s2s_count(leg->s2s, S2S_COUNT_STREAMS_OUT_FAILED);
	s2s_claims_blame(leg, cause, leg->detail);
	leg_begin_end(leg);
	s2s_claims_bounce(leg, cause, false);
}

/* Lets go of all that it holds, and of itself; the claims stay with the caller. */
static struct s2s_claim *leg_dissolve(struct s2s_leg **leg_ptr)
{
	struct s2s_leg *leg = *leg_ptr;
	struct s2s_claim *claims;

	*leg_ptr = NULL;
	if (leg->link != NULL) {
		*leg->link = leg->next;
		if (leg->next != NULL) {
			leg->next->link = leg->link;
		}
		(*(leg->kind->out ? &leg->s2s->out_count : &leg->s2s->in_count))--;
	}
	s2s_carriers_drop(&leg->at_address);
	fw_defer_cancel(&leg->end_task);
	fw_machine_stop(&leg->machine);
	leg->kind->give_up(leg);
	s2s_proofs_free(leg);
	s2s_checks_free(leg);
	s2s_pace_leave(&leg->pace);
	s2s_acks_clear(leg);
	s2s_probe_clear(leg);
	claims = s2s_claims_take_off(leg);
	fw_channel_free(&leg->channel);
	fw_log_free(&leg->log);
	leg->kind->free(leg);
	return claims;
}

void s2s_leg_free(struct s2s_leg **leg_ptr, enum fw_cause cause)
{
	if (*leg_ptr != NULL) {
		s2s_claims_part(leg_dissolve(leg_ptr), cause, false);
	}
}

static void leg_on_end(void *ctx)
{
	struct s2s_leg *leg = ctx;
	struct s2s *s2s = leg->s2s;
	enum fw_cause cause = leg->cause;
	bool well = s2s_leg_ended_well(leg);

	s2s_log_closed(leg->log, leg->level, cause, leg->detail,
	               leg->channel != NULL ? fw_channel_counts(leg->channel) : NULL,
	               fw_now_ms(s2s->loop) - leg->started_ms);
	s2s_claims_part(leg_dissolve(&leg), cause, well);
	s2s_progress(s2s);
}

/* ---- the object ---- */

void s2s_leg_init(struct s2s_leg *leg, struct s2s *s2s, const struct s2s_leg_kind *kind)
{
	leg->s2s = s2s;
	leg->kind = kind;
	leg->level = FW_LOG_INFO;
	leg->started_ms = fw_now_ms(s2s->loop);
	leg->last_stanza_ms = leg->started_ms;
	leg->end_task.fn = leg_on_end;
	leg->end_task.ctx = leg;
	fw_random_id(leg->session);
	s2s_acks_init(leg);
	leg->link = kind->out ? &s2s->outs : &s2s->ins;
	leg->next = *leg->link;
	if (leg->next != NULL) {
		leg->next->link = &leg->next;
	}
	*leg->link = leg;
	(*(kind->out ? &s2s->out_count : &s2s->in_count))++;
}

int s2s_leg_context(struct s2s_leg *leg, struct fw_str from, struct fw_str to)
{
	int ret = s2s_log_context(leg->s2s, &leg->log, leg->session, from, to, leg->kind->out);

	leg->machine.log = leg->log;
	return ret;
}

int s2s_leg_start(struct s2s_leg *leg, int first)
{
	leg->machine.changed = leg_on_changed;
	return fw_machine_start(&leg->machine, leg->kind->rows, leg->kind->count, first,
	                        leg->s2s->loop, leg);
}
