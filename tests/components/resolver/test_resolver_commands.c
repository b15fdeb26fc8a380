/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * `dns show` and `dns flush` on a resolver that asks a real DNS server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fedway/json.h>

#include "components/resolver/resolver.h"
#include "tests/components/resolver/dns_servers.h"
#include "tests/support/fake_host.h"

extern const struct fw_component resolver_LTX_fw_component;

static struct resolver_static_row row = { .domain = "six.example",
	                                  .host = "192.0.2.1",
	                                  .port = 5269,
	                                  .fallback = RESOLVER_FALLBACK_DNS };
static struct resolver_config config;
static struct fake_host *host;
static struct fw_self *resolver;

static void ask(const char *domain, const char *more)
{
	char payload[256];

	snprintf(payload, sizeof(payload),
	         "<resolve xmlns='urn:fedway:resolver:1' domain='%s' %s/>", domain, more);
	struct fw_stanza *answer = fake_host_ask(host, NULL, "resolver", payload, 10000);
	assert_non_null(answer);
	fake_host_done(&answer);
}

static int setup(void **state)
{
	(void)state;
	config = (struct resolver_config){
		.static_routes = { &row, 1 },
		.static_routes_enabled = true,
		.servers = { dns_servers, 1 },
		.timeout_ms = 1000,
		.tries = 2,
		.lookup_timeout_ms = 5000,
		.ttl_max_s = 86400,
		.negative_ttl_max_s = 60,
		.cache_max_entries = 100,
		.pending_max = 100,
		.ipv4 = true,
		.ipv6 = true,
		.direct_tls = true,
	};
	host = fake_host_new();
	resolver = fake_host_start(host, &resolver_LTX_fw_component, &config, NULL);
	assert_non_null(resolver);
	ask("onlytls.example", "");
	ask("none.example", "");
	ask("none.example", "");
	ask("six.example", "");
	ask("six.example", "skip='static'");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_host_free(&host);
	return 0;
}

/* The command's answer as one text, without the seconds, which pass. */
static const char *command(const char *name, const char *args)
{
	static char out[4096];
	struct fw_json *answer = fake_host_command(host, resolver, name, args, 1000);
	const struct fw_json *entries = fw_json_get(answer, "entries");
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < fw_json_count(entries); i++) {
		const struct fw_json *entry = fw_json_at(entries, i);
		int64_t left_s = fw_json_int(fw_json_get(entry, "left_s"));

		assert_true(left_s > 0 && left_s <= 86400);
		used += (size_t)snprintf(out + used, sizeof(out) - used,
		                         "%.*s %.*s %.*s hits=%d %.*s\n",
		                         FW_STR_ARG(fw_json_text(fw_json_get(entry, "domain"))),
		                         FW_STR_ARG(fw_json_text(fw_json_get(entry, "source"))),
		                         FW_STR_ARG(fw_json_text(fw_json_get(entry, "result"))),
		                         (int)fw_json_int(fw_json_get(entry, "hits")),
		                         FW_STR_ARG(fw_json_text(fw_json_get(entry, "targets"))));
	}
	if (entries == NULL) {
		struct fw_str error = fw_json_text(fw_json_get(answer, "error"));
		snprintf(out, sizeof(out), "%.*s%d", FW_STR_ARG(error),
		         (int)fw_json_int(fw_json_get(answer, "flushed")));
	}
	fw_json_free(&answer);
	return out;
}

static void all_that_is_remembered_is_shown(void **state)
{
	(void)state;
	assert_string_equal(command("dns show", NULL),
	                    "onlytls.example srv found hits=0 host2.example[127.0.0.12:5270]tls\n"
	                    "none.example srv dns-no-service hits=1 \n"
	                    "six.example static found hits=0 192.0.2.1[192.0.2.1:5269]\n"
	                    "six.example srv found hits=0 six.example[[::16]:5269]\n");
	assert_string_equal(command("dns show", "{\"domain\": \"NONE.example\"}"),
	                    "none.example srv dns-no-service hits=1 \n");
	assert_string_equal(command("dns show", "{\"domain\": \"never.example\"}"), "");
	assert_string_equal(command("dns show", "{\"domain\": \"a b\"}"), "'a b' is not a domain0");
}

static void what_is_flushed_is_asked_again(void **state)
{
	(void)state;
	assert_string_equal(command("dns flush", "{\"domain\": \"six.example\"}"), "2");
	assert_string_equal(command("dns flush", "{\"domain\": \"six.example\"}"), "0");
	assert_string_equal(command("dns show", "{\"domain\": \"six.example\"}"), "");
	ask("six.example", "");
	assert_string_equal(command("dns show", "{\"domain\": \"six.example\"}"),
	                    "six.example static found hits=0 192.0.2.1[192.0.2.1:5269]\n");
	assert_string_equal(command("dns flush", NULL), "3");
	assert_string_equal(command("dns show", NULL), "");
	assert_string_equal(command("dns flush", "{\"domain\": \"a b\"}"),
	                    "'a b' is not a domain0");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_that_is_remembered_is_shown),
		TEST(what_is_flushed_is_asked_again),
	};

	return cmocka_run_group_tests_name("resolver commands", tests, dns_servers_start,
	                                   dns_servers_stop);
}
