/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads the lists of the configuration into sets of keys and decides. Pure: no host, no stanza.
 * Called by policy.c. Lists hold exact domains: a sub-domain is a domain of its own.
 */
#include "components/policy/policy_rules.h"

#include <fedway/jid.h>

const struct fw_choice policy_modes[] = {
	{ "off", POLICY_OFF, "every domain may talk to us" },
	{ "allow-list", POLICY_ALLOW_LIST, "only domains on the list `allow`, and static routes" },
	{ "deny-list", POLICY_DENY_LIST, "every domain but those on the list `deny`" },
	{ NULL, 0, NULL },
};

static int rules_read_list(const char *name, const struct fw_strings *list, struct policy_set **out,
                           struct fw_error *err)
{
	struct policy_set *set = policy_set_new(list->count);
	char domain[FW_DOMAIN_SIZE];
	struct fw_str key;
	int ret = set != NULL ? FW_OK : FW_ENOMEM;

	for (size_t i = 0; i < list->count && ret == FW_OK; i++) {
		if (fw_domain_key(fw_str(list->items[i]), domain, &key) != FW_OK) {
			ret = fw_error_set(err, FW_EINVAL, "%s: '%s' is not a domain", name,
			                   list->items[i]);
		} else {
			ret = policy_set_add(set, key);
		}
	}
	if (ret != FW_OK) {
		policy_set_free(&set);
	}
	*out = set;
	return ret;
}

int policy_rules_load(struct policy_rules *rules, const struct policy_config *config,
                      struct fw_error *err)
{
	struct policy_set *allow = NULL, *deny = NULL;

	int ret = rules_read_list("allow", &config->allow, &allow, err);
	if (ret == FW_OK) {
		ret = rules_read_list("deny", &config->deny, &deny, err);
	}
	if (ret != FW_OK) {
		policy_set_free(&allow);
		return ret;
	}
	policy_set_free(&rules->allow);
	policy_set_free(&rules->deny);
	rules->allow = allow;
	rules->deny = deny;
	rules->mode = (enum policy_mode)config->privacy_mode;
	rules->statics_allowed = config->static_routes_allowed;
	return FW_OK;
}

void policy_rules_clear(struct policy_rules *rules)
{
	policy_set_free(&rules->allow);
	policy_set_free(&rules->deny);
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

struct policy_decision policy_rules_decide(const struct policy_rules *rules, struct fw_str remote)
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
		return policy_set_has(rules->deny, remote) ? denied : not_denied;
	case POLICY_ALLOW_LIST:
		break;
	}
	if (policy_set_has(rules->allow, remote)) {
		return listed;
	}
	return rules->statics_allowed && policy_set_has(rules->statics, remote) ? routed
	                                                                        : not_listed;
}
