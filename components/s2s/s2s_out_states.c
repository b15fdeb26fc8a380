/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The states of an outgoing stream: wait → resolve → dial → auth, then those of every leg: up →
 * drain → closed. One row per state; README.md has the drawing. Handlers decide; s2s_out.c and
 * s2s_leg.c act. No state waits for ever.
 */
#include "components/s2s/s2s_out.h"
#include "components/s2s/s2s_side.h"

#include "components/s2s/s2s_external.h"

#include <stdio.h>

#include "components/s2s/s2s_bidi.h"

enum { OUT_SLACK_MS = 1000 };

const char *const s2s_out_words[S2S_OUT_STATES] = {
	[S2S_OUT_WAIT] = "WAITING",       [S2S_OUT_RESOLVE] = "RESOLVING",
	[S2S_OUT_DIAL] = "CONNECTING",    [S2S_OUT_AUTH] = "AUTHENTICATING",
	[S2S_OUT_RESTART] = "RESTARTING", [S2S_OUT_UP] = "OPEN",
	[S2S_OUT_DRAIN] = "CLOSING",      [S2S_OUT_CLOSED] = "CLOSED",
};

/* ---- wait: too many others are being opened ---- */

static void out_wait(void *owner, const struct fw_event *event)
{
	struct s2s_out *out = owner;

	/* Stanzas that grow too old are returned by their pair, with this as the reason. */
	if (event->kind != FW_EVENT_ENTER && s2s_leg_empty(&out->leg)) {
		s2s_leg_close(&out->leg, FW_CAUSE_EGRESS_BUDGET, "nothing waits for it any more");
	} else if (event->kind == S2S_OUT_EV_TURN) {
		fw_machine_goto(&out->leg.machine, S2S_OUT_RESOLVE);
	} else if (event->kind == FW_EVENT_ENTER || event->kind == FW_EVENT_TIMEOUT) {
		fw_machine_timeout(&out->leg.machine, out->leg.s2s->config->queue_max_age_ms);
	}
}

/* ---- resolve ---- */

static void out_not_found(struct s2s_out *out, enum fw_cause cause, const char *detail)
{
	s2s_count(out->leg.s2s, S2S_COUNT_STREAMS_OUT);
	s2s_leg_fail(&out->leg, cause, "%s", detail);
}

/* The targets are those of a leg that is up: the pairs go over that one, and this one was nothing
 * but a question. */
static bool out_joins(struct s2s_out *out)
{
	const struct s2s_claim *first = out->leg.claims;
	struct s2s_leg *other =
	        first != NULL ? s2s_carriers_of_targets(first->pair, &out->targets) : NULL;

	if (other == NULL) {
		return false;
	}
	snprintf(out->leg.detail, sizeof(out->leg.detail), "joins session %s", other->session);
	s2s_claims_move(&out->leg, other);
	fw_machine_goto(&out->leg.machine, S2S_OUT_CLOSED);
	return true;
}

static void out_found(struct s2s_out *out)
{
	if (!out_joins(out)) {
		s2s_remotes_prefer(out->leg.s2s->remotes, out->leg.remote, &out->targets);
		s2s_count(out->leg.s2s, S2S_COUNT_STREAMS_OUT);
		fw_machine_goto(&out->leg.machine, S2S_OUT_DIAL);
	}
}

static void out_resolved(struct s2s_out *out, const struct s2s_out_reply *answer)
{
	char detail[100];
	enum fw_cause cause = s2s_ask_read_targets(answer->reply, answer->cause, &out->targets);

	if (cause != FW_CAUSE_NONE) {
		snprintf(detail, sizeof(detail), "resolver: %s", fw_cause_row(answer->cause)->name);
		out_not_found(out, cause, detail);
	} else {
		out_found(out);
	}
}

static void out_resolve(void *owner, const struct fw_event *event)
{
	struct s2s_out *out = owner;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&out->leg.machine,
		                   out->leg.s2s->config->resolve_timeout_ms + OUT_SLACK_MS);
		if (s2s_side_targets(out->leg.s2s, out->leg.remote, &out->targets)) {
			out_found(out);
		} else if (s2s_out_ask_targets(out) != FW_OK) {
			out_not_found(out, FW_CAUSE_RESOURCES, "out of memory");
		}
		break;
	case S2S_OUT_EV_REPLY:
		out_resolved(out, event->data);
		break;
	case FW_EVENT_TIMEOUT:
		out_not_found(out, FW_CAUSE_DNS_FAILED, "no answer from the resolver in time");
		break;
	default:
		break;
	}
}

/* ---- dial: connect, header, features, TLS ---- */

static uint32_t out_dial_limit_ms(const struct s2s_out *out)
{
	const struct s2s_config *config = out->leg.s2s->config;
	uint64_t each = (uint64_t)config->connect_timeout_ms + 2u * config->stream_timeout_ms +
	                config->tls_timeout_ms + OUT_SLACK_MS;

	return (uint32_t)(each * out->targets.count);
}

static void out_not_dialed(struct s2s_out *out, const struct fw_dial_result *result)
{
	enum fw_cause cause = result->cause;
	bool unreached = cause == FW_CAUSE_CONNECT_FAILED || cause == FW_CAUSE_CONNECT_TIMEOUT;

	if (unreached && out->targets.is_static && out->targets.fallback_dns) {
		out->skip_static = true;
		fw_dial_cancel(&out->dial);
		fw_machine_goto(&out->leg.machine, S2S_OUT_RESOLVE);
		return;
	}
	fw_addr_text(&result->target->addr, out->leg.address);
	s2s_leg_fail(&out->leg,
	             unreached && out->targets.is_static ? FW_CAUSE_STATIC_FAILED : cause, "%s %s",
	             out->leg.address, result->detail);
}

static void out_dialed(struct s2s_out *out, struct fw_dial_result *result)
{
	s2s_remotes_tried(out->leg.s2s->remotes, out->leg.remote, result->attempts,
	                  result->attempt_count);
	if (result->cause != FW_CAUSE_NONE) {
		out_not_dialed(out, result);
		return;
	}
	struct s2s_verdict verdict;
	bool has_id = s2s_out_take(out, result);
	if (!s2s_trust_leg(&out->leg, out->leg.remote, S2S_METHOD_NONE, &verdict)) {
		s2s_leg_fail(&out->leg, verdict.cause, "%s %s", out->leg.address, verdict.detail);
	} else if (!has_id) {
		s2s_leg_fail(&out->leg, FW_CAUSE_DIALBACK_ERROR, "the peer's header has no id");
	} else if (s2s_external_choose(&out->leg) == S2S_METHOD_NONE) {
		s2s_leg_fail(&out->leg, FW_CAUSE_NO_AUTH_METHOD, "the peer offers%s%s%s",
		             out->leg.features.external ? " external" : "",
		             out->leg.features.dialback ? " dialback" : "",
		             out->leg.features.external || out->leg.features.dialback ? ""
		                                                                      : " nothing");
	} else {
		fw_machine_goto(&out->leg.machine, S2S_OUT_AUTH);
	}
}

static void out_dial(void *owner, const struct fw_event *event)
{
	struct s2s_out *out = owner;
	int ret;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&out->leg.machine, out_dial_limit_ms(out));
		ret = s2s_out_dial(out);
		if (ret != FW_OK) {
			s2s_leg_fail(&out->leg, FW_CAUSE_RESOURCES, "dial: %s", fw_strerror(ret));
		}
		break;
	case S2S_OUT_EV_DIALED:
		out_dialed(out, event->data);
		break;
	case FW_EVENT_TIMEOUT:
		s2s_leg_fail(&out->leg, FW_CAUSE_CONNECT_TIMEOUT, "still in phase %s",
		             fw_dial_phase_name(out->dial));
		break;
	default:
		break;
	}
}

/* It stands: the next one's turn, and this address goes first the next time. */
static void out_trusted(struct s2s_out *out)
{
	s2s_egress_leave(out->leg.s2s->egress, &out->slot);
	s2s_remotes_worked(out->leg.s2s->remotes, out->leg.remote, &out->leg.peer);
	fw_machine_goto(&out->leg.machine, S2S_OUT_UP);
}

/* ---- auth: the first pair asks to be taken ---- */

static void out_auth(void *owner, const struct fw_event *event)
{
	static const struct s2s_leg_end silence = { FW_CAUSE_AUTH_TIMEOUT,
		                                    "no answer to SASL in time" };
	struct s2s_out *out = owner;
	const struct s2s_leg_end *end = event->data;

	switch (event->kind) {
	case FW_EVENT_ENTER: /* each claim has its own limit; this is the net below */
		fw_machine_timeout(&out->leg.machine,
		                   out->leg.s2s->config->auth_timeout_ms + OUT_SLACK_MS);
		fw_dial_cancel(&out->dial);  /* it has done its work */
		s2s_bidi_request(&out->leg); /* before the first pair asks: XEP-0288 §2 */
		if (s2s_external_choose(&out->leg) == S2S_METHOD_EXTERNAL) {
			s2s_external_begin(&out->leg);
		} else {
			s2s_claims_begin(&out->leg);
		}
		break;
	case S2S_LEG_EV_ELEMENT:
		s2s_leg_element(&out->leg, event->data);
		break;
	case S2S_LEG_EV_TRUSTED:
		out_trusted(out);
		break;
	case S2S_OUT_EV_RESTARTED:
		fw_machine_goto(&out->leg.machine, S2S_OUT_RESTART);
		break;
	case S2S_LEG_EV_CLOSED:
		if (!s2s_external_lost(&out->leg, end)) {
			s2s_leg_fail(&out->leg, end->cause, "during dialback: %s", end->detail);
		}
		break;
	case FW_EVENT_TIMEOUT:
		if (!s2s_external_lost(&out->leg, &silence)) {
			s2s_leg_fail(&out->leg, FW_CAUSE_DIALBACK_TIMEOUT,
			             "no db:result from the peer");
		}
		break;
	default:
		break;
	}
}

/* ---- restart: SASL is done, header and features come again ---- */

static void out_restart(void *owner, const struct fw_event *event)
{
	struct s2s_out *out = owner;
	const struct s2s_leg_end *end = event->data;
	struct fw_stanza **element = event->data;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&out->leg.machine, out->leg.s2s->config->stream_timeout_ms);
		s2s_out_open_again(out);
		break;
	case S2S_OUT_EV_HEADER:
		if (!s2s_out_header_again(out, event->data)) {
			s2s_leg_fail(&out->leg, FW_CAUSE_SASL_FAILED, "the new header has no id");
		}
		break;
	case S2S_LEG_EV_ELEMENT:
		if (fw_str_is(fw_stanza_ns(*element), FW_NS_STREAMS) &&
		    fw_str_is(fw_stanza_name(*element), "features")) {
			s2s_out_features_again(out, *element);
			s2s_claims_external_valid(&out->leg);
		} else {
			s2s_leg_element(&out->leg, element);
		}
		break;
	case S2S_LEG_EV_TRUSTED:
		out_trusted(out);
		break;
	case S2S_LEG_EV_CLOSED:
		s2s_leg_fail(&out->leg, end->cause, "after SASL: %s", end->detail);
		break;
	case FW_EVENT_TIMEOUT:
		s2s_leg_fail(&out->leg, FW_CAUSE_HEADER_TIMEOUT, "after SASL");
		break;
	default:
		break;
	}
}

const struct fw_state_row s2s_out_rows[S2S_OUT_STATES] = {
	[S2S_OUT_WAIT] = { "wait", out_wait, FW_TIMEOUT_OWN,
	                   FW_TO(S2S_OUT_RESOLVE) | FW_TO(S2S_OUT_CLOSED) },
	[S2S_OUT_RESOLVE] = { "resolve", out_resolve, FW_TIMEOUT_OWN,
	                      FW_TO(S2S_OUT_DIAL) | FW_TO(S2S_OUT_CLOSED) },
	[S2S_OUT_DIAL] = { "dial", out_dial, FW_TIMEOUT_OWN,
	                   FW_TO(S2S_OUT_RESOLVE) | FW_TO(S2S_OUT_AUTH) | FW_TO(S2S_OUT_DRAIN) |
	                           FW_TO(S2S_OUT_CLOSED) },
	[S2S_OUT_AUTH] = { "auth", out_auth, FW_TIMEOUT_OWN,
	                   FW_TO(S2S_OUT_RESTART) | FW_TO(S2S_OUT_UP) | FW_TO(S2S_OUT_DRAIN) |
	                           FW_TO(S2S_OUT_CLOSED) },
	[S2S_OUT_RESTART] = { "restart", out_restart, FW_TIMEOUT_OWN,
	                      FW_TO(S2S_OUT_UP) | FW_TO(S2S_OUT_DRAIN) | FW_TO(S2S_OUT_CLOSED) },
	[S2S_OUT_UP] = { "up", s2s_leg_state_up, FW_TIMEOUT_OWN,
	                 FW_TO(S2S_OUT_DRAIN) | FW_TO(S2S_OUT_CLOSED) },
	[S2S_OUT_DRAIN] = { "drain", s2s_leg_state_drain, S2S_LEG_DRAIN_MS, FW_TO(S2S_OUT_CLOSED) },
	[S2S_OUT_CLOSED] = { "closed", s2s_leg_state_closed, FW_TIMEOUT_OWN, 0 },
};
