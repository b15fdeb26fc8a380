/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stopping without loss. Other routers are told first that we are no way to the outside any more;
 * when they have confirmed it, in three steps: what waits for a link that is suspended goes back,
 * while gateways still take it; then the modules finish what they hold, while links still take
 * it; then links and uplinks write their queues and close. Services without a drain() of their own
 * answer until the end.
 */
#include "router/router_drain.h"

#include <stdlib.h>

#include "router/fabric.h"
#include "router/instance.h"
#include "router/links.h"
#include "router/router.h"
#include "router/uplink.h"

struct router_drain {
	struct router *router;
	void (*done)(void *ctx);
	void *ctx;
	struct fw_timer *timer;
	struct fw_task task;
	bool modules;  /* the first two steps have begun */
	bool attached; /* the third step has begun */
};

static struct fw_logger drain_log = FW_LOGGER("drain");

/* Components that are still at it, on this side or the other. */
static size_t busy(const struct router *router, bool modules)
{
	size_t count = 0;

	for (const struct component *each = router->components; each != NULL; each = each->next) {
		if (component_is(each, "module") == modules) {
			count += modules ? each->state == COMPONENT_DRAINING
			                 : each->state != COMPONENT_DOWN;
		}
	}
	return count;
}

/* Those that are attached: all, or the suspended ones. */
static void drain_attached(struct router *router, bool suspended)
{
	/* A port may take its component off the list while it drains: begin again after each. */
	struct component *each = router->components;
	while (each != NULL) {
		if (!component_is(each, "module") && (each->suspended || !suspended) &&
		    (each->state == COMPONENT_UP || each->state == COMPONENT_STARTING)) {
			component_drain(each);
			each = router->components;
		} else {
			each = each->next;
		}
	}
}

static void finish(struct router_drain *drain)
{
	struct router *router = drain->router;
	void (*done)(void *ctx) = drain->done;
	void *ctx = drain->ctx;

	router_drain_cancel(router);
	fw_log(router->log, &drain_log, FW_LOG_NOTICE, "drained");
	done(ctx);
}

/* The first steps, once all neighbours know. Nobody comes back to a router that stops. */
static void begin_modules(struct router_drain *drain)
{
	if (!drain->modules && fabric_settled(drain->router)) {
		drain->modules = true;
		drain_attached(drain->router, true);
		instances_drain(drain->router);
	}
}

static void look_again(void *ctx)
{
	struct router_drain *drain = ctx;
	struct router *router = drain->router;

	begin_modules(drain);
	if (!drain->modules) {
		return;
	}
	if (busy(router, true) > 0) {
		return;
	}
	if (!drain->attached) {
		drain->attached = true;
		if (router->links != NULL) {
			links_drain(router);
		}
		if (router->uplinks != NULL) {
			uplinks_drain(router);
		}
		drain_attached(router, false);
	}
	if (busy(router, false) == 0) {
		finish(drain);
	}
}

static void give_up(void *ctx)
{
	struct router_drain *drain = ctx;
	struct router *router = drain->router;

	fw_log(router->log, &drain_log, FW_LOG_WARNING,
	       "drain_timeout_ms is over modules=%zu attached=%zu", busy(router, true),
	       busy(router, false));
	finish(drain);
}

void router_drain(struct router *router, void (*done)(void *ctx), void *ctx)
{
	struct router_drain *drain;

	if (router->drain != NULL) {
		return;
	}
	router->draining = true;
	drain = calloc(1, sizeof(*drain));
	if (drain == NULL || fw_timer_new(router->loop, give_up, drain, &drain->timer) != FW_OK) {
		free(drain);
		done(ctx); /* no memory to wait with */
		return;
	}
	drain->router = router;
	drain->done = done;
	drain->ctx = ctx;
	drain->task.fn = look_again;
	drain->task.ctx = drain;
	router->drain = drain;
	fw_timer_start_ms(drain->timer, router->config->router.drain_timeout_ms, 0);
	fw_log(router->log, &drain_log, FW_LOG_NOTICE, "draining");
	fabric_look(router);
	begin_modules(drain);
	router_drain_progress(router);
}

void router_drain_progress(struct router *router)
{
	if (router->drain != NULL) {
		fw_defer(router->loop, &router->drain->task);
	}
}

void router_drain_cancel(struct router *router)
{
	struct router_drain *drain = router->drain;

	if (drain == NULL) {
		return;
	}
	router->drain = NULL;
	fw_defer_cancel(&drain->task);
	fw_timer_free(&drain->timer);
	free(drain);
}
