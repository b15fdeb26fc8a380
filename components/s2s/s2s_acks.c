/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * XEP-0198 on a leg: who begins and when, what is answered, when to ask, and how long to wait. A
 * dialback stream has no restart after authentication, so the offer stands in the features before
 * it and holds from the first valid pair on. Called by the legs' states and by the claims; what
 * becomes of stanzas that were not acknowledged is in s2s_claims.c.
 */
#include "components/s2s/s2s_acks.h"

#include <inttypes.h>
#include <stdio.h>

#include "components/s2s/s2s_leg.h"

#define SM(text) "<" text " xmlns='" FW_NS_SM "'/>"

static struct fw_logger acks_logger = FW_LOGGER("stream.acks");

static void acks_send(struct s2s_leg *leg, const char *text)
{
	fw_log(leg->log, &acks_logger, FW_LOG_DEBUG, "SEND:: %s", text);
	fw_channel_send_text(leg->channel, "%s", text);
}

static bool acks_open(const struct s2s_leg *leg)
{
	return leg->channel != NULL && !leg->channel_closed && !fw_channel_closing(leg->channel);
}

size_t s2s_acks_missing(const struct s2s_leg *leg)
{
	size_t stanzas = 0;
	size_t bytes = 0;

	if (leg->acks.sending && leg->channel != NULL) {
		fw_channel_unacknowledged(leg->channel, &stanzas, &bytes);
	}
	return stanzas;
}

bool s2s_acks_takes(const struct s2s_leg *leg)
{
	const struct s2s_config *config = leg->s2s->config;
	size_t kept = 0, kept_bytes = 0;
	size_t queued = 0, queued_bytes = 0;

	if (!leg->acks.sending) {
		return true;
	}
	fw_channel_unacknowledged(leg->channel, &kept, &kept_bytes);
	fw_channel_queued(leg->channel, &queued, &queued_bytes);
	return kept + queued < config->ack_window_stanzas &&
	       kept_bytes + queued_bytes < config->ack_window_bytes;
}

/* ---- asking ---- */

static void acks_ask(struct s2s_leg *leg)
{
	struct s2s_acks *acks = &leg->acks;

	acks->asked = true;
	acks->unasked = 0;
	acks->asked_at = fw_channel_counts(leg->channel)->bytes_out;
	acks_send(leg, SM("r"));
	fw_timer_start_ms(acks->timer, leg->s2s->config->probe_timeout_ms, 0);
}

/* Nobody answered in time. A peer that still takes bytes, or that we ourselves do not read, is slow
 * and not dead. */
static void acks_waited(struct s2s_leg *leg)
{
	struct s2s_acks *acks = &leg->acks;

	if (s2s_probe_still_takes(leg, &acks->asked_at) || s2s_pace_waits(&leg->pace)) {
		fw_timer_start_ms(acks->timer, leg->s2s->config->probe_timeout_ms, 0);
		return;
	}
	s2s_leg_close(leg, FW_CAUSE_PING_TIMEOUT, "it acknowledged nothing for probe_timeout_ms");
}

static void acks_on_timer(void *ctx)
{
	struct s2s_leg *leg = ctx;

	if (!s2s_leg_up(leg) || !acks_open(leg)) {
		return;
	}
	if (leg->acks.asked || !leg->acks.confirmed) {
		acks_waited(leg);
	} else {
		acks_ask(leg);
	}
}

/* Enough was written since the last question. */
static bool acks_is_due(const struct s2s_leg *leg)
{
	const struct s2s_acks *acks = &leg->acks;

	return acks->confirmed && !acks->asked && acks->unasked > 0 &&
	       (acks->unasked >= leg->s2s->config->ack_request_stanzas || !s2s_acks_takes(leg));
}

static void acks_answer(struct s2s_leg *leg)
{
	char text[64];

	leg->acks.answer_due = false;
	leg->acks.told = fw_channel_handled(leg->channel);
	snprintf(text, sizeof(text), "<a xmlns='" FW_NS_SM "' h='%" PRIu32 "'/>", leg->acks.told);
	acks_send(leg, text);
}

/* Runs before the channel writes what this turn has queued: both go with it. */
static void acks_on_turn(void *ctx)
{
	struct s2s_leg *leg = ctx;
	struct s2s_acks *acks = &leg->acks;

	if (!acks_open(leg)) {
		return;
	}
	if (acks->answer_due) {
		acks_answer(leg);
	}
	if (acks_is_due(leg)) {
		acks_ask(leg);
	} else if (acks->confirmed && !acks->asked && acks->unasked > 0 &&
	           !fw_timer_running(acks->timer)) {
		fw_timer_start_ms(acks->timer, leg->s2s->config->ack_request_ms, 0);
	}
}

void s2s_acks_writes(struct s2s_leg *leg)
{
	if (leg->acks.sending) {
		leg->acks.unasked++;
		fw_defer(leg->s2s->loop, &leg->acks.turn);
	}
}

void s2s_acks_hurry(struct s2s_leg *leg)
{
	if (leg->acks.confirmed && !leg->acks.asked && s2s_acks_missing(leg) > 0 &&
	    acks_open(leg)) {
		acks_ask(leg);
	}
}

void s2s_acks_last_words(struct s2s_leg *leg)
{
	if (!acks_open(leg)) {
		return;
	}
	if (leg->acks.counting && fw_channel_handled(leg->channel) != leg->acks.told) {
		acks_answer(leg);
	}
	/* The answer to an earlier question says nothing of what was written behind it. */
	if (s2s_acks_missing(leg) > 0 && leg->acks.confirmed &&
	    (!leg->acks.asked || leg->acks.unasked > 0)) {
		acks_send(leg, SM("r"));
	}
}

/* ---- beginning ---- */

void s2s_acks_init(struct s2s_leg *leg)
{
	leg->acks.turn.fn = acks_on_turn;
	leg->acks.turn.ctx = leg;
}

void s2s_acks_clear(struct s2s_leg *leg)
{
	fw_defer_cancel(&leg->acks.turn);
	fw_timer_free(&leg->acks.timer);
}

int s2s_acks_offer(const struct s2s_leg *leg, char *out, size_t size)
{
	return leg->s2s->config->acks ? snprintf(out, size, "%s", SM("sm")) : 0;
}

/* From here on what is written is kept. @return false: out of memory, it stays as it was */
static bool acks_keep(struct s2s_leg *leg, const char *text)
{
	struct s2s_acks *acks = &leg->acks;

	if (fw_timer_new(leg->s2s->loop, acks_on_timer, leg, &acks->timer) != FW_OK) {
		return false;
	}
	s2s_log_stream(leg->log, leg->session, true, text);
	fw_channel_acks_begin(leg->channel, fw_str(text));
	acks->sending = true;
	return true;
}

void s2s_acks_begin(struct s2s_leg *leg)
{
	if (!leg->kind->out || !leg->features.sm || !leg->s2s->config->acks || leg->acks.sending ||
	    leg->claims_valid == 0) {
		return;
	}
	leg->features.sm = false; /* once: XEP-0198 §3 */
	if (acks_keep(leg, SM("enable"))) {
		leg->acks.asked_at = fw_channel_counts(leg->channel)->bytes_out;
		fw_timer_start_ms(leg->acks.timer, leg->s2s->config->probe_timeout_ms, 0);
	}
}

/* ---- the peer's elements ---- */

static void acks_fail(struct s2s_leg *leg, const char *condition)
{
	char text[160];

	snprintf(text, sizeof(text),
	         "<failed xmlns='" FW_NS_SM "'><%s xmlns='" FW_NS_STANZA_ERRORS "'/></failed>",
	         condition);
	acks_send(leg, text);
}

/* Only the initiating side may ask, once, and only after authentication (XEP-0198 §3). */
static void acks_on_enable(struct s2s_leg *leg, struct fw_stanza *element)
{
	(void)element;
	if (leg->kind->out || leg->acks.counting || leg->proofs_valid == 0) {
		acks_fail(leg, "unexpected-request");
	} else if (!leg->s2s->config->acks) {
		acks_fail(leg, "service-unavailable");
	} else if (!acks_keep(leg, SM("enabled"))) {
		acks_fail(leg, "resource-constraint");
	} else {
		leg->acks.counting = true;
		leg->acks.confirmed = true;
		fw_channel_handled_begin(leg->channel);
	}
}

static void acks_on_enabled(struct s2s_leg *leg, struct fw_stanza *element)
{
	struct s2s_acks *acks = &leg->acks;

	(void)element;
	if (!leg->kind->out || !acks->sending || acks->confirmed) {
		return;
	}
	s2s_log_stream(leg->log, leg->session, false, SM("enabled"));
	acks->confirmed = true;
	acks->counting = true;
	fw_channel_handled_begin(leg->channel);
	fw_timer_stop(acks->timer);
	fw_defer(leg->s2s->loop, &acks->turn);
}

static void acks_on_failed(struct s2s_leg *leg, struct fw_stanza *element)
{
	(void)element;
	s2s_log_stream(leg->log, leg->session, false, "<failed xmlns='" FW_NS_SM "'/>");
	if (leg->kind->out && leg->acks.sending && !leg->acks.confirmed) {
		fw_channel_acks_end(leg->channel);
		leg->acks.sending = false;
		fw_timer_free(&leg->acks.timer);
		s2s_claims_pump(leg);
	}
}

/* We never offer it: there is nothing to come back to. */
static void acks_on_resume(struct s2s_leg *leg, struct fw_stanza *element)
{
	(void)element;
	acks_fail(leg, leg->proofs_valid > 0 ? "item-not-found" : "unexpected-request");
}

static void acks_on_r(struct s2s_leg *leg, struct fw_stanza *element)
{
	(void)element;
	if (leg->acks.counting) {
		leg->acks.answer_due = true;
		fw_defer(leg->s2s->loop, &leg->acks.turn);
	}
}

static void acks_on_a(struct s2s_leg *leg, struct fw_stanza *element)
{
	struct s2s_acks *acks = &leg->acks;
	uint64_t handled = 0;
	size_t stanzas = 0;
	size_t bytes = 0;

	if (!acks->sending) {
		return;
	}
	if (fw_str_to_u64(fw_stanza_attr(element, "h"), UINT32_MAX, &handled) != FW_OK) {
		s2s_leg_close(leg, FW_CAUSE_UNEXPECTED, "an acknowledgement without a count");
		return;
	}
	fw_log(leg->log, &acks_logger, FW_LOG_DEBUG, "RECV:: <a h='%u'/>", (unsigned)handled);
	if (fw_channel_acked(leg->channel, (uint32_t)handled) != FW_OK) {
		s2s_leg_close(leg, FW_CAUSE_HANDLED_TOO_HIGH, "");
		return;
	}
	acks->asked = false;
	fw_timer_stop(acks->timer);
	fw_channel_queued(leg->channel, &stanzas, &bytes);
	acks->unasked = (uint32_t)(s2s_acks_missing(leg) + stanzas);
	fw_defer(leg->s2s->loop, &acks->turn);
	if (s2s_leg_live(leg)) {
		s2s_claims_pump(leg);
		s2s_progress(leg->s2s);
	}
}

static const struct {
	const char *name;
	void (*take)(struct s2s_leg *leg, struct fw_stanza *element);
} acks_rows[] = {
	{ "enable", acks_on_enable }, { "enabled", acks_on_enabled },
	{ "failed", acks_on_failed }, { "resume", acks_on_resume },
	{ "r", acks_on_r },           { "a", acks_on_a },
};

bool s2s_acks_element(struct s2s_leg *leg, struct fw_stanza **element)
{
	for (size_t i = 0; i < FW_COUNT(acks_rows); i++) {
		if (fw_str_is(fw_stanza_name(*element), acks_rows[i].name)) {
			acks_rows[i].take(leg, *element);
			return true;
		}
	}
	return false;
}
