/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One verification as receiving server (XEP-0220 §2.1.2): ask the authoritative server of the
 * originating domain, over a stream of dialback_stream.c, and answer who asked. An answer counts
 * only on that stream, only for the pair and id that were asked, and only once; all else is logged
 * and ignored. Called by dialback.c.
 */
#include "components/dialback/dialback_stream.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/json.h>

static struct fw_logger verify_logger = FW_LOGGER("DBVerify");

struct verify_waiter {
	struct verify_waiter *next;
	struct fw_stanza *request;
};

/* ---- life ---- */

static void verify_free(struct dialback_verify *verify)
{
	if (verify->link != NULL) {
		*verify->link = verify->next;
		if (verify->next != NULL) {
			verify->next->link = verify->link;
		}
		verify->dialback->pending--;
	}
	fw_timer_free(&verify->timer);
	fw_log_free(&verify->log);
	free(verify->id);
	free(verify->key);
	free(verify->asks);
	free(verify);
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
	struct verify_waiter *waiters = verify->waiters;
	char quoted[256];

	if (type != NULL) {
		fw_log(verify->log, &verify_logger, FW_LOG_INFO, "verified result=%s time=%.6f",
		       type, spent_s);
	} else {
		fw_log(verify->log, &verify_logger, FW_LOG_WARNING,
		       "not verified cause=%s phase=%s detail='%s' time=%.6f",
		       fw_cause_row(cause)->name, dialback_stream_phase(verify),
		       fw_quote(fw_str(detail), quoted, sizeof(quoted)), spent_s);
	}
	fw_count(dialback->self, verify_counter(type, cause), 1);
	/* A server that did not answer in time may do so later: nobody is to wait there. */
	dialback_stream_leave(verify, cause == FW_CAUSE_DIALBACK_TIMEOUT);
	verify_free(verify);
	tell_waiters(dialback, waiters, type, cause);
}

static void verify_on_timer(void *ctx)
{
	struct dialback_verify *verify = ctx;

	verify_end(verify, NULL, FW_CAUSE_DIALBACK_TIMEOUT, dialback_stream_phase(verify));
}

/* ---- the stream ---- */

void dialback_verify_ready(struct dialback_verify *verify)
{
	char id[DIALBACK_ID_MAX * 6 + 1], key[DIALBACK_FOREIGN_KEY_MAX * 6 + 1];

	verify->asked = true;
	fw_xml_escape(fw_str(verify->id), id, sizeof(id));
	fw_xml_escape(fw_str(verify->key), key, sizeof(key));
	dialback_log_sending(verify->log, verify->xcoder, verify->receiving, verify->originating,
	                     verify->id, verify->key);
	dialback_stream_send(verify, id, key);
}

const char *dialback_verify_answer(struct dialback_verify *verify, struct fw_stanza *stanza)
{
	struct fw_str type = fw_stanza_type(stanza);
	bool is_error = fw_str_is(type, "error");
	char condition[64];

	if (!fw_str_is(fw_stanza_name(stanza), "verify")) {
		return "not a db:verify";
	}
	if (!verify->asked || !fw_domain_eq(fw_stanza_from(stanza), fw_str(verify->originating)) ||
	    !fw_domain_eq(fw_stanza_to(stanza), fw_str(verify->receiving)) ||
	    !fw_str_is(fw_stanza_id(stanza), verify->id)) {
		return "not what was asked";
	}
	if (!is_error && !fw_str_is(type, "valid") && !fw_str_is(type, "invalid")) {
		return "unknown type";
	}
	dialback_log_received(verify->log, verify->xcoder, stanza, NULL);
	if (is_error) {
		dialback_error_condition(stanza, condition, sizeof(condition));
		verify_end(verify, NULL, FW_CAUSE_DIALBACK_ERROR, condition);
	} else {
		verify_end(verify, fw_str_is(type, "valid") ? "valid" : "invalid", FW_CAUSE_NONE,
		           "");
	}
	return NULL;
}

void dialback_verify_failed(struct dialback_verify *verify, enum fw_cause cause, const char *detail)
{
	/* A stream that had been kept may have ended before it had the question. */
	if (verify->reused) {
		verify->reused = false;
		verify->retried = true;
		verify->asked = false;
		if (dialback_stream_join(verify) == FW_OK) {
			return;
		}
		cause = FW_CAUSE_RESOURCES;
	}
	verify_end(verify, NULL, cause, detail);
}

/* ---- the question ---- */

static struct dialback_verify *verify_find(const struct dialback *dialback,
                                           const struct dialback_question *question)
{
	struct dialback_verify *verify = dialback->verifies;

	while (verify != NULL && (!fw_str_is(question->id, verify->id) ||
	                          !fw_equal_const_time(question->key, fw_str(verify->key)) ||
	                          !fw_str_is(question->asks, verify->asks) ||
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
	verify->phase = "resolve";
	verify->begun_us = fw_now_us(dialback->loop);
	snprintf(verify->receiving, sizeof(verify->receiving), "%.*s",
	         FW_STR_ARG(question->receiving));
	snprintf(verify->originating, sizeof(verify->originating), "%.*s",
	         FW_STR_ARG(question->originating));
	verify->id = fw_str_dup(question->id);
	verify->key = fw_str_dup(question->key);
	verify->asks = fw_str_dup(question->asks.ptr != NULL ? question->asks : fw_str(""));
	dialback_xcoder(question->session, fw_stanza_xcoder(request), verify->xcoder);
	if (verify->id == NULL || verify->key == NULL || verify->asks == NULL ||
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
	if (is_new && dialback_stream_join(verify) != FW_OK) {
		verify_end(verify, NULL, FW_CAUSE_RESOURCES, "");
	}
}

void dialback_verify_end_all(struct dialback *dialback, enum fw_cause cause)
{
	while (dialback->verifies != NULL) {
		struct dialback_verify *verify = dialback->verifies;
		struct verify_waiter *waiters = verify->waiters;
		dialback_stream_leave(verify, true);
		verify_free(verify);
		tell_waiters(dialback, waiters, NULL, cause);
	}
	dialback_streams_free(dialback);
}

void dialback_verify_report(const struct dialback *dialback, struct fw_json *streams)
{
	uint64_t now_us = fw_now_us(dialback->loop);

	for (const struct dialback_verify *verify = dialback->verifies; verify != NULL;
	     verify = verify->next) {
		struct fw_json *stream = fw_json_append_object(streams);
		fw_json_set(stream, "session", fw_str(verify->xcoder));
		fw_json_set(stream, "kind", fw_str("verify"));
		fw_json_set(stream, "direction", fw_str("out"));
		fw_json_set(stream, "local", fw_str(verify->receiving));
		fw_json_set(stream, "remote", fw_str(verify->originating));
		fw_json_set(stream, "state", fw_str(dialback_stream_phase(verify)));
		fw_json_set_int(stream, "age_ms", (int64_t)((now_us - verify->begun_us) / 1000));
		dialback_stream_report(verify, stream);
	}
	dialback_streams_report(dialback, streams);
}
