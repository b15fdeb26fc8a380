/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The states of an inbound stream: header → (secure → header →) auth, then those of every leg:
 * up → drain → closed. One row per state; README.md has the drawing. Handlers decide; s2s_in.c and
 * s2s_leg.c act.
 */
#include "components/s2s/s2s_in.h"

const char *const s2s_in_words[S2S_IN_STATES] = {
	[S2S_IN_HEADER] = "ACCEPTED",     [S2S_IN_SECURE] = "SECURING",
	[S2S_IN_AUTH] = "AUTHENTICATING", [S2S_IN_UP] = "OPEN",
	[S2S_IN_DRAIN] = "CLOSING",       [S2S_IN_CLOSED] = "CLOSED",
};

static bool in_is_starttls(const struct fw_stanza *element)
{
	return fw_str_is(fw_stanza_name(element), "starttls") &&
	       fw_str_is(fw_stanza_ns(element), FW_NS_TLS);
}

/* ---- header: the peer's stream header ---- */

static void in_header(void *owner, const struct fw_event *event)
{
	struct s2s_in *in = owner;
	const struct s2s_leg_end *end = event->data;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&in->leg.machine, in->leg.s2s->config->stream_timeout_ms);
		break;
	case S2S_IN_EV_SECURED: /* TLS came first (XEP-0368); the time goes on */
		break;
	case S2S_IN_EV_HEADER:
		if (!s2s_in_answer_header(in, event->data)) {
			break;
		}
		s2s_in_send_features(in);
		fw_machine_goto(&in->leg.machine, in->starttls_required ? S2S_IN_SECURE
		                                  : in->authenticated   ? S2S_IN_UP
		                                                        : S2S_IN_AUTH);
		break;
	case FW_EVENT_TIMEOUT:
		s2s_leg_close(&in->leg, FW_CAUSE_HEADER_TIMEOUT, "");
		break;
	case S2S_LEG_EV_CLOSED:
		s2s_leg_close(&in->leg, end->cause, end->detail);
		break;
	default:
		s2s_leg_close(&in->leg, FW_CAUSE_UNEXPECTED, "an element before the header");
		break;
	}
}

/* ---- secure: <starttls/> and the handshake ---- */

static void in_secure(void *owner, const struct fw_event *event)
{
	struct s2s_in *in = owner;
	const struct s2s_leg_end *end = event->data;
	struct fw_stanza **element = event->data;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&in->leg.machine, in->leg.s2s->config->tls_timeout_ms);
		break;
	case S2S_LEG_EV_ELEMENT:
		if (in->starttls_offered && in_is_starttls(*element)) {
			s2s_in_start_tls(in);
		} else {
			s2s_leg_element(&in->leg, element);
		}
		break;
	case S2S_IN_EV_SECURED:
		fw_machine_goto(&in->leg.machine, S2S_IN_HEADER);
		break;
	case FW_EVENT_TIMEOUT:
		s2s_leg_close(&in->leg, FW_CAUSE_TLS_TIMEOUT,
		              in->starttls_offered ? "no <starttls/>" : "in the handshake");
		break;
	case S2S_LEG_EV_CLOSED:
		s2s_leg_close(&in->leg, end->cause, end->detail);
		break;
	default:
		s2s_leg_close(&in->leg, FW_CAUSE_UNEXPECTED, "a second header");
		break;
	}
}

/* ---- auth: features are out, no domain is proved yet ---- */

static void in_auth_timeout(struct s2s_in *in)
{
	/* A proof that began late gets its own time once, so that the peer hears why it failed. */
	if (s2s_proofs_pending(&in->leg) && !in->extended) {
		in->extended = true;
		fw_machine_timeout(&in->leg.machine, in->leg.s2s->config->auth_timeout_ms + 1000);
		return;
	}
	s2s_leg_close(&in->leg, FW_CAUSE_AUTH_TIMEOUT, "no domain was proved");
}

static void in_auth(void *owner, const struct fw_event *event)
{
	struct s2s_in *in = owner;
	const struct s2s_leg_end *end = event->data;
	struct fw_stanza **element = event->data;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&in->leg.machine, in->leg.s2s->config->auth_timeout_ms);
		break;
	case S2S_LEG_EV_ELEMENT:
		if (in->starttls_offered && in_is_starttls(*element)) {
			fw_machine_goto(&in->leg.machine, S2S_IN_SECURE);
			s2s_in_start_tls(in);
		} else {
			s2s_leg_element(&in->leg, element);
		}
		break;
	case S2S_LEG_EV_TRUSTED:
		fw_machine_goto(&in->leg.machine, S2S_IN_UP);
		break;
	case S2S_IN_EV_RESTARTED:
		fw_machine_goto(&in->leg.machine, S2S_IN_HEADER);
		break;
	case FW_EVENT_TIMEOUT:
		in_auth_timeout(in);
		break;
	case S2S_LEG_EV_CLOSED:
		s2s_leg_close(&in->leg, end->cause, end->detail);
		break;
	default:
		s2s_leg_close(&in->leg, FW_CAUSE_UNEXPECTED, "a second header");
		break;
	}
}

/* ---- up ---- */

static void in_up(void *owner, const struct fw_event *event)
{
	if (event->kind == FW_EVENT_ENTER) {
		s2s_in_settled(owner);
	}
	s2s_leg_state_up(owner, event);
}

#define IN_ENDS (FW_TO(S2S_IN_DRAIN) | FW_TO(S2S_IN_CLOSED))

const struct fw_state_row s2s_in_rows[S2S_IN_STATES] = {
	[S2S_IN_HEADER] = { "header", in_header, FW_TIMEOUT_OWN,
	                    FW_TO(S2S_IN_SECURE) | FW_TO(S2S_IN_AUTH) | FW_TO(S2S_IN_UP) |
	                            IN_ENDS },
	[S2S_IN_SECURE] = { "secure", in_secure, FW_TIMEOUT_OWN, FW_TO(S2S_IN_HEADER) | IN_ENDS },
	[S2S_IN_AUTH] = { "auth", in_auth, FW_TIMEOUT_OWN,
	                  FW_TO(S2S_IN_SECURE) | FW_TO(S2S_IN_HEADER) | FW_TO(S2S_IN_UP) |
	                          IN_ENDS },
	[S2S_IN_UP] = { "up", in_up, FW_TIMEOUT_OWN, IN_ENDS },
	[S2S_IN_DRAIN] = { "drain", s2s_leg_state_drain, S2S_LEG_DRAIN_MS, FW_TO(S2S_IN_CLOSED) },
	[S2S_IN_CLOSED] = { "closed", s2s_leg_state_closed, FW_TIMEOUT_OWN, 0 },
};
