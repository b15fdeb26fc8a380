/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The elements of SASL: their kinds, what is offered, what a message carries and what is wrong with
 * it, what <failure/> says.
 */
#include <fedway/io/sasl.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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
		enum fw_sasl_kind kind;
	} rows[] = {
		{ "<auth " SASL "/>", FW_SASL_AUTH },
		{ "<response " SASL "/>", FW_SASL_RESPONSE },
		{ "<abort " SASL "/>", FW_SASL_ABORT },
		{ "<challenge " SASL "/>", FW_SASL_CHALLENGE },
		{ "<success " SASL "/>", FW_SASL_SUCCESS },
		{ "<failure " SASL "/>", FW_SASL_FAILURE },
		{ "<dance " SASL "/>", FW_SASL_UNKNOWN },
		{ "<auth xmlns='urn:other'/>", FW_SASL_NONE },
		{ "<message/>", FW_SASL_NONE },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_stanza *stanza = parse(rows[i].text);
		assert_int_equal(fw_sasl_kind(stanza), rows[i].kind);
		fw_stanza_free(&stanza);
	}
}

static void a_mechanism_is_found_among_mechanisms(void **ctx)
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
		        fw_elem_find(fw_stanza_root(stanza), "mechanisms", FW_NS_SASL);
		if (fw_sasl_is_offered(list, FW_SASL_EXTERNAL) != rows[i].offered) {
			fail_msg("%s", rows[i].features);
		}
		fw_stanza_free(&stanza);
	}
	assert_false(fw_sasl_is_offered(
	        NULL, FW_SASL_EXTERNAL)); /* a peer before XMPP 1.0 has no features */
}

static void messages_are_read_strictly(void **ctx)
{
	static const struct {
		const char *text, *condition, *mechanism, *bytes;
		bool given;
	} rows[] = {
		{ "<auth " SASL " mechanism='SCRAM-SHA-256'>bix4</auth>", NULL, "SCRAM-SHA-256",
		  "n,x", true },
		{ "<auth " SASL " mechanism='EXTERNAL'>=</auth>", NULL, "EXTERNAL", "", true },
		{ "<auth " SASL " mechanism='EXTERNAL'/>", NULL, "EXTERNAL", "", false },
		{ "<auth " SASL ">bix4</auth>", NULL, "", "n,x", true },
		{ "<response " SASL ">bix4</response>", NULL, "", "n,x", true },
		{ "<response " SASL "/>", NULL, "", "", true },
		{ "<response " SASL " mechanism='EXTERNAL'>bix4</response>", NULL, "", "n,x",
		  true },
		{ "<challenge " SASL ">bix4</challenge>", NULL, "", "n,x", true },
		{ "<success " SASL "/>", NULL, "", "", true },
		{ "<auth " SASL " mechanism='EXTERNAL'>n,x</auth>", "incorrect-encoding", "", "",
		  false },
		{ "<auth " SASL " mechanism='EXTERNAL'> bix4</auth>", "incorrect-encoding", "", "",
		  false },
		{ "<auth " SASL " mechanism='EXTERNAL'><x xmlns='y'/></auth>", "malformed-request",
		  "", "", false },
	};
	struct fw_sasl_message message;

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_stanza *stanza = parse(rows[i].text);
		const char *condition = fw_sasl_read(stanza, &message);
		if ((condition == NULL) != (rows[i].condition == NULL)) {
			fail_msg("%s: %s", rows[i].text, condition != NULL ? condition : "taken");
		}
		if (condition != NULL) {
			assert_string_equal(condition, rows[i].condition);
		} else {
			assert_true(fw_str_is(message.mechanism, rows[i].mechanism));
			assert_string_equal(message.bytes, rows[i].bytes);
			assert_int_equal(message.len, strlen(rows[i].bytes));
			assert_int_equal(message.given, rows[i].given);
		}
		fw_stanza_free(&stanza);
	}
}

static void what_is_too_long_is_malformed(void **ctx)
{
	char text[4096] = "<auth " SASL " mechanism='EXTERNAL'>";
	struct fw_sasl_message message;

	(void)ctx;
	for (size_t len = 3; len < 2400; len += 3) {
		size_t end = strlen(text);
		snprintf(text + end, sizeof(text) - end, "YWFh</auth>");
		struct fw_stanza *stanza = parse(text);
		const char *condition = fw_sasl_read(stanza, &message);
		if (len < FW_SASL_MESSAGE_SIZE) {
			assert_null(condition);
			assert_int_equal(message.len, len);
		} else {
			assert_string_equal(condition, "malformed-request");
			assert_int_equal(message.len, 0);
		}
		fw_stanza_free(&stanza);
		text[end + 4] = '\0';
	}
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
		struct fw_sasl_failure failure;
		fw_sasl_read_failure(stanza, &failure);
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
		cmocka_unit_test(a_mechanism_is_found_among_mechanisms),
		cmocka_unit_test(messages_are_read_strictly),
		cmocka_unit_test(what_is_too_long_is_malformed),
		cmocka_unit_test(failures_have_a_condition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
