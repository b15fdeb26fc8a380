/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Requests of AXL as text. Called by axl_publisher.c. What stands in a statement is not its
 * business, but that it cannot leave its element.
 */
#include "components/axl/axl_soap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <fedway/error.h>
#include <fedway/io/xml.h>

/* Everything but the statement. */
enum { FRAME_SIZE = 512 };

const char *axl_function_name(enum axl_function function)
{
	static const char *const names[] = {
		[AXL_GET_VERSION] = "getCCMVersion",
		[AXL_QUERY] = "executeSQLQuery",
		[AXL_UPDATE] = "executeSQLUpdate",
	};

	fw_assert((unsigned)function < FW_COUNT(names));
	return names[function];
}

char *axl_soap_write(const struct axl_request *request)
{
	const char *name = axl_function_name(request->function);
	bool has_sql = request->function != AXL_GET_VERSION;
	/* the longest escape is "&quot;" */
	size_t sql_size = has_sql ? strlen(request->sql) * 6 + 1 : 1;
	size_t size = sql_size + FRAME_SIZE;
	char *sql = malloc(sql_size), *out = malloc(size);

	if (sql == NULL || out == NULL) {
		free(out);
		out = NULL;
		goto done;
	}
	fw_xml_escape(fw_str(has_sql ? request->sql : NULL), sql, sql_size);
	int len = snprintf(
	        out, size,
	        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" "
	        "xmlns:ns=\"http://www.cisco.com/AXL/API/%s\"><soapenv:Header/><soapenv:Body>"
	        "<ns:%s sequence=\"%" PRIu64 "\">%s%s%s</ns:%s>"
	        "</soapenv:Body></soapenv:Envelope>",
	        request->schema, name, request->sequence, has_sql ? "<sql>" : "", sql,
	        has_sql ? "</sql>" : "", name);
	fw_assert(len > 0 && (size_t)len < size);
done:
	free(sql);
	return out;
}

void axl_soap_action(const struct axl_request *request, bool quoted, char out[AXL_ACTION_SIZE])
{
	const char *quote = quoted ? "\"" : "";

	if (strcmp(request->schema, AXL_SCHEMA_OLDEST) == 0) {
		out[0] = '\0';
		return;
	}
	snprintf(out, AXL_ACTION_SIZE, "%sCUCM:DB ver=%s %s%s", quote, request->schema,
	         axl_function_name(request->function), quote);
}
