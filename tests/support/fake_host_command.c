/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gives commands to components that run on the fake host, as the router does on behalf of an
 * operator.
 */
#include "tests/support/fake_host_inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

struct fake_call {
	struct fw_call *under_way;
	struct fw_json *result;
};

static char progress[512];

const char *fake_host_progress(void)
{
	return progress;
}

static void keep_progress(void *ctx, const char *line)
{
	(void)ctx;
	(void)snprintf(progress, sizeof(progress), "%s", line);
}

static void call_ended(void *ctx, int code, const char *why, const char *remedy)
{
	struct fake_call *call = ctx;

	if (code != FW_OK) {
		fw_json_set(call->result, "error", fw_str(why));
		fw_json_set(call->result, "remedy", fw_str(remedy));
		fw_json_set_int(call->result, "code", code);
	}
}

static bool is_over(void *ctx)
{
	const struct fake_call *call = ctx;

	return call->under_way == NULL;
}

struct fw_json *fake_host_command(struct fake_host *host, struct fw_self *self, const char *command,
                                  const char *args, uint64_t timeout_ms)
{
	const struct fw_command *row = fw_self_component(self)->commands;
	struct fake_call call = { .result = fw_json_new() };
	struct fw_json *parsed = NULL;

	while (row != NULL && row->name != NULL && strcmp(row->name, command) != 0) {
		row++;
	}
	if (row == NULL || row->name == NULL) {
		fail_msg("%s has no command \"%s\"", fw_self_id(self), command);
	}
	if (args != NULL) {
		assert_int_equal(fw_json_parse(fw_str(args), &parsed, NULL), FW_OK);
	}
	progress[0] = '\0';
	const struct fw_call_settings settings = { .command = row,
		                                   .args = parsed,
		                                   .result = call.result,
		                                   .progress = keep_progress,
		                                   .ended = call_ended,
		                                   .ctx = &call };
	assert_int_equal(fw_self_call(self, &settings, &call.under_way), FW_OK);
	if (!fake_host_run_until(host, is_over, &call, timeout_ms)) {
		fail_msg("\"%s\" was not answered in %u ms", command, (unsigned)timeout_ms);
	}
	fw_json_free(&parsed);
	return call.result;
}
