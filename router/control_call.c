/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One request of the control socket, from its text to its reply: finds the command, checks the
 * arguments, runs it. A command of components is given to each component that has it, and the reply
 * waits until all have answered, or the time is up. What the router's own commands do is
 * control_commands.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include <fedway/jid.h>

#include "router/control_commands.h"
#include "router/control_room.h"
#include "router/instance.h"

enum { CONTROL_CALL_TIMEOUT_MS = 120000 };

static struct fw_logger control_log_call = FW_LOGGER("router.control");

static const char ask_help[] = "\"help\" lists the commands and their arguments";

/* One component that was asked. */
struct control_leg {
	struct control_leg *next;
	struct control_call *call;
	struct fw_call *under_way; /* NULL when it has answered */
	struct fw_json *out;
	int code;
	char id[FW_DOMAIN_SIZE];
};

static void call_free(struct control_call *call)
{
	while (call->legs != NULL) {
		struct control_leg *leg = call->legs;
		call->legs = leg->next;
		fw_call_cancel(&leg->under_way);
		free(leg);
	}
	if (call->handle != NULL) {
		*call->handle = NULL;
	}
	fw_timer_free(&call->timer);
	control_nodes_cancel(&call->nodes);
	free(call->relayed);
	free(call->problems);
	fw_json_free(&call->request);
	fw_json_free(&call->reply);
	free(call);
}

void control_cancel(struct control_call **call)
{
	if (call != NULL && *call != NULL) {
		call_free(*call);
	}
}

/* ---- the reply ---- */

static void append_lines(struct fw_json *array, const char *lines)
{
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");
		fw_json_append(array, fw_str_n(lines, len));
		lines += len + (lines[len] == '\n' ? 1 : 0);
	}
}

static char *refusal(const struct control_call *call, int ret)
{
	struct fw_json *reply = fw_json_new();
	char *text;

	fw_json_set_bool(reply, "ok", false);
	fw_json_set(reply, "error",
	            fw_str(call->err.text[0] != '\0' ? call->err.text : fw_strerror(ret)));
	fw_json_set(reply, "remedy", fw_str(call->remedy != NULL ? call->remedy : ""));
	if (call->unknown) {
		fw_json_set_bool(reply, "unknown", true);
	}
	if (call->problems != NULL) {
		append_lines(fw_json_set_array(reply, "problems"), call->problems);
	}
	text = reply != NULL ? fw_json_dump(reply, false) : NULL;
	fw_json_free(&reply);
	return text;
}

/* Gives the reply; the call is gone afterwards. */
static void call_finish(struct control_call *call, int ret)
{
	control_reply_fn *tell = call->tell;
	void *ctx = call->ctx;
	char *text = NULL;

	if (ret == FW_OK) {
		text = call->relayed != NULL ? call->relayed : fw_json_dump(call->reply, false);
		call->relayed = NULL;
		ret = text != NULL ? FW_OK : FW_ENOMEM;
	}
	if (ret != FW_OK) {
		text = refusal(call, ret);
	}
	call_free(call);
	tell(ctx, text, true);
}

/* ---- components ---- */

static bool is_answered(const struct control_call *call)
{
	const struct control_leg *leg = call->legs;

	while (leg != NULL && leg->under_way == NULL) {
		leg = leg->next;
	}
	return leg == NULL && call->nodes == NULL;
}

/* Ends the call if it waits for nobody any more. */
static void call_check(struct control_call *call)
{
	if (!call->running && is_answered(call)) {
		call_finish(call, call->gathered != NULL ? call->gathered(call) : FW_OK);
	}
}

static void leg_end(struct control_leg *leg, int code, const char *why, const char *remedy)
{
	leg->code = code;
	if (code != FW_OK) {
		fw_json_set(leg->out, "error", fw_str(why));
		fw_json_set(leg->out, "remedy", fw_str(remedy != NULL ? remedy : ""));
	}
}

static void leg_ended(void *ctx, int code, const char *why, const char *remedy)
{
	struct control_leg *leg = ctx;

	leg_end(leg, code, why, remedy);
	call_check(leg->call);
}

/* `who` may be NULL. */
static void tell_progress(const struct control_call *call, const char *who, const char *line)
{
	struct fw_json *out = fw_json_new();

	fw_json_setf(out, "progress", "%s%s%s", who != NULL ? who : "", who != NULL ? ": " : "",
	             line);
	char *text = out != NULL ? fw_json_dump(out, false) : NULL;
	fw_json_free(&out);
	if (text != NULL) {
		call->tell(call->ctx, text, false);
	}
}

static void leg_progress(void *ctx, const char *line)
{
	const struct control_leg *leg = ctx;

	tell_progress(leg->call, leg->call->legs->next != NULL ? leg->id : NULL, line);
}

int control_ask_component(struct control_call *call, struct instance *instance,
                          const struct fw_command *command, const struct fw_json *args,
                          struct fw_json *out)
{
	struct control_leg *leg = calloc(1, sizeof(*leg));
	struct control_leg **end = &call->legs;

	if (leg == NULL) {
		return FW_ENOMEM;
	}
	leg->call = call;
	leg->out = out;
	(void)snprintf(leg->id, sizeof(leg->id), "%s", instance->component->id);
	while (*end != NULL) {
		end = &(*end)->next;
	}
	*end = leg;
	const struct fw_call_settings settings = {
		.command = command,
		.args = args,
		.result = out,
		.progress = leg_progress,
		.ended = leg_ended,
		.ctx = leg,
	};
	return fw_self_call(instance->self, &settings, &leg->under_way);
}

const struct fw_command *control_component_command(const struct instance *instance,
                                                   struct fw_str name)
{
	const struct fw_command *row = instance->descriptor->commands;

	while (row != NULL && row->name != NULL && !fw_str_is(name, row->name)) {
		row++;
	}
	return row != NULL && row->name != NULL ? row : NULL;
}

/* A command that failed everywhere has failed; otherwise the failures stand beside the answers. */
static int all_failed(struct control_call *call)
{
	for (const struct control_leg *leg = call->legs; leg != NULL; leg = leg->next) {
		if (leg->code == FW_OK) {
			return FW_OK;
		}
	}
	const struct control_leg *first = call->legs;
	struct fw_str why = fw_json_text(fw_json_get(first->out, "error"));
	struct fw_str remedy = fw_json_text(fw_json_get(first->out, "remedy"));
	call->remedy = remedy.ptr; /* stays with the reply until the refusal is made */
	return fw_error_set(&call->err, first->code, "%.*s", FW_STR_ARG(why));
}

static int check_args(struct control_call *call, struct fw_str command, const char *allowed,
                      const char *allowed_too);

int control_ask_components(struct control_call *call, struct fw_str name)
{
	struct fw_str only = fw_json_text(fw_json_get(call->args, "component"));
	struct fw_json *list = fw_json_set_array(call->result, "components");
	bool known = false;
	int ret = FW_OK;

	call->gathered = all_failed;
	for (struct instance *i = call->router->instances; ret == FW_OK && i != NULL; i = i->next) {
		const struct fw_command *command = control_component_command(i, name);
		if (command == NULL) {
			continue;
		}
		known = true;
		ret = check_args(call, name, command->args, "component");
		if (ret == FW_OK && (only.ptr == NULL || fw_str_is(only, i->component->id))) {
			struct fw_json *out = fw_json_append_object(list);
			fw_json_set(out, "id", fw_str(i->component->id));
			ret = control_ask_component(call, i, command, call->args, out);
		}
	}
	if (ret != FW_OK) {
		return ret;
	}
	if (!known) {
		char quoted[64];
		call->unknown = true;
		return fw_error_set(&call->err, FW_ENOENT, "unknown command %s",
		                    fw_quote(name, quoted, sizeof(quoted)));
	}
	if (call->legs == NULL) {
		char quoted[64];
		call->remedy = "\"components\" lists the IDs";
		return fw_error_set(&call->err, FW_ENOENT, "there is no such component %s",
		                    fw_quote(only, quoted, sizeof(quoted)));
	}
	return FW_OK;
}

static void call_expired(void *ctx)
{
	struct control_call *call = ctx;

	control_nodes_cancel(&call->nodes);
	for (struct control_leg *leg = call->legs; leg != NULL; leg = leg->next) {
		if (leg->under_way != NULL) {
			fw_call_cancel(&leg->under_way);
			leg_end(leg, FW_ETIMEOUT, "no answer in two minutes", "try again");
		}
	}
	call_check(call);
}

/* ---- other nodes ---- */

void control_nodes_end(struct control_call *call)
{
	call_check(call);
}

/* The reply of one node stands for ours. */
static void node_answered(void *ctx, const struct control_nodes *nodes)
{
	struct control_call *call = ctx;

	call->relayed = fw_json_dump(control_nodes_reply(nodes, 0), false);
	control_nodes_end(call);
}

/* A node that has no such component has nothing to say of it. */
static void nodes_answered(void *ctx, const struct control_nodes *nodes)
{
	struct control_call *call = ctx;
	struct fw_json *list = fw_json_set_array(call->result, "nodes");

	for (size_t i = 0; i < control_nodes_count(nodes); i++) {
		const struct fw_json *reply = control_nodes_reply(nodes, i);
		if (fw_json_bool(fw_json_get(reply, "unknown"))) {
			continue;
		}
		struct fw_json *out = fw_json_append_object(list);
		fw_json_set(out, "realm", fw_str(control_nodes_realm(nodes, i)));
		for (size_t j = 0; j < fw_json_count(reply); j++) {
			fw_json_set_copy(out, fw_json_key_at(reply, j), fw_json_at(reply, j));
		}
	}
	control_nodes_end(call);
}

void control_nodes_waiting(void *ctx, const char *realms)
{
	char line[1100];

	(void)snprintf(line, sizeof(line), "waiting for %s", realms);
	tell_progress(ctx, NULL, line);
}

int control_ask_nodes(struct control_call *call, struct fw_str name, const char *node)
{
	static const struct control_nodes_events one = { node_answered, control_nodes_waiting },
	                                         all = { nodes_answered, control_nodes_waiting };

	return control_nodes_ask(call->router, node, name, call->args, node != NULL ? &one : &all,
	                         call, &call->nodes);
}

/* ---- the request ---- */

/* `word` is one of the words of `list`. */
static bool is_listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (*list != '\0') {
		size_t span = strcspn(list, " |");
		if (span > 0 && span == len && memcmp(list, word, len) == 0) {
			return true;
		}
		list += span + (list[span] != '\0' ? 1 : 0);
	}
	return false;
}

static int check_args(struct control_call *call, struct fw_str command, const char *allowed,
                      const char *allowed_too)
{
	char name[64];

	call->remedy = ask_help;
	for (size_t i = 0; i < fw_json_count(call->args); i++) {
		const char *key = fw_json_key_at(call->args, i);
		if (!is_listed(allowed, key) &&
		    (allowed_too == NULL || strcmp(allowed_too, key) != 0)) {
			return fw_error_set(&call->err, FW_EINVAL, "%.*s has no argument %s",
			                    FW_STR_ARG(command),
			                    fw_quote(fw_str(key), name, sizeof(name)));
		}
		if (fw_json_type(fw_json_at(call->args, i)) != FW_JSON_STRING) {
			return fw_error_set(&call->err, FW_EINVAL,
			                    "argument \"%s\" must be a string", key);
		}
	}
	call->remedy = NULL;
	return FW_OK;
}

static int run(struct control_call *call)
{
	struct fw_str name = fw_json_text(fw_json_get(call->request, "command"));
	const struct control_command *command = control_command_find(name);
	int ret;

	call->remedy = ask_help;
	if (fw_json_type(call->request) != FW_JSON_OBJECT || name.len == 0) {
		return fw_error_set(&call->err, FW_EINVAL,
		                    "a request is an object with a string \"command\"");
	}
	call->args = fw_json_get(call->request, "args");
	if (call->args != NULL && fw_json_type(call->args) != FW_JSON_OBJECT) {
		return fw_error_set(&call->err, FW_EINVAL, "\"args\" must be an object");
	}
	struct fw_str node = fw_json_text(fw_json_get(call->request, "node"));
	if (node.len > 0 || fw_json_bool(fw_json_get(call->request, "all"))) {
		call->remedy = NULL;
		return control_ask_nodes(call, name, node.len > 0 ? node.ptr : NULL);
	}
	if (command == NULL) {
		return control_ask_components(call, name);
	}
	ret = check_args(call, name, command->args, NULL);
	if (ret != FW_OK) {
		return ret;
	}
	ret = command->run(call);
	fw_log(call->router->log, &control_log_call, FW_LOG_DEBUG, "command=%s result=\"%s\"",
	       command->name, fw_strerror(ret));
	return ret;
}

/* Room for the answer, and the request read. */
static int prepare(struct control_call *call, struct fw_str line)
{
	call->reply = fw_json_new();
	if (call->reply == NULL) {
		return FW_ENOMEM;
	}
	fw_json_set_bool(call->reply, "ok", true);
	call->result = fw_json_set_object(call->reply, "result");
	call->remedy = "a request is one line: {\"command\": \"help\"}";
	return fw_json_parse(line, &call->request, &call->err);
}

int control_ask(struct router *router, struct fw_str line, control_reply_fn *reply, void *ctx,
                struct control_call **out)
{
	struct control_call *call = calloc(1, sizeof(*call));
	int ret;

	if (call == NULL) {
		return FW_ENOMEM;
	}
	call->router = router;
	call->tell = reply;
	call->ctx = ctx;
	call->handle = out;
	*out = call;
	control_get_daemon(router, &call->daemon, &call->daemon_ctx);
	call->running = true;
	ret = prepare(call, line);
	if (ret == FW_OK) {
		ret = run(call);
	}
	call->running = false;
	if (ret == FW_OK && !is_answered(call)) {
		ret = fw_timer_new(router->loop, call_expired, call, &call->timer);
		if (ret == FW_OK) {
			fw_timer_start_ms(call->timer, CONTROL_CALL_TIMEOUT_MS, 0);
			return FW_OK;
		}
	}
	if (ret != FW_OK) {
		call_finish(call, ret);
	} else {
		call_check(call);
	}
	return FW_OK;
}
