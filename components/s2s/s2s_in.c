/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A leg that a peer opened, as an object: it answers headers, offers features, starts TLS, and
 * counts among the unauthenticated until a pair is proved. When what is allowed is decided in
 * s2s_in_states.c; what happens on the open stream is in s2s_leg.c and its rooms.
 */
#include "components/s2s/s2s_in.h"
#include "components/s2s/s2s_side.h"

#include <stdio.h>
#include <stdlib.h>

#include "components/s2s/s2s_trace.h"

/* ---- events of the channel ---- */

static void in_on_opened(void *ctx, const struct fw_stream_header *header)
{
	struct s2s_leg *leg = ctx;

	fw_machine_send(&leg->machine, S2S_IN_EV_HEADER, (void *)header);
}

static void in_on_secured(void *ctx)
{
	struct s2s_leg *leg = ctx;

	leg->trust.tls = true;
	leg->bidi = false; /* what was agreed on in clear is forgotten: RFC 6120 §5.4.3.3 */
	fw_machine_send(&leg->machine, S2S_IN_EV_SECURED, NULL);
}

static const struct fw_channel_events in_channel_events = {
	.opened = in_on_opened,
	.element = s2s_leg_on_element,
	.secured = in_on_secured,
	.closed = s2s_leg_on_closed,
	.drained = s2s_leg_on_drained,
	.ended = s2s_leg_on_ended,
};

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
	fw_channel_open(in->leg.channel, ours.to, ours.from, ours.id, ours.has_version);
	s2s_log_header(in->leg.log, in->leg.session, &ours, true);
}

bool s2s_in_answer_header(struct s2s_in *in, const struct fw_stream_header *header)
{
	struct s2s_leg *leg = &in->leg;
	struct fw_str key = { NULL, 0 };
	char before[FW_DOMAIN_SIZE];

	memcpy(before, leg->remote, sizeof(before));
	leg->local[0] = '\0';
	leg->remote[0] = '\0';
	in->old_version = !header->has_version;
	s2s_features_read(NULL, header, &leg->features);
	s2s_leg_context(leg, header->from, header->to);
	s2s_log_header(leg->log, leg->session, header, false);
	/* A peer may leave them out (RFC 6120 §4.7.1): dialback names both sides anyway. */
	if (header->from.len > 0 && fw_domain_key(header->from, leg->remote, NULL) != FW_OK) {
		in_send_header(in, header, fw_str(NULL));
		s2s_leg_close(&in->leg, FW_CAUSE_IMPROPER_ADDRESSING,
		              "the header's from is no domain");
		return false;
	}
	if (in->authenticated && header->from.len == 0) {
		memcpy(leg->remote, before, sizeof(before));
	} else if (in->authenticated && strcmp(leg->remote, before) != 0) {
		in_send_header(in, header, fw_str(NULL)); /* RFC 6120 §6.4.6 */
		s2s_leg_close(&in->leg, FW_CAUSE_INVALID_FROM,
		              "the header's from is not who authenticated");
		return false;
	}
	if (s2s_side_closed(leg->s2s)) {
		in_send_header(in, header, fw_str(NULL));
		s2s_leg_close(&in->leg, FW_CAUSE_FEDERATION_OFF, "");
		return false;
	}
	if (header->to.len > 0 && (fw_domain_key(header->to, leg->local, &key) != FW_OK ||
	                           !s2s_side_plays(leg->s2s, leg->local))) {
		in_send_header(in, header, fw_str(NULL)); /* RFC 6120 §4.9.1.2 and .3 */
		s2s_leg_close(&in->leg, FW_CAUSE_HOST_UNKNOWN, "the header's to");
		return false;
	}
	in_send_header(in, header, header->to);
	return true;
}

void s2s_in_send_features(struct s2s_in *in)
{
	struct s2s *s2s = in->leg.s2s;
	const struct s2s_rules *rules = s2s_security_rules(s2s->security, in->leg.remote, S2S_IN);
	bool tls = rules->tls != S2S_TLS_OFF && s2s->tls != NULL && !in->leg.trust.tls;

	if (in->old_version) {
		return; /* RFC 6120 §4.7.5: such a peer knows no features */
	}
	in->starttls_offered = tls;
	in->starttls_required = tls && rules->tls >= S2S_TLS_REQUIRED;
	s2s_features_send(&in->leg, !tls                    ? S2S_FEATURES_NO_TLS
	                            : in->starttls_required ? S2S_FEATURES_TLS_FIRST
	                                                    : S2S_FEATURES_TLS);
}

void s2s_in_start_tls(struct s2s_in *in)
{
	in->starttls_offered = false;
	if (in->leg.s2s->tls == NULL) { /* a reload has taken the keys since we offered them */
		fw_channel_send_text(in->leg.channel, "<failure xmlns='" FW_NS_TLS "'/>");
		s2s_leg_close(&in->leg, FW_CAUSE_TLS_FAILED,
		              "no certificate is configured any more");
		return;
	}
	s2s_log_stream(in->leg.log, in->leg.session, true, "<proceed xmlns='" FW_NS_TLS "'/>");
	fw_channel_send_text(in->leg.channel, "<proceed xmlns='" FW_NS_TLS "'/>");
	const struct fw_tls_start start = {
		.side = FW_TLS_RECEIVING,
		.own_name = in->leg.local, /* chooses the certificate when SNI does not */
	};
	fw_channel_secure(in->leg.channel, in->leg.s2s->tls, &start);
}

/* ---- the unauthenticated ---- */

void s2s_in_settled(struct s2s_in *in)
{
	if (in->counted) {
		in->counted = false;
		in->leg.s2s->unauthenticated--;
	}
}

/* At once, without a word: who fills the table must hold no descriptor while it says goodbye. */
bool s2s_in_make_room(struct s2s *s2s)
{
	struct s2s_leg *oldest = NULL;

	for (struct s2s_leg *leg = s2s->ins; leg != NULL; leg = leg->next) { /* newest first */
		if (s2s_in_of(leg)->counted && leg->proofs == NULL && leg->checks == NULL &&
		    leg->machine.state != S2S_IN_CLOSED) {
			oldest = leg;
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
	s2s_in_settled(s2s_in_of(oldest));
	fw_machine_goto(&oldest->machine, S2S_IN_CLOSED);
	return true;
}

/* ---- the object ---- */

static void in_describe(const struct s2s_leg *leg, int from, int to, char *more, size_t size)
{
	char secured[S2S_LOG_SECURED_SIZE];
	struct fw_tls_shown shown;

	(void)to;
	if (from == S2S_IN_SECURE) {
		s2s_trust_look(leg->channel, leg->remote, &shown);
		snprintf(more, size, "%s", s2s_log_secured(secured, &shown));
	} else {
		snprintf(more, size, "address=%s", leg->address);
	}
}

static void in_give_up(struct s2s_leg *leg)
{
	(void)leg; /* its questions are proofs and checks: the leg's */
}

static void in_free(struct s2s_leg *leg)
{
	struct s2s_in *in = s2s_in_of(leg);

	s2s_in_settled(in);
	free(in);
}

static const struct s2s_leg_kind in_kind = {
	.rows = s2s_in_rows,
	.words = s2s_in_words,
	.count = S2S_IN_STATES,
	.up = S2S_IN_UP,
	.drain = S2S_IN_DRAIN,
	.closed = S2S_IN_CLOSED,
	.describe = in_describe,
	.give_up = in_give_up,
	.free = in_free,
};

struct s2s_in *s2s_in_of(struct s2s_leg *leg)
{
	fw_assert(leg->kind == &in_kind);
	return (struct s2s_in *)leg;
}

static int in_start(struct s2s_leg *leg, int *fd)
{
	const struct fw_stream_settings settings = {
		.content_ns = FW_NS_SERVER,
		.dialback = true,
		.limits = FW_XML_LIMITS_BEFORE_AUTH,
	};
	struct fw_str none = { NULL, 0 };
	char address[FW_ADDR_TEXT_SIZE + 16];
	int ret = s2s_leg_context(leg, none, none);

	if (ret != FW_OK) {
		return ret;
	}
	ret = fw_channel_new(leg->s2s->loop, fd, &settings, &in_channel_events, leg, &leg->channel);
	if (ret != FW_OK) {
		return ret;
	}
	if (leg->s2s->tls != NULL) { /* XEP-0368 on the same port */
		fw_channel_sniff_tls(leg->channel, leg->s2s->tls);
	}
	s2s_tap_leg(leg);
	snprintf(address, sizeof(address), "address=%s", leg->address);
	s2s_log_change(leg->log, leg->level, "NEW", s2s_in_words[S2S_IN_HEADER], 0, address);
	return s2s_leg_start(leg, S2S_IN_HEADER);
}

void s2s_in_accept(struct s2s *s2s, int *fd, const struct fw_addr *peer)
{
	struct s2s_in *in = calloc(1, sizeof(*in));

	if (in == NULL) {
		fw_socket_close(fd);
		return;
	}
	struct s2s_leg *leg = &in->leg;
	s2s_leg_init(leg, s2s, &in_kind);
	leg->peer = *peer;
	leg->stream_id = in->stream_id;
	fw_addr_text(peer, leg->address);
	in->counted = true;
	s2s->unauthenticated++;
	if (in_start(leg, fd) != FW_OK) {
		fw_socket_close(fd);
		s2s_leg_free(&leg, FW_CAUSE_RESOURCES);
	}
}
