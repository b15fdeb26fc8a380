/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of policy_learned.c: entries from another node and by command count at once and through
 * reloads, neither wipes out the other, and an operator sees where each comes from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "components/policy/policy_learned.h"
#include "tests/support/fake_host.h"

extern const struct fw_component policy_LTX_fw_component;

static const char *const own[] = { "own.example" };
static const struct policy_config allow_list = {
	.privacy_mode = POLICY_ALLOW_LIST,
	.allow = { own, FW_COUNT(own) },
};
static const struct policy_config deny_list = { .privacy_mode = POLICY_DENY_LIST };

static struct fake_host *host;
static struct fw_self *policy;

static void begin(const struct policy_config *config)
{
	host = fake_host_new();
	fake_host_add_domain(host, "corp.example", true);
	fake_host_learn(host, "allow", "[\"before.example\"]");
	policy = fake_host_start(host, &policy_LTX_fw_component, config, NULL);
	assert_non_null(policy);
	fake_host_settle(host);
}

static int teardown(void **state)
{
	(void)state;
	fake_host_free(&host);
	return 0;
}

static bool may(const char *remote)
{
	char payload[256];

	(void)snprintf(payload, sizeof(payload),
	               "<may xmlns='urn:fedway:policy:1' local='corp.example' remote='%s' "
	               "direction='in'/>",
	               remote);
	struct fw_stanza *answer = fake_host_ask(host, NULL, "policy", payload, 1000);
	bool allowed = strstr(fake_host_text(answer), "allowed='true'") != NULL;
	fake_host_done(&answer);
	return allowed;
}

/* A member of the result as text. */
static const char *command(const char *name, const char *domain, const char *member)
{
	static char text[256];
	char args[128];

	(void)snprintf(args, sizeof(args), "{\"domain\":\"%s\"}", domain);
	struct fw_json *result = fake_host_command(host, policy, name, args, 1000);
	struct fw_str value = fw_json_text(fw_json_get(result, member));
	(void)snprintf(text, sizeof(text), "%.*s", FW_STR_ARG(value));
	fw_json_free(&result);
	return text;
}

static void another_node_says(void **state)
{
	(void)state;
	begin(&allow_list);
	assert_true(may("before.example"));
	unsigned told = fake_host_announced(host, "policy");
	fake_host_learn(host, "allow", "[\"*.partner.example\",\"not a domain\",\"b.example\"]");
	fake_host_settle(host);
	assert_int_equal(fake_host_announced(host, "policy"), told + 1);
	assert_true(may("chat.partner.example"));
	assert_true(may("b.example"));
	assert_true(may("own.example"));
	assert_false(may("before.example"));
	assert_non_null(fake_host_notice(host, policy, "allow", NULL));
	fake_host_reload(policy, &allow_list);
	assert_true(may("b.example"));
	fake_host_learn(host, "allow", NULL);
	fake_host_settle(host);
	assert_false(may("b.example"));
	assert_null(fake_host_notice(host, policy, "allow", NULL));
}

static void an_operator_says(void **state)
{
	(void)state;
	begin(&allow_list);
	assert_string_equal(command("allow add",
	                            "B\xc3\xbc"
	                            "cher.Example",
	                            "changed"),
	                    "yes");
	assert_true(may("xn--bcher-kva.example"));
	assert_string_equal(fake_host_learned(host, "allow-by-command"),
	                    "[\"xn--bcher-kva.example\"]");
	assert_string_equal(command("allow add",
	                            "b\xc3\xbc"
	                            "cher.example",
	                            "changed"),
	                    "no");
	assert_string_equal(command("allow add", "*.far.example", "domain"), "*.far.example");
	assert_true(may("x.far.example"));
	fake_host_learn(host, "allow", "[]"); /* another node's word leaves ours alone */
	fake_host_settle(host);
	assert_true(may("x.far.example"));
	assert_false(may("before.example"));
	assert_string_equal(command("allow remove", "*.far.example", "changed"), "yes");
	assert_false(may("x.far.example"));
	assert_string_equal(command("allow remove", "own.example", "note"),
	                    "only entries by command can be removed by command");
	assert_true(may("own.example"));
	assert_string_equal(command("allow remove", "xn--bcher-kva.example", "changed"), "yes");
	assert_string_equal(fake_host_learned(host, "allow-by-command"), "");
	assert_string_equal(command("allow add", "no domain", "error"),
	                    "no domain is not a domain");
	assert_string_equal(command("deny add", "own.example", "note"),
	                    "privacy_mode is \"allow-list\": this list is not used");
	assert_true(may("own.example"));
}

static void the_other_list(void **state)
{
	(void)state;
	begin(&deny_list);
	assert_true(may("evil.example"));
	assert_string_equal(command("deny add", "evil.example", "changed"), "yes");
	assert_false(may("evil.example"));
	assert_string_equal(command("deny remove", "evil.example", "changed"), "yes");
	assert_true(may("evil.example"));
	fake_host_learn(host, "deny", "[\"evil.example\"]");
	fake_host_settle(host);
	assert_false(may("evil.example"));
}

static void where_each_entry_comes_from(void **state)
{
	(void)state;
	begin(&allow_list);
	assert_string_equal(command("allow add", "c.example", "changed"), "yes");
	struct fw_json *result = fake_host_command(host, policy, "allow list", NULL, 1000);
	char *text = fw_json_dump(fw_json_get(result, "entries"), false);
	assert_string_equal(
	        text,
	        "[{\"domain\":\"own.example\",\"list\":\"allow\",\"from\":\"configuration\"},"
	        "{\"domain\":\"before.example\",\"list\":\"allow\",\"from\":\"another node\"},"
	        "{\"domain\":\"c.example\",\"list\":\"allow\",\"from\":\"command\"}]");
	free(text);
	fw_json_free(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(another_node_says, teardown),
		cmocka_unit_test_teardown(an_operator_says, teardown),
		cmocka_unit_test_teardown(the_other_list, teardown),
		cmocka_unit_test_teardown(where_each_entry_comes_from, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
