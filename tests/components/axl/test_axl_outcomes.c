/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Publishers that refuse, fail, or speak another version: what is tried when, and what the operator
 * is told. And his commands.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/components/axl/axl_world.h"

#define EDGE_1 "[{'realm':'edge-1','federation':true,'components':['cm-2_s2scp-1.edge-1']}]"
#define KEY "publisher:imp1"

static uint64_t next_in_ms(void)
{
	uint64_t now_ms = fw_now_ms(fake_host_loop(world.host));

	return world_publisher()->next_ms > now_ms ? world_publisher()->next_ms - now_ms : 0;
}

static void test_what_somebody_must_change_is_yellow_at_once(void **state)
{
	static const struct {
		unsigned status;
		const char *words, *remedy;
	} rows[] = {
		{ 401, "imp1: the publisher does not accept user and password (401)",
		  "check user fedway and password_file /etc/fedway/axl.password" },
		{ 403, "imp1: the user may not use AXL (403)", "give user fedway" },
		{ 599, "imp1: the publisher speaks none of our schema versions (599)",
		  "set schema" },
	};

	(void)state;
	world_edges(EDGE_1);
	world_start();
	for (unsigned i = 0; i < FW_COUNT(rows); i++) {
		char remedy[AXL_REMEDY_SIZE];
		int level;
		table.status = rows[i].status;
		axl_publisher_sync(world_publisher());
		world_until_ended(2 * i + 1);
		assert_non_null(strstr(world_notice(KEY, &level), rows[i].words));
		assert_int_equal(level, FW_NOTICE_YELLOW);
		axl_tell_remedy(world_publisher(), &world_publisher()->last, remedy);
		assert_memory_equal(remedy, rows[i].remedy, strlen(rows[i].remedy));
		assert_in_range(next_in_ms(), 50000, 70000); /* retry_max_ms */
		table.status = 0;
		axl_publisher_sync(world_publisher());
		world_until_ended(2 * i + 2);
		assert_string_equal(world_notice(KEY, &level), "");
		table.count = 0;
	}
}

static void test_what_may_pass_is_tried_with_growing_waits(void **state)
{
	uint64_t waits[6];
	int level;

	(void)state;
	table.status = 503;
	table.writes = true;
	world.config.retry_max_ms = 100;
	world_edges(EDGE_1);
	world_start();
	for (unsigned i = 0; i < FW_COUNT(waits); i++) {
		world_until_ended(i + 1);
		waits[i] = next_in_ms();
		assert_non_null(strstr(world_notice(KEY, &level), "(503)"));
		assert_int_equal(level, i == 0 ? FW_NOTICE_INFO : FW_NOTICE_YELLOW);
	}
	assert_in_range(waits[0], 17, 22); /* 20, 40, 80, then 100 */
	assert_in_range(waits[1], 35, 44);
	assert_in_range(waits[2], 71, 88);
	assert_in_range(waits[3], 89, 110);
	assert_in_range(waits[5], 89, 110);
	/* the first, second and fourth are told, not every one */
	assert_int_equal(fake_host_logged(world.host, "sync failed outcome=busy"), 3);
	table.status = 0;
	world_until_synced();
	assert_string_equal(world_notice(KEY, &level), "");
	assert_string_equal(table_text(), "cm-2_s2scp-1.edge-1");
	assert_int_equal(world_publisher()->failures, 0);
}

/* ---- versions ---- */

static void test_versions_are_negotiated(void **state)
{
	static const struct {
		const char *version, *supported, *schema, *spoken;
		bool fails;
	} rows[] = {
		{ "14.0.1.10000-20", "1.0,12.5,14", "", "14.0", false },
		{ "15.0.1", "1.0,11.5,12.5,14", "", "14.0", false }, /* down */
		{ "14.0.1", "12.5,14", "", "14.0", false },  /* "oldest" is not understood: up */
		{ "14.0.1", "9.1,14", "9.1", "9.1", false }, /* as configured */
		{ "14.0.1", "9.1,14", "12.5", "12.5", true },
		{ "14.0.1", "none", "", "", true },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		table_reset();
		table.version = rows[i].version;
		table.supported = rows[i].supported;
		world.row.schema = rows[i].schema;
		world_edges(EDGE_1);
		world_start();
		world_until_ended(1);
		if (rows[i].fails) {
			assert_int_equal(world_publisher()->last.outcome, AXL_SCHEMA);
		} else {
			char action[64];
			assert_int_equal(world_publisher()->last.outcome, AXL_OK);
			snprintf(action, sizeof(action),
			         "SOAPAction: \"CUCM:DB ver=%s executeSQLQuery\"", rows[i].spoken);
			assert_non_null(strstr(axl_server_last(), action));
			assert_string_equal(world_publisher()->schema, rows[i].spoken);
		}
		world_stop();
	}
}

static void test_a_publisher_that_was_upgraded_is_followed(void **state)
{
	(void)state;
	table.version = "12.5.1";
	table.supported = "1.0,12.5";
	world_edges(EDGE_1);
	world_start();
	world_until_synced();
	assert_string_equal(world_publisher()->schema, "12.5");
	table.version = "15.0.1";
	table.supported = "1.0,14,15";
	axl_publisher_sync(world_publisher());
	world_until_ended(2);
	assert_int_equal(world_publisher()->last.outcome, AXL_OK);
	assert_string_equal(world_publisher()->schema, "1.0");
}

/* ---- writes ---- */

static void test_a_row_that_is_there_already_is_success(void **state)
{
	(void)state;
	table.exists = true;
	world_edges(EDGE_1);
	world_start();
	world_until_synced();
	assert_int_equal(table.inserts, 1);
	assert_int_equal(world_counter(AXL_COUNT_FAILURES), 0);
}

static void test_what_was_confirmed_must_show(void **state)
{
	int level;

	(void)state;
	table.forgets = true;
	world_edges(EDGE_1);
	world_start();
	world_until_ended(1);
	assert_int_equal(world_publisher()->last.outcome, AXL_NOT_KEPT);
	assert_int_equal(table.inserts, 3);
	assert_non_null(strstr(world_notice(KEY, &level), "does not show"));
	table.forgets = false;
	world_until_synced();
}

/* ---- commands ---- */

static struct fw_json *command(const char *name, const char *args)
{
	return fake_host_command(world.host, world.self, name, args, 10000);
}

/* "problems" is lines: what, then the remedy. */
static const char *problem(const struct fw_json *object, size_t line)
{
	return fw_json_text(fw_json_at(fw_json_get(object, "problems"), line)).ptr;
}

static struct fw_str text(const struct fw_json *object, const char *list, size_t index,
                          const char *key)
{
	return fw_json_text(fw_json_get(fw_json_at(fw_json_get(object, list), index), key));
}

static void test_a_dry_run_shows_and_changes_nothing(void **state)
{
	static const char *const modes[] = { "{\"mode\":\"dry-run\"}", NULL };
	static const char *const words[][2] = { { "would be inserted", "would be deleted" },
		                                { "inserted", "deleted" } };

	(void)state;
	world_edges(EDGE_1);
	world_start();
	world_until_synced();
	table.count = 0;
	table_add("k", "cm-7_s2scp-1.edge-1");
	for (size_t i = 0; i < FW_COUNT(modes); i++) {
		struct fw_json *result = command("axl sync", modes[i]);
		assert_string_equal(fake_host_progress(), "waiting for publisher imp1");
		assert_int_equal(fw_json_count(fw_json_get(result, "rows")), 2);
		assert_true(fw_str_is(text(result, "rows", 0, "change"), words[i][0]));
		assert_true(fw_str_is(text(result, "rows", 0, "row"), "cm-2_s2scp-1.edge-1"));
		assert_true(fw_str_is(text(result, "rows", 1, "change"), words[i][1]));
		assert_true(fw_str_is(text(result, "rows", 1, "row"), "cm-7_s2scp-1.edge-1"));
		assert_null(fw_json_get(result, "error"));
		fw_json_free(&result);
		assert_string_equal(table_text(),
		                    i == 0 ? "cm-7_s2scp-1.edge-1" : "cm-2_s2scp-1.edge-1");
	}
	assert_int_equal(table.inserts, 2); /* the first of all, and that of the second command */
}

static void test_a_look_does_not_replace_a_sync(void **state)
{
	int level;

	(void)state;
	table.status = 503;
	table.writes = true;
	world.config.retry_min_ms = 60000;
	world_edges(EDGE_1);
	world_start();
	world_until_ended(1);
	struct fw_json *result = command("axl sync", "{\"mode\":\"dry-run\"}");
	assert_null(fw_json_get(result, "error"));
	fw_json_free(&result);
	assert_int_equal(world_publisher()->last.outcome, AXL_BUSY);
	assert_string_not_equal(world_notice(KEY, &level), "");
	assert_in_range(next_in_ms(), 40000, 70000);
	table.status = 401;
	table.writes = false;
	result = command("axl sync", "{\"mode\":\"dry-run\"}");
	assert_non_null(strstr(fw_json_text(fw_json_get(result, "error")).ptr, "imp1: "));
	assert_non_null(strstr(fw_json_text(fw_json_get(result, "error")).ptr, "(401)"));
	assert_non_null(strstr(fw_json_text(fw_json_get(result, "remedy")).ptr, "password_file"));
	fw_json_free(&result);
}

static void test_other_words_are_refused(void **state)
{
	(void)state;
	world_start();
	struct fw_json *result = command("axl sync", "{\"mode\":\"wet\"}");
	assert_non_null(
	        strstr(fw_json_text(fw_json_get(result, "error")).ptr, "'wet' is no way to sync"));
	fw_json_free(&result);
}

static void test_one_command_explains_a_wrong_password(void **state)
{
	(void)state;
	table.status = 401;
	world_edges(EDGE_1);
	world_start();
	world_until_ended(1);
	struct fw_json *result = command("axl status", NULL);
	assert_true(fw_str_is(text(result, "publishers", 0, "publisher"), "imp1"));
	assert_true(fw_str_is(text(result, "publishers", 0, "state"), "unauthorized"));
	assert_non_null(strstr(problem(result, 0), "(401)"));
	assert_non_null(strstr(problem(result, 1),
	                       "check user fedway and password_file /etc/fedway/axl.password"));
	assert_true(fw_str_is(fw_json_text(fw_json_at(fw_json_get(result, "rows"), 0)),
	                      "cm-2_s2scp-1.edge-1"));
	fw_json_free(&result);
	table.status = 0;
	result = command("axl sync", NULL);
	fw_json_free(&result);
	result = command("axl status", NULL);
	assert_true(fw_str_is(text(result, "publishers", 0, "state"), "ok"));
	assert_true(fw_str_is(text(result, "publishers", 0, "rows"), "1 of 1"));
	assert_true(fw_str_is(text(result, "publishers", 0, "schema"), "14.0"));
	assert_null(fw_json_get(result, "problems"));
	fw_json_free(&result);
}

/* ---- reports ---- */

static void test_reports(void **state)
{
	struct fw_json *out = fw_json_new();
	void (*report)(struct fw_self *, const char *, struct fw_json *) =
	        axl_LTX_fw_component.report;

	(void)state;
	world_start();
	world_until_synced();
	report(world.self, "federation", out);
	assert_non_null(
	        strstr(fw_json_text(fw_json_get(out, "reason")).ptr, "no edge is known yet"));
	fw_json_free(&out);
	out = fw_json_new();
	table.status = 401;
	world_edges(EDGE_1);
	world_until_ended(2);
	report(world.self, "federation", out);
	assert_non_null(strstr(fw_json_text(fw_json_get(out, "reason")).ptr, "(401)"));
	report(world.self, "status", out);
	assert_int_equal(fw_json_int(fw_json_get(out, "publishers")), 1);
	assert_int_equal(fw_json_int(fw_json_get(out, "in_order")), 0);
	report(world.self, "facts", out);
	assert_true(fw_str_is(text(out, "axl_publishers", 0, "state"), "unauthorized"));
	fw_json_free(&out);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(test_what_somebody_must_change_is_yellow_at_once),
		IN_WORLD(test_what_may_pass_is_tried_with_growing_waits),
		IN_WORLD(test_versions_are_negotiated),
		IN_WORLD(test_a_publisher_that_was_upgraded_is_followed),
		IN_WORLD(test_a_row_that_is_there_already_is_success),
		IN_WORLD(test_what_was_confirmed_must_show),
		IN_WORLD(test_a_dry_run_shows_and_changes_nothing),
		IN_WORLD(test_a_look_does_not_replace_a_sync),
		IN_WORLD(test_other_words_are_refused),
		IN_WORLD(test_one_command_explains_a_wrong_password),
		IN_WORLD(test_reports),
	};
	signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
