/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The command "explain": what a cause means, or what would happen to a stanza from one address to
 * another. The latter walks the same rooms as a stanza does (ingress.c, lookup.c) and asks the
 * component that holds the way to the outside for its part; no stanza is sent. And "check", which
 * has that component go and look.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "router/control_commands.h"
#include "router/federation.h"
#include "router/instance.h"
#include "router/passage.h"
#include "router/route_balance.h"
#include "router/state.h"

static struct fw_str argument(const struct control_call *call, const char *name)
{
	return fw_json_text(fw_json_get(call->args, name));
}

/* ---- a cause ---- */

static int explain_cause(struct control_call *call)
{
	struct fw_str name = argument(call, "cause");
	struct fw_json *list = fw_json_set_array(call->result, "causes");
	enum fw_cause only = fw_cause_by_name(name);

	if (name.len > 0 && only == FW_CAUSE_COUNT) {
		call->remedy = "fedwayctl explain lists all causes; of two addresses it "
		               "tells what would happen between them";
		return fw_error_set(&call->err, FW_ENOENT, "there is no cause \"%.*s\"",
		                    FW_STR_ARG(name));
	}
	for (int i = 0; i < FW_CAUSE_COUNT; i++) {
		const struct fw_cause_row *row = fw_cause_row((enum fw_cause)i);
		if (name.len > 0 && i != (int)only) {
			continue;
		}
		struct fw_json *out = fw_json_append_object(list);
		fw_json_set(out, "cause", fw_str(row->name));
		fw_json_set(out, "text", fw_str(row->text));
		fw_json_set(out, "remedy", fw_str(row->remedy));
		fw_json_set(out, "stream_error", fw_str(row->stream_condition));
		fw_json_set(out, "stanza_error", fw_str(row->stanza_condition));
	}
	return FW_OK;
}

/* ---- a stanza ---- */

/* One end of it. */
struct explain_end {
	struct fw_str text; /* the whole address */
	char key[FW_DOMAIN_SIZE];
	struct fw_str domain; /* the key */
	bool local;
	bool federated;
	const struct component *holder; /* who would get a stanza for it, or NULL */
	const char *kind;               /* of the name that was found, "" when none was */
};

static void step(struct fw_json *steps, const char *what, enum fw_cause cause, const char *format,
                 ...) FW_PRINTF(4, 5);

/* FW_CAUSE_NONE: it goes well. */
static void step(struct fw_json *steps, const char *what, enum fw_cause cause, const char *format,
                 ...)
{
	struct fw_json *row = fw_json_append_object(steps);
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fw_json_set(row, "step", fw_str(what));
	fw_json_set(row, "verdict", fw_str(cause == FW_CAUSE_NONE ? "ok" : "fail"));
	if (cause == FW_CAUSE_NONE) {
		fw_json_set(row, "text", fw_str(text));
		return;
	}
	fw_json_setf(row, "text", "%s: %s", text, fw_cause_row(cause)->text);
	fw_json_set(row, "cause", fw_str(fw_cause_row(cause)->name));
	fw_json_set(row, "remedy", fw_str(fw_cause_row(cause)->remedy));
}

static int read_end(struct control_call *call, const char *name, struct explain_end *end)
{
	struct fw_jid jid;
	char quoted[160];

	end->text = argument(call, name);
	if (fw_jid_split(end->text, &jid) != FW_OK ||
	    fw_domain_key(jid.domain, end->key, &end->domain) != FW_OK) {
		call->remedy =
		        "give two: fedwayctl explain user@ours.example friend@theirs.example";
		return fw_error_set(&call->err, FW_EPARSE, "%s is not an address: %s", name,
		                    fw_quote(end->text, quoted, sizeof(quoted)));
	}
	end->local = router_domain_is_local(call->router, end->domain);
	end->federated = router_domain_is_federated(call->router, end->domain);
	return FW_OK;
}

static const char *kind_of(const struct route_name *name)
{
	return name->kind == ROUTE_EXACT    ? "its own name"
	       : name->kind == ROUTE_SUFFIX ? "a suffix"
	                                    : "the default route";
}

/* Who would get a stanza for `end` that comes from `other`. */
static enum fw_cause find_holder(const struct router *router, const struct explain_end *other,
                                 struct explain_end *end)
{
	const struct route_name *name = NULL;
	struct fw_stanza *stanza = NULL;
	enum fw_cause cause = FW_CAUSE_NO_ROUTE;

	end->kind = "";
	if (route_table_find(router->routes, end->domain, &name) != FW_OK) {
		return lookup_cause_of_nobody(router, end->domain);
	}
	end->kind = kind_of(name);
	if (fw_stanza_new("message", NULL, &stanza) != FW_OK ||
	    fw_stanza_set(stanza, "from", other->text) != FW_OK ||
	    fw_stanza_set(stanza, "to", end->text) != FW_OK) {
		fw_stanza_free(&stanza);
		return FW_CAUSE_RESOURCES;
	}
	end->holder = route_balance_pick(name, stanza, 0, &cause);
	fw_stanza_free(&stanza);
	return end->holder != NULL ? FW_CAUSE_NONE : cause;
}

static void explain_sender(struct fw_json *steps, const struct explain_end *from, bool leaves)
{
	enum fw_cause cause = leaves && !from->federated ? FW_CAUSE_NOT_FEDERATED : FW_CAUSE_NONE;

	step(steps, "sender", cause, "%.*s is %s%s", FW_STR_ARG(from->domain),
	     from->local ? "ours" : "outside", from->federated ? " and federated" : "");
}

static void explain_recipient(struct fw_json *steps, const struct explain_end *from,
                              const struct explain_end *to)
{
	enum fw_cause cause = FW_CAUSE_NONE;

	if (!from->local && !to->local) {
		cause = FW_CAUSE_LOOP;
	} else if (!from->local && !to->federated) {
		cause = FW_CAUSE_NOT_FEDERATED;
	}
	step(steps, "recipient", cause, "%.*s is %s%s", FW_STR_ARG(to->domain),
	     to->local ? "ours" : "outside", to->federated ? " and federated" : "");
}

/* Said only when it stands in the way. */
static void explain_switch(const struct router *router, struct fw_json *steps)
{
	if (federation_is_off(router)) {
		step(steps, "switch", FW_CAUSE_FEDERATION_OFF, "%s",
		     router->federation ? "off on every edge" : "off on this node");
	}
}

static void explain_route(struct fw_json *steps, const char *what, const struct explain_end *end,
                          enum fw_cause cause)
{
	if (end->holder == NULL) {
		step(steps, what, cause, "nobody takes stanzas for %.*s", FW_STR_ARG(end->domain));
		return;
	}
	step(steps, what, FW_CAUSE_NONE, "%.*s goes to %s %s (%s) by %s", FW_STR_ARG(end->domain),
	     end->holder->port_ops->kind, end->holder->id,
	     end->holder->suspended ? "suspended: it waits for the link to go on"
	                            : component_state_name(end->holder->state),
	     end->kind);
}

/* Asks the holder of one end, when it has that command. */
static int ask_holder(struct control_call *call, const char *name, const struct component *holder,
                      const struct fw_json *pair, struct fw_json *list)
{
	struct instance *instance = holder != NULL && component_is(holder, "module")
	                                    ? instance_find(call->router, holder->id)
	                                    : NULL;
	const struct fw_command *command =
	        instance != NULL ? control_component_command(instance, fw_str(name)) : NULL;

	if (command == NULL) {
		return FW_OK;
	}
	struct fw_json *out = fw_json_append_object(list);
	fw_json_set(out, "id", fw_str(instance->component->id));
	return control_ask_component(call, instance, command, pair, out);
}

/* Asks who holds the way to the outside, and who holds the way to a server of ours, if that end has
 * a holder. */
static int ask_holders(struct control_call *call, const char *name, const struct explain_end *local,
                       const struct explain_end *remote)
{
	struct fw_json *list = fw_json_set_array(call->result, "components");
	struct fw_json *pair = fw_json_set_object(call->result, "pair");

	fw_json_set(pair, "local", local->domain);
	fw_json_set(pair, "remote", remote->domain);
	int ret = ask_holder(call, name, remote->holder, pair, list);
	return ret == FW_OK ? ask_holder(call, name, local->holder, pair, list) : ret;
}

/* The first step that fails decides. @return true when there is one */
static bool take_failure(struct fw_json *result, const struct fw_json *steps)
{
	for (size_t i = 0; i < fw_json_count(steps); i++) {
		const struct fw_json *row = fw_json_at(steps, i);
		if (!fw_str_is(fw_json_text(fw_json_get(row, "verdict")), "fail")) {
			continue;
		}
		fw_json_set(result, "verdict", fw_str("refused"));
		fw_json_set(result, "cause", fw_json_text(fw_json_get(row, "cause")));
		fw_json_set(result, "text", fw_json_text(fw_json_get(row, "text")));
		fw_json_set(result, "remedy", fw_json_text(fw_json_get(row, "remedy")));
		return true;
	}
	return false;
}

/* What counts of a component is the direction that was asked about. */
static int explain_gathered(struct control_call *call)
{
	struct fw_json *result = call->result;
	const struct fw_json *list = fw_json_get(result, "components");
	bool leaves = fw_json_bool(fw_json_get(result, "leaves"));
	bool refused = take_failure(result, fw_json_get(result, "steps"));

	for (size_t i = 0; i < fw_json_count(list) && !refused; i++) {
		refused = take_failure(
		        result, fw_json_get(fw_json_at(list, i), leaves ? "outgoing" : "incoming"));
	}
	if (!refused) {
		fw_json_set(result, "verdict", fw_str("passes"));
	}
	return FW_OK;
}

static int explain_stanza(struct control_call *call)
{
	struct explain_end from = { 0 }, to = { 0 };
	struct fw_json *steps;
	int ret = read_end(call, "from", &from);

	if (ret == FW_OK) {
		ret = read_end(call, "to", &to);
	}
	if (ret != FW_OK) {
		return ret;
	}
	bool leaves = from.local && !to.local;
	fw_json_set(call->result, "from", from.text);
	fw_json_set(call->result, "to", to.text);
	fw_json_set_bool(call->result, "leaves", leaves);
	steps = fw_json_set_array(call->result, "steps");
	call->gathered = explain_gathered;
	enum fw_cause there = find_holder(call->router, &from, &to);
	enum fw_cause back = find_holder(call->router, &to, &from);
	explain_sender(steps, &from, leaves);
	explain_recipient(steps, &from, &to);
	if (from.local != to.local) {
		explain_switch(call->router, steps);
	}
	explain_route(steps, "route", &to, there);
	if (from.local) {
		/* an answer that nobody takes is a remark: the stanza itself arrives */
		explain_route(fw_json_set_array(call->result, "answers"), "way back", &from, back);
	}
	if (from.local != to.local) {
		ret = ask_holders(call, "explain", from.local ? &from : &to,
		                  from.local ? &to : &from);
	}
	return ret;
}

int control_explain(struct control_call *call)
{
	bool stanza = argument(call, "from").ptr != NULL || argument(call, "to").ptr != NULL;

	if (stanza && argument(call, "cause").ptr != NULL) {
		return fw_error_set(&call->err, FW_EINVAL,
		                    "explain needs a cause, or from and to, not all of them");
	}
	return stanza ? explain_stanza(call) : explain_cause(call);
}

/* ---- fedwayctl check ---- */

/* Whom a check speaks for when nobody is named. */
static struct fw_str first_federated(const struct router *router)
{
	const struct fw_rows *rows = &router->config->router.domains;
	const struct config_domain *domains = rows->items;

	for (size_t i = 0; i < rows->count; i++) {
		if (domains[i].federation && strchr(domains[i].name, '*') == NULL) {
			return fw_str(domains[i].name);
		}
	}
	const struct fw_json *learned = state_get(router, "domains");
	for (size_t i = 0; i < fw_json_count(learned); i++) {
		const struct fw_json *row = fw_json_at(learned, i);
		if (fw_json_bool(fw_json_get(row, "federation"))) {
			return fw_json_text(fw_json_get(row, "name"));
		}
	}
	return fw_str(NULL);
}

static int read_domain(struct control_call *call, const char *name, struct fw_str text,
                       struct explain_end *end)
{
	char quoted[160];

	end->text = text;
	if (fw_domain_key(text, end->key, &end->domain) != FW_OK) {
		call->remedy = "for example: fedwayctl check partner.example, or with "
		               "local=ours.example";
		if (text.len == 0 && strcmp(name, "local") == 0) {
			call->remedy = "give a row of domains federation = true; where the core "
			               "lists them, see fedwayctl tunnel show on both nodes";
			return fw_error_set(&call->err, FW_ENOENT, "no domain of ours federates");
		}
		if (text.len == 0) {
			return fw_error_set(&call->err, FW_EPARSE, "check needs a %s", name);
		}
		return fw_error_set(&call->err, FW_EPARSE, "%s is not a domain: %s", name,
		                    fw_quote(text, quoted, sizeof(quoted)));
	}
	return FW_OK;
}

/* A check that found something to be done has not failed: it has told. */
static int check_gathered(struct control_call *call)
{
	const struct fw_json *list = fw_json_get(call->result, "components");

	if (!take_failure(call->result, fw_json_get(fw_json_at(list, 0), "steps"))) {
		fw_json_set(call->result, "verdict", fw_str("passes"));
	}
	return FW_OK;
}

int control_check(struct control_call *call)
{
	struct explain_end local = { 0 }, remote = { 0 };
	struct fw_str given = argument(call, "local");
	int ret = read_domain(call, "domain", argument(call, "domain"), &remote);

	if (ret == FW_OK) {
		ret = read_domain(call, "local",
		                  given.ptr != NULL ? given : first_federated(call->router),
		                  &local);
	}
	if (ret != FW_OK) {
		return ret;
	}
	if (router_domain_is_local(call->router, remote.domain)) {
		call->remedy = "give a domain of somebody else's";
		return fw_error_set(&call->err, FW_EINVAL, "%s is ours", remote.key);
	}
	if (!router_domain_is_federated(call->router, local.domain)) {
		call->remedy = fw_cause_row(FW_CAUSE_NOT_FEDERATED)->remedy;
		return fw_error_set(&call->err, FW_EINVAL, "%s may not federate", local.key);
	}
	if (!call->router->federation) {
		call->remedy = fw_cause_row(FW_CAUSE_FEDERATION_OFF)->remedy;
		return fw_error_set(&call->err, FW_EDENIED, "%s",
		                    fw_cause_row(FW_CAUSE_FEDERATION_OFF)->text);
	}
	(void)find_holder(call->router, &local, &remote);
	call->gathered = check_gathered;
	ret = ask_holders(call, "check", &local, &remote);
	if (ret == FW_OK && call->legs == NULL) {
		call->remedy = "run the module s2s";
		return fw_error_set(&call->err, FW_ENOENT, "no component here goes to the outside");
	}
	return ret;
}
