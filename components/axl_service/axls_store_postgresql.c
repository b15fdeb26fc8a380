/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * libpq lives here: the store that several IM nodes share. Never blocks: it is given one place at a
 * time, with its address. A statement is first prepared against a mirror in memory, under SQLite's
 * authorizer, and then run by itself, selects in read-only transactions. A trigger tells all nodes
 * of changes.
 */
#include <stdio.h>
#include <stdlib.h>

#include <libpq-fe.h>

#include "components/axl_service/axls_jobs.h"
#include "components/axl_service/axls_places.h"
#include "components/axl_service/axls_sqlite.h"
#include "components/axl_service/axls_sqlstate.h"

enum { CONNECT_MS = 5000, GRACE_MS = 2000, MIRROR_STEPS = 1000000 };

#define CHANNEL "fedway_xmpps2snodes"
#define HEX "[0-9a-f]"

static struct fw_logger postgresql_logger = FW_LOGGER("axl.postgresql");

enum phase {
	PHASE_AWAY, /* no connection; the timer brings the next attempt */
	PHASE_CONNECTING,
	PHASE_SETUP, /* schema, limits, LISTEN */
	PHASE_IDLE,
	PHASE_MODE, /* read-only or not, for the job at the head */
	PHASE_JOB,
};

struct store {
	struct axls_store base;
	struct fw_loop *loop;
	const struct fw_log *log;
	struct axls_store_settings settings;
	char *connection;
	struct axls_places *places;
	uint32_t connect_ms; /* patience with one place */
	const struct axls_store_events *events;
	void *ctx;
	struct axls_sqlite *mirror;
	PGconn *pg;
	struct fw_io *io;
	struct fw_timer *timer; /* of the phase; in PHASE_AWAY of the next attempt */
	struct fw_task changed, begin;
	enum phase phase;
	bool writable; /* the session's transactions may write */
	bool told;     /* that it is down */
	uint32_t retry_ms;
	struct axls_jobs jobs;      /* the first is under way in PHASE_MODE and PHASE_JOB */
	struct axls_result *result; /* of the first */
};

/* One transaction; several nodes may come here at once. */
static const char schema[] =
        "DO $fedway$ DECLARE v integer; BEGIN "
        "PERFORM pg_advisory_xact_lock(720726144301); "
        "IF to_regclass('fedway_axl_schema') IS NULL THEN "
        "CREATE TABLE fedway_axl_schema (version integer NOT NULL); "
        "INSERT INTO fedway_axl_schema VALUES (1); "
        "CREATE FUNCTION newid() RETURNS text LANGUAGE sql VOLATILE AS 'SELECT "
        "gen_random_uuid()::text'; "
        "CREATE TABLE " AXLS_TABLE " ("
        "pkid text COLLATE \"C\" PRIMARY KEY DEFAULT newid() CHECK (pkid ~ "
        "'^" HEX "{8}-" HEX "{4}-" HEX "{4}-" HEX "{4}-" HEX "{12}$'), "
        "cp_id text COLLATE \"C\" NOT NULL UNIQUE CHECK (length(cp_id) BETWEEN 1 AND 1023)); "
        "CREATE FUNCTION fedway_axl_notify() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN PERFORM pg_notify(''" CHANNEL "'', ''''); RETURN NULL; END'; "
        "CREATE TRIGGER fedway_axl_notify AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE "
        "ON " AXLS_TABLE " FOR EACH STATEMENT EXECUTE FUNCTION fedway_axl_notify(); "
        "END IF; "
        "SELECT version INTO v FROM fedway_axl_schema; "
        "IF v IS DISTINCT FROM 1 THEN "
        "RAISE EXCEPTION 'the schema has version %, this release knows 1', v; END IF; "
        "END $fedway$; LISTEN " CHANNEL ";";

static void store_connect(void *ctx);

/* ---- watching ---- */

static void on_io(void *ctx, int events);

/* libpq may change its descriptor while it connects. */
static int watch(struct store *store, int events)
{
	fw_io_remove(&store->io);
	return fw_io_add(store->loop, PQsocket(store->pg), events, on_io, store, &store->io);
}

static void watch_flush(struct store *store)
{
	fw_io_set(store->io, PQflush(store->pg) == 1 ? FW_IO_READ | FW_IO_WRITE : FW_IO_READ);
}

static const char *first_line(const char *text, char out[256])
{
	snprintf(out, 256, "%.*s", (int)strcspn(text, "\n"), text);
	return out;
}

/* ---- jobs ---- */

static void finish_job(struct store *store)
{
	struct axls_result *result = store->result;

	store->result = NULL;
	axls_jobs_finish(&store->jobs, &result);
}

static void end_jobs(struct store *store, const char *why)
{
	bool under_way = store->phase == PHASE_JOB;

	store->phase = PHASE_AWAY;
	while (store->jobs.first != NULL) {
		axls_result_free(&store->result);
		store->result = axls_result_new(&store->settings.bounds);
		if (store->result != NULL) {
			axls_result_fail(store->result, FW_ECLOSED, AXLS_CODE_DOWN,
			                 "The database cannot be reached: %s%s", why,
			                 under_way && store->jobs.first->sql.writes
			                         ? "; whether the statement was done is not known"
			                         : "");
		}
		under_way = false;
		finish_job(store);
	}
}

/* ---- the connection's end ---- */

static void disconnect(struct store *store)
{
	fw_io_remove(&store->io);
	fw_timer_stop(store->timer);
	PQfinish(store->pg);
	store->pg = NULL;
}

static void fail(struct store *store, const char *why)
{
	char words[256];

	bool next = store->phase > PHASE_AWAY && store->phase < PHASE_IDLE &&
	            axls_places_left(store->places);
	first_line(why, words);
	disconnect(store);
	if (next) {
		fw_log(store->log, &postgresql_logger, FW_LOG_DEBUG,
		       "no database here, trying the next place reason='%s'", words);
		fw_defer(store->loop, &store->begin);
		return;
	}
	axls_places_rewind(store->places);
	fw_log(store->log, &postgresql_logger, store->told ? FW_LOG_DEBUG : FW_LOG_WARNING,
	       "no database reason='%s' retry_ms=%u", words, (unsigned)store->retry_ms);
	fw_timer_start_ms(store->timer, store->retry_ms, 0);
	store->retry_ms = store->retry_ms * 2 < store->settings.retry_max_ms
	                          ? store->retry_ms * 2
	                          : store->settings.retry_max_ms;
	end_jobs(store, words);
	if (!store->told) {
		store->told = true;
		store->events->down(store->ctx, words);
	}
}

static void on_time(void *ctx)
{
	struct store *store = ctx;

	if (store->phase == PHASE_AWAY) {
		store_connect(store);
	} else {
		fail(store, store->phase == PHASE_CONNECTING ? "no connection in time"
		                                             : "no answer in time");
	}
}

/* ---- statements ---- */

static void dispatch(struct store *store, enum phase phase, int sent, uint32_t wait_ms)
{
	store->phase = phase;
	if (sent != 1) {
		fail(store, PQerrorMessage(store->pg));
		return;
	}
	fw_timer_start_ms(store->timer, wait_ms, 0);
	watch_flush(store);
}

/* One statement by itself: the extended protocol takes no second one. */
static void send_job(struct store *store)
{
	const struct axls_sql *sql = &store->jobs.first->sql;
	char *bounded = NULL;
	int sent = 0;

	if (sql->writes) {
		sent = PQsendQueryParams(store->pg, sql->text, 0, NULL, NULL, NULL, NULL, 0);
	} else {
		size_t size = strlen(sql->text) + 96;
		bounded = malloc(size);
		if (bounded != NULL) {
			snprintf(bounded, size, "select * from (%s) as fedway_rows limit %llu",
			         sql->text,
			         (unsigned long long)store->settings.bounds.rows_max + 1);
			sent = PQsendQueryParams(store->pg, bounded, 0, NULL, NULL, NULL, NULL, 0);
		}
	}
	free(bounded);
	dispatch(store, PHASE_JOB, sent, store->settings.timeout_ms + GRACE_MS);
}

static void store_next(struct store *store)
{
	if (store->phase != PHASE_IDLE || store->jobs.first == NULL) {
		return;
	}
	store->result = axls_result_new(&store->settings.bounds);
	if (store->jobs.first->sql.writes == store->writable) {
		send_job(store);
		return;
	}
	store->writable = store->jobs.first->sql.writes;
	dispatch(store, PHASE_MODE,
	         PQsendQuery(store->pg, store->writable ? "SET default_transaction_read_only = off"
	                                                : "SET default_transaction_read_only = on"),
	         GRACE_MS);
}

static void send_setup(struct store *store)
{
	char text[sizeof(schema) + 512];

	snprintf(text, sizeof(text),
	         "SET client_encoding = 'UTF8'; SET standard_conforming_strings = on; "
	         "SET client_min_messages = warning; SET default_transaction_read_only = off; %s "
	         "SET statement_timeout = %u; SET lock_timeout = %u;",
	         schema, (unsigned)store->settings.timeout_ms,
	         (unsigned)store->settings.timeout_ms);
	store->writable = true;
	dispatch(store, PHASE_SETUP, PQsendQuery(store->pg, text), CONNECT_MS);
}

/* ---- results ---- */

static void take_rows(struct axls_result *out, const PGresult *pg)
{
	int ret = FW_OK;

	for (int i = 0; ret == FW_OK && i < PQnfields(pg); i++) {
		ret = axls_result_column(out, PQfname(pg, i));
	}
	for (int row = 0; ret == FW_OK && row < PQntuples(pg); row++) {
		for (int i = 0; ret == FW_OK && i < PQnfields(pg); i++) {
			ret = axls_result_cell(
			        out, PQgetisnull(pg, row, i) ? NULL : PQgetvalue(pg, row, i));
		}
	}
}

/* @return false: the connection has failed */
static bool take_result(struct store *store, const PGresult *pg)
{
	ExecStatusType status = PQresultStatus(pg);
	uint64_t count = 0;

	if (store->phase != PHASE_JOB) {
		if (status != PGRES_COMMAND_OK) {
			fail(store, PQresultErrorMessage(pg));
			return false;
		}
		return true;
	}
	const char *state = PQresultErrorField(pg, PG_DIAG_SQLSTATE);
	if (store->writable && state != NULL && strcmp(state, AXLS_SQLSTATE_READ_ONLY) == 0) {
		fail(store, "another server has taken its place");
		return false;
	}
	if (store->result == NULL) {
		return true; /* out of memory: the caller is told so */
	}
	if (status == PGRES_TUPLES_OK) {
		take_rows(store->result, pg);
	} else if (status == PGRES_COMMAND_OK) {
		fw_str_to_u64(fw_str(PQcmdTuples((PGresult *)pg)), INT64_MAX, &count);
		store->result->updated = count;
	} else {
		axls_sqlstate_fail(store->result, state,
		                   PQresultErrorField(pg, PG_DIAG_MESSAGE_PRIMARY));
	}
	return true;
}

/* All results of what was sent are here. */
static void phase_done(struct store *store)
{
	enum phase phase = store->phase;

	fw_timer_stop(store->timer);
	store->phase = PHASE_IDLE;
	if (phase == PHASE_MODE) {
		send_job(store);
		return;
	}
	if (phase == PHASE_SETUP) {
		fw_log(store->log, &postgresql_logger, FW_LOG_NOTICE,
		       "connected to the database host='%s' db='%s'", PQhost(store->pg),
		       PQdb(store->pg));
		store->told = false;
		store->retry_ms = store->settings.retry_min_ms;
		fw_defer(store->loop, &store->changed);
	} else {
		finish_job(store);
	}
	store_next(store);
}

static void take_notifications(struct store *store)
{
	PGnotify *told;

	while ((told = PQnotifies(store->pg)) != NULL) {
		PQfreemem(told);
		fw_defer(store->loop, &store->changed);
	}
}

static void on_answer(struct store *store)
{
	if (PQconsumeInput(store->pg) != 1) {
		fail(store, PQerrorMessage(store->pg));
		return;
	}
	watch_flush(store);
	while (store->phase > PHASE_IDLE ||
	       store->phase == PHASE_SETUP) { /* PHASE_AWAY: it has failed */
		if (PQisBusy(store->pg)) {
			break;
		}
		PGresult *pg = PQgetResult(store->pg);
		bool goes_on = pg == NULL || take_result(store, pg);
		PQclear(pg);
		if (!goes_on) {
			return;
		}
		if (pg == NULL) {
			phase_done(store);
		}
	}
	if (store->pg != NULL) {
		take_notifications(store);
	}
}

static void on_connecting(struct store *store)
{
	int events = 0;

	fw_io_remove(&store->io);
	switch (PQconnectPoll(store->pg)) {
	case PGRES_POLLING_READING:
		events = FW_IO_READ;
		break;
	case PGRES_POLLING_WRITING:
		events = FW_IO_WRITE;
		break;
	case PGRES_POLLING_OK:
		break;
	default:
		fail(store, PQerrorMessage(store->pg));
		return;
	}
	if (watch(store, events != 0 ? events : FW_IO_READ) != FW_OK) {
		fail(store, "its socket cannot be watched");
	} else if (events == 0) {
		PQsetnonblocking(store->pg, 1);
		send_setup(store);
	}
}

static void on_io(void *ctx, int events)
{
	struct store *store = ctx;

	(void)events;
	if (store->phase == PHASE_CONNECTING) {
		on_connecting(store);
	} else {
		on_answer(store);
	}
}

/* ---- the connection's beginning ---- */

static void no_notice(void *ctx, const PGresult *pg)
{
	(void)ctx;
	(void)pg;
}

static void on_place(void *ctx, const struct axls_place *place)
{
	struct store *store = ctx;
	/* The string stands between what it may change and what it may not. A silent server is
	 * known in eleven seconds. */
	const char *const names[] = { "keepalives_idle",
		                      "keepalives_interval",
		                      "keepalives_count",
		                      "tcp_user_timeout",
		                      "dbname",
		                      "host",
		                      "hostaddr",
		                      "port",
		                      NULL };
	const char *values[FW_COUNT(names)] = { "5", "2", "3", "10000", store->connection };

	if (place == NULL) {
		fail(store, "the name of its host has no address");
		return;
	}
	values[5] = place->host;
	values[6] = place->address;
	values[7] = place->port;
	store->pg = PQconnectStartParams(names, values, 1);
	if (store->pg == NULL || PQstatus(store->pg) == CONNECTION_BAD) {
		fail(store, store->pg != NULL ? PQerrorMessage(store->pg) : "out of memory");
		return;
	}
	PQsetNoticeReceiver(store->pg, no_notice, NULL);
	fw_timer_start_ms(store->timer, store->connect_ms, 0);
	if (watch(store, FW_IO_WRITE) != FW_OK) {
		fail(store, "its socket cannot be watched");
	}
}

static void store_connect(void *ctx)
{
	struct store *store = ctx;

	store->phase = PHASE_CONNECTING;
	axls_places_next(store->places);
}

static void on_changed(void *ctx)
{
	struct store *store = ctx;

	store->events->changed(store->ctx);
}

/* ---- the store ---- */

static void store_close(struct axls_store **at)
{
	struct store *store = (struct store *)*at;

	*at = NULL;
	if (store == NULL) {
		return;
	}
	if (store->timer != NULL) {
		disconnect(store);
	}
	end_jobs(store, "the service stops");
	fw_defer_cancel(&store->changed);
	fw_defer_cancel(&store->begin);
	fw_timer_free(&store->timer);
	axls_places_free(&store->places);
	axls_sqlite_close(&store->mirror);
	free(store->connection);
	free(store);
}

static const char *option_of(const PQconninfoOption *options, const char *name)
{
	while (options->keyword != NULL && strcmp(options->keyword, name) != 0) {
		options++;
	}
	return options->keyword != NULL ? options->val : NULL;
}

static int read_connection(struct store *store, struct fw_error *err)
{
	char *words = NULL, line[256];
	PQconninfoOption *options = PQconninfoParse(store->connection, &words);
	uint64_t seconds = 0;
	int ret = FW_OK;

	if (options == NULL) {
		ret = fw_error_set(err, FW_EINVAL, "connection cannot be read: %s",
		                   words != NULL ? first_line(words, line) : "out of memory");
	} else {
		const char *patience = option_of(options, "connect_timeout");
		store->connect_ms = CONNECT_MS;
		if (patience != NULL && fw_str_to_u64(fw_str(patience), 600, &seconds) == FW_OK &&
		    seconds > 0) {
			store->connect_ms = (uint32_t)seconds * 1000;
		}
		ret = axls_places_new(store->loop, option_of(options, "host"),
		                      option_of(options, "hostaddr"), option_of(options, "port"),
		                      on_place, store, &store->places);
	}
	PQconninfoFree(options);
	PQfreemem(words);
	return ret;
}

static int store_open(struct fw_loop *loop, const struct fw_log *log,
                      const struct axls_store_settings *settings,
                      const struct axls_store_events *events, void *ctx, struct axls_store **out,
                      struct fw_error *err)
{
	const struct axls_sqlite_settings mirror = { .steps_max = MIRROR_STEPS };
	struct store *store = calloc(1, sizeof(*store));
	int ret = FW_ENOMEM;

	if (store == NULL) {
		return ret;
	}
	*store = (struct store){ .base = { &axls_store_postgresql },
		                 .loop = loop,
		                 .log = log,
		                 .settings = *settings,
		                 .connection = fw_str_dup(fw_str(settings->connection)),
		                 .events = events,
		                 .ctx = ctx,
		                 .changed = { .fn = on_changed, .ctx = store },
		                 .begin = { .fn = store_connect, .ctx = store },
		                 .retry_ms = settings->retry_min_ms,
		                 .jobs = { .max = settings->writes_max } };
	if (store->connection != NULL) {
		ret = read_connection(store, err);
	}
	if (ret == FW_OK) {
		ret = axls_sqlite_open(&mirror, &store->mirror, err);
	}
	if (ret == FW_OK) {
		ret = fw_timer_new(loop, on_time, store, &store->timer);
	}
	if (ret == FW_OK) {
		fw_defer(loop, &store->begin);
		*out = &store->base;
		return FW_OK;
	}
	struct axls_store *half = &store->base;
	store_close(&half);
	return ret;
}

/* @return FW_OK: the statement may wait */
static int admit(struct store *store, const struct axls_sql *sql, struct axls_result *result)
{
	int ret = axls_sqlite_check(store->mirror, sql, result);

	if (ret != FW_OK) {
		return ret;
	}
	if (store->phase < PHASE_IDLE) {
		return axls_result_fail(result, FW_ECLOSED, AXLS_CODE_DOWN,
		                        "The database cannot be reached");
	}
	return FW_OK;
}

static void store_run(struct axls_store *base, struct axls_sql *sql, axls_done_fn *done, void *ctx)
{
	struct store *store = (struct store *)base;
	struct axls_result *result = axls_result_new(&store->settings.bounds);

	if (result == NULL || admit(store, sql, result) != FW_OK) {
		axls_job_refuse(sql, done, ctx, &result);
	} else if (axls_jobs_add(&store->jobs, sql, done, ctx)) {
		store_next(store);
	}
	axls_result_free(&result);
}

static bool store_is_up(const struct axls_store *base)
{
	return ((const struct store *)base)->phase >= PHASE_IDLE;
}

const struct axls_store_type axls_store_postgresql = {
	.name = "postgresql",
	.open = store_open,
	.close = store_close,
	.run = store_run,
	.is_up = store_is_up,
};
