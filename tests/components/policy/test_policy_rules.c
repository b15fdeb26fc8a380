/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * policy_rules.c and policy_list.c: which rule decides for which domain and direction, and which
 * rules contradict each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "components/policy/policy_rules.h"

#define IN POLICY_INCOMING
#define OUT POLICY_OUTGOING
#define BOTH POLICY_DIRECTIONS

static const char *const allow[] = { "friend.example", "*.org.example", "*.example.com.",
	                             "Bücher.example", "friend.example" };
static struct policy_rule_row rows[] = {
	{ "*.partner.example", BOTH, POLICY_ALLOW, "partners" },
	{ "lab.partner.example", BOTH, POLICY_DENY, "no-lab" },
	{ "lab.partner.example", IN, POLICY_ALLOW, "lab-may-write" },
	{ "*.deep.lab.partner.example", OUT, POLICY_DENY, "" },
	{ "friend.example", OUT, POLICY_DENY, "read-only-friend" },
};

static struct policy_config config_of(int mode)
{
	return (struct policy_config){
		.privacy_mode = mode,
		.allow = { allow, FW_COUNT(allow) },
		.deny = { allow, FW_COUNT(allow) },
		.rules = { rows, FW_COUNT(rows) },
	};
}

static const struct {
	const char *domain;
	enum policy_direction direction;
	enum fw_cause cause;
	const char *rule;
	const char *why;
} decisions[] = {
	{ "partner.example", IN, FW_CAUSE_NONE, "partners", "a suffix covers its apex" },
	{ "a.b.partner.example", OUT, FW_CAUSE_NONE, "partners", "and all below it" },
	{ "notpartner.example", IN, FW_CAUSE_POLICY_NOT_LISTED, "allow-list", "by whole labels" },
	{ "example", IN, FW_CAUSE_POLICY_NOT_LISTED, "allow-list", "never above it" },
	{ "lab.partner.example", OUT, FW_CAUSE_POLICY_DENIED, "no-lab", "exact before suffix" },
	{ "lab.partner.example", IN, FW_CAUSE_NONE, "lab-may-write",
	  "one direction before both, whatever their order" },
	{ "x.lab.partner.example", OUT, FW_CAUSE_NONE, "partners", "exact is exact" },
	{ "deep.lab.partner.example", OUT, FW_CAUSE_POLICY_DENIED,
	  "rule:*.deep.lab.partner.example", "the longer suffix; a rule without ID has one" },
	{ "deep.lab.partner.example", IN, FW_CAUSE_NONE, "partners", "the other direction" },
	{ "friend.example", IN, FW_CAUSE_NONE, "allow-list", "no rule: the list" },
	{ "friend.example", OUT, FW_CAUSE_POLICY_DENIED, "read-only-friend",
	  "a rule before the list" },
	{ "org.example", IN, FW_CAUSE_NONE, "allow-list", "lists know suffixes" },
	{ "chat.org.example", IN, FW_CAUSE_NONE, "allow-list", "lists know suffixes" },
	{ "www.example.com", OUT, FW_CAUSE_NONE, "allow-list", "a final dot is no label" },
	{ "xn--bcher-kva.example", OUT, FW_CAUSE_NONE, "allow-list", "in any spelling" },
	{ "a.xn--bcher-kva.example", OUT, FW_CAUSE_POLICY_NOT_LISTED, "allow-list",
	  "an exact entry is no suffix" },
	{ "com", OUT, FW_CAUSE_POLICY_NOT_LISTED, "allow-list", "one label" },
};

static void test_decisions(void **state)
{
	struct policy_config config = config_of(POLICY_ALLOW_LIST);
	struct policy_rules rules = { 0 };
	struct fw_error err = { 0 };

	(void)state;
	assert_int_equal(policy_rules_load(&rules, &config, &err), FW_OK);
	for (size_t i = 0; i < FW_COUNT(decisions); i++) {
		struct policy_decision got = policy_rules_decide(
		        &rules, fw_str(decisions[i].domain), decisions[i].direction);
		if (got.cause != decisions[i].cause || strcmp(got.rule, decisions[i].rule) != 0) {
			fail_msg("row %zu, %s: %s by %s (%s)", i, decisions[i].domain,
			         fw_cause_row(got.cause)->name, got.rule, decisions[i].why);
		}
	}
	policy_rules_clear(&rules);
}

static void test_other_modes(void **state)
{
	struct policy_config config = config_of(POLICY_DENY_LIST);
	struct policy_rules rules = { 0 };
	struct fw_error err = { 0 };

	(void)state;
	assert_int_equal(policy_rules_load(&rules, &config, &err), FW_OK);
	assert_int_equal(policy_rules_decide(&rules, fw_str("a.org.example"), IN).cause,
	                 FW_CAUSE_POLICY_DENIED);
	assert_int_equal(policy_rules_decide(&rules, fw_str("other.example"), IN).cause,
	                 FW_CAUSE_NONE);
	config = config_of(POLICY_OFF);
	assert_int_equal(policy_rules_load(&rules, &config, &err), FW_OK);
	assert_int_equal(policy_rules_decide(&rules, fw_str("friend.example"), OUT).cause,
	                 FW_CAUSE_POLICY_DENIED); /* rules hold in every mode */
	assert_int_equal(policy_rules_decide(&rules, fw_str("other.example"), OUT).cause,
	                 FW_CAUSE_NONE);
	policy_rules_clear(&rules);
}

/* Rows that are refused, and what the sentence names. */
static const struct {
	struct policy_rule_row rows[3];
	const char *says;
} refused[] = {
	{ { { "a..b", BOTH, POLICY_ALLOW, "" }, { "x", BOTH, 0, "" }, { "y", BOTH, 0, "" } },
	  "'a..b'" },
	{ { { "*.", IN, POLICY_ALLOW, "" }, { "x", BOTH, 0, "" }, { "y", BOTH, 0, "" } }, "'*.'" },
	{ { { "x.example", IN, POLICY_ALLOW, "" },
	    { "y.example", IN, 0, "" },
	    { "X.example", IN, POLICY_DENY, "" } },
	  "'X.example' has two rules for the same direction" },
	{ { { "*.x.example", BOTH, POLICY_ALLOW, "" },
	    { "y.example", IN, 0, "" },
	    { "*.x.example", BOTH, POLICY_DENY, "" } },
	  "'*.x.example' has two rules for both directions" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(refused); i++) {
		struct policy_config good = config_of(POLICY_ALLOW_LIST), bad = good;
		struct policy_rules rules = { 0 };
		struct fw_error err = { 0 };

		bad.rules = (struct fw_rows){ (void *)(uintptr_t)refused[i].rows, 3 };
		assert_int_equal(policy_rules_load(&rules, &good, &err), FW_OK);
		assert_int_equal(policy_rules_load(&rules, &bad, &err), FW_EINVAL);
		assert_non_null(strstr(err.text, refused[i].says));
		/* the rules in force stay in force */
		assert_int_equal(policy_rules_decide(&rules, fw_str("friend.example"), OUT).cause,
		                 FW_CAUSE_POLICY_DENIED);
		policy_rules_clear(&rules);
	}
}

static void test_statics_live_through_reloads(void **state)
{
	struct policy_config config = config_of(POLICY_ALLOW_LIST);
	struct policy_rules rules = { 0 };
	struct fw_error err = { 0 };
	struct policy_set *statics = policy_set_new(1);

	(void)state;
	config.static_routes_allowed = true;
	policy_set_add(statics, fw_str("routed.example"), 0);
	assert_int_equal(policy_rules_load(&rules, &config, &err), FW_OK);
	assert_true(policy_rules_set_statics(&rules, &statics));
	assert_int_equal(policy_rules_load(&rules, &config, &err), FW_OK);
	assert_string_equal(policy_rules_decide(&rules, fw_str("routed.example"), IN).rule,
	                    "static-route");
	policy_rules_clear(&rules);
}

static void test_report(void **state)
{
	struct policy_config config = config_of(POLICY_ALLOW_LIST);
	struct policy_rules rules = { 0 };
	struct fw_error err = { 0 };
	struct fw_json *out = fw_json_new();

	(void)state;
	assert_int_equal(policy_rules_load(&rules, &config, &err), FW_OK);
	policy_rules_report(&rules, out);
	char *text = fw_json_dump(out, false);
	assert_non_null(strstr(text, "\"allow\":[\"friend.example\",\"xn--bcher-kva.example\","
	                             "\"*.org.example\",\"*.example.com\"]"));
	assert_non_null(
	        strstr(text, "\"rules_incoming\":[\"lab.partner.example\",\"*.partner.example\"]"));
	free(text);
	fw_json_free(&out);
	policy_rules_clear(&rules);
}

static void test_facts(void **state)
{
	struct policy_config config = config_of(POLICY_ALLOW_LIST);
	struct policy_rules rules = { 0 };
	struct policy_list more = { NULL, NULL }, none = { NULL, NULL };
	struct fw_error err = { 0 };
	struct fw_json *out = fw_json_new();

	(void)state;
	assert_int_equal(policy_rules_load(&rules, &config, &err), FW_OK);
	assert_int_equal(policy_list_init(&more, 3), FW_OK);
	assert_int_equal(policy_list_init(&none, 1), FW_OK);
	assert_int_equal(policy_list_add(&more, "friend.example", 0), FW_OK); /* known already */
	assert_int_equal(policy_list_add(&more, "learned.example", 0), FW_OK);
	assert_int_equal(policy_list_add(&more, "*.suffix.example", 0), FW_OK);
	policy_rules_set_learned(&rules, &more, &none);
	policy_rules_facts(&rules, out);
	char *text = fw_json_dump(out, false);
	assert_non_null(strstr(text, "\"allow\":[\"friend.example\",\"xn--bcher-kva.example\","
	                             "\"*.org.example\",\"*.example.com\",\"learned.example\","
	                             "\"*.suffix.example\"]"));
	assert_non_null(strstr(text, "\"in lab.partner.example "));
	free(text);
	fw_json_free(&out);
	policy_rules_clear(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_other_modes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_statics_live_through_reloads),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_facts),
	};

	return cmocka_run_group_tests_name("policy_rules", tests, NULL, NULL);
}
