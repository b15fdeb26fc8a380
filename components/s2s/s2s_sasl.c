/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads the identity of SASL EXTERNAL (XEP-0178), and logs what is sent. Called by both directions
 * of streams. Decides nothing but whether an element has its form, which io/sasl.h knows.
 */
#include "components/s2s/s2s_sasl.h"

#include <stdio.h>

#include "components/s2s/s2s.h"

/* ---- reading ---- */

const char *s2s_sasl_read(struct fw_stanza *stanza, struct s2s_sasl_identity *out)
{
	struct fw_sasl_message message;
	const char *condition = fw_sasl_read(stanza, &message);

	*out = (struct s2s_sasl_identity){ .given = message.given };
	if (condition != NULL) { /* no name is that long */
		return message.too_long ? "invalid-authzid" : condition;
	}
	if (fw_sasl_kind(stanza) == FW_SASL_AUTH &&
	    !fw_str_is(message.mechanism, FW_SASL_EXTERNAL)) {
		return "invalid-mechanism";
	}
	/* RFC 6120 §6.3.8: between servers it is a bare domain. */
	if (message.len > 0 &&
	    fw_domain_key(fw_str_n(message.bytes, message.len), out->authzid, NULL) != FW_OK) {
		return "invalid-authzid";
	}
	return NULL;
}

/* ---- writing ---- */

void s2s_sasl_send_auth(struct fw_channel *channel, const char *domain, const struct fw_log *log,
                        const char *session)
{
	char text[FW_DOMAIN_SIZE + 64];
	char quoted[FW_DOMAIN_SIZE];
	char authzid[FW_DOMAIN_TEXT_SIZE];

	snprintf(text, sizeof(text), "<auth mechanism='EXTERNAL'>%s</auth>",
	         fw_quote(fw_str(domain), quoted, sizeof(quoted)));
	fw_domain_text(domain, authzid);
	s2s_log_element(log, session, true, text);
	fw_sasl_send(channel, "auth", FW_SASL_EXTERNAL, fw_str(authzid));
}

void s2s_sasl_send(struct fw_channel *channel, const char *name, const struct fw_log *log,
                   const char *session)
{
	char text[64];

	snprintf(text, sizeof(text), "<%s xmlns='sasl'/>", name);
	s2s_log_element(log, session, true, text);
	fw_sasl_send(channel, name, NULL, fw_str(NULL));
}

void s2s_sasl_send_failure(struct fw_channel *channel, const char *condition, const char *text,
                           const struct fw_log *log, const char *session)
{
	char line[256];

	snprintf(line, sizeof(line), "<failure xmlns='sasl'><%s/>%s</failure>", condition,
	         text != NULL ? text : "");
	s2s_log_element(log, session, true, line);
	fw_sasl_send_failure(channel, condition, text);
}
