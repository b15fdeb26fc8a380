/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The hooks of all running modules, stage by stage, in order of priority.
 */
#ifndef FEDWAY_ROUTER_HOOKS_H
#define FEDWAY_ROUTER_HOOKS_H

#include <fedway/component.h>

struct hook_list;

/** @return FW_OK, FW_ENOMEM [g] */
int hook_list_new(struct hook_list **out);
void hook_list_free(struct hook_list **list);

/**
 * Adds the hooks of one instance; equal priorities keep the order in which they were added.
 * @param hooks  ends with FW_HOOK_END; may be NULL
 * @return FW_OK; FW_ENOMEM (none was added)
 */
int hook_list_add(struct hook_list *list, struct fw_self *self, const struct fw_hook *hooks);
/** Takes out all hooks of an instance. Not from inside a hook. */
void hook_list_remove(struct hook_list *list, const struct fw_self *self);

/** Runs a stage; the first verdict other than FW_PASS ends it. */
enum fw_verdict hook_list_run(const struct hook_list *list, enum fw_stage stage, struct fw_stanza *stanza,
                              struct fw_why *why);

#endif
