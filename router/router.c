/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The house as a whole: its rooms come up in the order of one table and go down in the reverse one;
 * a reload builds what can fail, then swaps. Called by the program around it. What happens to a
 * stanza is passage.c.
 */
#include "router/router.h"

#include <stdlib.h>

#include "router/announce.h"
#include "router/control.h"
#include "router/control_remote.h"
#include "router/domains.h"
#include "router/fabric.h"
#include "router/federation.h"
#include "router/holders.h"
#include "router/hooks.h"
#include "router/instance.h"
#include "router/links.h"
#include "router/notices.h"
#include "router/route_table.h"
#include "router/router_drain.h"
#include "router/snapshot.h"
#include "router/state.h"
#include "router/uplink.h"

static struct fw_logger router_log = FW_LOGGER("router");

/* ---- coming up and going down ---- */

static int core_up(struct router *router, struct fw_error *err)
{
	int ret = fw_log_child(NULL, &router->log, "router.%s", router->realm);

	if (ret != FW_OK) {
		return fw_error_set(err, ret, "out of memory");
	}
	ret = route_table_new(router->realm, &router->routes);
	if (ret != FW_OK) {
		return fw_error_set(err, ret, "realm \"%s\" cannot be part of a domain name",
		                    router->realm);
	}
	router->total = fw_ledger_new(NULL);
	router->bounces = router->total != NULL ? fw_ledger_new(router->total) : NULL;
	if (router->bounces == NULL || hook_list_new(&router->hooks) != FW_OK ||
	    announcements_new(router, &router->announcements) != FW_OK ||
	    holders_new(router, &router->holders) != FW_OK) {
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	return domains_relearn(router, err);
}

static void core_down(struct router *router)
{
	if (router->total != NULL && !fw_ledger_balanced(router->total)) {
		fw_log(router->log, &router_log, FW_LOG_ERROR, "the ledger does not balance");
	}
	notices_free(router);
	holders_free(&router->holders);
	announcements_free(&router->announcements);
	hook_list_free(&router->hooks);
	fw_ledger_release(&router->bounces);
	fw_ledger_release(&router->total);
	route_table_free(&router->routes);
	fw_log_free(&router->log);
}

/* What was learned, and what follows from it. */
static int state_up(struct router *router, struct fw_error *err)
{
	int ret = state_start(router, err);

	if (ret != FW_OK) {
		return ret;
	}
	ret = federation_start(router, err);
	if (ret == FW_OK) {
		ret = domains_relearn(router, err);
	}
	if (ret != FW_OK) {
		state_stop(router);
	}
	return ret;
}

/* The rooms, in the order in which they come up. A room that fails has nothing left to take down,
 * but for the first, which may be half built. */
static const struct {
	const char *name;
	int (*up)(struct router *, struct fw_error *);
	void (*down)(struct router *);
} rooms[] = {
	{ "core", core_up, core_down },
	{ "state", state_up, state_stop },
	{ "components", instances_start, instances_stop },
	{ "routers", fabric_start, fabric_stop },
	{ "links", links_start, links_stop },
	{ "uplinks", uplinks_start, uplinks_stop },
	{ "remote control", control_remote_start, control_remote_stop },
	{ "control", control_start, control_stop },
};

/* Takes down the first `up` rooms, last first, and the house. */
static void go_down(struct router *router, size_t up)
{
	while (up > 0) {
		rooms[--up].down(router);
	}
	snapshot_release(&router->snapshot);
	free(router);
}

static void log_levels_apply(const struct config_router *config)
{
	const struct config_log_level *levels = config->log_levels.items;

	(void)fw_log_set_level(fw_str("*"), (enum fw_level)config->log_level);
	for (size_t i = 0; i < config->log_levels.count; i++) {
		(void)fw_log_set_level(fw_str(levels[i].logger), (enum fw_level)levels[i].level);
	}
}

int router_start(struct fw_loop *loop, struct config **config, struct module_list *modules,
                 struct router **out, struct fw_error *err)
{
	struct router *router = calloc(1, sizeof(*router));
	int ret = FW_OK;

	if (router == NULL || (router->snapshot = snapshot_new(config)) == NULL) {
		free(router);
		config_free(config);
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	router->loop = loop;
	router->modules = modules;
	router->config = router->snapshot->config;
	router->realm = router->config->router.realm;
	router->started_ms = fw_now_ms(loop);
	log_levels_apply(&router->config->router);
	size_t up = 0;
	while (ret == FW_OK && up < FW_COUNT(rooms)) {
		ret = rooms[up].up(router, err);
		up += ret == FW_OK || up == 0 ? 1 : 0; /* the first may be half built */
	}
	if (ret != FW_OK) {
		go_down(router, up);
		return ret;
	}
	fw_log(router->log, &router_log, FW_LOG_NOTICE, "started realm=%s", router->realm);
	*out = router;
	return FW_OK;
}

void router_stop(struct router **at)
{
	struct router *router = *at;

	if (router == NULL) {
		return;
	}
	router_drain_cancel(router);
	fw_log(router->log, &router_log, FW_LOG_NOTICE, "stopping");
	go_down(router, FW_COUNT(rooms));
	*at = NULL;
}

/* ---- reload ---- */

/* What cannot be changed under way is refused rather than half applied. */
static int check_fixed(const struct router *router, const struct config *config,
                       struct fw_error *err)
{
	if (strcmp(router->realm, config->router.realm) != 0) {
		return fw_error_set(err, FW_EINVAL,
		                    "realm cannot change from \"%s\" to \"%s\" by reload: restart",
		                    router->realm, config->router.realm);
	}
	if (strcmp(router->config->router.state_file, config->router.state_file) != 0) {
		return fw_error_set(err, FW_EINVAL,
		                    "state_file cannot change from \"%s\" to \"%s\" by reload: "
		                    "restart",
		                    router->config->router.state_file, config->router.state_file);
	}
	if (router->draining) {
		return fw_error_set(err, FW_EINVAL, "the router is draining");
	}
	return FW_OK;
}

/* All that can fail; on failure nothing is left of it. */
static int reload_build(struct router *router, struct snapshot *next, struct instance_plan **plan,
                        struct fw_error *err)
{
	int ret = check_fixed(router, next->config, err);

	if (ret != FW_OK) {
		return ret;
	}
	ret = domains_check(router, next->config, err);
	if (ret != FW_OK) {
		return ret;
	}
	ret = fabric_check(router, next->config, err);
	if (ret == FW_OK) {
		ret = links_check(router, next->config, err);
	}
	if (ret == FW_OK) {
		ret = uplinks_check(router, next->config, err);
	}
	if (ret == FW_OK) {
		ret = instances_prepare(router, next, plan, err);
	}
	if (ret != FW_OK) {
		uplinks_forget(router);
		links_forget(router);
		fabric_forget(router);
		domains_forget(router);
	}
	return ret;
}

static void reload_switch(struct router *router, struct fw_json *changes)
{
	bool was = router->federation;

	federation_apply(router);
	if (was != router->federation) {
		fw_json_append(changes, fw_str(was ? "federation: off" : "federation: on"));
	}
}

int router_reload(struct router *router, struct config **config, struct fw_json *changes,
                  struct fw_error *err)
{
	struct instance_plan *plan = NULL;
	struct fw_error late = { 0 };
	struct snapshot *next = snapshot_new(config);

	if (next == NULL) {
		config_free(config);
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	int ret = reload_build(router, next, &plan, err);
	if (ret != FW_OK) {
		snapshot_release(&next);
		return ret;
	}
	domains_apply(router, next->config);
	instances_commit(router, &plan, changes);
	fabric_apply(router, next->config, changes);
	links_apply(router, next->config, changes);
	uplinks_apply(router, next->config, changes);
	struct snapshot *old = router->snapshot;
	router->snapshot = next;
	router->config = next->config;
	router->realm = next->config->router.realm;
	log_levels_apply(&router->config->router);
	reload_switch(router, changes);
	if (!domains_equal(&old->config->router, &router->config->router)) {
		router_announce(router, "domains", NULL);
		fw_json_append(changes, fw_str("domains: changed"));
	}
	if (control_remote_start(router, &late) != FW_OK || control_apply(router, &late) != FW_OK) {
		fw_log(router->log, &router_log, FW_LOG_ERROR, "%s", late.text);
	}
	snapshot_release(&old);
	fw_log(router->log, &router_log, FW_LOG_NOTICE, "reloaded");
	return FW_OK;
}
