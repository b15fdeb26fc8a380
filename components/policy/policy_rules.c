/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads lists and rules of the configuration and decides. Pure: no host, no stanza. Called by
 * policy.c. A rule that matches decides; without one, privacy_mode and its list do.
 */
#include "components/policy/policy_rules.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/jid.h>

const struct fw_choice policy_modes[] = {
	{ "off", POLICY_OFF, "every domain may talk to us" },
	{ "allow-list", POLICY_ALLOW_LIST, "only domains on the list `allow`, and static routes" },
	{ "deny-list", POLICY_DENY_LIST, "every domain but those on the list `deny`" },
	{ NULL, 0, NULL },
};

static const struct fw_choice policy_directions[] = {
	{ "both", POLICY_DIRECTIONS, "for what they send and for what we send" },
	{ "incoming", POLICY_INCOMING, "for what the remote domain sends" },
	{ "outgoing", POLICY_OUTGOING, "for what we send" },
	{ NULL, 0, NULL },
};

static const struct fw_choice policy_actions[] = {
	{ "allow", POLICY_ALLOW, "let it pass" },
	{ "deny", POLICY_DENY, "return it to its sender" },
	{ NULL, 0, NULL },
};

const struct fw_option policy_rule_options[] = {
	FW_OPT(struct policy_rule_row, domain, NULL, .min = 1,
	       .help = "remote domain; \"*.example.org\" is example.org and all below it"),
	FW_OPT(struct policy_rule_row, direction, "both", .choices = policy_directions,
	       .help = "whose stanzas the rule is about"),
	FW_OPT(struct policy_rule_row, action, "allow", .choices = policy_actions,
	       .help = "what becomes of them"),
	FW_OPT(struct policy_rule_row, id, "", .max = POLICY_RULE_SIZE - 1,
	       .help = "name of the rule in logs and verdicts; empty: \"rule:\" and its domain"),
	FW_OPT_END,
};

static int rules_read_list(const char *name, const struct fw_strings *texts,
                           struct policy_list *out, struct fw_error *err)
{
	int ret = policy_list_init(out, texts->count);

	for (size_t i = 0; i < texts->count && ret == FW_OK; i++) {
		ret = policy_list_add(out, texts->items[i], 0);
		if (ret == FW_EEXIST) { /* twice is once */
			ret = FW_OK;
		} else if (ret == FW_EPARSE) {
			ret = fw_error_set(err, FW_EINVAL, "%s: '%s' is not a domain", name,
			                   texts->items[i]);
		}
	}
	return ret;
}

/* A rule for one direction goes before one for both, whatever their order. */
static int rules_add(struct policy_rules *rules, const struct policy_rule_row *row, uint32_t number,
                     enum policy_direction direction, struct fw_error *err)
{
	bool both = row->direction == POLICY_DIRECTIONS;
	int ret = policy_list_add(&rules->by_direction[direction], row->domain, number);

	if (ret == FW_EPARSE) {
		return fw_error_set(err, FW_EINVAL, "rules: '%s' is not a domain", row->domain);
	}
	if (ret == FW_EEXIST && !both) {
		return fw_error_set(err, FW_EINVAL,
		                    "rules: '%s' has two rules for the same direction; remove one",
		                    row->domain);
	}
	return ret == FW_EEXIST ? FW_OK : ret;
}

static int rules_read_direction(struct policy_rules *rules, const struct fw_rows *rows,
                                enum policy_direction direction, struct fw_error *err)
{
	const struct policy_rule_row *items = rows->items;
	int ret = policy_list_init(&rules->by_direction[direction], rows->count);

	for (uint32_t i = 0; i < rows->count && ret == FW_OK; i++) {
		if (items[i].direction == (int)direction) {
			ret = rules_add(rules, &items[i], i, direction, err);
		}
	}
	for (uint32_t i = 0; i < rows->count && ret == FW_OK; i++) {
		if (items[i].direction == POLICY_DIRECTIONS) {
			ret = rules_add(rules, &items[i], i, direction, err);
		}
	}
	return ret;
}

/* Rules for both directions are told apart only here: the sets keep the first of two. */
static int rules_check_twice(const struct fw_rows *rows, struct fw_error *err)
{
	const struct policy_rule_row *items = rows->items;
	struct policy_list seen = { NULL, NULL };
	int ret = policy_list_init(&seen, rows->count);

	for (size_t i = 0; i < rows->count && ret == FW_OK; i++) {
		if (items[i].direction != POLICY_DIRECTIONS) {
			continue;
		}
		ret = policy_list_add(&seen, items[i].domain, 0);
		if (ret == FW_EEXIST) {
			ret = fw_error_set(err, FW_EINVAL,
			                   "rules: '%s' has two rules for both directions; "
			                   "remove one",
			                   items[i].domain);
		} else if (ret == FW_EPARSE) {
			ret = FW_OK; /* told when it is read */
		}
	}
	policy_list_clear(&seen);
	return ret;
}

static int rules_read(struct policy_rules *rules, const struct fw_rows *rows, struct fw_error *err)
{
	const struct policy_rule_row *items = rows->items;
	int ret = rules_check_twice(rows, err);

	rules->rules = calloc(rows->count + 1, sizeof(*rules->rules));
	if (rules->rules == NULL) {
		return FW_ENOMEM;
	}
	for (size_t i = 0; i < rows->count; i++) {
		rules->rules[i].cause =
		        items[i].action == POLICY_ALLOW ? FW_CAUSE_NONE : FW_CAUSE_POLICY_DENIED;
		snprintf(rules->rules[i].id, sizeof(rules->rules[i].id), "%s%s",
		         items[i].id[0] != '\0' ? items[i].id : "rule:",
		         items[i].id[0] != '\0' ? "" : items[i].domain);
	}
	for (int d = 0; d < POLICY_DIRECTIONS && ret == FW_OK; d++) {
		ret = rules_read_direction(rules, rows, (enum policy_direction)d, err);
	}
	return ret;
}

int policy_rules_load(struct policy_rules *rules, const struct policy_config *config,
                      struct fw_error *err)
{
	struct policy_rules fresh = {
		.mode = (enum policy_mode)config->privacy_mode,
		.statics_allowed = config->static_routes_allowed,
	};

	int ret = rules_read_list("allow", &config->allow, &fresh.allow, err);
	if (ret == FW_OK) {
		ret = rules_read_list("deny", &config->deny, &fresh.deny, err);
	}
	if (ret == FW_OK) {
		ret = rules_read(&fresh, &config->rules, err);
	}
	if (ret != FW_OK) {
		policy_rules_clear(&fresh);
		return ret;
	}
	fresh.statics = rules->statics;
	rules->statics = NULL;
	policy_rules_set_learned(&fresh, &rules->learned_allow, &rules->learned_deny);
	policy_rules_clear(rules);
	*rules = fresh;
	return FW_OK;
}

void policy_rules_clear(struct policy_rules *rules)
{
	policy_list_clear(&rules->allow);
	policy_list_clear(&rules->deny);
	policy_list_clear(&rules->learned_allow);
	policy_list_clear(&rules->learned_deny);
	for (int d = 0; d < POLICY_DIRECTIONS; d++) {
		policy_list_clear(&rules->by_direction[d]);
	}
	free(rules->rules);
	rules->rules = NULL;
	policy_set_free(&rules->statics);
}

bool policy_rules_set_statics(struct policy_rules *rules, struct policy_set **statics)
{
	bool differs = !policy_set_eq(rules->statics, *statics);

	policy_set_free(&rules->statics);
	rules->statics = *statics;
	*statics = NULL;
	return differs;
}

static void rules_take(struct policy_list *to, struct policy_list *from)
{
	policy_list_clear(to);
	*to = *from;
	*from = (struct policy_list){ NULL, NULL };
}

void policy_rules_set_learned(struct policy_rules *rules, struct policy_list *allow,
                              struct policy_list *deny)
{
	rules_take(&rules->learned_allow, allow);
	rules_take(&rules->learned_deny, deny);
}

static bool rules_list_has(const struct policy_list *own, const struct policy_list *learned,
                           struct fw_str remote)
{
	return policy_list_has(own, remote, NULL) || policy_list_has(learned, remote, NULL);
}

static struct policy_decision rules_decide_by_mode(const struct policy_rules *rules,
                                                   struct fw_str remote)
{
	const struct policy_decision off = { FW_CAUSE_NONE, "off" };
	const struct policy_decision listed = { FW_CAUSE_NONE, "allow-list" };
	const struct policy_decision routed = { FW_CAUSE_NONE, "static-route" };
	const struct policy_decision not_listed = { FW_CAUSE_POLICY_NOT_LISTED, "allow-list" };
	const struct policy_decision denied = { FW_CAUSE_POLICY_DENIED, "deny-list" };
	const struct policy_decision not_denied = { FW_CAUSE_NONE, "deny-list" };

	switch (rules->mode) {
	case POLICY_OFF:
		return off;
	case POLICY_DENY_LIST:
		return rules_list_has(&rules->deny, &rules->learned_deny, remote) ? denied
		                                                                  : not_denied;
	case POLICY_ALLOW_LIST:
		break;
	}
	if (rules_list_has(&rules->allow, &rules->learned_allow, remote)) {
		return listed;
	}
	return rules->statics_allowed && policy_set_has(rules->statics, remote, NULL) ? routed
	                                                                              : not_listed;
}

struct policy_decision policy_rules_decide(const struct policy_rules *rules, struct fw_str remote,
                                           enum policy_direction direction)
{
	uint32_t number = 0;

	if (policy_list_has(&rules->by_direction[direction], remote, &number)) {
		return (struct policy_decision){ rules->rules[number].cause,
			                         rules->rules[number].id };
	}
	return rules_decide_by_mode(rules, remote);
}

void policy_rules_report(const struct policy_rules *rules, struct fw_json *out)
{
	fw_json_set(out, "privacy_mode", fw_str(policy_modes[rules->mode].word));
	fw_json_set_bool(out, "static_routes_allowed", rules->statics_allowed);
	policy_list_report(&rules->allow, fw_json_set_array(out, "allow"));
	policy_list_report(&rules->deny, fw_json_set_array(out, "deny"));
	policy_list_report(&rules->by_direction[POLICY_INCOMING],
	                   fw_json_set_array(out, "rules_incoming"));
	policy_list_report(&rules->by_direction[POLICY_OUTGOING],
	                   fw_json_set_array(out, "rules_outgoing"));
	struct fw_json *statics = fw_json_set_array(out, "static_routes");
	for (size_t i = 0; i < policy_set_count(rules->statics); i++) {
		fw_json_append(statics, fw_str(policy_set_at(rules->statics, i)));
	}
}

/* "out *.example.org deny" */
static void facts_direction(const struct policy_rules *rules, enum policy_direction direction,
                            const char *word, struct fw_json *array)
{
	const struct policy_list *list = &rules->by_direction[direction];
	const struct {
		const struct policy_set *set;
		const char *prefix;
	} parts[] = { { list->exact, "" }, { list->suffix, "*." } };
	uint32_t number = 0;

	for (size_t p = 0; p < FW_COUNT(parts); p++) {
		for (size_t i = 0; i < policy_set_count(parts[p].set); i++) {
			const char *name = policy_set_at(parts[p].set, i);
			(void)policy_set_has(parts[p].set, fw_str(name), &number);
			bool allow = rules->rules[number].cause == FW_CAUSE_NONE;
			fw_json_appendf(array, "%s %s%s %s", word, parts[p].prefix, name,
			                allow ? "allow" : "deny");
		}
	}
}

/* The list in force: what is configured and what was learned, each entry once. */
static void facts_list(const struct policy_list *own, const struct policy_list *learned,
                       struct fw_json *array)
{
	const struct {
		const struct policy_set *own, *learned;
		const char *prefix;
	} parts[] = { { own->exact, learned->exact, "" }, { own->suffix, learned->suffix, "*." } };

	policy_list_report(own, array);
	for (size_t p = 0; p < FW_COUNT(parts); p++) {
		for (size_t i = 0; i < policy_set_count(parts[p].learned); i++) {
			const char *name = policy_set_at(parts[p].learned, i);
			if (!policy_set_has(parts[p].own, fw_str(name), NULL)) {
				fw_json_appendf(array, "%s%s", parts[p].prefix, name);
			}
		}
	}
}

void policy_rules_facts(const struct policy_rules *rules, struct fw_json *out)
{
	struct fw_json *array;

	fw_json_set(out, "privacy_mode", fw_str(policy_modes[rules->mode].word));
	facts_list(&rules->allow, &rules->learned_allow, fw_json_set_array(out, "allow"));
	facts_list(&rules->deny, &rules->learned_deny, fw_json_set_array(out, "deny"));
	array = fw_json_set_array(out, "rules");
	facts_direction(rules, POLICY_INCOMING, "in", array);
	facts_direction(rules, POLICY_OUTGOING, "out", array);
}
