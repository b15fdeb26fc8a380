/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The states of an outgoing stream: resolve → dial → auth → up → drain → closed. One row and one
 * handler per state; README.md has the drawing. Handlers decide; s2s_out.c acts. No state waits for
 * ever.
 */
#include "components/s2s/s2s_out.h"

/* The channel gives the peer 5 s for its footer; this is the net below. */
enum { OUT_DRAIN_MS = 10000, OUT_SLACK_MS = 1000 };

const char *const s2s_out_words[S2S_OUT_STATES] = {
	[S2S_OUT_RESOLVE] = "RESOLVING",   [S2S_OUT_DIAL] = "CONNECTING",
	[S2S_OUT_AUTH] = "AUTHENTICATING", [S2S_OUT_UP] = "OPEN",
	[S2S_OUT_DRAIN] = "CLOSING",       [S2S_OUT_CLOSED] = "CLOSED",
};

/* ---- resolve ---- */

static void out_resolve(void *owner, const struct fw_event *event)
{
	struct s2s_out *out = owner;
	const struct s2s_out_reply *answer = event->data;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&out->machine,
		                   out->s2s->config->resolve_timeout_ms + OUT_SLACK_MS);
		if (s2s_out_ask_targets(out) != FW_OK) {
			s2s_out_fail(out, FW_CAUSE_RESOURCES, "out of memory");
		}
		break;
	case S2S_OUT_EV_REPLY: {
		enum fw_cause cause =
		        s2s_ask_read_targets(answer->reply, answer->cause, &out->targets);
		if (cause != FW_CAUSE_NONE) {
			s2s_out_fail(out, cause, "resolver: %s", fw_cause_row(answer->cause)->name);
		} else {
			fw_machine_goto(&out->machine, S2S_OUT_DIAL);
		}
		break;
	}
	case FW_EVENT_TIMEOUT:
		s2s_out_fail(out, FW_CAUSE_DNS_FAILED, "no answer from the resolver in time");
		break;
	default:
		break;
	}
}

/* ---- dial: connect, header, features, TLS ---- */

static uint32_t out_dial_limit_ms(const struct s2s_out *out)
{
	const struct s2s_config *config = out->s2s->config;
	uint64_t each = (uint64_t)config->connect_timeout_ms + 2u * config->stream_timeout_ms +
	                config->tls_timeout_ms + OUT_SLACK_MS;

	return (uint32_t)(each * out->targets.count);
}

static bool out_peer_does_dialback(const struct fw_dial_result *result)
{
	const struct fw_elem *features =
	        result->features != NULL ? fw_stanza_root(result->features) : NULL;

	/* XEP-0220 §2.4.1: the namespace on the header says so; some say it by the feature alone.
	 */
	return result->header.has_dialback || !result->header.has_version ||
	       fw_elem_find(features, "dialback", FW_NS_DIALBACK_FEATURE) != NULL;
}

static void out_dialed(struct s2s_out *out, struct fw_dial_result *result)
{
	enum fw_cause cause = result->cause;

	if (cause != FW_CAUSE_NONE) {
		bool unreached =
		        cause == FW_CAUSE_CONNECT_FAILED || cause == FW_CAUSE_CONNECT_TIMEOUT;
		if (result->target != NULL) {
			fw_addr_text(&result->target->addr, out->address);
		}
		s2s_out_fail(out,
		             unreached && out->targets.is_static ? FW_CAUSE_STATIC_FAILED : cause,
		             "%s%s%s", out->address, out->address[0] != '\0' ? " " : "",
		             result->detail != NULL ? result->detail : "");
		return;
	}
	bool dialback = out_peer_does_dialback(result);
	if (!s2s_out_take(out, result)) {
		s2s_out_fail(out, FW_CAUSE_DIALBACK_ERROR, "the peer's header has no id");
	} else if (!dialback) {
		s2s_out_fail(out, FW_CAUSE_NO_AUTH_METHOD, "no dialback");
	} else {
		fw_machine_goto(&out->machine, S2S_OUT_AUTH);
	}
}

static void out_dial(void *owner, const struct fw_event *event)
{
	struct s2s_out *out = owner;
	int ret;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&out->machine, out_dial_limit_ms(out));
		ret = s2s_out_dial(out);
		if (ret != FW_OK) {
			s2s_out_fail(out, FW_CAUSE_RESOURCES, "dial: %s", fw_strerror(ret));
		}
		break;
	case S2S_OUT_EV_DIALED:
		out_dialed(out, event->data);
		break;
	case FW_EVENT_TIMEOUT:
		s2s_out_fail(out, FW_CAUSE_CONNECT_TIMEOUT, "still in phase %s",
		             fw_dial_phase_name(out->dial));
		break;
	default:
		break;
	}
}

/* ---- what a peer may send on a stream of ours: answers to dialback, nothing else ---- */

/* Fills `db` when it is an answer for this stream's pair; everything else is told to the log. */
static bool out_is_answer(struct s2s_out *out, struct fw_stanza *element, struct s2s_db *db)
{
	char text[1024];

	if (!s2s_db_read(element, db)) {
		return false;
	}
	s2s_log_element(out->log, out->session, false, s2s_db_text(db, text, sizeof(text)));
	/* Matched on (from, to), on this very stream, and only while we wait (XEP-0220 §2.1.1). */
	if (strcmp(db->name, "result") == 0 && db->type.len > 0 && out->key_sent &&
	    out->machine.state == S2S_OUT_AUTH &&
	    fw_domain_eq(db->from, fw_str(out->pair->remote)) &&
	    fw_domain_eq(db->to, fw_str(out->pair->local))) {
		return true;
	}
	s2s_count(out->s2s, S2S_COUNT_DIALBACK_IGNORED);
	s2s_log_element(out->log, out->session, false, "ignored: nobody asked for it");
	return false;
}

/* What is no answer: the peer's last words, or stanzas, which flow from the initiating to the
 * receiving server only (RFC 6120 §4.5). */
static void out_other(struct s2s_out *out, struct fw_stanza *element)
{
	if (fw_str_is(fw_stanza_ns(element), FW_NS_STREAMS) &&
	    fw_str_is(fw_stanza_name(element), "error")) {
		fw_channel_close(out->channel, FW_CAUSE_PEER_ERROR); /* §4.9.1.1 */
	} else if (fw_stanza_kind(element) == FW_KIND_OTHER) {
		return;
	} else if (out->machine.state == S2S_OUT_UP) {
		s2s_out_lost(out, FW_CAUSE_NOT_AUTHORIZED, "a stanza on a stream that we opened");
	} else {
		s2s_out_fail(out, FW_CAUSE_NOT_AUTHORIZED, "a stanza on a stream that we opened");
	}
}

/* ---- auth ---- */

static void out_answered(struct s2s_out *out, const struct s2s_db *db)
{
	char condition[64];
	char text[80];

	if (fw_str_is(db->type, "valid")) {
		s2s_count(out->s2s, S2S_COUNT_DIALBACK_OUT_VALID);
		s2s_trust_out(out);
		fw_machine_goto(&out->machine, S2S_OUT_UP);
	} else if (fw_str_is(db->type, "invalid")) {
		s2s_count(out->s2s, S2S_COUNT_DIALBACK_OUT_INVALID);
		s2s_out_fail(out, FW_CAUSE_DIALBACK_INVALID, "the peer answered invalid");
	} else {
		s2s_count(out->s2s, S2S_COUNT_DIALBACK_OUT_ERROR);
		s2s_out_fail(out, FW_CAUSE_DIALBACK_ERROR, "the peer answered %s %s",
		             fw_quote(db->condition, condition, sizeof(condition)),
		             fw_quote(db->text, text, sizeof(text)));
	}
}

static void out_auth(void *owner, const struct fw_event *event)
{
	struct s2s_out *out = owner;
	const struct s2s_out_reply *answer = event->data;
	const struct s2s_out_end *end = event->data;
	struct s2s_db db;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_machine_timeout(&out->machine, out->s2s->config->auth_timeout_ms);
		if (s2s_out_ask_key(out) != FW_OK) {
			s2s_out_fail(out, FW_CAUSE_RESOURCES, "out of memory");
		}
		break;
	case S2S_OUT_EV_REPLY: {
		struct fw_str key = s2s_ask_read_key(answer->reply);
		if (answer->cause != FW_CAUSE_NONE || key.len == 0) {
			s2s_out_fail(out, FW_CAUSE_DIALBACK_ERROR,
			             "no key from the dialback service: %s",
			             fw_cause_row(answer->cause)->name);
		} else {
			s2s_out_send_key(out, key);
		}
		break;
	}
	case S2S_OUT_EV_ELEMENT:
		if (out_is_answer(out, event->data, &db)) {
			out_answered(out, &db);
		} else {
			out_other(out, event->data);
		}
		break;
	case S2S_OUT_EV_CLOSED:
		s2s_out_fail(out, end->cause, "during dialback: %s", end->detail);
		break;
	case FW_EVENT_TIMEOUT:
		s2s_out_fail(out, FW_CAUSE_DIALBACK_TIMEOUT, "no db:result from the peer");
		break;
	default:
		break;
	}
}

/* ---- up ---- */

/* Twice in a row something waits and not one byte has moved: the peer is dead. */
static void out_look(struct s2s_out *out)
{
	uint64_t written = fw_channel_counts(out->channel)->bytes_out;
	uint64_t now = fw_now_ms(out->s2s->loop);

	if (s2s_out_empty(out)) {
		out->stuck = false;
		if (now >= out->last_stanza_ms + out->s2s->config->idle_timeout_ms) {
			s2s_out_close(out, FW_CAUSE_IDLE);
			return;
		}
	} else if (out->stuck && written == out->stuck_at) {
		s2s_out_lost(out, FW_CAUSE_PING_TIMEOUT, "it took nothing for queue_max_age_ms");
		return;
	} else {
		out->stuck = true;
		out->stuck_at = written;
	}
	s2s_out_watch(out);
}

static void out_up(void *owner, const struct fw_event *event)
{
	struct s2s_out *out = owner;
	const struct s2s_out_end *end = event->data;
	struct s2s_db db;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		out->trying = false;
		s2s_remotes_succeeded(out->s2s->remotes, out->pair->remote);
		out->last_stanza_ms = fw_now_ms(out->s2s->loop);
		s2s_out_watch(out);
		s2s_out_pump(out);
		break;
	case S2S_OUT_EV_ELEMENT:
		if (!out_is_answer(out, event->data, &db)) {
			out_other(out, event->data);
		}
		break;
	case S2S_OUT_EV_CLOSED:
		s2s_out_lost(out, end->cause, end->detail);
		break;
	case FW_EVENT_TIMEOUT:
		out_look(out);
		break;
	default:
		break;
	}
}

/* ---- drain: our footer is queued, the peer's is awaited ---- */

static void out_drain(void *owner, const struct fw_event *event)
{
	struct s2s_out *out = owner;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		s2s_out_send_footer(out);
		break;
	case S2S_OUT_EV_CLOSED:
	case FW_EVENT_TIMEOUT:
		fw_machine_goto(&out->machine, S2S_OUT_CLOSED);
		break;
	default: /* what the peer still says is read and has no effect (RFC 6120 §4.4) */
		break;
	}
}

static void out_closed(void *owner, const struct fw_event *event)
{
	struct s2s_out *out = owner;

	if (event->kind == FW_EVENT_ENTER) {
		s2s_out_finish(out);
	}
}

const struct fw_state_row s2s_out_rows[S2S_OUT_STATES] = {
	[S2S_OUT_RESOLVE] = { "resolve", out_resolve, FW_TIMEOUT_OWN,
	                      FW_TO(S2S_OUT_DIAL) | FW_TO(S2S_OUT_CLOSED) },
	[S2S_OUT_DIAL] = { "dial", out_dial, FW_TIMEOUT_OWN,
	                   FW_TO(S2S_OUT_AUTH) | FW_TO(S2S_OUT_DRAIN) | FW_TO(S2S_OUT_CLOSED) },
	[S2S_OUT_AUTH] = { "auth", out_auth, FW_TIMEOUT_OWN,
	                   FW_TO(S2S_OUT_UP) | FW_TO(S2S_OUT_DRAIN) | FW_TO(S2S_OUT_CLOSED) },
	[S2S_OUT_UP] = { "up", out_up, FW_TIMEOUT_OWN,
	                 FW_TO(S2S_OUT_DRAIN) | FW_TO(S2S_OUT_CLOSED) },
	[S2S_OUT_DRAIN] = { "drain", out_drain, OUT_DRAIN_MS, FW_TO(S2S_OUT_CLOSED) },
	[S2S_OUT_CLOSED] = { "closed", out_closed, FW_TIMEOUT_OWN, 0 },
};
