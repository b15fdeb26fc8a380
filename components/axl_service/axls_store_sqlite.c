/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The embedded store: a file of SQLite's. Statements run at once, on the loop, within their bounds.
 * Changes by other programs (sqlite3, another process) are found by looking at the version of the
 * data. SQLite itself is in axls_sqlite.c.
 */
#include "components/axl_service/axls_store.h"

#include <stdlib.h>

#include "components/axl_service/axls_sqlite.h"

struct store {
	struct axls_store base;
	struct axls_sqlite *database;
	struct fw_loop *loop;
	const struct axls_store_events *events;
	void *ctx;
	struct axls_bounds bounds;
	struct fw_timer *poll;
	struct fw_task changed;
};

static void store_close(struct axls_store **at)
{
	struct store *store = (struct store *)*at;

	*at = NULL;
	if (store == NULL) {
		return;
	}
	fw_defer_cancel(&store->changed);
	fw_timer_free(&store->poll);
	axls_sqlite_close(&store->database);
	free(store);
}

static void on_poll(void *ctx)
{
	struct store *store = ctx;

	if (axls_sqlite_is_changed(store->database)) {
		store->events->changed(store->ctx);
	}
}

static void on_changed(void *ctx)
{
	struct store *store = ctx;

	store->events->changed(store->ctx);
}

static int store_open(struct fw_loop *loop, const struct fw_log *log,
                      const struct axls_store_settings *settings,
                      const struct axls_store_events *events, void *ctx, struct axls_store **out,
                      struct fw_error *err)
{
	const struct axls_sqlite_settings database = { settings->file, settings->busy_ms,
		                                       settings->steps_max };
	struct store *store = calloc(1, sizeof(*store));
	int ret = FW_ENOMEM;

	(void)log;
	if (store == NULL) {
		return ret;
	}
	store->base.type = &axls_store_sqlite;
	store->loop = loop;
	store->events = events;
	store->ctx = ctx;
	store->bounds = settings->bounds;
	store->changed.fn = on_changed;
	store->changed.ctx = store;
	ret = axls_sqlite_open(&database, &store->database, err);
	if (ret == FW_OK) {
		ret = fw_timer_new(loop, on_poll, store, &store->poll);
	}
	if (ret == FW_OK) {
		fw_timer_start_ms(store->poll, settings->poll_ms, settings->poll_ms);
		fw_defer(loop, &store->changed);
		*out = &store->base;
		return FW_OK;
	}
	struct axls_store *half = &store->base;
	store_close(&half);
	return ret;
}

static void store_run(struct axls_store *base, struct axls_sql *sql, axls_done_fn *done, void *ctx)
{
	struct store *store = (struct store *)base;
	struct axls_result *result = axls_result_new(&store->bounds);

	if (result != NULL) {
		axls_sqlite_run(store->database, sql, result);
		if (result->updated > 0) {
			fw_defer(store->loop, &store->changed);
		}
	}
	axls_sql_free(sql);
	done(ctx, &result);
	axls_result_free(&result);
}

static bool store_is_up(const struct axls_store *base)
{
	(void)base;
	return true;
}

const struct axls_store_type axls_store_sqlite = {
	.name = "sqlite",
	.open = store_open,
	.close = store_close,
	.run = store_run,
	.is_up = store_is_up,
};
