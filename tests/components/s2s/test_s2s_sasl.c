/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The identity of SASL EXTERNAL as text: what <auth/> says and what is wrong with it. Streams with
 * SASL are in test_s2s_external.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "components/s2s/s2s_sasl.h"

#define SASL "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

static struct fw_stanza *parse(const char *text)
{
	struct fw_stanza *stanza = NULL;

	if (fw_stanza_parse(fw_str(text), &stanza) != FW_OK) {
		fail_msg("not parsed: %s", text);
	}
	return stanza;
}

static void identities_are_read_strictly(void **ctx)
{
	static const struct {
		const char *what, *text, *condition, *authzid;
		bool given;
	} rows[] = {
		{ "a domain", "<auth " SASL " mechanism='EXTERNAL'>cGFydG5lci5leGFtcGxl</auth>",
		  NULL, "partner.example", true },
		{ "in capitals", "<auth " SASL " mechanism='EXTERNAL'>UGFydG5lci5FWEFNUExF</auth>",
		  NULL, "partner.example", true },
		{ "the empty response", "<auth " SASL " mechanism='EXTERNAL'>=</auth>", NULL, "",
		  true },
		{ "no response", "<auth " SASL " mechanism='EXTERNAL'/>", NULL, "", false },
		{ "a late response", "<response " SASL ">cGFydG5lci5leGFtcGxl</response>", NULL,
		  "partner.example", true },
		{ "a late empty response", "<response " SASL "/>", NULL, "", true },
		{ "no mechanism", "<auth " SASL ">=</auth>", "invalid-mechanism", "", false },
		{ "another mechanism", "<auth " SASL " mechanism='PLAIN'>=</auth>",
		  "invalid-mechanism", "", false },
		{ "no base 64", "<auth " SASL " mechanism='EXTERNAL'>partner.example</auth>",
		  "incorrect-encoding", "", false },
		{ "white space", "<auth " SASL " mechanism='EXTERNAL'> cGFydG5lci5leGFtcGxl</auth>",
		  "incorrect-encoding", "", false },
		{ "a child", "<auth " SASL " mechanism='EXTERNAL'><x xmlns='y'/></auth>",
		  "malformed-request", "", false },
		{ "a user",
		  "<auth " SASL " mechanism='EXTERNAL'>Ym9iQHBhcnRuZXIuZXhhbXBsZQ==</auth>",
		  "invalid-authzid", "", false },
		{ "a late =", "<response " SASL ">=</response>", NULL, "", true },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_stanza *stanza = parse(rows[i].text);
		struct s2s_sasl_identity identity;
		const char *condition = s2s_sasl_read(stanza, &identity);
		if (rows[i].condition == NULL && condition != NULL) {
			fail_msg("%s: %s", rows[i].what, condition);
		}
		if (rows[i].condition != NULL) {
			if (condition == NULL) {
				fail_msg("taken: %s", rows[i].what);
			}
			assert_string_equal(condition, rows[i].condition);
		} else {
			assert_string_equal(identity.authzid, rows[i].authzid);
			assert_int_equal(identity.given, rows[i].given);
		}
		fw_stanza_free(&stanza);
	}
}

static void a_long_identity_is_refused(void **ctx)
{
	char text[8192] = "<auth " SASL " mechanism='EXTERNAL'>";
	struct s2s_sasl_identity identity;

	(void)ctx;
	for (size_t i = 0; i < 1500; i++) {
		strcat(text, "YWFh"); /* "aaa": 4500 bytes */
	}
	strcat(text, "</auth>");
	struct fw_stanza *stanza = parse(text);
	assert_string_equal(s2s_sasl_read(stanza, &identity), "invalid-authzid");
	fw_stanza_free(&stanza);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identities_are_read_strictly),
		cmocka_unit_test(a_long_identity_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
