/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Making stanzas: new ones, copies, replies and error answers (RFC 6120 §8.3).
 */
#include <stdlib.h>

#include <fedway/io/stream.h>

#include "sdk/src/element_private.h"
#include "sdk/src/stanza_private.h"

#define NS_CAUSE "urn:fedway:cause:1"

int fw_stanza_new(const char *name, const char *ns, struct fw_stanza **out)
{
	struct fw_stanza *stanza = stanza_alloc();

	if (stanza == NULL) {
		return FW_ENOMEM;
	}
	stanza->tree = tree_new();
	if (stanza->tree == NULL ||
	    tree_node(stanza, stanza->tree, NULL, fw_str(name), fw_str(ns)) == NULL) {
		fw_stanza_free(&stanza);
		return FW_ENOMEM;
	}
	tree_envelope(stanza);
	*out = stanza;
	return FW_OK;
}

/* A copy of the bytes as they would be written; its tree is built again when somebody asks. */
int fw_stanza_copy(struct fw_stanza *stanza, struct fw_stanza **out)
{
	struct fw_stanza *copy;

	if (stanza_need_bytes(stanza) != FW_OK) {
		return FW_ENOMEM;
	}
	copy = stanza_alloc();
	if (copy == NULL) {
		return FW_ENOMEM;
	}
	copy->chunk = chunk_new(stanza->size);
	if (copy->chunk == NULL) {
		fw_stanza_free(&copy);
		return FW_ENOMEM;
	}
	memcpy(copy->chunk->bytes, stanza->bytes, stanza->size);
	copy->bytes = copy->chunk->bytes;
	copy->size = stanza->size;
	copy->name_size = stanza->name_size;
	copy->cut_at = stanza->cut_at;
	copy->cut_size = stanza->cut_size;
	copy->inject = stanza_store(copy, stanza->inject);
	copy->kind = stanza->kind;
	copy->name = stanza_store(copy, stanza->name);
	copy->ns = stanza_store(copy, stanza->ns);
	copy->type = stanza_store(copy, stanza->type);
	copy->id = stanza_store(copy, stanza->id);
	stanza_set_from(copy, stanza_store(copy, stanza->from));
	stanza_set_to(copy, stanza_store(copy, stanza->to));
	copy->origin = stanza->origin;
	*out = copy;
	return FW_OK;
}

int fw_stanza_reply(const struct fw_stanza *stanza, const char *type, struct fw_stanza **out)
{
	const char *name = stanza_kind_name(fw_stanza_kind(stanza)).ptr;
	struct fw_stanza *reply;
	int ret;

	if (name == NULL) {
		return FW_EINVAL;
	}
	ret = fw_stanza_new(name, NULL, &reply);
	if (ret != FW_OK) {
		return ret;
	}
	if (fw_stanza_set(reply, "type", fw_str(type)) != FW_OK ||
	    fw_stanza_set(reply, "id", stanza->id) != FW_OK ||
	    fw_stanza_set(reply, "from", stanza->to) != FW_OK ||
	    fw_stanza_set(reply, "to", stanza->from) != FW_OK) {
		fw_stanza_free(&reply);
		return FW_ENOMEM;
	}
	*out = reply;
	return FW_OK;
}

/* RFC 6120 §8.3.1: never an error for an error or a result; RFC 6121 §8.2, §8.5: presence that
 * tells of a state, and answers to subscriptions, are not answered either. */
static bool may_be_answered(const struct fw_stanza *stanza)
{
	static const char *const presence_answered[] = { "subscribe", "probe" };

	if (stanza->bounce || stanza->from.len == 0 || fw_stanza_is_error(stanza)) {
		return false;
	}
	switch (fw_stanza_kind(stanza)) {
	case FW_KIND_IQ:
		return !fw_str_is(stanza->type, "result");
	case FW_KIND_MESSAGE:
		return !fw_str_is(stanza->type, "headline"); /* RFC 6121 §8.5.2 */
	case FW_KIND_PRESENCE:
		if (stanza->type.len == 0) {
			return true; /* directed presence: the sender learns that nobody sees it */
		}
		for (size_t i = 0; i < FW_COUNT(presence_answered); i++) {
			if (fw_str_is(stanza->type, presence_answered[i])) {
				return true;
			}
		}
		return false;
	default:
		return false;
	}
}

int fw_stanza_error_reply(const struct fw_stanza *stanza, enum fw_cause cause,
                          struct fw_stanza **out)
{
	const struct fw_cause_row *row = fw_cause_row(cause);
	struct fw_stanza *reply;
	struct fw_elem *error, *text, *mark;
	int ret;

	if (!may_be_answered(stanza)) {
		return FW_EDENIED;
	}
	ret = fw_stanza_reply(stanza, "error", &reply);
	if (ret != FW_OK) {
		return ret;
	}
	error = fw_elem_add(fw_stanza_root(reply), "error", NULL);
	text = NULL;
	mark = NULL;
	if (fw_elem_set(error, "type", fw_str(row->stanza_type)) == FW_OK &&
	    fw_elem_add(error, row->stanza_condition, FW_NS_STANZA_ERRORS) != NULL) {
		text = fw_elem_add(error, "text", FW_NS_STANZA_ERRORS);
		mark = fw_elem_add(error, "cause", NS_CAUSE);
	}
	if (fw_elem_set_text(text, fw_str(row->text)) != FW_OK ||
	    fw_elem_set(mark, "name", fw_str(row->name)) != FW_OK) {
		fw_stanza_free(&reply);
		return FW_ENOMEM;
	}
	*out = reply;
	return FW_OK;
}
