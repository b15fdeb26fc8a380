/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads and writes the elements of SASL (RFC 6120 §6). Called by both directions of S2S and by both
 * ends of links. Decides nothing but whether an element has its form.
 */
#include <fedway/io/sasl.h>

#include <string.h>

#include <fedway/io/crypto.h>

static const struct {
	const char *name;
	enum fw_sasl_kind kind;
} sasl_names[] = {
	{ "auth", FW_SASL_AUTH },       { "response", FW_SASL_RESPONSE },
	{ "abort", FW_SASL_ABORT },     { "challenge", FW_SASL_CHALLENGE },
	{ "success", FW_SASL_SUCCESS }, { "failure", FW_SASL_FAILURE },
};

enum fw_sasl_kind fw_sasl_kind(const struct fw_stanza *stanza)
{
	if (fw_stanza_kind(stanza) != FW_KIND_OTHER ||
	    !fw_str_is(fw_stanza_ns(stanza), FW_NS_SASL)) {
		return FW_SASL_NONE;
	}
	for (size_t i = 0; i < FW_COUNT(sasl_names); i++) {
		if (fw_str_is(fw_stanza_name(stanza), sasl_names[i].name)) {
			return sasl_names[i].kind;
		}
	}
	return FW_SASL_UNKNOWN;
}

/* ---- reading ---- */

bool fw_sasl_is_offered(const struct fw_elem *mechanisms, const char *mechanism)
{
	for (struct fw_elem *elem = fw_elem_first(mechanisms); elem != NULL;
	     elem = fw_elem_next(elem)) {
		if (fw_str_is(fw_elem_name(elem), "mechanism") &&
		    fw_str_is(fw_str_trim(fw_elem_text(elem)), mechanism)) {
			return true;
		}
	}
	return false;
}

const char *fw_sasl_read(struct fw_stanza *stanza, struct fw_sasl_message *out)
{
	struct fw_elem *root = fw_stanza_root(stanza);
	struct fw_str text;

	out->given = out->too_long = false;
	out->mechanism = fw_str(NULL);
	out->len = 0;
	out->bytes[0] = '\0';
	if (root == NULL) {
		return "temporary-auth-failure";
	}
	bool is_auth = fw_sasl_kind(stanza) == FW_SASL_AUTH;
	out->mechanism = is_auth ? fw_elem_attr(root, "mechanism") : fw_str(NULL);
	if (fw_elem_first(root) != NULL) {
		return "malformed-request";
	}
	text = fw_elem_text(root);
	out->given = text.len > 0 || !is_auth;
	if (text.len == 0 || fw_str_is(text, "=")) { /* RFC 6120 §6.4.2 */
		return NULL;
	}
	int ret = fw_base64_read(text, out->bytes, sizeof(out->bytes) - 1, &out->len);
	if (ret != FW_OK) {
		out->len = 0;
		out->bytes[0] = '\0';
		out->too_long = ret == FW_ELIMIT;
		return ret == FW_EPARSE ? "incorrect-encoding" : "malformed-request";
	}
	out->bytes[out->len] = '\0';
	return NULL;
}

void fw_sasl_read_failure(struct fw_stanza *stanza, struct fw_sasl_failure *out)
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

	*out = (struct fw_sasl_failure){ .condition = fw_str("not-authorized") };
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

void fw_sasl_send(struct fw_channel *channel, const char *name, const char *mechanism,
                  struct fw_str bytes)
{
	char encoded[FW_BASE64_SIZE(FW_SASL_MESSAGE_SIZE)] = "=";

	fw_assert(bytes.len < FW_SASL_MESSAGE_SIZE);
	fw_channel_send_text(channel, "<%s xmlns='" FW_NS_SASL "'", name);
	if (mechanism != NULL) {
		fw_channel_send_text(channel, " mechanism='%s'", mechanism);
	}
	if (bytes.ptr == NULL) {
		fw_channel_send_text(channel, "/>");
		return;
	}
	if (bytes.len > 0) {
		(void)fw_base64_write(bytes, encoded);
	}
	fw_channel_send_text(channel, ">%s</%s>", encoded, name);
}

void fw_sasl_send_failure(struct fw_channel *channel, const char *condition, const char *text)
{
	char escaped[1024];

	fw_channel_send_text(channel, "<failure xmlns='" FW_NS_SASL "'><%s/>", condition);
	if (text != NULL) {
		fw_channel_send_text(channel, "<text xml:lang='en'>%s</text>",
		                     fw_xml_escape(fw_str(text), escaped, sizeof(escaped)));
	}
	fw_channel_send_text(channel, "</failure>");
}
