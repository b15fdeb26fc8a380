/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Hooks: code of modules that sees every stanza at a stage. Three rooms of the passage run them;
 * instances add and remove theirs. A hook borrows the stanza; its verdict decides, and only the
 * passage ends it.
 */
#include "router/hooks.h"

#include <stdlib.h>

#include <fedway/hosting.h>
#include <fedway/log.h>

#include "router/passage.h"
#include "router/route_table.h"

struct hook_entry {
	int priority;
	enum fw_verdict (*run)(struct fw_self *, struct fw_stanza *, struct fw_why *);
	struct fw_self *self;
};

struct hook_list {
	struct {
		struct hook_entry *entries;
		size_t count;
	} stages[FW_STAGE_COUNT];
};

static struct fw_logger hooks_verdict = FW_LOGGER("stanza.hook");

int hook_list_new(struct hook_list **out)
{
	struct hook_list *list = calloc(1, sizeof(*list));

	if (list == NULL) {
		return FW_ENOMEM;
	}
	*out = list;
	return FW_OK;
}

void hook_list_free(struct hook_list **list)
{
	if (*list == NULL) {
		return;
	}
	for (size_t i = 0; i < FW_STAGE_COUNT; i++) {
		free((*list)->stages[i].entries);
	}
	free(*list);
	*list = NULL;
}

static int add_one(struct hook_list *list, struct fw_self *self, const struct fw_hook *hook)
{
	size_t count = list->stages[hook->stage].count;
	struct hook_entry *entries =
	        realloc(list->stages[hook->stage].entries, (count + 1) * sizeof(*entries));

	if (entries == NULL) {
		return FW_ENOMEM;
	}
	size_t at = count;
	while (at > 0 && entries[at - 1].priority > hook->priority) {
		entries[at] = entries[at - 1];
		at--;
	}
	entries[at] = (struct hook_entry){ hook->priority, hook->run, self };
	list->stages[hook->stage].entries = entries;
	list->stages[hook->stage].count = count + 1;
	return FW_OK;
}

int hook_list_add(struct hook_list *list, struct fw_self *self, const struct fw_hook *hooks)
{
	for (; hooks != NULL && hooks->run != NULL; hooks++) {
		fw_assert((unsigned)hooks->stage < FW_STAGE_COUNT); /* module_check.c has looked */
		if (add_one(list, self, hooks) != FW_OK) {
			hook_list_remove(list, self);
			return FW_ENOMEM;
		}
	}
	return FW_OK;
}

void hook_list_remove(struct hook_list *list, const struct fw_self *self)
{
	for (size_t i = 0; i < FW_STAGE_COUNT; i++) {
		struct hook_entry *entries = list->stages[i].entries;
		size_t kept = 0;
		for (size_t j = 0; j < list->stages[i].count; j++) {
			if (entries[j].self != self) {
				entries[kept++] = entries[j];
			}
		}
		list->stages[i].count = kept;
	}
}

enum fw_verdict hook_list_run(const struct hook_list *list, enum fw_stage stage,
                              struct fw_stanza *stanza, struct fw_why *why)
{
	const struct hook_entry *entry = list->stages[stage].entries;

	for (size_t left = list->stages[stage].count; left > 0; left--, entry++) {
		enum fw_verdict verdict = entry->run(entry->self, stanza, why);
		if (verdict != FW_PASS) {
			if (why->cause == FW_CAUSE_NONE) {
				why->cause = FW_CAUSE_HOOK_DROPPED;
			}
			fw_log(fw_self_log(entry->self), &hooks_verdict, FW_LOG_DEBUG,
			       "%s xcoder=" FW_XCODER " cause=%s rule=%s",
			       verdict == FW_DROP ? "drop" : "bounce", fw_stanza_xcoder(stanza),
			       fw_cause_row(why->cause)->name, why->rule);
			return verdict;
		}
	}
	return FW_PASS;
}

static enum passage_next run_stage(struct passage *passage, enum fw_stage stage)
{
	const struct hook_list *list = passage->router->hooks;

	if (list->stages[stage].count == 0) {
		return PASSAGE_ON;
	}
	struct fw_why why = { .cause = FW_CAUSE_NONE, .rule = "" };
	switch (hook_list_run(list, stage, passage->stanza, &why)) {
	case FW_PASS:
		return PASSAGE_ON;
	case FW_BOUNCE:
		return passage_leave(passage, PASSAGE_BOUNCE, why.cause);
	case FW_DROP:
		break;
	}
	return passage_leave(passage, PASSAGE_DROP, why.cause);
}

enum passage_next hooks_arrived(struct passage *passage)
{
	return run_stage(passage, FW_STAGE_ARRIVED);
}

enum passage_next hooks_policy(struct passage *passage)
{
	/* An error answer to one of ours says why the other side may not be talked to: the policy
	 * that caused it must not eat it. One that would leave for the outside is judged like any
	 * stanza. */
	if (passage->source == NULL &&
	    route_table_is_local(passage->router->routes, fw_stanza_to_domain(passage->stanza))) {
		return PASSAGE_ON;
	}
	return run_stage(passage, FW_STAGE_POLICY);
}

enum passage_next hooks_routed(struct passage *passage)
{
	return run_stage(passage, FW_STAGE_ROUTED);
}
