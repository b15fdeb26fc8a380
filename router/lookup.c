/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The room where a stanza's destination is found: route table, then balance. Also the rules about
 * leaving: what came from outside never goes back there, and only federated domains talk to the
 * outside.
 */
#include "router/federation.h"
#include "router/passage.h"
#include "router/route_balance.h"
#include "router/route_table.h"

static enum fw_cause cause_of(int result)
{
	switch (result) {
	case FW_ENOMEM:
		return FW_CAUSE_RESOURCES;
	default:
		return FW_CAUSE_BAD_ADDRESS;
	}
}

/* The destination is beyond the gateway. */
static enum passage_next check_leaving(struct passage *passage)
{
	if (passage->outside) {
		return passage_leave(passage, PASSAGE_DROP, FW_CAUSE_LOOP);
	}
	bool federated = passage->federated;
	if (passage->source == NULL) { /* an error answer: its sender was not looked at */
		federated = route_table_is_federated(passage->router->routes,
		                                     fw_stanza_from_domain(passage->stanza));
	}
	if (!federated) {
		return passage_leave(passage, PASSAGE_BOUNCE, FW_CAUSE_NOT_FEDERATED);
	}
	if (!passage->router->federation) {
		return passage_leave(passage, PASSAGE_BOUNCE, FW_CAUSE_FEDERATION_OFF);
	}
	return PASSAGE_ON;
}

/* A switch that is off may be the reason: then nobody shall hold the default. On a node among
 * others the way out is an edge. */
enum fw_cause lookup_cause_of_nobody(const struct router *router, struct fw_str to)
{
	if (router_domain_is_local(router, to)) {
		return FW_CAUSE_NO_ROUTE;
	}
	if (federation_is_off(router)) {
		return FW_CAUSE_FEDERATION_OFF;
	}
	return router->config->router.routers.count > 0 ? FW_CAUSE_NO_EDGE : FW_CAUSE_NO_ROUTE;
}

static enum fw_cause cause_of_nobody(const struct passage *passage, struct fw_str to)
{
	if (!router_domain_is_local(passage->router, to) &&
	    fw_stanza_destination(passage->stanza).len > 0) {
		return FW_CAUSE_NO_EDGE;
	}
	return lookup_cause_of_nobody(passage->router, to);
}

/* The component that another router has chosen; NULL when it is not to be had: the domain decides.
 */
static struct component *find_chosen(const struct passage *passage)
{
	const struct route_table *routes = passage->router->routes;
	struct fw_str chosen = fw_stanza_destination(passage->stanza);
	struct fw_str to = fw_stanza_to_domain(passage->stanza);
	const struct route_name *name;
	enum fw_cause cause;

	if (chosen.len == 0 || route_table_find(routes, chosen, &name) != FW_OK ||
	    name->kind == ROUTE_DEFAULT) {
		return NULL;
	}
	struct component *found = route_balance_pick(name, passage->stanza, 0, &cause);
	/* Behind another router it is that one's affair; here it must hold what it is to get. */
	bool takes =
	        found != NULL && (found->peer != NULL || route_table_holds(routes, found, to) ||
	                          (found->gateway && !route_table_is_local(routes, to)));
	return takes ? found : NULL;
}

/* An error answer to what another router sent goes back the way it came: who sent it is there. */
static struct component *find_way_back(const struct passage *passage)
{
	struct component *each = passage->prefer != 0 ? passage->router->components : NULL;

	while (each != NULL && each->number != passage->prefer) {
		each = each->next;
	}
	return each != NULL && each->peer != NULL && each->state == COMPONENT_UP ? each : NULL;
}

/* What was chosen can do, but another is better: its link is broken for the moment, or the router
 * there has said that it is no way to the outside any more. */
static bool is_second_best(const struct passage *passage)
{
	const struct component *chosen = passage->target;

	return chosen->suspended || (chosen->peer != NULL && !chosen->gateway &&
	                             !route_table_is_local(passage->router->routes,
	                                                   fw_stanza_to_domain(passage->stanza)));
}

static bool is_leaving(const struct passage *passage, const struct route_name *name)
{
	const struct component *target = passage->target;
	struct fw_str to = fw_stanza_to_domain(passage->stanza);

	if (name != NULL && name->kind == ROUTE_DEFAULT) {
		return true;
	}
	return target != NULL &&
	       (target->stands_for != NULL || fw_stanza_destination(passage->stanza).len > 0) &&
	       !route_table_is_local(passage->router->routes, to);
}

enum passage_next lookup_enter(struct passage *passage)
{
	struct fw_str to = fw_stanza_to_domain(passage->stanza);
	const struct route_name *name = NULL;
	int ret = FW_OK;

	passage->target = find_way_back(passage);
	if (passage->target != NULL) {
		return PASSAGE_ON;
	}
	passage->target = find_chosen(passage);
	if (passage->target == NULL || is_second_best(passage)) {
		struct component *chosen = passage->target;
		ret = route_table_find(passage->router->routes, to, &name);
		if (ret == FW_OK) {
			passage->target = route_balance_pick(name, passage->stanza, passage->prefer,
			                                     &passage->cause);
		}
		if (chosen != NULL && (passage->target == NULL || passage->target->suspended)) {
			passage->target = chosen; /* it waits there until the link goes on */
			ret = FW_OK;
		}
	}
	if (ret != FW_OK) {
		passage->result = ret == FW_EPARSE || ret == FW_ELIMIT ? FW_EPARSE : FW_OK;
		return passage_leave(passage, PASSAGE_BOUNCE,
		                     ret == FW_ENOENT ? cause_of_nobody(passage, to)
		                                      : cause_of(ret));
	}
	/* What is not ours leaves, be it by the default route or by a name of its own. */
	if (is_leaving(passage, name)) {
		enum passage_next next = check_leaving(passage);
		if (next != PASSAGE_ON) {
			return next;
		}
	}
	return passage->target != NULL ? PASSAGE_ON : PASSAGE_BOUNCE;
}
