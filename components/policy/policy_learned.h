/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Entries of the lists that are not in the configuration: from another node (state keys "allow" and "deny") and by
 * command ("allow-by-command", "deny-by-command"). They count as the option's own do.
 */
#ifndef FEDWAY_COMPONENTS_POLICY_LEARNED_H
#define FEDWAY_COMPONENTS_POLICY_LEARNED_H

#include <fedway/host.h>

#include "components/policy/policy_rules.h"

/** An announcement of one of these keys. */
bool policy_learned_is(const char *service);
/** Takes what the node has learned into the rules. What is no domain gets a notice. FW_OK; FW_ENOMEM: they stay */
int policy_learn(struct fw_self *self, struct policy_rules *rules);
/** Array "learned": entry, list, and where it comes from. */
void policy_learned_report(const struct fw_self *self, struct fw_json *out);

/** allow add, allow remove, allow list; the same for deny. */
extern const struct fw_command policy_commands[];

/** For the commands: rules in force. (policy.c) */
const struct policy_rules *policy_rules_of(const struct fw_self *self);
/** What was learned is different: reads it again, and tells those who hold streams. (policy.c) */
void policy_learned_changed(struct fw_self *self);

#endif
