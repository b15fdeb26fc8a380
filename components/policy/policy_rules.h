/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The rules and the decision: may a local and a remote domain talk?
 */
#ifndef FEDWAY_COMPONENTS_POLICY_RULES_H
#define FEDWAY_COMPONENTS_POLICY_RULES_H

#include <fedway/cause.h>
#include <fedway/config.h>
#include <fedway/error.h>

#include "components/policy/policy_set.h"

enum policy_mode { POLICY_OFF, POLICY_ALLOW_LIST, POLICY_DENY_LIST };

/** Words of the option `privacy_mode`. */
extern const struct fw_choice policy_modes[];

struct policy_config {
	int privacy_mode; /**< enum policy_mode */
	struct fw_strings allow, deny;
	bool static_routes_allowed;
};

struct policy_rules {
	enum policy_mode mode;
	bool statics_allowed;
	struct policy_set *allow, *deny;
	struct policy_set *statics; /**< domains that have static routes; lives through reloads */
};

/** What was decided, and by which rule. */
struct policy_decision {
	enum fw_cause cause; /**< FW_CAUSE_NONE: they may */
	const char *rule;    /**< static text */
};

/**
 * Fills rules from a configuration; `rules` is left as it was on failure. Statics stay as they are.
 * @return FW_OK; FW_EINVAL (an entry is no domain; err names it); FW_ENOMEM
 */
int policy_rules_load(struct policy_rules *rules, const struct policy_config *config,
                      struct fw_error *err);
void policy_rules_clear(struct policy_rules *rules);
/** Takes a new set of static domains. [t] @return true when it differs from the one before */
bool policy_rules_set_statics(struct policy_rules *rules, struct policy_set **statics);
/** The decision for a remote domain, given as a key. */
struct policy_decision policy_rules_decide(const struct policy_rules *rules, struct fw_str remote);

#endif
