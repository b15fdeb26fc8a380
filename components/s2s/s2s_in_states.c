/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The states of an inbound stream: header → (secure → header →) auth → up → drain → closed. One row
 * and one handler per state; README.md has the drawing. Handlers decide; s2s_in.c and
 * s2s_in_dialback.c act.
 */
#include "components/s2s/s2s_in.h"

/* The channel gives the peer 5 s for its footer; this is the net below. */
enum { IN_DRAIN_MS = 10000 };

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

/* Dialback elements mean the same in every state; what is refused in clear text is decided inside.
 */
static bool in_dialback(struct s2s_in *in, struct fw_stanza *element)
{
	struct s2s_db db;

	if (!s2s_db_read(element, &db)) {
		return false;
	}
	s2s_in_dialback(in, &db);
	return true;
}

/* What no state knows: the peer's last words, a stanza to be checked, or the end. */
static void in_other(struct s2s_in *in, struct fw_stanza **element)
{
	if (fw_stanza_kind(*element) != FW_KIND_OTHER) {
		s2s_in_stanza(in, element);
	} else if (fw_str_is(fw_stanza_ns(*element), FW_NS_STREAMS) &&
	           fw_str_is(fw_stanza_name(*element), "error")) {
		fw_channel_close(in->channel, FW_CAUSE_PEER_ERROR); /* RFC 6120 §4.9.1.1 */
	} else {
		s2s_in_close(in, FW_CAUSE_UNSUPPORTED_STANZA, "");
	}
}

/* ---- header: the peer's stream header ---- */

static void in_header(void *owner, const struct fw_event *event)
{
	struct s2s_in *in = owner;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&in->machine, in->s2s->config->stream_timeout_ms);
		break;
	case S2S_IN_EV_HEADER:
		if (!s2s_in_answer_header(in, event->data)) {
			break;
		}
		s2s_in_send_features(in);
		fw_machine_goto(&in->machine,
		                in->starttls_offered && in->s2s->config->security_mode ==
		                                                FW_SECURITY_REQUIRED
		                        ? S2S_IN_SECURE
		                        : S2S_IN_AUTH);
		break;
	case FW_EVENT_TIMEOUT:
		s2s_in_close(in, FW_CAUSE_HEADER_TIMEOUT, "");
		break;
	case S2S_IN_EV_CLOSED:
		fw_machine_goto(&in->machine, S2S_IN_CLOSED);
		break;
	default:
		s2s_in_close(in, FW_CAUSE_UNEXPECTED, "an element before the header");
		break;
	}
}

/* ---- secure: <starttls/> and the handshake ---- */

static void in_secure(void *owner, const struct fw_event *event)
{
	struct s2s_in *in = owner;
	struct fw_stanza **element = event->data;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&in->machine, in->s2s->config->tls_timeout_ms);
		break;
	case S2S_IN_EV_ELEMENT:
		if (in->starttls_offered && in_is_starttls(*element)) {
			s2s_in_start_tls(in);
		} else if (!in_dialback(in, *element)) {
			in_other(in, element);
		}
		break;
	case S2S_IN_EV_SECURED:
		fw_machine_goto(&in->machine, S2S_IN_HEADER);
		break;
	case FW_EVENT_TIMEOUT:
		s2s_in_close(in, FW_CAUSE_TLS_TIMEOUT,
		             in->starttls_offered ? "no <starttls/>" : "in the handshake");
		break;
	case S2S_IN_EV_CLOSED:
		fw_machine_goto(&in->machine, S2S_IN_CLOSED);
		break;
	default:
		s2s_in_close(in, FW_CAUSE_UNEXPECTED, "a second header");
		break;
	}
}

/* ---- auth: features are out, no domain is proved yet ---- */

static void in_auth_timeout(struct s2s_in *in)
{
	/* A proof that began late gets its own time once, so that the peer hears why it failed. */
	if (s2s_in_proof_pending(in) && !in->extended) {
		in->extended = true;
		fw_machine_timeout(&in->machine, in->s2s->config->auth_timeout_ms + 1000);
		return;
	}
	s2s_in_close(in, FW_CAUSE_AUTH_TIMEOUT, "no domain was proved");
}

static void in_auth(void *owner, const struct fw_event *event)
{
	struct s2s_in *in = owner;
	struct fw_stanza **element = event->data;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&in->machine, in->s2s->config->auth_timeout_ms);
		break;
	case S2S_IN_EV_ELEMENT:
		if (in->starttls_offered && in_is_starttls(*element)) {
			fw_machine_goto(&in->machine, S2S_IN_SECURE);
			s2s_in_start_tls(in);
		} else if (!in_dialback(in, *element)) {
			in_other(in, element);
		}
		break;
	case S2S_IN_EV_TRUSTED:
		fw_machine_goto(&in->machine, S2S_IN_UP);
		break;
	case FW_EVENT_TIMEOUT:
		in_auth_timeout(in);
		break;
	case S2S_IN_EV_CLOSED:
		fw_machine_goto(&in->machine, S2S_IN_CLOSED);
		break;
	default:
		s2s_in_close(in, FW_CAUSE_UNEXPECTED, "a second header");
		break;
	}
}

/* ---- up: at least one pair is proved ---- */

static void in_up(void *owner, const struct fw_event *event)
{
	struct s2s_in *in = owner;
	struct fw_stanza **element = event->data;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		in->last_stanza_ms = fw_now_ms(in->s2s->loop);
		s2s_in_watch(in);
		break;
	case S2S_IN_EV_ELEMENT:
		if (!in_dialback(in, *element)) {
			in_other(in, element);
		}
		break;
	case S2S_IN_EV_TRUSTED:
		break;
	case FW_EVENT_TIMEOUT:
		if (fw_now_ms(in->s2s->loop) >=
		    in->last_stanza_ms + in->s2s->config->idle_timeout_ms) {
			s2s_in_close(in, FW_CAUSE_IDLE, "");
		} else {
			s2s_in_watch(in);
		}
		break;
	case S2S_IN_EV_CLOSED:
		fw_machine_goto(&in->machine, S2S_IN_CLOSED);
		break;
	default:
		s2s_in_close(in, FW_CAUSE_UNEXPECTED, "a second header");
		break;
	}
}

/* ---- drain: our footer is queued, the peer's is awaited ---- */

static void in_drain(void *owner, const struct fw_event *event)
{
	struct s2s_in *in = owner;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		s2s_in_send_footer(in);
		break;
	case S2S_IN_EV_CLOSED:
	case FW_EVENT_TIMEOUT:
		fw_machine_goto(&in->machine, S2S_IN_CLOSED);
		break;
	default: /* after an error nothing the peer says is processed (RFC 6120 §4.9.1.1) */
		break;
	}
}

static void in_closed(void *owner, const struct fw_event *event)
{
	struct s2s_in *in = owner;

	if (event->kind == FW_EVENT_ENTER) {
		s2s_in_finish(in);
	}
}

#define IN_ENDS (FW_TO(S2S_IN_DRAIN) | FW_TO(S2S_IN_CLOSED))

const struct fw_state_row s2s_in_rows[S2S_IN_STATES] = {
	[S2S_IN_HEADER] = { "header", in_header, FW_TIMEOUT_OWN,
	                    FW_TO(S2S_IN_SECURE) | FW_TO(S2S_IN_AUTH) | IN_ENDS },
	[S2S_IN_SECURE] = { "secure", in_secure, FW_TIMEOUT_OWN, FW_TO(S2S_IN_HEADER) | IN_ENDS },
	[S2S_IN_AUTH] = { "auth", in_auth, FW_TIMEOUT_OWN,
	                  FW_TO(S2S_IN_SECURE) | FW_TO(S2S_IN_UP) | IN_ENDS },
	[S2S_IN_UP] = { "up", in_up, FW_TIMEOUT_OWN, IN_ENDS },
	[S2S_IN_DRAIN] = { "drain", in_drain, IN_DRAIN_MS, FW_TO(S2S_IN_CLOSED) },
	[S2S_IN_CLOSED] = { "closed", in_closed, FW_TIMEOUT_OWN, 0 },
};
