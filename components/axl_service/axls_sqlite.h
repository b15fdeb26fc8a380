/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A SQLite database with our table, under an authorizer that lets clients at nothing else. With a file it is the
 * embedded store; in memory it is the mirror against which statements for another database are checked.
 *
 * Everything here is synchronous, on the loop: statements are bounded in steps, waits for others' locks in time.
 */
#ifndef FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_SQLITE_H
#define FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_SQLITE_H

#include "components/axl_service/axls_sql.h"

struct axls_sqlite;

/** Version of the schema that we make and read. */
#define AXLS_SCHEMA_VERSION 1

struct axls_sqlite_settings {
	const char *file;    /**< created when it is not there; NULL: in memory */
	uint32_t busy_ms;    /**< wait for somebody else's lock */
	uint32_t steps_max;  /**< of SQLite's machine, per statement */
};

/** @return FW_OK; FW_ESYS, FW_EINVAL (a newer schema), FW_ENOMEM; err names the file and why [g] */
int axls_sqlite_open(const struct axls_sqlite_settings *settings, struct axls_sqlite **out, struct fw_error *err);
void axls_sqlite_close(struct axls_sqlite **database);
/** Prepares the statement and lets it go: it touches our table only, and does what it says. @return FW_OK, or result->code */
int axls_sqlite_check(struct axls_sqlite *database, const struct axls_sql *sql, struct axls_result *result);
/** Checks it and runs it; the result says what came of it. */
void axls_sqlite_run(struct axls_sqlite *database, const struct axls_sql *sql, struct axls_result *result);
/** Somebody else has changed the file since the last call. */
bool axls_sqlite_is_changed(struct axls_sqlite *database);

#endif
