/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Modules that run in this process: one instance per enabled row of `components`. Instances are kept in the order
 * in which they were started and stopped in the reverse one.
 */
#ifndef FEDWAY_ROUTER_INSTANCE_H
#define FEDWAY_ROUTER_INSTANCE_H

#include <fedway/hosting.h>

#include "router/router.h"
#include "router/snapshot.h"

struct instance {
	struct instance *next;
	struct router *router;
	struct component *component;
	struct fw_self *self;
	const struct fw_component *descriptor;
	const struct config_component *row; /**< in the snapshot it was started or last reloaded with */
	struct snapshot *snapshot;
	struct fw_task ending;              /**< stops it at the end of the turn in which it has drained */
};

/** What a component of a module asks of the router (host_services.c); the host is the struct instance. */
extern const struct fw_host_ops host_services;

/** Component ID of a row: `id`, or "<module>-<n>" counted per module from 1, and the realm. */
int instance_id(const struct config_router *config, const struct config_component *row, char *out, size_t size);

/**
 * Starts one row and puts it at the end of router->instances.
 * @return FW_OK; else err has a sentence that names the component and file:line
 */
int instance_start(struct router *router, struct snapshot *snapshot, const struct config_component *row,
                   struct fw_error *err);
/** Stops it and takes it off the list. */
void instance_stop(struct instance *instance);
/** Its component is done with draining: stopped at the end of the turn. */
void instance_drained(struct instance *instance);
/** The instance with this component ID, or NULL. */
struct instance *instance_find(const struct router *router, const char *id);

/** Starts all enabled rows of the configuration in force, in the order of the file. */
int instances_start(struct router *router, struct fw_error *err);
/** Begins to drain those that have something to finish. */
void instances_drain(struct router *router);
void instances_stop(struct router *router);
/** Tells all but the component of that number; 0: all. */
void instances_announce(struct router *router, const char *service, uint32_t but);

/** What a reload does to one row, decided by comparing it with what runs. */
enum instance_change {
	INSTANCE_KEEP,    /**< not touched at all */
	INSTANCE_ADJUST,  /**< priority or weight only */
	INSTANCE_RELOAD,  /**< other options, and the module has reload() */
	INSTANCE_RESTART, /**< other options, and it has none; or another module under the same ID */
	INSTANCE_START,
};

struct instance_plan;

/**
 * First half of a reload: starts what is new, then restarts what must be. On failure all of it is undone.
 * @return FW_OK, gives *out for instances_commit(); FW_ENOMEM; what start() said
 */
int instances_prepare(struct router *router, struct snapshot *snapshot, struct instance_plan **out,
                      struct fw_error *err);
/** Second half, cannot fail: reloads, adjusts, stops what is gone. [t: *plan] */
void instances_commit(struct router *router, struct instance_plan **plan, struct fw_json *changes);

#endif
