/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Writes AXL's answers and faults. Prefixes stand where Cisco's own stand, since clients exist that
 * look for them; what a database gives is made fit for XML. Called by axls_call.c.
 */
#include "components/axl_service/axls_soap.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/io/xml.h>

#define ENVELOPE \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>" \
	"<soapenv:Envelope " \
	"xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>"
#define ENVELOPE_END "</soapenv:Body></soapenv:Envelope>"

struct answer {
	char *text;
	size_t size;
	FILE *out;
};

static bool answer_open(struct answer *answer)
{
	*answer = (struct answer){ 0 };
	answer->out = open_memstream(&answer->text, &answer->size);
	if (answer->out != NULL) {
		fputs(ENVELOPE, answer->out);
	}
	return answer->out != NULL;
}

static char *answer_close(struct answer *answer)
{
	fputs(ENVELOPE_END, answer->out);
	bool failed = ferror(answer->out) != 0;
	if (fclose(answer->out) != 0 || failed) {
		free(answer->text);
		return NULL;
	}
	return answer->text;
}

/* Length of the UTF-8 character (RFC 3629 §4) that XML allows (XML 1.0 §2.2); 0: there is none. */
static size_t character(const unsigned char *at)
{
	static const struct {
		unsigned char first, last, low, high, more;
	} rows[] = {
		{ 0x20, 0x7f, 0, 0, 0 },       { 0xc2, 0xdf, 0x80, 0xbf, 1 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 2 }, { 0xe1, 0xec, 0x80, 0xbf, 2 },
		{ 0xed, 0xed, 0x80, 0x9f, 2 }, { 0xee, 0xef, 0x80, 0xbf, 2 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 3 }, { 0xf1, 0xf3, 0x80, 0xbf, 3 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 3 },
	};

	if (*at == '\t' || *at == '\n') {
		return 1;
	}
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		if (*at < rows[i].first || *at > rows[i].last) {
			continue;
		}
		bool whole = rows[i].more == 0 || (at[1] >= rows[i].low && at[1] <= rows[i].high);
		for (size_t more = 2; whole && more <= rows[i].more; more++) {
			whole = (at[more] & 0xc0) == 0x80;
		}
		bool never = *at == 0xef && at[1] == 0xbf && at[2] >= 0xbe; /* U+FFFE, U+FFFF */
		return whole && !never ? (size_t)rows[i].more + 1 : 0;
	}
	return 0;
}

static void put_text(struct answer *answer, const char *text)
{
	char escaped[32];

	while (*text != '\0') {
		size_t len = character((const unsigned char *)text);
		fputs(len > 0 ? fw_xml_escape(fw_str_n(text, len), escaped, sizeof(escaped)) : "?",
		      answer->out);
		text += len > 0 ? len : 1;
	}
}

static void put_element(struct answer *answer, const char *name, const char *text)
{
	fprintf(answer->out, "<%s>", name);
	put_text(answer, text);
	fprintf(answer->out, "</%s>", name);
}

static void put_begin(struct answer *answer, const struct axls_request *request)
{
	fprintf(answer->out, "<ns:%sResponse xmlns:ns=\"http://www.cisco.com/AXL/API/%s\"",
	        axls_operation_name(request->operation), request->schema);
	if (request->sequence[0] != '\0') {
		fprintf(answer->out, " sequence=\"%s\"", request->sequence);
	}
	fputs("><return>", answer->out);
}

static void put_end(struct answer *answer, const struct axls_request *request)
{
	fprintf(answer->out, "</return></ns:%sResponse>", axls_operation_name(request->operation));
}

static void put_rows(struct answer *answer, const struct axls_result *result)
{
	for (size_t row = 0; row < axls_result_rows(result); row++) {
		fputs("<row>", answer->out);
		for (size_t i = 0; i < result->column_count; i++) {
			const char *cell = axls_result_at(result, row, i);
			if (cell == NULL) {
				fprintf(answer->out, "<%s/>", result->columns[i]);
			} else {
				put_element(answer, result->columns[i], cell);
			}
		}
		fputs("</row>", answer->out);
	}
}

char *axls_soap_result(const struct axls_request *request, const struct axls_result *result)
{
	struct answer answer;

	if (!answer_open(&answer)) {
		return NULL;
	}
	put_begin(&answer, request);
	if (request->operation == AXLS_UPDATE) {
		fprintf(answer.out, "<rowsUpdated>%llu</rowsUpdated>",
		        (unsigned long long)result->updated);
	} else {
		put_rows(&answer, result);
	}
	put_end(&answer, request);
	return answer_close(&answer);
}

char *axls_soap_version(const struct axls_request *request, const char *version)
{
	struct answer answer;

	if (!answer_open(&answer)) {
		return NULL;
	}
	put_begin(&answer, request);
	fputs("<componentVersion>", answer.out);
	put_element(&answer, "version", version);
	fputs("</componentVersion>", answer.out);
	put_end(&answer, request);
	return answer_close(&answer);
}

char *axls_soap_fault(const struct axls_request *request, bool ours, int axl_code, const char *text)
{
	struct answer answer;

	if (!answer_open(&answer)) {
		return NULL;
	}
	fputs("<soapenv:Fault>", answer.out);
	put_element(&answer, "faultcode", ours ? "soapenv:Server" : "soapenv:Client");
	put_element(&answer, "faultstring", text);
	if (request != NULL && request->operation != AXLS_OPERATION_COUNT) {
		fprintf(answer.out, "<detail><axlError><axlcode>%d</axlcode>", axl_code);
		put_element(&answer, "axlmessage", text);
		put_element(&answer, "request", axls_operation_name(request->operation));
		fputs("</axlError></detail>", answer.out);
	}
	fputs("</soapenv:Fault>", answer.out);
	return answer_close(&answer);
}
