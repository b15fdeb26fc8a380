/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Log lines of dialback in the XCP manner, so that `grep db:verify` tells the story. Called by
 * dialback_verify.c. What peers wrote goes through fw_quote(); of keys only the first 8 characters
 * are shown.
 */
#include "components/dialback/dialback_log.h"

#include <stdio.h>

enum { KEY_SHOWN = 8, XCODER_SHOWN = 9 };

static struct fw_logger element_in = FW_LOGGER("stanza.component.in");
static struct fw_logger element_out = FW_LOGGER("stanza.component.out");

void dialback_xcoder(struct fw_str session, uint64_t number, char out[DIALBACK_XCODER_SIZE])
{
	if (session.len == 0) {
		snprintf(out, DIALBACK_XCODER_SIZE, "%09llX", (unsigned long long)number);
		return;
	}
	session.len = session.len < XCODER_SHOWN ? session.len : XCODER_SHOWN;
	fw_quote(session, out, DIALBACK_XCODER_SIZE);
}

int dialback_log_context(const struct fw_log *parent, const struct dialback_question *question,
                         struct fw_log **out)
{
	char session[80];

	return fw_log_child(parent, out, "(%s, %.*s:%.*s, OUT)",
	                    question->session.len > 0
	                            ? fw_quote(question->session, session, sizeof(session))
	                            : "-",
	                    FW_STR_ARG(question->receiving), FW_STR_ARG(question->originating));
}

/* "37c69b1c…", or "" for no key. */
static const char *short_key(struct fw_str key, char *out, size_t size)
{
	char quoted[KEY_SHOWN * 6 + 1];

	key = fw_str_trim(key);
	bool cut = key.len > KEY_SHOWN;
	key.len = cut ? KEY_SHOWN : key.len;
	snprintf(out, size, "%s%s", fw_quote(key, quoted, sizeof(quoted)), cut ? "…" : "");
	return out;
}

void dialback_log_sending(const struct fw_log *log, const char *xcoder, const char *from,
                          const char *to, const char *id, const char *key)
{
	char shown[64], quoted[160];

	fw_log(log, &element_out, FW_LOG_INFO,
	       "xcoder=%s sending:: <db:verify from='%s' to='%s' id='%s'>%s</db:verify>", xcoder,
	       from, to, fw_quote(fw_str(id), quoted, sizeof(quoted)),
	       short_key(fw_str(key), shown, sizeof(shown)));
}

void dialback_error_condition(struct fw_stanza *stanza, char *out, size_t size)
{
	struct fw_elem *error = fw_elem_find(fw_stanza_root(stanza), "error", NULL);
	struct fw_elem *condition = fw_elem_find(error, NULL, FW_NS_STANZA_ERRORS);

	if (condition == NULL) {
		condition = fw_elem_first(error); /* some put it into another namespace */
	}
	fw_quote(condition != NULL ? fw_elem_name(condition) : fw_str("undefined-condition"), out,
	         size);
}

void dialback_log_received(const struct fw_log *log, const char *xcoder, struct fw_stanza *stanza,
                           const char *ignored)
{
	char name[64], from[160], to[160], id[160], type[32], shown[64], condition[64] = "";
	struct fw_elem *root = fw_stanza_root(stanza);

	if (root == NULL || !fw_log_on(&element_in, FW_LOG_INFO)) {
		return;
	}
	if (fw_str_is(fw_stanza_type(stanza), "error")) {
		dialback_error_condition(stanza, condition, sizeof(condition));
	}
	fw_quote(fw_stanza_name(stanza), name, sizeof(name));
	fw_log(log, &element_in, FW_LOG_INFO,
	       "xcoder=%s received:: <db:%s from='%s' to='%s' id='%s' type='%s'>%s</db:%s>%s%s%s%s",
	       xcoder, name, fw_quote(fw_stanza_from(stanza), from, sizeof(from)),
	       fw_quote(fw_stanza_to(stanza), to, sizeof(to)),
	       fw_quote(fw_stanza_id(stanza), id, sizeof(id)),
	       fw_quote(fw_stanza_type(stanza), type, sizeof(type)),
	       short_key(fw_elem_text(root), shown, sizeof(shown)), name,
	       condition[0] != '\0' ? " condition=" : "", condition,
	       ignored != NULL ? " ignored: " : "", ignored != NULL ? ignored : "");
}
