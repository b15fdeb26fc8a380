/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The router's own commands: the table, and those that do something; those that only report are in
 * control_report.c. Run by control_call.c.
 */
#include "router/control_commands.h"

#include <stdlib.h>

#include "router/instance.h"
#include "router/uplink.h"

#define COMMAND_ROW(word, handler, args, summary) { #word, args, summary, handler },
static const struct control_command commands[] = { CONTROL_COMMANDS(COMMAND_ROW) };

const struct control_command *control_command_find(struct fw_str name)
{
	for (size_t i = 0; i < FW_COUNT(commands); i++) {
		if (fw_str_is(name, commands[i].name)) {
			return &commands[i];
		}
	}
	return NULL;
}

/* Text of an argument; absent when it was not given. */
static struct fw_str argument(const struct control_call *call, const char *name)
{
	return fw_json_text(fw_json_get(call->args, name));
}

/* Several files may speak through loggers of one name: the first stands for all. */
static bool is_first_of_name(const struct fw_logger *logger)
{
	const struct fw_logger *first = fw_log_next(NULL);

	while (first != logger && strcmp(first->name, logger->name) != 0) {
		first = fw_log_next(first);
	}
	return first == logger;
}

int control_log(struct control_call *call)
{
	struct fw_str logger = argument(call, "logger");
	struct fw_str word = argument(call, "level");
	struct fw_json *list;
	enum fw_level level;

	if (logger.len == 0 && word.len == 0) {
		list = fw_json_set_array(call->result, "loggers");
		for (const struct fw_logger *l = fw_log_next(NULL); l != NULL; l = fw_log_next(l)) {
			if (!is_first_of_name(l)) {
				continue;
			}
			struct fw_json *row = fw_json_append_object(list);
			fw_json_set(row, "logger", fw_str(l->name));
			fw_json_set(row, "level", fw_str(fw_log_level_name(l->level)));
		}
		return FW_OK;
	}
	if (logger.len == 0 || word.len == 0) {
		return fw_error_set(&call->err, FW_EINVAL,
		                    "log needs both a logger and a level, or neither");
	}
	if (fw_log_level_parse(word, &level) != FW_OK) {
		call->remedy = "levels are error, warning, notice, info, debug";
		return fw_error_set(&call->err, FW_EINVAL, "\"%.*s\" is not a level",
		                    FW_STR_ARG(word));
	}
	fw_json_set_int(call->result, "changed", fw_log_set_level(logger, level));
	fw_json_set(call->result, "logger", logger);
	fw_json_set(call->result, "level", fw_str(fw_log_level_name(level)));
	return FW_OK;
}

static int not_here(struct control_call *call, const char *what)
{
	call->remedy = "ask the fedwayd program itself";
	return fw_error_set(&call->err, FW_EINVAL, "%s is not possible here", what);
}

int control_reload(struct control_call *call)
{
	struct fw_json *changes = fw_json_set_array(call->result, "changes");

	if (call->daemon == NULL) {
		return not_here(call, "reload");
	}
	call->remedy = "nothing was changed; correct the file and reload again";
	return call->daemon->reload(call->daemon_ctx, changes, &call->problems, &call->err);
}

int control_reattach(struct control_call *call)
{
	struct fw_str name = fw_json_text(fw_json_get(call->args, "uplink"));
	struct fw_json *names = fw_json_set_array(call->result, "uplinks");

	if (uplinks_reattach(call->router, name, names) == 0 && name.ptr != NULL) {
		char quoted[160];
		call->remedy = "\"components\" lists the uplinks; one that is down dials by itself";
		return fw_error_set(&call->err, FW_ENOENT, "no uplink %s is up",
		                    fw_quote(name, quoted, sizeof(quoted)));
	}
	return FW_OK;
}

int control_drain(struct control_call *call)
{
	if (call->daemon == NULL) {
		return not_here(call, "drain");
	}
	call->daemon->drain(call->daemon_ctx);
	fw_json_set_bool(call->result, "draining", true);
	return FW_OK;
}

int control_stop_daemon(struct control_call *call)
{
	if (call->daemon == NULL) {
		return not_here(call, "stop");
	}
	call->daemon->stop(call->daemon_ctx);
	fw_json_set_bool(call->result, "stopping", true);
	return FW_OK;
}

int control_options(struct control_call *call)
{
	char *text;

	if (call->daemon == NULL) {
		return not_here(call, "options");
	}
	text = call->daemon->options(call->daemon_ctx, argument(call, "module"), &call->err);
	if (text == NULL) {
		call->remedy = "without a module, options shows the router's own";
		return call->err.code != FW_OK ? call->err.code : FW_ENOMEM;
	}
	fw_json_set(call->result, "text", fw_str(text));
	free(text);
	return FW_OK;
}

static struct fw_json *help_row(struct fw_json *list, const char *name, const char *args,
                                const char *summary)
{
	struct fw_json *row = fw_json_append_object(list);

	fw_json_set(row, "command", fw_str(name));
	fw_json_set(row, "args", fw_str(args));
	fw_json_set(row, "summary", fw_str(summary));
	return row;
}

/* Another instance before it is of the same module. */
static bool is_told(const struct router *router, const struct instance *instance)
{
	const struct instance *first = router->instances;

	while (first != instance &&
	       strcmp(first->descriptor->name, instance->descriptor->name) != 0) {
		first = first->next;
	}
	return first != instance;
}

int control_help(struct control_call *call)
{
	struct fw_json *list = fw_json_set_array(call->result, "commands");

	for (size_t i = 0; i < FW_COUNT(commands); i++) {
		(void)help_row(list, commands[i].name, commands[i].args, commands[i].summary);
	}
	for (const struct instance *i = call->router->instances; i != NULL; i = i->next) {
		const struct fw_command *row = i->descriptor->commands;
		for (; row != NULL && row->name != NULL && !is_told(call->router, i); row++) {
			if (control_command_find(fw_str(row->name)) == NULL) {
				fw_json_set(help_row(list, row->name, row->args, row->summary),
				            "module", fw_str(i->descriptor->name));
			}
		}
	}
	return FW_OK;
}
