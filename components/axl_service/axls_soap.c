/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads AXL requests and checks what the guide asks for: envelope, operation, version of schema and
 * of SOAPAction, sequence. Called by axls_call.c with a whole body. XML itself is the SDK's work;
 * document types and processing instructions are refused there.
 */
#include "components/axl_service/axls_soap.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include <fedway/io/xml.h>
#include <fedway/stanza.h>

#define SOAP_NS "http://schemas.xmlsoap.org/soap/envelope/"
#define AXL_NS "http://www.cisco.com/AXL/API/"
#define OLDEST "1.0" /* in a request without SOAPAction: whatever we have */

static const char *const operations[AXLS_OPERATION_COUNT] = {
	[AXLS_QUERY] = "executeSQLQuery",
	[AXLS_UPDATE] = "executeSQLUpdate",
	[AXLS_VERSION] = "getCCMVersion",
};

const char *axls_operation_name(enum axls_operation operation)
{
	return operations[operation];
}

/* ---- versions ---- */

/* Of `"CUCM:DB ver=9.1 executeSQLQuery"`, with or without the quotes; absent when it says nothing.
 */
struct action {
	struct fw_str version, operation;
};

static int read_action(struct fw_str text, struct action *out, struct fw_error *why)
{
	static const char begin[] = "CUCM:DB ver=";
	const size_t begin_len = sizeof(begin) - 1;
	struct fw_str rest = fw_str_trim(text);

	*out = (struct action){ fw_str(NULL), fw_str(NULL) };
	if (rest.len >= 2 && rest.ptr[0] == '"' && rest.ptr[rest.len - 1] == '"') {
		rest = fw_str_trim(fw_str_n(rest.ptr + 1, rest.len - 2));
	}
	if (rest.len == 0) {
		return FW_OK;
	}
	if (rest.len <= begin_len ||
	    !fw_str_eq_nocase(fw_str_n(rest.ptr, begin_len), fw_str(begin))) {
		return fw_error_set(
		        why, FW_EPARSE,
		        "SOAPAction is not of the form \"CUCM:DB ver=9.1 executeSQLQuery\"");
	}
	rest = fw_str_n(rest.ptr + begin_len, rest.len - begin_len);
	const char *space = memchr(rest.ptr, ' ', rest.len);
	size_t len = space != NULL ? (size_t)(space - rest.ptr) : rest.len;
	out->version = fw_str_n(rest.ptr, len);
	if (space != NULL) {
		out->operation = fw_str_trim(fw_str_n(space, rest.len - len));
	}
	return FW_OK;
}

static int choose_schema(struct fw_str version, const struct action *action,
                         const struct fw_strings *schemas, struct axls_request *out,
                         struct fw_error *why)
{
	char quoted[64];
	bool oldest = fw_str_is(version, OLDEST) && action->version.len == 0;

	if (action->version.len > 0 && !fw_str_eq(action->version, version)) {
		return fw_error_set(why, FW_EPARSE,
		                    "SOAPAction names another version than the namespace, %s",
		                    fw_quote(version, quoted, sizeof(quoted)));
	}
	for (size_t i = 0; i < schemas->count; i++) {
		if (oldest || fw_str_is(version, schemas->items[i])) {
			snprintf(out->schema, sizeof(out->schema), "%s", schemas->items[i]);
			return FW_OK;
		}
	}
	return fw_error_set(why, FW_EABI, "the AXL version %s is not supported",
	                    fw_quote(version, quoted, sizeof(quoted)));
}

/* ---- the document ---- */

static int only_child(struct fw_elem *elem, struct fw_elem **out, struct fw_error *why)
{
	*out = fw_elem_first(elem);
	if (*out == NULL || fw_elem_next(*out) != NULL) {
		return fw_error_set(why, FW_EPARSE,
		                    "the SOAP body must have exactly one operation");
	}
	return FW_OK;
}

static int find_operation(struct fw_elem *root, struct fw_elem **out, struct fw_error *why)
{
	if (!fw_str_is(fw_elem_name(root), "Envelope") || !fw_str_is(fw_elem_ns(root), SOAP_NS)) {
		return fw_error_set(why, FW_EPARSE, "the document is no SOAP 1.1 envelope");
	}
	struct fw_elem *header = fw_elem_find(root, "Header", SOAP_NS);
	for (struct fw_elem *block = fw_elem_first(header); block != NULL;
	     block = fw_elem_next(block)) {
		if (fw_str_is(fw_elem_attr(block, "mustUnderstand"), "1")) {
			return fw_error_set(why, FW_EPARSE,
			                    "a header block that must be understood is not");
		}
	}
	struct fw_elem *body = fw_elem_find(root, "Body", SOAP_NS);
	if (body == NULL) {
		return fw_error_set(why, FW_EPARSE, "the SOAP envelope has no body");
	}
	return only_child(body, out, why);
}

static int read_sequence(struct fw_str text, struct axls_request *out, struct fw_error *why)
{
	uint64_t value;

	if (text.len == 0) {
		return FW_OK;
	}
	bool minus = text.ptr[0] == '-';
	struct fw_str digits = fw_str_n(text.ptr + minus, text.len - minus);
	if (text.len >= sizeof(out->sequence) ||
	    fw_str_to_u64(digits, INT64_MAX, &value) != FW_OK) {
		return fw_error_set(why, FW_EPARSE, "sequence is no 64-bit number");
	}
	memcpy(out->sequence, text.ptr, text.len);
	return FW_OK;
}

/* The schema says that children of an operation have no namespace; some clients give them one. */
static int read_sql(struct fw_elem *operation, struct axls_request *out, struct fw_error *why)
{
	struct fw_elem *sql = fw_elem_find(operation, "sql", NULL);

	if (out->operation == AXLS_VERSION) {
		return FW_OK;
	}
	if (sql == NULL || fw_elem_first(sql) != NULL) {
		return fw_error_set(why, FW_EPARSE, "%s has no <sql>", operations[out->operation]);
	}
	out->sql = fw_str_dup(fw_elem_text(sql));
	return out->sql != NULL ? FW_OK : fw_error_set(why, FW_ENOMEM, "out of memory");
}

static int read_operation(struct fw_elem *elem, const struct action *action,
                          const struct fw_strings *schemas, struct axls_request *out,
                          struct fw_error *why)
{
	const size_t begin_len = sizeof(AXL_NS) - 1;
	struct fw_str name = fw_elem_name(elem), ns = fw_elem_ns(elem);
	char quoted[64];

	if (ns.len <= begin_len || memcmp(ns.ptr, AXL_NS, begin_len) != 0) {
		return fw_error_set(why, FW_EPARSE,
		                    "the namespace of the operation is not " AXL_NS "<version>");
	}
	int ret = choose_schema(fw_str_n(ns.ptr + begin_len, ns.len - begin_len), action, schemas,
	                        out, why);
	if (ret != FW_OK) {
		return ret;
	}
	size_t i = 0;
	while (i < AXLS_OPERATION_COUNT && !fw_str_is(name, operations[i])) {
		i++;
	}
	if (i == AXLS_OPERATION_COUNT) {
		return fw_error_set(why, FW_EPARSE, "the operation %s is not offered here",
		                    fw_quote(name, quoted, sizeof(quoted)));
	}
	if (action->operation.len > 0 && !fw_str_eq(action->operation, name)) {
		return fw_error_set(why, FW_EPARSE,
		                    "SOAPAction names another operation than the body");
	}
	out->operation = (enum axls_operation)i;
	ret = read_sequence(fw_elem_attr(elem, "sequence"), out, why);
	return ret == FW_OK ? read_sql(elem, out, why) : ret;
}

int axls_soap_read(struct fw_str body, struct fw_str action_text, const struct fw_strings *schemas,
                   struct axls_request *out, struct fw_error *why)
{
	const struct fw_xml_limits limits = { .tag_max_bytes = 8192,
		                              .stanza_max_bytes = body.len < UINT32_MAX
		                                                          ? (uint32_t)body.len
		                                                          : 0,
		                              .depth_max = 32,
		                              .attributes_max = 32,
		                              .declarations_max = 64 };
	struct fw_stanza *document = NULL;
	struct fw_elem *operation = NULL;
	struct action action;

	*out = (struct axls_request){ .operation = AXLS_OPERATION_COUNT };
	int ret = read_action(action_text, &action, why);
	if (ret == FW_OK) {
		ret = fw_xml_document(body, &limits, &document, why);
	}
	if (ret == FW_OK) {
		ret = find_operation(fw_stanza_root(document), &operation, why);
	}
	if (ret == FW_OK) {
		ret = read_operation(operation, &action, schemas, out, why);
	}
	fw_stanza_free(&document);
	return ret;
}

void axls_request_free(struct axls_request *request)
{
	free(request->sql);
	request->sql = NULL;
}
