/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Requests of AXL as text, and what is read from answers, whatever they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fedway/io/xml.h>
#include <fedway/stanza.h>

#include "components/axl/axl_schema.h"

#define MAX 1048576u
#define ENVELOPE(inside) \
	"<soapenv:Envelope " \
	"xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>" inside \
	"</soapenv:Body></soapenv:Envelope>"
#define RESPONSE(name, inside) \
	"<ns:" name \
	"Response xmlns:ns=\"http://www.cisco.com/AXL/API/9.1\" sequence=\"7\">" inside \
	"</ns:" name "Response>"
#define ROWS \
	"<row><pkid>055c13d9-943d-459d-a3c6-af1d1176936d</pkid>" \
	"<cp_id> cm-2_s2scp-1.eft-xwye-a-coluc-com " \
	"</cp_id></row><row><pkid/><cp_id>a&amp;b</cp_id></row>" \
	"<row><other>x</other></row>"
#define FAULT(detail) \
	"<soapenv:Fault><faultcode>soapenv:Client</faultcode><faultstring>no such " \
	"thing</faultstring>" detail "</soapenv:Fault>"
#define DETAIL(code) \
	"<detail><axlError><axlcode>" code "</axlcode><axlmessage>some words</axlmessage>" \
	"<request>executeSQLUpdate</request></axlError></detail>"

static struct axl_request request = { AXL_QUERY, "9.1", "select 1", 7 };

static struct axl_answer read_as(enum axl_function function, unsigned status, const char *type,
                                 const char *body)
{
	struct axl_answer answer;

	request.function = function;
	axl_soap_read(&request, status, fw_str(type), fw_str(body), MAX, &answer);
	assert_true((unsigned)answer.outcome < AXL_OUTCOME_COUNT);
	return answer;
}

/* ---- requests ---- */

static void test_a_request_is_what_the_guide_shows(void **state)
{
	const struct axl_request query = { AXL_QUERY, "9.1", "select pkid, cp_id from xmpps2snodes",
		                           7 };
	char action[AXL_ACTION_SIZE];
	char *text = axl_soap_write(&query);

	(void)state;
	assert_string_equal(
	        text,
	        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" "
	        "xmlns:ns=\"http://www.cisco.com/AXL/API/9.1\"><soapenv:Header/><soapenv:Body>"
	        "<ns:executeSQLQuery sequence=\"7\"><sql>select pkid, cp_id from xmpps2snodes</sql>"
	        "</ns:executeSQLQuery></soapenv:Body></soapenv:Envelope>");
	free(text);
	axl_soap_action(&query, true, action);
	assert_string_equal(action, "\"CUCM:DB ver=9.1 executeSQLQuery\"");
	axl_soap_action(&query, false, action);
	assert_string_equal(action, "CUCM:DB ver=9.1 executeSQLQuery");
}

static void test_the_first_request_names_no_version(void **state)
{
	const struct axl_request first = { AXL_GET_VERSION, AXL_SCHEMA_OLDEST, NULL, 1 };
	char action[AXL_ACTION_SIZE];
	char *text = axl_soap_write(&first);

	(void)state;
	assert_non_null(strstr(text, "xmlns:ns=\"http://www.cisco.com/AXL/API/1.0\""));
	assert_non_null(strstr(text, "<ns:getCCMVersion sequence=\"1\"></ns:getCCMVersion>"));
	free(text);
	axl_soap_action(&first, true, action);
	assert_string_equal(action, "");
}

static void test_a_statement_cannot_leave_its_element(void **state)
{
	static const char sql[] = "delete </sql><x a='1' b=\"2\"/>&amp; \xc3\xa4";
	const struct axl_request update = { AXL_UPDATE, "14.0", sql, 1 };
	struct fw_xml_limits limits = FW_XML_LIMITS_DEFAULT;
	struct fw_stanza *document = NULL;
	char *text = axl_soap_write(&update);

	(void)state;
	assert_int_equal(fw_xml_document(fw_str(text), &limits, &document, NULL), FW_OK);
	struct fw_elem *body = fw_elem_find(fw_stanza_root(document), "Body", NULL);
	struct fw_elem *written = fw_elem_first(fw_elem_first(body));
	assert_true(fw_str_is(fw_elem_name(written), "sql"));
	assert_true(fw_str_is(fw_elem_text(written), sql));
	assert_null(fw_elem_next(written));
	fw_stanza_free(&document);
	free(text);
}

/* ---- answers ---- */

static void test_rows(void **state)
{
	struct axl_answer answer =
	        read_as(AXL_QUERY, 200, "text/xml; charset=utf-8",
	                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" ENVELOPE(
	                        RESPONSE("executeSQLQuery", "<return>" ROWS "</return>")) "\n");

	(void)state;
	assert_int_equal(answer.outcome, AXL_OK);
	assert_int_equal(answer.row_count, 3);
	assert_true(fw_str_is(answer.rows[0].pkid, "055c13d9-943d-459d-a3c6-af1d1176936d"));
	assert_true(fw_str_is(answer.rows[0].cp_id, "cm-2_s2scp-1.eft-xwye-a-coluc-com"));
	assert_true(fw_str_is(answer.rows[1].cp_id, "a&b"));
	assert_int_equal(answer.rows[1].pkid.len + answer.rows[2].cp_id.len, 0);
	axl_answer_clear(&answer);

	answer = read_as(AXL_QUERY, 200, "text/xml",
	                 ENVELOPE(RESPONSE("executeSQLQuery", "<return/>")));
	assert_int_equal(answer.outcome, AXL_OK);
	assert_int_equal(answer.row_count, 0);
	axl_answer_clear(&answer);
}

static void test_numbers_and_versions(void **state)
{
	struct axl_answer answer =
	        read_as(AXL_UPDATE, 200, "text/xml",
	                ENVELOPE(RESPONSE("executeSQLUpdate",
	                                  "<return><rowsUpdated>2</rowsUpdated></return>")));

	(void)state;
	assert_int_equal(answer.outcome, AXL_OK);
	assert_int_equal(answer.updated, 2);
	axl_answer_clear(&answer);
	answer = read_as(AXL_GET_VERSION, 200, "text/xml",
	                 ENVELOPE(RESPONSE("getCCMVersion",
	                                   "<return><componentVersion><version>14.0.1.10000-20"
	                                   "</version></componentVersion></return>")));
	assert_int_equal(answer.outcome, AXL_OK);
	assert_string_equal(answer.version, "14.0.1.10000-20");
	assert_string_equal(answer.schema, "14.0");
	axl_answer_clear(&answer);
}

static const struct {
	const char *what;
	unsigned status;
	const char *type, *body;
	enum axl_outcome outcome;
	const char *text; /* a part of it */
} refusals[] = {
	{ "no password", 401, "text/html", "<html/>", AXL_UNAUTHORIZED, "" },
	{ "no role", 403, "", "", AXL_FORBIDDEN, "" },
	{ "no service", 404, "text/html", "", AXL_NOT_FOUND, "" },
	{ "too much to do", 503, "", "later", AXL_BUSY, "later" },
	{ "no such version", 599, "", "try 14", AXL_SCHEMA, "try 14" },
	{ "a fault", 500, "text/xml", ENVELOPE(FAULT(DETAIL("-201"))), AXL_FAULT,
	  "axlcode -201: some words" },
	{ "a fault in answer to everything", 200, "text/xml", ENVELOPE(FAULT(DETAIL("5007"))),
	  AXL_FAULT, "axlcode 5007: some words" },
	{ "a fault of before 8.0", 500, "text/xml",
	  ENVELOPE(FAULT("<detail><axl:Error "
	                 "xmlns:axl='http://www.cisco.com/AXL/1.0'><axl:code>-1</axl:code>"
	                 "<axl:message>old words</axl:message></axl:Error></detail>")),
	  AXL_FAULT, "axlcode -1: old words" },
	{ "a fault without detail", 500, "text/xml", ENVELOPE(FAULT("")), AXL_FAULT,
	  "no such thing" },
	{ "a fault whose code is none", 500, "text/xml", ENVELOPE(FAULT(DETAIL("abc"))), AXL_FAULT,
	  "axlcode 0: some words" },
	{ "a fault in two lines", 500, "text/xml",
	  ENVELOPE("<soapenv:Fault><faultstring>a\nb\"c</faultstring></soapenv:Fault>"), AXL_FAULT,
	  "a\\nb\\\"c" },
	{ "a duplicate that was not written", 500, "text/xml", ENVELOPE(FAULT(DETAIL("-239"))),
	  AXL_FAULT, "axlcode -239" },
	{ "an error without fault", 500, "text/html", "<html/>", AXL_BAD_STATUS, "status 500" },
	{ "an error of a proxy", 502, "text/html", "<!DOCTYPE html>", AXL_BAD_STATUS,
	  "status 502" },
	{ "another place", 302, "", "", AXL_BAD_STATUS, "status 302" },
	{ "a page", 200, "text/html", "<!DOCTYPE html><html/>", AXL_GARBAGE, "'text/html'" },
	{ "no type", 200, NULL, ENVELOPE(RESPONSE("executeSQLQuery", "<return/>")), AXL_GARBAGE,
	  "''" },
	{ "a type that begins alike", 200, "text/xmlx", "", AXL_GARBAGE, "'text/xmlx'" },
	{ "a page that says it is XML", 200, "text/xml", "<!DOCTYPE html><html/>", AXL_GARBAGE,
	  "no XML" },
	{ "nothing", 200, "text/xml", "", AXL_GARBAGE, "no XML" },
	{ "words", 200, "text/xml", "Hello", AXL_GARBAGE, "no XML" },
	{ "something else", 200, "text/xml", "<Envelope/>", AXL_GARBAGE, "no SOAP envelope" },
	{ "another SOAP", 200, "text/xml",
	  "<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'/>", AXL_GARBAGE,
	  "no SOAP envelope" },
	{ "an empty envelope", 200, "text/xml", ENVELOPE(""), AXL_GARBAGE, "empty" },
	{ "another answer", 200, "text/xml", ENVELOPE(RESPONSE("getPhone", "<return/>")),
	  AXL_GARBAGE, "<getPhoneResponse> is no answer" },
	{ "an answer to another", 200, "text/xml",
	  ENVELOPE("<executeSQLQueryResponse sequence='8'/>"), AXL_GARBAGE, "sequence 8" },
	{ "an answer with nothing in it", 200, "text/xml", ENVELOPE("<executeSQLQueryResponse/>"),
	  AXL_GARBAGE, "returns nothing" },
	{ "rows that are none", 200, "text/xml",
	  ENVELOPE(RESPONSE("executeSQLQuery", "<return><row/><line/></return>")), AXL_GARBAGE,
	  "something else" },
	{ "no status", 0, "", "", AXL_BAD_STATUS, "status 0" },
};

static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(refusals); i++) {
		struct axl_answer answer =
		        read_as(AXL_QUERY, refusals[i].status, refusals[i].type, refusals[i].body);
		if (answer.outcome != refusals[i].outcome ||
		    strstr(answer.text, refusals[i].text) == NULL) {
			fail_msg("%s: %s, %s", refusals[i].what, axl_outcome_word(answer.outcome),
			         answer.text);
		}
		axl_answer_clear(&answer);
	}
}

static void test_other_answers_that_do_not_fit(void **state)
{
	struct axl_answer answer =
	        read_as(AXL_UPDATE, 500, "text/xml", ENVELOPE(FAULT(DETAIL("-239"))));

	(void)state;
	assert_int_equal(answer.outcome, AXL_EXISTS);
	axl_answer_clear(&answer);
	answer = read_as(AXL_UPDATE, 200, "text/xml",
	                 ENVELOPE(RESPONSE("executeSQLUpdate", "<return/>")));
	assert_int_equal(answer.outcome, AXL_GARBAGE);
	axl_answer_clear(&answer);
	answer = read_as(AXL_GET_VERSION, 200, "text/xml",
	                 ENVELOPE(RESPONSE("getCCMVersion", "<return/>")));
	assert_int_equal(answer.outcome, AXL_GARBAGE);
	axl_answer_clear(&answer);
}

static void test_half_an_answer_is_none(void **state)
{
	static const char whole[] =
	        ENVELOPE(RESPONSE("executeSQLQuery", "<return>" ROWS "</return>"));

	(void)state;
	for (size_t cut = 0; cut < sizeof(whole) - 1; cut++) {
		char *part = fw_str_dup(fw_str_n(whole, cut));
		struct axl_answer answer = read_as(AXL_QUERY, 200, "text/xml", part);
		assert_int_equal(answer.outcome, AXL_GARBAGE);
		axl_answer_clear(&answer);
		free(part);
	}
}

static void test_outcomes_have_words_and_remedies(void **state)
{
	static const struct axl_outcome_words words = { "imp1", "https://imp1:8443/axl/", "fedway",
		                                        "password_file /etc/p", "ca.pem" };
	char remedy[AXL_REMEDY_SIZE];

	(void)state;
	for (unsigned i = AXL_UNAUTHORIZED; i < AXL_OUTCOME_COUNT; i++) {
		assert_string_not_equal(axl_outcome_word(i), "");
		assert_string_not_equal(axl_outcome_text(i), "");
		axl_outcome_remedy(i, &words, remedy);
		assert_string_not_equal(remedy, "");
		assert_null(strchr(remedy, '{'));
	}
	axl_outcome_remedy(AXL_UNAUTHORIZED, &words, remedy);
	assert_non_null(strstr(remedy, "user fedway"));
	assert_non_null(strstr(remedy, "password_file /etc/p"));
	assert_non_null(strstr(remedy, "imp1"));
	assert_int_equal(axl_outcome_retry(AXL_UNAUTHORIZED), AXL_RETRY_LATER);
	assert_int_equal(axl_outcome_retry(AXL_BUSY), AXL_RETRY_SOON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_request_is_what_the_guide_shows),
		cmocka_unit_test(test_the_first_request_names_no_version),
		cmocka_unit_test(test_a_statement_cannot_leave_its_element),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_numbers_and_versions),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_other_answers_that_do_not_fit),
		cmocka_unit_test(test_half_an_answer_is_none),
		cmocka_unit_test(test_outcomes_have_words_and_remedies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
