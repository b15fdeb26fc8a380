/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The module axl_service: an AXL service for the table xmpps2snodes, which the router of this node
 * follows. This file has the life cycle; the rooms behind it are named in axl_service.h.
 */
#include "components/axl_service/axl_service.h"

#include <stdlib.h>

#include <fedway/json.h>

#include "components/axl_service/axls_door.h"
#include "components/axl_service/axls_table.h"
#include "components/axl_service/axls_users.h"

#define AXLS_COUNTER_ROW(id, name, unit, help) [AXLS_COUNT_##id] = { name, unit, help },
static const struct fw_counter axls_counters[] = { AXLS_COUNTERS(AXLS_COUNTER_ROW) FW_COUNTER_END };

static struct fw_logger service_logger = FW_LOGGER("axl");

/* The library's own limit; ours is looked at by the door, and may change. */
enum { HTTP_CONNECTIONS_MAX = 4096 };

/* ---- parts ---- */

static void on_busy(void *ctx, struct axls_guest *guest, bool busy)
{
	struct axls *axls = ctx;

	axls_door_busy(axls->door, guest, busy);
}

static void on_left(void *ctx, struct axls_guest *guest)
{
	struct axls *axls = ctx;

	axls_door_left(axls->door, guest);
}

static const struct axls_http_events http_events = { axls_call, on_busy, on_left };

static const struct axls_store_events store_events = { axls_table_changed, axls_table_down };

static const struct axls_store_type *store_type(const struct axl_service_config *config)
{
#ifdef HAVE_POSTGRESQL
	if (config->storage == AXLS_POSTGRESQL) {
		return &axls_store_postgresql;
	}
#endif
	(void)config;
	return &axls_store_sqlite;
}

static int open_store(struct axls *axls, const struct axl_service_config *config,
                      struct axls_store **out, struct fw_error *err)
{
	const struct axls_store_settings settings = {
		.file = config->database_file,
		.connection = config->connection,
		.bounds = { config->rows_max, config->answer_max_bytes },
		.steps_max = config->statement_max_steps,
		.busy_ms = config->lock_timeout_ms,
		.poll_ms = config->poll_ms,
		.timeout_ms = config->statement_timeout_ms,
		.writes_max = config->writes_waiting_max,
		.retry_min_ms = config->reconnect_min_ms,
		.retry_max_ms = config->reconnect_max_ms,
	};

	return store_type(config)->open(axls->loop, fw_self_log(axls->self), &settings,
	                                &store_events, axls, out, err);
}

static void close_store(struct axls_store **store)
{
	if (*store != NULL) {
		(*store)->type->close(store);
	}
}

static struct axls_http_settings http_settings(const struct axl_service_config *config)
{
	return (struct axls_http_settings){ .connections_max = HTTP_CONNECTIONS_MAX,
		                            .header_max_bytes = config->header_max_bytes,
		                            .body_max_bytes = config->body_max_bytes };
}

/* ---- life ---- */

static void axls_free(struct axls **at)
{
	struct axls *axls = *at;

	*at = NULL;
	if (axls == NULL) {
		return;
	}
	axls->stopping = true;
	if (axls->door != NULL) {
		axls_door_close(axls->door);
	}
	close_store(&axls->store);
	axls_call_end_all(axls);
	axls_http_free(&axls->http);
	axls_door_free(&axls->door);
	axls_table_free(&axls->table);
	axls_users_free(&axls->users);
	free(axls);
}

static int axls_start(struct fw_self *self, struct fw_error *err)
{
	const struct axl_service_config *config = fw_self_config(self);
	const struct axls_http_settings http = http_settings(config);
	struct axls *axls = calloc(1, sizeof(*axls));
	int ret = FW_ENOMEM;

	if (axls == NULL) {
		goto done;
	}
	axls->self = self;
	axls->loop = fw_self_loop(self);
	axls->config = config;
	fw_self_set_state(self, axls);
	ret = axls_users_new(config->login_failures_max, config->login_pause_s, &axls->users);
	if (ret == FW_OK) {
		ret = axls_table_new(axls, &axls->table);
	}
	if (ret == FW_OK) {
		ret = open_store(axls, config, &axls->store, err);
	}
	if (ret == FW_OK) {
		ret = axls_http_new(axls->loop, &http, &http_events, axls, &axls->http);
	}
	if (ret == FW_OK) {
		ret = axls_door_open(axls, &axls->door, err);
	}
	if (ret != FW_OK) {
		goto done;
	}
	axls = NULL;
done:
	if (ret != FW_OK) {
		fw_self_set_state(self, NULL);
	}
	axls_free(&axls);
	return ret;
}

static bool same_store(const struct axl_service_config *a, const struct axl_service_config *b)
{
	return a->storage == b->storage && strcmp(a->database_file, b->database_file) == 0 &&
	       strcmp(a->connection, b->connection) == 0 && a->rows_max == b->rows_max &&
	       a->answer_max_bytes == b->answer_max_bytes &&
	       a->statement_max_steps == b->statement_max_steps &&
	       a->statement_timeout_ms == b->statement_timeout_ms &&
	       a->lock_timeout_ms == b->lock_timeout_ms && a->poll_ms == b->poll_ms &&
	       a->writes_waiting_max == b->writes_waiting_max &&
	       a->reconnect_min_ms == b->reconnect_min_ms &&
	       a->reconnect_max_ms == b->reconnect_max_ms;
}

/* Another place of the table: the old one is closed when the new one is open. */
static void swap_store(struct axls *axls, const struct axl_service_config *config)
{
	struct axls_store *store = NULL;
	struct fw_error err = { 0 };

	if (open_store(axls, config, &store, &err) != FW_OK) {
		fw_log(fw_self_log(axls->self), &service_logger, FW_LOG_ERROR,
		       "the new storage cannot be opened, the one before stays: %s", err.text);
		return;
	}
	struct axls_store *old = axls->store;
	axls->store = store;
	close_store(&old);
}

static void axls_reload(struct fw_self *self, const void *ctx)
{
	struct axls *axls = fw_self_state(self);
	const struct axl_service_config *config = ctx, *old = axls->config;
	const struct axls_http_settings http = http_settings(config);
	struct axls_users *users = NULL;

	axls->config = config;
	if ((old->login_failures_max != config->login_failures_max ||
	     old->login_pause_s != config->login_pause_s) &&
	    axls_users_new(config->login_failures_max, config->login_pause_s, &users) == FW_OK) {
		axls_users_free(&axls->users);
		axls->users = users;
	}
	axls_users_end_sessions(axls->users);
	if (!same_store(old, config)) {
		swap_store(axls, config);
	}
	axls_http_set(axls->http, &http);
	axls_door_apply(axls->door);
	axls_table_weigh(axls->table);
}

static void axls_drain(struct fw_self *self)
{
	struct axls *axls = fw_self_state(self);

	bool empty = axls_door_count(axls->door) == 0;

	axls->draining = true;
	axls_door_close(axls->door); /* the last visitor says so itself */
	if (empty) {
		fw_self_drained(self);
	}
}

static void axls_stop(struct fw_self *self)
{
	struct axls *axls = fw_self_state(self);

	axls_free(&axls);
	fw_self_set_state(self, NULL);
}

static void axls_report(struct fw_self *self, const char *topic, struct fw_json *out)
{
	const struct axls *axls = fw_self_state(self);

	if (strcmp(topic, "status") == 0) {
		axls_door_report(axls->door, out);
		fw_json_set(out, "storage", fw_str(axls->store->type->name));
		fw_json_set_bool(out, "database_up", axls->store->type->is_up(axls->store));
		axls_table_report(axls->table, out);
	} else if (strcmp(topic, "facts") == 0) {
		axls_table_report(axls->table, fw_json_set_object(out, "own"));
	} else if (strcmp(topic, "federation") == 0) {
		axls_table_federation(axls->table, out);
	}
}

FW_COMPONENT_EXPORT(axl_service) = {
	FW_COMPONENT_HEAD_STRICT,
	.name = "axl_service",
	.summary = "answers AXL on an IM node; its table tells the router where foreign domains go",
	.options = axls_options,
	.config_size = sizeof(struct axl_service_config),
	.check = axls_options_check,
	.start = axls_start,
	.reload = axls_reload,
	.drain = axls_drain,
	.report = axls_report,
	.stop = axls_stop,
	.counters = axls_counters,
	.commands = axls_commands,
	.read_commands = "sql",
};
