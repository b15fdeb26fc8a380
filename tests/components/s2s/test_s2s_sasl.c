/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The elements of SASL EXTERNAL as text: what is offered, what <auth/> says and what is wrong with
 * it, what <failure/> says. Streams with SASL are in test_s2s_external.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

static void each_element_has_its_kind(void **ctx)
{
	static const struct {
		const char *text;
		enum s2s_sasl_kind kind;
	} rows[] = {
		{ "<auth " SASL "/>", S2S_SASL_AUTH },
		{ "<response " SASL "/>", S2S_SASL_RESPONSE },
		{ "<abort " SASL "/>", S2S_SASL_ABORT },
		{ "<challenge " SASL "/>", S2S_SASL_CHALLENGE },
		{ "<success " SASL "/>", S2S_SASL_SUCCESS },
		{ "<failure " SASL "/>", S2S_SASL_FAILURE },
		{ "<dance " SASL "/>", S2S_SASL_UNKNOWN },
		{ "<auth xmlns='urn:other'/>", S2S_SASL_NONE },
		{ "<message/>", S2S_SASL_NONE },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_stanza *stanza = parse(rows[i].text);
		assert_int_equal(s2s_sasl_kind(stanza), rows[i].kind);
		fw_stanza_free(&stanza);
	}
}

static void external_is_found_among_mechanisms(void **ctx)
{
	static const struct {
		const char *features;
		bool offered;
	} rows[] = {
		{ "<mechanisms " SASL "><mechanism>EXTERNAL</mechanism></mechanisms>", true },
		{ "<mechanisms " SASL "><mechanism>PLAIN</mechanism><mechanism> EXTERNAL\n"
		  "</mechanism></mechanisms>",
		  true },
		{ "<mechanisms " SASL "/>", false }, /* ejabberd */
		{ "<mechanisms " SASL "><mechanism>external</mechanism></mechanisms>", false },
		{ "<mechanisms xmlns='urn:other'><mechanism>EXTERNAL</mechanism></mechanisms>",
		  false },
		{ "<mechanisms " SASL "><other>EXTERNAL</other></mechanisms>", false },
		{ "<dialback xmlns='urn:xmpp:features:dialback'/>", false },
		{ "", false },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		char text[512];
		snprintf(text, sizeof(text),
		         "<features xmlns='http://etherx.jabber.org/streams'>%s</features>",
		         rows[i].features);
		struct fw_stanza *stanza = parse(text);
		const struct fw_elem *list =
		        fw_elem_find(fw_stanza_root(stanza), "mechanisms", S2S_NS_SASL);
		if (s2s_sasl_is_offered(list) != rows[i].offered) {
			fail_msg("%s", rows[i].features);
		}
		fw_stanza_free(&stanza);
	}
	assert_false(s2s_sasl_is_offered(NULL)); /* a peer before XMPP 1.0 has no features */
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

static void failures_have_a_condition(void **ctx)
{
	static const struct {
		const char *text, *condition, *words;
	} rows[] = {
		{ "<failure " SASL "><invalid-authzid/></failure>", "invalid-authzid", "" },
		{ "<failure " SASL
		  "><text xml:lang='en'>why</text><credentials-expired/></failure>",
		  "credentials-expired", "why" },
		{ "<failure " SASL "><bad-weather/></failure>", "not-authorized", "" },
		{ "<failure " SASL "/>", "not-authorized", "" },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_stanza *stanza = parse(rows[i].text);
		struct s2s_sasl_failure failure;
		s2s_sasl_read_failure(stanza, &failure);
		assert_true(fw_str_is(failure.condition, rows[i].condition));
		assert_true(fw_str_is(failure.text, rows[i].words) ||
		            (failure.text.len == 0 && rows[i].words[0] == '\0'));
		fw_stanza_free(&stanza);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_element_has_its_kind),
		cmocka_unit_test(external_is_found_among_mechanisms),
		cmocka_unit_test(identities_are_read_strictly),
		cmocka_unit_test(a_long_identity_is_refused),
		cmocka_unit_test(failures_have_a_condition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
