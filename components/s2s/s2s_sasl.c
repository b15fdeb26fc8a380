/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads, writes and logs the elements of SASL EXTERNAL (RFC 6120 §6). Called by both directions of
 * streams. Decides nothing but whether an element has its form.
 */
#include "components/s2s/s2s_sasl.h"

#include <stdio.h>

#include "components/s2s/s2s.h"
#include "components/s2s/s2s_base64.h"

static const struct {
	const char *name;
	enum s2s_sasl_kind kind;
} sasl_names[] = {
	{ "auth", S2S_SASL_AUTH },       { "response", S2S_SASL_RESPONSE },
	{ "abort", S2S_SASL_ABORT },     { "challenge", S2S_SASL_CHALLENGE },
	{ "success", S2S_SASL_SUCCESS }, { "failure", S2S_SASL_FAILURE },
};

enum s2s_sasl_kind s2s_sasl_kind(const struct fw_stanza *stanza)
{
	if (fw_stanza_kind(stanza) != FW_KIND_OTHER ||
	    !fw_str_is(fw_stanza_ns(stanza), S2S_NS_SASL)) {
		return S2S_SASL_NONE;
	}
	for (size_t i = 0; i < FW_COUNT(sasl_names); i++) {
		if (fw_str_is(fw_stanza_name(stanza), sasl_names[i].name)) {
			return sasl_names[i].kind;
		}
	}
	return S2S_SASL_UNKNOWN;
}

/* ---- reading ---- */

bool s2s_sasl_is_offered(const struct fw_elem *mechanisms)
{
	for (struct fw_elem *elem = fw_elem_first(mechanisms); elem != NULL;
	     elem = fw_elem_next(elem)) {
		if (fw_str_is(fw_elem_name(elem), "mechanism") &&
		    fw_str_is(fw_str_trim(fw_elem_text(elem)), "EXTERNAL")) {
			return true;
		}
	}
	return false;
}

const char *s2s_sasl_read(struct fw_stanza *stanza, struct s2s_sasl_identity *out)
{
	struct fw_elem *root = fw_stanza_root(stanza);
	char authzid[FW_DOMAIN_TEXT_SIZE];
	size_t len = 0;

	*out = (struct s2s_sasl_identity){ 0 };
	if (root == NULL) {
		return "temporary-auth-failure";
	}
	bool is_auth = s2s_sasl_kind(stanza) == S2S_SASL_AUTH;
	if (is_auth && !fw_str_is(fw_elem_attr(root, "mechanism"), "EXTERNAL")) {
		return "invalid-mechanism";
	}
	if (fw_elem_first(root) != NULL) {
		return "malformed-request";
	}
	struct fw_str text = fw_elem_text(root);
	out->given = text.len > 0 || !is_auth;
	if (text.len == 0 || fw_str_is(text, "=")) { /* RFC 6120 §6.4.2 */
		return NULL;
	}
	int ret = s2s_base64_read(text, authzid, sizeof(authzid) - 1, &len);
	if (ret != FW_OK) {
		return ret == FW_EPARSE ? "incorrect-encoding" : "invalid-authzid";
	}
	/* RFC 6120 §6.3.8: between servers it is a bare domain. */
	if (fw_domain_key(fw_str_n(authzid, len), out->authzid, NULL) != FW_OK) {
		return "invalid-authzid";
	}
	return NULL;
}

void s2s_sasl_read_failure(struct fw_stanza *stanza, struct s2s_sasl_failure *out)
{
	static const char *const known[] = {
		"aborted",
		"account-disabled",
		"credentials-expired",
		"encryption-required",
		"incorrect-encoding",
		"invalid-authzid",
		"invalid-mechanism",
		"malformed-request",
		"mechanism-too-weak",
		"not-authorized",
		"temporary-auth-failure",
	};

	*out = (struct s2s_sasl_failure){ .condition = fw_str("not-authorized") };
	for (struct fw_elem *elem = fw_elem_first(fw_stanza_root(stanza)); elem != NULL;
	     elem = fw_elem_next(elem)) {
		if (fw_str_is(fw_elem_name(elem), "text")) {
			out->text = fw_elem_text(elem);
		}
		for (size_t i = 0; i < FW_COUNT(known); i++) {
			if (fw_str_is(fw_elem_name(elem), known[i])) {
				out->condition = fw_str(known[i]);
			}
		}
	}
}

/* ---- writing ---- */

void s2s_sasl_send_auth(struct fw_channel *channel, const char *domain, const struct fw_log *log,
                        const char *session)
{
	char encoded[S2S_BASE64_SIZE(FW_DOMAIN_TEXT_SIZE)];
	char text[FW_DOMAIN_SIZE + 64];
	char quoted[FW_DOMAIN_SIZE];
	char authzid[FW_DOMAIN_TEXT_SIZE];

	snprintf(text, sizeof(text), "<auth mechanism='EXTERNAL'>%s</auth>",
	         fw_quote(fw_str(domain), quoted, sizeof(quoted)));
	fw_domain_text(domain, authzid);
	s2s_log_element(log, session, true, text);
	fw_channel_send_text(channel,
	                     "<auth xmlns='" S2S_NS_SASL "' mechanism='EXTERNAL'>%s</auth>",
	                     s2s_base64_write(fw_str(authzid), encoded));
}

void s2s_sasl_send(struct fw_channel *channel, const char *name, const struct fw_log *log,
                   const char *session)
{
	char text[64];

	snprintf(text, sizeof(text), "<%s xmlns='sasl'/>", name);
	s2s_log_element(log, session, true, text);
	fw_channel_send_text(channel, "<%s xmlns='" S2S_NS_SASL "'/>", name);
}

void s2s_sasl_send_failure(struct fw_channel *channel, const char *condition, const char *text,
                           const struct fw_log *log, const char *session)
{
	char line[256];
	char escaped[1024];

	snprintf(line, sizeof(line), "<failure xmlns='sasl'><%s/>%s</failure>", condition,
	         text != NULL ? text : "");
	s2s_log_element(log, session, true, line);
	fw_channel_send_text(channel, "<failure xmlns='" S2S_NS_SASL "'><%s/>", condition);
	if (text != NULL) {
		fw_channel_send_text(channel, "<text xml:lang='en'>%s</text>",
		                     fw_xml_escape(fw_str(text), escaped, sizeof(escaped)));
	}
	fw_channel_send_text(channel, "</failure>");
}
