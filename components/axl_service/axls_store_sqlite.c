/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The embedded store: a file of SQLite's. Statements run one at a time in another thread, since a
 * write waits for the disk and any of them for other programs' locks; stanzas must not. Changes by
 * other programs (sqlite3, another process) are found by looking at the version of the data. SQLite
 * itself is in axls_sqlite.c.
 */
#include <stdlib.h>

#include "components/axl_service/axls_jobs.h"
#include "components/axl_service/axls_sqlite.h"

struct store {
	struct axls_store base;
	struct axls_sqlite *database; /* the other thread's while `work` is there */
	struct fw_loop *loop;
	const struct axls_store_events *events;
	void *ctx;
	struct axls_bounds bounds;
	struct fw_timer *poll;
	struct fw_task changed;
	struct axls_jobs jobs;
	struct fw_work *work;       /* runs the first job */
	struct axls_result *result; /* of the first job */
	bool ran;                   /* and the result is whole */
};

static void store_next(struct store *store);

/* ---- statements ---- */

static void run_work(void *ctx)
{
	struct store *store = ctx;

	axls_sqlite_run(store->database, &store->jobs.first->sql, store->result);
	store->ran = true;
}

static void finish_job(struct store *store)
{
	struct axls_result *result = store->result;

	store->result = NULL;
	if (result != NULL && result->updated > 0) {
		fw_defer(store->loop, &store->changed);
	}
	axls_jobs_finish(&store->jobs, &result);
}

static void run_done(void *ctx)
{
	struct store *store = ctx;

	finish_job(store);
	store_next(store);
}

static void store_next(struct store *store)
{
	while (store->work == NULL && store->jobs.first != NULL) {
		store->ran = false;
		store->result = axls_result_new(&store->bounds);
		if (store->result == NULL ||
		    fw_work_start(store->loop, run_work, run_done, store, &store->work) != FW_OK) {
			axls_result_free(&store->result);
			finish_job(store);
		}
	}
}

static void store_run(struct axls_store *base, struct axls_sql *sql, axls_done_fn *done, void *ctx)
{
	struct store *store = (struct store *)base;

	if (axls_jobs_add(&store->jobs, sql, done, ctx)) {
		store_next(store);
	}
}

/* The one under way is waited for, since it may have been done; the others have not begun. */
static void end_jobs(struct store *store)
{
	fw_work_end(&store->work);
	while (store->jobs.first != NULL) {
		if (!store->ran) {
			axls_result_free(&store->result);
			store->result = axls_result_new(&store->bounds);
		}
		if (!store->ran && store->result != NULL) {
			axls_result_fail(store->result, FW_ECLOSED, AXLS_CODE_DOWN,
			                 "The database cannot be reached: the service stops");
		}
		store->ran = false;
		finish_job(store);
	}
}

/* ---- life ---- */

static void store_close(struct axls_store **at)
{
	struct store *store = (struct store *)*at;

	*at = NULL;
	if (store == NULL) {
		return;
	}
	end_jobs(store);
	fw_defer_cancel(&store->changed);
	fw_timer_free(&store->poll);
	axls_sqlite_close(&store->database);
	free(store);
}

static void on_poll(void *ctx)
{
	struct store *store = ctx;

	if (store->work == NULL && axls_sqlite_is_changed(store->database)) {
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
	store->jobs.max = settings->writes_max;
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
