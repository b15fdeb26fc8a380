/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: requests to the AXL service. The first line is SOAPAction, the rest the body. A
 * statement that is taken must read as itself once it is written anew, and have one kind.
 */
#include <stdlib.h>

#include "components/axl_service/axls_soap.h"
#include "components/axl_service/axls_sql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_sql(struct fw_str text)
{
	const struct axls_bounds bounds = { 10, 1000 };
	struct axls_result *result = axls_result_new(&bounds);
	struct axls_sql once, twice;

	fw_assert(result != NULL);
	if (axls_sql_read(text, &once, result) == FW_OK) {
		fw_assert(strpbrk(once.text, ";$`[]\\\"") == NULL ||
		          strchr(once.text, '\'') != NULL);
		fw_assert(axls_sql_read(fw_str(once.text), &twice, result) == FW_OK);
		fw_assert(once.writes == twice.writes && strcmp(once.text, twice.text) == 0);
		axls_sql_free(&twice);
		axls_sql_free(&once);
	} else {
		fw_assert(result->text[0] != '\0' && result->axl_code != AXLS_CODE_NONE);
	}
	axls_result_free(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const versions[] = { "8.5", "9.1", "14.0" };
	const struct fw_strings schemas = { versions, FW_COUNT(versions) };
	struct fw_str all = fw_str_n((const char *)data, size), action = fw_str(NULL), body = all;
	const char *end = size > 0 ? memchr(all.ptr, '\n', all.len) : NULL;
	struct axls_request request;
	struct fw_error why = { 0 };

	if (end != NULL) {
		action = fw_str_n(all.ptr, (size_t)(end - all.ptr));
		body = fw_str_n(end + 1, all.len - action.len - 1);
	}
	if (axls_soap_read(body, action, &schemas, &request, &why) == FW_OK) {
		fw_assert(request.operation < AXLS_OPERATION_COUNT && request.schema[0] != '\0');
		fw_assert((request.sql != NULL) == (request.operation != AXLS_VERSION));
		if (request.sql != NULL) {
			try_sql(fw_str(request.sql));
		}
		free(axls_soap_fault(&request, false, AXLS_CODE_OTHER, "why"));
	} else {
		fw_assert(why.text[0] != '\0');
	}
	axls_request_free(&request);
	try_sql(body);
	return 0;
}
