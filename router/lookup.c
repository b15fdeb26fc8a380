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

/* Nobody takes it. A switch that is off may be the reason: then nobody shall hold the default. */
static enum fw_cause cause_of_nobody(const struct passage *passage, struct fw_str to)
{
	const struct router *router = passage->router;

	if (router_domain_is_local(router, to) || !federation_is_off(router)) {
		return FW_CAUSE_NO_ROUTE;
	}
	return FW_CAUSE_FEDERATION_OFF;
}

enum passage_next lookup_enter(struct passage *passage)
{
	struct fw_str to = fw_stanza_to_domain(passage->stanza);
	const struct route_name *name;
	int ret = route_table_find(passage->router->routes, to, &name);

	if (ret != FW_OK) {
		passage->result = ret == FW_EPARSE || ret == FW_ELIMIT ? FW_EPARSE : FW_OK;
		return passage_leave(passage, PASSAGE_BOUNCE,
		                     ret == FW_ENOENT ? cause_of_nobody(passage, to)
		                                      : cause_of(ret));
	}
	passage->target =
	        route_balance_pick(name, passage->stanza, passage->prefer, &passage->cause);
	/* What is not ours leaves, be it by the default route or by a name of its own. */
	if (name->kind == ROUTE_DEFAULT ||
	    (passage->target != NULL && passage->target->stands_for != NULL &&
	     !route_table_is_local(passage->router->routes, to))) {
		enum passage_next next = check_leaving(passage);
		if (next != PASSAGE_ON) {
			return next;
		}
	}
	return passage->target != NULL ? PASSAGE_ON : PASSAGE_BOUNCE;
}
