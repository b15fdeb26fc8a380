/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The elements of SASL in XMPP (RFC 6120 §6): read from a peer, written to a channel. The form only: what a mechanism
 * makes of the bytes, and who may be whom, is the caller's. SCRAM is in io/scram.h; EXTERNAL needs nothing more.
 */
#ifndef FEDWAY_IO_SASL_H
#define FEDWAY_IO_SASL_H

#include <fedway/io/channel.h>

FW_BEGIN_DECLS

#define FW_NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define FW_SASL_EXTERNAL "EXTERNAL"
/** The longest message, in bytes before base 64, with room for its end. */
#define FW_SASL_MESSAGE_SIZE 2048u

/** What a first-level element of the namespace is. */
enum fw_sasl_kind {
	FW_SASL_NONE, /**< not of this namespace */
	FW_SASL_AUTH,
	FW_SASL_RESPONSE,
	FW_SASL_ABORT,
	FW_SASL_CHALLENGE,
	FW_SASL_SUCCESS,
	FW_SASL_FAILURE,
	FW_SASL_UNKNOWN,
};
FW_API enum fw_sasl_kind fw_sasl_kind(const struct fw_stanza *stanza);

/** Is it among these <mechanisms/>? An empty list offers nothing, and is no error. */
FW_API bool fw_sasl_is_offered(const struct fw_elem *mechanisms, const char *mechanism);

/** What an element carries. */
struct fw_sasl_message {
	bool too_long;          /**< it carries more than fits: refused with malformed-request, or what the mechanism has for that */
	bool given;             /**< false: <auth/> without an initial response, or an element with nothing in it */
	struct fw_str mechanism; /**< of <auth/> [b as long as the stanza] */
	size_t len;
	char bytes[FW_SASL_MESSAGE_SIZE]; /**< terminated; `len` counts, there may be zeros inside */
};
/**
 * Reads <auth/>, <response/>, <challenge/> or <success/>.
 * @return NULL; or the condition of RFC 6120 §6.5 to refuse it with
 */
FW_API const char *fw_sasl_read(struct fw_stanza *stanza, struct fw_sasl_message *out);

/** What <failure/> says; slices live as long as the stanza. An unknown condition is not-authorized (§6.5). */
struct fw_sasl_failure {
	struct fw_str condition;
	struct fw_str text;
};
FW_API void fw_sasl_read_failure(struct fw_stanza *stanza, struct fw_sasl_failure *out);

/**
 * Queues <name/>.
 * @param mechanism  of <auth/>; else NULL
 * @param bytes      what it carries, at most FW_SASL_MESSAGE_SIZE - 1; absent: nothing; empty: "=" (RFC 6120 §6.4.2)
 */
FW_API void fw_sasl_send(struct fw_channel *channel, const char *name, const char *mechanism, struct fw_str bytes);
/** @param text  words for people, or NULL */
FW_API void fw_sasl_send_failure(struct fw_channel *channel, const char *condition, const char *text);

FW_END_DECLS

#endif
