/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The resolver against a real DNS server with a zone of our own, and one that never answers; both
 * are in dns_servers.c. FAKE_HOST_LOG=1 shows the log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "components/resolver/resolver.h"
#include "tests/components/resolver/dns_servers.h"
#include "tests/support/fake_host.h"

extern const struct fw_component resolver_LTX_fw_component;

static struct resolver_config config;
static struct fake_host *host;
static struct fw_self *resolver;

static int setup(void **state)
{
	struct fw_error err = { 0 };

	(void)state;
	config = (struct resolver_config){
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
	resolver = fake_host_start(host, &resolver_LTX_fw_component, &config, &err);
	assert_string_equal(err.text, "");
	return resolver != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fake_host_free(&host);
	return 0;
}

static struct fw_stanza *ask(const char *domain)
{
	char payload[512];

	snprintf(payload, sizeof(payload), "<resolve xmlns='urn:fedway:resolver:1' domain='%s'/>",
	         domain);
	struct fw_stanza *answer = fake_host_ask(host, NULL, "resolver", payload, 10000);
	if (answer == NULL) {
		fail_msg("%s: no answer", domain);
	}
	return answer;
}

/* "source ttl ip:port(host) …" of an answer, with "tls" behind direct TLS; or the name of its
 * cause. */
static const char *short_form(struct fw_stanza *answer)
{
	static char text[2048];
	struct fw_str cause = fake_host_cause(answer);
	struct fw_elem *targets = fw_elem_find(fw_stanza_root(answer), "targets", RESOLVER_NS);
	size_t used = 0;

	if (targets == NULL) {
		snprintf(text, sizeof(text), "%.*s", FW_STR_ARG(cause));
		return text;
	}
	used = (size_t)snprintf(text, sizeof(text), "%.*s %.*s",
	                        FW_STR_ARG(fw_elem_attr(targets, "source")),
	                        FW_STR_ARG(fw_elem_attr(targets, "ttl")));
	for (struct fw_elem *target = fw_elem_first(targets); target != NULL;
	     target = fw_elem_next(target)) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %.*s:%.*s(%.*s)%s",
		                         FW_STR_ARG(fw_elem_attr(target, "ip")),
		                         FW_STR_ARG(fw_elem_attr(target, "port")),
		                         FW_STR_ARG(fw_elem_attr(target, "host")),
		                         fw_str_is(fw_elem_attr(target, "tls"), "direct") ? "tls"
		                                                                          : "");
	}
	return text;
}

/* Same but for the TTL, which may have lost a few seconds in somebody's memory. */
static bool is_like(const char *got, const char *wanted)
{
	char got_source[16], wanted_source[16];
	int got_ttl, wanted_ttl, got_rest = 0, wanted_rest = 0;

	if (sscanf(got, "%15s %d%n", got_source, &got_ttl, &got_rest) != 2 ||
	    sscanf(wanted, "%15s %d%n", wanted_source, &wanted_ttl, &wanted_rest) != 2) {
		return strcmp(got, wanted) == 0;
	}
	return strcmp(got_source, wanted_source) == 0 && got_ttl <= wanted_ttl &&
	       got_ttl + 10 >= wanted_ttl && strcmp(got + got_rest, wanted + wanted_rest) == 0;
}

/* With two spellings: which family comes first depends on the machine (RFC 6724). */
static void check_either(const char *domain, const char *wanted, const char *or_else)
{
	struct fw_stanza *answer = ask(domain);
	const char *got = short_form(answer);

	if (!is_like(got, wanted) && !is_like(got, or_else)) {
		fail_msg("%s: '%s', wanted '%s' or '%s'", domain, got, wanted, or_else);
	}
	fake_host_done(&answer);
}

static void check(const char *domain, const char *wanted)
{
	check_either(domain, wanted, wanted);
}

static void test_dns(void **state)
{
	static const struct {
		const char *domain, *wanted;
		const char *or_else; /* the other order of families */
	} rows[] = {
		{ "srv.example",
		  "srv 60 127.0.0.11:5269(host1.example) ::11:5269(host1.example) "
		  "127.0.0.12:5270(host2.example)",
		  "srv 60 ::11:5269(host1.example) 127.0.0.11:5269(host1.example) "
		  "127.0.0.12:5270(host2.example)" },
		{ "none.example", "dns-no-service", NULL },
		{ "plain.example",
		  "address 20 127.0.0.14:5269(plain.example) ::14:5269(plain.example)",
		  "address 20 ::14:5269(plain.example) 127.0.0.14:5269(plain.example)" },
		{ "dead.example", "dns-not-found", NULL }, /* not its A record */
		{ "half.example", "srv 60 127.0.0.12:5269(host2.example)", NULL },
		{ "viaalias.example",
		  "srv 300 127.0.0.14:5269(alias.example) ::14:5269(alias.example)",
		  "srv 300 ::14:5269(alias.example) 127.0.0.14:5269(alias.example)" },
		{ "six.example", "srv 300 ::16:5269(six.example)", NULL },
		{ "empty.example", "dns-not-found", NULL },
		{ "both.example",
		  "srv 60 127.0.0.12:5270(host2.example)tls 127.0.0.12:5269(host2.example) "
		  "127.0.0.12:5271(host2.example)tls",
		  NULL },
		{ "onlytls.example", "srv 60 127.0.0.12:5270(host2.example)tls", NULL },
		{ "nodirect.example", "srv 60 127.0.0.12:5269(host2.example)", NULL },
		{ "dottls.example", "dns-no-service", NULL }, /* not its A record: XEP-0368 §5 */
		{ "dots.example", "dns-no-service", NULL },
		{ "plaindot.example", "srv 60 127.0.0.12:5270(host2.example)tls", NULL },
		{ "refusestls.example", "srv 60 127.0.0.12:5269(host2.example)", NULL },
		{ "refusesplain.example", "srv 60 127.0.0.12:5270(host2.example)tls", NULL },
		{ "dropstls.example", "srv 60 127.0.0.12:5269(host2.example)", NULL },
		{ "refusesdot.example", "dns-failed", NULL },
		{ "refusesnone.example", "address 20 127.0.0.17:5269(refusesnone.example)", NULL },
		{ "loop.example", "dns-not-found", NULL },
		{ "nowhere.example", "dns-not-found", NULL },
		{ "broken.example", "dns-failed", NULL },
		{ "host.broken", "dns-failed", NULL },
		{ "192.0.2.7", "address 86400 192.0.2.7:5269(192.0.2.7)", NULL },
		{ "[2001:db8::7]", "address 86400 2001:db8::7:5269(2001:db8::7)", NULL },
		{ "", "bad-address", NULL },
		{ "not a domain", "bad-address", NULL },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		check_either(rows[i].domain, rows[i].wanted,
		             rows[i].or_else != NULL ? rows[i].or_else : rows[i].wanted);
	}
	/* an alias for the SRV name gives the same as srv.example */
	struct fw_stanza *answer = ask("srvalias.example");
	assert_non_null(strstr(short_form(answer), "127.0.0.12:5270(host2.example)"));
	fake_host_done(&answer);
	/* U-label and A-label are one domain */
	answer = ask("B\xc3\x9c"
	             "CHER.example");
	assert_non_null(strstr(short_form(answer), "127.0.0.11:5269(host1.example)"));
	fake_host_done(&answer);
	assert_int_equal(fake_host_logged(host,
	                                  "puny=xn--bcher-kva.example service=_xmpp-server._tcp "
	                                  "default=5269 source=srv dns-timings=(TOTAL:0."),
	                 1);
	assert_int_equal(fake_host_logged(host, "result=dns-no-service"), 3);
	/* One service fails and the other serves: the log says so. */
	assert_int_equal(fake_host_logged(host, "detail=_xmpps-server._tcp: "), 4);
	assert_int_equal(fake_host_logged(host, "detail=_xmpp-server._tcp: "), 2);
	assert_int_equal(fake_host_logged(host, "detail=_xmpps-server._tcp: much slower"), 1);
}

static void test_families(void **state)
{
	struct resolver_config only = config;

	(void)state;
	only.ipv6 = false;
	fake_host_reload(resolver, &only);
	check("plain.example", "address 20 127.0.0.14:5269(plain.example)");
	check("six.example", "dns-not-found");
	only.ipv6 = true;
	only.ipv4 = false;
	fake_host_reload(resolver, &only);
	check("plain.example", "address 20 ::14:5269(plain.example)");
	fake_host_reload(resolver, &config);
}

static unsigned lookups_of(const char *domain)
{
	char text[128];
	snprintf(text, sizeof(text), "puny=%s service", domain);
	return fake_host_logged(host, text);
}

/* Value of the counter with this name. */
static uint64_t counted(const char *name)
{
	const struct fw_counter *rows = fw_self_component(resolver)->counters;
	unsigned id = 0;

	while (rows[id].name != NULL && strcmp(rows[id].name, name) != 0) {
		id++;
	}
	assert_non_null(rows[id].name);
	return fw_self_counter(resolver, id);
}

static void test_cache(void **state)
{
	struct resolver_config other = config;
	struct fw_stanza *answer;
	uint64_t queries = counted("queries"), hits = counted("cache_hits");
	uint64_t lookups = counted("lookups"), answered = counted("answered");
	uint64_t negative = counted("negative"), refused = counted("refused");

	(void)state;
	for (int i = 0; i < 3; i++) {
		check("six.example", "srv 300 ::16:5269(six.example)");
		check("none.example", "dns-no-service");
		check("nowhere.example", "dns-not-found");
	}
	assert_int_equal(counted("queries") - queries, 9);
	assert_int_equal(counted("cache_hits") - hits, 6);
	assert_int_equal(counted("lookups") - lookups, 3);
	assert_int_equal(counted("answered") - answered, 3);
	assert_int_equal(counted("negative") - negative, 6);
	assert_int_equal(counted("refused") - refused, 0);
	assert_int_equal(lookups_of("six.example"), 1);
	assert_int_equal(lookups_of("none.example"), 1);
	assert_int_equal(lookups_of("nowhere.example"), 1);
	assert_int_equal(fake_host_logged(host, "puny=nowhere.example service=_xmpp-server._tcp "
	                                        "default=5269 source=address"),
	                 1);
	assert_int_equal(fake_host_logged(host, "ttl=20 result=dns-not-found"), 1); /* the SOA's */
	check("broken.example", "dns-failed"); /* is asked again */
	check("broken.example", "dns-failed");
	assert_int_equal(lookups_of("broken.example"), 2);
	answer = ask("six.example");
	assert_non_null(strstr(fake_host_text(answer), "total_us='0' srv_us='0' addr_us='0'"));
	fake_host_done(&answer);

	other.negative_ttl_max_s = 5;
	other.ttl_max_s = 7;
	fake_host_reload(resolver, &other); /* and the cache is empty */
	check("nowhere.example", "dns-not-found");
	assert_int_equal(fake_host_logged(host, "ttl=5 result=dns-not-found"), 1);
	check("six.example", "srv 7 ::16:5269(six.example)");
	fake_host_reload(resolver, &config);
}

static bool has_ten(void *ctx)
{
	(void)ctx;
	return fake_host_waiting(host) == 10;
}

static void test_parallel_questions_share(void **state)
{
	char id[16];

	(void)state;
	for (int i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "q%d", i);
		fake_host_request(
		        host, NULL, id, "resolver",
		        i % 2 != 0
		                ? "<resolve xmlns='urn:fedway:resolver:1' domain='six.example'/>"
		                : "<resolve xmlns='urn:fedway:resolver:1' domain='SIX.example.'/>");
	}
	assert_true(fake_host_run_until(host, has_ten, NULL, 5000));
	assert_int_equal(lookups_of("six.example"), 1);
	for (int i = 0; i < 10; i++) {
		struct fw_stanza *answer = fake_host_take(host);
		assert_true(is_like(short_form(answer), "srv 300 ::16:5269(six.example)"));
		fake_host_done(&answer);
	}
}

static void test_silent_server(void **state)
{
	struct resolver_config silent = config;

	(void)state;
	silent.servers.items = dns_silent_servers;
	silent.timeout_ms = 20;
	silent.tries = 2;
	fake_host_reload(resolver, &silent);
	check("six.example", "dns-failed");
	assert_int_equal(fake_host_logged(host, "result=dns-failed detail=_xmpp"), 1);

	silent.timeout_ms = 60000;
	silent.lookup_timeout_ms = 30;
	fake_host_reload(resolver, &silent);
	check("six.example", "dns-failed");
	assert_int_equal(fake_host_logged(host, "detail=no answer within lookup_timeout_ms"), 1);
	fake_host_reload(resolver, &config);
}

static bool has_one(void *ctx)
{
	(void)ctx;
	return fake_host_waiting(host) > 0;
}

static const char ask_six[] = "<resolve xmlns='urn:fedway:resolver:1' domain='six.example'/>";

static void test_reload_under_way(void **state)
{
	struct resolver_config silent = config;

	(void)state;
	silent.servers.items = dns_silent_servers;
	fake_host_reload(resolver, &silent);
	fake_host_request(host, NULL, "waits", "resolver", ask_six);
	fake_host_settle(host);
	assert_int_equal(fake_host_waiting(host), 0);
	fake_host_reload(resolver, &config); /* now with a server that answers */
	assert_true(fake_host_run_until(host, has_one, NULL, 5000));
	struct fw_stanza *answer = fake_host_take(host);
	assert_true(is_like(short_form(answer), "srv 300 ::16:5269(six.example)"));
	fake_host_done(&answer);
}

static void test_stop_and_drain_under_way(void **state)
{
	struct resolver_config silent = config;

	(void)state;
	silent.servers.items = dns_silent_servers;
	silent.timeout_ms = 20;
	fake_host_reload(resolver, &silent);
	fake_host_request(host, NULL, "waits", "resolver", ask_six);
	fake_host_settle(host);
	fake_host_drain(resolver);
	assert_false(fake_host_drained(resolver)); /* it finishes what is under way */
	fake_host_request(host, NULL, "late", "resolver", ask_six);
	assert_true(fake_host_run_until(host, has_one, NULL, 1000));
	struct fw_stanza *answer = fake_host_take(host);
	assert_string_equal(short_form(answer), "component-draining");
	fake_host_done(&answer);
	assert_true(fake_host_run_until(host, has_one, NULL, 5000));
	answer = fake_host_take(host);
	assert_string_equal(short_form(answer), "dns-failed");
	fake_host_done(&answer);
	assert_true(fake_host_drained(resolver));
}

static void test_stop_under_way(void **state)
{
	struct resolver_config silent = config;

	(void)state;
	silent.servers.items = dns_silent_servers;
	fake_host_reload(resolver, &silent);
	fake_host_request(host, NULL, "waits", "resolver", ask_six);
	fake_host_settle(host);
	fake_host_stop(host, &resolver);
	fake_host_settle(host);
	struct fw_stanza *answer = fake_host_take(host);
	assert_string_equal(short_form(answer), "component-gone");
	fake_host_done(&answer);
}

static void test_limit(void **state)
{
	struct resolver_config small = config;

	(void)state;
	small.servers.items = dns_silent_servers;
	small.pending_max = 1;
	fake_host_reload(resolver, &small);
	fake_host_request(host, NULL, "waits", "resolver", ask_six);
	fake_host_request(host, NULL, "over", "resolver", ask_six);
	assert_true(fake_host_run_until(host, has_one, NULL, 1000));
	struct fw_stanza *answer = fake_host_take(host);
	assert_string_equal(short_form(answer), "resource-constraint");
	assert_true(fw_str_is(fw_stanza_id(answer), "over"));
	fake_host_done(&answer);
}

/* ---- static routes ---- */

static void test_static(void **state)
{
	struct resolver_static_row rows[] = {
		{ .domain = "srv.example", .host = "192.0.2.1", .port = 5269 },
		{ .domain = "Srv.example", .host = "[2001:db8::1]", .port = 5270 },
		{ .domain = "named.example", .host = "plain.example", .port = 5271 },
		{ .domain = "lost.example", .host = "nohost.example", .port = 5269 },
		{ .domain = "mixed.example", .host = "nohost.example", .port = 1 },
		{ .domain = "mixed.example", .host = "192.0.2.9", .port = 2 },
	};
	struct resolver_config with = config;
	bool first_seen[2] = { false, false };

	(void)state;
	with.static_routes = (struct fw_rows){ rows, FW_COUNT(rows) };
	fake_host_reload(resolver, &with);
	fake_host_settle(host);
	assert_int_equal(fake_host_announced(host, "resolver"), 2); /* start, and the change */
	for (int i = 0; i < 64; i++) { /* DNS is not asked, and the order changes */
		struct fw_stanza *answer = ask("srv.example");
		const char *text = short_form(answer);
		bool one = is_like(text, "static 86400 192.0.2.1:5269(192.0.2.1) "
		                         "2001:db8::1:5270(2001:db8::1)");
		bool two = is_like(text, "static 86400 2001:db8::1:5270(2001:db8::1) "
		                         "192.0.2.1:5269(192.0.2.1)");
		if (!one && !two) {
			fail_msg("srv.example: %s", text);
		}
		first_seen[two] = true;
		fake_host_done(&answer);
	}
	assert_true(first_seen[0] && first_seen[1]);
	check_either("named.example",
	             "static 300 127.0.0.14:5271(plain.example) ::14:5271(plain.example)",
	             "static 300 ::14:5271(plain.example) 127.0.0.14:5271(plain.example)");
	check("lost.example", "static-route-failed");
	check("mixed.example", "static 86400 192.0.2.9:2(192.0.2.9)");
	struct fw_stanza *answer = fake_host_ask(host, NULL, "resolver",
	                                         "<static xmlns='urn:fedway:resolver:1'/>", 1000);
	assert_non_null(
	        strstr(fake_host_text(answer),
	               "<domain name='lost.example'/><domain name='mixed.example'/>"
	               "<domain name='named.example'/><domain name='srv.example'/></static>"));
	fake_host_done(&answer);

	struct resolver_config off = with;
	off.static_routes_enabled = false;
	fake_host_reload(resolver, &off);
	fake_host_settle(host);
	assert_int_equal(fake_host_announced(host, "resolver"), 3);
	answer = ask("srv.example");
	assert_non_null(strstr(short_form(answer), "127.0.0.12:5270(host2.example)"));
	fake_host_done(&answer);
	answer = fake_host_ask(host, NULL, "resolver", "<static xmlns='urn:fedway:resolver:1'/>",
	                       1000);
	assert_null(strstr(fake_host_text(answer), "<domain"));
	fake_host_done(&answer);
	fake_host_reload(resolver, &config);
}

static const char *ask_skip(const char *domain)
{
	static char text[256];
	char payload[256];

	snprintf(payload, sizeof(payload),
	         "<resolve xmlns='urn:fedway:resolver:1' domain='%s' skip='static'/>", domain);
	struct fw_stanza *answer = fake_host_ask(host, NULL, "resolver", payload, 10000);
	assert_non_null(answer);
	snprintf(text, sizeof(text), "%s", short_form(answer));
	fake_host_done(&answer);
	return text;
}

static void test_static_fallback(void **state)
{
	struct resolver_static_row rows[] = {
		{ .domain = "six.example", .host = "192.0.2.1", .port = 1, .priority = 2 },
		{ .domain = "six.example",
		  .host = "192.0.2.2",
		  .port = 2,
		  .priority = 1,
		  .tls = FW_TARGET_DIRECT_TLS },
		{ .domain = "half.example", .host = "nohost.example", .port = 3 },
		{ .domain = "none.example", .host = "192.0.2.3", .port = 3 },
	};
	struct resolver_config with = config;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		rows[i].fallback = RESOLVER_FALLBACK_DNS;
	}
	with.static_routes = (struct fw_rows){ rows, FW_COUNT(rows) };
	fake_host_reload(resolver, &with);
	for (int i = 0; i < 2; i++) { /* looked up, and from memory */
		check("six.example",
		      "static 86400 192.0.2.2:2(192.0.2.2)tls 192.0.2.1:1(192.0.2.1)");
		assert_true(is_like(ask_skip("six.example"), "srv 300 ::16:5269(six.example)"));
		/* The name of the static host is not found: DNS is asked at once, and again soon.
		 */
		check("half.example", "srv 60 127.0.0.12:5269(host2.example)");
		check("none.example", "static 86400 192.0.2.3:3(192.0.2.3)");
	}
	/* Without static routes there is nothing to skip. */
	assert_true(
	        is_like(ask_skip("onlytls.example"), "srv 60 127.0.0.12:5270(host2.example)tls"));
	struct fw_stanza *answer = ask("six.example");
	assert_non_null(strstr(fake_host_text(answer), "fallback='dns'"));
	assert_non_null(strstr(fake_host_text(answer), "tls='direct' priority='1' weight='0'"));
	fake_host_done(&answer);
	answer = ask("none.example");
	assert_null(strstr(fake_host_text(answer), "fallback"));
	fake_host_done(&answer);
	fake_host_reload(resolver, &config);
}

static void test_check(void **state)
{
	static const char *const bad_servers[] = { "127.0.0.1:53", "nonsense" };
	struct resolver_static_row bad_host = { .domain = "a.example", .host = "not a host" };
	struct resolver_static_row bad_domain = { .domain = "a b", .host = "192.0.2.1" };
	struct resolver_static_row disagree[] = {
		{ .domain = "b.example", .host = "192.0.2.1", .fallback = RESOLVER_FALLBACK_DNS },
		{ .domain = "a.example", .host = "192.0.2.1" },
		{ .domain = "B.example", .host = "192.0.2.2" },
	};
	struct resolver_config wrong = config;
	struct fw_error err = { 0 };

	(void)state;
	assert_int_equal(resolver_LTX_fw_component.check(&config, &err), FW_OK);
	wrong.ipv4 = wrong.ipv6 = false;
	assert_int_equal(resolver_LTX_fw_component.check(&wrong, &err), FW_EINVAL);
	wrong = config;
	wrong.servers = (struct fw_strings){ bad_servers, 2 };
	assert_int_equal(resolver_LTX_fw_component.check(&wrong, &err), FW_EINVAL);
	assert_string_equal(err.text, "servers: '127.0.0.1:53,nonsense' is no list of addresses");
	wrong = config;
	wrong.static_routes = (struct fw_rows){ &bad_host, 1 };
	assert_int_equal(resolver_LTX_fw_component.check(&wrong, &err), FW_EINVAL);
	assert_string_equal(err.text, "static_routes: host 'not a host' of a.example is neither an "
	                              "address nor a name");
	wrong.static_routes = (struct fw_rows){ &bad_domain, 1 };
	assert_int_equal(resolver_LTX_fw_component.check(&wrong, &err), FW_EINVAL);
	assert_string_equal(err.text, "static_routes: 'a b' is not a domain");
	wrong.static_routes = (struct fw_rows){ disagree, FW_COUNT(disagree) };
	assert_int_equal(resolver_LTX_fw_component.check(&wrong, &err), FW_EINVAL);
	assert_string_equal(err.text,
	                    "static_routes: rows 1 and 3, both of b.example, have fallback "
	                    "\"dns\" and \"none\": give them the same");
}

static void test_strangers(void **state)
{
	struct fw_stanza *answer =
	        fake_host_ask(host, "partner.example", "resolver", ask_six, 1000);

	(void)state;
	assert_string_equal(short_form(answer), "policy-denied");
	fake_host_done(&answer);
	answer = fake_host_ask(host, NULL, "resolver", "<other xmlns='urn:fedway:resolver:1'/>",
	                       1000);
	assert_string_equal(short_form(answer), "unhandled");
	fake_host_done(&answer);
	assert_int_equal(lookups_of("six.example"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_dns),
		TEST(test_families),
		TEST(test_cache),
		TEST(test_parallel_questions_share),
		TEST(test_silent_server),
		TEST(test_reload_under_way),
		TEST(test_stop_and_drain_under_way),
		TEST(test_stop_under_way),
		TEST(test_limit),
		TEST(test_static),
		TEST(test_static_fallback),
		TEST(test_check),
		TEST(test_strangers),
	};

	return cmocka_run_group_tests_name("resolver", tests, dns_servers_start, dns_servers_stop);
}
