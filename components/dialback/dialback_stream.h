/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Streams to authoritative servers, for verifications only: opened when one is needed, shared by several, kept
 * open for a while. A verification rides on one at a time.
 */
#ifndef FEDWAY_COMPONENTS_DIALBACK_STREAM_H
#define FEDWAY_COMPONENTS_DIALBACK_STREAM_H

#include "components/dialback/dialback.h"
#include "components/dialback/dialback_log.h"

struct dialback_stream;
struct fw_json;

/** One question and who waits for its answer. */
struct dialback_verify {
	struct dialback_verify *next, **link;   /**< of the component's */
	struct dialback_verify *beside;         /**< on the same stream */
	struct dialback *dialback;
	struct dialback_stream *stream;         /**< NULL: none */
	char receiving[FW_DOMAIN_SIZE], originating[FW_DOMAIN_SIZE];
	char *id, *key;
	char *asks;                             /**< of its server's TLS, as text; "": nothing but the options */
	char xcoder[DIALBACK_XCODER_SIZE];
	struct verify_waiter *waiters;
	struct fw_log *log;
	struct fw_timer *timer;
	uint64_t begun_us;
	const char *phase;                      /**< of the last stream, when there is none */
	bool asked;
	bool reused;  /**< the stream had served others: it may have died unnoticed */
	bool retried; /**< that has happened, and this is another stream */
};

/* ---- dialback_stream.c ---- */

/**
 * The verification gets a stream: one that is there, or a new one. dialback_verify_ready() follows, perhaps at
 * once; or dialback_verify_failed(), later.
 * @return FW_OK, FW_ENOMEM
 */
int dialback_stream_join(struct dialback_verify *verify);
/** It needs the stream no more. @param retire  and nobody else is to begin there */
void dialback_stream_leave(struct dialback_verify *verify, bool retire);
void dialback_stream_send(struct dialback_verify *verify, const char *id, const char *key);
/** Where the verification stands: "resolve", "dial", "asked". */
const char *dialback_stream_phase(const struct dialback_verify *verify);
/** Closes those that nobody uses; the others close with their last verification. */
void dialback_streams_retire(struct dialback *dialback);
/** All, at once; nothing rides on them any more. */
void dialback_streams_free(struct dialback *dialback);
/** Address and TLS of a verification's stream. */
void dialback_stream_report(const struct dialback_verify *verify, struct fw_json *out);
/** One object per stream that waits for a use. */
void dialback_streams_report(const struct dialback *dialback, struct fw_json *streams);

/* ---- dialback_verify.c, called by the stream ---- */

void dialback_verify_ready(struct dialback_verify *verify);
/** `<db:verify type=…/>`. @return NULL: it was the answer; else why it does not count */
const char *dialback_verify_answer(struct dialback_verify *verify, struct fw_stanza *stanza);
/** The stream is gone. */
void dialback_verify_failed(struct dialback_verify *verify, enum fw_cause cause, const char *detail);

#endif
