/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * How a question to a publisher can end: one row for each way, with what it means and what can be done about it.
 */
#ifndef FEDWAY_COMPONENTS_AXL_OUTCOME_H
#define FEDWAY_COMPONENTS_AXL_OUTCOME_H

#include <stdbool.h>

/** What comes after a failure. */
enum axl_retry {
	AXL_RETRY_SOON,  /**< it may pass: with growing waits; yellow when it happens again */
	AXL_RETRY_LATER, /**< somebody must change something: slowly; yellow at once */
};

/* id, word, retry, what happened, what can be done. {user} and so on are filled in by axl_outcome_remedy(). */
#define AXL_OUTCOMES(X) \
	X(OK, "ok", SOON, "", "") \
	X(EXISTS, "exists", SOON, "the row is there already", "") \
	X(UNAUTHORIZED, "unauthorized", LATER, "the publisher does not accept user and password (401)", \
	  "check user {user} and {password} against the application users of {name}; then \"fedwayctl reload\", or " \
	  "\"fedwayctl axl sync\" when the publisher was changed") \
	X(FORBIDDEN, "forbidden", LATER, "the user may not use AXL (403)", \
	  "give user {user} (password: {password}) the roles for AXL access with writing on {name}; then \"fedwayctl axl sync\"") \
	X(NOT_FOUND, "not-found", SOON, "there is no AXL service at that address (404)", \
	  "check {url} (the path is /axl/), and that the AXL service of {name} is running") \
	X(BUSY, "busy", SOON, "the publisher takes no more writes for now (503)", \
	  "none needed if it passes; else look at the load of {name}") \
	X(SCHEMA, "schema", LATER, "the publisher speaks none of our schema versions (599)", \
	  "set schema to a version that {name} supports; its answer lists them") \
	X(FAULT, "fault", SOON, "the publisher refuses the request", "look for the code and text in the documentation of {name}") \
	X(BAD_STATUS, "bad-status", SOON, "the answer has a status that AXL does not know", \
	  "check that {url} is the AXL service itself, with nothing between") \
	X(GARBAGE, "garbage", SOON, "the answer cannot be read", \
	  "check that {url} is the AXL service itself, with nothing between") \
	X(TOO_LARGE, "too-large", LATER, "the answer is larger than answer_max_bytes", \
	  "raise answer_max_bytes, or find out why {name} says so much") \
	X(UNREACHABLE, "unreachable", SOON, "the publisher cannot be reached", \
	  "check {url}, the name's address (option address), and the way to it through firewalls") \
	X(TIMEOUT, "timeout", SOON, "the publisher does not answer in time", "check {name} and the way to it, or raise timeout_ms") \
	X(CERTIFICATE, "certificate", LATER, "the publisher's certificate is not trusted", \
	  "ca_file must hold the authority that signed it ({ca}), and it must name the host of {url}") \
	X(TLS, "tls", SOON, "there is no agreement on TLS with the publisher", \
	  "{name} must speak TLS 1.2 or later on {url}, and ca_file ({ca}) hold its authority, not another of that name") \
	X(BROKEN, "broken", SOON, "the connection ended before the answer was whole", "check {name} and what stands before it") \
	X(OURSELVES, "ourselves", LATER, "the request could not be made", "check ca_file ({ca}) and the memory of this machine") \
	X(NOT_KEPT, "not-kept", SOON, "the publisher confirmed changes that it does not show", \
	  "somebody else writes the same rows on {name}: find another core that has our edges, or a replica that lags")

#define AXL_OUTCOME_ENUM(id, word, retry, text, remedy) AXL_##id,
enum axl_outcome { AXL_OUTCOMES(AXL_OUTCOME_ENUM) AXL_OUTCOME_COUNT };
#undef AXL_OUTCOME_ENUM

/** What the braces of a remedy stand for. */
struct axl_outcome_words {
	const char *name, *url, *user, *password, *ca;
};

const char *axl_outcome_word(enum axl_outcome outcome);
const char *axl_outcome_text(enum axl_outcome outcome);
enum axl_retry axl_outcome_retry(enum axl_outcome outcome);
#define AXL_REMEDY_SIZE 1024u
void axl_outcome_remedy(enum axl_outcome outcome, const struct axl_outcome_words *words, char out[AXL_REMEDY_SIZE]);

#endif
