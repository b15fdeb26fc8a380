/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The dialback component's files among themselves: the instance and its verifications.
 */
#ifndef FEDWAY_COMPONENTS_DIALBACK_DIALBACK_H
#define FEDWAY_COMPONENTS_DIALBACK_DIALBACK_H

#include <fedway/host.h>
#include <fedway/io/dial.h>
#include <fedway/io/tls_rules.h>

#include "components/dialback/dialback_key.h"

#define DIALBACK_NS "urn:fedway:dialback:1"

struct dialback_config {
	struct fw_secret secret, previous_secret;
	uint32_t timeout_ms;
	int security_mode; /**< enum fw_security */
	const char *certificate_file, *key_file, *ca_file, *crl_file;
	struct fw_strings source_addresses;
	uint32_t connect_timeout_ms, stream_timeout_ms, tls_timeout_ms, attempt_delay_ms;
	uint32_t max_pending;
	uint32_t verify_keep_ms, verify_keep_max;
};

#define DIALBACK_COUNTERS(X) /* id, name, unit, help */ \
	X(KEYS_MADE, "keys_made", "keys", \
	  "made for streams that we begin") \
	X(CHECKS_VALID, "checks_valid", "keys", \
	  "that others had from us, and they were ours") \
	X(CHECKS_INVALID, "checks_invalid", "keys", \
	  "that others had, and they were not ours") \
	X(STREAMS_REUSED, "streams_reused", "verifications", \
	  "that were asked over a stream which had served others") \
	X(VERIFIED_VALID, "verified_valid", "verifications", \
	  "that the authoritative server answered with valid") \
	X(VERIFIED_INVALID, "verified_invalid", "verifications", \
	  "that it answered with invalid") \
	X(VERIFIED_ERROR, "verified_error", "verifications", \
	  "without a verdict: not found, not reached, or it answered with an error") \
	X(VERIFIED_TIMEOUT, "verified_timeout", "verifications", \
	  "without a verdict within timeout_ms")

#define DIALBACK_COUNTER_ENUM(id, name, unit, help) DIALBACK_COUNT_##id,
enum dialback_count { DIALBACK_COUNTERS(DIALBACK_COUNTER_ENUM) DIALBACK_COUNTS };
#undef DIALBACK_COUNTER_ENUM

struct dialback_stream;
struct dialback_verify;

struct dialback {
	struct fw_self *self;
	struct fw_loop *loop;
	const struct dialback_config *config;
	struct dialback_secrets secrets;
	struct fw_tls_context *tls; /**< NULL with `no-tls` */
	struct dialback_verify *verifies; /**< without an answer */
	size_t pending;                   /**< number of those */
	struct dialback_stream *streams;  /**< newest first */
	bool draining;
};

/** What all three requests name; slices into the request and `room`. */
struct dialback_question {
	struct fw_str receiving, originating, id, key, session;
	struct fw_str asks; /* of the authoritative server's TLS, checked (fw_tls_rules_read) */
	char receiving_room[FW_DOMAIN_SIZE], originating_room[FW_DOMAIN_SIZE];
};

/* ---- dialback.c ---- */

/** Answers with the error of a cause. [t] */
void dialback_refuse(struct dialback *dialback, struct fw_stanza **request, enum fw_cause cause);
/** Answers with `<name xmlns='urn:fedway:dialback:1' type='…'>text</name>`; `type` may be NULL. [t] */
void dialback_answer(struct dialback *dialback, struct fw_stanza **request, const char *name,
                     const char *type, struct fw_str text);

/* ---- dialback_verify.c ---- */

/** Finds the authoritative server and asks it; answers the request later. [t] */
void dialback_verify(struct dialback *dialback, const struct dialback_question *question,
                     struct fw_stanza **request);
/** Ends all verifications and their streams; who waits is told the cause. */
void dialback_verify_end_all(struct dialback *dialback, enum fw_cause cause);
/** One object per verification under way, and per stream that is kept, into the array `streams`. */
void dialback_verify_report(const struct dialback *dialback, struct fw_json *streams);

#endif
