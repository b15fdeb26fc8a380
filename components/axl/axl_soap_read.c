/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What an answer says, whatever it is: rows, a number, a version, a fault in the form of AXL 8 and
 * later or of before, or a page that is no SOAP at all. Called by axl_publisher.c, and by the fuzz
 * target. It believes nothing: each way to be wrong is an outcome with a text.
 */
#include "components/axl/axl_soap.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <fedway/error.h>
#include <fedway/io/xml.h>
#include <fedway/stanza.h>

#include "components/axl/axl_schema.h"

#define NS_SOAP "http://schemas.xmlsoap.org/soap/envelope/"
/* Informix: duplicate value in a unique index; other databases are told so by our own service. */
#define CODE_DUPLICATE (-239)

static FW_PRINTF(3, 4) void fail(struct axl_answer *out, enum axl_outcome outcome,
                                 const char *format, ...)
{
	va_list args;

	out->outcome = outcome;
	va_start(args, format);
	(void)vsnprintf(out->text, sizeof(out->text), format, args);
	va_end(args);
}

/* ---- pieces of a tree ---- */

/* Child by local name: some publishers qualify what the schema leaves unqualified. */
static struct fw_elem *child(const struct fw_elem *elem, const char *name)
{
	return fw_elem_find(elem, name, NULL);
}

static struct fw_str text_of(struct fw_elem *elem)
{
	return elem != NULL ? fw_str_trim(fw_elem_text(elem)) : fw_str("");
}

static bool read_signed(struct fw_str text, int64_t *out)
{
	bool minus = text.len > 0 && *text.ptr == '-';
	uint64_t value = 0;

	if (minus) {
		text = fw_str_n(text.ptr + 1, text.len - 1);
	}
	if (fw_str_to_u64(text, INT64_MAX, &value) != FW_OK) {
		return false;
	}
	*out = minus ? -(int64_t)value : (int64_t)value;
	return true;
}

/* The document's only child of the Body, or NULL with the outcome set. */
static struct fw_elem *body_of(struct fw_str text, uint32_t max, struct axl_answer *out)
{
	const struct fw_xml_limits limits = { 16384, max, 32, 32, 32 };
	struct fw_error err = { 0 };

	if (fw_xml_document(text, &limits, &out->document, &err) != FW_OK) {
		fail(out, AXL_GARBAGE, "the answer is no XML: %.200s", err.text);
		return NULL;
	}
	struct fw_elem *root = fw_stanza_root(out->document);
	if (!fw_str_is(fw_elem_name(root), "Envelope") || !fw_str_is(fw_elem_ns(root), NS_SOAP)) {
		char name[64];
		fail(out, AXL_GARBAGE, "the answer is no SOAP envelope but <%s>",
		     fw_quote(fw_elem_name(root), name, sizeof(name)));
		return NULL;
	}
	struct fw_elem *inside = fw_elem_first(fw_elem_find(root, "Body", NS_SOAP));
	if (inside == NULL) {
		fail(out, AXL_GARBAGE, "the SOAP envelope of the answer is empty");
	}
	return inside;
}

/* ---- faults ---- */

static void read_fault(struct fw_elem *fault, struct axl_answer *out)
{
	struct fw_elem *detail = child(fault, "detail");
	struct fw_elem *error = child(detail, "axlError"), *code = child(error, "axlcode");
	struct fw_str message = text_of(child(error, "axlmessage"));
	char words[AXL_TEXT_SIZE - 40];

	if (error == NULL) { /* before 8.0 */
		error = child(detail, "Error");
		code = child(error, "code");
		message = text_of(child(error, "message"));
	}
	if (message.len == 0) {
		message = text_of(child(fault, "faultstring"));
	}
	if (!read_signed(text_of(code), &out->code)) {
		out->code = 0;
	}
	fw_quote(message, words, sizeof(words));
	if (code != NULL) {
		fail(out, AXL_FAULT, "axlcode %" PRId64 ": %s", out->code, words);
	} else {
		fail(out, AXL_FAULT, "%s", words[0] != '\0' ? words : "a fault without words");
	}
}

/* A fault where there is one; else what the status alone says. */
static void read_refusal(const struct axl_request *request, unsigned status, struct fw_elem *inside,
                         struct axl_answer *out)
{
	if (inside == NULL || !fw_str_is(fw_elem_name(inside), "Fault")) {
		fail(out, AXL_BAD_STATUS, "status %u without a fault", status);
		return;
	}
	read_fault(inside, out);
	if (out->code == CODE_DUPLICATE && request->function == AXL_UPDATE) {
		out->outcome = AXL_EXISTS;
	}
}

/* ---- answers ---- */

static void read_rows(struct fw_elem *result, struct axl_answer *out)
{
	size_t count = 0;

	for (struct fw_elem *row = fw_elem_first(result); row != NULL; row = fw_elem_next(row)) {
		count++;
	}
	out->rows = calloc(count + 1, sizeof(*out->rows));
	if (out->rows == NULL) {
		fail(out, AXL_OURSELVES, "no memory for %zu rows", count);
		return;
	}
	for (struct fw_elem *row = fw_elem_first(result); row != NULL; row = fw_elem_next(row)) {
		if (!fw_str_is(fw_elem_name(row), "row")) {
			fail(out, AXL_GARBAGE, "the rows of the answer hold something else");
			return;
		}
		out->rows[out->row_count++] = (struct axl_row){
			.pkid = text_of(child(row, "pkid")),
			.cp_id = text_of(child(row, "cp_id")),
		};
	}
	out->outcome = AXL_OK;
}

static void read_updated(struct fw_elem *result, struct axl_answer *out)
{
	struct fw_str number = text_of(child(result, "rowsUpdated"));

	if (fw_str_to_u64(number, INT64_MAX, &out->updated) != FW_OK) {
		fail(out, AXL_GARBAGE, "the answer does not say how many rows were changed");
		return;
	}
	out->outcome = AXL_OK;
}

static void read_version(struct fw_elem *result, struct axl_answer *out)
{
	struct fw_str version = text_of(child(child(result, "componentVersion"), "version"));

	fw_quote(version, out->version, sizeof(out->version));
	if (!axl_schema_read(version, out->schema)) {
		fail(out, AXL_GARBAGE, "the answer names no version");
		return;
	}
	out->outcome = AXL_OK;
}

static bool is_answer_to(const struct axl_request *request, struct fw_elem *inside,
                         struct axl_answer *out)
{
	struct fw_str sequence = fw_elem_attr(inside, "sequence");
	char name[64], given[64];
	uint64_t number = 0;

	snprintf(name, sizeof(name), "%sResponse", axl_function_name(request->function));
	if (!fw_str_is(fw_elem_name(inside), name)) {
		fail(out, AXL_GARBAGE, "<%s> is no answer to %s",
		     fw_quote(fw_elem_name(inside), given, sizeof(given)),
		     axl_function_name(request->function));
		return false;
	}
	if (sequence.ptr != NULL && (fw_str_to_u64(sequence, UINT64_MAX, &number) != FW_OK ||
	                             number != request->sequence)) {
		fail(out, AXL_GARBAGE, "the answer belongs to another request (sequence %s)",
		     fw_quote(sequence, given, sizeof(given)));
		return false;
	}
	return true;
}

static void read_success(const struct axl_request *request, struct fw_str body, uint32_t max,
                         struct axl_answer *out)
{
	struct fw_elem *inside = body_of(body, max, out);

	if (inside == NULL) {
		return;
	}
	if (fw_str_is(fw_elem_name(inside), "Fault")) {
		read_refusal(request, 200, inside, out);
		return;
	}
	if (!is_answer_to(request, inside, out)) {
		return;
	}
	struct fw_elem *result = child(inside, "return");
	if (result == NULL) {
		fail(out, AXL_GARBAGE, "the answer returns nothing");
	} else if (request->function == AXL_QUERY) {
		read_rows(result, out);
	} else if (request->function == AXL_UPDATE) {
		read_updated(result, out);
	} else {
		read_version(result, out);
	}
}

static bool is_xml(struct fw_str type)
{
	static const char *const allowed[] = { "text/xml", "application/xml",
		                               "application/soap+xml" };
	size_t len = 0;

	while (len < type.len && strchr("; \t", type.ptr[len]) == NULL) {
		len++;
	}
	for (size_t i = 0; i < FW_COUNT(allowed); i++) {
		if (fw_str_eq_nocase(fw_str_n(type.ptr, len), fw_str(allowed[i]))) {
			return true;
		}
	}
	return false;
}

void axl_soap_read(const struct axl_request *request, unsigned status, struct fw_str type,
                   struct fw_str body, uint32_t max, struct axl_answer *out)
{
	static const struct {
		unsigned status;
		enum axl_outcome outcome;
		bool silent; /* the status has said all; what comes along is a page for browsers */
	} known[] = {
		{ 401, AXL_UNAUTHORIZED, true }, { 403, AXL_FORBIDDEN, true },
		{ 404, AXL_NOT_FOUND, true },    { 503, AXL_BUSY, false },
		{ 599, AXL_SCHEMA, false },
	};
	char words[64];

	*out = (struct axl_answer){ .outcome = AXL_GARBAGE };
	for (size_t i = 0; i < FW_COUNT(known); i++) {
		if (known[i].status == status) {
			struct fw_str told = fw_str_trim(body);
			bool page = told.len > 0 && *told.ptr == '<';
			char said[160];
			fail(out, known[i].outcome, "%s",
			     fw_quote(page || known[i].silent ? fw_str("") : told, said,
			              sizeof(said)));
			return;
		}
	}
	if (status != 200) {
		read_refusal(request, status, body_of(body, max, out), out);
	} else if (!is_xml(type)) {
		fail(out, AXL_GARBAGE, "the answer is of type '%s' where text/xml is due",
		     fw_quote(type, words, sizeof(words)));
	} else {
		read_success(request, body, max, out);
	}
}

void axl_answer_clear(struct axl_answer *answer)
{
	free(answer->rows);
	fw_stanza_free(&answer->document);
	*answer = (struct axl_answer){ .outcome = AXL_OK };
}
