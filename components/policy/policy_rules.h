/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The rules and the decision: may a local and a remote domain talk, in this direction?
 */
#ifndef FEDWAY_COMPONENTS_POLICY_RULES_H
#define FEDWAY_COMPONENTS_POLICY_RULES_H

#include <fedway/cause.h>
#include <fedway/config.h>
#include <fedway/error.h>
#include <fedway/json.h>

#include "components/policy/policy_list.h"

enum policy_mode { POLICY_OFF, POLICY_ALLOW_LIST, POLICY_DENY_LIST };

/** Words of the option `privacy_mode`. */
extern const struct fw_choice policy_modes[];

/** Who sends: the remote domain, or ours. A rule may hold for both. */
enum policy_direction { POLICY_INCOMING, POLICY_OUTGOING, POLICY_DIRECTIONS };

enum policy_action { POLICY_ALLOW, POLICY_DENY };

/** One row of `rules`. */
struct policy_rule_row {
	const char *domain;
	int direction; /**< enum policy_direction; POLICY_DIRECTIONS: both */
	int action;    /**< enum policy_action */
	const char *id;
};

struct policy_config {
	int privacy_mode; /**< enum policy_mode */
	struct fw_strings allow, deny;
	struct fw_rows rules; /**< struct policy_rule_row */
	bool static_routes_allowed;
};

/** For the option table. */
extern const struct fw_option policy_rule_options[];

/** What was decided, and by which rule. */
struct policy_decision {
	enum fw_cause cause; /**< FW_CAUSE_NONE: they may */
	const char *rule;    /**< lives as long as the rules */
};

/** Rule IDs are cut to this, as struct fw_why does. */
#define POLICY_RULE_SIZE 64u

struct policy_rule {
	enum fw_cause cause;
	char id[POLICY_RULE_SIZE];
};

struct policy_rules {
	enum policy_mode mode;
	bool statics_allowed;
	struct policy_list allow, deny;
	struct policy_rule *rules;
	struct policy_list by_direction[POLICY_DIRECTIONS]; /**< numbers are places in `rules` */
	struct policy_list learned_allow, learned_deny; /**< beside `allow` and `deny`; live through reloads */
	struct policy_set *statics; /**< domains that have static routes; lives through reloads */
};

/**
 * Fills rules from a configuration; `rules` is left as it was on failure. Statics and what was
 * learned stay as they are.
 * @return FW_OK; FW_EINVAL (an entry is no domain, two rules contradict; err names them); FW_ENOMEM
 */
int policy_rules_load(struct policy_rules *rules, const struct policy_config *config,
                      struct fw_error *err);
void policy_rules_clear(struct policy_rules *rules);
/** Takes a new set of static domains. [t] @return true when it differs from the one before */
bool policy_rules_set_statics(struct policy_rules *rules, struct policy_set **statics);
/** Takes new lists of learned entries. [t] */
void policy_rules_set_learned(struct policy_rules *rules, struct policy_list *allow, struct policy_list *deny);
/** The decision for a remote domain, given as a key. */
struct policy_decision policy_rules_decide(const struct policy_rules *rules, struct fw_str remote,
                                           enum policy_direction direction);
/** For reports: mode, lists and rules in force. */
void policy_rules_report(const struct policy_rules *rules, struct fw_json *out);
/** What has to be the same on all edges of an organisation. */
void policy_rules_facts(const struct policy_rules *rules, struct fw_json *out);

#endif
