/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads and edits the entries that the node has learned. Called by policy.c, and by the host for
 * commands. Each source has a key of its own, so that a list from another node never wipes out what
 * an operator has said here. It decides nothing.
 */
#include "components/policy/policy_learned.h"

#include <stdio.h>

#include <fedway/jid.h>

static const struct {
	const char *key, *list, *from;
	bool deny;
} sources[] = {
	{ "allow", "allow", "another node", false },
	{ "allow-by-command", "allow", "command", false },
	{ "deny", "deny", "another node", true },
	{ "deny-by-command", "deny", "command", true },
};

bool policy_learned_is(const char *service)
{
	for (size_t i = 0; i < FW_COUNT(sources); i++) {
		if (strncmp(service, "state.", 6) == 0 &&
		    strcmp(service + 6, sources[i].key) == 0) {
			return true;
		}
	}
	return false;
}

static size_t learned_count(const struct fw_self *self, bool deny)
{
	size_t count = 0;

	for (size_t i = 0; i < FW_COUNT(sources); i++) {
		count +=
		        sources[i].deny == deny ? fw_json_count(fw_state(self, sources[i].key)) : 0;
	}
	return count;
}

/* One that is no domain is left out, and told. */
static int learn_source(struct fw_self *self, size_t source, struct policy_list *list)
{
	const struct fw_json *entries = fw_state(self, sources[source].key);
	char quoted[160];
	int ret = FW_OK;

	fw_notice_clear(self, sources[source].key);
	for (size_t i = 0; ret == FW_OK && i < fw_json_count(entries); i++) {
		struct fw_str entry = fw_json_text(fw_json_at(entries, i));
		ret = policy_list_add(list, entry.ptr != NULL ? entry.ptr : "", 0);
		if (ret == FW_EPARSE) {
			fw_notice(self, sources[source].key, FW_NOTICE_YELLOW,
			          "correct it where the list is kept",
			          "an entry of the list %s from %s is no domain: %s",
			          sources[source].list, sources[source].from,
			          fw_quote(entry, quoted, sizeof(quoted)));
		}
		ret = ret == FW_EPARSE || ret == FW_EEXIST ? FW_OK : ret;
	}
	return ret;
}

int policy_learn(struct fw_self *self, struct policy_rules *rules)
{
	struct policy_list allow = { NULL, NULL }, deny = { NULL, NULL };
	int ret = policy_list_init(&allow, learned_count(self, false));

	if (ret == FW_OK) {
		ret = policy_list_init(&deny, learned_count(self, true));
	}
	for (size_t i = 0; ret == FW_OK && i < FW_COUNT(sources); i++) {
		ret = learn_source(self, i, sources[i].deny ? &deny : &allow);
	}
	if (ret == FW_OK) {
		policy_rules_set_learned(rules, &allow, &deny);
	}
	policy_list_clear(&allow);
	policy_list_clear(&deny);
	return ret;
}

static void report_list(const struct fw_self *self, const char *list, struct fw_json *array)
{
	for (size_t i = 0; i < FW_COUNT(sources); i++) {
		const struct fw_json *entries = fw_state(self, sources[i].key);
		for (size_t j = 0; j < fw_json_count(entries); j++) {
			if (list != NULL && strcmp(list, sources[i].list) != 0) {
				continue;
			}
			struct fw_json *row = fw_json_append_object(array);
			fw_json_set(row, "domain", fw_json_text(fw_json_at(entries, j)));
			fw_json_set(row, "list", fw_str(sources[i].list));
			fw_json_set(row, "from", fw_str(sources[i].from));
		}
	}
}

void policy_learned_report(const struct fw_self *self, struct fw_json *out)
{
	report_list(self, NULL, fw_json_set_array(out, "learned"));
}

/* ---- commands ---- */

/* The entry as lists are written: a key, with "*." in front of a suffix. */
static int read_entry(struct fw_str given, char out[FW_DOMAIN_SIZE + 2])
{
	bool suffix = given.len > 2 && memcmp(given.ptr, "*.", 2) == 0;
	char room[FW_DOMAIN_SIZE];
	struct fw_str key;

	if (suffix) {
		given = fw_str_n(given.ptr + 2, given.len - 2);
	}
	int ret = given.len > 0 ? fw_domain_key(given, room, &key) : FW_EPARSE;
	if (ret == FW_OK) {
		(void)snprintf(out, FW_DOMAIN_SIZE + 2, "%s%.*s", suffix ? "*." : "",
		               FW_STR_ARG(key));
	}
	return ret;
}

/* Sets the key without the entry, and with it at the end when it is added. *was: it was there. */
static int edit(struct fw_self *self, const char *key, const char *entry, bool add, bool *was,
                struct fw_error *err)
{
	const struct fw_json *old = fw_state(self, key);
	struct fw_json *document = fw_json_new();
	struct fw_json *list = fw_json_set_array(document, "list");
	int ret = list != NULL ? FW_OK : FW_ENOMEM;

	*was = false;
	for (size_t i = 0; i < fw_json_count(old); i++) {
		struct fw_str each = fw_json_text(fw_json_at(old, i));
		bool same = fw_str_is(each, entry);
		*was = *was || same;
		if (!same || add) {
			fw_json_append(list, each);
		}
	}
	if (add && !*was) {
		fw_json_append(list, fw_str(entry));
	}
	if (ret == FW_OK && *was != add) {
		ret = fw_state_set(self, key, fw_json_count(list) > 0 ? list : NULL, err);
	}
	fw_json_free(&document);
	return ret;
}

static void run_edit(struct fw_self *self, struct fw_call *call, const char *list, bool add)
{
	struct fw_str given = fw_call_arg(call, "domain");
	struct fw_json *result = fw_call_result(call);
	char entry[FW_DOMAIN_SIZE + 2], key[32], quoted[160];
	struct fw_error err = { 0 };
	bool was = false;

	if (read_entry(given, entry) != FW_OK) {
		fw_call_fail(&call, FW_EINVAL, "like \"partner.example\", or \"*.partner.example\"",
		             "%s is not a domain", fw_quote(given, quoted, sizeof(quoted)));
		return;
	}
	(void)snprintf(key, sizeof(key), "%s-by-command", list);
	int ret = edit(self, key, entry, add, &was, &err);
	if (ret != FW_OK) {
		fw_call_fail(&call, ret, NULL, "%s",
		             err.text[0] != '\0' ? err.text : fw_strerror(ret));
		return;
	}
	if (was == add) {
		fw_json_set(result, "changed", fw_str("no"));
	} else {
		policy_learned_changed(self);
		fw_json_set(result, "changed", fw_str("yes"));
	}
	fw_json_set(result, "domain", fw_str(entry));
	bool used = policy_rules_of(self)->mode ==
	            (strcmp(list, "deny") == 0 ? POLICY_DENY_LIST : POLICY_ALLOW_LIST);
	if (!used) {
		fw_json_setf(result, "note", "privacy_mode is \"%s\": this list is not used",
		             policy_modes[policy_rules_of(self)->mode].word);
	} else if (!add && !was) {
		fw_json_set(result, "note",
		            fw_str("only entries by command can be removed by command"));
	}
	fw_call_done(&call);
}

static void run_list(struct fw_self *self, struct fw_call *call, const char *list)
{
	const struct policy_config *config = fw_self_config(self);
	const struct fw_strings *own = strcmp(list, "deny") == 0 ? &config->deny : &config->allow;
	struct fw_json *rows = fw_json_set_array(fw_call_result(call), "entries");

	for (size_t i = 0; i < own->count; i++) {
		struct fw_json *row = fw_json_append_object(rows);
		fw_json_set(row, "domain", fw_str(own->items[i]));
		fw_json_set(row, "list", fw_str(list));
		fw_json_set(row, "from", fw_str("configuration"));
	}
	report_list(self, list, rows);
	fw_call_done(&call);
}

static void allow_add(struct fw_self *self, struct fw_call *call)
{
	run_edit(self, call, "allow", true);
}

static void allow_remove(struct fw_self *self, struct fw_call *call)
{
	run_edit(self, call, "allow", false);
}

static void allow_list(struct fw_self *self, struct fw_call *call)
{
	run_list(self, call, "allow");
}

static void deny_add(struct fw_self *self, struct fw_call *call)
{
	run_edit(self, call, "deny", true);
}

static void deny_remove(struct fw_self *self, struct fw_call *call)
{
	run_edit(self, call, "deny", false);
}

static void deny_list(struct fw_self *self, struct fw_call *call)
{
	run_list(self, call, "deny");
}

const struct fw_command policy_commands[] = {
	{ "allow add", "domain", "let a remote domain talk to ours, now and after a restart",
	  allow_add },
	{ "allow remove", "domain", "take back what allow add has said", allow_remove },
	{ "allow list", "", "the list allow, and where each entry comes from", allow_list },
	{ "deny add", "domain", "keep a remote domain out, now and after a restart", deny_add },
	{ "deny remove", "domain", "take back what deny add has said", deny_remove },
	{ "deny list", "", "the list deny, and where each entry comes from", deny_list },
	FW_COMMAND_END,
};
