/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads, writes and logs dialback elements (XEP-0220 §2). Called by both directions. Keys never
 * reach the log in full: whoever reads it could otherwise use one while its stream lasts.
 */
#include "components/s2s/s2s_db.h"

#include <stdio.h>

#include "components/s2s/s2s.h"

bool s2s_db_read(struct fw_stanza *stanza, struct s2s_db *out)
{
	if (fw_stanza_kind(stanza) != FW_KIND_OTHER ||
	    !fw_str_is(fw_stanza_ns(stanza), FW_NS_DIALBACK)) {
		return false;
	}
	*out = (struct s2s_db){ 0 };
	if (fw_str_is(fw_stanza_name(stanza), "result")) {
		out->name = "result";
	} else if (fw_str_is(fw_stanza_name(stanza), "verify")) {
		out->name = "verify";
	} else {
		return false;
	}
	struct fw_elem *root = fw_stanza_root(stanza);
	if (root == NULL) {
		return false;
	}
	out->from = fw_elem_attr(root, "from");
	out->to = fw_elem_attr(root, "to");
	out->id = fw_elem_attr(root, "id");
	out->type = fw_elem_attr(root, "type");
	out->key = fw_str_trim(fw_elem_text(root));
	/* The error is in the stream's own namespace; some peers put it in the element's. */
	struct fw_elem *error = fw_elem_find(root, "error", NULL);
	for (struct fw_elem *elem = fw_elem_first(error); elem != NULL; elem = fw_elem_next(elem)) {
		if (!fw_str_is(fw_elem_ns(elem), FW_NS_STANZA_ERRORS)) {
			continue;
		}
		if (fw_str_is(fw_elem_name(elem), "text")) {
			out->text = fw_elem_text(elem);
		} else {
			out->condition = fw_elem_name(elem);
		}
	}
	return true;
}

static size_t db_text_attr(char *out, size_t out_size, size_t used, const char *name,
                           struct fw_str value)
{
	char quoted[256];

	if (value.ptr == NULL || used >= out_size) {
		return used;
	}
	int len = snprintf(out + used, out_size - used, " %s='%s'", name,
	                   fw_quote(value, quoted, sizeof(quoted)));
	return len > 0 ? used + (size_t)len : used;
}

const char *s2s_db_text(const struct s2s_db *db, char *out, size_t out_size)
{
	char quoted[64];
	size_t used = (size_t)snprintf(out, out_size, "<db:%s", db->name);

	used = db_text_attr(out, out_size, used, "from", db->from);
	used = db_text_attr(out, out_size, used, "to", db->to);
	used = db_text_attr(out, out_size, used, "id", db->id);
	used = db_text_attr(out, out_size, used, "type", db->type);
	if (used >= out_size) {
		return out;
	}
	if (db->condition.len > 0) {
		snprintf(out + used, out_size - used, "><error><%s/></error></db:%s>",
		         fw_quote(db->condition, quoted, sizeof(quoted)), db->name);
	} else if (db->key.len > 0) {
		struct fw_str head = fw_str_n(db->key.ptr, db->key.len < 8 ? db->key.len / 2 : 8);
		snprintf(out + used, out_size - used, ">%s\xe2\x80\xa6</db:%s>",
		         fw_quote(head, quoted, sizeof(quoted)), db->name);
	} else {
		snprintf(out + used, out_size - used, "/>");
	}
	return out;
}

/* Attribute values escape to at most six times their length; domains are at most 1023 bytes. */
enum { DB_ESCAPED_SIZE = 6 * 1024 };

static void db_send_attr(struct fw_channel *channel, const char *name, struct fw_str value)
{
	char escaped[DB_ESCAPED_SIZE];

	if (value.ptr != NULL) {
		fw_channel_send_text(channel, " %s='%s'", name,
		                     fw_xml_escape(value, escaped, sizeof(escaped)));
	}
}

void s2s_db_send(struct fw_channel *channel, const struct s2s_db *db, const struct fw_log *log,
                 const char *session)
{
	char escaped[DB_ESCAPED_SIZE];
	char text[1024];

	s2s_log_element(log, session, true, s2s_db_text(db, text, sizeof(text)));
	fw_channel_send_text(channel, "<db:%s", db->name);
	db_send_attr(channel, "from", db->from);
	db_send_attr(channel, "to", db->to);
	db_send_attr(channel, "id", db->id);
	db_send_attr(channel, "type", db->type);
	if (db->condition.len > 0) {
		fw_channel_send_text(
		        channel, "><error type='cancel'><%.*s xmlns='" FW_NS_STANZA_ERRORS "'/>",
		        FW_STR_ARG(db->condition));
		if (db->text.len > 0) {
			fw_channel_send_text(channel,
			                     "<text xmlns='" FW_NS_STANZA_ERRORS "'>%s</text>",
			                     fw_xml_escape(db->text, escaped, sizeof(escaped)));
		}
		fw_channel_send_text(channel, "</error></db:%s>", db->name);
	} else if (db->key.len > 0) {
		fw_channel_send_text(channel, ">%s</db:%s>",
		                     fw_xml_escape(db->key, escaped, sizeof(escaped)), db->name);
	} else {
		fw_channel_send_text(channel, "/>");
	}
}
