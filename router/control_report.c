/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The commands that report. Each asks the components and their ports and changes nothing. Ports add
 * what only they know, modules through their own report().
 */
#include <stdio.h>
#include <unistd.h>

#include "router/control_commands.h"
#include "router/fabric.h"
#include "router/instance.h"
#include "router/links.h"
#include "router/route_table.h"

static void report_port(const struct component *component, const char *topic, struct fw_json *out)
{
	if (component->port_ops->report != NULL) {
		component->port_ops->report(component->port, topic, out);
	}
}

static void report_ledger(const struct fw_ledger *ledger, struct fw_json *out)
{
	struct fw_json *causes;

	fw_json_set_int(out, "in", (int64_t)ledger->in);
	fw_json_set_int(out, "in_flight", (int64_t)ledger->in_flight);
	for (int i = 0; i < FW_EXIT_COUNT; i++) {
		fw_json_set_int(out, fw_exit_name((enum fw_exit)i), (int64_t)ledger->exits[i]);
	}
	fw_json_set_bool(out, "balanced", fw_ledger_balanced(ledger));
	causes = fw_json_set_object(out, "causes");
	for (int i = 0; i < FW_CAUSE_COUNT; i++) {
		if (ledger->causes[i] > 0) {
			fw_json_set_int(causes, fw_cause_row((enum fw_cause)i)->name,
			                (int64_t)ledger->causes[i]);
		}
	}
}

/* Links have one stream each and nothing to warn of: ten thousand reports need not be composed. */
static const char *state_of(const struct component *component)
{
	return component->state == COMPONENT_UP && component->suspended
	               ? "suspended"
	               : component_state_name(component->state);
}

static bool is_link(const struct component *component)
{
	return strcmp(component->port_ops->kind, "link") == 0;
}

static size_t count_streams(const struct component *component)
{
	struct fw_json *out;
	size_t count;

	if (is_link(component)) {
		return 1;
	}
	out = fw_json_new();
	report_port(component, "streams", out);
	count = fw_json_count(fw_json_get(out, "streams"));
	fw_json_free(&out);
	return count;
}

/* What a component's own status warns of. */
static void report_warnings(const struct component *component, struct fw_json *list)
{
	static const char *const keys[] = { "warning", "certificate_warning" };
	struct fw_json *status = is_link(component) ? NULL : fw_json_new();

	if (status == NULL) {
		return;
	}
	report_port(component, "status", status);
	for (size_t i = 0; i < FW_COUNT(keys); i++) {
		struct fw_str text = fw_json_text(fw_json_get(status, keys[i]));
		if (text.len > 0) {
			struct fw_json *row = fw_json_append_object(list);
			fw_json_set(row, "component", fw_str(component->id));
			fw_json_set(row, "warning", text);
		}
	}
	fw_json_free(&status);
}

void control_report_warnings(const struct router *router, struct fw_json *list)
{
	for (const struct component *c = router->components; c != NULL; c = c->next) {
		report_warnings(c, list);
	}
}

int control_status(struct control_call *call)
{
	const struct router *router = call->router;
	struct fw_json *out = call->result;
	size_t up = 0, total = 0, streams = 0;

	for (const struct component *c = router->components; c != NULL; c = c->next) {
		total++;
		up += c->state == COMPONENT_UP ? 1 : 0;
		streams += count_streams(c);
	}
	fw_json_set(out, "version", fw_str(PACKAGE_VERSION));
	fw_json_set(out, "realm", fw_str(router->realm));
	fw_json_set_int(out, "pid", getpid());
	fw_json_set_int(out, "uptime_ms", (int64_t)(fw_now_ms(router->loop) - router->started_ms));
	fw_json_set(out, "config", fw_str(router->config->path));
	fw_json_set_bool(out, "draining", router->draining);
	fw_json_set_int(out, "components_up", (int64_t)up);
	fw_json_set_int(out, "components_total", (int64_t)total);
	fw_json_set_int(out, "streams", (int64_t)streams);
	links_report(router, out);
	report_ledger(router->total, fw_json_set_object(out, "ledger"));
	struct fw_json *warnings = fw_json_set_array(out, "warnings");
	control_report_warnings(router, warnings);
	control_report_health(router, fw_json_count(warnings), out);
	control_report_federation(router, fw_json_set_object(out, "federation"));
	return FW_OK;
}

static void report_name(const struct route_name *name, struct fw_json *out, const char *key)
{
	char text[ROUTE_NAME_SIZE];

	route_name_text(name, text);
	fw_json_set(out, key, fw_str(text));
}

static void report_component(const struct component *component, struct fw_json *out)
{
	size_t domains = 0;

	for (const struct route *route = component->routes; route != NULL; route = route->next) {
		domains++;
	}
	fw_json_set(out, "id", fw_str(component->id));
	fw_json_set(out, "kind", fw_str(component->port_ops->kind));
	fw_json_set(out, "state", fw_str(state_of(component)));
	fw_json_set_int(out, "domains", (int64_t)domains);
	fw_json_set_int(out, "priority", component->priority);
	fw_json_set_int(out, "weight", component->weight);
	fw_json_set_bool(out, "check_from", component->check_from);
	fw_json_set_int(out, "stanzas_in", (int64_t)component->ledger->in);
	fw_json_set_int(out, "stanzas_out", (int64_t)component->stanzas_out);
	fw_json_set_int(out, "bytes_out", (int64_t)component->bytes_out);
	report_port(component, "status", fw_json_set_object(out, "detail"));
}

int control_components(struct control_call *call)
{
	struct fw_json *list = fw_json_set_array(call->result, "components");

	for (const struct component *c = call->router->components; c != NULL; c = c->next) {
		report_component(c, fw_json_append_object(list));
	}
	return FW_OK;
}

static void report_route(const struct route_name *name, const struct route *route,
                         struct fw_json *out)
{
	report_name(name, out, "domain");
	fw_json_set_bool(out, "listed", name->listed);
	fw_json_set_bool(out, "federated", name->federated);
	if (route == NULL) {
		return; /* ours by configuration, held by nobody */
	}
	const struct component *component = route->component;
	fw_json_set(out, "component",
	            fw_str(component->stands_for != NULL ? component->stands_for : component->id));
	fw_json_set(out, "kind", fw_str(component->port_ops->kind));
	fw_json_set(out, "state", fw_str(state_of(component)));
	fw_json_set_int(out, "priority", route_rank(route) >> 16);
	fw_json_set_int(out, "cost", route_rank(route) & UINT16_MAX);
	fw_json_set_int(out, "weight", route_weight(route));
	fabric_report_route(component->peer, name, out);
}

int control_routes(struct control_call *call)
{
	struct fw_json *list = fw_json_set_array(call->result, "routes");
	const struct route_name *name = NULL;

	while ((name = route_table_next(call->router->routes, name)) != NULL) {
		if (name->holders == NULL) {
			report_route(name, NULL, fw_json_append_object(list));
		}
		for (const struct route *r = name->holders; r != NULL; r = r->sibling) {
			report_route(name, r, fw_json_append_object(list));
		}
	}
	return FW_OK;
}

int control_routers(struct control_call *call)
{
	fabric_report(call->router, fw_json_set_array(call->result, "routers"));
	return FW_OK;
}

int control_streams(struct control_call *call)
{
	struct fw_json *list = fw_json_set_array(call->result, "components");

	for (const struct component *c = call->router->components; c != NULL; c = c->next) {
		struct fw_json *out = fw_json_append_object(list);
		fw_json_set(out, "id", fw_str(c->id));
		fw_json_set(out, "kind", fw_str(c->port_ops->kind));
		report_port(c, "streams", out);
	}
	return FW_OK;
}

int control_ledger(struct control_call *call)
{
	const struct router *router = call->router;
	struct fw_json *list;
	bool balanced = fw_ledger_balanced(router->total);

	report_ledger(router->total, fw_json_set_object(call->result, "total"));
	report_ledger(router->bounces, fw_json_set_object(call->result, "bounces"));
	list = fw_json_set_array(call->result, "components");
	for (const struct component *c = router->components; c != NULL; c = c->next) {
		struct fw_json *out = fw_json_append_object(list);
		fw_json_set(out, "id", fw_str(c->id));
		report_ledger(c->ledger, out);
		balanced = balanced && fw_ledger_balanced(c->ledger);
	}
	fw_json_set_bool(call->result, "balanced", balanced);
	return FW_OK;
}

static void report_counters(const struct instance *instance, struct fw_json *list)
{
	const struct fw_counter *rows = instance->descriptor->counters;

	for (unsigned id = 0; rows != NULL && rows[id].name != NULL; id++) {
		struct fw_json *out = fw_json_append_object(list);
		fw_json_set(out, "component", fw_str(instance->component->id));
		fw_json_set(out, "counter", fw_str(rows[id].name));
		fw_json_set_int(out, "value", (int64_t)fw_self_counter(instance->self, id));
		fw_json_set(out, "unit", fw_str(rows[id].unit));
		fw_json_set(out, "help", fw_str(rows[id].help));
	}
}

static bool is_component(const struct router *router, struct fw_str id)
{
	const struct component *each = router->components;

	while (each != NULL && !fw_str_is(id, each->id)) {
		each = each->next;
	}
	return each != NULL;
}

int control_counters(struct control_call *call)
{
	struct fw_str only = fw_json_text(fw_json_get(call->args, "component"));
	struct fw_json *list = fw_json_set_array(call->result, "counters");
	char quoted[64];

	if (only.len > 0 && !is_component(call->router, only)) {
		call->remedy = "\"components\" lists the IDs";
		return fw_error_set(&call->err, FW_ENOENT, "there is no component %s",
		                    fw_quote(only, quoted, sizeof(quoted)));
	}
	for (const struct instance *i = call->router->instances; i != NULL; i = i->next) {
		if (only.len == 0 || fw_str_is(only, i->component->id)) {
			report_counters(i, list);
		}
	}
	return FW_OK;
}
