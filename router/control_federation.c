/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the control socket tells of federation and of the node's health: `federation`,
 * `notifications`, and their part of `status`. Federation is active when the switch is on, a domain
 * of ours federates and somebody who is up holds the default route; otherwise the first thing that
 * is missing is the reason. Run by control_call.c and control_report.c.
 */
#include <stdarg.h>
#include <stdio.h>

#include "router/control_commands.h"
#include "router/control_room.h"
#include "router/fabric.h"
#include "router/federation.h"
#include "router/holders.h"
#include "router/notices.h"
#include "router/route_table.h"
#include "router/state.h"

/* ---- why federation is as it is ---- */

/* The first reason counts. */
static FW_PRINTF(3, 4) void because(struct fw_json *out, const char *remedy, const char *format,
                                    ...)
{
	char text[512];
	va_list args;

	if (fw_json_get(out, "reason") != NULL) {
		return;
	}
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fw_json_set(out, "reason", fw_str(text));
	fw_json_set(out, "remedy", fw_str(remedy));
}

static void reason_of_switch(const struct router *router, struct fw_json *out)
{
	const struct fw_json *value = state_get(router, "federation");
	struct fw_str by = fw_json_text(fw_json_get(value, "by"));
	struct fw_str at = fw_json_text(fw_json_get(value, "at"));

	fw_json_set(out, "switch", fw_str(router->federation ? "on" : "off"));
	if (value != NULL) {
		fw_json_set(out, "by", by);
		fw_json_set(out, "at", at);
	}
	if (!router->federation) {
		because(out, "fedwayctl federation on", "switched off here by %.*s at %.*s",
		        FW_STR_ARG(by), FW_STR_ARG(at));
	}
}

static void reason_of_domains(const struct router *router, struct fw_json *out)
{
	const struct route_name *name = NULL;

	while ((name = route_table_next(router->routes, name)) != NULL) {
		if (name->listed && name->federated) {
			return;
		}
	}
	because(out,
	        "give a row of domains federation = true; where the core lists them, see "
	        "fedwayctl tunnel show on both nodes",
	        "no domain of ours has federation = true");
}

/* What the core knows of its edges. */
static void reason_of_edges(const struct router *router, struct fw_json *out)
{
	const struct fw_json *edges = state_get(router, "edges");

	for (size_t i = 0; i < fw_json_count(edges); i++) {
		const struct fw_json *edge = fw_json_at(edges, i);
		struct fw_str realm = fw_json_text(fw_json_get(edge, "realm"));
		if (fw_json_bool(fw_json_get(edge, "connected")) &&
		    !fw_json_bool(fw_json_get(edge, "federation"))) {
			because(out, "fedwayctl federation on, there", "switched off on edge %.*s",
			        FW_STR_ARG(realm));
		}
	}
	for (size_t i = 0; i < fw_json_count(edges); i++) {
		const struct fw_json *edge = fw_json_at(edges, i);
		struct fw_str realm = fw_json_text(fw_json_get(edge, "realm"));
		if (!fw_json_bool(fw_json_get(edge, "connected"))) {
			because(out, "fedwayctl notifications says why; is fedwayd running there?",
			        "no tunnel to edge %.*s", FW_STR_ARG(realm));
		}
	}
}

/* Who should bring the way out but does not. */
static void reason_of_routers(const struct router *router, struct fw_json *out)
{
	const struct fabric_peer *peer = router->fabric != NULL ? router->fabric->peers : NULL;

	for (; peer != NULL; peer = peer->next) {
		const struct fabric_route *offer = fabric_set_find(&peer->learned, "*");
		bool brings = peer->row->outside && peer->row->default_route;
		if (brings && peer->component == NULL) {
			because(out, "fedwayctl notifications and fedwayctl routers say why",
			        "no link to router %s", peer->realm);
		} else if (!brings && offer != NULL && peer->row->host[0] != '\0') {
			because(out,
			        "set outside = true and default_route = true in its row of "
			        "routers, if it is an edge",
			        "router %s offers the way out, but its row gives it no right to",
			        peer->realm);
		}
	}
}

static void reason_of_components(const struct router *router, struct fw_json *out)
{
	for (const struct component *c = router->components; c != NULL; c = c->next) {
		struct fw_json *said = component_is(c, "link") ? NULL : fw_json_new();
		if (said != NULL && c->port_ops->report != NULL) {
			c->port_ops->report(c->port, "federation", said);
			struct fw_str reason = fw_json_text(fw_json_get(said, "reason"));
			struct fw_str remedy = fw_json_text(fw_json_get(said, "remedy"));
			if (reason.len > 0) {
				because(out,
				        remedy.len > 0 ? remedy.ptr : "fedwayctl notifications",
				        "%s: %.*s", c->id, FW_STR_ARG(reason));
			}
		}
		fw_json_free(&said);
	}
}

/* Who takes stanzas for the outside now. @return who would, but is not up; absent when somebody is
 */
static struct fw_str name_holders(const struct fw_json *holders, struct fw_json *through)
{
	struct fw_str down = fw_str(NULL);

	for (size_t i = 0; i < fw_json_count(holders); i++) {
		const struct fw_json *row = fw_json_at(holders, i);
		struct fw_str id = fw_json_text(fw_json_get(row, "id"));
		if (fw_json_bool(fw_json_get(row, "up"))) {
			fw_json_append(through, id);
		} else {
			down = id;
		}
	}
	return fw_json_count(through) > 0 ? fw_str(NULL) : down;
}

static void reason_of_holders(const struct router *router, struct fw_json *out)
{
	struct fw_json *through = fw_json_set_array(out, "through");
	struct fw_json *document = fw_json_new();
	struct fw_json *holders = fw_json_set_array(document, "holders");

	(void)holders_report(router, "*", holders);
	struct fw_str down = name_holders(holders, through);
	if (fw_json_count(through) == 0) {
		reason_of_edges(router, out);
		reason_of_components(router, out);
		reason_of_routers(router, out);
	}
	if (down.len > 0) {
		because(out, "fedwayctl components and fedwayctl notifications tell more",
		        "%.*s holds the default route, but is not up", FW_STR_ARG(down));
	} else if (fw_json_count(through) == 0) {
		because(out,
		        "load the module s2s, or take the default route of a router that has one",
		        "no component holds the default route");
	}
	fw_json_free(&document);
}

void control_report_federation(const struct router *router, struct fw_json *out)
{
	reason_of_switch(router, out);
	reason_of_domains(router, out);
	reason_of_holders(router, out);
	fw_json_set_bool(out, "active", fw_json_get(out, "reason") == NULL);
}

int control_federation(struct control_call *call)
{
	struct fw_str word = fw_json_text(fw_json_get(call->args, "switch"));
	bool on = fw_str_is(word, "on");
	char quoted[64];

	if (word.ptr != NULL && !on && !fw_str_is(word, "off")) {
		call->remedy =
		        "the words are \"on\" and \"off\"; without one the command only tells";
		return fw_error_set(&call->err, FW_EINVAL, "federation cannot be %s",
		                    fw_quote(word, quoted, sizeof(quoted)));
	}
	if (word.ptr != NULL) {
		fw_json_set_bool(call->result, "changed", on != call->router->federation);
		int ret =
		        federation_switch(call->router, on, control_who(call->router), &call->err);
		if (ret != FW_OK) {
			return ret;
		}
		fw_json_set_bool(call->result, "kept", state_is_kept(call->router));
	}
	control_report_federation(call->router, call->result);
	return FW_OK;
}

/* ---- what an operator should know ---- */

static struct fw_json *add_row(struct fw_json *list, const char *component,
                               enum fw_notice_level level, struct fw_str text)
{
	struct fw_json *row = fw_json_append_object(list);

	fw_json_set(row, "level", fw_str(notices_level_name(level)));
	fw_json_set(row, "component", fw_str(component));
	fw_json_set(row, "text", text);
	return row;
}

static void add_notices(const struct router *router, struct fw_json *list)
{
	uint64_t now = fw_now_ms(router->loop);

	for (const struct notice *each = router->notices; each != NULL; each = each->next) {
		struct fw_json *row =
		        add_row(list, each->component != NULL ? each->component->id : router->realm,
		                each->level, fw_str(each->text));
		fw_json_set(row, "key", fw_str(each->key));
		fw_json_set_int(row, "age_ms", (int64_t)(now - each->since_ms));
		if (each->remedy != NULL) {
			fw_json_set(row, "remedy", fw_str(each->remedy));
		}
	}
}

int control_notifications(struct control_call *call)
{
	struct fw_json *list = fw_json_set_array(call->result, "notifications");
	struct fw_json *warnings = fw_json_set_array(call->result, "warnings");
	enum fw_notice_level worst = notices_worst(call->router);

	add_notices(call->router, list);
	control_report_warnings(call->router, warnings);
	for (size_t i = 0; i < fw_json_count(warnings); i++) {
		const struct fw_json *row = fw_json_at(warnings, i);
		(void)add_row(list, fw_json_text(fw_json_get(row, "component")).ptr,
		              FW_NOTICE_YELLOW, fw_json_text(fw_json_get(row, "warning")));
		worst = worst > FW_NOTICE_YELLOW ? worst : FW_NOTICE_YELLOW;
	}
	fw_json_set_copy(call->result, "warnings", NULL);
	fw_json_set(call->result, "health", fw_str(notices_health_name(worst)));
	return FW_OK;
}

void control_report_health(const struct router *router, size_t warnings, struct fw_json *out)
{
	enum fw_notice_level worst = notices_worst(router);
	size_t count = warnings;

	for (const struct notice *each = router->notices; each != NULL; each = each->next) {
		count++;
	}
	if (warnings > 0 && worst < FW_NOTICE_YELLOW) {
		worst = FW_NOTICE_YELLOW;
	}
	fw_json_set(out, "health", fw_str(notices_health_name(worst)));
	fw_json_set_int(out, "notifications", (int64_t)count);
}
