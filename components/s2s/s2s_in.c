/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One inbound stream as an object: it holds the channel, answers headers, offers features, checks
 * every stanza's addresses against the proofs, and ends in one way. When what is allowed is decided
 * in s2s_in_states.c; proofs come from s2s_in_dialback.c.
 */
#include "components/s2s/s2s_in.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- events of the channel ---- */

static void in_on_opened(void *ctx, const struct fw_stream_header *header)
{
	struct s2s_in *in = ctx;

	fw_machine_send(&in->machine, S2S_IN_EV_HEADER, (void *)header);
}

static void in_on_element(void *ctx, struct fw_stanza **stanza)
{
	struct s2s_in *in = ctx;

	fw_machine_send(&in->machine, S2S_IN_EV_ELEMENT, stanza);
}

static void in_on_secured(void *ctx)
{
	struct s2s_in *in = ctx;

	in->secured = true;
	s2s_trust_look(in->channel, &in->trust);
	fw_machine_send(&in->machine, S2S_IN_EV_SECURED, NULL);
}

static void in_on_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	struct s2s_in *in = ctx;

	in->channel_closed = true;
	if (in->cause == FW_CAUSE_NONE) {
		in->cause = cause;
		snprintf(in->detail, sizeof(in->detail), "%s", detail);
	}
	fw_machine_send(&in->machine, S2S_IN_EV_CLOSED, NULL);
}

static const struct fw_channel_events in_channel_events = {
	.opened = in_on_opened,
	.element = in_on_element,
	.secured = in_on_secured,
	.closed = in_on_closed,
};

static void in_on_changed(void *owner, int from, int to, uint64_t spent_us)
{
	struct s2s_in *in = owner;
	char more[S2S_LOG_SECURED_SIZE];

	if (to == S2S_IN_CLOSED || to == S2S_IN_DRAIN) {
		snprintf(more, sizeof(more), "cause=%s", fw_cause_row(in->cause)->name);
	} else if (from == S2S_IN_SECURE) {
		s2s_log_secured(more, &in->trust);
	} else {
		snprintf(more, sizeof(more), "address=%s", in->address);
	}
	s2s_log_change(in->log, s2s_in_words[from], s2s_in_words[to], spent_us, more);
}

/* ---- headers and features ---- */

static void in_send_header(struct s2s_in *in, const struct fw_stream_header *header,
                           struct fw_str from)
{
	struct fw_stream_header ours = {
		.to = header->from,
		.from = from,
		.has_version = header->has_version,
		.has_dialback = true,
	};

	fw_random_id(in->stream_id); /* a restart is a new stream: RFC 6120 §4.3.3 */
	ours.id = fw_str(in->stream_id);
	fw_channel_open(in->channel, ours.to, ours.from, ours.id, ours.has_version);
	s2s_log_header(in->log, in->session, &ours, true);
}

bool s2s_in_answer_header(struct s2s_in *in, const struct fw_stream_header *header)
{
	struct fw_str key = { NULL, 0 };

	in->local[0] = '\0';
	in->remote[0] = '\0';
	in->old_version = !header->has_version;
	s2s_log_context(in->s2s, &in->log, in->session, header->from, header->to, false);
	in->machine.log = in->log;
	s2s_log_header(in->log, in->session, header, false);
	/* A peer may leave them out (RFC 6120 §4.7.1): dialback names both sides anyway. */
	if (header->from.len > 0 && fw_domain_key(header->from, in->remote, NULL) != FW_OK) {
		in_send_header(in, header, fw_str(NULL));
		s2s_in_close(in, FW_CAUSE_IMPROPER_ADDRESSING, "the header's from is no domain");
		return false;
	}
	if (header->to.len > 0 && (fw_domain_key(header->to, in->local, &key) != FW_OK ||
	                           !fw_domain_is_federated(in->s2s->self, key))) {
		in_send_header(in, header, fw_str(NULL)); /* RFC 6120 §4.9.1.2 and .3 */
		s2s_in_close(in, FW_CAUSE_HOST_UNKNOWN, "the header's to");
		return false;
	}
	in_send_header(in, header, header->to);
	return true;
}

void s2s_in_send_features(struct s2s_in *in)
{
	int mode = in->s2s->config->security_mode;
	bool tls = mode != FW_SECURITY_NONE && in->s2s->tls != NULL && !in->secured;
	const char *text;

	if (in->old_version) {
		return; /* RFC 6120 §4.7.5: such a peer knows no features */
	}
	in->starttls_offered = tls;
	if (tls && mode == FW_SECURITY_REQUIRED) {
		/* RFC 6120 §5.3.1: nothing else beside a mandatory STARTTLS */
		text = "<stream:features><starttls xmlns='" FW_NS_TLS
		       "'><required/></starttls></stream:features>";
	} else if (tls) {
		text = "<stream:features><starttls xmlns='" FW_NS_TLS
		       "'/><dialback xmlns='" FW_NS_DIALBACK_FEATURE
		       "'><errors/></dialback></stream:features>";
	} else {
		text = "<stream:features><dialback xmlns='" FW_NS_DIALBACK_FEATURE
		       "'><errors/></dialback></stream:features>";
	}
	fw_channel_send_text(in->channel, "%s", text);
	s2s_log_stream(in->log, in->session, true, text);
}

void s2s_in_start_tls(struct s2s_in *in)
{
	in->starttls_offered = false;
	if (in->s2s->tls == NULL) { /* a reload has taken the keys since we offered them */
		fw_channel_send_text(in->channel, "<failure xmlns='" FW_NS_TLS "'/>");
		s2s_in_close(in, FW_CAUSE_TLS_FAILED, "no certificate is configured any more");
		return;
	}
	s2s_log_stream(in->log, in->session, true, "<proceed xmlns='" FW_NS_TLS "'/>");
	fw_channel_send_text(in->channel, "<proceed xmlns='" FW_NS_TLS "'/>");
	fw_channel_start_tls(in->channel, in->s2s->tls, FW_TLS_RECEIVING, NULL);
}

/* ---- stanzas ---- */

void s2s_in_stanza(struct s2s_in *in, struct fw_stanza **stanza)
{
	enum fw_cause why = FW_CAUSE_NONE;

	s2s_log_stanza(in->log, *stanza, false);
	if (in->valid_count == 0) {
		s2s_in_close(in, FW_CAUSE_NOT_AUTHORIZED, "a stanza before any domain was proved");
		return;
	}
	const struct s2s_proof *proof = s2s_in_proof_of(in, *stanza, &why);
	if (proof == NULL) {
		s2s_in_close(in, why, "a stanza's addresses");
		return;
	}
	/* The list of domains may have changed since the proof; never a relay (RFC 6120 §10.4). */
	if (!fw_domain_is_federated(in->s2s->self, fw_str(proof->local))) {
		s2s_in_close(in, FW_CAUSE_HOST_UNKNOWN, "no longer federated");
		return;
	}
	in->stanzas++;
	s2s_count(in->s2s, S2S_COUNT_STANZAS_IN);
	fw_count(in->s2s->self, S2S_COUNT_BYTES_IN, fw_stanza_size(*stanza));
	in->last_stanza_ms = fw_now_ms(in->s2s->loop);
	fw_route(in->s2s->self, stanza); /* on an error it has given the stanza its exit */
}

void s2s_in_watch(struct s2s_in *in)
{
	uint64_t now = fw_now_ms(in->s2s->loop);
	uint64_t due = in->last_stanza_ms + in->s2s->config->idle_timeout_ms;

	fw_machine_timeout(&in->machine, due > now ? (uint32_t)(due - now) : 1);
}

/* ---- ends ---- */

void s2s_in_settled(struct s2s_in *in)
{
	if (in->counted) {
		in->counted = false;
		in->s2s->unauthenticated--;
	}
}

/* At once, without a word: who fills the table must hold no descriptor while it says goodbye. */
bool s2s_in_make_room(struct s2s *s2s)
{
	struct s2s_in *oldest = NULL;

	for (struct s2s_in *in = s2s->ins; in != NULL; in = in->next) { /* the newest is first */
		if (in->counted && in->proofs == NULL && in->checks == NULL &&
		    in->machine.state != S2S_IN_CLOSED) {
			oldest = in;
		}
	}
	if (oldest == NULL) {
		return false;
	}
	if (oldest->cause == FW_CAUSE_NONE) {
		oldest->cause = FW_CAUSE_RESOURCES;
		snprintf(oldest->detail, sizeof(oldest->detail),
		         "made room for a newer one, limit=unauthenticated_max");
	}
	s2s_in_settled(oldest);
	fw_machine_goto(&oldest->machine, S2S_IN_CLOSED);
	return true;
}

bool s2s_in_ending(const struct s2s_in *in)
{
	return in->machine.state >= S2S_IN_DRAIN;
}

bool s2s_in_up(const struct s2s_in *in)
{
	return in->machine.state == S2S_IN_UP;
}

void s2s_in_close(struct s2s_in *in, enum fw_cause cause, const char *detail)
{
	if (s2s_in_ending(in) || fw_channel_closing(in->channel)) {
		return; /* the first reason counts; the channel's own comes with closed() */
	}
	in->cause = cause;
	snprintf(in->detail, sizeof(in->detail), "%s", detail);
	fw_machine_goto(&in->machine, S2S_IN_DRAIN);
}

void s2s_in_send_footer(struct s2s_in *in)
{
	s2s_in_dialback_free(in);
	/* type='invalid' was the message; XEP-0220 §2.1.2 wants the stream closed, not an error. */
	fw_channel_close(in->channel, in->cause == FW_CAUSE_DIALBACK_INVALID
	                                      ? FW_CAUSE_DIALBACK_ERROR
	                                      : in->cause);
}

static void in_on_end(void *ctx)
{
	struct s2s_in *in = ctx;
	struct s2s *s2s = in->s2s;

	s2s_log_closed(in->log, in->cause, in->detail, fw_channel_counts(in->channel),
	               fw_now_ms(s2s->loop) - in->started_ms);
	s2s_in_free(&in);
	s2s_progress(s2s);
}

void s2s_in_finish(struct s2s_in *in)
{
	s2s_in_dialback_free(in);
	fw_defer(in->s2s->loop, &in->end_task);
}

void s2s_in_free(struct s2s_in **in_ptr)
{
	struct s2s_in *in = *in_ptr;

	if (in == NULL) {
		return;
	}
	if (in->link != NULL) {
		*in->link = in->next;
		if (in->next != NULL) {
			in->next->link = in->link;
		}
		in->s2s->in_count--;
	}
	s2s_in_settled(in);
	fw_defer_cancel(&in->end_task);
	fw_machine_stop(&in->machine);
	s2s_in_dialback_free(in);
	fw_channel_free(&in->channel);
	fw_log_free(&in->log);
	free(in);
	*in_ptr = NULL;
}

/* ---- the object ---- */

static void in_list_add(struct s2s *s2s, struct s2s_in *in)
{
	in->next = s2s->ins;
	in->link = &s2s->ins;
	if (in->next != NULL) {
		in->next->link = &in->next;
	}
	s2s->ins = in;
	s2s->in_count++;
	s2s->unauthenticated++;
	in->counted = true;
}

static int in_start(struct s2s *s2s, struct s2s_in *in, int *fd)
{
	const struct fw_stream_settings settings = {
		.content_ns = FW_NS_SERVER,
		.dialback = true,
		.limits = FW_XML_LIMITS_BEFORE_AUTH,
	};
	struct fw_str none = { NULL, 0 };
	char address[FW_ADDR_TEXT_SIZE + 16];
	int ret = s2s_log_context(s2s, &in->log, in->session, none, none, false);

	if (ret != FW_OK) {
		return ret;
	}
	ret = fw_channel_new(s2s->loop, fd, &settings, &in_channel_events, in, &in->channel);
	if (ret != FW_OK) {
		return ret;
	}
	snprintf(address, sizeof(address), "address=%s", in->address);
	s2s_log_change(in->log, "NEW", s2s_in_words[S2S_IN_HEADER], 0, address);
	in->machine.log = in->log;
	in->machine.changed = in_on_changed;
	return fw_machine_start(&in->machine, s2s_in_rows, S2S_IN_STATES, S2S_IN_HEADER, s2s->loop,
	                        in);
}

void s2s_in_accept(struct s2s *s2s, int *fd, const struct fw_addr *peer)
{
	struct s2s_in *in = calloc(1, sizeof(*in));

	if (in == NULL) {
		fw_socket_close(fd);
		return;
	}
	in->s2s = s2s;
	in->peer = *peer;
	fw_addr_text(peer, in->address);
	in->started_ms = fw_now_ms(s2s->loop);
	in->last_stanza_ms = in->started_ms;
	in->end_task.fn = in_on_end;
	in->end_task.ctx = in;
	fw_random_id(in->session);
	in_list_add(s2s, in);
	if (in_start(s2s, in, fd) != FW_OK) {
		fw_socket_close(fd);
		s2s_in_free(&in);
	}
}
