/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One module at work in this process: start, deliver, drain, stop. Called by router.c for all of
 * them, by instance_reload.c for those that a reload changes. Its port is a plain function call.
 * Loads no files (module_list.c) and reads no configuration text.
 */
#include "router/instance.h"

#include <stdio.h>
#include <stdlib.h>

#include "router/hooks.h"
#include "router/route_table.h"
#include "router/via.h"

static struct fw_logger instance_log = FW_LOGGER("instance");

/* ---- the port ---- */

static int port_deliver(void *port, struct fw_stanza **stanza)
{
	const struct instance *instance = port;

	fw_self_deliver(instance->self, stanza);
	return FW_OK;
}

static void port_report(void *port, const char *topic, struct fw_json *out)
{
	const struct instance *instance = port;

	if (strcmp(topic, "status") == 0) {
		fw_json_set(out, "module", fw_str(instance->descriptor->name));
	}
	if (instance->descriptor->report != NULL) {
		instance->descriptor->report(instance->self, topic, out);
	}
}

static void port_drain(void *port)
{
	struct instance *instance = port;

	if (instance->descriptor->drain != NULL) {
		instance->descriptor->drain(instance->self);
	} else {
		instance_drained(instance);
	}
}

static const struct component_port module_port = {
	.kind = "module",
	.deliver = port_deliver,
	.report = port_report,
	.drain = port_drain,
};

/* ---- one instance ---- */

int instance_id(const struct config_router *config, const struct config_component *row, char *out,
                size_t size)
{
	const struct config_component *rows = config->components.items;
	unsigned number = 1;
	int len;

	if (row->id != NULL && row->id[0] != '\0') {
		len = snprintf(out, size, "%s.%s", row->id, config->realm);
	} else {
		for (const struct config_component *each = rows; each != row; each++) {
			bool counts = each->id == NULL || each->id[0] == '\0';
			number += counts && strcmp(each->module, row->module) == 0 ? 1 : 0;
		}
		len = snprintf(out, size, "%s-%u.%s", row->module, number, config->realm);
	}
	return len > 0 && (size_t)len < size ? FW_OK : FW_ELIMIT;
}

static void instance_free(struct instance **at)
{
	struct instance *instance = *at;

	if (instance == NULL) {
		return;
	}
	fw_defer_cancel(&instance->ending);
	fw_self_free(&instance->self);
	if (instance->component != NULL) {
		via_forget(instance->component);
	}
	component_remove(&instance->component);
	snapshot_release(&instance->snapshot);
	free(instance);
	*at = NULL;
}

static void stop_drained(void *ctx)
{
	instance_stop(ctx);
}

/* Everything but the module's own start(). */
static int build(struct router *router, struct snapshot *snapshot,
                 const struct config_component *row, struct instance **out, struct fw_error *err)
{
	struct instance *instance = NULL;
	char id[FW_DOMAIN_SIZE];
	int ret = instance_id(&snapshot->config->router, row, id, sizeof(id));

	if (ret != FW_OK) {
		return fw_error_set(err, ret, "%s: the ID of %s with its realm is too long",
		                    row->where, row->module);
	}
	ret = FW_ENOMEM;
	instance = calloc(1, sizeof(*instance));
	if (instance == NULL) {
		goto done;
	}
	instance->router = router;
	instance->descriptor = row->descriptor;
	instance->row = row;
	instance->snapshot = snapshot_hold(snapshot);
	instance->ending.fn = stop_drained;
	instance->ending.ctx = instance;
	ret = component_add(router, id, false, &module_port, instance, &instance->component);
	if (ret != FW_OK) {
		goto done;
	}
	instance->component->priority = row->priority;
	instance->component->weight = row->weight;
	const struct fw_self_settings settings = {
		.component = row->descriptor,
		.ops = &host_services,
		.host = instance,
		.loop = router->loop,
		.log = instance->component->log,
		.id = id,
		.realm = router->realm,
		.config = row->options,
	};
	ret = fw_self_new(&settings, &instance->self);
	if (ret != FW_OK) {
		goto done;
	}
	*out = instance;
	instance = NULL;
done:
	if (ret != FW_OK) {
		(void)fw_error_set(err, ret, "%s: cannot make component %s: %s", row->where, id,
		                   ret == FW_EEXIST ? "the ID is taken" : fw_strerror(ret));
	}
	instance_free(&instance);
	return ret;
}

int instance_start(struct router *router, struct snapshot *snapshot,
                   const struct config_component *row, struct fw_error *err)
{
	struct instance *instance = NULL;
	struct fw_error why = { 0 };
	int ret = build(router, snapshot, row, &instance, err);

	if (ret != FW_OK) {
		return ret;
	}
	if (row->descriptor->start != NULL) {
		ret = row->descriptor->start(instance->self, &why);
		if (ret != FW_OK) {
			(void)fw_error_set(err, ret, "%s: component %s did not start: %s",
			                   row->where, instance->component->id,
			                   why.text[0] != '\0' ? why.text : fw_strerror(ret));
			goto done;
		}
	}
	ret = hook_list_add(router->hooks, instance->self, row->descriptor->hooks);
	if (ret != FW_OK) {
		if (row->descriptor->stop != NULL) {
			row->descriptor->stop(instance->self);
		}
		(void)fw_error_set(err, ret, "%s: out of memory for hooks", row->where);
		goto done;
	}
	struct instance **at = &router->instances;
	while (*at != NULL) {
		at = &(*at)->next;
	}
	*at = instance;
	component_up(instance->component);
	instance = NULL;
done:
	instance_free(&instance);
	return ret;
}

void instance_stop(struct instance *instance)
{
	struct router *router = instance->router;
	struct instance **at = &router->instances;

	while (*at != instance) {
		at = &(*at)->next;
	}
	*at = instance->next;
	fw_log(instance->component->log, &instance_log, FW_LOG_NOTICE, "stopping");
	hook_list_remove(router->hooks, instance->self);
	fw_self_end_calls(instance->self);
	/* Nothing reaches it any more; its names stay until stop() has ended what it holds. */
	instance->component->state = COMPONENT_DOWN;
	if (instance->descriptor->stop != NULL) {
		instance->descriptor->stop(instance->self);
	}
	instance_free(&instance);
}

void instance_drained(struct instance *instance)
{
	component_drained(instance->component);
	fw_defer(instance->router->loop, &instance->ending);
}

struct instance *instance_find(const struct router *router, const char *id)
{
	struct instance *each = router->instances;

	while (each != NULL && strcmp(each->component->id, id) != 0) {
		each = each->next;
	}
	return each;
}

/* ---- all of them ---- */

int instances_start(struct router *router, struct fw_error *err)
{
	const struct fw_rows *rows = &router->config->router.components;
	const struct config_component *row = rows->items;

	for (size_t left = rows->count; left > 0; left--, row++) {
		if (row->enabled) {
			int ret = instance_start(router, router->snapshot, row, err);
			if (ret != FW_OK) {
				instances_stop(router);
				return ret;
			}
		}
	}
	return FW_OK;
}

void instances_drain(struct router *router)
{
	for (struct instance *each = router->instances; each != NULL; each = each->next) {
		if (each->descriptor->drain != NULL) {
			component_drain(each->component);
		}
	}
}

void instances_stop(struct router *router)
{
	while (router->instances != NULL) {
		struct instance *last = router->instances;
		while (last->next != NULL) {
			last = last->next;
		}
		instance_stop(last);
	}
}

void instances_announce(struct router *router, const char *service, uint32_t but)
{
	for (struct instance *each = router->instances; each != NULL; each = each->next) {
		if (each->descriptor->announced != NULL && each->component->number != but) {
			each->descriptor->announced(each->self, service);
		}
	}
}
