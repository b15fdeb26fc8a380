/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of resolver_learned.c: routes that the node has learned count beside the configuration's,
 * which go first for their own domains; what cannot be used is told and harms nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "components/resolver/resolver.h"
#include "tests/support/fake_host.h"

extern const struct fw_component resolver_LTX_fw_component;

static struct fake_host *host;
static struct fw_self *resolver;

static struct resolver_static_row own = { .domain = "own.example",
	                                  .host = "192.0.2.1",
	                                  .port = 5269 };
static struct resolver_config config = {
	.static_routes = { &own, 1 },
	.static_routes_enabled = true,
	.timeout_ms = 100,
	.tries = 1,
	.lookup_timeout_ms = 500,
	.ttl_max_s = 60,
	.cache_max_entries = 10,
	.pending_max = 10,
	.ipv4 = true,
};

static int setup(void **state)
{
	(void)state;
	host = fake_host_new();
	fake_host_learn(host, "static_routes",
	                "[{\"domain\":\"Before.example\",\"host\":\"192.0.2.9\",\"port\":5270}]");
	resolver = fake_host_start(host, &resolver_LTX_fw_component, &config, NULL);
	assert_non_null(resolver);
	fake_host_settle(host);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_host_free(&host);
	return 0;
}

/* Routes in force: "domain=host:port/from …". */
static const char *routes(void)
{
	static char text[1024];
	struct fw_json *status = fw_json_new();
	size_t used = 0;

	resolver_LTX_fw_component.report(resolver, "status", status);
	const struct fw_json *list = fw_json_get(status, "static_routes");
	text[0] = '\0';
	for (size_t i = 0; i < fw_json_count(list); i++) {
		const struct fw_json *row = fw_json_at(list, i);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.*s=%.*s:%lld/%.*s",
		                         i > 0 ? " " : "",
		                         FW_STR_ARG(fw_json_text(fw_json_get(row, "domain"))),
		                         FW_STR_ARG(fw_json_text(fw_json_get(row, "host"))),
		                         (long long)fw_json_int(fw_json_get(row, "port")),
		                         FW_STR_ARG(fw_json_text(fw_json_get(row, "from"))));
	}
	fw_json_free(&status);
	return text;
}

static void learned_ones_stand_beside_the_configured(void **state)
{
	(void)state;
	assert_string_equal(routes(), "before.example=192.0.2.9:5270/another node "
	                              "own.example=192.0.2.1:5269/configuration");
	unsigned told = fake_host_announced(host, "resolver");
	fake_host_learn(host, "static_routes",
	                "[{\"domain\":\"own.example\",\"host\":\"192.0.2.66\"},"
	                "{\"domain\":\"new.example\",\"host\":\"192.0.2.7\"}]");
	fake_host_settle(host);
	assert_string_equal(routes(), "new.example=192.0.2.7:5269/another node "
	                              "own.example=192.0.2.1:5269/configuration");
	assert_int_equal(fake_host_announced(host, "resolver"), told + 1);
	struct fw_stanza *answer = fake_host_ask(
	        host, NULL, "resolver",
	        "<resolve xmlns='urn:fedway:resolver:1' domain='new.example'/>", 1000);
	assert_non_null(strstr(fake_host_text(answer), "192.0.2.7"));
	fake_host_done(&answer);
	fake_host_reload(resolver, &config);
	assert_non_null(strstr(routes(), "new.example"));
	fake_host_learn(host, "static_routes", NULL);
	fake_host_settle(host);
	assert_string_equal(routes(), "own.example=192.0.2.1:5269/configuration");
	assert_null(fake_host_notice(host, resolver, "static_routes", NULL));
}

static void rows_that_cannot_be_used_are_told(void **state)
{
	static const char *const rows[] = {
		"{\"domain\":\"a.example\"}",
		"{\"host\":\"192.0.2.1\"}",
		"{\"domain\":\"a.example\",\"host\":\"192.0.2.1\",\"port\":0}",
		"{\"domain\":\"a.example\",\"host\":\"192.0.2.1\",\"port\":65536}",
		"{\"domain\":\"not a domain\",\"host\":\"192.0.2.1\"}",
		"{\"domain\":\"a.example\",\"host\":\"not a host\"}",
		"\"a.example\"",
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		char text[512];
		enum fw_notice_level level = FW_NOTICE_INFO;
		(void)snprintf(text, sizeof(text),
		               "[%s,{\"domain\":\"good%zu.example\",\"host\":\"192.0.2.7\"}]",
		               rows[i], i);
		fake_host_learn(host, "static_routes", text);
		fake_host_settle(host);
		(void)snprintf(text, sizeof(text), "good%zu.example=192.0.2.7:5269", i);
		assert_non_null(strstr(routes(), text));
		assert_null(strstr(routes(), "a.example"));
		assert_non_null(fake_host_notice(host, resolver, "static_routes", &level));
		assert_int_equal(level, FW_NOTICE_YELLOW);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(learned_ones_stand_beside_the_configured, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(rows_that_cannot_be_used_are_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
