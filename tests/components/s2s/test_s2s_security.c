/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Rows of `domains`: which one speaks for a remote domain, what rules come of it, and which rows
 * contradict themselves. What streams make of the rules is in test_s2s_trust.c.
 */
#include "tests/components/s2s/world.h"

#define PIN_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF"

static const char *const external[] = { "external" };
static const char *const dialback[] = { "dialback" };
static const char *const reversed[] = { "dialback", "external" };
static const char *const twice[] = { "external", "external" };
static const char *const pins[] = { PIN_A };
#define LIST(items) \
	{ \
		items, FW_COUNT(items) \
	}

/* ---- which row ---- */

static void the_longest_match_speaks(void **ctx)
{
	static struct s2s_domain_row rows[] = {
		{ .name = "*.example" },
		{ .name = "*.Partner.example" },
		{ .name = "partner.example" },
		{ .name = "*.deep.partner.example", .direction = S2S_IN },
		{ .name = "*.deep.partner.example" },
		{ .name = "one.way", .direction = S2S_OUT },
		{ .name = "b\xc3\xbc"
		          "cher.test" },
	};
	static const struct {
		const char *remote;
		enum s2s_direction direction;
		int row; /* -1: none */
	} cases[] = {
		{ "partner.example", S2S_IN, 2 },
		{ "partner.example", S2S_OUT, 2 },
		{ "a.partner.example", S2S_IN, 1 },
		{ "a.b.partner.example", S2S_IN, 1 },
		{ "deep.partner.example", S2S_IN, 3 },
		{ "deep.partner.example", S2S_OUT, 4 },
		{ "x.deep.partner.example", S2S_IN, 3 },
		{ "x.deep.partner.example", S2S_OUT, 4 },
		{ "xdeep.partner.example", S2S_IN, 1 },
		{ "other.example", S2S_OUT, 0 },
		{ "example", S2S_OUT, 0 },
		{ "xexample", S2S_OUT, -1 },
		{ "one.way", S2S_OUT, 5 },
		{ "one.way", S2S_IN, -1 },
		{ "xn--bcher-kva.test", S2S_IN, 6 },
		{ "test", S2S_IN, -1 },
		{ "partner.example.org", S2S_IN, -1 },
	};
	struct fw_rows list = { rows, FW_COUNT(rows) };
	struct s2s_domains *domains = NULL;
	struct fw_error err = { 0 };

	(void)ctx;
	assert_int_equal(s2s_domains_new(&list, &domains, &err), FW_OK);
	for (size_t i = 0; i < FW_COUNT(cases); i++) {
		const struct s2s_domain_row *row =
		        s2s_domains_find(domains, cases[i].remote, cases[i].direction);
		int found = row != NULL ? (int)(row - rows) : -1;
		if (found != cases[i].row) {
			fail_msg("%s: row %d instead of %d", cases[i].remote, found, cases[i].row);
		}
	}
	s2s_domains_free(&domains);
}

static void rows_that_cannot_be_sorted_are_refused(void **ctx)
{
	static struct s2s_domain_row same[] = { { .name = "a.example" }, { .name = "A.example" } };
	static struct s2s_domain_row bad[] = { { .name = "*." } };
	static struct s2s_domain_row all[] = { { .name = "*" } };
	static struct s2s_domain_row apart[] = {
		{ .name = "a.example" },
		{ .name = "*.a.example" },
		{ .name = "a.example", .direction = S2S_IN },
		{ .name = "a.example", .direction = S2S_OUT },
	};
	const struct {
		struct fw_rows rows;
		const char *sentence;
	} cases[] = {
		{ LIST(same), "given twice" },
		{ LIST(bad), "\"*.\" is no domain" },
		{ LIST(all), "\"*\" is no domain" },
		{ LIST(apart), NULL },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(cases); i++) {
		struct s2s_domains *domains = NULL;
		struct fw_error err = { 0 };
		int ret = s2s_domains_new(&cases[i].rows, &domains, &err);
		assert_int_equal(ret, cases[i].sentence != NULL ? FW_EINVAL : FW_OK);
		if (cases[i].sentence != NULL) {
			assert_non_null(strstr(err.text, cases[i].sentence));
		}
		s2s_domains_free(&domains);
	}
}

/* ---- what rules ---- */

static struct s2s_security *compile(struct s2s_config *config)
{
	struct s2s_security *security = NULL;
	struct fw_error err = { 0 };

	if (s2s_security_new(config, &security, &err) != FW_OK) {
		fail_msg("%s", err.text);
	}
	return security;
}

static void modes_become_rules(void **ctx)
{
	static const struct {
		enum fw_security mode;
		enum s2s_tls tls;
		const char *word;
		bool name_required, external;
		enum fw_security dial;
	} rows[] = {
		{ FW_SECURITY_REQUIRED, S2S_TLS_REQUIRED, "required", true, true,
		  FW_SECURITY_REQUIRED },
		{ FW_SECURITY_OPTIONAL, S2S_TLS_OPTIONAL, "optional", false, true,
		  FW_SECURITY_OPTIONAL },
		{ FW_SECURITY_NONE, S2S_TLS_OFF, "off", false, false, FW_SECURITY_NONE },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct s2s_config config = { .security_mode = (int)rows[i].mode };
		struct s2s_security *security = compile(&config);
		const struct s2s_rules *rules = s2s_security_rules(security, "x.example", S2S_IN);
		assert_int_equal(rules->tls, rows[i].tls);
		assert_string_equal(s2s_rules_tls_word(rules), rows[i].word);
		assert_string_equal(rules->row, "");
		assert_int_equal(rules->name_required, rows[i].name_required);
		assert_false(rules->must_verify);
		assert_int_equal(rules->tls_min, FW_TLS_1_2);
		assert_int_equal(rules->purpose, FW_TLS_PURPOSE_SERVER);
		assert_int_equal(s2s_rules_allow(rules, S2S_METHOD_EXTERNAL), rows[i].external);
		assert_true(s2s_rules_allow(rules, S2S_METHOD_DIALBACK));
		assert_int_equal(s2s_rules_dial(rules), rows[i].dial);
		assert_int_equal(s2s_security_needs_tls(security), rows[i].tls != S2S_TLS_OFF);
		s2s_security_free(&security);
	}
}

static void a_row_changes_what_it_says_and_nothing_else(void **ctx)
{
	static struct s2s_domain_row rows[] = {
		{ .name = "verified.example", .tls = S2S_TLS_VERIFIED },
		{ .name = "pinned.example", .pins = LIST(pins) },
		{ .name = "strict.example",
		  .tls_min = FW_TLS_1_3 + 1,
		  .certificate_purpose = FW_TLS_PURPOSE_STRICT + 1,
		  .certificate_name = S2S_NAME_OPTIONAL,
		  .methods = LIST(reversed) },
		{ .name = "named.example",
		  .pins = LIST(pins),
		  .certificate_name = S2S_NAME_REQUIRED },
		{ .name = "lab.example", .direction = S2S_IN, .tls = S2S_TLS_OFF },
		{ .name = "lax.example", .require_client_certificates = S2S_NO },
	};
	struct s2s_config config = {
		.security_mode = FW_SECURITY_REQUIRED,
		.tls_min = FW_TLS_1_2 + 1,
		.certificate_purpose = FW_TLS_PURPOSE_IGNORE + 1,
		.certificate_name = S2S_NAME_AS_TLS,
		.require_client_certificates = true,
		.domains = LIST(rows),
	};
	struct s2s_security *security = compile(&config);
	const struct s2s_rules *rules;

	(void)ctx;
	rules = s2s_security_rules(security, "verified.example", S2S_OUT);
	assert_int_equal(rules->tls, S2S_TLS_VERIFIED);
	assert_true(rules->must_verify);
	assert_true(rules->name_required);
	assert_int_equal(rules->purpose, FW_TLS_PURPOSE_IGNORE);
	assert_int_equal(s2s_rules_dial(rules), FW_SECURITY_REQUIRED);
	rules = s2s_security_rules(security, "pinned.example", S2S_OUT);
	assert_int_equal(rules->tls, S2S_TLS_REQUIRED);
	assert_int_equal(rules->pin_count, 1);
	assert_string_equal(rules->pins[0], "0123456789abcdef0123456789abcdef"
	                                    "0123456789abcdef0123456789abcdef");
	assert_false(rules->name_required);
	rules = s2s_security_rules(security, "strict.example", S2S_IN);
	assert_string_equal(rules->row, "strict.example");
	assert_int_equal(rules->tls_min, FW_TLS_1_3);
	assert_int_equal(rules->purpose, FW_TLS_PURPOSE_STRICT);
	assert_false(rules->name_required);
	assert_true(rules->must_verify);
	assert_int_equal(rules->methods[0], S2S_METHOD_DIALBACK);
	assert_int_equal(rules->methods[1], S2S_METHOD_EXTERNAL);
	assert_int_equal(rules->methods[2], S2S_METHOD_NONE);
	rules = s2s_security_rules(security, "named.example", S2S_IN);
	assert_true(rules->name_required);
	rules = s2s_security_rules(security, "lab.example", S2S_IN);
	assert_int_equal(rules->tls, S2S_TLS_OFF);
	assert_false(s2s_rules_allow(rules, S2S_METHOD_EXTERNAL));
	rules = s2s_security_rules(security, "lab.example", S2S_OUT);
	assert_int_equal(rules->tls, S2S_TLS_REQUIRED);
	rules = s2s_security_rules(security, "lax.example", S2S_IN);
	assert_false(rules->must_verify);
	s2s_security_free(&security);
}

/* Before the domain is known: the least that any domain which may connect has to do. */
static void strangers_are_asked_for_the_least(void **ctx)
{
	static const struct {
		enum fw_security mode;
		int direction, tls;
		enum s2s_tls stranger;
	} cases[] = {
		{ FW_SECURITY_REQUIRED, S2S_BOTH, S2S_TLS_OPTIONAL, S2S_TLS_OPTIONAL },
		{ FW_SECURITY_REQUIRED, S2S_IN, S2S_TLS_OFF, S2S_TLS_OPTIONAL },
		{ FW_SECURITY_REQUIRED, S2S_OUT, S2S_TLS_OFF, S2S_TLS_REQUIRED },
		{ FW_SECURITY_REQUIRED, S2S_IN, S2S_TLS_VERIFIED, S2S_TLS_REQUIRED },
		{ FW_SECURITY_NONE, S2S_IN, S2S_TLS_REQUIRED, S2S_TLS_OPTIONAL },
		{ FW_SECURITY_NONE, S2S_OUT, S2S_TLS_REQUIRED, S2S_TLS_OFF },
		{ FW_SECURITY_NONE, S2S_IN, S2S_TLS_OFF, S2S_TLS_OFF },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(cases); i++) {
		struct s2s_domain_row row = { .name = "x.example",
			                      .direction = cases[i].direction,
			                      .tls = cases[i].tls };
		struct s2s_config config = { .security_mode = (int)cases[i].mode,
			                     .domains = { &row, 1 } };
		struct s2s_security *security = compile(&config);
		assert_int_equal(s2s_security_rules(security, "", S2S_IN)->tls, cases[i].stranger);
		s2s_security_free(&security);
	}
}

/* ---- contradictions ---- */

static void contradictions_are_told_in_a_sentence(void **ctx)
{
	static const struct {
		enum fw_security mode;
		struct s2s_domain_row row;
		const char *sentence; /* NULL: it is none */
	} cases[] = {
		{ FW_SECURITY_NONE, { .methods = LIST(external) }, "external, which needs" },
		{ FW_SECURITY_OPTIONAL, { .methods = LIST(external) }, "is the only method" },
		{ FW_SECURITY_REQUIRED, { .methods = LIST(external) }, NULL },
		{ FW_SECURITY_NONE, { .methods = LIST(dialback) }, NULL },
		{ FW_SECURITY_REQUIRED, { .methods = LIST(twice) }, "names one method twice" },
		{ FW_SECURITY_REQUIRED,
		  { .tls = S2S_TLS_OFF, .pins = LIST(pins) },
		  "pins are given" },
		{ FW_SECURITY_OPTIONAL, { .pins = LIST(pins) }, "pins are given" },
		{ FW_SECURITY_OPTIONAL, { .tls = S2S_TLS_REQUIRED, .pins = LIST(pins) }, NULL },
		{ FW_SECURITY_NONE, { .tls_min = FW_TLS_1_3 + 1 }, "tls_min is given" },
		{ FW_SECURITY_NONE,
		  { .certificate_name = S2S_NAME_REQUIRED },
		  "certificate_name is required" },
		{ FW_SECURITY_NONE,
		  { .require_client_certificates = S2S_YES },
		  "require_client_certificates is set" },
		{ FW_SECURITY_REQUIRED,
		  { .tls = S2S_TLS_VERIFIED, .require_client_certificates = S2S_NO },
		  "remove one of the two" },
		{ FW_SECURITY_NONE, { .tls = S2S_TLS_VERIFIED }, NULL },
	};

	(void)ctx;
	for (size_t i = 0; i < FW_COUNT(cases); i++) {
		struct s2s_domain_row row = cases[i].row;
		struct s2s_config config = { .security_mode = (int)cases[i].mode,
			                     .domains = { &row, 1 } };
		struct s2s_security *security = NULL;
		struct fw_error err = { 0 };
		row.name = "x.example";
		int ret = s2s_security_new(&config, &security, &err);
		if (cases[i].sentence == NULL) {
			assert_int_equal(ret, FW_OK);
		} else {
			assert_int_equal(ret, FW_EINVAL);
			assert_non_null(strstr(err.text, "domains \"x.example\": "));
			if (strstr(err.text, cases[i].sentence) == NULL) {
				fail_msg("'%s' instead of '%s'", err.text, cases[i].sentence);
			}
		}
		s2s_security_free(&security);
	}
}

static void the_components_own_options_are_checked_too(void **ctx)
{
	struct s2s_config config = { .security_mode = FW_SECURITY_NONE, .methods = LIST(external) };
	struct s2s_security *security = NULL;
	struct fw_error err = { 0 };

	(void)ctx;
	assert_int_equal(s2s_security_new(&config, &security, &err), FW_EINVAL);
	assert_non_null(strstr(err.text, "methods has external"));
	config = (struct s2s_config){ .security_mode = FW_SECURITY_NONE,
		                      .require_client_certificates = true };
	assert_int_equal(s2s_security_new(&config, &security, &err), FW_EINVAL);
	/* the version is harmless: rows may need it */
	config =
	        (struct s2s_config){ .security_mode = FW_SECURITY_NONE, .tls_min = FW_TLS_1_2 + 1 };
	assert_int_equal(s2s_security_new(&config, &security, &err), FW_OK);
	s2s_security_free(&security);
}

static void methods_are_words(void **ctx)
{
	char why[80] = "";

	(void)ctx;
	assert_int_equal(s2s_security_check_method("external", fw_str("methods"), why, 80), 0);
	assert_int_equal(s2s_security_check_method("dialback", fw_str("methods"), why, 80), 0);
	assert_int_not_equal(s2s_security_check_method("none", fw_str("methods"), why, 80), 0);
	assert_int_not_equal(s2s_security_check_method("scram", fw_str("methods"), why, 80), 0);
	assert_non_null(strstr(why, "\"external\" and \"dialback\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_match_speaks),
		cmocka_unit_test(rows_that_cannot_be_sorted_are_refused),
		cmocka_unit_test(modes_become_rules),
		cmocka_unit_test(a_row_changes_what_it_says_and_nothing_else),
		cmocka_unit_test(strangers_are_asked_for_the_least),
		cmocka_unit_test(contradictions_are_told_in_a_sentence),
		cmocka_unit_test(the_components_own_options_are_checked_too),
		cmocka_unit_test(methods_are_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
