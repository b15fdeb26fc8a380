/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * dialback.c: keys and checks by request, who may ask, and changes of the secret.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "components/dialback/dialback.h"
#include "tests/support/fake_host.h"

extern const struct fw_component dialback_LTX_fw_component;

#define PAIR "receiving='xmpp.example.com' originating='example.org' id='D60000229F'"
#define KEY "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643"

static const struct dialback_config config = {
	.secret = { "s3cr3tf0rd14lb4ck", 17, NULL },
	.timeout_ms = 1000,
	.security_mode = FW_SECURITY_NONE,
	.connect_timeout_ms = 1000,
	.stream_timeout_ms = 1000,
	.tls_timeout_ms = 1000,
	.max_pending = 10,
};

static struct fake_host *host;
static struct fw_self *dialback;

static int setup(void **state)
{
	struct fw_error err = { 0 };

	(void)state;
	host = fake_host_new();
	fake_host_add_domain(host, "corp.example", true);
	dialback = fake_host_start(host, &dialback_LTX_fw_component, &config, &err);
	assert_string_equal(err.text, "");
	return dialback != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fake_host_free(&host);
	return 0;
}

/* Value of the counter with this name. */
static uint64_t counted(const char *name)
{
	const struct fw_counter *rows = fw_self_component(dialback)->counters;
	unsigned id = 0;

	while (rows[id].name != NULL && strcmp(rows[id].name, name) != 0) {
		id++;
	}
	assert_non_null(rows[id].name);
	return fw_self_counter(dialback, id);
}

/* Asks, and fails unless the answer has `wanted` in it. */
static void ask(const char *what, const char *from, const char *payload, const char *wanted)
{
	struct fw_stanza *answer = fake_host_ask(host, from, "dialback", payload, 1000);

	if (strstr(fake_host_text(answer), wanted) == NULL) {
		fail_msg("%s: %s", what, fake_host_text(answer));
	}
	fake_host_done(&answer);
}

static void test_requests(void **state)
{
	static const struct {
		const char *what, *payload, *wanted;
	} rows[] = {
		{ "a key", "<key xmlns='urn:fedway:dialback:1' " PAIR "/>", ">" KEY "</key>" },
		{ "domains in other spelling",
		  "<key xmlns='urn:fedway:dialback:1' receiving='XMPP.Example.com.' "
		  "originating='Example.ORG' id='D60000229F'/>",
		  ">" KEY "</key>" },
		{ "a key of ours", "<check xmlns='urn:fedway:dialback:1' " PAIR ">" KEY "</check>",
		  "type='valid'" },
		{ "with white space",
		  "<check xmlns='urn:fedway:dialback:1' " PAIR ">\n  " KEY "\n</check>",
		  "type='valid'" },
		{ "no key of ours", "<check xmlns='urn:fedway:dialback:1' " PAIR ">abc</check>",
		  "type='invalid'" },
		{ "no key at all", "<check xmlns='urn:fedway:dialback:1' " PAIR "/>",
		  "type='invalid'" },
		{ "no id",
		  "<key xmlns='urn:fedway:dialback:1' receiving='a.example' "
		  "originating='b.example'/>",
		  "name='bad-stanza'" },
		{ "no domain",
		  "<check xmlns='urn:fedway:dialback:1' receiving='a b' originating='b.example' "
		  "id='1'>k</check>",
		  "name='bad-stanza'" },
		{ "nothing to verify", "<verify xmlns='urn:fedway:dialback:1' " PAIR "/>",
		  "name='bad-stanza'" },
		{ "rules that it does not know",
		  "<verify xmlns='urn:fedway:dialback:1' asks='tls certified' " PAIR ">k</verify>",
		  "name='bad-stanza'" },
		{ "another question", "<keys xmlns='urn:fedway:dialback:1' " PAIR "/>",
		  "name='unhandled'" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		const char *payload = rows[i].payload, *wanted = rows[i].wanted;
		uint64_t keys = counted("keys_made"), valid = counted("checks_valid");
		uint64_t invalid = counted("checks_invalid");
		ask(rows[i].what, NULL, payload, wanted);
		bool bad = strstr(wanted, "name=") != NULL;
		assert_int_equal(counted("keys_made") - keys,
		                 !bad && strncmp(payload, "<key ", 5) == 0);
		assert_int_equal(counted("checks_valid") - valid,
		                 strstr(wanted, "'valid'") != NULL);
		assert_int_equal(counted("checks_invalid") - invalid,
		                 strstr(wanted, "'invalid'") != NULL);
	}
	assert_true(counted("keys_made") > 0 && counted("checks_valid") > 0);
	assert_int_equal(fake_host_logged(host, KEY), 0); /* keys are not written to the log */
}

static void test_only_colleagues(void **state)
{
	static const char *const strangers[] = { "partner.example", "corp.example",
		                                 "nobody-1.test-realm", "test-realm",
		                                 "evil-test-realm" };

	(void)state;
	for (size_t i = 0; i < FW_COUNT(strangers); i++) {
		ask(strangers[i], strangers[i], "<key xmlns='urn:fedway:dialback:1' " PAIR "/>",
		    "name='policy-denied'");
	}
	assert_int_equal(fake_host_logged(host, "refused a request from outside the realm"), 5);
}

static void test_changed_secret(void **state)
{
	struct dialback_config both = config, after = config;

	(void)state;
	fake_host_settle(host);
	assert_int_equal(fake_host_announced(host, "dialback"), 1);
	both.secret = (struct fw_secret){ "another", 7, NULL };
	both.previous_secret = config.secret;
	fake_host_reload(dialback, &both);
	ask("the old one is still valid", NULL,
	    "<check xmlns='urn:fedway:dialback:1' " PAIR ">" KEY "</check>", "type='valid'");
	after.secret = both.secret;
	fake_host_reload(dialback, &after);
	ask("now it is not", NULL, "<check xmlns='urn:fedway:dialback:1' " PAIR ">" KEY "</check>",
	    "type='invalid'");
	assert_int_equal(fake_host_announced(host, "dialback"), 3);
	after.timeout_ms = 5;
	fake_host_reload(dialback, &after); /* the secret is the same */
	fake_host_settle(host);
	assert_int_equal(fake_host_announced(host, "dialback"), 3);
}

static void test_check_of_configuration(void **state)
{
	struct dialback_config wrong = config;
	struct fw_error err = { 0 };

	(void)state;
	assert_int_equal(dialback_LTX_fw_component.check(&config, &err), FW_OK);
	wrong.secret.len = 0;
	assert_int_equal(dialback_LTX_fw_component.check(&wrong, &err), FW_EINVAL);
	wrong = config;
	wrong.security_mode = FW_SECURITY_REQUIRED;
	wrong.certificate_file = "/nonexistent/certificate.pem";
	assert_int_equal(dialback_LTX_fw_component.check(&wrong, &err), FW_EINVAL);
	assert_non_null(strstr(err.text, "/nonexistent/certificate.pem"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_requests),
		TEST(test_only_colleagues),
		TEST(test_changed_secret),
		TEST(test_check_of_configuration),
	};

	return cmocka_run_group_tests_name("dialback", tests, NULL, NULL);
}
