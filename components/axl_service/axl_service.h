/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The AXL service of an IM node: what its files share. axls_door.c lets clients in, axls_http.c speaks HTTP,
 * axls_call.c answers, a store (axls_store.h) keeps the table, axls_table.c makes the router follow it.
 */
#ifndef FEDWAY_COMPONENTS_AXL_SERVICE_AXL_SERVICE_H
#define FEDWAY_COMPONENTS_AXL_SERVICE_AXL_SERVICE_H

#include <fedway/fedway.h>
#include <fedway/io/listener.h>
#include <fedway/io/tls.h>

#include "components/axl_service/axls_http.h"
#include "components/axl_service/axls_store.h"

struct axls_door;
struct axls_table;
struct axls_users;
struct axls_call;

enum axls_role { AXLS_NO_ROLE, AXLS_READ_ONLY, AXLS_ADMINISTRATOR };

struct axls_user_row {
	const char *name;
	struct fw_secret password;
	int role;
};

enum axls_storage { AXLS_SQLITE, AXLS_POSTGRESQL };
enum axls_restart_notice { AXLS_RESTART_OFF, AXLS_RESTART_UNTIL_IN_FORCE };

struct axl_service_config {
	struct fw_rows listen, users; /**< struct fw_listen_row, struct axls_user_row */
	const char *certificate_file, *key_file;
	int storage;
	const char *database_file;
	const char *connection;
	const char *version;
	struct fw_strings schemas;
	int restart_notice;
	uint32_t weight;
	uint32_t connections_max, connections_per_address_max;
	uint32_t request_timeout_ms, handshake_timeout_ms, stall_timeout_ms;
	uint32_t header_max_bytes, body_max_bytes;
	uint32_t rows_max, answer_max_bytes;
	uint32_t statement_max_steps, statement_timeout_ms;
	uint32_t lock_timeout_ms, poll_ms;
	uint32_t writes_waiting_max;
	uint32_t reconnect_min_ms, reconnect_max_ms;
	uint32_t login_delay_ms, login_failures_max, login_pause_s;
};

#define AXLS_COUNTERS(X) \
	X(CONNECTIONS, "connections", "connections", "that were let in") \
	X(REFUSED, "refused", "connections", "that a limit kept out") \
	X(LOGINS_FAILED, "logins_failed", "requests", "with a wrong name or password, or none") \
	X(QUERIES, "queries", "requests", "executeSQLQuery that was answered with rows") \
	X(UPDATES, "updates", "requests", "executeSQLUpdate that was done") \
	X(FAULTS, "faults", "requests", "that ended with a SOAP fault") \
	X(THROTTLED, "throttled", "requests", "that were told to come back later")

#define AXLS_COUNTER_ID(id, name, unit, help) AXLS_COUNT_##id,
enum axls_count { AXLS_COUNTERS(AXLS_COUNTER_ID) AXLS_COUNT_END };

struct axls {
	struct fw_self *self;
	struct fw_loop *loop;
	const struct axl_service_config *config;
	struct axls_store *store;
	struct axls_http *http;
	struct axls_door *door;
	struct axls_users *users;
	struct axls_table *table;
	struct axls_call *waiting; /* requests that are answered later */
	bool draining, stopping;
};

/* ---- axls_call.c ---- */

/** Answers a request: path, login, document, statement. */
void axls_call(void *axls, struct axls_exchange *exchange);
/** The component stops: what waits only for time is answered. */
void axls_call_end_all(struct axls *axls);

/* ---- axls_commands.c ---- */

extern const struct fw_command axls_commands[];

/* ---- axls_options.c ---- */

extern const struct fw_option axls_options[];
/** Checks what rows cannot say, without touching anything but files. */
int axls_options_check(const void *config, struct fw_error *err);
extern const struct fw_choice axls_role_choices[], axls_storage_choices[];

#endif
