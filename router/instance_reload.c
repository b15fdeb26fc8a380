/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a reload does to the modules that run. router.c calls it in two halves: what can fail comes
 * first and is undone when something fails; the rest cannot. An instance whose row did not change
 * is not touched: it keeps the snapshot it reads.
 */
#include <stdio.h>
#include <stdlib.h>

#include "router/instance.h"
#include "router/route_table.h"

struct instance_step {
	const struct config_component *row;
	enum instance_change change;
	char id[FW_DOMAIN_SIZE];
	/* of one that was restarted, to bring it back */
	const struct config_component *old_row;
	struct snapshot *old_snapshot;
	bool done; /* started or restarted */
};

struct instance_plan {
	struct snapshot *snapshot;
	size_t count;
	struct instance_step steps[];
};

static struct fw_logger reload_log = FW_LOGGER("reload");

static enum instance_change compare(const struct instance *running,
                                    const struct config_component *row)
{
	const struct config_component *old = running->row;

	if (running->descriptor != row->descriptor) {
		return INSTANCE_RESTART;
	}
	bool same = row->descriptor->options == NULL ||
	            config_options_equal(row->descriptor->options, old->options, row->options);
	if (!same) {
		return row->descriptor->reload != NULL ? INSTANCE_RELOAD : INSTANCE_RESTART;
	}
	return running->component->priority == row->priority &&
	                       running->component->weight == row->weight
	               ? INSTANCE_KEEP
	               : INSTANCE_ADJUST;
}

static void plan_free(struct instance_plan **plan)
{
	for (size_t i = 0; i < (*plan)->count; i++) {
		snapshot_release(&(*plan)->steps[i].old_snapshot);
	}
	snapshot_release(&(*plan)->snapshot);
	free(*plan);
	*plan = NULL;
}

static int plan_make(const struct router *router, struct snapshot *snapshot,
                     struct instance_plan **out, struct fw_error *err)
{
	const struct config_router *config = &snapshot->config->router;
	const struct config_component *rows = config->components.items;
	struct instance_plan *plan = NULL;
	int ret = FW_ENOMEM;

	plan = calloc(1, sizeof(*plan) + config->components.count * sizeof(plan->steps[0]));
	if (plan == NULL) {
		return fw_error_set(err, ret, "out of memory");
	}
	plan->snapshot = snapshot_hold(snapshot);
	for (size_t i = 0; i < config->components.count; i++) {
		if (!rows[i].enabled) {
			continue;
		}
		struct instance_step *step = &plan->steps[plan->count++];
		step->row = &rows[i];
		ret = instance_id(config, &rows[i], step->id, sizeof(step->id));
		if (ret != FW_OK) {
			plan_free(&plan);
			return fw_error_set(err, ret, "%s: the ID of %s with its realm is too long",
			                    rows[i].where, rows[i].module);
		}
		const struct instance *running = instance_find(router, step->id);
		step->change = running != NULL ? compare(running, &rows[i]) : INSTANCE_START;
	}
	*out = plan;
	return FW_OK;
}

/* Starts a new one, or puts a new one in the place of an old one. */
static int take_step(struct router *router, struct instance_plan *plan, struct instance_step *step,
                     struct fw_error *err)
{
	if (step->change == INSTANCE_RESTART) {
		struct instance *old = instance_find(router, step->id);
		step->old_row = old->row;
		step->old_snapshot = snapshot_hold(old->snapshot);
		step->done = true; /* from here on there is something to bring back */
		instance_stop(old);
	}
	int ret = instance_start(router, plan->snapshot, step->row, err);
	step->done = step->done || ret == FW_OK;
	return ret;
}

static void undo_step(struct router *router, struct instance_step *step)
{
	struct instance *now = instance_find(router, step->id);
	struct fw_error err = { 0 };

	if (now != NULL) {
		instance_stop(now);
	}
	if (step->old_row != NULL &&
	    instance_start(router, step->old_snapshot, step->old_row, &err) != FW_OK) {
		fw_log(router->log, &reload_log, FW_LOG_ERROR,
		       "a component cannot be brought back after a refused reload: %s", err.text);
	}
}

int instances_prepare(struct router *router, struct snapshot *snapshot, struct instance_plan **out,
                      struct fw_error *err)
{
	static const enum instance_change order[] = { INSTANCE_START, INSTANCE_RESTART };
	struct instance_plan *plan = NULL;
	int ret = plan_make(router, snapshot, &plan, err);

	/* New ones first: as long as nothing was restarted, a failure disturbs nobody. */
	for (size_t i = 0; ret == FW_OK && i < FW_COUNT(order); i++) {
		for (size_t j = 0; ret == FW_OK && j < plan->count; j++) {
			if (plan->steps[j].change == order[i]) {
				ret = take_step(router, plan, &plan->steps[j], err);
			}
		}
	}
	if (ret == FW_OK) {
		*out = plan;
		return FW_OK;
	}
	for (size_t j = plan != NULL ? plan->count : 0; j > 0; j--) {
		if (plan->steps[j - 1].done) {
			undo_step(router, &plan->steps[j - 1]);
		}
	}
	if (plan != NULL) {
		plan_free(&plan);
	}
	return ret;
}

static void tell(struct router *router, struct fw_json *changes, const char *id, const char *what)
{
	fw_log(router->log, &reload_log, FW_LOG_NOTICE, "component %s: %s", id, what);
	fw_json_appendf(changes, "component %s: %s", id, what);
}

static void adjust(struct instance *instance, const struct config_component *row)
{
	instance->component->priority = row->priority;
	instance->component->weight = row->weight;
	route_table_reorder(instance->router->routes, instance->component);
}

static void move_to(struct instance *instance, struct snapshot *snapshot,
                    const struct config_component *row)
{
	struct snapshot *old = instance->snapshot;

	instance->snapshot = snapshot_hold(snapshot);
	instance->row = row;
	fw_self_set_config(instance->self, row->options);
	instance->descriptor->reload(instance->self, row->options);
	snapshot_release(&old); /* the old options were valid until reload() returned */
}

static bool is_planned(const struct instance_plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (strcmp(plan->steps[i].id, id) == 0) {
			return true;
		}
	}
	return false;
}

static void stop_gone(struct router *router, const struct instance_plan *plan,
                      struct fw_json *changes)
{
	struct instance *each = router->instances;

	while (each != NULL) {
		if (is_planned(plan, each->component->id)) {
			each = each->next;
			continue;
		}
		tell(router, changes, each->component->id, "stopped");
		instance_stop(each);
		each = router->instances; /* stop() may have ended others' requests: begin again */
	}
}

void instances_commit(struct router *router, struct instance_plan **plan, struct fw_json *changes)
{
	for (size_t i = 0; i < (*plan)->count; i++) {
		const struct instance_step *step = &(*plan)->steps[i];
		struct instance *instance = instance_find(router, step->id);

		switch (instance != NULL ? step->change : INSTANCE_KEEP) {
		case INSTANCE_KEEP:
			break;
		case INSTANCE_RELOAD:
			adjust(instance, step->row);
			move_to(instance, (*plan)->snapshot, step->row);
			tell(router, changes, step->id, "reloaded");
			break;
		case INSTANCE_ADJUST:
			adjust(instance, step->row);
			tell(router, changes, step->id, "priority or weight changed");
			break;
		case INSTANCE_RESTART:
			tell(router, changes, step->id, "restarted");
			break;
		case INSTANCE_START:
			tell(router, changes, step->id, "started");
			break;
		}
	}
	stop_gone(router, *plan, changes);
	plan_free(plan);
}
