/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The command `sql`: what the originals call `run sql`, for reading. It goes the way that clients'
 * statements go. Writing is for AXL, or for the database's own tools.
 */
#include <stdlib.h>

#include <fedway/json.h>

#include "components/axl_service/axl_service.h"
#include "components/axl_service/axls_sql.h"

/* A command under way; the call may be gone before the answer is there. */
struct asked {
	struct fw_call *call;
};

static void on_cancel(void *ctx)
{
	struct asked *asked = ctx;

	asked->call = NULL;
}

static void give_rows(struct fw_call *call, const struct axls_result *result)
{
	struct fw_json *out = fw_call_result(call);
	struct fw_json *rows = fw_json_set_array(out, "rows");
	char *text = axls_result_table(result);

	fw_json_set(out, "text", fw_str(text));
	for (size_t row = 0; row < axls_result_rows(result); row++) {
		struct fw_json *object = fw_json_append_object(rows);
		for (size_t i = 0; i < result->column_count; i++) {
			const char *cell = axls_result_at(result, row, i);
			if (cell != NULL) {
				fw_json_set(object, result->columns[i], fw_str(cell));
			}
		}
	}
	free(text);
}

static void on_result(void *ctx, struct axls_result **result)
{
	struct asked *asked = ctx;
	struct fw_call *call = asked->call;

	free(asked);
	if (call == NULL) {
		return;
	}
	if (*result == NULL) {
		fw_call_fail(&call, FW_ENOMEM, NULL, "out of memory");
	} else if ((*result)->code != FW_OK) {
		fw_call_fail(&call, (*result)->code, NULL, "%d: %s", (*result)->axl_code,
		             (*result)->text);
	} else {
		give_rows(call, *result);
		fw_call_done(&call);
	}
}

static void sql(struct fw_self *self, struct fw_call *call)
{
	struct axls *axls = fw_self_state(self);
	struct axls_result *refused = axls_result_new(&(struct axls_bounds){ 1, 1 });
	struct asked *asked = calloc(1, sizeof(*asked));
	struct axls_sql statement = { 0 };
	int ret = FW_ENOMEM;

	if (refused != NULL && asked != NULL) {
		ret = axls_sql_read(fw_call_arg(call, "statement"), &statement, refused);
	}
	if (ret != FW_OK) {
		fw_call_fail(&call, ret, "sql \"select * from " AXLS_TABLE "\"", "%s",
		             refused != NULL ? refused->text : "out of memory");
		free(asked);
	} else if (statement.writes) {
		fw_call_fail(&call, FW_EDENIED,
		             "rows are written by AXL (executeSQLUpdate), or with psql or sqlite3",
		             "sql only takes select");
		axls_sql_free(&statement);
		free(asked);
	} else {
		asked->call = call;
		fw_call_on_cancel(call, on_cancel, asked);
		axls->store->type->run(axls->store, &statement, on_result, asked);
	}
	axls_result_free(&refused);
}

const struct fw_command axls_commands[] = {
	{ "sql", "statement", "run a select on the table " AXLS_TABLE, sql },
	FW_COMMAND_END,
};
