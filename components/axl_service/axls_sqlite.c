/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * SQLite lives here. Opens the database, makes its schema, and runs clients' statements (as
 * axls_sql.c wrote them) under an authorizer: our table and a few functions, nothing else, even if
 * the reader of statements were wrong. Called by both stores.
 */
#include "components/axl_service/axls_sqlite.h"

#include <stdio.h>
#include <stdlib.h>

#include <sqlite3.h>

#include <fedway/io/crypto.h>

enum { STEPS_PER_CALL = 1000, TEXT_MAX = 1 << 20 };

struct axls_sqlite {
	sqlite3 *db;
	sqlite3_stmt *version; /* of the data; other connections' commits move it */
	int64_t seen;
	bool guarded; /* a client's statement is prepared or runs */
	bool writes;  /* and may change rows */
	uint32_t steps_left, steps_max;
};

#define HEX2 "lower(hex(randomblob(2)))"
#define DIGITS4 "[0-9a-f][0-9a-f][0-9a-f][0-9a-f]"
static const char schema[] =
        "CREATE TABLE IF NOT EXISTS " AXLS_TABLE " ("
        "pkid TEXT NOT NULL PRIMARY KEY DEFAULT (" HEX2 "||" HEX2 "||'-'||" HEX2
        "||'-4'||substr(" HEX2 ",2)||'-'||"
        "substr('89ab',1+abs(random()%4),1)||substr(" HEX2 ",2)||'-'||lower(hex(randomblob(6)))) "
        "CHECK (pkid GLOB '" DIGITS4 DIGITS4 "-" DIGITS4 "-" DIGITS4 "-" DIGITS4
        "-" DIGITS4 DIGITS4 DIGITS4 "'), "
        "cp_id TEXT NOT NULL UNIQUE CHECK (length(cp_id) BETWEEN 1 AND 1023)"
        ") WITHOUT ROWID;"
        "PRAGMA user_version = 1;";

/* ---- what clients may do ---- */

/* Those of axls_sql.c, and those that the schema itself uses. */
static bool function_is_allowed(const char *name)
{
	static const char *const names[] = {
		"abs",   "coalesce", "count", "length", "like", "lower", "max",        "min",
		"newid", "substr",   "trim",  "upper",  "glob", "hex",   "randomblob", "random",
	};

	for (size_t i = 0; name != NULL && i < FW_COUNT(names); i++) {
		if (sqlite3_stricmp(name, names[i]) == 0) {
			return true;
		}
	}
	return false;
}

static int authorize(void *ctx, int action, const char *first, const char *second,
                     const char *database, const char *trigger)
{
	const struct axls_sqlite *own = ctx;
	bool table = first != NULL && sqlite3_stricmp(first, AXLS_TABLE) == 0;
	bool allowed = false;

	(void)database;
	(void)trigger;
	if (!own->guarded) {
		return SQLITE_OK;
	}
	switch (action) {
	case SQLITE_SELECT:
		allowed = true;
		break;
	case SQLITE_READ:
		allowed = table;
		break;
	case SQLITE_INSERT:
	case SQLITE_UPDATE:
	case SQLITE_DELETE:
		allowed = table && own->writes;
		break;
	case SQLITE_FUNCTION:
		allowed = function_is_allowed(second);
		break;
	default:
		break;
	}
	return allowed ? SQLITE_OK : SQLITE_DENY;
}

static int on_progress(void *ctx)
{
	struct axls_sqlite *own = ctx;

	own->steps_left = own->steps_left > STEPS_PER_CALL ? own->steps_left - STEPS_PER_CALL : 0;
	return own->steps_left == 0;
}

/* Informix's own: a new UUID (RFC 9562, version 4). */
static void sql_newid(sqlite3_context *context, int count, sqlite3_value **values)
{
	unsigned char raw[16];
	char text[2 * sizeof(raw) + 5] = "";

	(void)count;
	(void)values;
	fw_random(raw, sizeof(raw));
	raw[6] = (unsigned char)((raw[6] & 0x0f) | 0x40);
	raw[8] = (unsigned char)((raw[8] & 0x3f) | 0x80);
	for (size_t i = 0, len = 0; i < sizeof(raw); i++) {
		bool dash = i == 4 || i == 6 || i == 8 || i == 10;
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%02x", dash ? "-" : "",
		                        raw[i]);
	}
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* ---- opening ---- */

static void set_limits(sqlite3 *db)
{
	static const struct {
		int id, value;
	} rows[] = {
		{ SQLITE_LIMIT_LENGTH, TEXT_MAX },   { SQLITE_LIMIT_SQL_LENGTH, TEXT_MAX },
		{ SQLITE_LIMIT_COLUMN, 16 },         { SQLITE_LIMIT_EXPR_DEPTH, 200 },
		{ SQLITE_LIMIT_COMPOUND_SELECT, 4 }, { SQLITE_LIMIT_FUNCTION_ARG, 8 },
		{ SQLITE_LIMIT_ATTACHED, 0 },        { SQLITE_LIMIT_VARIABLE_NUMBER, 0 },
		{ SQLITE_LIMIT_TRIGGER_DEPTH, 1 },   { SQLITE_LIMIT_WORKER_THREADS, 0 },
	};

	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		sqlite3_limit(db, rows[i].id, rows[i].value);
	}
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
}

static int number_of(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	int ret = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (ret == SQLITE_OK) {
		ret = sqlite3_step(stmt) == SQLITE_ROW ? SQLITE_OK : sqlite3_errcode(db);
		*out = ret == SQLITE_OK ? sqlite3_column_int64(stmt, 0) : 0;
	}
	sqlite3_finalize(stmt);
	return ret;
}

static int make_schema(struct axls_sqlite *own, const char *file, struct fw_error *err)
{
	int64_t version = 0;
	int ret = sqlite3_exec(own->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;",
	                       NULL, NULL, NULL);

	if (ret == SQLITE_OK) {
		ret = number_of(own->db, "PRAGMA user_version", &version);
	}
	if (ret == SQLITE_OK && version > AXLS_SCHEMA_VERSION) {
		return fw_error_set(err, FW_EINVAL,
		                    "%s has version %lld of the schema; this release knows %d",
		                    file, (long long)version, AXLS_SCHEMA_VERSION);
	}
	if (ret == SQLITE_OK && version < AXLS_SCHEMA_VERSION) {
		ret = sqlite3_exec(own->db, schema, NULL, NULL, NULL);
	}
	if (ret == SQLITE_OK) {
		ret = sqlite3_prepare_v2(own->db, "PRAGMA data_version", -1, &own->version, NULL);
	}
	if (ret != SQLITE_OK) {
		return fw_error_set(err, FW_ESYS, "%s: %s", file, sqlite3_errmsg(own->db));
	}
	axls_sqlite_is_changed(own);
	return FW_OK;
}

int axls_sqlite_open(const struct axls_sqlite_settings *settings, struct axls_sqlite **out,
                     struct fw_error *err)
{
	const char *file = settings->file != NULL ? settings->file : ":memory:";
	struct axls_sqlite *own = calloc(1, sizeof(*own));
	int ret;

	if (own == NULL) {
		return FW_ENOMEM;
	}
	own->steps_max = settings->steps_max;
	if (sqlite3_open_v2(file, &own->db,
	                    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	                    NULL) != SQLITE_OK) {
		ret = fw_error_set(err, FW_ESYS, "%s: %s", file, sqlite3_errmsg(own->db));
		goto done;
	}
	/* what is opened without the right to write would stay so, whatever becomes of the file */
	if (sqlite3_db_readonly(own->db, "main") == 1) {
		ret = fw_error_set(err, FW_ESYS, "%s may not be written: look at its owner and mode",
		                   file);
		goto done;
	}
	sqlite3_extended_result_codes(own->db, 1);
	sqlite3_busy_timeout(own->db, (int)settings->busy_ms);
	set_limits(own->db);
	sqlite3_set_authorizer(own->db, authorize, own);
	sqlite3_create_function_v2(own->db, "newid", 0, SQLITE_UTF8 | SQLITE_INNOCUOUS, NULL,
	                           sql_newid, NULL, NULL, NULL);
	ret = make_schema(own, file, err);
	if (ret != FW_OK) {
		goto done;
	}
	*out = own;
	own = NULL;
done:
	axls_sqlite_close(&own);
	return ret;
}

void axls_sqlite_close(struct axls_sqlite **at)
{
	struct axls_sqlite *own = *at;

	*at = NULL;
	if (own == NULL) {
		return;
	}
	sqlite3_finalize(own->version);
	sqlite3_close(own->db);
	free(own);
}

bool axls_sqlite_is_changed(struct axls_sqlite *own)
{
	int64_t now = own->seen;

	if (sqlite3_step(own->version) == SQLITE_ROW) {
		now = sqlite3_column_int64(own->version, 0);
	}
	sqlite3_reset(own->version);
	bool changed = now != own->seen;
	own->seen = now;
	return changed;
}

/* ---- statements ---- */

/* What SQLite says when it reads a statement has no numbers, only words. */
static int read_failure(const char *words, struct axls_result *result)
{
	static const struct {
		const char *part;
		enum axls_code code;
	} rows[] = {
		{ "no such column", AXLS_CODE_COLUMN },
		{ "has no column named", AXLS_CODE_COLUMN },
		{ "ambiguous column name", AXLS_CODE_AMBIGUOUS },
		{ "no such table", AXLS_CODE_TABLE },
		{ "no such function", AXLS_CODE_FUNCTION },
		{ "not authorized", AXLS_CODE_DENIED },
		{ "prohibited", AXLS_CODE_DENIED },
		{ "may not be", AXLS_CODE_DENIED },
		{ "values were supplied", AXLS_CODE_COUNT },
		{ "values for", AXLS_CODE_COUNT },
	};

	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		if (strstr(words, rows[i].part) != NULL) {
			return axls_result_fail(result, FW_EPARSE, rows[i].code, "%s", words);
		}
	}
	return axls_result_fail(result, FW_EPARSE, AXLS_CODE_SYNTAX,
	                        "A syntax error has occurred: %s", words);
}

static int run_failure(struct axls_sqlite *own, struct axls_result *result)
{
	static const struct {
		int status, code;
		enum axls_code axl_code;
		const char *words;
	} rows[] = {
		{ SQLITE_CONSTRAINT_UNIQUE, FW_EEXIST, AXLS_CODE_DUPLICATE,
		  "Could not insert new row - duplicate value in a UNIQUE INDEX column" },
		{ SQLITE_CONSTRAINT_PRIMARYKEY, FW_EEXIST, AXLS_CODE_DUPLICATE,
		  "Could not insert new row - duplicate value in a UNIQUE INDEX column" },
		{ SQLITE_CONSTRAINT_NOTNULL, FW_EINVAL, AXLS_CODE_NULL,
		  "Cannot insert a null into column" },
		{ SQLITE_CONSTRAINT_CHECK, FW_EINVAL, AXLS_CODE_CHECK, "Check constraint failed" },
		{ SQLITE_INTERRUPT, FW_ELIMIT, AXLS_CODE_INTERRUPTED,
		  "The statement takes too long" },
		{ SQLITE_BUSY, FW_EAGAIN, AXLS_CODE_LOCKED,
		  "The table is locked by another program" },
		{ SQLITE_LOCKED, FW_EAGAIN, AXLS_CODE_LOCKED,
		  "The table is locked by another program" },
	};
	int status = sqlite3_extended_errcode(own->db);

	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		if (status == rows[i].status || (status & 0xff) == rows[i].status) {
			return axls_result_fail(result, rows[i].code, rows[i].axl_code, "%s (%s)",
			                        rows[i].words, sqlite3_errmsg(own->db));
		}
	}
	return axls_result_fail(result, FW_ESYS, AXLS_CODE_OTHER, "%s", sqlite3_errmsg(own->db));
}

static int prepare(struct axls_sqlite *own, const struct axls_sql *sql, sqlite3_stmt **out,
                   struct axls_result *result)
{
	const char *tail = NULL;
	sqlite3_stmt *stmt = NULL;

	own->guarded = true;
	own->writes = sql->writes;
	int status =
	        sqlite3_prepare_v3(own->db, sql->text, -1, SQLITE_PREPARE_NO_VTAB, &stmt, &tail);
	if (status != SQLITE_OK) {
		int kind = status & 0xff;
		return kind == SQLITE_ERROR || kind == SQLITE_AUTH || kind == SQLITE_TOOBIG
		               ? read_failure(sqlite3_errmsg(own->db), result)
		               : run_failure(own, result);
	}
	/* The authorizer does not see these. */
	bool one = stmt != NULL && tail[strspn(tail, " ")] == '\0';
	bool fits = one && (sqlite3_stmt_readonly(stmt) != 0) == !sql->writes &&
	            (sqlite3_column_count(stmt) == 0) == sql->writes;
	if (!fits) {
		sqlite3_finalize(stmt);
		return axls_result_fail(
		        result, FW_EDENIED, AXLS_CODE_SYNTAX,
		        "A syntax error has occurred: one plain statement is expected");
	}
	*out = stmt;
	return FW_OK;
}

int axls_sqlite_check(struct axls_sqlite *own, const struct axls_sql *sql,
                      struct axls_result *result)
{
	sqlite3_stmt *stmt = NULL;
	int ret = prepare(own, sql, &stmt, result);

	sqlite3_finalize(stmt);
	own->guarded = false;
	return ret;
}

static int take_columns(sqlite3_stmt *stmt, struct axls_result *result)
{
	int ret = FW_OK;

	for (int i = 0; ret == FW_OK && i < sqlite3_column_count(stmt); i++) {
		ret = axls_result_column(result, sqlite3_column_name(stmt, i));
	}
	return ret;
}

static int take_row(sqlite3_stmt *stmt, struct axls_result *result)
{
	int ret = FW_OK;

	for (int i = 0; ret == FW_OK && i < sqlite3_column_count(stmt); i++) {
		ret = axls_result_cell(result, (const char *)sqlite3_column_text(stmt, i));
	}
	return ret;
}

void axls_sqlite_run(struct axls_sqlite *own, const struct axls_sql *sql,
                     struct axls_result *result)
{
	sqlite3_stmt *stmt = NULL;
	int status = SQLITE_ROW;

	int ret = prepare(own, sql, &stmt, result);
	if (ret == FW_OK) {
		ret = take_columns(stmt, result);
	}
	own->steps_left = own->steps_max;
	sqlite3_progress_handler(own->db, STEPS_PER_CALL, on_progress, own);
	while (ret == FW_OK && (status = sqlite3_step(stmt)) == SQLITE_ROW) {
		ret = take_row(stmt, result);
	}
	sqlite3_progress_handler(own->db, 0, NULL, NULL);
	if (ret == FW_OK && status != SQLITE_DONE) {
		ret = run_failure(own, result);
	}
	if (ret == FW_OK && sql->writes) {
		result->updated = (uint64_t)sqlite3_changes(own->db);
	}
	sqlite3_finalize(stmt);
	own->guarded = false;
}
