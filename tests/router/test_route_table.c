/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The route table: which name serves a domain, what is ours, what is federated.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "router/route_table.h"
#include "tests/router/house.h"

static const char *found(const struct house *house, const char *domain)
{
	const struct route_name *name = NULL;
	int ret = route_table_find(house->router.routes, fw_str(domain), &name);

	if (ret != FW_OK) {
		return ret == FW_ENOENT ? "nobody" : "bad";
	}
	return name->holders->component->id;
}

static void finds_exact_then_longest_suffix_then_default(void **state)
{
	(void)state;
	static const struct {
		const char *domain, *holder, *sentence;
	} rows[] = {
		{ "corp.example", "a", "an exact name" },
		{ "CORP.Example", "a", "in any case" },
		{ "corp.example.", "a", "with a final dot" },
		{ "xcorp.example", "gw", "letters before it are another name" },
		{ "chat.corp.example", "chat", "exact before suffix" },
		{ "x.corp.example", "sub", "a suffix" },
		{ "x.y.corp.example", "sub", "a suffix, two labels up" },
		{ "x.deep.corp.example", "deep", "the longest suffix" },
		{ "deep.corp.example", "sub", "a suffix does not hold its own name" },
		{ "listed.example", "nobody", "listed but not held: never the default" },
		{ "below.wild.example", "nobody", "listed as a suffix, not held" },
		{ "listed.corp.example", "sub", "listed, and a suffix holds it" },
		{ "partner.example", "gw", "all others by default" },
		{ "com", "gw", "one label" },
		{ "resolver.realm-test", "resolver.realm-test", "a service name" },
		{ "realm-test", "nobody", "the realm itself" },
		{ "none.realm-test", "nobody", "in the realm, not held" },
		{ "norealm-test", "gw", "not in the realm" },
		{ "b\xc3\xbc"
		  "cher.example",
		  "idn", "a U-label finds its A-label" },
		{ "xn--bcher-kva.example", "idn", "an A-label" },
		{ "a..b", "bad", "an empty label" },
		{ "", "bad", "no name at all" },
		{ "192.0.2.1", "gw", "an address" },
	};
	struct house house;

	house_open(&house);
	(void)house_guest(&house, "a", "corp.example");
	(void)house_guest(&house, "sub", "*.corp.example");
	(void)house_guest(&house, "deep", "*.deep.Corp.example");
	(void)house_guest(&house, "chat", "chat.corp.example");
	(void)house_guest(&house, "gw", "*");
	(void)house_guest(&house, "resolver.realm-test", NULL);
	(void)house_guest(&house, "idn",
	                  "B\xc3\xbc"
	                  "cher.example");
	house_list(&house, "listed.example", true);
	house_list(&house, "listed.corp.example", true);
	house_list(&house, "*.wild.example", false);
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		print_message("%s\n", rows[i].sentence);
		assert_string_equal(found(&house, rows[i].domain), rows[i].holder);
	}
	house_close(&house);
}

static void knows_what_is_local_and_federated(void **state)
{
	(void)state;
	static const struct {
		const char *domain;
		bool local, federated;
	} rows[] = {
		{ "corp.example", true, true },
		{ "Corp.Example.", true, true },
		{ "inner.example", true, false },
		{ "held.example", true, false },
		{ "a.held.example", false, false },
		{ "a.wild.example", true, true },
		{ "no.wild.example", true, false },
		{ "wild.example", false, false },
		{ "x.suffix.example", true, false },
		{ "partner.example", false, false },
		{ "realm-test", true, false },
		{ "resolver.realm-test", true, false },
		{ "a..b", false, false },
	};
	struct house house;

	house_open(&house);
	house_list(&house, "corp.example", true);
	house_list(&house, "inner.example", false);
	house_list(&house, "*.wild.example", true);
	house_list(&house, "no.wild.example", false);
	(void)house_guest(&house, "h", "held.example");
	(void)house_guest(&house, "s", "*.suffix.example");
	(void)house_guest(&house, "gw", "*");
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		print_message("%s\n", rows[i].domain);
		assert_int_equal(router_domain_is_local(&house.router, fw_str(rows[i].domain)),
		                 rows[i].local);
		assert_int_equal(router_domain_is_federated(&house.router, fw_str(rows[i].domain)),
		                 rows[i].federated);
	}
	house_close(&house);
}

static void binds_and_unbinds(void **state)
{
	(void)state;
	struct house house;
	struct fw_error err = { 0 };

	house_open(&house);
	struct guest *a = house_guest(&house, "a", "corp.example");
	struct guest *b = house_guest(&house, "b", "corp.example");
	assert_int_equal(component_bind(a->component, "CORP.example", &err), FW_EEXIST);
	assert_string_equal(err.text, "a holds \"CORP.example\" already");
	assert_int_equal(component_bind(a->component, "a b", &err), FW_EPARSE);
	assert_int_equal(component_bind(a->component, "*.", &err), FW_EPARSE);
	assert_int_equal(component_unbind(a->component, "corp.example"), FW_OK);
	assert_int_equal(component_unbind(a->component, "corp.example"), FW_ENOENT);
	assert_string_equal(found(&house, "corp.example"), "b");
	assert_int_equal(component_bind(a->component, "policy.", &err), FW_OK);
	assert_string_equal(found(&house, "policy.realm-test"), "a");
	assert_true(component_holds(a->component, fw_str("Policy.realm-test")));
	assert_false(component_holds(b->component, fw_str("policy.realm-test")));
	assert_int_equal(component_unbind(a->component, "policy."), FW_OK);
	assert_string_equal(found(&house, "policy.realm-test"), "nobody");
	assert_false(a->component->gateway);
	assert_int_equal(component_bind(a->component, "*", &err), FW_OK);
	assert_true(a->component->gateway);
	assert_false(component_holds(a->component, fw_str("partner.example")));
	assert_int_equal(component_unbind(a->component, "*"), FW_OK);
	assert_false(a->component->gateway);
	assert_string_equal(found(&house, "partner.example"), "nobody");
	component_remove(&b->component);
	assert_string_equal(found(&house, "corp.example"), "nobody");
	house_close(&house);
}

static void relists_at_once(void **state)
{
	(void)state;
	struct house house;

	house_open(&house);
	struct route_table *routes = house.router.routes;
	house_list(&house, "old.example", true);
	house_list(&house, "both.example", false);
	uint64_t before = route_table_generation(routes);
	assert_int_equal(route_table_want(routes, "new.example"), FW_OK);
	assert_int_equal(route_table_want(routes, "both.example"), FW_OK);
	assert_int_equal(route_table_want(routes, "not a name"), FW_EPARSE);
	assert_false(route_table_is_local(routes, fw_str("new.example")));
	route_table_list_begin(routes);
	route_table_list(routes, "new.example", false);
	route_table_list(routes, "both.example", true);
	route_table_list(routes, "both.example", false);
	route_table_list_end(routes);
	assert_false(route_table_is_local(routes, fw_str("old.example")));
	assert_true(route_table_is_local(routes, fw_str("new.example")));
	assert_true(route_table_is_federated(routes, fw_str("both.example")));
	assert_true(route_table_generation(routes) != before);
	house_close(&house);
}

static void holds_many_names(void **state)
{
	(void)state;
	enum { MANY = 20000 };
	struct house house;
	struct fw_error err = { 0 };
	char domain[64];
	size_t walked = 0;

	house_open(&house);
	struct guest *a = house_guest(&house, "a", "*");
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(domain, sizeof(domain), "d%d.example", i);
		assert_int_equal(component_bind(a->component, domain, &err), FW_OK);
	}
	for (int i = 0; i < MANY; i += 7) {
		(void)snprintf(domain, sizeof(domain), "d%d.example", i);
		assert_true(component_holds(a->component, fw_str(domain)));
	}
	for (const struct route_name *name = NULL;
	     (name = route_table_next(house.router.routes, name)) != NULL;) {
		walked++;
	}
	assert_int_equal(walked, MANY + 2);
	house_close(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_exact_then_longest_suffix_then_default),
		cmocka_unit_test(knows_what_is_local_and_federated),
		cmocka_unit_test(binds_and_unbinds),
		cmocka_unit_test(relists_at_once),
		cmocka_unit_test(holds_many_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
