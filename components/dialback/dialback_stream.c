/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One stream to the authoritative server of a domain: look-up, dial, questions, and the end. It
 * serves several verifications side by side and one after the other, always for the same remote
 * domain; with verify_keep_ms = 0 each has a stream of its own. What an answer means is for
 * dialback_verify.c.
 */
#include "components/dialback/dialback_stream.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/json.h>

#define RESOLVER_NS "urn:fedway:resolver:1"

static struct fw_logger stream_logger = FW_LOGGER("DBVerify");

enum stream_phase { STREAM_RESOLVE, STREAM_DIAL, STREAM_OPEN, STREAM_CLOSING };

struct dialback_stream {
	struct dialback_stream *next, **link;
	struct dialback *dialback;
	enum stream_phase phase;
	char local[FW_DOMAIN_SIZE], remote[FW_DOMAIN_SIZE]; /* of the header */
	char xcoder[DIALBACK_XCODER_SIZE];
	char *asks; /* of the server's TLS, as text; only verifications that ask the same ride here
	             */
	struct fw_log *log;
	struct fw_timer *timer; /* until nobody else may begin here */
	struct fw_request *resolving;
	struct fw_dial *dial;
	struct fw_channel *channel;
	struct dialback_verify *riders;
	uint64_t begun_us;
	bool retired;      /* nobody else begins here */
	bool is_static;    /* targets come from static routes */
	bool fallback_dns; /* which may be given up for what DNS says */
	bool skip_static;  /* and have been */
};

/* ---- the end ---- */

static void stream_free(struct dialback_stream *stream)
{
	fw_assert(stream->riders == NULL);
	if (stream->link != NULL) {
		*stream->link = stream->next;
		if (stream->next != NULL) {
			stream->next->link = stream->link;
		}
	}
	fw_request_cancel(&stream->resolving);
	fw_dial_cancel(&stream->dial);
	fw_channel_free(&stream->channel);
	fw_timer_free(&stream->timer);
	fw_log_free(&stream->log);
	free(stream->asks);
	free(stream);
}

/* Closes it in good order, or frees it at once when there is no channel. */
static void stream_close(struct dialback_stream *stream)
{
	fw_timer_stop(stream->timer);
	if (stream->channel == NULL) {
		stream_free(stream);
	} else if (stream->phase != STREAM_CLOSING) {
		stream->phase = STREAM_CLOSING;
		fw_log(stream->log, &stream_logger, FW_LOG_INFO, "%s",
		       fw_cause_row(FW_CAUSE_VERIFY_DONE)->text);
		fw_channel_close(stream->channel, FW_CAUSE_VERIFY_DONE);
	}
}

/* It is gone; who rides on it is told, and may begin another one at once. */
static void stream_failed(struct dialback_stream *stream, enum fw_cause cause, const char *detail)
{
	struct dialback_verify *riders = stream->riders;

	stream->retired = true;
	stream->riders = NULL;
	for (struct dialback_verify *verify = riders; verify != NULL; verify = verify->beside) {
		verify->phase = dialback_stream_phase(verify);
		verify->stream = NULL;
	}
	while (riders != NULL) {
		struct dialback_verify *verify = riders;
		riders = verify->beside;
		dialback_verify_failed(verify, cause, detail);
	}
	stream_free(stream);
}

/* Its time is over: what DNS says may be new by now. */
static void stream_on_timer(void *ctx)
{
	struct dialback_stream *stream = ctx;

	stream->retired = true;
	if (stream->riders == NULL) {
		stream_close(stream);
	}
}

/* ---- the channel ---- */

static void stream_on_element(void *ctx, struct fw_stanza **stanza)
{
	struct dialback_stream *stream = ctx;
	const char *ignored = "nothing was asked";
	struct dialback_verify *verify = stream->riders;
	char name[64];

	if (!fw_str_is(fw_stanza_ns(*stanza), FW_NS_DIALBACK)) {
		fw_log(stream->log, &stream_logger, FW_LOG_DEBUG,
		       "ignored an element that is not of dialback name=%s",
		       fw_quote(fw_stanza_name(*stanza), name, sizeof(name)));
		return;
	}
	while (ignored != NULL && verify != NULL) {
		struct dialback_verify *beside = verify->beside; /* the one that is answered goes */
		ignored = dialback_verify_answer(verify, *stanza);
		verify = beside;
	}
	if (ignored != NULL) { /* XEP-0220 §2.2.1: dropped, the stream goes on */
		dialback_log_received(stream->log, stream->xcoder, *stanza, ignored);
	}
}

static void stream_on_opened(void *ctx, const struct fw_stream_header *header)
{
	(void)ctx; /* a second header: the dial has taken the one that counts */
	(void)header;
}

static void stream_on_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	struct dialback_stream *stream = ctx;
	char text[192];

	fw_channel_free(&stream->channel);
	if (stream->riders == NULL) {
		fw_log(stream->log, &stream_logger, FW_LOG_DEBUG, "%s is gone cause=%s",
		       stream->phase == STREAM_CLOSING ? "closed stream" : "kept stream",
		       fw_cause_row(cause)->name);
	}
	snprintf(text, sizeof(text), "the stream ended without an answer: %s %s",
	         fw_cause_row(cause)->name, detail);
	stream_failed(stream, FW_CAUSE_DIALBACK_ERROR, text);
}

static const struct fw_channel_events stream_events = {
	.opened = stream_on_opened,
	.element = stream_on_element,
	.closed = stream_on_closed,
};

/* ---- before the channel ---- */

static int stream_resolve(struct dialback_stream *stream);

static void stream_not_dialled(struct dialback_stream *stream, const struct fw_dial_result *result)
{
	bool unreachable = result->cause == FW_CAUSE_CONNECT_FAILED ||
	                   result->cause == FW_CAUSE_CONNECT_TIMEOUT;
	bool fall_back = unreachable && stream->is_static && stream->fallback_dns;

	if (fall_back) {
		stream->skip_static = true;
		stream->phase = STREAM_RESOLVE;
		fw_dial_cancel(&stream->dial);
	}
	if (!fall_back || stream_resolve(stream) != FW_OK) {
		stream_failed(stream,
		              unreachable && stream->is_static ? FW_CAUSE_STATIC_FAILED
		                                               : result->cause,
		              result->detail);
	}
}

static void stream_on_dialled(void *ctx, struct fw_dial_result *result)
{
	struct dialback_stream *stream = ctx;
	char addr[FW_ADDR_TEXT_SIZE];

	if (result->cause != FW_CAUSE_NONE) {
		stream_not_dialled(stream, result);
		return;
	}
	stream->channel = result->channel;
	result->channel = NULL;
	fw_channel_set_owner(stream->channel, &stream_events, stream);
	fw_log(stream->log, &stream_logger, FW_LOG_INFO,
	       "stream for dialback only host=%s addr=%s tls=%s CONNECT:%.6f STREAM:%.6f TLS:%.6f",
	       result->target->host, fw_addr_text(&result->target->addr, addr),
	       fw_channel_tls(stream->channel) != NULL ? "yes" : "no",
	       (double)result->spent_us[FW_DIAL_CONNECT] / 1e6,
	       (double)result->spent_us[FW_DIAL_STREAM] / 1e6,
	       (double)result->spent_us[FW_DIAL_TLS] / 1e6);
	stream->phase = STREAM_OPEN;
	if (stream->dialback->config->verify_keep_ms > 0) {
		fw_timer_start_ms(stream->timer, stream->dialback->config->verify_keep_ms, 0);
	}
	for (struct dialback_verify *verify = stream->riders; verify != NULL;
	     verify = verify->beside) {
		dialback_verify_ready(verify);
	}
}

/* What S2S asks of the server for this domain, over what the options ask of all. The text was
 * checked when it came. */
static void stream_rules(const struct dialback_stream *stream, struct fw_tls_rules *out,
                         char pins[FW_TLS_PINS_MAX][FW_TLS_PIN_SIZE])
{
	int ret = fw_tls_rules_read(fw_str(stream->asks), out, pins);

	fw_assert(ret == FW_OK);
}

static enum fw_cause stream_judge(void *ctx, const struct fw_channel *channel, char *detail,
                                  size_t size)
{
	const struct dialback_stream *stream = ctx;
	char pins[FW_TLS_PINS_MAX][FW_TLS_PIN_SIZE];
	struct fw_tls_rules rules;
	struct fw_tls_shown shown;

	stream_rules(stream, &rules, pins);
	fw_tls_look(fw_channel_tls(channel), stream->remote, &shown);
	enum fw_cause cause = fw_tls_judge(&rules, &shown);
	fw_tls_judge_words(cause, &shown, detail, size);
	return cause;
}

static enum fw_security stream_security(const struct dialback_stream *stream)
{
	char pins[FW_TLS_PINS_MAX][FW_TLS_PIN_SIZE];
	struct fw_tls_rules rules;

	stream_rules(stream, &rules, pins);
	return rules.required ? FW_SECURITY_REQUIRED
	                      : (enum fw_security)stream->dialback->config->security_mode;
}

static int stream_dial(struct dialback_stream *stream, const struct fw_target *targets,
                       size_t count)
{
	struct dialback *dialback = stream->dialback;
	struct fw_dial_settings settings = {
		.local_domain = stream->local,
		.remote_domain = stream->remote,
		.security = stream_security(stream),
		.tls = dialback->tls,
		.limits = FW_XML_LIMITS_BEFORE_AUTH,
		.connect_timeout_ms = dialback->config->connect_timeout_ms,
		.stream_timeout_ms = dialback->config->stream_timeout_ms,
		.tls_timeout_ms = dialback->config->tls_timeout_ms,
		.attempt_delay_ms = dialback->config->attempt_delay_ms,
		.judge = stream_judge,
		.log = stream->log,
		.targets = targets,
		.target_count = count,
	};

	int ret = fw_sources_parse(&dialback->config->source_addresses, settings.sources, NULL);
	fw_assert(ret == FW_OK); /* what was checked parses */
	stream->phase = STREAM_DIAL;
	return fw_dial_start(dialback->loop, &settings, stream_on_dialled, stream, &stream->dial);
}

static void stream_on_targets(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct dialback_stream *stream = ctx;
	struct fw_target *targets = NULL;

	stream->resolving = NULL;
	if (stream->dialback->tls == NULL && stream_security(stream) == FW_SECURITY_REQUIRED) {
		stream_failed(
		        stream, FW_CAUSE_TLS_REQUIRED,
		        "the row of the domain requires TLS, and security_mode here is no-tls");
		return;
	}
	if (cause != FW_CAUSE_NONE) {
		bool silent = cause == FW_CAUSE_REQUEST_TIMEOUT;
		stream_failed(stream, silent ? FW_CAUSE_DNS_FAILED : cause,
		              "no targets from the resolver");
		return;
	}
	struct fw_elem *list = fw_elem_find(fw_stanza_root(reply), "targets", RESOLVER_NS);
	targets = calloc(FW_TARGETS_MAX, sizeof(*targets));
	if (targets == NULL) {
		stream_failed(stream, FW_CAUSE_RESOURCES, "");
		return;
	}
	size_t count = fw_targets_read(list, targets, FW_TARGETS_MAX);
	stream->is_static = list != NULL && fw_str_is(fw_elem_attr(list, "source"), "static");
	stream->fallback_dns = list != NULL && fw_str_is(fw_elem_attr(list, "fallback"), "dns");
	int ret = count > 0 ? stream_dial(stream, targets, count) : FW_ENOENT;
	free(targets);
	if (ret == FW_ENOENT) {
		stream_failed(stream, FW_CAUSE_DNS_NOT_FOUND, "the resolver named no target");
	} else if (ret != FW_OK) {
		stream_failed(stream, FW_CAUSE_RESOURCES, fw_strerror(ret));
	}
}

static int stream_resolve(struct dialback_stream *stream)
{
	struct dialback *dialback = stream->dialback;
	struct fw_stanza *iq = NULL;
	struct fw_elem *ask = NULL;

	if (fw_stanza_new("iq", NULL, &iq) == FW_OK &&
	    fw_stanza_set(iq, "type", fw_str("get")) == FW_OK) {
		ask = fw_elem_add(fw_stanza_root(iq), "resolve", RESOLVER_NS);
	}
	if (ask == NULL || fw_elem_set(ask, "domain", fw_str(stream->remote)) != FW_OK ||
	    (stream->skip_static && fw_elem_set(ask, "skip", fw_str("static")) != FW_OK)) {
		fw_stanza_free(&iq);
		return FW_ENOMEM;
	}
	return fw_request(dialback->self, "resolver", &iq, dialback->config->timeout_ms,
	                  stream_on_targets, stream, &stream->resolving);
}

static int stream_new(struct dialback_verify *verify, struct dialback_stream **out)
{
	struct dialback *dialback = verify->dialback;
	struct dialback_stream *stream = calloc(1, sizeof(*stream));

	if (stream == NULL) {
		return FW_ENOMEM;
	}
	stream->dialback = dialback;
	stream->begun_us = fw_now_us(dialback->loop);
	memcpy(stream->local, verify->receiving, sizeof(stream->local));
	memcpy(stream->remote, verify->originating, sizeof(stream->remote));
	memcpy(stream->xcoder, verify->xcoder, sizeof(stream->xcoder));
	stream->asks = fw_str_dup(fw_str(verify->asks));
	if (stream->asks == NULL ||
	    fw_timer_new(dialback->loop, stream_on_timer, stream, &stream->timer) != FW_OK ||
	    fw_log_child(fw_self_log(dialback->self), &stream->log, "(%s, %s:%s, OUT)",
	                 verify->xcoder, stream->local, stream->remote) != FW_OK ||
	    stream_resolve(stream) != FW_OK) {
		stream_free(stream);
		return FW_ENOMEM;
	}
	stream->next = dialback->streams;
	stream->link = &dialback->streams;
	if (stream->next != NULL) {
		stream->next->link = &stream->next;
	}
	dialback->streams = stream;
	*out = stream;
	return FW_OK;
}

/* ---- riders ---- */

/* An answer names pair and id, not the key: of two questions that differ in the key alone nobody
 * could tell which one it answers. */
static bool stream_suits(const struct dialback_stream *stream, const struct dialback_verify *verify)
{
	const struct dialback_verify *rider = stream->riders;

	if (stream->retired || stream->phase == STREAM_CLOSING ||
	    (stream->channel != NULL && fw_channel_closing(stream->channel)) ||
	    strcmp(stream->remote, verify->originating) != 0 ||
	    strcmp(stream->asks, verify->asks) != 0) {
		return false;
	}
	while (rider != NULL && (strcmp(rider->id, verify->id) != 0 ||
	                         strcmp(rider->receiving, verify->receiving) != 0)) {
		rider = rider->beside;
	}
	return rider == NULL;
}

static struct dialback_stream *stream_find(const struct dialback_verify *verify)
{
	struct dialback_stream *stream = verify->dialback->streams;

	if (verify->dialback->config->verify_keep_ms == 0 || verify->retried) {
		return NULL;
	}
	while (stream != NULL && !stream_suits(stream, verify)) {
		stream = stream->next;
	}
	return stream;
}

int dialback_stream_join(struct dialback_verify *verify)
{
	struct dialback_stream *stream = stream_find(verify);

	verify->reused = stream != NULL && stream->phase == STREAM_OPEN;
	if (stream == NULL && stream_new(verify, &stream) != FW_OK) {
		return FW_ENOMEM;
	}
	verify->stream = stream;
	verify->beside = stream->riders;
	stream->riders = verify;
	if (verify->reused) {
		fw_count(verify->dialback->self, DIALBACK_COUNT_STREAMS_REUSED, 1);
		dialback_verify_ready(verify);
	}
	return FW_OK;
}

/* So many are kept at most; the oldest of those that nobody uses goes. */
static void streams_trim(struct dialback *dialback)
{
	struct dialback_stream *oldest = NULL;
	uint32_t kept = 0;

	for (struct dialback_stream *stream = dialback->streams; stream != NULL;
	     stream = stream->next) {
		if (stream->riders == NULL && stream->phase == STREAM_OPEN) {
			kept++;
			oldest = stream; /* the newest is first */
		}
	}
	if (kept > dialback->config->verify_keep_max) {
		stream_close(oldest);
	}
}

void dialback_stream_leave(struct dialback_verify *verify, bool retire)
{
	struct dialback_stream *stream = verify->stream;

	if (stream == NULL) {
		return;
	}
	struct dialback_verify **link = &stream->riders;
	while (*link != verify) {
		link = &(*link)->beside;
	}
	*link = verify->beside;
	verify->stream = NULL;
	stream->retired = stream->retired || retire;
	if (stream->riders != NULL) {
		return;
	}
	if (stream->phase == STREAM_OPEN && !stream->retired && fw_timer_running(stream->timer) &&
	    !verify->dialback->draining) {
		streams_trim(verify->dialback);
	} else {
		stream_close(stream);
	}
}

void dialback_stream_send(struct dialback_verify *verify, const char *id, const char *key)
{
	char from[FW_DOMAIN_TEXT_SIZE], to[FW_DOMAIN_TEXT_SIZE];

	fw_channel_send_text(verify->stream->channel,
	                     "<db:verify from='%s' to='%s' id='%s'>%s</db:verify>",
	                     fw_domain_text(verify->receiving, from),
	                     fw_domain_text(verify->originating, to), id, key);
}

const char *dialback_stream_phase(const struct dialback_verify *verify)
{
	static const char *const names[] = { "resolve", "dial", "asked", "closing" };

	return verify->stream != NULL ? names[verify->stream->phase] : verify->phase;
}

/* ---- all of them ---- */

void dialback_streams_retire(struct dialback *dialback)
{
	struct dialback_stream *next;

	for (struct dialback_stream *stream = dialback->streams; stream != NULL; stream = next) {
		next = stream->next;
		stream->retired = true;
		if (stream->riders == NULL) {
			stream_close(stream);
		}
	}
}

void dialback_streams_free(struct dialback *dialback)
{
	while (dialback->streams != NULL) {
		stream_free(dialback->streams);
	}
}

void dialback_stream_report(const struct dialback_verify *verify, struct fw_json *out)
{
	const struct dialback_stream *stream = verify->stream;
	char addr[FW_ADDR_TEXT_SIZE];

	if (stream != NULL && stream->channel != NULL) {
		fw_json_set(out, "address",
		            fw_str(fw_addr_text(fw_channel_peer(stream->channel), addr)));
		fw_json_set_bool(out, "tls", fw_channel_tls(stream->channel) != NULL);
	}
}

void dialback_streams_report(const struct dialback *dialback, struct fw_json *streams)
{
	uint64_t now_us = fw_now_us(dialback->loop);
	char addr[FW_ADDR_TEXT_SIZE];

	for (const struct dialback_stream *stream = dialback->streams; stream != NULL;
	     stream = stream->next) {
		if (stream->riders != NULL || stream->channel == NULL) {
			continue;
		}
		struct fw_json *row = fw_json_append_object(streams);
		fw_json_set(row, "session", fw_str(stream->xcoder));
		fw_json_set(row, "kind", fw_str("verify"));
		fw_json_set(row, "direction", fw_str("out"));
		fw_json_set(row, "local", fw_str(stream->local));
		fw_json_set(row, "remote", fw_str(stream->remote));
		fw_json_set(row, "state",
		            fw_str(stream->phase == STREAM_OPEN ? "kept" : "closing"));
		fw_json_set_int(row, "age_ms", (int64_t)((now_us - stream->begun_us) / 1000));
		fw_json_set(row, "address",
		            fw_str(fw_addr_text(fw_channel_peer(stream->channel), addr)));
		fw_json_set_bool(row, "tls", fw_channel_tls(stream->channel) != NULL);
	}
}
