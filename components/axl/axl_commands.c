/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What an operator can ask and order: `axl status`, `axl sync`, `axl sync dry-run`. Called by the
 * host. One sync at a time is waited for.
 */
#include <stdio.h>

#include "components/axl/axl_publisher.h"

/* For people, in whole lines; programs find the same in each publisher's row. */
static void put_problem(struct fw_json **problems, struct fw_json *out,
                        const struct axl_publisher *publisher, const struct axl_end *end)
{
	char text[AXL_ERROR_SIZE], remedy[AXL_REMEDY_SIZE];

	if (end->outcome == AXL_OK) {
		return;
	}
	if (*problems == NULL) {
		*problems = fw_json_set_array(out, "problems");
	}
	axl_tell_error(publisher, end, text);
	axl_tell_remedy(publisher, end, remedy);
	fw_json_append(*problems, fw_str(text));
	fw_json_append(*problems, fw_str(remedy));
}

static void axl_status(struct fw_self *self, struct fw_call *call)
{
	const struct axl *axl = fw_self_state(self);
	struct fw_json *out = fw_call_result(call);
	struct fw_json *list = fw_json_set_array(out, "publishers");
	struct fw_json *problems = NULL;

	for (size_t i = 0; i < axl->publisher_count; i++) {
		axl_report_publisher(axl->publishers[i], fw_json_append_object(list));
	}
	struct fw_json *rows = fw_json_set_array(out, "rows");
	for (size_t i = 0; i < axl->wanted.count; i++) {
		fw_json_append(rows, fw_str(axl->wanted.items[i]));
	}
	if (axl->wanted.count == 0) {
		fw_json_append(rows, fw_str(axl_wanted_reason(axl)));
	}
	for (size_t i = 0; i < axl->publisher_count; i++) {
		put_problem(&problems, out, axl->publishers[i], &axl->publishers[i]->last);
	}
	fw_call_done(&call);
}

/* ---- sync ---- */

static void on_cancel(void *ctx)
{
	struct axl *axl = ctx;

	axl->call = NULL;
}

static void axl_sync(struct fw_self *self, struct fw_call *call)
{
	struct axl *axl = fw_self_state(self);
	struct fw_str mode = fw_call_arg(call, "mode");

	if (mode.ptr != NULL && !fw_str_is(mode, "dry-run")) {
		fw_call_fail(&call, FW_EINVAL, NULL, "'%.*s' is no way to sync: there is dry-run",
		             FW_STR_ARG(mode));
		return;
	}
	if (axl->call != NULL) {
		fw_call_fail(&call, FW_EEXIST, "wait for it to end",
		             "somebody else waits for a sync already");
		return;
	}
	axl->call = call;
	axl->call_is_dry = mode.ptr != NULL;
	fw_call_on_cancel(call, on_cancel, axl);
	for (size_t i = 0; i < axl->publisher_count; i++) {
		if (axl->call_is_dry) {
			axl_publisher_look(axl->publishers[i]);
		} else {
			axl_publisher_sync(axl->publishers[i]);
		}
	}
	axl_commands_progress(axl); /* without publishers that was all */
}

static void put_rows(struct fw_json *rows, const struct axl_publisher *publisher,
                     const char *change, const struct axl_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct fw_json *row = fw_json_append_object(rows);
		fw_json_set(row, "publisher", fw_str(publisher->config->name));
		fw_json_set(row, "change", fw_str(change));
		fw_json_set(row, "row", fw_str(list->items[i]));
	}
}

/* The run that he waits for is over, though another may have begun. */
static bool is_waited_for(const struct axl *axl, const struct axl_publisher *publisher)
{
	if (axl->call_is_dry) {
		return publisher->want_dry || (publisher->step != AXL_IDLE && publisher->dry);
	}
	return publisher->want_sync || (publisher->step != AXL_IDLE && !publisher->dry);
}

/* The first that failed speaks for all. */
static void fail_with(struct fw_call **call, const struct axl_publisher *publisher,
                      const struct axl_end *end, size_t others)
{
	char text[AXL_ERROR_SIZE], remedy[AXL_REMEDY_SIZE], more[64] = "";

	axl_tell_error(publisher, end, text);
	axl_tell_remedy(publisher, end, remedy);
	if (others > 0) {
		snprintf(more, sizeof(more), "; and %zu more, see axl status", others);
	}
	fw_call_fail(call, FW_ESYS, remedy, "%s%s", text, more);
}

void axl_commands_progress(struct axl *axl)
{
	const struct axl_publisher *failed = NULL;
	const struct axl_end *how = NULL;
	bool dry = axl->call_is_dry;
	size_t failures = 0;

	if (axl->call == NULL) {
		return;
	}
	for (size_t i = 0; i < axl->publisher_count; i++) {
		if (is_waited_for(axl, axl->publishers[i])) {
			fw_call_progress(axl->call, "waiting for publisher %s",
			                 axl->publishers[i]->config->name);
			return;
		}
	}
	struct fw_json *rows = fw_json_set_array(fw_call_result(axl->call), "rows");
	for (size_t i = 0; i < axl->publisher_count; i++) {
		const struct axl_publisher *publisher = axl->publishers[i];
		const struct axl_end *end = dry ? &publisher->looked : &publisher->last;
		put_rows(rows, publisher, dry ? "would be inserted" : "inserted",
		         &publisher->inserted);
		put_rows(rows, publisher, dry ? "would be deleted" : "deleted",
		         &publisher->deleted);
		if (end->outcome != AXL_OK) {
			how = failed == NULL ? end : how;
			failed = failed == NULL ? publisher : failed;
			failures++;
		}
	}
	struct fw_call *call = axl->call;
	axl->call = NULL;
	if (failed != NULL) {
		fail_with(&call, failed, how, failures - 1);
	} else {
		fw_call_done(&call);
	}
}

void axl_commands_give_up(struct axl *axl, const char *why)
{
	struct fw_call *call = axl->call;

	axl->call = NULL;
	if (call != NULL) {
		fw_call_fail(&call, FW_ECLOSED, "give the command again", "%s", why);
	}
}

const struct fw_command axl_commands[] = {
	{ "axl status", "", "publishers: version, rows, last success, next check, what is wrong",
	  axl_status },
	{ "axl sync", "mode",
	  "look at all publishers now and put their rows right; dry-run: only look", axl_sync },
	FW_COMMAND_END,
};
