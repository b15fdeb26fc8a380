/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * SASL EXTERNAL between servers (RFC 6120 §6, XEP-0178) as elements: read from a peer, written to a stream, told
 * to the log. It knows the form only; who may authenticate as whom is decided by the streams and s2s_trust.c.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_SASL_H
#define FEDWAY_COMPONENTS_S2S_S2S_SASL_H

#include <fedway/io/channel.h>
#include <fedway/jid.h>
#include <fedway/log.h>

#define S2S_NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define S2S_SASL_MECHANISMS \
	"<mechanisms xmlns='" S2S_NS_SASL "'><mechanism>EXTERNAL</mechanism></mechanisms>"

/** What a first-level element of the namespace is. */
enum s2s_sasl_kind {
	S2S_SASL_NONE, /**< not of this namespace */
	S2S_SASL_AUTH,
	S2S_SASL_RESPONSE,
	S2S_SASL_ABORT,
	S2S_SASL_CHALLENGE,
	S2S_SASL_SUCCESS,
	S2S_SASL_FAILURE,
	S2S_SASL_UNKNOWN,
};
enum s2s_sasl_kind s2s_sasl_kind(const struct fw_stanza *stanza);

/** Is EXTERNAL among these <mechanisms/>? An empty list offers nothing, and is no error. */
bool s2s_sasl_is_offered(const struct fw_elem *mechanisms);

/** What <auth/> or <response/> says. */
struct s2s_sasl_identity {
	bool given;                    /**< false: no initial response, it has to be asked for with a challenge */
	char authzid[FW_DOMAIN_SIZE];  /**< as fw_domain_key() writes it; "": who the stream's header says */
};
/**
 * Reads <auth/> or <response/>.
 * @return NULL; or the condition of RFC 6120 §6.5 to refuse it with
 */
const char *s2s_sasl_read(struct fw_stanza *stanza, struct s2s_sasl_identity *out);

/** What <failure/> says; slices live as long as the stanza. An unknown condition is not-authorized (§6.5). */
struct s2s_sasl_failure {
	struct fw_str condition;
	struct fw_str text;
};
void s2s_sasl_read_failure(struct fw_stanza *stanza, struct s2s_sasl_failure *out);

/** <auth/> with the domain as authorization identity: older peers want it (XEP-0178 §3). */
void s2s_sasl_send_auth(struct fw_channel *channel, const char *domain, const struct fw_log *log,
                        const char *session);
/** An element without content: "challenge", "success", "abort". */
void s2s_sasl_send(struct fw_channel *channel, const char *name, const struct fw_log *log,
                   const char *session);
/** @param text  words for people, or NULL */
void s2s_sasl_send_failure(struct fw_channel *channel, const char *condition, const char *text,
                           const struct fw_log *log, const char *session);

#endif
