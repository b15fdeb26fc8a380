/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The whole component on the fake host, with a real SQLite file that another program writes to as
 * well: what the router is told, notices, reports, the command `sql`. FAKE_HOST_LOG=1 shows the
 * log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include <fedway/io/crypto.h>

#include "components/axl_service/axl_service.h"
#include "components/axl_service/axls_sqlite.h"
#include "components/axl_service/axls_users.h"
#include "tests/support/fake_host.h"

extern const struct fw_component axl_service_LTX_fw_component;

static char folder[] = "/tmp/fedway-test-axl-XXXXXX";
static char file[64];
static const char *const versions[] = { "9.1" };
static struct fw_listen_row listen_row = { "127.0.0.1", 0 };
static struct axl_service_config config;
static struct fake_host *host;
static struct fw_self *service;
static struct axls_sqlite *other; /* another program's connection to the file */

static int setup(void **state)
{
	struct fw_error err = { 0 };

	(void)state;
	snprintf(file, sizeof(file), "%s/axl.db", folder);
	config = (struct axl_service_config){
		.listen = { &listen_row, 1 },
		.certificate_file = TEST_CERTS "/b.pem",
		.key_file = TEST_CERTS "/b.key",
		.database_file = file,
		.connection = "",
		.version = "14.0.1.10000-20",
		.schemas = { versions, 1 },
		.restart_notice = AXLS_RESTART_UNTIL_IN_FORCE,
		.weight = 10,
		.connections_max = 10,
		.connections_per_address_max = 10,
		.request_timeout_ms = 1000,
		.header_max_bytes = 16384,
		.body_max_bytes = 65536,
		.rows_max = 100,
		.answer_max_bytes = 100000,
		.statement_max_steps = 100000,
		.lock_timeout_ms = 10,
		.poll_ms = 10,
		.writes_waiting_max = 100,
		.login_failures_max = 3,
		.login_pause_s = 1,
	};
	host = fake_host_new();
	service = fake_host_start(host, &axl_service_LTX_fw_component, &config, &err);
	assert_string_equal(err.text, "");
	const struct axls_sqlite_settings settings = { file, 100, 100000 };
	assert_int_equal(axls_sqlite_open(&settings, &other, &err), FW_OK);
	return service != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[96];

	(void)state;
	fake_host_free(&host);
	axls_sqlite_close(&other);
	for (size_t i = 0; i < FW_COUNT(ends); i++) {
		snprintf(path, sizeof(path), "%s%s", file, ends[i]);
		unlink(path);
	}
	return 0;
}

static void write_row(const char *text)
{
	struct axls_result *result = axls_result_new(&(struct axls_bounds){ 10, 1000 });
	struct axls_sql sql;

	assert_int_equal(axls_sql_read(fw_str(text), &sql, result), FW_OK);
	axls_sqlite_run(other, &sql, result);
	assert_string_equal(result->text, "");
	axls_sql_free(&sql);
	axls_result_free(&result);
}

static bool is_claimed(void *ctx)
{
	return fake_host_claimed(host, "*", ctx) > 0;
}

static bool is_not_claimed(void *ctx)
{
	return fake_host_claimed(host, "*", ctx) == 0;
}

static bool has_bad_rows(void *ctx)
{
	(void)ctx;
	return fake_host_notice(host, service, "axl-table-rows", NULL) != NULL;
}

static bool until(bool (*ready)(void *), const char *cp_id)
{
	return fake_host_run_until(host, ready, (void *)cp_id, 5000);
}

static bool is_empty(void *ctx)
{
	(void)ctx;
	return fake_host_notice(host, service, "axl-table-empty", NULL) != NULL;
}

/* NULL: foreign domains can be reached. */
static void check_federation(const char *reason)
{
	struct fw_json *out = fw_json_new();

	axl_service_LTX_fw_component.report(service, "federation", out);
	if (reason != NULL) {
		assert_string_equal(fw_json_text(fw_json_get(out, "reason")).ptr, reason);
		assert_true(fw_json_text(fw_json_get(out, "remedy")).len > 0);
	} else {
		assert_null(fw_json_get(out, "reason"));
	}
	fw_json_free(&out);
}

static void rows_of_other_programs_become_holders(void **state)
{
	enum fw_notice_level level = FW_NOTICE_RED;

	(void)state;
	assert_true(until(is_empty, NULL));
	assert_non_null(fake_host_notice(host, service, "axl-table-empty", &level));
	assert_int_equal(level, FW_NOTICE_YELLOW);
	check_federation("the table xmpps2snodes is empty");
	write_row("insert into xmpps2snodes (cp_id) values ('cm-2_s2scp-1.edge-1')");
	assert_true(until(is_claimed, "cm-2_s2scp-1.edge-1"));
	assert_int_equal(fake_host_claimed(host, "*", "cm-2_s2scp-1.edge-1"), 10);
	assert_null(fake_host_notice(host, service, "axl-table-empty", NULL));
	check_federation("none of the 1 components in xmpps2snodes can be reached");
	fake_host_holder(host, "*", "cm-2_s2scp-1.edge-1", true);
	check_federation(NULL);
	write_row("insert into xmpps2snodes (cp_id) values ('cm-2_s2scp-1.edge-2')");
	assert_true(until(is_claimed, "cm-2_s2scp-1.edge-2"));
	write_row("update xmpps2snodes set cp_id = 'cm-2_s2scp-1.edge-3' where cp_id = "
	          "'cm-2_s2scp-1.edge-1'");
	assert_true(until(is_claimed, "cm-2_s2scp-1.edge-3"));
	assert_int_equal(fake_host_claimed(host, "*", "cm-2_s2scp-1.edge-1"), 0);
	write_row("delete from xmpps2snodes");
	assert_true(until(is_not_claimed, "cm-2_s2scp-1.edge-2"));
	assert_true(until(is_empty, NULL));
}

static void no_restart_is_asked_for_once_rows_are_in_force(void **state)
{
	(void)state;
	assert_true(until(is_empty, NULL));
	write_row("insert into xmpps2snodes (cp_id) values ('cm-2_s2scp-1.edge-1')");
	assert_true(until(is_claimed, "cm-2_s2scp-1.edge-1"));
	assert_null(fake_host_notice(host, service, "axl-router-restart", NULL));
}

static void rows_that_name_no_component_are_told(void **state)
{
	enum fw_notice_level level = FW_NOTICE_RED;

	(void)state;
	write_row("insert into xmpps2snodes (cp_id) values ('Not a component!')");
	assert_true(until(has_bad_rows, NULL));
	const char *words = fake_host_notice(host, service, "axl-table-rows", &level);
	assert_non_null(strstr(words, "Not a component!"));
	assert_int_equal(level, FW_NOTICE_YELLOW);
	check_federation("no row of xmpps2snodes names a component");
	write_row("update xmpps2snodes set cp_id = 'cm-1.edge-1'");
	assert_true(until(is_claimed, "cm-1.edge-1"));
	assert_null(fake_host_notice(host, service, "axl-table-rows", NULL));
}

static void sql_prints_the_table(void **state)
{
	(void)state;
	write_row("insert into xmpps2snodes values ('055c13d9-943d-459d-a3c6-af1d1176936d', "
	          "'cm-1.edge-1')");
	struct fw_json *result = fake_host_command(
	        host, service, "sql", "{\"statement\": \"select * from xmpps2snodes\"}", 1000);
	assert_string_equal(fw_json_text(fw_json_get(result, "text")).ptr,
	                    "pkid                                 cp_id      \n"
	                    "==================================== ===========\n"
	                    "055c13d9-943d-459d-a3c6-af1d1176936d cm-1.edge-1\n");
	const struct fw_json *row = fw_json_at(fw_json_get(result, "rows"), 0);
	assert_string_equal(fw_json_text(fw_json_get(row, "cp_id")).ptr, "cm-1.edge-1");
	fw_json_free(&result);
	result = fake_host_command(host, service, "sql",
	                           "{\"statement\": \"delete from xmpps2snodes\"}", 1000);
	assert_string_equal(fw_json_text(fw_json_get(result, "error")).ptr,
	                    "sql only takes select");
	fw_json_free(&result);
	result = fake_host_command(host, service, "sql",
	                           "{\"statement\": \"select nosuch from xmpps2snodes\"}", 1000);
	assert_string_equal(fw_json_text(fw_json_get(result, "error")).ptr,
	                    "-217: no such column: nosuch");
	fw_json_free(&result);
}

static void a_reload_changes_weight_and_place(void **state)
{
	struct axl_service_config next = config;
	char second[80];

	(void)state;
	write_row("insert into xmpps2snodes (cp_id) values ('cm-1.edge-1')");
	assert_true(until(is_claimed, "cm-1.edge-1"));
	next.weight = 20;
	fake_host_reload(service, &next);
	assert_int_equal(fake_host_claimed(host, "*", "cm-1.edge-1"), 20);
	struct axl_service_config moved = next;
	snprintf(second, sizeof(second), "%s/second.db", folder);
	moved.database_file = second;
	fake_host_reload(service, &moved);
	assert_true(until(is_not_claimed, "cm-1.edge-1"));
	fake_host_free(&host);
	for (size_t i = 0; i < 3; i++) {
		static const char *const ends[] = { "", "-wal", "-shm" };
		char path[128];
		snprintf(path, sizeof(path), "%s%s", second, ends[i]);
		unlink(path);
	}
}

static void logins_are_counted_per_address(void **state)
{
	struct axls_user_row rows[] = { { "a", { "secret", 6, NULL }, AXLS_ADMINISTRATOR },
		                        { "b", { "other", 5, NULL }, AXLS_READ_ONLY } };
	const struct fw_rows all = { rows, 2 };
	struct fw_addr one, six, same_net;
	struct axls_users *users = NULL;
	int role = AXLS_NO_ROLE;

	(void)state;
	assert_int_equal(fw_addr_parse("192.0.2.1", 1, &one), FW_OK);
	assert_int_equal(fw_addr_parse("2001:db8::1", 1, &six), FW_OK);
	assert_int_equal(fw_addr_parse("2001:db8::2", 1, &same_net), FW_OK);
	assert_int_equal(axls_users_new(2, 60, &users), FW_OK);
#define LOGIN(name, password, addr, now) \
	axls_users_login(users, &all, fw_str(name), fw_str(password), addr, now, &role)
	assert_int_equal(LOGIN("a", "secret", &one, 0), AXLS_LOGIN_OK);
	assert_int_equal(role, AXLS_ADMINISTRATOR);
	assert_int_equal(LOGIN("b", "other", &one, 0), AXLS_LOGIN_OK);
	assert_int_equal(role, AXLS_READ_ONLY);
	assert_int_equal(LOGIN("a", "other", &one, 0), AXLS_LOGIN_WRONG);
	assert_int_equal(LOGIN("a", "secret", &one, 0), AXLS_LOGIN_OK); /* and all is forgotten */
	assert_int_equal(LOGIN("a", "", &one, 0), AXLS_LOGIN_WRONG);
	assert_int_equal(LOGIN("", "secret", &one, 0), AXLS_LOGIN_WRONG);
	assert_int_equal(LOGIN("a", "secret", &one, 59999), AXLS_LOGIN_LATER);
	assert_int_equal(LOGIN("a", "secret", &six, 0), AXLS_LOGIN_OK);
	assert_int_equal(LOGIN("a", "secret", &one, 60000), AXLS_LOGIN_OK);
	LOGIN("x", "y", &six, 70000);
	LOGIN("x", "y", &same_net, 70000);
	assert_int_equal(LOGIN("a", "secret", &six, 70001), AXLS_LOGIN_LATER);
#undef LOGIN
	axls_users_free(&users);
}

static void a_session_is_of_one_user_and_address_and_ends(void **state)
{
	struct fw_addr here, there;
	struct axls_users *users = NULL;
	char first[FW_STREAM_ID_SIZE];
	int role = AXLS_NO_ROLE;

	(void)state;
	assert_int_equal(fw_addr_parse("192.0.2.1", 1, &here), FW_OK);
	assert_int_equal(fw_addr_parse("192.0.2.2", 1, &there), FW_OK);
	assert_int_equal(axls_users_new(2, 60, &users), FW_OK);
#define BEGIN(name, role, addr, now) axls_users_begin_session(users, fw_str(name), role, addr, now)
#define FIND(cookie, now) axls_users_session(users, fw_str(cookie), now, &role)
	assert_null(FIND(NULL, 5).ptr);
	assert_null(FIND("", 5).ptr);
	snprintf(first, sizeof(first), "%s", BEGIN("a", AXLS_READ_ONLY, &here, 5));
	assert_int_equal(strlen(first), 32);
	assert_string_equal(BEGIN("a", AXLS_READ_ONLY, &here, 6), first);
	assert_string_not_equal(BEGIN("a", AXLS_READ_ONLY, &there, 6), first);
	assert_string_not_equal(BEGIN("b", AXLS_ADMINISTRATOR, &here, 6), first);
	assert_true(fw_str_is(FIND(first, 7), "a"));
	assert_int_equal(role, AXLS_READ_ONLY);
	assert_null(FIND("00000000000000000000000000000000", 7).ptr);
	assert_non_null(FIND(first, 6 + AXLS_SESSION_MS).ptr); /* lives on when it is used */
	assert_non_null(FIND(first, 5 + 2 * AXLS_SESSION_MS).ptr);
	assert_null(FIND(first, 5 + 3 * AXLS_SESSION_MS).ptr);
	snprintf(first, sizeof(first), "%s", BEGIN("a", AXLS_READ_ONLY, &here, 5));
	axls_users_end_sessions(users);
	assert_null(FIND(first, 6).ptr);
	for (uint64_t i = 1; i <= 200; i++) { /* those of long ago make place */
		char name[16];
		snprintf(name, sizeof(name), "user%u", (unsigned)i);
		snprintf(first, sizeof(first), "%s", BEGIN(name, AXLS_READ_ONLY, &here, i));
		assert_true(fw_str_is(FIND(first, i), name));
	}
#undef BEGIN
#undef FIND
	axls_users_free(&users);
}

static void wrong_options_are_told(void **state)
{
	struct axls_user_row rows[] = { { "a", { "x", 1, NULL }, 0 },
		                        { "a", { "x", 1, NULL }, 0 } };
	struct axls_user_row colon = { "a:b", { "x", 1, NULL }, 0 },
	                     no_password = { "a", { NULL, 0, NULL }, 0 };
	const char *const bad_version[] = { "nine" };
	struct fw_listen_row name = { "localhost", 1 };
	struct axl_service_config configs[6];
	static const char *const words[] = { "'a' is there twice", "has a colon",
		                             "no password_file",   "no version like",
		                             "not an IP address",  "No such file" };

	(void)state;
	for (size_t i = 0; i < FW_COUNT(configs); i++) {
		configs[i] = config;
	}
	configs[0].users = (struct fw_rows){ rows, 2 };
	configs[1].users = (struct fw_rows){ &colon, 1 };
	configs[2].users = (struct fw_rows){ &no_password, 1 };
	configs[3].schemas = (struct fw_strings){ bad_version, 1 };
	configs[4].listen = (struct fw_rows){ &name, 1 };
	configs[5].certificate_file = "/nowhere/im.pem";
	for (size_t i = 0; i < FW_COUNT(configs); i++) {
		struct fw_error err = { 0 };
		assert_int_not_equal(axl_service_LTX_fw_component.check(&configs[i], &err), FW_OK);
		if (strstr(err.text, words[i]) == NULL) {
			fail_msg("%s instead of %s", err.text, words[i]);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_of_other_programs_become_holders),
		TEST(no_restart_is_asked_for_once_rows_are_in_force),
		TEST(rows_that_name_no_component_are_told),
		TEST(sql_prints_the_table),
		TEST(a_reload_changes_weight_and_place),
		TEST(wrong_options_are_told),
		cmocka_unit_test(logins_are_counted_per_address),
		cmocka_unit_test(a_session_is_of_one_user_and_address_and_ends),
	};

	if (mkdtemp(folder) == NULL) {
		return 1;
	}
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
