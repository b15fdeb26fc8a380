/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Looks at the end of a turn, once for all changes in it, whether the holders of "*" or their
 * readiness are others than before; then modules are told. Called by component.c for every change;
 * the reports are what modules ask by fw_holders().
 */
#include "router/holders.h"

#include <stdlib.h>

#include "router/fabric.h"
#include "router/route_table.h"
#include "router/via.h"

struct holders {
	struct router *router;
	struct fw_task task;
	uint64_t told; /* digest of what modules were told last */
};

/* Components that are up, whatever the stanza. A via is up while there is a way on. */
static bool is_up(const struct component *component)
{
	return component->stands_for != NULL ? via_is_up(component)
	                                     : component->state == COMPONENT_UP;
}

static uint64_t digest_of(const struct router *router)
{
	const struct route *route = route_table_holders(router->routes, "*");
	uint64_t digest = 1;

	for (; route != NULL; route = route->sibling) {
		digest = digest * UINT64_C(0x100000001b3) + route->component->number;
		digest = digest * UINT64_C(0x100000001b3) + route_rank(route);
		digest = digest * 4 + 1 + is_up(route->component);
	}
	for (const struct component *each = router->components; each != NULL; each = each->next) {
		if (each->peer != NULL) {
			digest = digest * UINT64_C(0x100000001b3) + each->number;
			digest = digest * 4 + 1 + is_up(each);
		}
	}
	return digest;
}

static void look(void *ctx)
{
	struct holders *holders = ctx;

	vias_refresh(holders->router);
	fabric_look(holders->router);
	uint64_t digest = digest_of(holders->router);
	if (digest != holders->told) {
		holders->told = digest;
		router_announce(holders->router, "router", NULL);
	}
}

int holders_new(struct router *router, struct holders **out)
{
	struct holders *holders = calloc(1, sizeof(*holders));

	if (holders == NULL) {
		return FW_ENOMEM;
	}
	holders->router = router;
	holders->task.fn = look;
	holders->task.ctx = holders;
	holders->told = digest_of(router);
	*out = holders;
	return FW_OK;
}

void holders_free(struct holders **holders)
{
	if (*holders == NULL) {
		return;
	}
	fw_defer_cancel(&(*holders)->task);
	free(*holders);
	*holders = NULL;
}

void holders_changed(struct router *router)
{
	if (router->holders != NULL) {
		fw_defer(router->loop, &router->holders->task);
	}
}

static void report(const struct route *route, struct fw_json *out)
{
	const struct component *component = route->component;
	struct fw_str id =
	        fw_str(component->stands_for != NULL ? component->stands_for : component->id);
	const char *dot = memchr(id.ptr, '.', id.len);

	fw_json_set(out, "id", id);
	fw_json_set(out, "realm",
	            component->peer != NULL ? fw_str(component->peer->realm)
	            : dot != NULL           ? fw_str(dot + 1)
	                                    : id);
	fw_json_set_bool(out, "up", is_up(component));
	fw_json_set_int(out, "cost", route_rank(route) & UINT16_MAX);
}

int holders_report(const struct router *router, const char *domain, struct fw_json *out)
{
	const struct route *route = route_table_holders(router->routes, domain);

	for (; route != NULL; route = route->sibling) {
		struct fw_json *row = fw_json_append_object(out);
		if (row == NULL) {
			return FW_ENOMEM;
		}
		report(route, row);
	}
	return FW_OK;
}
