/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A table of rows behind the server of the tests, that speaks AXL well enough for our own requests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/components/axl/axl_server.h"

enum { ANSWER_SIZE = 16384 };

struct table table;

char *axl_server_answer(unsigned status, const char *type, const char *body)
{
	size_t size = strlen(body) + 512;
	char *out = malloc(size);

	assert_non_null(out);
	snprintf(out, size,
	         "HTTP/1.1 %u Something\r\n%s%s%sContent-Length: %zu\r\nServer: test\r\n\r\n%s",
	         status, type[0] != '\0' ? "Content-Type: " : "", type,
	         type[0] != '\0' ? "\r\n" : "", strlen(body), body);
	return out;
}

char *axl_server_soap(unsigned status, const char *inside)
{
	static char body[ANSWER_SIZE + 512];

	snprintf(body, sizeof(body),
	         "<?xml version='1.0' encoding='UTF-8'?>\n<soapenv:Envelope "
	         "xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">"
	         "<soapenv:Body>%s</soapenv:Body></soapenv:Envelope>\n",
	         inside);
	return axl_server_answer(status, "text/xml;charset=UTF-8", body);
}

void table_reset(void)
{
	table = (struct table){ 0 };
}

void table_add(const char *pkid, const char *cp_id)
{
	assert_true(table.count < TABLE_ROWS);
	struct table_row *row = &table.rows[table.count++];
	snprintf(row->pkid, sizeof(row->pkid), "%s", pkid);
	snprintf(row->cp_id, sizeof(row->cp_id), "%s", cp_id);
}

const char *table_text(void)
{
	static char text[2048];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < table.count; i++) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? " " : "",
		                         table.rows[i].cp_id);
	}
	return text;
}

/* What stands between `before` and `after`; "" when they are not there. */
static void between(const char *text, const char *before, const char *after, char *out, size_t size)
{
	const char *begin = strstr(text, before);
	const char *end = begin != NULL ? strstr(begin + strlen(before), after) : NULL;

	snprintf(out, size, "%.*s", end != NULL ? (int)(end - begin - (long)strlen(before)) : 0,
	         end != NULL ? begin + strlen(before) : "");
}

static char *answer_with(const char *function, const char *request, const char *inside)
{
	char out[ANSWER_SIZE], sequence[32];

	between(request, "sequence=\"", "\"", sequence, sizeof(sequence));
	snprintf(out, sizeof(out),
	         "<ns:%sResponse xmlns:ns=\"http://www.cisco.com/AXL/API/9.1\" sequence=\"%s\">"
	         "<return>%s</return></ns:%sResponse>",
	         function, sequence, inside, function);
	return axl_server_soap(200, out);
}

static char *fault(int code, const char *text)
{
	char out[1024];

	snprintf(out, sizeof(out),
	         "<soapenv:Fault><faultcode>soapenv:Client</faultcode><faultstring>%s</faultstring>"
	         "<detail><axlError><axlcode>%d</axlcode><axlmessage>%s</axlmessage>"
	         "<request>executeSQLUpdate</request></axlError></detail></soapenv:Fault>",
	         text, code, text);
	return axl_server_soap(500, out);
}

static char *serve_rows(const char *request)
{
	char rows[ANSWER_SIZE - 512];
	size_t used = 0;

	rows[0] = '\0';
	table.selects++;
	for (size_t i = 0; i < table.count; i++) {
		used += (size_t)snprintf(rows + used, sizeof(rows) - used,
		                         "<row><pkid>%s</pkid><cp_id>%s</cp_id></row>",
		                         table.rows[i].pkid, table.rows[i].cp_id);
	}
	return answer_with("executeSQLQuery", request, rows);
}

static bool has_row(const char *cp_id)
{
	for (size_t i = 0; i < table.count; i++) {
		if (strcmp(table.rows[i].cp_id, cp_id) == 0) {
			return true;
		}
	}
	return false;
}

static unsigned insert_row(const char *sql)
{
	char pkid[64], cp_id[128];

	table.inserts++;
	between(sql, "values (&apos;", "&apos;", pkid, sizeof(pkid));
	between(sql, "&apos;, &apos;", "&apos;)", cp_id, sizeof(cp_id));
	assert_int_equal(strlen(pkid), 36);
	assert_string_not_equal(cp_id, "");
	if (has_row(cp_id) && !table.keeps_duplicates) {
		return 0;
	}
	if (!table.forgets) {
		table_add(pkid, cp_id);
	}
	return 1;
}

static unsigned delete_rows(const char *sql)
{
	bool by_id = strstr(sql, "where cp_id in") != NULL;
	size_t kept = 0, count = table.count;

	assert_true(by_id || strstr(sql, "where pkid in") != NULL);
	table.deletes++;
	for (size_t i = 0; i < count; i++) {
		char literal[160];
		snprintf(literal, sizeof(literal), "&apos;%s&apos;",
		         by_id ? table.rows[i].cp_id : table.rows[i].pkid);
		if (strstr(sql, literal) == NULL || table.forgets) {
			table.rows[kept++] = table.rows[i];
		}
	}
	table.count = kept;
	return (unsigned)(count - kept);
}

static char *serve_update(const char *request)
{
	char sql[4096], inside[64];
	unsigned changed;

	between(request, "<sql>", "</sql>", sql, sizeof(sql));
	if (strncmp(sql, "insert", 6) == 0) {
		changed = insert_row(sql);
		if (changed == 0 || table.exists) {
			return fault(-239, "duplicate value in a unique index");
		}
	} else {
		changed = delete_rows(sql);
	}
	snprintf(inside, sizeof(inside), "<rowsUpdated>%u</rowsUpdated>", changed);
	return answer_with("executeSQLUpdate", request, inside);
}

/* The version in the namespace must be one of those supported; 1.0 always is. */
static bool is_supported(const char *request)
{
	char schema[16], listed[64];
	char *list, *save = NULL;
	bool found = false;

	between(request, "http://www.cisco.com/AXL/API/", "\"", schema, sizeof(schema));
	if (table.supported == NULL) {
		return true;
	}
	snprintf(listed, sizeof(listed), "%s", table.supported);
	for (list = strtok_r(listed, ",", &save); list != NULL; list = strtok_r(NULL, ",", &save)) {
		size_t len = strlen(list);
		found = found || strcmp(list, schema) == 0 ||
		        (strncmp(list, schema, len) == 0 && strcmp(schema + len, ".0") == 0);
	}
	return found;
}

char *table_serve(void *ctx, const char *request, bool *hang_up)
{
	bool writes = strstr(request, "<ns:executeSQLUpdate") != NULL;
	char text[256];

	(void)ctx;
	(void)hang_up;
	if (table.status != 0 && (writes || !table.writes)) {
		return axl_server_answer(table.status, "text/html", "<!DOCTYPE html><p>No</p>");
	}
	if (!is_supported(request)) {
		snprintf(text, sizeof(text),
		         "<html><body>The version is not supported. Supported "
		         "versions: %s</body></html>",
		         table.supported);
		return axl_server_answer(599, "text/html", text);
	}
	if (strstr(request, "<ns:getCCMVersion") != NULL) {
		snprintf(text, sizeof(text),
		         "<componentVersion><version>%s</version></componentVersion>",
		         table.version != NULL ? table.version : "14.0.1.10000-20");
		return answer_with("getCCMVersion", request, text);
	}
	return writes ? serve_update(request) : serve_rows(request);
}
