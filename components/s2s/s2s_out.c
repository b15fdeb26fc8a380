/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A leg that we open, as an object: it holds the question to the resolver and the dial, and takes
 * over what the dial brought. When to do what is decided in s2s_out_states.c; what happens on the
 * open stream is in s2s_leg.c and its rooms.
 */
#include "components/s2s/s2s_out.h"

#include <stdio.h>
#include <stdlib.h>

#include "components/s2s/s2s_trace.h"

static void out_on_opened(void *ctx, const struct fw_stream_header *header)
{
	struct s2s_leg *leg = ctx;

	s2s_log_header(leg->log, leg->session, header, false);
	if (leg->machine.state == S2S_OUT_RESTART) { /* else nobody asked for it */
		fw_machine_send(&leg->machine, S2S_OUT_EV_HEADER, (void *)header);
	}
}

static const struct fw_channel_events out_channel_events = {
	.opened = out_on_opened,
	.element = s2s_leg_on_element,
	.closed = s2s_leg_on_closed,
	.drained = s2s_leg_on_drained,
	.ended = s2s_leg_on_ended,
};

static void out_on_reply(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct s2s_out *out = ctx;
	struct s2s_out_reply answer = { reply, cause };

	out->request = NULL;
	fw_machine_send(&out->leg.machine, S2S_OUT_EV_REPLY, &answer);
}

static void out_on_dialed(void *ctx, struct fw_dial_result *result)
{
	struct s2s_out *out = ctx;

	fw_machine_send(&out->leg.machine, S2S_OUT_EV_DIALED, result);
}

/* A target that shows a wrong certificate makes way for one that may show the right one. */
static enum fw_cause out_judge(void *ctx, const struct fw_channel *channel, char *detail,
                               size_t size)
{
	const struct s2s_out *out = ctx;
	struct s2s_verdict verdict;

	s2s_trust_channel(out->leg.s2s, channel, out->leg.remote, S2S_OUT, S2S_METHOD_NONE,
	                  &verdict);
	snprintf(detail, size, "%s", verdict.detail);
	return verdict.cause;
}

/* ---- steps, called by the states ---- */

int s2s_out_ask_targets(struct s2s_out *out)
{
	return s2s_ask_targets(out->leg.s2s, out->leg.remote, out->skip_static, out_on_reply, out,
	                       &out->request);
}

int s2s_out_dial(struct s2s_out *out)
{
	const struct s2s *s2s = out->leg.s2s;
	const struct s2s_config *config = s2s->config;
	const struct s2s_rules *rules = s2s_security_rules(s2s->security, out->leg.remote, S2S_OUT);
	struct fw_dial_settings settings = {
		.local_domain = out->leg.local,
		.remote_domain = out->leg.remote,
		.security = s2s_rules_dial(rules),
		.tls = s2s->tls,
		.limits = FW_XML_LIMITS_BEFORE_AUTH,
		.connect_timeout_ms = config->connect_timeout_ms,
		.stream_timeout_ms = config->stream_timeout_ms,
		.tls_timeout_ms = config->tls_timeout_ms,
		.attempt_delay_ms = config->attempt_delay_ms,
		.judge = out_judge,
		.log = out->leg.log,
		.quiet = out->leg.level == FW_LOG_DEBUG,
		.targets = out->targets.items,
		.target_count = out->targets.count,
		.tap = s2s_tap_wanted(out->leg.s2s),
		.tap_ctx = &out->leg,
	};

	const struct s2s_domain_row *row =
	        s2s_security_row(s2s->security, out->leg.remote, S2S_OUT);
	bool own = row != NULL && row->source_addresses.count > 0;
	int ret = fw_sources_parse(own ? &row->source_addresses : &config->source_addresses,
	                           settings.sources, NULL);

	fw_assert(ret == FW_OK); /* what was checked parses */
	return fw_dial_start(out->leg.s2s->loop, &settings, out_on_dialed, out, &out->dial);
}

static void out_log_features(const struct s2s_leg *leg, struct fw_stanza *features)
{
	char text[512] = "<stream:features>";
	char name[64];
	size_t used = strlen(text);

	if (features == NULL) {
		return;
	}
	for (struct fw_elem *elem = fw_elem_first(fw_stanza_root(features));
	     elem != NULL && used < sizeof(text) - 100; elem = fw_elem_next(elem)) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "<%s/>",
		                         fw_quote(fw_elem_name(elem), name, sizeof(name)));
	}
	snprintf(text + used, sizeof(text) - used, "</stream:features>");
	s2s_log_stream(leg->log, leg->session, false, text);
}

bool s2s_out_take(struct s2s_out *out, struct fw_dial_result *result)
{
	struct s2s_leg *leg = &out->leg;

	leg->channel = result->channel;
	result->channel = NULL;
	fw_channel_set_owner(leg->channel, &out_channel_events, leg);
	s2s_tap_leg(leg);
	if (result->target != NULL) {
		leg->peer = result->target->addr;
		fw_addr_text(&leg->peer, leg->address);
	}
	memcpy(out->spent_us, result->spent_us, sizeof(out->spent_us));
	leg->trust.tls = fw_channel_tls(leg->channel) != NULL;
	s2s_log_header(leg->log, leg->session, &result->header, false);
	out_log_features(leg, result->features);
	s2s_features_read(result->features, &result->header, &leg->features);
	out->stream_id = result->header.id.len > 0 ? fw_str_dup(result->header.id) : NULL;
	leg->stream_id = out->stream_id;
	return out->stream_id != NULL;
}

void s2s_out_open_again(struct s2s_out *out)
{
	struct s2s_leg *leg = &out->leg;
	char to[FW_DOMAIN_TEXT_SIZE], from[FW_DOMAIN_TEXT_SIZE];
	const struct fw_stream_header ours = {
		.to = fw_str(fw_domain_text(leg->remote, to)),
		.from = fw_str(fw_domain_text(leg->local, from)),
		.has_version = true,
		.has_dialback = true,
	};

	out->header_in = false;
	fw_channel_open(leg->channel, ours.to, ours.from, fw_str(NULL), true);
	s2s_log_header(leg->log, leg->session, &ours, true);
}

bool s2s_out_header_again(struct s2s_out *out, const struct fw_stream_header *header)
{
	char *id = header->id.len > 0 ? fw_str_dup(header->id) : NULL;

	if (id == NULL) {
		return false;
	}
	free(out->stream_id);
	out->stream_id = id;
	out->leg.stream_id = id;
	out->header_in = true;
	out->has_dialback = header->has_dialback;
	return true;
}

void s2s_out_features_again(struct s2s_out *out, struct fw_stanza *features)
{
	const struct fw_stream_header header = { .has_version = true,
		                                 .has_dialback = out->has_dialback };

	out_log_features(&out->leg, features);
	s2s_features_read(features, &header, &out->leg.features);
}

/* ---- the object ---- */

static void out_describe(const struct s2s_leg *leg, int from, int to, char *more, size_t size)
{
	const struct s2s_out *out = (const struct s2s_out *)leg;
	char secured[S2S_LOG_SECURED_SIZE];
	struct fw_tls_shown shown;

	(void)from;
	if (to == S2S_OUT_AUTH) {
		s2s_trust_look(leg->channel, leg->remote, &shown);
		s2s_log_secured(secured, &shown);
		snprintf(more, size, "address=%s connect_us=%llu stream_us=%llu tls_us=%llu %s",
		         leg->address, (unsigned long long)out->spent_us[FW_DIAL_CONNECT],
		         (unsigned long long)out->spent_us[FW_DIAL_STREAM],
		         (unsigned long long)out->spent_us[FW_DIAL_TLS], secured);
	}
}

static void out_give_up(struct s2s_leg *leg)
{
	fw_request_cancel(&s2s_out_of(leg)->request);
	s2s_egress_leave(leg->s2s->egress, &s2s_out_of(leg)->slot);
}

static void out_free(struct s2s_leg *leg)
{
	struct s2s_out *out = s2s_out_of(leg);

	fw_dial_cancel(&out->dial);
	free(out->stream_id);
	free(out);
}

static const struct s2s_leg_kind out_kind = {
	.out = true,
	.rows = s2s_out_rows,
	.words = s2s_out_words,
	.count = S2S_OUT_STATES,
	.up = S2S_OUT_UP,
	.drain = S2S_OUT_DRAIN,
	.closed = S2S_OUT_CLOSED,
	.describe = out_describe,
	.give_up = out_give_up,
	.free = out_free,
};

struct s2s_out *s2s_out_of(struct s2s_leg *leg)
{
	fw_assert(leg->kind == &out_kind);
	return (struct s2s_out *)leg;
}

bool s2s_out_waits(const struct s2s_leg *leg)
{
	return leg->kind == &out_kind && leg->machine.state == S2S_OUT_WAIT;
}

static void out_on_turn(void *ctx)
{
	struct s2s_out *out = ctx;

	fw_machine_send(&out->leg.machine, S2S_OUT_EV_TURN, NULL);
}

int s2s_out_start(struct s2s *s2s, struct s2s_pair *pair)
{
	struct s2s_out *out = calloc(1, sizeof(*out));
	struct s2s_leg *leg = &out->leg;
	int ret = FW_ENOMEM;

	if (out == NULL) {
		return ret;
	}
	s2s_leg_init(leg, s2s, &out_kind);
	memcpy(leg->local, pair->local, sizeof(leg->local));
	memcpy(leg->remote, pair->remote, sizeof(leg->remote));
	if (s2s_remotes_is_failing(s2s->remotes, leg->remote)) {
		leg->level = FW_LOG_DEBUG;
	}
	ret = s2s_leg_context(leg, fw_str(pair->local), fw_str(pair->remote));
	if (ret != FW_OK) {
		goto done;
	}
	ret = s2s_claims_add(leg, pair);
	if (ret != FW_OK) {
		goto done;
	}
	out->slot.turn = out_on_turn;
	out->slot.ctx = out;
	enum s2s_out_state first = S2S_OUT_RESOLVE;
	if (!s2s_egress_enter(s2s->egress, &out->slot, leg->remote)) {
		first = S2S_OUT_WAIT;
		s2s_count(s2s, S2S_COUNT_STREAMS_OUT_WAITED);
	}
	s2s_log_change(leg->log, leg->level, "NEW", s2s_out_words[first], 0, "");
	ret = out->slot.remote != NULL ? s2s_leg_start(leg, first) : FW_ENOMEM;
done:
	if (ret != FW_OK) {
		if (pair->claim != NULL) {
			s2s_claims_drop(&pair->claim);
		}
		s2s_leg_free(&leg, FW_CAUSE_RESOURCES);
	}
	return ret;
}
