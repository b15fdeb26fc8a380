/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The states that both kinds of leg have: up → drain → closed. Rows of the two tables in
 * s2s_in_states.c and s2s_out_states.c point here. Handlers decide; s2s_leg.c and its rooms act.
 */
#include "components/s2s/s2s_leg.h"

/* ---- up: at least one pair is proved or taken ---- */

/* Idle time, and the end of a certificate that counts; while pairs send here, also a look at a peer
 * that takes nothing. */
static void leg_watch(struct s2s_leg *leg)
{
	const struct s2s_config *config = leg->s2s->config;
	uint64_t now = fw_now_ms(leg->s2s->loop);
	uint64_t due = leg->last_stanza_ms + config->idle_timeout_ms;
	uint64_t wait = config->queue_max_age_ms;
	uint64_t left = s2s_trust_left_ms(&leg->trust);

	if (due > now && (leg->claims == NULL || due - now < wait)) {
		wait = due - now;
	} else if (due <= now && s2s_leg_empty(leg)) {
		wait = 1;
	}
	wait = left < wait ? left : wait;
	fw_machine_timeout(&leg->machine, wait > 0 ? (uint32_t)wait : 1);
}

/* RFC 6120 §13.7.2.3: no stream outlives the certificate that it is trusted for. Twice in a row
 * something is unwritten and not one byte has moved: the peer is dead. */
static void leg_look(struct s2s_leg *leg)
{
	uint64_t written = fw_channel_counts(leg->channel)->bytes_out;
	uint64_t due = leg->last_stanza_ms + leg->s2s->config->idle_timeout_ms;
	size_t stanzas = 0;
	size_t unwritten = 0;

	if (s2s_trust_left_ms(&leg->trust) == 0) {
		s2s_leg_close(leg, FW_CAUSE_CERT_ENDED, "");
		return;
	}
	fw_channel_queued(leg->channel, &stanzas, &unwritten);
	if (unwritten == 0) {
		leg->stuck = false;
		if (s2s_leg_empty(leg) && fw_now_ms(leg->s2s->loop) >= due) {
			s2s_leg_close(leg, FW_CAUSE_IDLE, "");
			return;
		}
	} else if (leg->stuck && written == leg->stuck_at) {
		s2s_leg_close(leg, FW_CAUSE_PING_TIMEOUT, "it took nothing for queue_max_age_ms");
		return;
	} else {
		leg->stuck = true;
		leg->stuck_at = written;
	}
	leg_watch(leg);
}

void s2s_leg_state_up(void *owner, const struct fw_event *event)
{
	struct s2s_leg *leg = owner;
	const struct s2s_leg_end *end = event->data;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		leg->last_stanza_ms = fw_now_ms(leg->s2s->loop);
		leg_watch(leg);
		s2s_probe_begin(leg);
		s2s_acks_begin(leg);
		s2s_claims_pump(leg);
		if (s2s_features_can_share(leg)) {
			s2s_carriers_put(&leg->at_address, leg, leg->address);
		}
		s2s_claims_begin(leg);
		break;
	case S2S_LEG_EV_ELEMENT:
		s2s_leg_element(leg, event->data);
		break;
	case S2S_LEG_EV_TRUSTED:
		leg_watch(leg);
		s2s_acks_begin(leg);
		s2s_claims_pump(leg);
		break;
	case S2S_LEG_EV_CLOSED:
		s2s_leg_close(leg, end->cause, end->detail);
		break;
	case FW_EVENT_TIMEOUT:
		leg_look(leg);
		break;
	default:
		s2s_leg_close(leg, FW_CAUSE_UNEXPECTED, "a second header");
		break;
	}
}

/* ---- drain: our footer is queued, the peer's is awaited ---- */

void s2s_leg_state_drain(void *owner, const struct fw_event *event)
{
	struct s2s_leg *leg = owner;
	struct fw_stanza **element = event->data;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		leg->kind->give_up(leg);
		if (s2s_leg_ended_well(leg)) {
			s2s_proofs_settle(leg);
		} else {
			s2s_proofs_free(leg);
		}
		s2s_checks_free(leg);
		s2s_claims_stop(leg);
		s2s_pace_leave(&leg->pace);
		s2s_acks_last_words(leg);
		/* type='invalid' was the message; XEP-0220 §2.1.2 wants the stream closed, and a
		 * stream error on top would tell nothing. */
		fw_channel_close(leg->channel, leg->cause == FW_CAUSE_DIALBACK_INVALID
		                                       ? FW_CAUSE_DIALBACK_ERROR
		                                       : leg->cause);
		break;
	case S2S_LEG_EV_CLOSED:
	case FW_EVENT_TIMEOUT:
		fw_machine_goto(&leg->machine, leg->kind->closed);
		break;
	case S2S_LEG_EV_ELEMENT:
		/* What was on its way when an idle stream was closed still counts (RFC 6120 §4.4),
		 * and so does the peer's last count; after an error nothing else that it says does
		 * (§4.9.1.1). */
		if (fw_str_is(fw_stanza_ns(*element), FW_NS_SM)) {
			s2s_acks_element(leg, element);
		} else if (s2s_leg_ended_well(leg) && fw_stanza_kind(*element) != FW_KIND_OTHER) {
			s2s_leg_element(leg, element);
		}
		break;
	default:
		break;
	}
}

void s2s_leg_state_closed(void *owner, const struct fw_event *event)
{
	struct s2s_leg *leg = owner;

	if (event->kind == FW_EVENT_ENTER) {
		leg->kind->give_up(leg);
		s2s_proofs_free(leg);
		s2s_checks_free(leg);
		s2s_claims_stop(leg);
		fw_defer(leg->s2s->loop, &leg->end_task);
	}
}
