/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Components that stand for others. A via looks for the way to the one it stands for whenever it is
 * asked whether it is ready, so the balance never chooses one without a way while another has one.
 * Claimed and given back by modules (host_services.c). What leaves the node by a router's link
 * carries the ID with it.
 */
#include "router/via.h"

#include <stdio.h>
#include <stdlib.h>

#include "router/holders.h"
#include "router/route_balance.h"
#include "router/route_table.h"
#include "router/trail.h"

enum { VIA_PRIORITY = 10, VIA_WEIGHT_MAX = 65535 }; /* the priority that rows have by default */

struct via {
	struct via *next;
	struct router *router;
	uint32_t owner; /* number of the component that claims */
	struct component *component;
	char target[]; /* component ID */
};

/* Who takes the stanza for the target; NULL: nobody. Never another via: two could name each other.
 */
static struct component *next_hop(const struct via *via, const struct fw_stanza *stanza)
{
	const struct route_name *name;
	enum fw_cause cause;

	if (route_table_find(via->router->routes, fw_str(via->target), &name) != FW_OK ||
	    name->kind == ROUTE_DEFAULT) {
		return NULL;
	}
	for (const struct route *route = name->holders; route != NULL; route = route->sibling) {
		if (route->component->stands_for != NULL) {
			return NULL;
		}
	}
	return route_balance_pick(name, stanza, 0, &cause);
}

static bool via_ready(void *port, const struct fw_stanza *stanza)
{
	return next_hop(port, stanza) != NULL;
}

static int via_deliver(void *port, struct fw_stanza **stanza)
{
	const struct via *via = port;
	struct component *target = next_hop(via, *stanza);

	if (target == NULL) { /* gone while a hook looked at the stanza */
		router_bounce(via->router, stanza, FW_CAUSE_NO_EDGE);
		return FW_OK;
	}
	size_t size = fw_stanza_size(*stanza);
	if (fw_stanza_set_destination(*stanza, fw_str(via->target)) != FW_OK) {
		router_bounce(via->router, stanza, FW_CAUSE_RESOURCES);
		return FW_OK;
	}
	target->stanzas_out++;
	target->bytes_out += size;
	if (target->port_ops->deliver(target->port, stanza) == FW_OK) {
		return FW_OK;
	}
	target->stanzas_out--;
	target->bytes_out -= size;
	return FW_ELIMIT;
}

static void via_report(void *port, const char *topic, struct fw_json *out)
{
	const struct via *via = port;

	if (strcmp(topic, "status") == 0) {
		fw_json_set(out, "stands_for", fw_str(via->target));
	}
}

static const struct component_port via_port = {
	.kind = "via",
	.deliver = via_deliver,
	.report = via_report,
	.ready = via_ready,
};

/* @param broken  set when all links on the ways that are up are broken for the moment */
static bool find_way(const struct via *via, bool *broken)
{
	const struct route_name *name;
	bool up = false;

	*broken = false;
	if (route_table_find(via->router->routes, fw_str(via->target), &name) != FW_OK ||
	    name->kind == ROUTE_DEFAULT) {
		return false;
	}
	for (const struct route *route = name->holders; route != NULL; route = route->sibling) {
		const struct component *component = route->component;
		if (component->stands_for == NULL && component->state == COMPONENT_UP) {
			*broken = component->suspended && (*broken || !up);
			up = true;
		}
	}
	return up;
}

bool via_is_up(const struct component *component)
{
	bool broken;

	return find_way(component->port, &broken);
}

void vias_refresh(struct router *router)
{
	for (struct via *via = router->vias; via != NULL; via = via->next) {
		if (via->component->state != COMPONENT_DOWN) {
			via->component->state = find_way(via, &via->component->suspended)
			                                ? COMPONENT_UP
			                                : COMPONENT_STARTING;
		}
	}
}

bool vias_stand_in(const struct router *router, struct fw_str realm)
{
	for (const struct via *via = router->vias; via != NULL; via = via->next) {
		const char *dot = strrchr(via->target, '.');
		if (dot != NULL && fw_str_eq_nocase(fw_str(dot + 1), realm)) {
			return true;
		}
	}
	return false;
}

static struct via **find(struct router *router, uint32_t owner, const char *target)
{
	struct via **at = &router->vias;

	while (*at != NULL && ((*at)->owner != owner || strcmp((*at)->target, target) != 0)) {
		at = &(*at)->next;
	}
	return at;
}

/* More than its own ID. */
static bool has_claims(const struct via *via)
{
	return via->component->routes != NULL && via->component->routes->next != NULL;
}

static void via_end(struct via **at)
{
	struct via *via = *at;

	*at = via->next;
	via->router->via_generation++;
	component_remove(&via->component);
	free(via);
}

static int via_new(struct component *owner, const char *target, struct via **out)
{
	struct router *router = owner->router;
	size_t size = strlen(target) + 1;
	char id[FW_DOMAIN_SIZE];
	struct via *via = calloc(1, sizeof(*via) + size);

	if (via == NULL) {
		return FW_ENOMEM;
	}
	via->router = router;
	via->owner = owner->number;
	memcpy(via->target, target, size);
	(void)snprintf(id, sizeof(id), "via-%u.%s", router->next_number + 1, router->realm);
	int ret = component_add(router, id, false, &via_port, via, &via->component);
	if (ret != FW_OK) {
		free(via);
		return ret;
	}
	via->component->stands_for = via->target;
	component_up(via->component);
	via->next = router->vias;
	router->vias = via;
	router->via_generation++;
	*out = via;
	return FW_OK;
}

int via_bind(struct component *owner, const char *domain, const char *component_id, uint32_t weight)
{
	const struct route_terms terms = {
		.priority = VIA_PRIORITY,
		.weight = weight,
		.beyond = true,
	};
	struct via *via = *find(owner->router, owner->number, component_id);
	int ret = FW_OK;

	if (weight == 0 || weight > VIA_WEIGHT_MAX) {
		return FW_EINVAL;
	}
	if (!trail_is_component(fw_str(component_id))) {
		return FW_EPARSE;
	}
	if (via == NULL) {
		ret = via_new(owner, component_id, &via);
	}
	if (ret != FW_OK) {
		return ret;
	}
	ret = component_bind_terms(via->component, domain, &terms, NULL);
	if (!has_claims(via)) {
		via_end(find(owner->router, owner->number, component_id));
	}
	return ret;
}

int via_unbind(struct component *owner, const char *domain, const char *component_id)
{
	struct via **at = find(owner->router, owner->number, component_id);

	if (*at == NULL) {
		return FW_ENOENT;
	}
	int ret = component_unbind((*at)->component, domain);
	if (ret == FW_OK && !has_claims(*at)) {
		via_end(at);
	}
	return ret;
}

void via_forget(const struct component *owner)
{
	struct via **at = &owner->router->vias;

	while (*at != NULL) {
		if ((*at)->owner == owner->number) {
			via_end(at);
		} else {
			at = &(*at)->next;
		}
	}
}
