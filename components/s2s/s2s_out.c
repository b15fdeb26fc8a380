/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One outgoing stream as an object: it holds the request, the dial and the channel, moves stanzas
 * from the pair's queue to the channel, and ends in one way. When to do what is decided in
 * s2s_out_states.c.
 */
#include "components/s2s/s2s_out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Bytes that may wait in the channel; the rest stays in the pair's queue, where it can age and be
 * returned. */
enum { OUT_WINDOW = 65536 };

/* ---- events of what it holds ---- */

static void out_on_element(void *ctx, struct fw_stanza **stanza)
{
	struct s2s_out *out = ctx;

	fw_machine_send(&out->machine, S2S_OUT_EV_ELEMENT, *stanza);
}

static void out_on_opened(void *ctx, const struct fw_stream_header *header)
{
	struct s2s_out *out = ctx;

	s2s_log_header(out->log, out->session, header,
	               false); /* a second one: nobody asked for it */
}

static void out_on_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	struct s2s_out *out = ctx;
	struct s2s_out_end end = { cause, detail };

	out->channel_closed = true;
	fw_machine_send(&out->machine, S2S_OUT_EV_CLOSED, &end);
}

static void out_on_drained(void *ctx)
{
	struct s2s_out *out = ctx;

	s2s_out_pump(out);
	s2s_progress(out->s2s);
}

static const struct fw_channel_events out_channel_events = {
	.opened = out_on_opened,
	.element = out_on_element,
	.closed = out_on_closed,
	.drained = out_on_drained,
};

static void out_on_reply(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct s2s_out *out = ctx;
	struct s2s_out_reply answer = { reply, cause };

	out->request = NULL;
	fw_machine_send(&out->machine, S2S_OUT_EV_REPLY, &answer);
}

static void out_on_dialed(void *ctx, struct fw_dial_result *result)
{
	struct s2s_out *out = ctx;

	fw_machine_send(&out->machine, S2S_OUT_EV_DIALED, result);
}

static void out_on_changed(void *owner, int from, int to, uint64_t spent_us)
{
	struct s2s_out *out = owner;
	char secured[S2S_LOG_SECURED_SIZE];
	char more[512] = "";

	if (to == S2S_OUT_AUTH) {
		s2s_log_secured(secured, &out->trust);
		snprintf(more, sizeof(more),
		         "address=%s connect_us=%llu stream_us=%llu tls_us=%llu %s", out->address,
		         (unsigned long long)out->spent_us[FW_DIAL_CONNECT],
		         (unsigned long long)out->spent_us[FW_DIAL_STREAM],
		         (unsigned long long)out->spent_us[FW_DIAL_TLS], secured);
	} else if (to == S2S_OUT_CLOSED || to == S2S_OUT_DRAIN) {
		snprintf(more, sizeof(more), "cause=%s", fw_cause_row(out->cause)->name);
	}
	s2s_log_change(out->log, s2s_out_words[from], s2s_out_words[to], spent_us, more);
	s2s_progress(out->s2s);
}

/* ---- steps, called by the states ---- */

int s2s_out_ask_targets(struct s2s_out *out)
{
	return s2s_ask_targets(out->s2s, out->pair->remote, out_on_reply, out, &out->request);
}

int s2s_out_ask_key(struct s2s_out *out)
{
	return s2s_ask_key(out->s2s, out->pair->remote, out->pair->local, out->stream_id,
	                   out_on_reply, out, &out->request);
}

int s2s_out_dial(struct s2s_out *out)
{
	const struct s2s_config *config = out->s2s->config;
	struct fw_dial_settings settings = {
		.local_domain = out->pair->local,
		.remote_domain = out->pair->remote,
		.security = (enum fw_security)config->security_mode,
		.tls = out->s2s->tls,
		.limits = FW_XML_LIMITS_BEFORE_AUTH,
		.connect_timeout_ms = config->connect_timeout_ms,
		.stream_timeout_ms = config->stream_timeout_ms,
		.tls_timeout_ms = config->tls_timeout_ms,
		.log = out->log,
		.targets = out->targets.items,
		.target_count = out->targets.count,
	};

	return fw_dial_start(out->s2s->loop, &settings, out_on_dialed, out, &out->dial);
}

static void out_log_features(const struct s2s_out *out, struct fw_stanza *features)
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
	s2s_log_stream(out->log, out->session, false, text);
}

bool s2s_out_take(struct s2s_out *out, struct fw_dial_result *result)
{
	out->channel = result->channel;
	result->channel = NULL;
	fw_channel_set_owner(out->channel, &out_channel_events, out);
	if (result->target != NULL) {
		fw_addr_text(&result->target->addr, out->address);
	}
	memcpy(out->spent_us, result->spent_us, sizeof(out->spent_us));
	s2s_trust_look(out->channel, &out->trust);
	s2s_log_header(out->log, out->session, &result->header, false);
	out_log_features(out, result->features);
	out->stream_id = result->header.id.len > 0 ? fw_str_dup(result->header.id) : NULL;
	return out->stream_id != NULL;
}

void s2s_out_send_key(struct s2s_out *out, struct fw_str key)
{
	struct s2s_db db = {
		.name = "result",
		.from = fw_str(out->pair->local),
		.to = fw_str(out->pair->remote),
		.key = key,
	};

	fw_dial_cancel(&out->dial); /* it has done its work */
	s2s_db_send(out->channel, &db, out->log, out->session);
	out->key_sent = true;
}

void s2s_out_send_footer(struct s2s_out *out)
{
	fw_request_cancel(&out->request);
	/* The peer has told us that it does not take us; a stream error on top would tell it
	 * nothing. */
	fw_channel_close(out->channel, out->cause == FW_CAUSE_DIALBACK_INVALID
	                                       ? FW_CAUSE_DIALBACK_ERROR
	                                       : out->cause);
}

static uint64_t out_max(uint64_t now, uint64_t due)
{
	return due > now ? due - now : 1;
}

void s2s_out_watch(struct s2s_out *out)
{
	const struct s2s_config *config = out->s2s->config;
	uint64_t now = fw_now_ms(out->s2s->loop);
	uint64_t idle = out_max(now, out->last_stanza_ms + config->idle_timeout_ms);
	uint64_t look = config->queue_max_age_ms;

	fw_machine_timeout(&out->machine, (uint32_t)(idle < look ? idle : look));
}

/* ---- ends ---- */

static void out_begin_end(struct s2s_out *out)
{
	bool polite = out->channel != NULL && !out->channel_closed;

	if (out->machine.state < S2S_OUT_DRAIN) {
		fw_machine_goto(&out->machine, polite ? S2S_OUT_DRAIN : S2S_OUT_CLOSED);
	}
}

/* The first reason counts. A channel that ends for one of its own tells it with closed(). */
static bool out_has_reason(const struct s2s_out *out)
{
	return out->cause != FW_CAUSE_NONE ||
	       (out->channel != NULL && !out->channel_closed && fw_channel_closing(out->channel));
}

void s2s_out_fail(struct s2s_out *out, enum fw_cause cause, const char *format, ...)
{
	va_list args;

	if (out_has_reason(out)) {
		return;
	}
	out->cause = cause;
	va_start(args, format);
	vsnprintf(out->detail, sizeof(out->detail), format, args);
	va_end(args);
	s2s_count(out->s2s, S2S_COUNT_STREAMS_OUT_FAILED);
	if (out->trying) {
		out->trying = false;
		s2s_remotes_failed(out->s2s->remotes, out->pair->remote, cause, out->detail);
	}
	out_begin_end(out);
	s2s_pair_failed(out->pair, cause);
}

/* Ended in good order: what is left may go over the next stream. */
static bool out_is_clean(const struct s2s_out *out)
{
	return out->cause == FW_CAUSE_IDLE || out->cause == FW_CAUSE_PEER_CLOSED;
}

void s2s_out_lost(struct s2s_out *out, enum fw_cause cause, const char *detail)
{
	if (out_has_reason(out)) {
		return;
	}
	out->cause = cause;
	snprintf(out->detail, sizeof(out->detail), "%s", detail);
	out_begin_end(out);
	if (!out_is_clean(out)) {
		s2s_pair_failed(out->pair, cause);
	}
}

void s2s_out_close(struct s2s_out *out, enum fw_cause cause)
{
	s2s_out_lost(out, cause, "");
}

/* A peer that takes us and closes twice in a row before one stanza could go is a peer that failed.
 */
static bool out_may_go_again(struct s2s_out *out)
{
	if (!out_is_clean(out)) {
		return false;
	}
	bool sent = out->channel != NULL && fw_channel_counts(out->channel)->stanzas_out > 0;
	if (out->cause == FW_CAUSE_IDLE || sent) {
		out->pair->retried = false;
		return true;
	}
	if (out->pair->retried) {
		out->pair->retried = false;
		s2s_remotes_begin(out->s2s->remotes, out->pair->remote);
		s2s_remotes_failed(out->s2s->remotes, out->pair->remote, out->cause,
		                   "closed twice before a stanza was sent");
		s2s_pair_failed(out->pair, out->cause);
		return false;
	}
	out->pair->retried = true;
	return true;
}

static void out_on_end(void *ctx)
{
	struct s2s_out *out = ctx;
	struct s2s_pair *pair = out->pair;
	enum fw_cause cause = out->cause;
	struct s2s_waiting back = { 0 };
	bool again = out_may_go_again(out);

	s2s_log_closed(out->log, cause, out->detail,
	               out->channel != NULL ? fw_channel_counts(out->channel) : NULL,
	               fw_now_ms(out->s2s->loop) - out->started_ms);
	s2s_out_free(&out, &back);
	s2s_pair_ended(pair, &back, cause, again);
}

void s2s_out_finish(struct s2s_out *out)
{
	fw_request_cancel(&out->request);
	fw_defer(out->s2s->loop, &out->end_task);
}

void s2s_out_free(struct s2s_out **out_in, struct s2s_waiting *back)
{
	struct s2s_out *out = *out_in;
	struct fw_stanza *stanza;

	if (out == NULL) {
		return;
	}
	fw_defer_cancel(&out->end_task);
	fw_machine_stop(&out->machine);
	fw_request_cancel(&out->request);
	fw_dial_cancel(&out->dial);
	while (out->channel != NULL && (stanza = fw_channel_take_back(out->channel)) != NULL) {
		if (s2s_waiting_return(out->s2s, back, &stanza) != FW_OK) {
			s2s_count(out->s2s, S2S_COUNT_STANZAS_RETURNED);
			fw_bounce(out->s2s->self, &stanza, FW_CAUSE_RESOURCES);
		}
	}
	fw_channel_free(&out->channel);
	if (out->trying) {
		s2s_remotes_abandoned(out->s2s->remotes, out->pair->remote);
	}
	fw_log_free(&out->log);
	free(out->stream_id);
	free(out);
	*out_in = NULL;
}

/* ---- the object ---- */

int s2s_out_start(struct s2s *s2s, struct s2s_pair *pair, struct s2s_out **out_ptr)
{
	struct s2s_out *out = calloc(1, sizeof(*out));
	int ret = FW_ENOMEM;

	if (out == NULL) {
		return ret;
	}
	out->s2s = s2s;
	out->pair = pair;
	out->started_ms = fw_now_ms(s2s->loop);
	out->last_stanza_ms = out->started_ms;
	out->end_task.fn = out_on_end;
	out->end_task.ctx = out;
	fw_random_id(out->session);
	ret = s2s_log_context(s2s, &out->log, out->session, fw_str(pair->local),
	                      fw_str(pair->remote), true);
	if (ret != FW_OK) {
		goto done;
	}
	s2s_log_change(out->log, "NEW", s2s_out_words[S2S_OUT_RESOLVE], 0, "");
	out->machine.log = out->log;
	out->machine.changed = out_on_changed;
	out->trying = true;
	s2s_remotes_begin(s2s->remotes, pair->remote);
	s2s_count(s2s, S2S_COUNT_STREAMS_OUT);
	ret = fw_machine_start(&out->machine, s2s_out_rows, S2S_OUT_STATES, S2S_OUT_RESOLVE,
	                       s2s->loop, out);
done:
	if (ret != FW_OK) {
		s2s_out_free(&out, NULL);
		return ret;
	}
	*out_ptr = out;
	return FW_OK;
}

bool s2s_out_live(const struct s2s_out *out)
{
	return out->machine.state < S2S_OUT_DRAIN;
}

bool s2s_out_up(const struct s2s_out *out)
{
	return out->machine.state == S2S_OUT_UP;
}

/* The stream is up and its window is open. */
static bool out_takes(const struct s2s_out *out)
{
	size_t stanzas = 0;
	size_t bytes = 0;

	if (!s2s_out_up(out) || fw_channel_closing(out->channel)) {
		return false;
	}
	fw_channel_queued(out->channel, &stanzas, &bytes);
	return bytes < OUT_WINDOW;
}

static void out_send(struct s2s_out *out, struct fw_stanza *stanza)
{
	out->last_stanza_ms = fw_now_ms(out->s2s->loop);
	s2s_count(out->s2s, S2S_COUNT_STANZAS_OUT);
	fw_count(out->s2s->self, S2S_COUNT_BYTES_OUT, s2s_waiting_size(stanza));
	s2s_log_stanza(out->log, stanza, true);
	fw_channel_send(out->channel, &stanza);
}

bool s2s_out_send(struct s2s_out *out, struct fw_stanza **stanza)
{
	if (out->pair->waiting.stanzas > 0 || !out_takes(out)) {
		return false;
	}
	out_send(out, *stanza);
	*stanza = NULL;
	return true;
}

void s2s_out_pump(struct s2s_out *out)
{
	struct fw_stanza *stanza;

	while (out_takes(out) && (stanza = s2s_pair_next(out->pair)) != NULL) {
		out_send(out, stanza);
	}
}

bool s2s_out_empty(const struct s2s_out *out)
{
	size_t stanzas = 0;
	size_t bytes = 0;

	if (out->channel != NULL) {
		fw_channel_queued(out->channel, &stanzas, &bytes);
	}
	return bytes == 0 && out->pair->waiting.stanzas == 0;
}
