/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Statements as they are written anew, and those that are refused; then the same against a real
 * SQLite in memory: nothing but our table can be reached, by whatever words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "components/axl_service/axls_sqlite.h"

static const struct axls_bounds bounds = { 100, 10000 };

static void statements_are_written_anew(void **state)
{
	static const struct {
		const char *text, *written;
		bool writes;
	} rows[] = {
		{ "select pkid, cp_id from xmpps2snodes", "select pkid , cp_id from xmpps2snodes",
		  false },
		{ "  SELECT\n*\tFROM XmppS2SNodes ; ", "select * from xmpps2snodes", false },
		{ "select first 10 pkid from t", "select pkid from t limit 10", false },
		{ "select skip 5 first 10 pkid from t", "select pkid from t limit 10 offset 5",
		  false },
		{ "select first 10 skip 5 pkid from t", "select pkid from t limit 10 offset 5",
		  false },
		{ "select skip 5 pkid from t", "select pkid from t limit 999999999 offset 5",
		  false },
		{ "select first from t", "select first from t", false },
		{ "select first, skip from t", "select first , skip from t", false },
		{ "select count(*) from t where a>=1.5 and b<>'x'",
		  "select count ( * ) from t where a >= 1.5 and b <> 'x'", false },
		{ "select a from t where b=\"it's \"\"so\"\"\"",
		  "select a from t where b = 'it''s \"so\"'", false },
		{ "select a from t where b='it''s \"so\"'",
		  "select a from t where b = 'it''s \"so\"'", false },
		{ "select a||''||b from t", "select a || '' || b from t", false },
		{ "insert into xmpps2snodes(pkid,cp_id) values(newid(),'c')",
		  "insert into xmpps2snodes ( pkid , cp_id ) values ( newid ( ) , 'c' )", true },
		{ "delete from t where a in ('1','2')", "delete from t where a in ( '1' , '2' )",
		  true },
		{ "update t set a='\xc3\xa4'", "update t set a = '\xc3\xa4'", true },
		{ "select '\\' from t", "select '\\' from t", false },
		{ "select a from t where (a='1') limit 5",
		  "select a from t where ( a = '1' ) limit 5", false },
		{ "select first 3 a from (select a from t limit 5)",
		  "select a from ( select a from t limit 5 ) limit 3", false },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct axls_result *result = axls_result_new(&bounds);
		struct axls_sql sql;
		if (axls_sql_read(fw_str(rows[i].text), &sql, result) != FW_OK) {
			fail_msg("%s: %s", rows[i].text, result->text);
		}
		assert_string_equal(sql.text, rows[i].written);
		assert_int_equal(sql.writes, rows[i].writes);
		axls_sql_free(&sql);
		axls_result_free(&result);
	}
}

static const struct refused {
	const char *text;
	enum axls_code code;
} refused_words[] = {
	{ "", AXLS_CODE_SYNTAX },
	{ ";", AXLS_CODE_SYNTAX },
	{ "drop table xmpps2snodes", AXLS_CODE_SYNTAX },
	{ "pragma user_version=7", AXLS_CODE_SYNTAX },
	{ "attach 'x' as y", AXLS_CODE_SYNTAX },
	{ "vacuum", AXLS_CODE_SYNTAX },
	{ "vacuum into '/tmp/x'", AXLS_CODE_SYNTAX },
	{ "begin", AXLS_CODE_SYNTAX },
	{ "explain select 1", AXLS_CODE_SYNTAX },
	{ "with recursive c(x) as (select 1) select x from c", AXLS_CODE_SYNTAX },
	{ "replace into xmpps2snodes values ('a','b')", AXLS_CODE_SYNTAX },
	{ "values (1)", AXLS_CODE_SYNTAX },
	{ "select 1; select 2", AXLS_CODE_SYNTAX },
	{ "select 1;;", AXLS_CODE_SYNTAX },
	{ "select 1; drop table xmpps2snodes", AXLS_CODE_SYNTAX },
	{ "select 1 -- c", AXLS_CODE_SYNTAX },
	{ "select 1 /* c */", AXLS_CODE_SYNTAX },
	{ "select $$a$$", AXLS_CODE_SYNTAX },
	{ "select $1", AXLS_CODE_SYNTAX },
	{ "select ?1", AXLS_CODE_SYNTAX },
	{ "select :a", AXLS_CODE_SYNTAX },
	{ "select @a", AXLS_CODE_SYNTAX },
	{ "select `a`", AXLS_CODE_SYNTAX },
	{ "select [a]", AXLS_CODE_SYNTAX },
	{ "select a::text", AXLS_CODE_SYNTAX },
	{ "select 0x1f", AXLS_CODE_SYNTAX },
	{ "select 1e5", AXLS_CODE_SYNTAX },
	{ "select 12345678901234567890", AXLS_CODE_SYNTAX },
	{ "select '", AXLS_CODE_SYNTAX },
	{ "select 'a", AXLS_CODE_SYNTAX },
	{ "select \"a", AXLS_CODE_SYNTAX },
	{ "select '\x01'", AXLS_CODE_SYNTAX },
	{ "select \xc3\xa4", AXLS_CODE_SYNTAX },
	{ "select first 1 first 2 a from t", AXLS_CODE_SYNTAX },
	{ "select first 1.5 a from t", AXLS_CODE_SYNTAX },
	{ "select skip 2 first 1 first 10 a from t", AXLS_CODE_SYNTAX },
	{ "select first 1 a from t limit 5", AXLS_CODE_SYNTAX },
	{ "select load_extension('x')", AXLS_CODE_FUNCTION },
	{ "select pg_read_file('/etc/passwd')", AXLS_CODE_FUNCTION },
	{ "select pg_sleep (10)", AXLS_CODE_FUNCTION },
	{ "select randomblob(1000000000)", AXLS_CODE_FUNCTION },
	{ "select cast(1 as int)", AXLS_CODE_FUNCTION },
	{ "select 1 where 1 in (with x as (select 1) select 1)", AXLS_CODE_FUNCTION },
};

static void others_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(refused_words); i++) {
		struct axls_result *result = axls_result_new(&bounds);
		struct axls_sql sql;
		assert_int_not_equal(axls_sql_read(fw_str(refused_words[i].text), &sql, result),
		                     FW_OK);
		if (result->axl_code != (int)refused_words[i].code || sql.text != NULL) {
			fail_msg("%s: %d %s", refused_words[i].text, result->axl_code,
			         result->text);
		}
		axls_result_free(&result);
	}
}

/* Every byte by itself and every cut: nothing is read behind the end, nothing is written behind the
 * room. */
static void all_bytes_and_cuts(void **state)
{
	static const char whole[] =
	        "select skip 2 first 3 count(*), \"a'\"\"b\" from t where b='c''d' and e<>1.5;";
	struct axls_result *result = axls_result_new(&bounds);
	struct axls_sql sql;

	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		char *text = malloc(8);
		memcpy(text, "select ", 7);
		text[7] = (char)byte;
		if (axls_sql_read(fw_str_n(text, 8), &sql, result) == FW_OK) {
			axls_sql_free(&sql);
		}
		free(text);
	}
	for (size_t len = 0; len < sizeof(whole); len++) {
		char *text = malloc(len + 1);
		memcpy(text, whole, len);
		if (axls_sql_read(fw_str_n(text, len), &sql, result) == FW_OK) {
			axls_sql_free(&sql);
		}
		free(text);
	}
	char quotes[513];
	for (size_t i = 0; i < sizeof(quotes); i++) {
		quotes[i] = "\"\"''"[i % 4];
	}
	memcpy(quotes, "select ", 7);
	for (size_t len = 7; len < sizeof(quotes); len++) { /* the worst growth there is */
		if (axls_sql_read(fw_str_n(quotes, len), &sql, result) == FW_OK) {
			axls_sql_free(&sql);
		}
	}
	axls_result_free(&result);
}

/* ---- with a database ---- */

static struct axls_sqlite *database;

static int open_database(void **state)
{
	const struct axls_sqlite_settings settings = { .steps_max = 200000 };
	struct fw_error err = { 0 };

	(void)state;
	return axls_sqlite_open(&settings, &database, &err);
}

static int close_database(void **state)
{
	(void)state;
	axls_sqlite_close(&database);
	return 0;
}

static struct axls_result *run(const char *text)
{
	struct axls_result *result = axls_result_new(&bounds);
	struct axls_sql sql;

	if (axls_sql_read(fw_str(text), &sql, result) == FW_OK) {
		axls_sqlite_run(database, &sql, result);
		axls_sql_free(&sql);
	}
	return result;
}

static void check_code(const char *text, int code)
{
	struct axls_result *result = run(text);

	if (result->axl_code != code) {
		fail_msg("%s: %d %s", text, result->axl_code, result->text);
	}
	axls_result_free(&result);
}

static void check_value(const char *text, const char *value)
{
	struct axls_result *result = run(text);

	if (result->code != FW_OK || axls_result_rows(result) == 0) {
		fail_msg("%s: %d %s", text, result->axl_code, result->text);
	}
	assert_string_equal(axls_result_at(result, 0, 0), value);
	axls_result_free(&result);
}

static void rows_come_and_go(void **state)
{
	(void)state;
	check_code("insert into xmpps2snodes (pkid, cp_id) values "
	           "('055c13d9-943d-459d-a3c6-af1d1176936d', 'cm-1.a')",
	           0);
	check_code("insert into xmpps2snodes (cp_id) values ('cm-2.a')", 0);
	check_code("insert into xmpps2snodes (pkid, cp_id) values (newid(), 'cm-3.a')", 0);
	check_value("select count(*) from xmpps2snodes", "3");
	check_value("select pkid from xmpps2snodes where cp_id = 'cm-1.a'",
	            "055c13d9-943d-459d-a3c6-af1d1176936d");
	check_value(
	        "select count(*) from xmpps2snodes where length(pkid) = 36 and pkid = lower(pkid)",
	        "3");
	check_value("select skip 1 first 1 cp_id from xmpps2snodes order by cp_id", "cm-2.a");
	struct axls_result *result = run("update xmpps2snodes set cp_id = cp_id || 'b'");
	assert_int_equal(result->updated, 3);
	axls_result_free(&result);
	result = run("delete from xmpps2snodes where cp_id like 'cm-1%'");
	assert_int_equal(result->updated, 1);
	axls_result_free(&result);
	result = run("select * from xmpps2snodes where cp_id = 'none'");
	assert_int_equal(axls_result_rows(result), 0);
	assert_int_equal(result->column_count, 2);
	axls_result_free(&result);
}

static void failures_have_their_numbers(void **state)
{
	static const struct refused rows[] = {
		{ "insert into xmpps2snodes (pkid, cp_id) values "
		  "('055c13d9-943d-459d-a3c6-af1d1176936d', 'x.a')",
		  0 },
		{ "insert into xmpps2snodes (pkid, cp_id) values "
		  "('055c13d9-943d-459d-a3c6-af1d1176936d', 'y.a')",
		  AXLS_CODE_DUPLICATE },
		{ "insert into xmpps2snodes (cp_id) values ('x.a')", AXLS_CODE_DUPLICATE },
		{ "insert into xmpps2snodes (pkid, cp_id) values "
		  "('055C13D9-943D-459D-A3C6-AF1D1176936D', 'z.a')",
		  AXLS_CODE_CHECK },
		{ "insert into xmpps2snodes (pkid, cp_id) values "
		  "('{55c13d9-943d-459d-a3c6-af1d1176936d}', 'z.a')",
		  AXLS_CODE_CHECK },
		{ "insert into xmpps2snodes (cp_id) values ('')", AXLS_CODE_CHECK },
		{ "insert into xmpps2snodes (cp_id) values (null)", AXLS_CODE_NULL },
		{ "insert into xmpps2snodes values ('a')", AXLS_CODE_COUNT },
		{ "insert into xmpps2snodes (pkid, cp_id) values ('a')", AXLS_CODE_COUNT },
		{ "select nosuch from xmpps2snodes", AXLS_CODE_COLUMN },
		{ "insert into xmpps2snodes (nosuch) values ('a')", AXLS_CODE_COLUMN },
		{ "select * from device", AXLS_CODE_TABLE },
		{ "select pkid from xmpps2snodes a, xmpps2snodes b", AXLS_CODE_AMBIGUOUS },
		{ "select from where", AXLS_CODE_SYNTAX },
		{ "select pkid from xmpps2snodes wher cp_id = 'a'", AXLS_CODE_SYNTAX },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		check_code(rows[i].text, (int)rows[i].code);
	}
}

static void nothing_else_can_be_reached(void **state)
{
	static const struct refused rows[] = {
		{ "select * from sqlite_master", AXLS_CODE_DENIED },
		{ "select * from sqlite_schema", AXLS_CODE_DENIED },
		{ "select rowid from xmpps2snodes", AXLS_CODE_COLUMN },
		{ "select (select sql from sqlite_master) from xmpps2snodes", AXLS_CODE_DENIED },
		{ "select * from xmpps2snodes where cp_id in (select name from sqlite_master)",
		  AXLS_CODE_DENIED },
		{ "select * from xmpps2snodes union select name, sql from sqlite_master",
		  AXLS_CODE_DENIED },
		{ "select * from pragma_table_info", AXLS_CODE_DENIED },
		{ "insert into sqlite_master values (1,2,3,4,5)", AXLS_CODE_DENIED },
		{ "delete from sqlite_master", AXLS_CODE_DENIED },
		{ "insert into xmpps2snodes (cp_id) select name from sqlite_master",
		  AXLS_CODE_DENIED },
		{ "insert into xmpps2snodes (cp_id) values ('q.a') returning pkid",
		  AXLS_CODE_SYNTAX },
		{ "select current_user", AXLS_CODE_COLUMN },
		{ "select min(max(length(a.pkid))) from xmpps2snodes a", AXLS_CODE_SYNTAX },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct axls_result *result = run(rows[i].text);
		if (result->code == FW_OK) {
			fail_msg("%s was done", rows[i].text);
		}
		print_message("%s: %d %s\n", rows[i].text, result->axl_code, result->text);
		axls_result_free(&result);
	}
}

static void statements_are_bounded(void **state)
{
	char text[256];

	(void)state;
	for (int i = 0; i < 60; i++) {
		snprintf(text, sizeof(text), "insert into xmpps2snodes (cp_id) values ('cm-%d.a')",
		         i);
		check_code(text, 0);
	}
	check_code("select count(*) from xmpps2snodes a, xmpps2snodes b, xmpps2snodes c, "
	           "xmpps2snodes d, xmpps2snodes e",
	           AXLS_CODE_INTERRUPTED);
	check_code("select a.cp_id from xmpps2snodes a, xmpps2snodes b", AXLS_CODE_THROTTLE);
	struct axls_result *result = run("select a.cp_id from xmpps2snodes a, xmpps2snodes b");
	assert_non_null(strstr(result->text, "Query request too large"));
	assert_int_equal(axls_result_rows(result), 0);
	axls_result_free(&result);
	check_value("select count(*) from xmpps2snodes", "60"); /* and the next one works */
}

static void tables_are_printed_as_ours(void **state)
{
	(void)state;
	check_code("insert into xmpps2snodes (pkid, cp_id) values "
	           "('055c13d9-943d-459d-a3c6-af1d1176936d', 'cm-2_s2scp-1.eft-xwye-a-coluc-com')",
	           0);
	struct axls_result *result = run("select * from xmpps2snodes");
	char *text = axls_result_table(result);
	assert_string_equal(
	        text, "pkid                                 cp_id                            \n"
	              "==================================== =================================\n"
	              "055c13d9-943d-459d-a3c6-af1d1176936d cm-2_s2scp-1.eft-xwye-a-coluc-com\n");
	free(text);
	axls_result_free(&result);
	result = run("select count(*), 1+1, null, pkid||'x' x from xmpps2snodes");
	text = axls_result_table(result);
	assert_string_equal(text, "count column2 null x                                    \n"
	                          "===== ======= ==== =====================================\n"
	                          "1     2       NULL 055c13d9-943d-459d-a3c6-af1d1176936dx\n");
	free(text);
	axls_result_free(&result);
}

static void files_are_made_once_and_shared(void **state)
{
	char path[] = "/tmp/fedway-test-axl-XXXXXX", side[64];
	struct axls_sqlite *other = NULL, *kept = database;
	struct fw_error err = { 0 };

	(void)state;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	const struct axls_sqlite_settings settings = { path, 10, 100000 };
	assert_int_equal(axls_sqlite_open(&settings, &database, &err), FW_OK);
	assert_int_equal(axls_sqlite_open(&settings, &other, &err), FW_OK);
	assert_false(axls_sqlite_is_changed(other));
	check_code("insert into xmpps2snodes (cp_id) values ('cm-2.a')", 0);
	assert_true(axls_sqlite_is_changed(other));
	assert_false(axls_sqlite_is_changed(other));
	assert_false(axls_sqlite_is_changed(database));
	axls_sqlite_close(&other);
	axls_sqlite_close(&database);
	assert_int_equal(axls_sqlite_open(&settings, &database, &err), FW_OK);
	check_value("select cp_id from xmpps2snodes", "cm-2.a");
	axls_sqlite_close(&database);
	database = kept;
	const char *const ends[] = { "", "-wal", "-shm" };
	for (size_t i = 0; i < FW_COUNT(ends); i++) {
		snprintf(side, sizeof(side), "%s%s", path, ends[i]);
		unlink(side);
	}
	const struct axls_sqlite_settings nowhere = { "/nowhere/axl.db", 10, 100000 };
	assert_int_equal(axls_sqlite_open(&nowhere, &other, &err), FW_ESYS);
	assert_non_null(strstr(err.text, "/nowhere/axl.db"));
}

/* It would stay read-only for as long as it is open. */
static void a_file_that_may_not_be_written(void **state)
{
	char path[] = "test_axls_sql.XXXXXX";
	const struct axls_sqlite_settings settings = { path, 10, 100000 };
	struct axls_sqlite *other = NULL;
	struct fw_error err = { 0 };

	(void)state;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0444), 0);
	close(fd);
	bool root = geteuid() == 0;
	assert_true(!root || seteuid(65534) == 0); /* who may write everything shows nothing */
	int ret = axls_sqlite_open(&settings, &other, &err);
	assert_true(!root || seteuid(0) == 0);
	unlink(path);
	assert_int_equal(ret, FW_ESYS);
	assert_non_null(strstr(err.text, path));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_database, close_database)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_are_written_anew),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(all_bytes_and_cuts),
		TEST(rows_come_and_go),
		TEST(failures_have_their_numbers),
		TEST(nothing_else_can_be_reached),
		TEST(statements_are_bounded),
		TEST(tables_are_printed_as_ours),
		TEST(files_are_made_once_and_shared),
		TEST(a_file_that_may_not_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
