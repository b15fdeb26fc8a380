/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_router.c: the rows themselves, defaults, checks of single values, the
 * realm.
 */
#include "tests/config/config_test.h"

#include <fedway/log.h>

#include "config/config_router.h"

/* What every row of ours owes to its reader. */
static void check_rows(const struct fw_option *rows, const char *section)
{
	for (const struct fw_option *row = rows; row->name != NULL; row++) {
		bool number = row->type == FW_OPTION_U16 || row->type == FW_OPTION_U32 ||
		              row->type == FW_OPTION_U64;
		if (row->help == NULL || row->help[strlen(row->help) - 1] == '.') {
			fail_msg("%s.%s: help is one sentence without full stop", section,
			         row->name);
		}
		if (number && row->max == 0) {
			fail_msg("%s.%s: a number has a range", section, row->name);
		}
		if ((row->type == FW_OPTION_CHOICE) != (row->choices != NULL) ||
		    (row->type == FW_OPTION_ROWS) != (row->rows != NULL) ||
		    (row->type == FW_OPTION_ROWS) != (row->row_size > 0)) {
			fail_msg("%s.%s: incomplete", section, row->name);
		}
		if (number && strstr(row->name, "_ms") != NULL) {
			assert_string_equal(row->unit, "ms");
		}
		if (row->rows != NULL) {
			check_rows(row->rows, row->name);
		}
	}
}

static void test_rows_are_complete(void **state)
{
	(void)state;
	check_rows(config_router_rows, "router");
}

static void test_defaults(void **state)
{
	struct config *config = load_good("");
	const struct config_router *router = &config->router;

	(void)state;
	assert_string_not_equal(router->realm, "");
	assert_string_equal(router->module_path, "");
	assert_string_equal(router->control_socket, "/run/fedway/control.sock");
	assert_string_equal(router->pid_file, "");
	assert_string_equal(router->log_file, "-");
	assert_int_equal(router->log_level, FW_LOG_INFO);
	assert_int_equal(router->listen.count, 0);
	assert_int_equal(router->components.count, 0);
	assert_int_equal(router->link_queue_max_stanzas, 10000);
	assert_int_equal(router->link_queue_max_bytes, 16777216);
	assert_int_equal(router->link_handshake_timeout_ms, 10000);
	assert_int_equal(router->link_unauthenticated_max, 100);
	assert_int_equal(router->stanza_max_bytes, 262144);
	assert_int_equal(router->drain_timeout_ms, 10000);
	config_free(&config);
}

static void test_defaults_of_groups(void **state)
{
	struct config *config =
	        load_good("listen = ( { } ); domains = ( { name = \"a.example\"; } );"
	                  "links = ( { name = \"l.example\"; secret = \"s\"; } );"
	                  "uplinks = ( { name = \"u.example\"; secret = \"s\"; } );"
	                  "log_levels = ( { logger = \"stream.*\"; level = \"debug\"; } );"
	                  "components = ( { module = \"x\"; enabled = false; } );");
	const struct config_router *router = &config->router;
	const struct config_listen *listen = router->listen.items;
	const struct config_domain *domain = router->domains.items;
	const struct config_link *link = router->links.items;
	const struct config_uplink *uplink = router->uplinks.items;
	const struct config_log_level *level = router->log_levels.items;

	(void)state;
	assert_string_equal(listen->address, "127.0.0.1");
	assert_int_equal(listen->port, 7400);
	assert_false(domain->federation);
	assert_int_equal(link->conflict, CONFIG_CONFLICT_REFUSE);
	assert_true(link->check_from);
	assert_int_equal(link->priority, 10);
	assert_int_equal(link->weight, 10);
	assert_int_equal(link->domains.count, 0);
	assert_string_equal(uplink->host, "127.0.0.1");
	assert_int_equal(uplink->port, 5347);
	assert_true(uplink->check_from);
	assert_int_equal(uplink->retry_min_ms, 1000);
	assert_int_equal(uplink->retry_max_ms, 60000);
	assert_string_equal(level->logger, "stream.*");
	assert_int_equal(level->level, FW_LOG_DEBUG);
	config_free(&config);
}

static void test_single_values(void **state)
{
	static const struct {
		const char *text, *problems;
	} rows[] = {
		{ "realm = \"edge-example-net\";", "" },
		{ "realm = \"edge.example\";", "<text>:1: realm = \"edge.example\": only letters, "
		                               "digits, '-' and '_' are allowed\n" },
		{ "listen = ( { address = \"::\"; } );", "" },
		{ "listen = ( { address = \"localhost\"; } );",
		  "<text>:1: address = \"localhost\": not an IPv4 or IPv6 address\n" },
		{ "domains = ( { name = \"b\xc3\xbc"
		  "cher.example\"; } );",
		  "" },
		{ "domains = ( { name = \"a..example\"; } );",
		  "<text>:1: name = \"a..example\": not a domain name\n" },
		{ "domains = ( { name = \"\"; } );", "<text>:1: name = \"\": not a domain name\n" },
		{ "domains = ( { name = \"user@example.org\"; } );",
		  "<text>:1: name = \"user@example.org\": not a domain name\n" },
		{ "links = ( { name = \"a.example\"; secret = \"s\"; domains = ( \"*\", "
		  "\"*.b.example\", "
		  "\"c.example\" ); } );",
		  "" },
		{ "links = ( { name = \"a.example\"; secret = \"s\"; domains = ( \"*b.example\" ); "
		  "} );",
		  "<text>:1: domains = \"*b.example\": not a domain name\n" },
		{ "links = ( { name = \"a.example\"; secret = \"s\"; conflict = \"fight\"; } );",
		  "<text>:1: conflict = \"fight\": one of \"refuse\", \"replace\", \"share\" is "
		  "wanted\n" },
		{ "uplinks = ( { name = \"a.example\"; secret = \"s\"; host = \"im.example\"; } );",
		  "<text>:1: host = \"im.example\": not an IPv4 or IPv6 address\n" },
		{ "uplinks = ( { name = \"a.example\"; secret = \"s\"; weight = 0; } );",
		  "<text>:1: weight = 0 is out of range: 1 to 65535 is allowed\n" },
		{ "stanza_max_bytes = 9999;",
		  "<text>:1: stanza_max_bytes = 9999 is out of range: 10000 to 16777216 bytes is "
		  "allowed\n" },
		{ "components = ( { module = \"../x\"; enabled = false; } );",
		  "<text>:1: module = \"../x\": only letters, digits, '-' and '_' are allowed\n" },
		{ "log_levels = ( { logger = \"\"; level = \"info\"; } );",
		  "<text>:1: logger = \"\" has 0 bytes: 1 to 63 are allowed\n" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_problems(rows[i].text, rows[i].problems);
	}
}

static void test_realm_of_a_host(void **state)
{
	static const struct {
		const char *host, *realm;
	} rows[] = {
		{ "edge.example.net", "edge-example-net" },
		{ "EDGE", "edge" },
		{ "a_b.example.", "a-b-example" },
		{ "...", "fedway" },
		{ "", "fedway" },
		{ "b\xc3\xbc"
		  "cher",
		  "b--cher" },
		{ "a-host-name-that-is-so-long-that-it-does-not-fit-into-one-label.x",
		  "a-host-name-that-is-so-long-that-it-does-not-fit-into-one-label" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		char realm[64];
		assert_string_equal(config_router_realm(rows[i].host, realm, sizeof(realm)),
		                    rows[i].realm);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_complete),  cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_defaults_of_groups), cmocka_unit_test(test_single_values),
		cmocka_unit_test(test_realm_of_a_host),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
