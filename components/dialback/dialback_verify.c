/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One verification as receiving server (XEP-0220 §2.1.2): find the authoritative server of the
 * originating domain, open a stream of its own to it, ask, answer who asked, close. An answer
 * counts only on that stream, only for the pair and id that were asked, and only once; all else is
 * logged and ignored. Called by dialback.c.
 */
#include "components/dialback/dialback.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/json.h>

#include "components/dialback/dialback_log.h"

#define RESOLVER_NS "urn:fedway:resolver:1"

static struct fw_logger verify_logger = FW_LOGGER("DBVerify");

enum verify_phase { VERIFY_RESOLVE, VERIFY_DIAL, VERIFY_ASKED, VERIFY_CLOSING };
static const char *const phase_names[] = { "resolve", "dial", "asked", "closing" };

struct verify_waiter {
	struct verify_waiter *next;
	struct fw_stanza *request;
};

struct dialback_verify {
	struct dialback_verify *next, **link;
	struct dialback *dialback;
	enum verify_phase phase;
	char receiving[FW_DOMAIN_SIZE], originating[FW_DOMAIN_SIZE];
	char *id, *key;
	char xcoder[DIALBACK_XCODER_SIZE];
	struct verify_waiter *waiters;
	struct fw_log *log;
	struct fw_timer *timer;
	struct fw_request *resolving;
	struct fw_dial *dial;
	struct fw_channel *channel;
	uint64_t begun_us;
	bool is_static; /* targets come from static routes */
};

/* ---- life ---- */

static void verify_free(struct dialback_verify *verify)
{
	if (verify->link != NULL) {
		*verify->link = verify->next;
		if (verify->next != NULL) {
			verify->next->link = verify->link;
		}
	}
	fw_request_cancel(&verify->resolving);
	fw_dial_cancel(&verify->dial);
	fw_channel_free(&verify->channel);
	fw_timer_free(&verify->timer);
	fw_log_free(&verify->log);
	free(verify->id);
	free(verify->key);
	free(verify);
}

static struct verify_waiter *verify_take_waiters(struct dialback_verify *verify)
{
	struct verify_waiter *waiters = verify->waiters;

	verify->waiters = NULL;
	if (verify->phase != VERIFY_CLOSING) {
		verify->phase = VERIFY_CLOSING;
		verify->dialback->pending--;
	}
	return waiters;
}

/* Tells all who wait. `type` NULL: an error with this cause. Answers may bring new requests. */
static void tell_waiters(struct dialback *dialback, struct verify_waiter *waiters, const char *type,
                         enum fw_cause cause)
{
	while (waiters != NULL) {
		struct verify_waiter *waiter = waiters;
		waiters = waiter->next;
		if (type != NULL) {
			dialback_answer(dialback, &waiter->request, "verify", type, fw_str(""));
		} else {
			dialback_refuse(dialback, &waiter->request, cause);
		}
		free(waiter);
	}
	if (dialback->draining && dialback->pending == 0) {
		fw_self_drained(dialback->self);
	}
}

/* Closes the stream, or frees at once when there is none; the object is not to be used after it. */
static void verify_close(struct dialback_verify *verify)
{
	fw_timer_stop(verify->timer);
	if (verify->channel == NULL) {
		verify_free(verify);
		return;
	}
	fw_log(verify->log, &verify_logger, FW_LOG_INFO, "%s",
	       fw_cause_row(FW_CAUSE_VERIFY_DONE)->text);
	fw_channel_close(verify->channel, FW_CAUSE_VERIFY_DONE);
}

static enum dialback_count verify_counter(const char *type, enum fw_cause cause)
{
	if (type != NULL) {
		return strcmp(type, "valid") == 0 ? DIALBACK_COUNT_VERIFIED_VALID
		                                  : DIALBACK_COUNT_VERIFIED_INVALID;
	}
	return cause == FW_CAUSE_DIALBACK_TIMEOUT ? DIALBACK_COUNT_VERIFIED_TIMEOUT
	                                          : DIALBACK_COUNT_VERIFIED_ERROR;
}

/* The one end of a verification: `type` is valid, invalid, or NULL for an error with a cause. */
static void verify_end(struct dialback_verify *verify, const char *type, enum fw_cause cause,
                       const char *detail)
{
	struct dialback *dialback = verify->dialback;
	double spent_s = (double)(fw_now_us(dialback->loop) - verify->begun_us) / 1e6;
	char quoted[256];

	if (type != NULL) {
		fw_log(verify->log, &verify_logger, FW_LOG_INFO, "verified result=%s time=%.6f",
		       type, spent_s);
	} else {
		fw_log(verify->log, &verify_logger, FW_LOG_WARNING,
		       "not verified cause=%s phase=%s detail='%s' time=%.6f",
		       fw_cause_row(cause)->name, phase_names[verify->phase],
		       fw_quote(fw_str(detail), quoted, sizeof(quoted)), spent_s);
	}
	fw_count(dialback->self, verify_counter(type, cause), 1);
	struct verify_waiter *waiters = verify_take_waiters(verify);
	verify_close(verify);
	tell_waiters(dialback, waiters, type, cause);
}

static void verify_on_timer(void *ctx)
{
	struct dialback_verify *verify = ctx;
	verify_end(verify, NULL, FW_CAUSE_DIALBACK_TIMEOUT, phase_names[verify->phase]);
}

/* ---- the stream ---- */

/* Is this the answer to what was asked? */
static bool is_our_answer(const struct dialback_verify *verify, const struct fw_stanza *stanza)
{
	return verify->phase == VERIFY_ASKED &&
	       fw_domain_eq(fw_stanza_from(stanza), fw_str(verify->originating)) &&
	       fw_domain_eq(fw_stanza_to(stanza), fw_str(verify->receiving)) &&
	       fw_str_is(fw_stanza_id(stanza), verify->id);
}

static void verify_on_element(void *ctx, struct fw_stanza **stanza)
{
	struct dialback_verify *verify = ctx;
	struct fw_str type = fw_stanza_type(*stanza);
	const char *ignored = NULL;
	char name[64];

	if (!fw_str_is(fw_stanza_ns(*stanza), FW_NS_DIALBACK)) {
		fw_log(verify->log, &verify_logger, FW_LOG_DEBUG,
		       "ignored an element that is not of dialback name=%s",
		       fw_quote(fw_stanza_name(*stanza), name, sizeof(name)));
		return;
	}
	if (!fw_str_is(fw_stanza_name(*stanza), "verify")) {
		ignored = "not a db:verify";
	} else if (!is_our_answer(verify, *stanza)) {
		ignored =
		        verify->phase == VERIFY_ASKED ? "not what was asked" : "nothing was asked";
	} else if (!fw_str_is(type, "valid") && !fw_str_is(type, "invalid") &&
	           !fw_str_is(type, "error")) {
		ignored = "unknown type";
	}
	dialback_log_received(verify->log, verify->xcoder, *stanza, ignored);
	if (ignored != NULL) { /* XEP-0220 §2.2.1: dropped, the stream goes on */
		return;
	}
	if (fw_str_is(type, "error")) {
		char condition[64];
		dialback_error_condition(*stanza, condition, sizeof(condition));
		verify_end(verify, NULL, FW_CAUSE_DIALBACK_ERROR, condition);
	} else {
		verify_end(verify, fw_str_is(type, "valid") ? "valid" : "invalid", FW_CAUSE_NONE,
		           "");
	}
}

static void verify_on_opened(void *ctx, const struct fw_stream_header *header)
{
	(void)ctx; /* a second header: the dial has taken the one that counts */
	(void)header;
}

static void verify_on_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	struct dialback_verify *verify = ctx;
	char text[192];

	fw_channel_free(&verify->channel);
	if (verify->phase == VERIFY_CLOSING) {
		fw_log(verify->log, &verify_logger, FW_LOG_DEBUG, "stream ended cause=%s",
		       fw_cause_row(cause)->name);
		verify_free(verify);
		return;
	}
	snprintf(text, sizeof(text), "the stream ended without an answer: %s %s",
	         fw_cause_row(cause)->name, detail);
	verify_end(verify, NULL, FW_CAUSE_DIALBACK_ERROR, text);
}

static const struct fw_channel_events verify_events = {
	.opened = verify_on_opened,
	.element = verify_on_element,
	.closed = verify_on_closed,
};

static void verify_ask(struct dialback_verify *verify)
{
	char id[DIALBACK_ID_MAX * 6 + 1], key[DIALBACK_FOREIGN_KEY_MAX * 6 + 1];

	verify->phase = VERIFY_ASKED;
	fw_xml_escape(fw_str(verify->id), id, sizeof(id));
	fw_xml_escape(fw_str(verify->key), key, sizeof(key));
	dialback_log_sending(verify->log, verify->xcoder, verify->receiving, verify->originating,
	                     verify->id, verify->key);
	fw_channel_send_text(verify->channel, "<db:verify from='%s' to='%s' id='%s'>%s</db:verify>",
	                     verify->receiving, verify->originating, id, key);
}

static void verify_on_dialled(void *ctx, struct fw_dial_result *result)
{
	struct dialback_verify *verify = ctx;
	char addr[FW_ADDR_TEXT_SIZE];

	if (result->cause != FW_CAUSE_NONE) {
		bool unreachable = result->cause == FW_CAUSE_CONNECT_FAILED ||
		                   result->cause == FW_CAUSE_CONNECT_TIMEOUT;
		verify_end(verify, NULL,
		           unreachable && verify->is_static ? FW_CAUSE_STATIC_FAILED
		                                            : result->cause,
		           result->detail);
		return;
	}
	verify->channel = result->channel;
	result->channel = NULL;
	fw_channel_set_owner(verify->channel, &verify_events, verify);
	fw_log(verify->log, &verify_logger, FW_LOG_INFO,
	       "stream for dialback only host=%s addr=%s tls=%s CONNECT:%.6f STREAM:%.6f TLS:%.6f",
	       result->target->host, fw_addr_text(&result->target->addr, addr),
	       fw_channel_tls(verify->channel) != NULL ? "yes" : "no",
	       (double)result->spent_us[FW_DIAL_CONNECT] / 1e6,
	       (double)result->spent_us[FW_DIAL_STREAM] / 1e6,
	       (double)result->spent_us[FW_DIAL_TLS] / 1e6);
	verify_ask(verify);
}

/* ---- before the stream ---- */

static int verify_dial(struct dialback_verify *verify, const struct fw_target *targets,
                       size_t count)
{
	struct dialback *dialback = verify->dialback;
	const struct fw_dial_settings settings = {
		.local_domain = verify->receiving,
		.remote_domain = verify->originating,
		.security = (enum fw_security)dialback->config->security_mode,
		.tls = dialback->tls,
		.limits = FW_XML_LIMITS_BEFORE_AUTH,
		.connect_timeout_ms = dialback->config->connect_timeout_ms,
		.stream_timeout_ms = dialback->config->stream_timeout_ms,
		.tls_timeout_ms = dialback->config->tls_timeout_ms,
		.attempt_delay_ms = dialback->config->attempt_delay_ms,
		.log = verify->log,
		.targets = targets,
		.target_count = count,
	};

	verify->phase = VERIFY_DIAL;
	return fw_dial_start(dialback->loop, &settings, verify_on_dialled, verify, &verify->dial);
}

static void verify_on_targets(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct dialback_verify *verify = ctx;
	struct fw_target *targets = NULL;

	verify->resolving = NULL;
	if (cause != FW_CAUSE_NONE) {
		bool silent = cause == FW_CAUSE_REQUEST_TIMEOUT;
		verify_end(verify, NULL, silent ? FW_CAUSE_DNS_FAILED : cause,
		           "no targets from the resolver");
		return;
	}
	struct fw_elem *list = fw_elem_find(fw_stanza_root(reply), "targets", RESOLVER_NS);
	targets = calloc(FW_TARGETS_MAX, sizeof(*targets));
	if (targets == NULL) {
		verify_end(verify, NULL, FW_CAUSE_RESOURCES, "");
		return;
	}
	size_t count = fw_targets_read(list, targets, FW_TARGETS_MAX);
	verify->is_static = list != NULL && fw_str_is(fw_elem_attr(list, "source"), "static");
	int ret = count > 0 ? verify_dial(verify, targets, count) : FW_ENOENT;
	free(targets);
	if (ret == FW_ENOENT) {
		verify_end(verify, NULL, FW_CAUSE_DNS_NOT_FOUND, "the resolver named no target");
	} else if (ret != FW_OK) {
		verify_end(verify, NULL, FW_CAUSE_RESOURCES, fw_strerror(ret));
	}
}

static int verify_resolve(struct dialback_verify *verify)
{
	struct dialback *dialback = verify->dialback;
	struct fw_stanza *iq = NULL;
	struct fw_elem *ask = NULL;

	if (fw_stanza_new("iq", NULL, &iq) == FW_OK &&
	    fw_stanza_set(iq, "type", fw_str("get")) == FW_OK) {
		ask = fw_elem_add(fw_stanza_root(iq), "resolve", RESOLVER_NS);
	}
	if (ask == NULL || fw_elem_set(ask, "domain", fw_str(verify->originating)) != FW_OK) {
		fw_stanza_free(&iq);
		return FW_ENOMEM;
	}
	return fw_request(dialback->self, "resolver", &iq, dialback->config->timeout_ms,
	                  verify_on_targets, verify, &verify->resolving);
}

/* ---- the question ---- */

static struct dialback_verify *verify_find(const struct dialback *dialback,
                                           const struct dialback_question *question)
{
	struct dialback_verify *verify = dialback->verifies;

	while (verify != NULL &&
	       (verify->phase == VERIFY_CLOSING || !fw_str_is(question->id, verify->id) ||
	        !fw_equal_const_time(question->key, fw_str(verify->key)) ||
	        !fw_str_is(question->receiving, verify->receiving) ||
	        !fw_str_is(question->originating, verify->originating))) {
		verify = verify->next;
	}
	return verify;
}

static struct dialback_verify *verify_new(struct dialback *dialback,
                                          const struct dialback_question *question,
                                          const struct fw_stanza *request)
{
	struct dialback_verify *verify = calloc(1, sizeof(*verify));

	if (verify == NULL) {
		return NULL;
	}
	verify->dialback = dialback;
	verify->begun_us = fw_now_us(dialback->loop);
	snprintf(verify->receiving, sizeof(verify->receiving), "%.*s",
	         FW_STR_ARG(question->receiving));
	snprintf(verify->originating, sizeof(verify->originating), "%.*s",
	         FW_STR_ARG(question->originating));
	verify->id = fw_str_dup(question->id);
	verify->key = fw_str_dup(question->key);
	dialback_xcoder(question->session, fw_stanza_xcoder(request), verify->xcoder);
	if (verify->id == NULL || verify->key == NULL ||
	    fw_timer_new(dialback->loop, verify_on_timer, verify, &verify->timer) != FW_OK ||
	    dialback_log_context(fw_self_log(dialback->self), question, &verify->log) != FW_OK) {
		verify_free(verify);
		return NULL;
	}
	verify->next = dialback->verifies;
	verify->link = &dialback->verifies;
	if (verify->next != NULL) {
		verify->next->link = &verify->next;
	}
	dialback->verifies = verify;
	dialback->pending++;
	fw_timer_start_ms(verify->timer, dialback->config->timeout_ms, 0);
	return verify;
}

void dialback_verify(struct dialback *dialback, const struct dialback_question *question,
                     struct fw_stanza **request)
{
	struct dialback_verify *verify = verify_find(dialback, question);
	bool is_new = verify == NULL;

	if (dialback->draining || question->key.len == 0) {
		dialback_refuse(dialback, request,
		                dialback->draining ? FW_CAUSE_COMPONENT_DRAINING
		                                   : FW_CAUSE_BAD_STANZA);
		return;
	}
	struct verify_waiter *waiter = calloc(1, sizeof(*waiter));
	if (waiter == NULL ||
	    (is_new && (dialback->pending >= dialback->config->max_pending ||
	                (verify = verify_new(dialback, question, *request)) == NULL))) {
		free(waiter);
		dialback_refuse(dialback, request, FW_CAUSE_RESOURCES);
		return;
	}
	waiter->request = *request;
	*request = NULL;
	waiter->next = verify->waiters;
	verify->waiters = waiter;
	if (is_new && verify_resolve(verify) != FW_OK) {
		verify_end(verify, NULL, FW_CAUSE_RESOURCES, "");
	}
}

void dialback_verify_end_all(struct dialback *dialback, enum fw_cause cause)
{
	while (dialback->verifies != NULL) {
		struct dialback_verify *verify = dialback->verifies;
		struct verify_waiter *waiters = verify_take_waiters(verify);
		verify_free(verify);
		tell_waiters(dialback, waiters, NULL, cause);
	}
}

void dialback_verify_report(const struct dialback *dialback, struct fw_json *streams)
{
	uint64_t now_us = fw_now_us(dialback->loop);

	for (const struct dialback_verify *verify = dialback->verifies; verify != NULL;
	     verify = verify->next) {
		struct fw_json *stream = fw_json_append_object(streams);
		char addr[FW_ADDR_TEXT_SIZE];
		fw_json_set(stream, "session", fw_str(verify->xcoder));
		fw_json_set(stream, "kind", fw_str("verify"));
		fw_json_set(stream, "direction", fw_str("out"));
		fw_json_set(stream, "local", fw_str(verify->receiving));
		fw_json_set(stream, "remote", fw_str(verify->originating));
		fw_json_set(stream, "state", fw_str(phase_names[verify->phase]));
		fw_json_set_int(stream, "age_ms", (int64_t)((now_us - verify->begun_us) / 1000));
		if (verify->channel != NULL) {
			fw_json_set(stream, "address",
			            fw_str(fw_addr_text(fw_channel_peer(verify->channel), addr)));
			fw_json_set_bool(stream, "tls", fw_channel_tls(verify->channel) != NULL);
		}
	}
}
