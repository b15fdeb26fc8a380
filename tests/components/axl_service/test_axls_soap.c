/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Requests as clients write them, versions, what is refused and in which words; answers and faults
 * byte by byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "components/axl_service/axls_soap.h"

#define SOAP "http://schemas.xmlsoap.org/soap/envelope/"
#define OPEN \
	"<s:Envelope xmlns:s='" SOAP \
	"' xmlns:n='http://www.cisco.com/AXL/API/9.1'><s:Header/><s:Body>"
#define CLOSE "</s:Body></s:Envelope>"
#define QUERY OPEN "<n:executeSQLQuery sequence='7'><sql>select 1</sql></n:executeSQLQuery>" CLOSE

static const char *const versions[] = { "9.1", "11.5", "14.0" };
static const struct fw_strings schemas = { versions, 3 };

static int read_request(const char *body, const char *action, struct axls_request *out,
                        struct fw_error *why)
{
	return axls_soap_read(fw_str(body), fw_str(action), &schemas, out, why);
}

static void requests_are_read(void **state)
{
	static const struct {
		const char *body, *action;
		enum axls_operation operation;
		const char *schema, *sequence, *sql;
	} rows[] = {
		{ QUERY, NULL, AXLS_QUERY, "9.1", "7", "select 1" },
		{ QUERY, "\"CUCM:DB ver=9.1 executeSQLQuery\"", AXLS_QUERY, "9.1", "7",
		  "select 1" },
		{ QUERY, "CUCM:DB ver=9.1 executeSQLQuery", AXLS_QUERY, "9.1", "7", "select 1" },
		{ QUERY, "CUCM:DB ver=9.1", AXLS_QUERY, "9.1", "7", "select 1" },
		{ QUERY, "\"\"", AXLS_QUERY, "9.1", "7", "select 1" },
		{ "<?xml version='1.0' encoding='utf-8'?>\n<e:Envelope xmlns:e='" SOAP
		  "'><e:Body><executeSQLUpdate "
		  "xmlns='http://www.cisco.com/AXL/API/14.0'><sql xmlns=''>a &lt; "
		  "'b'</sql></executeSQLUpdate>"
		  "</e:Body></e:Envelope>",
		  NULL, AXLS_UPDATE, "14.0", "", "a < 'b'" },
		{ "<e:Envelope xmlns:e='" SOAP
		  "'><e:Body><x:getCCMVersion xmlns:x='http://www.cisco.com/AXL/API/1.0'/>"
		  "</e:Body></e:Envelope>",
		  NULL, AXLS_VERSION, "9.1", "", NULL },
		{ OPEN "<n:getCCMVersion "
		       "sequence='-9223372036854775807'><processNodeName/></n:getCCMVersion>" CLOSE,
		  NULL, AXLS_VERSION, "9.1", "-9223372036854775807", NULL },
		{ OPEN
		  "<n:executeSQLQuery><n:sql><![CDATA[a<b]]></n:sql></n:executeSQLQuery>" CLOSE,
		  NULL, AXLS_QUERY, "9.1", "", "a<b" },
		/* as tools make it from the schema */
		{ "<!-- > -->" OPEN "<!--a < b--><n:executeSQLQuery sequence='7'>"
		  "\n<!--Optional:--><sql>a <!-- b -->c</sql></n:executeSQLQuery>" CLOSE "<!-- -->",
		  NULL, AXLS_QUERY, "9.1", "7", "a c" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct axls_request request;
		struct fw_error why = { 0 };
		if (read_request(rows[i].body, rows[i].action, &request, &why) != FW_OK) {
			fail_msg("%s: %s", rows[i].body, why.text);
		}
		assert_int_equal(request.operation, rows[i].operation);
		assert_string_equal(request.schema, rows[i].schema);
		assert_string_equal(request.sequence, rows[i].sequence);
		if (rows[i].sql != NULL) {
			assert_string_equal(request.sql, rows[i].sql);
		} else {
			assert_null(request.sql);
		}
		axls_request_free(&request);
	}
}

static void others_are_refused(void **state)
{
	static const struct {
		const char *body, *action;
		int code;
		const char *words;
	} rows[] = {
		{ "", NULL, FW_EPARSE, "" },
		{ "<a/>", NULL, FW_EPARSE, "no SOAP 1.1 envelope" },
		{ "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'/>", NULL,
		  FW_EPARSE, "SOAP 1.1" },
		{ "<s:Envelope xmlns:s='" SOAP "'/>", NULL, FW_EPARSE, "no body" },
		{ OPEN CLOSE, NULL, FW_EPARSE, "exactly one" },
		{ OPEN "<n:getCCMVersion/><n:getCCMVersion/>" CLOSE, NULL, FW_EPARSE,
		  "exactly one" },
		{ OPEN "<getCCMVersion/>" CLOSE, NULL, FW_EPARSE, "namespace" },
		{ OPEN "<n:getPhone/>" CLOSE, NULL, FW_EPARSE, "getPhone is not offered" },
		{ OPEN "<n:executeSQLQuery/>" CLOSE, NULL, FW_EPARSE, "no <sql>" },
		{ OPEN "<n:executeSQLQuery><sql><b/></sql></n:executeSQLQuery>" CLOSE, NULL,
		  FW_EPARSE, "no <sql>" },
		{ OPEN "<n:executeSQLQuery sequence='x'><sql/></n:executeSQLQuery>" CLOSE, NULL,
		  FW_EPARSE, "sequence" },
		{ OPEN "<n:executeSQLQuery "
		       "sequence='99999999999999999999'><sql/></n:executeSQLQuery>" CLOSE,
		  NULL, FW_EPARSE, "sequence" },
		{ QUERY, "CUCM:DB ver=14.0 executeSQLQuery", FW_EPARSE, "another version" },
		{ QUERY, "CUCM:DB ver=9.1 executeSQLUpdate", FW_EPARSE, "another operation" },
		{ QUERY, "urn:other", FW_EPARSE, "SOAPAction" },
		{ "<e:Envelope xmlns:e='" SOAP
		  "'><e:Body><x:getCCMVersion xmlns:x='http://www.cisco.com/AXL/API/8.0'/>"
		  "</e:Body></e:Envelope>",
		  NULL, FW_EABI, "8.0" },
		{ "<e:Envelope xmlns:e='" SOAP
		  "'><e:Body><x:getCCMVersion xmlns:x='http://www.cisco.com/AXL/API/1.0'/>"
		  "</e:Body></e:Envelope>",
		  "CUCM:DB ver=1.0 getCCMVersion", FW_EABI, "1.0" },
		{ "<s:Envelope xmlns:s='" SOAP
		  "'><s:Header><h xmlns='u:h' mustUnderstand='1'/></s:Header><s:Body/>"
		  "</s:Envelope>",
		  NULL, FW_EPARSE, "" },
		{ "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" QUERY, NULL, FW_EPARSE,
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct axls_request request;
		struct fw_error why = { 0 };
		int ret = read_request(rows[i].body, rows[i].action, &request, &why);
		if (ret != rows[i].code || strstr(why.text, rows[i].words) == NULL ||
		    why.text[0] == '\0') {
			fail_msg("%s: %d %s", rows[i].body, ret, why.text);
		}
		axls_request_free(&request);
	}
}

static void every_cut_is_refused(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(QUERY) - 1; len++) {
		char *copy = malloc(len + 1);
		struct axls_request request;
		struct fw_error why = { 0 };
		memcpy(copy, QUERY, len);
		assert_int_equal(
		        axls_soap_read(fw_str_n(copy, len), fw_str(NULL), &schemas, &request, &why),
		        FW_EPARSE);
		axls_request_free(&request);
		free(copy);
	}
}

static void check_text(char *text, const char *inside)
{
	char whole[2048];

	snprintf(whole, sizeof(whole),
	         "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope xmlns:soapenv=\"" SOAP
	         "\"><soapenv:Body>%s</soapenv:Body></soapenv:Envelope>",
	         inside);
	assert_string_equal(text, whole);
	free(text);
}

static void answers_are_written(void **state)
{
	struct axls_request request = { AXLS_QUERY, "9.1", "7", NULL };
	struct axls_result *result = axls_result_new(&(struct axls_bounds){ 10, 1000 });

	(void)state;
	assert_int_equal(axls_result_column(result, "pkid"), FW_OK);
	assert_int_equal(axls_result_column(result, "cp_id"), FW_OK);
	check_text(axls_soap_result(&request, result),
	           "<ns:executeSQLQueryResponse xmlns:ns=\"http://www.cisco.com/AXL/API/9.1\" "
	           "sequence=\"7\">"
	           "<return></return></ns:executeSQLQueryResponse>");
	assert_int_equal(axls_result_cell(result, "a"), FW_OK);
	assert_int_equal(
	        axls_result_cell(result,
	                         "<&>\"'\x01\xff\xc3\xa4\xed\xa0\x80\xf0\x9f\x98\x80\xef\xbf\xbf"),
	        FW_OK);
	assert_int_equal(axls_result_cell(result, NULL), FW_OK);
	assert_int_equal(axls_result_cell(result, ""), FW_OK);
	check_text(axls_soap_result(&request, result),
	           "<ns:executeSQLQueryResponse xmlns:ns=\"http://www.cisco.com/AXL/API/9.1\" "
	           "sequence=\"7\">"
	           "<return><row><pkid>a</"
	           "pkid><cp_id>&lt;&amp;&gt;&quot;&apos;??\xc3\xa4?"
	           "?"
	           "?\xf0\x9f\x98\x80?"
	           "?"
	           "?</cp_id></"
	           "row>"
	           "<row><pkid/><cp_id></cp_id></row></return></ns:executeSQLQueryResponse>");
	axls_result_free(&result);
	result = axls_result_new(&(struct axls_bounds){ 10, 1000 });
	result->updated = 3;
	request = (struct axls_request){ AXLS_UPDATE, "14.0", "", NULL };
	check_text(axls_soap_result(&request, result),
	           "<ns:executeSQLUpdateResponse xmlns:ns=\"http://www.cisco.com/AXL/API/14.0\">"
	           "<return><rowsUpdated>3</rowsUpdated></return></ns:executeSQLUpdateResponse>");
	axls_result_free(&result);
	request.operation = AXLS_VERSION;
	check_text(axls_soap_version(&request, "14.0.1.10000-20"),
	           "<ns:getCCMVersionResponse "
	           "xmlns:ns=\"http://www.cisco.com/AXL/API/14.0\"><return><componentVersion>"
	           "<version>14.0.1.10000-20</version></componentVersion></return></"
	           "ns:getCCMVersionResponse>");
}

static void faults_are_written(void **state)
{
	struct axls_request request = { AXLS_UPDATE, "9.1", "", NULL };

	(void)state;
	check_text(axls_soap_fault(&request, false, -239, "a<b"),
	           "<soapenv:Fault><faultcode>soapenv:Client</faultcode><faultstring>a&lt;b</"
	           "faultstring><detail><axlError>"
	           "<axlcode>-239</axlcode><axlmessage>a&lt;b</"
	           "axlmessage><request>executeSQLUpdate</request></axlError>"
	           "</detail></soapenv:Fault>");
	check_text(axls_soap_fault(NULL, true, -1, "x"),
	           "<soapenv:Fault><faultcode>soapenv:Server</faultcode><faultstring>x</"
	           "faultstring></soapenv:Fault>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read),    cmocka_unit_test(others_are_refused),
		cmocka_unit_test(every_cut_is_refused), cmocka_unit_test(answers_are_written),
		cmocka_unit_test(faults_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
