/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: answers of AXL publishers. The first byte chooses function and status, the rest is
 * the body. Each has an outcome; what is taken from it is fit for a log line; and what rows lead to
 * is a plan whose statements hold no literal that ends early.
 */
#include <stdlib.h>

#include <fedway/error.h>

#include "components/axl/axl_plan.h"
#include "components/axl/axl_schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_line(const char *text)
{
	for (; *text != '\0'; text++) {
		fw_assert((unsigned char)*text >= 0x20 && *text != 0x7f);
	}
}

/* Outside literals there is only what we write: no quote is left open, no second statement begins.
 */
static void assert_statement(const char *sql)
{
	bool inside = false;

	for (; *sql != '\0'; sql++) {
		inside = *sql == '\'' ? !inside : inside;
		fw_assert(inside ||
		          strchr("abcdefghijklmnopqrstuvwxyz0123456789_(), '", *sql) != NULL);
	}
	fw_assert(!inside);
}

static void plan_rows(const struct axl_answer *answer)
{
	struct axl_list wanted = { 0 }, realms = { 0 };
	struct axl_plan plan = { .wanted = 0 };

	fw_assert(axl_list_add(&wanted, fw_str("cm-2_s2scp-1.edge-1")) == FW_OK);
	fw_assert(axl_list_add(&realms, fw_str("edge-1")) == FW_OK);
	fw_assert(axl_plan_make(&wanted, &realms, answer->rows, answer->row_count, &plan) == FW_OK);
	fw_assert(plan.there + plan.missing.count == plan.wanted);
	for (size_t i = 0; i < plan.stale.count; i++) {
		struct fw_str id = fw_str(plan.stale.items[i]);
		fw_assert(fw_str_eq_nocase(axl_plan_realm(id), fw_str("edge-1")));
		fw_assert(!axl_list_has(&wanted, id));
	}
	for (size_t i = 0; i < axl_plan_statements(&plan); i++) {
		char *sql = axl_plan_statement(&plan, i);
		fw_assert(sql != NULL);
		assert_statement(sql);
		free(sql);
	}
	axl_plan_clear(&plan);
	axl_list_clear(&wanted);
	axl_list_clear(&realms);
}

static void negotiate(struct fw_str said)
{
	struct axl_schemas tried = { .count = 0 };
	char wanted[AXL_SCHEMA_SIZE] = "14.0", next[AXL_SCHEMA_SIZE];
	size_t rounds = 0;

	while (axl_schema_next(said, wanted, &tried, next)) {
		char again[AXL_SCHEMA_SIZE];
		fw_assert(++rounds < AXL_SCHEMAS_TRIED);
		fw_assert(axl_schema_read(fw_str(next), again) && strcmp(next, again) == 0);
		memcpy(wanted, next, sizeof(wanted));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned statuses[] = { 200, 500, 599, 401 };
	struct axl_request request = { AXL_QUERY, "14.0", "select 1", 7 };
	struct axl_answer answer;

	if (size == 0) {
		return 0;
	}
	request.function = (enum axl_function)(*data % 3);
	unsigned status = statuses[*data / 3 % FW_COUNT(statuses)];
	struct fw_str body = fw_str_n((const char *)data + 1, size - 1);
	axl_soap_read(&request, status, fw_str("text/xml"), body, 1048576, &answer);
	fw_assert((unsigned)answer.outcome < AXL_OUTCOME_COUNT);
	fw_assert(answer.outcome != AXL_OK || status == 200);
	assert_line(answer.text);
	assert_line(answer.version);
	plan_rows(&answer);
	axl_answer_clear(&answer);
	negotiate(body);
	return 0;
}
