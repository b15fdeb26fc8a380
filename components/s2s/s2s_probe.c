/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Is the peer still there? TCP is told how long to wait. A leg in use that has no acknowledgements
 * is asked with a ping (XEP-0199), whose answer comes over whichever leg the peer sends on; so only
 * a peer that is proved here on some leg is asked, and only one that has answered before is given
 * up when it does not. Called by the legs' states and by the claims.
 */
#include "components/s2s/s2s_probe.h"

#include <stdio.h>

#include "components/s2s/s2s_leg.h"

#define PROBE_PREFIX "fedway-ping-"

static struct fw_logger probe_logger = FW_LOGGER("s2s.probe");

static bool probe_open(const struct s2s_leg *leg)
{
	return s2s_leg_up(leg) && !leg->channel_closed && !fw_channel_closing(leg->channel);
}

/* ---- asking ---- */

/* A pair that sends here and whose remote domain can send to us. */
static const struct s2s_pair *probe_pair(const struct s2s_leg *leg)
{
	for (const struct s2s_claim *claim = leg->claims; claim != NULL; claim = claim->next) {
		if (claim->state == S2S_CLAIM_VALID &&
		    s2s_rates_proved(leg->s2s->rates, claim->pair->remote)) {
			return claim->pair;
		}
	}
	return NULL;
}

static void probe_ask(struct s2s_leg *leg)
{
	struct s2s_probe *probe = &leg->probe;
	const struct s2s_pair *pair = probe_pair(leg);
	char from[FW_DOMAIN_TEXT_SIZE], to[FW_DOMAIN_TEXT_SIZE];

	if (pair == NULL) { /* no way for the answer: nothing can be learnt */
		return;
	}
	snprintf(probe->id, sizeof(probe->id), "%s-%u", leg->session, (unsigned)++probe->number);
	fw_log(leg->log, &probe_logger, FW_LOG_DEBUG, "ping to=%s id=%s", pair->remote, probe->id);
	fw_channel_send_text(leg->channel,
	                     "<iq type='get' from='%s' to='%s' id='" PROBE_PREFIX "%s'>"
	                     "<ping xmlns='urn:xmpp:ping'/></iq>",
	                     fw_domain_text(pair->local, from), fw_domain_text(pair->remote, to),
	                     probe->id);
	probe->asked = true;
	probe->asked_at = fw_channel_counts(leg->channel)->bytes_out;
	fw_timer_start_ms(probe->timer, leg->s2s->config->probe_timeout_ms, 0);
}

bool s2s_probe_still_takes(const struct s2s_leg *leg, uint64_t *asked_at)
{
	uint64_t before = *asked_at;
	size_t stanzas = 0;
	size_t bytes = 0;

	fw_channel_queued(leg->channel, &stanzas, &bytes);
	*asked_at = fw_channel_counts(leg->channel)->bytes_out;
	return bytes > 0 && *asked_at != before;
}

/* The answer may be there, on a stream of the peer's that we leave unread for its rate. */
static bool probe_unread(const struct s2s_leg *leg)
{
	const struct s2s_pair *pair = probe_pair(leg);

	return pair != NULL && s2s_rates_waiting(leg->s2s->rates, pair->remote);
}

static void probe_waited(struct s2s_leg *leg)
{
	struct s2s_probe *probe = &leg->probe;

	if (s2s_probe_still_takes(leg, &probe->asked_at) || probe_unread(leg)) {
		fw_timer_start_ms(probe->timer, leg->s2s->config->probe_timeout_ms, 0);
	} else if (probe->answers) {
		s2s_leg_close(leg, FW_CAUSE_PING_TIMEOUT,
		              "it answered no ping for probe_timeout_ms");
	} else {
		probe->asked = false;
		probe->mute = true;
		fw_log(leg->log, &probe_logger, FW_LOG_INFO,
		       "the peer answers no pings, so its silence says nothing");
	}
}

static void probe_on_timer(void *ctx)
{
	struct s2s_leg *leg = ctx;

	if (!probe_open(leg) || leg->acks.confirmed) {
		return;
	}
	if (leg->probe.asked) {
		probe_waited(leg);
	} else {
		probe_ask(leg);
	}
}

void s2s_probe_writes(struct s2s_leg *leg)
{
	struct s2s_probe *probe = &leg->probe;

	if (leg->acks.confirmed || probe->asked || probe->mute) {
		return;
	}
	/* Streams that only receive have no timer; without memory for one nobody is asked. */
	if (probe->timer == NULL &&
	    fw_timer_new(leg->s2s->loop, probe_on_timer, leg, &probe->timer) != FW_OK) {
		return;
	}
	if (!fw_timer_running(probe->timer)) {
		fw_timer_start_ms(probe->timer, leg->s2s->config->probe_idle_ms, 0);
	}
}

static bool probe_take(struct s2s_leg *leg, struct fw_str id)
{
	for (; leg != NULL; leg = leg->next) {
		if (leg->probe.asked && fw_str_is(id, leg->probe.id)) {
			leg->probe.asked = false;
			leg->probe.answers = true;
			fw_timer_stop(leg->probe.timer);
			fw_log(leg->log, &probe_logger, FW_LOG_DEBUG, "ping answered id=%s",
			       leg->probe.id);
			return true;
		}
	}
	return false;
}

bool s2s_probe_answered(struct s2s *s2s, const struct fw_stanza *stanza)
{
	const size_t prefix = sizeof(PROBE_PREFIX) - 1;
	struct fw_str id = fw_stanza_id(stanza);

	if (fw_stanza_kind(stanza) != FW_KIND_IQ || fw_stanza_is_request(stanza) ||
	    id.len <= prefix || memcmp(id.ptr, PROBE_PREFIX, prefix) != 0) {
		return false;
	}
	/* A result or any error: both prove life. */
	id = fw_str_n(id.ptr + prefix, id.len - prefix);
	return probe_take(s2s->outs, id) || probe_take(s2s->ins, id);
}

/* ---- ours ---- */

/* XEP-0478: the peer closes what is silent for so long; white space is a sign of life. */
static void probe_on_breath(void *ctx)
{
	struct s2s_leg *leg = ctx;
	uint64_t idle = fw_now_ms(leg->s2s->loop) - leg->last_stanza_ms;

	if (probe_open(leg) && idle + 1000 >= (uint64_t)leg->features.idle_s * 500) {
		fw_channel_send_text(leg->channel, " ");
	}
}

void s2s_probe_begin(struct s2s_leg *leg)
{
	const struct s2s_config *config = leg->s2s->config;
	struct s2s_probe *probe = &leg->probe;

	fw_channel_set_user_timeout(leg->channel, config->tcp_timeout_ms);
	if (leg->features.idle_s > 0 &&
	    (uint64_t)leg->features.idle_s * 1000 <= config->idle_timeout_ms &&
	    probe->breath == NULL &&
	    fw_timer_new(leg->s2s->loop, probe_on_breath, leg, &probe->breath) == FW_OK) {
		uint64_t half = (uint64_t)leg->features.idle_s * 500;
		fw_timer_start_ms(probe->breath, half, half);
	}
}

void s2s_probe_clear(struct s2s_leg *leg)
{
	fw_timer_free(&leg->probe.timer);
	fw_timer_free(&leg->probe.breath);
}
