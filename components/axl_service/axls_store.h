/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where the table is kept: a store is a struct of functions, and there are two. Statements go in as axls_sql.c
 * wrote them, results come out; a store also tells when the table has changed, whoever did it.
 */
#ifndef FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_STORE_H
#define FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_STORE_H

#include <fedway/io/loop.h>
#include <fedway/log.h>

#include "components/axl_service/axls_result.h"
#include "components/axl_service/axls_sql.h"

struct axls_store_settings {
	const char *file;       /**< SQLite */
	const char *connection; /**< PostgreSQL: a connection string of libpq */
	struct axls_bounds bounds;
	uint32_t steps_max;     /**< of SQLite's machine, per statement */
	uint32_t busy_ms;       /**< SQLite: wait for another program's lock */
	uint32_t poll_ms;       /**< SQLite: how often other programs' changes are looked for */
	uint32_t timeout_ms;    /**< PostgreSQL: per statement */
	uint32_t writes_max;    /**< statements that may wait; more are refused */
	uint32_t retry_min_ms, retry_max_ms; /**< PostgreSQL: between attempts to connect */
};

/** Never called from within a call of the owner's, but for down() from within run(). */
struct axls_store_events {
	/** The table may have changed, by whomever; also at the start and when the database is back. */
	void (*changed)(void *ctx);
	/** The database went away, or cannot be reached; told once until it is back. */
	void (*down)(void *ctx, const char *why);
};

/** What came of a statement, once; maybe before run() returns. @param result  [t] */
typedef void axls_done_fn(void *ctx, struct axls_result **result);

struct axls_store;

struct axls_store_type {
	const char *name;
	/** @return FW_OK, or an error with a sentence [g] */
	int (*open)(struct fw_loop *loop, const struct fw_log *log, const struct axls_store_settings *settings,
	            const struct axls_store_events *events, void *ctx, struct axls_store **out, struct fw_error *err);
	/** Statements that wait are done, with FW_ECLOSED. */
	void (*close)(struct axls_store **store);
	/** @param sql  [t] */
	void (*run)(struct axls_store *store, struct axls_sql *sql, axls_done_fn *done, void *ctx);
	bool (*is_up)(const struct axls_store *store);
};

/** First member of every store. */
struct axls_store {
	const struct axls_store_type *type;
};

extern const struct axls_store_type axls_store_sqlite;
#ifdef HAVE_POSTGRESQL
extern const struct axls_store_type axls_store_postgresql;
#endif

#endif
