/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Answers one request of the control socket: finds the row, checks the arguments against it, runs
 * the handler, and makes the reply. Also the commands that do something; those that only report are
 * in control_report.c.
 */
#include "router/control_commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "router/control_room.h"

static struct fw_logger control_log_commands = FW_LOGGER("router.control");

#define COMMAND_ROW(word, handler, args, summary) { #word, args, summary, handler },
static const struct control_command commands[] = { CONTROL_COMMANDS(COMMAND_ROW) };

static const char ask_help[] = "\"help\" lists the commands and their arguments";

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

int control_explain(struct control_call *call)
{
	struct fw_str name = argument(call, "cause");
	struct fw_json *list = fw_json_set_array(call->result, "causes");
	enum fw_cause only = fw_cause_by_name(name);

	if (name.len > 0 && only == FW_CAUSE_COUNT) {
		call->remedy = "without a cause, explain lists all";
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

int control_help(struct control_call *call)
{
	struct fw_json *list = fw_json_set_array(call->result, "commands");

	for (size_t i = 0; i < FW_COUNT(commands); i++) {
		struct fw_json *row = fw_json_append_object(list);
		fw_json_set(row, "command", fw_str(commands[i].name));
		fw_json_set(row, "args", fw_str(commands[i].args));
		fw_json_set(row, "summary", fw_str(commands[i].summary));
	}
	return FW_OK;
}

/* `word` is one of the words of `list`. */
static bool is_listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (*list != '\0') {
		size_t span = strcspn(list, " ");
		if (span == len && memcmp(list, word, len) == 0) {
			return true;
		}
		list += span + (list[span] == ' ' ? 1 : 0);
	}
	return false;
}

static int check_args(struct control_call *call, const struct control_command *command)
{
	char name[64];

	if (call->args == NULL) {
		return FW_OK;
	}
	if (fw_json_type(call->args) != FW_JSON_OBJECT) {
		return fw_error_set(&call->err, FW_EINVAL, "\"args\" must be an object");
	}
	for (size_t i = 0; i < fw_json_count(call->args); i++) {
		const char *key = fw_json_key_at(call->args, i);
		if (!is_listed(command->args, key)) {
			return fw_error_set(&call->err, FW_EINVAL, "%s has no argument %s",
			                    command->name,
			                    fw_quote(fw_str(key), name, sizeof(name)));
		}
		if (fw_json_type(fw_json_at(call->args, i)) != FW_JSON_STRING) {
			return fw_error_set(&call->err, FW_EINVAL,
			                    "argument \"%s\" must be a string", key);
		}
	}
	return FW_OK;
}

static int run(struct control_call *call, const struct fw_json *request)
{
	struct fw_str name = fw_json_text(fw_json_get(request, "command"));
	const struct control_command *command = control_command_find(name);
	char quoted[64];
	int ret;

	call->remedy = ask_help;
	if (fw_json_type(request) != FW_JSON_OBJECT || name.len == 0) {
		return fw_error_set(&call->err, FW_EINVAL,
		                    "a request is an object with a string \"command\"");
	}
	if (command == NULL) {
		return fw_error_set(&call->err, FW_ENOENT, "unknown command %s",
		                    fw_quote(name, quoted, sizeof(quoted)));
	}
	call->args = fw_json_get(request, "args");
	ret = check_args(call, command);
	if (ret != FW_OK) {
		return ret;
	}
	call->remedy = NULL;
	ret = command->run(call);
	fw_log(call->router->log, &control_log_commands, FW_LOG_DEBUG, "command=%s result=\"%s\"",
	       command->name, fw_strerror(ret));
	return ret;
}

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
	if (call->problems != NULL) {
		append_lines(fw_json_set_array(reply, "problems"), call->problems);
	}
	text = reply != NULL ? fw_json_dump(reply, false) : NULL;
	fw_json_free(&reply);
	return text;
}

char *control_answer(struct router *router, struct fw_str line)
{
	struct control_call call = { .router = router };
	struct fw_json *request = NULL;
	struct fw_json *reply = fw_json_new();
	char *text = NULL;
	int ret = reply != NULL ? FW_OK : FW_ENOMEM;

	control_get_daemon(router, &call.daemon, &call.daemon_ctx);
	if (ret == FW_OK) {
		fw_json_set_bool(reply, "ok", true);
		call.result = fw_json_set_object(reply, "result");
		call.remedy = "a request is one line: {\"command\": \"help\"}";
		ret = fw_json_parse(line, &request, &call.err);
	}
	if (ret == FW_OK) {
		ret = run(&call, request);
	}
	if (ret == FW_OK) {
		text = fw_json_dump(reply, false);
		ret = text != NULL ? FW_OK : FW_ENOMEM;
	}
	if (ret != FW_OK) {
		text = refusal(&call, ret);
	}
	free(call.problems);
	fw_json_free(&request);
	fw_json_free(&reply);
	return text;
}
