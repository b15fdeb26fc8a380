/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The service `dialback.<realm>` (XEP-0220): the one place that knows the secret. This file has
 * options, life cycle, and the two questions that are answered at once: what key to send, and is
 * this key ours. dialback_verify.c asks others. Streams that carry stanzas are not its business.
 */
#include "components/dialback/dialback_stream.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/json.h>

static struct fw_logger dialback_logger = FW_LOGGER("Dialback");

#define DIALBACK_COUNTER_ROW(id, name, unit, help) [DIALBACK_COUNT_##id] = { name, unit, help },
static const struct fw_counter dialback_counters[] = { DIALBACK_COUNTERS(DIALBACK_COUNTER_ROW)
	                                                       FW_COUNTER_END };

static const struct fw_option dialback_options[] = {
	FW_OPT(struct dialback_config, secret, NULL, .min = 1, .max = 1024,
	       .help = "makes and checks our keys; the same on all edges that serve the domains"),
	FW_OPT(struct dialback_config, previous_secret, "", .max = 1024,
	       .help = "also accepted when a key of ours is checked, while secrets are changed"),
	FW_OPT(struct dialback_config, timeout_ms, "30000", .min = 10, .max = 300000, .unit = "ms",
	       .help = "limit of a whole verification, look-up included"),
	FW_OPT(struct dialback_config, security_mode, "tls-required",
	       .choices = fw_security_choices, .help = "TLS on streams to authoritative servers"),
	FW_OPT(struct dialback_config, certificate_file, "",
	       .help = "PEM chain shown to authoritative servers; none: no certificate is shown"),
	FW_OPT(struct dialback_config, key_file, "",
	       .help = "PEM key; none: it is in certificate_file"),
	FW_OPT(struct dialback_config, ca_file, "", .help = "trust anchors; none: the system's"),
	FW_OPT(struct dialback_config, crl_file, "",
	       .help = "PEM revocation lists; none: none are looked at"),
	FW_OPT(struct dialback_config, connect_timeout_ms, "10000", .min = 10, .max = 120000,
	       .unit = "ms", .help = "limit of a TCP connection, per address"),
	FW_OPT(struct dialback_config, source_addresses, "", .max = 2,
	       .help = "addresses to connect from, one for each family at most; none: the "
	               "system's choice"),
	FW_OPT(struct dialback_config, attempt_delay_ms, "250", .min = 100, .max = 2000,
	       .unit = "ms",
	       .help = "head start of each address before the next is tried beside it; twice that "
	               "before a worse priority"),
	FW_OPT(struct dialback_config, stream_timeout_ms, "10000", .min = 10, .max = 120000,
	       .unit = "ms", .help = "limit of stream header and features"),
	FW_OPT(struct dialback_config, tls_timeout_ms, "10000", .min = 10, .max = 120000,
	       .unit = "ms", .help = "limit of a TLS handshake"),
	FW_OPT(struct dialback_config, max_pending, "1000", .min = 1, .max = 100000,
	       .help = "verifications under way at the same time; more are refused"),
	FW_OPT(struct dialback_config, verify_keep_ms, "10000", .max = 3600000, .unit = "ms",
	       .help = "a stream to an authoritative server takes further verifications for so "
	               "long "
	               "after it was opened; 0: each verification has a stream of its own"),
	FW_OPT(struct dialback_config, verify_keep_max, "100", .min = 1, .max = 100000,
	       .unit = "streams", .help = "that are kept open without use"),
	FW_OPT_END
};

/* ---- answers ---- */

void dialback_refuse(struct dialback *dialback, struct fw_stanza **request, enum fw_cause cause)
{
	struct fw_stanza *reply = NULL;

	if (fw_stanza_error_reply(*request, cause, &reply) != FW_OK) {
		fw_bounce(dialback->self, request, cause);
		return;
	}
	fw_reply(dialback->self, request, &reply);
}

void dialback_answer(struct dialback *dialback, struct fw_stanza **request, const char *name,
                     const char *type, struct fw_str text)
{
	struct fw_stanza *reply = NULL;
	struct fw_elem *elem = NULL;

	if (fw_stanza_reply(*request, "result", &reply) == FW_OK) {
		elem = fw_elem_add(fw_stanza_root(reply), name, DIALBACK_NS);
	}
	if (elem == NULL || (type != NULL && fw_elem_set(elem, "type", fw_str(type)) != FW_OK) ||
	    (text.len > 0 && fw_elem_set_text(elem, text) != FW_OK)) {
		fw_stanza_free(&reply);
		dialback_refuse(dialback, request, FW_CAUSE_RESOURCES);
		return;
	}
	fw_reply(dialback->self, request, &reply);
}

/* ---- questions ---- */

static int question_read(struct fw_elem *elem, struct dialback_question *out)
{
	char pins[FW_TLS_PINS_MAX][FW_TLS_PIN_SIZE];
	struct fw_tls_rules rules;

	int ret = fw_domain_key(fw_elem_attr(elem, "receiving"), out->receiving_room,
	                        &out->receiving);
	if (ret == FW_OK) {
		ret = fw_domain_key(fw_elem_attr(elem, "originating"), out->originating_room,
		                    &out->originating);
	}
	out->id = fw_elem_attr(elem, "id");
	out->session = fw_elem_attr(elem, "session");
	out->asks = fw_elem_attr(elem, "asks");
	out->key = fw_str_trim(fw_elem_text(elem)); /* the XEPs' own examples have white space */
	if (out->id.len == 0 || out->id.len > DIALBACK_ID_MAX ||
	    out->key.len > DIALBACK_FOREIGN_KEY_MAX) {
		ret = FW_ELIMIT;
	}
	return ret == FW_OK ? fw_tls_rules_read(out->asks, &rules, pins) : ret;
}

static void dialback_make(struct dialback *dialback, const struct dialback_question *question,
                          struct fw_stanza **request)
{
	char key[DIALBACK_KEY_SIZE];

	if (dialback_key_make(dialback->secrets.current, question->receiving, question->originating,
	                      question->id, key) != FW_OK) {
		dialback_refuse(dialback, request, FW_CAUSE_BAD_STANZA);
		return;
	}
	fw_count(dialback->self, DIALBACK_COUNT_KEYS_MADE, 1);
	dialback_answer(dialback, request, "key", NULL, fw_str(key));
}

static void dialback_check_key(struct dialback *dialback, const struct dialback_question *question,
                               struct fw_stanza **request)
{
	bool valid = dialback_key_check(&dialback->secrets, question->receiving,
	                                question->originating, question->id, question->key);

	fw_count(dialback->self,
	         valid ? DIALBACK_COUNT_CHECKS_VALID : DIALBACK_COUNT_CHECKS_INVALID, 1);
	fw_log(fw_self_log(dialback->self), &dialback_logger, FW_LOG_INFO,
	       "checked a key of %.*s for %.*s: %s", FW_STR_ARG(question->originating),
	       FW_STR_ARG(question->receiving), valid ? "valid" : "invalid");
	dialback_answer(dialback, request, "check", valid ? "valid" : "invalid", fw_str(""));
}

/* Only components of this realm: whoever may have keys made can speak for our domains. */
static bool is_colleague(const struct dialback *dialback, struct fw_str from)
{
	struct fw_str realm = fw_str(fw_self_realm(dialback->self));

	return from.len > realm.len && from.ptr[from.len - realm.len - 1] == '.' &&
	       fw_str_eq_nocase(fw_str_n(from.ptr + from.len - realm.len, realm.len), realm) &&
	       fw_domain_is_local(dialback->self, from);
}

static void dialback_deliver(struct fw_self *self, struct fw_stanza **stanza)
{
	static const struct {
		const char *name;
		void (*run)(struct dialback *dialback, const struct dialback_question *question,
		            struct fw_stanza **request);
	} requests[] = {
		{ "key", dialback_make },
		{ "check", dialback_check_key },
		{ "verify", dialback_verify },
	};
	struct dialback *dialback = fw_self_state(self);
	struct dialback_question question;

	if (!fw_stanza_is_request(*stanza)) {
		fw_bounce(self, stanza, FW_CAUSE_UNHANDLED);
		return;
	}
	if (!is_colleague(dialback, fw_stanza_from_domain(*stanza))) {
		char from[128];
		fw_log(fw_self_log(self), &dialback_logger, FW_LOG_WARNING,
		       "refused a request from outside the realm from=%s",
		       fw_quote(fw_stanza_from(*stanza), from, sizeof(from)));
		dialback_refuse(dialback, stanza, FW_CAUSE_POLICY_DENIED);
		return;
	}
	for (size_t i = 0; i < FW_COUNT(requests); i++) {
		struct fw_elem *elem =
		        fw_elem_find(fw_stanza_root(*stanza), requests[i].name, DIALBACK_NS);
		if (elem == NULL) {
			continue;
		}
		if (question_read(elem, &question) == FW_OK) {
			requests[i].run(dialback, &question, stanza);
		} else {
			dialback_refuse(dialback, stanza, FW_CAUSE_BAD_STANZA);
		}
		return;
	}
	dialback_refuse(dialback, stanza, FW_CAUSE_UNHANDLED);
}

/* ---- life ---- */

static int dialback_tls(const struct dialback_config *config, struct fw_tls_context **out,
                        struct fw_error *err)
{
	const char *certificate = config->certificate_file, *key = config->key_file;
	const struct fw_tls_settings settings = {
		.certificate_file =
		        certificate != NULL && certificate[0] != '\0' ? certificate : NULL,
		.key_file = key != NULL && key[0] != '\0' ? key : NULL,
		.ca_file = config->ca_file,
		.crl_file = config->crl_file,
	};

	if (config->security_mode == FW_SECURITY_NONE) {
		*out = NULL;
		return FW_OK;
	}
	return fw_tls_context_new(&settings, out, err);
}

static int dialback_check(const void *ctx, struct fw_error *err)
{
	const struct dialback_config *config = ctx;
	struct fw_tls_context *tls = NULL;

	if (config->secret.len == 0) {
		return fw_error_set(err, FW_EINVAL, "secret: it is empty");
	}
	struct fw_addr sources[2];
	int ret = fw_sources_parse(&config->source_addresses, sources, err);
	if (ret == FW_OK) {
		ret = dialback_tls(config, &tls, err);
	}
	fw_tls_context_release(&tls);
	return ret;
}

static int dialback_start(struct fw_self *self, struct fw_error *err)
{
	struct dialback *dialback = calloc(1, sizeof(*dialback));
	const struct dialback_config *config = fw_self_config(self);

	if (dialback == NULL) {
		return FW_ENOMEM;
	}
	dialback->self = self;
	dialback->loop = fw_self_loop(self);
	dialback->config = config;
	dialback_secrets_set(&dialback->secrets, &config->secret, &config->previous_secret);
	int ret = dialback_tls(config, &dialback->tls, err);
	if (ret == FW_OK) {
		ret = fw_bind(self, "dialback.");
		if (ret != FW_OK) {
			fw_error_set(err, ret, "the name dialback.%s cannot be had: %s",
			             fw_self_realm(self), fw_strerror(ret));
		}
	}
	if (ret != FW_OK) {
		fw_tls_context_release(&dialback->tls);
		free(dialback);
		return ret;
	}
	fw_self_set_state(self, dialback);
	fw_announce(self, "dialback");
	return FW_OK;
}

/* Verifications under way go on with the settings they began with. */
static void dialback_reload(struct fw_self *self, const void *ctx)
{
	struct dialback *dialback = fw_self_state(self);
	struct dialback_secrets old = dialback->secrets;
	struct fw_tls_context *tls = NULL;
	struct fw_error err = { 0 };

	dialback->config = ctx;
	dialback_secrets_set(&dialback->secrets, &dialback->config->secret,
	                     &dialback->config->previous_secret);
	if (dialback_tls(dialback->config, &tls, &err) == FW_OK) {
		fw_tls_context_release(&dialback->tls);
		dialback->tls = tls;
	} else { /* it passed the check a moment ago; the old keys stay */
		fw_log(fw_self_log(self), &dialback_logger, FW_LOG_ERROR, "%s", err.text);
	}
	dialback_streams_retire(dialback); /* what is asked next is asked under the new settings */
	if (!dialback_secrets_eq(&old, &dialback->secrets)) {
		fw_announce(self, "dialback");
	}
}

/* Other addresses may be right from now on. */
static void dialback_announced(struct fw_self *self, const char *service)
{
	if (strcmp(service, "resolver") == 0) {
		dialback_streams_retire(fw_self_state(self));
	}
}

static void dialback_drain(struct fw_self *self)
{
	struct dialback *dialback = fw_self_state(self);

	dialback->draining = true; /* keys and checks are answered to the end: they cost nothing */
	dialback_streams_retire(dialback);
	if (dialback->pending == 0) {
		fw_self_drained(self);
	}
}

static void dialback_stop(struct fw_self *self)
{
	struct dialback *dialback = fw_self_state(self);

	dialback_verify_end_all(dialback, FW_CAUSE_COMPONENT_GONE);
	fw_unbind(self, "dialback.");
	fw_self_set_state(self, NULL);
	fw_tls_context_release(&dialback->tls);
	free(dialback);
}

static void dialback_report(struct fw_self *self, const char *topic, struct fw_json *out)
{
	const struct dialback *dialback = fw_self_state(self);

	if (strcmp(topic, "streams") == 0) {
		dialback_verify_report(dialback, fw_json_set_array(out, "streams"));
		return;
	}
	if (strcmp(topic, "facts") == 0) {
		char digest[FW_SHA256_HEX_SIZE];
		dialback_secrets_digest(&dialback->secrets, digest);
		fw_json_set(out, "secret_digest", fw_str_n(digest, 16));
		return;
	}
	if (strcmp(topic, "status") != 0) {
		return;
	}
	fw_json_set_int(out, "pending", (int64_t)dialback->pending);
	fw_json_set_bool(out, "previous_secret", dialback->config->previous_secret.len > 0);
}

FW_COMPONENT_EXPORT(dialback) = {
	FW_COMPONENT_HEAD_STRICT,
	.name = "dialback",
	.summary = "makes, checks and verifies dialback keys; holds the secret",
	.options = dialback_options,
	.config_size = sizeof(struct dialback_config),
	.check = dialback_check,
	.start = dialback_start,
	.deliver = dialback_deliver,
	.reload = dialback_reload,
	.announced = dialback_announced,
	.drain = dialback_drain,
	.report = dialback_report,
	.stop = dialback_stop,
	.counters = dialback_counters,
};
