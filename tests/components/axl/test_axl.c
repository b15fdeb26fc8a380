/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Rows of our edges in a publisher's table: put there, kept there, taken away; and never another
 * one touched.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/components/axl/axl_world.h"

#define EDGE(realm, on, ids) \
	"{'realm':'" realm "','host':'h','connected':true,'federation':" on ",'components':[" ids \
	"]}"
#define EDGE_1_ON EDGE("edge-1", "true", "'cm-2_s2scp-1.edge-1'")
#define EDGE_1_OFF EDGE("edge-1", "false", "'cm-2_s2scp-1.edge-1'")
#define EDGE_2_ON EDGE("edge-2", "true", "'cm-2_s2scp-1.edge-2','cm-3_s2scp-1.edge-2'")

static void test_rows_follow_the_switch_of_the_edges(void **state)
{
	(void)state;
	table_add("f1", "cm-1_s2scp-1.somebody-else");
	world_edges("[" EDGE_1_OFF "]");
	world_start();
	world_until_synced();
	assert_string_equal(table_text(), "cm-1_s2scp-1.somebody-else");
	world_edges("[" EDGE_1_ON "]");
	world_until_synced();
	assert_string_equal(table_text(), "cm-1_s2scp-1.somebody-else cm-2_s2scp-1.edge-1");
	world_edges("[" EDGE_1_ON "," EDGE_2_ON "]");
	world_until_synced();
	assert_string_equal(table_text(), "cm-1_s2scp-1.somebody-else cm-2_s2scp-1.edge-1 "
	                                  "cm-2_s2scp-1.edge-2 cm-3_s2scp-1.edge-2");
	world_edges("[" EDGE_1_OFF "]");
	world_until_synced();
	assert_string_equal(table_text(), "cm-1_s2scp-1.somebody-else");
	assert_int_equal(world_counter(AXL_COUNT_INSERTED), 3);
	assert_int_equal(world_counter(AXL_COUNT_DELETED), 3);
	assert_int_equal(world_counter(AXL_COUNT_FAILURES), 0);
	assert_int_equal(axl_server_connections(), 1);
}

static void test_the_log_has_the_lines_of_the_guide(void **state)
{
	char line[256];

	(void)state;
	world_edges("[" EDGE_1_ON "]");
	world_start();
	world_until_synced();
	snprintf(line, sizeof(line),
	         "Module=\"network.axl\" Level=\"INFO\" Action=\"Send\" URL=\"%s\" "
	         "Function=\"executeSQLQuery\"\n",
	         world.url);
	assert_int_equal(fake_host_logged(world.host, line), 2);
	snprintf(line, sizeof(line),
	         "Function=\"executeSQLUpdate\" Status=\"200\" Reason=\"None\"\n");
	assert_int_equal(fake_host_logged(world.host, line), 1);
	assert_int_equal(fake_host_logged(world.host, "secret"), 0);
	table.status = 401;
	axl_publisher_sync(world_publisher());
	world_until_ended(2);
	assert_int_equal(
	        fake_host_logged(world.host, "Function=\"executeSQLQuery\" Status=\"401\""), 1);
}

static void test_an_unchanged_announcement_asks_nobody(void **state)
{
	(void)state;
	world_edges("[" EDGE_1_ON "]");
	world_start();
	world_until_synced();
	unsigned requests = axl_server_requests();
	world_edges("[{'realm':'edge-1','host':'h','connected':false,'federation':true,"
	            "'components':['cm-2_s2scp-1.edge-1']}]");
	fake_host_run_ms(world.host, 30);
	assert_int_equal(axl_server_requests(), requests);
	assert_string_equal(table_text(), "cm-2_s2scp-1.edge-1");
}

static void test_nothing_is_touched_while_the_edges_are_unknown(void **state)
{
	(void)state;
	table_add("k1", "cm-2_s2scp-1.edge-1");
	fake_host_learn(world.host, "axl_realms", "[{\"realm\":\"edge-1\",\"source\":\"edges\"}]");
	world_start();
	world_until_synced();
	assert_string_equal(table_text(), "cm-2_s2scp-1.edge-1");
	assert_int_equal(table.selects, 1); /* but a wrong password would show */
	assert_non_null(strstr(fake_host_learned(world.host, "axl_realms"), "edge-1"));
	world_edges("[]");
	world_until_synced();
	assert_string_equal(table_text(), "");
	assert_null(strstr(fake_host_learned(world.host, "axl_realms"), "edge-1"));
}

static void test_a_removed_edge_is_cleaned_away_after_a_restart(void **state)
{
	(void)state;
	world_edges("[" EDGE_1_ON "," EDGE_2_ON "]");
	world_start();
	world_until_synced();
	assert_int_equal(table.count, 3);
	assert_non_null(strstr(fake_host_learned(world.host, "axl_realms"), "edge-2"));
	world_stop();
	world_edges("[" EDGE_1_ON "]"); /* while nobody looked */
	world_start();
	world_until_synced();
	assert_string_equal(table_text(), "cm-2_s2scp-1.edge-1");
	/* from now on the realm may be somebody else's */
	assert_null(strstr(fake_host_learned(world.host, "axl_realms"), "edge-2"));
	table_add("x", "cm-2_s2scp-1.edge-2");
	axl_publisher_sync(world_publisher());
	world_until_synced();
	assert_string_equal(table_text(), "cm-2_s2scp-1.edge-1 cm-2_s2scp-1.edge-2");
}

static void test_a_realm_is_remembered_until_its_rows_are_gone(void **state)
{
	(void)state;
	world_edges("[" EDGE_1_ON "]");
	world_start();
	world_until_synced();
	table.status = 503;
	table.writes = true;
	world_edges("[]");
	world_until_ended(2);
	assert_string_equal(table_text(), "cm-2_s2scp-1.edge-1");
	assert_non_null(strstr(fake_host_learned(world.host, "axl_realms"), "edge-1"));
	table.status = 0;
	world_until_synced();
	assert_string_equal(table_text(), "");
	assert_null(strstr(fake_host_learned(world.host, "axl_realms"), "edge-1"));
}

static void test_configured_components_need_no_tunnel(void **state)
{
	static const char *const ids[] = { "cm-2_s2scp-1.edge-9" };

	(void)state;
	table_add("k1", "cm-1_s2scp-1.edge-9");
	table_add("k2", "cm-1_s2scp-1.edge-1");
	world.config.component_ids = (struct fw_strings){ ids, 1 };
	world_start();
	world_until_synced();
	assert_string_equal(table_text(), "cm-1_s2scp-1.edge-1 cm-2_s2scp-1.edge-9");
	world_stop();
	world.config.component_ids.count = 0;
	world_start();
	world_until_synced();
	assert_string_equal(table_text(), "cm-1_s2scp-1.edge-1");
	assert_null(strstr(fake_host_learned(world.host, "axl_realms"), "edge-9"));
}

static void test_an_edge_speaks_for_its_own_realm_only(void **state)
{
	(void)state;
	world_edges("[" EDGE(
	        "edge-1", "true",
	        "'cm-2_s2scp-1.edge-1','cm-2_s2scp-1.core-1','x','a.edge-1\\'); drop',7") "]");
	fake_host_settle(world.host);
	world_start();
	world_until_synced();
	assert_string_equal(table_text(), "cm-2_s2scp-1.edge-1");
	assert_int_equal(fake_host_logged(world.host, "names a component that cannot be its own"),
	                 4);
}

/* ---- drift ---- */

static void test_drift_is_told_and_put_right(void **state)
{
	int level;

	(void)state;
	table.keeps_duplicates = true;
	world.config.check_interval_ms = 40;
	world_edges("[" EDGE_2_ON "]");
	world_start();
	world_until_synced();
	assert_string_equal(world_notice("drift:imp1", &level), "");
	unsigned ended = (unsigned)world_counter(AXL_COUNT_SYNCS);
	table.count =
	        1; /* one is missing, one is there twice, one is a stranger's, one is not ours */
	table_add("again", "cm-2_s2scp-1.edge-2");
	table_add("strange", "cm-9_s2scp-1.edge-2");
	table_add("other", "cm-9_s2scp-1.edge-7");
	world_until_ended(ended + 1);
	assert_string_equal(table_text(),
	                    "cm-2_s2scp-1.edge-2 cm-9_s2scp-1.edge-7 cm-3_s2scp-1.edge-2");
	assert_int_equal(world_counter(AXL_COUNT_DRIFTED), 3);
	assert_int_equal(fake_host_logged(world.host, "drifted missing=1 strange=1 twice=1"), 1);
	assert_non_null(
	        strstr(world_notice("drift:imp1", &level), "1 missing, 1 unknown, 1 twice"));
	assert_int_equal(level, FW_NOTICE_INFO);
	world_until_ended(ended + 2); /* all is well at the next look */
	assert_string_equal(world_notice("drift:imp1", &level), "");
}

static void test_a_change_of_ours_is_no_drift(void **state)
{
	(void)state;
	world_edges("[" EDGE_1_ON "]");
	world_start();
	world_until_synced();
	world_edges("[" EDGE_2_ON "]");
	world_until_synced();
	assert_int_equal(world_counter(AXL_COUNT_DRIFTED), 0);
}

static void test_changes_on_the_way_are_not_lost(void **state)
{
	(void)state;
	world_edges("[" EDGE_1_ON "]");
	world_start();
	for (unsigned i = 0; i < 12; i++) { /* at whatever point of a run that is */
		for (unsigned turn = 0; turn < i; turn++) {
			fw_loop_turn(fake_host_loop(world.host), true);
		}
		world_edges(i % 2 == 0 ? "[" EDGE_1_ON "," EDGE_2_ON "]" : "[" EDGE_1_OFF "]");
		fake_host_settle(world.host);
	}
	world_until_synced();
	assert_string_equal(table_text(), "");
}

/* ---- life ---- */

static void test_a_reload_begins_anew(void **state)
{
	struct axl_config other = world.config;
	struct axl_publisher_row row = world.row;
	int level;

	(void)state;
	table.status = 401;
	world_edges("[" EDGE_1_ON "]");
	world_start();
	world_until_ended(1);
	assert_string_not_equal(world_notice("publisher:imp1", &level), "");
	table.status = 0;
	row.password.bytes = "right";
	other = world.config;
	other.publishers.items = &row;
	fake_host_reload(world.self, &other);
	world_until_synced();
	assert_non_null(strstr(axl_server_last(), "Basic ZmVkd2F5OnJpZ2h0\r\n"));
	assert_string_equal(world_notice("publisher:imp1", &level), "");
	assert_string_equal(table_text(), "cm-2_s2scp-1.edge-1");
	other.publishers.count = 0;
	fake_host_reload(world.self, &other);
	fake_host_reload(world.self, &world.config);
	world_until_synced();
}

static void test_it_can_stop_at_any_time(void **state)
{
	(void)state;
	for (unsigned turns = 0; turns < 16; turns++) {
		table.count = 0;
		world_edges("[" EDGE_1_ON "]");
		world_start();
		for (unsigned i = 0; i < turns; i++) {
			fw_loop_turn(fake_host_loop(world.host), true);
		}
		world_stop();
	}
}

static void test_configurations_that_are_refused(void **state)
{
	static const char *const ids[] = { "edge-1" };
	struct axl_publisher_row rows[2] = { world.row, world.row };
	struct fw_error err = { 0 };
	int (*check)(const void *, struct fw_error *) = axl_LTX_fw_component.check;

	(void)state;
	assert_int_equal(check(&world.config, &err), FW_OK);
	world.config.publishers = (struct fw_rows){ rows, 2 };
	assert_int_equal(check(&world.config, &err), FW_EINVAL);
	assert_string_equal(err.text, "two publishers are named 'imp1'");
	rows[1].name = "imp2";
	rows[1].schema = "new";
	assert_int_equal(check(&world.config, &err), FW_EINVAL);
	assert_string_equal(err.text, "publisher 'imp2': schema 'new' is no version such as 14.0");
	rows[1].schema = "14.0";
	rows[1].url = "http://imp2/axl/";
	assert_int_equal(check(&world.config, &err), FW_EINVAL);
	assert_non_null(strstr(err.text, "publisher 'imp2': url 'http://imp2/axl/' is not https"));
	rows[1].url = world.url;
	world.config.component_ids = (struct fw_strings){ ids, 1 };
	assert_int_equal(check(&world.config, &err), FW_EINVAL);
	assert_non_null(strstr(err.text, "'edge-1' is no component ID"));
	world.config.component_ids.count = 0;
	world.config.retry_max_ms = 1;
	assert_int_equal(check(&world.config, &err), FW_EINVAL);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(test_rows_follow_the_switch_of_the_edges),
		IN_WORLD(test_the_log_has_the_lines_of_the_guide),
		IN_WORLD(test_an_unchanged_announcement_asks_nobody),
		IN_WORLD(test_nothing_is_touched_while_the_edges_are_unknown),
		IN_WORLD(test_a_removed_edge_is_cleaned_away_after_a_restart),
		IN_WORLD(test_a_realm_is_remembered_until_its_rows_are_gone),
		IN_WORLD(test_configured_components_need_no_tunnel),
		IN_WORLD(test_an_edge_speaks_for_its_own_realm_only),
		IN_WORLD(test_drift_is_told_and_put_right),
		IN_WORLD(test_a_change_of_ours_is_no_drift),
		IN_WORLD(test_changes_on_the_way_are_not_lost),
		IN_WORLD(test_a_reload_begins_anew),
		IN_WORLD(test_it_can_stop_at_any_time),
		IN_WORLD(test_configurations_that_are_refused),
	};
	signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
