/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * policy.c as others see it: the service, the hook, reloads, and domains of static routes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fedway/json.h>

#include "components/policy/policy_rules.h"
#include "tests/support/fake_host.h"

extern const struct fw_component policy_LTX_fw_component;

static const char *const allowed[] = { "partner.example", "Bücher.example" };
static const char *const denied[] = { "evil.example" };

static const struct policy_config allow_list = {
	.privacy_mode = POLICY_ALLOW_LIST,
	.allow = { allowed, FW_COUNT(allowed) },
	.deny = { denied, FW_COUNT(denied) },
	.static_routes_allowed = true,
};

static struct fake_host *host;
static struct fw_self *policy;
static const char *static_list; /* what the stand-in for the resolver answers; NULL: nothing */

static void stand_in(void *ctx, struct fake_host *at, struct fw_stanza **request)
{
	(void)ctx;
	if (static_list != NULL) {
		fake_host_answer(at, request, static_list);
	} else {
		fake_host_refuse(at, request, FW_CAUSE_COMPONENT_DRAINING);
	}
}

static void begin(const struct policy_config *config, bool with_resolver)
{
	struct fw_error err = { 0 };

	host = fake_host_new();
	fake_host_add_domain(host, "corp.example", true);
	fake_host_add_domain(host, "chat.corp.example", true);
	fake_host_service(host, "resolver", with_resolver ? stand_in : NULL, NULL);
	policy = fake_host_start(host, &policy_LTX_fw_component, config, &err);
	assert_string_equal(err.text, "");
	assert_non_null(policy);
	fake_host_settle(host);
}

static int setup(void **state)
{
	(void)state;
	static_list = NULL;
	begin(&allow_list, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_host_free(&host);
	return 0;
}

/* ---- the hook ---- */

struct hook_row {
	const char *what;
	const char *from, *to;
	enum fw_cause cause; /* none: it passes */
	const char *rule;
};

static void check_rows(const struct hook_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct fw_stanza *stanza = NULL;
		struct fw_why why;
		char text[512];

		snprintf(text, sizeof(text), "<message from='%s' to='%s'/>", rows[i].from,
		         rows[i].to);
		assert_int_equal(fw_stanza_parse(fw_str(text), &stanza), FW_OK);
		enum fw_verdict verdict = fake_host_hook(policy, FW_STAGE_POLICY, stanza, &why);
		enum fw_verdict wanted = rows[i].cause == FW_CAUSE_NONE ? FW_PASS : FW_BOUNCE;
		if (verdict != wanted || why.cause != rows[i].cause ||
		    strcmp(why.rule, rows[i].rule) != 0) {
			fail_msg("%s: verdict %d cause %s rule '%s'", rows[i].what, (int)verdict,
			         fw_cause_row(why.cause)->name, why.rule);
		}
		fw_stanza_free(&stanza);
	}
}

static void test_allow_list(void **state)
{
	static const struct hook_row rows[] = {
		{ "listed, out", "a@corp.example", "b@partner.example", FW_CAUSE_NONE, "" },
		{ "listed, in", "b@partner.example/r", "a@corp.example", FW_CAUSE_NONE, "" },
		{ "listed, written otherwise", "PARTNER.example.", "corp.example", FW_CAUSE_NONE,
		  "" },
		{ "listed as U-label", "x@BÜCHER.example", "corp.example", FW_CAUSE_NONE, "" },
		{ "listed, as A-label", "xn--bcher-kva.example", "corp.example", FW_CAUSE_NONE,
		  "" },
		{ "not listed, out", "a@corp.example", "b@other.example",
		  FW_CAUSE_POLICY_NOT_LISTED, "allow-list" },
		{ "not listed, in", "b@other.example", "corp.example", FW_CAUSE_POLICY_NOT_LISTED,
		  "allow-list" },
		{ "a sub-domain is another domain", "a@corp.example", "sub.partner.example",
		  FW_CAUSE_POLICY_NOT_LISTED, "allow-list" },
		{ "the end of a name is not the name", "a@corp.example", "evilpartner.example",
		  FW_CAUSE_POLICY_NOT_LISTED, "allow-list" },
		{ "not a domain at all", "a@corp.example", "b@par tner", FW_CAUSE_POLICY_NOT_LISTED,
		  "allow-list" },
		{ "among ourselves", "a@corp.example", "b@chat.corp.example", FW_CAUSE_NONE, "" },
		{ "both from outside: the router's business", "x@a.example", "y@b.example",
		  FW_CAUSE_NONE, "" },
		{ "a listed domain asks a service", "b@partner.example", "policy.test-realm",
		  FW_CAUSE_POLICY_DENIED, "realm" },
		{ "a component writes to the outside", "tester-1.test-realm", "b@partner.example",
		  FW_CAUSE_POLICY_DENIED, "realm" },
		{ "a service that is not here", "tester-1.test-realm", "nobody.test-realm",
		  FW_CAUSE_NONE, "" },
	};

	(void)state;
	check_rows(rows, FW_COUNT(rows));
}

static void test_other_modes(void **state)
{
	struct policy_config config = allow_list;
	static const struct hook_row deny_rows[] = {
		{ "denied, out", "a@corp.example", "b@evil.example", FW_CAUSE_POLICY_DENIED,
		  "deny-list" },
		{ "denied, in", "b@EVIL.example", "corp.example", FW_CAUSE_POLICY_DENIED,
		  "deny-list" },
		{ "not denied", "a@corp.example", "b@other.example", FW_CAUSE_NONE, "" },
	};
	static const struct hook_row off_rows[] = {
		{ "off: the deny list does not count", "a@corp.example", "b@evil.example",
		  FW_CAUSE_NONE, "" },
		{ "off: the realm is still ours", "b@evil.example", "dialback.test-realm",
		  FW_CAUSE_NONE, "" }, /* nobody holds that name: the router finds no route */
		{ "off: a held service is denied", "b@evil.example", "policy.test-realm",
		  FW_CAUSE_POLICY_DENIED, "realm" },
	};

	(void)state;
	config.privacy_mode = POLICY_DENY_LIST;
	fake_host_reload(policy, &config);
	check_rows(deny_rows, FW_COUNT(deny_rows));
	config.privacy_mode = POLICY_OFF;
	fake_host_reload(policy, &config);
	check_rows(off_rows, FW_COUNT(off_rows));
	fake_host_settle(host);
	assert_int_equal(fake_host_announced(host, "policy"), 3); /* start, and each reload */
}

static void test_rules(void **state)
{
	struct policy_rule_row rows[] = {
		{ "*.partner.example", POLICY_INCOMING, POLICY_ALLOW, "they-may-write" },
		{ "*.partner.example", POLICY_OUTGOING, POLICY_DENY, "we-may-not" },
	};
	struct policy_config config = allow_list;
	static const struct hook_row hook_rows[] = {
		{ "a rule for what comes in", "a@x.partner.example", "corp.example", FW_CAUSE_NONE,
		  "" },
		{ "and for what goes out, before the list", "corp.example", "partner.example",
		  FW_CAUSE_POLICY_DENIED, "we-may-not" },
	};

	(void)state;
	config.rules = (struct fw_rows){ rows, FW_COUNT(rows) };
	fake_host_reload(policy, &config);
	check_rows(hook_rows, FW_COUNT(hook_rows));
	fake_host_settle(host);
}

/* ---- static routes ---- */

static void test_static_domains(void **state)
{
	struct policy_config config = allow_list;
	static const struct hook_row before[] = {
		{ "no resolver yet", "a@corp.example", "b@routed.example",
		  FW_CAUSE_POLICY_NOT_LISTED, "allow-list" },
	};
	static const struct hook_row after[] = {
		{ "it has a static route", "a@corp.example", "b@routed.example", FW_CAUSE_NONE,
		  "" },
		{ "it has none", "a@corp.example", "b@other.example", FW_CAUSE_POLICY_NOT_LISTED,
		  "allow-list" },
	};

	(void)state;
	check_rows(before, FW_COUNT(before));
	static_list = "<static xmlns='urn:fedway:resolver:1'>"
	              "<domain name='routed.example'/><domain name='b.example'/></static>";
	assert_int_equal(fake_host_announced(host, "policy"), 1);
	fw_announce(policy, "resolver");
	fake_host_settle(host);
	check_rows(after, FW_COUNT(after));
	assert_int_equal(fake_host_announced(host, "policy"), 2);

	fw_announce(policy, "resolver"); /* the same list again: nothing to tell */
	fake_host_settle(host);
	assert_int_equal(fake_host_announced(host, "policy"), 2);

	static_list = NULL; /* a resolver that fails does not take away what is known */
	fw_announce(policy, "resolver");
	fake_host_settle(host);
	check_rows(after, FW_COUNT(after));

	config.static_routes_allowed = false;
	fake_host_reload(policy, &config);
	check_rows(before, FW_COUNT(before));

	static_list = "<static xmlns='urn:fedway:resolver:1'/>";
	config.static_routes_allowed = true;
	fake_host_reload(policy, &config);
	check_rows(after, FW_COUNT(after));
	fw_announce(policy, "resolver");
	fake_host_settle(host);
	check_rows(before, FW_COUNT(before));
}

static void test_static_domains_at_start(void **state)
{
	static const struct hook_row known[] = {
		{ "it has a static route", "a@corp.example", "b@routed.example", FW_CAUSE_NONE,
		  "" },
	};

	(void)state;
	static_list =
	        "<static xmlns='urn:fedway:resolver:1'><domain name='routed.example'/></static>";
	begin(&allow_list, true);
	check_rows(known, FW_COUNT(known));
	fake_host_free(&host);

	begin(&allow_list, false); /* nobody to ask: no request goes out into the blue */
	assert_int_equal(fake_host_ledger(host)->in, 0);
	fake_host_service(host, "resolver", stand_in, NULL);
	fw_announce(policy, "resolver");
	fake_host_settle(host);
	check_rows(known, FW_COUNT(known));
}

/* Value of the counter with this name. */
static uint64_t counted(const char *name)
{
	const struct fw_counter *rows = fw_self_component(policy)->counters;
	unsigned id = 0;

	while (rows[id].name != NULL && strcmp(rows[id].name, name) != 0) {
		id++;
	}
	assert_non_null(rows[id].name);
	return fw_self_counter(policy, id);
}

static void test_report(void **state)
{
	struct fw_json *out = fw_json_new();
	struct fw_stanza *stanza = NULL;
	struct fw_why why;

	(void)state;
	assert_int_equal(
	        fw_stanza_parse(fw_str("<message from='a@corp.example' to='x.example'/>"), &stanza),
	        FW_OK);
	fake_host_hook(policy, FW_STAGE_POLICY, stanza, &why);
	fw_stanza_free(&stanza);
	assert_int_equal(counted("stanzas_denied"), 1);
	assert_int_equal(counted("stanzas_allowed"), 0);
	assert_int_equal(
	        fw_stanza_parse(fw_str("<message from='a@corp.example' to='partner.example'/>"),
	                        &stanza),
	        FW_OK);
	fake_host_hook(policy, FW_STAGE_POLICY, stanza, &why);
	fw_stanza_free(&stanza);
	assert_int_equal(counted("stanzas_denied"), 1);
	assert_int_equal(counted("stanzas_allowed"), 1);
	policy_LTX_fw_component.report(policy, "streams", out);
	assert_int_equal(fw_json_count(out), 0);
	policy_LTX_fw_component.report(policy, "status", out);
	char *text = fw_json_dump(out, false);
	assert_non_null(strstr(text, "\"privacy_mode\":\"allow-list\""));
	assert_non_null(strstr(text, "\"allow\":[\"partner.example\",\"xn--bcher-kva.example\"]"));
	free(text);
	fw_json_free(&out);
}

/* ---- the service ---- */

static void test_service(void **state)
{
	static const struct {
		const char *what, *from, *payload;
		const char *wanted; /* part of the answer */
	} rows[] = {
		{ "listed", NULL,
		  "<may xmlns='urn:fedway:policy:1' local='corp.example' remote='partner.example' "
		  "direction='out'/>",
		  "allowed='true' rule='allow-list'" },
		{ "not listed", NULL,
		  "<may xmlns='urn:fedway:policy:1' local='corp.example' remote='Other.example' "
		  "direction='in'/>",
		  "allowed='false' rule='allow-list' cause='policy-not-listed'" },
		{ "somebody outside says that he is us", NULL,
		  "<may xmlns='urn:fedway:policy:1' local='corp.example' "
		  "remote='chat.corp.example' direction='in'/>",
		  "allowed='false' rule='remote-is-local' cause='policy-denied'" },
		{ "the realm", NULL,
		  "<may xmlns='urn:fedway:policy:1' local='policy.test-realm' "
		  "remote='partner.example' direction='in'/>",
		  "allowed='false' rule='realm'" },
		{ "no remote", NULL, "<may xmlns='urn:fedway:policy:1' local='corp.example'/>",
		  "name='bad-address'" },
		{ "another question", NULL, "<shall xmlns='urn:fedway:policy:1'/>",
		  "name='unhandled'" },
		{ "a stranger asks", "partner.example",
		  "<may xmlns='urn:fedway:policy:1' local='corp.example' remote='a.example'/>",
		  "name='policy-denied'" },
	};
	uint64_t yes = 0, no = 0;

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_stanza *answer =
		        fake_host_ask(host, rows[i].from, "policy", rows[i].payload, 1000);
		if (strstr(fake_host_text(answer), rows[i].wanted) == NULL) {
			fail_msg("%s: %s", rows[i].what, fake_host_text(answer));
		}
		yes += strstr(fake_host_text(answer), "allowed='true'") != NULL;
		no += strstr(fake_host_text(answer), "allowed='false'") != NULL;
		fake_host_done(&answer);
	}
	assert_true(yes > 0 && no > 0);
	assert_int_equal(counted("pairs_allowed"), yes);
	assert_int_equal(counted("pairs_denied"), no);
	fake_host_send(host, "<message from='" FAKE_TESTER "' to='policy.test-realm'/>");
	fake_host_settle(host);
	assert_int_equal(fake_host_bounced(host, FW_CAUSE_UNHANDLED), 1);
}

/* ---- configuration, log ---- */

static void test_check(void **state)
{
	static const char *const wrong[] = { "good.example", "not a domain" };
	struct policy_config config = { .allow = { wrong, 2 } };
	struct fw_error err = { 0 };

	(void)state;
	assert_int_equal(policy_LTX_fw_component.check(&config, &err), FW_EINVAL);
	assert_string_equal(err.text, "allow: 'not a domain' is not a domain");
	assert_int_equal(policy_LTX_fw_component.check(&allow_list, &err), FW_OK);
}

static void test_log_counts_repeats(void **state)
{
	static const struct hook_row row = { "refused", "a@corp.example", "b@other.example",
		                             FW_CAUSE_POLICY_NOT_LISTED, "allow-list" };

	(void)state;
	for (int i = 0; i < 25; i++) {
		check_rows(&row, 1);
	}
	assert_int_equal(fake_host_logged(host, "refused from=corp.example to=other.example"), 2);
	assert_int_equal(fake_host_logged(host, "count=10"), 1);
	fake_host_reload(policy, &allow_list); /* what was not written yet */
	assert_int_equal(fake_host_logged(host, "rule=allow-list count=25"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_allow_list, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_modes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_static_domains, setup, teardown),
		cmocka_unit_test_setup_teardown(test_service, setup, teardown),
		cmocka_unit_test_setup_teardown(test_log_counts_repeats, setup, teardown),
		cmocka_unit_test_setup_teardown(test_report, setup, teardown),
		cmocka_unit_test_teardown(test_static_domains_at_start, teardown),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
