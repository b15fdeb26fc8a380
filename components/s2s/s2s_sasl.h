/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * SASL EXTERNAL between servers (RFC 6120 §6, XEP-0178): the identity that a peer names, what we send, and lines of
 * it for the log; elements as such are io/sasl.h. It knows the form only; who may authenticate as whom is decided by the streams and s2s_trust.c.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_SASL_H
#define FEDWAY_COMPONENTS_S2S_S2S_SASL_H

#include <fedway/io/sasl.h>
#include <fedway/jid.h>
#include <fedway/log.h>

#define S2S_SASL_MECHANISMS \
	"<mechanisms xmlns='" FW_NS_SASL "'><mechanism>EXTERNAL</mechanism></mechanisms>"

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
