/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The options of the AXL service, and what their rows cannot say: a user without password, a
 * storage without its place, a version that is none. Checked before anything is changed.
 */
#include <ctype.h>
#include <stdlib.h>

#include "components/axl_service/axl_service.h"
#include "components/axl_service/axls_door.h"

const struct fw_choice axls_role_choices[] = {
	{ "none", AXLS_NO_ROLE, "may log in and nothing else: 403" },
	{ "read-only", AXLS_READ_ONLY, "executeSQLQuery and getCCMVersion" },
	{ "administrator", AXLS_ADMINISTRATOR, "executeSQLUpdate as well" },
	{ NULL, 0, NULL },
};

const struct fw_choice axls_storage_choices[] = {
	{ "sqlite", AXLS_SQLITE, "a file of this node" },
	{ "postgresql", AXLS_POSTGRESQL, "a database that several nodes share" },
	{ NULL, 0, NULL },
};

static const struct fw_choice restart_choices[] = {
	{ "off", AXLS_RESTART_OFF, "rows come into force silently" },
	{ "until-in-force", AXLS_RESTART_UNTIL_IN_FORCE,
	  "while a changed row is not in force, as the originals say it" },
	{ NULL, 0, NULL },
};

static const struct fw_option listen_rows[] = {
	FW_OPT(struct fw_listen_row, address, NULL, .min = 1, .max = 64,
	       .help = "IP address to listen on"),
	FW_OPT(struct fw_listen_row, port, "8443", .min = 0, .max = 65535,
	       .help = "TCP port; 0: any"),
	FW_OPT_END,
};

static const struct fw_option user_rows[] = {
	FW_OPT(struct axls_user_row, name, NULL, .min = 1, .max = 128,
	       .help = "name to log in with"),
	FW_OPT(struct axls_user_row, password, "", .min = 1, .max = 256,
	       .help = "password of the user"),
	FW_OPT(struct axls_user_row, role, "read-only", .choices = axls_role_choices,
	       .help = "what the user may do"),
	FW_OPT_END,
};

const struct fw_option axls_options[] = {
	FW_OPT(struct axl_service_config, listen, NULL, .min = 1, .max = 16, .rows = listen_rows,
	       .row_size = sizeof(struct fw_listen_row), .help = "addresses of the service"),
	FW_OPT(struct axl_service_config, certificate_file, NULL, .min = 1, .max = 4096,
	       .help = "PEM file with the certificate first, then its chain; watched"),
	FW_OPT(struct axl_service_config, key_file, "",
	       .help = "PEM file with the private key; empty: it is in certificate_file"),
	FW_OPT(struct axl_service_config, users, "", .max = 64, .rows = user_rows,
	       .row_size = sizeof(struct axls_user_row), .help = "who may ask"),
	FW_OPT(struct axl_service_config, storage, "sqlite", .choices = axls_storage_choices,
	       .help = "where the table is kept"),
	FW_OPT(struct axl_service_config, database_file, "/var/lib/fedway/axl.db", .min = 1, .max = 4096,
	       .help = "sqlite: the file, made at the first start"),
	FW_OPT(struct axl_service_config, connection, "", .max = 4096,
	       .help = "postgresql: connection string of libpq, without the password (passfile, "
	               "service)"),
	FW_OPT(struct axl_service_config, version, "14.0.1.10000-20", .min = 3, .max = 64,
	       .help = "answer to getCCMVersion; clients take its first two numbers as the schema "
	               "to use"),
	FW_OPT(struct axl_service_config, schemas,
	       "8.5, 9.1, 10.0, 10.5, 11.0, 11.5, 12.0, 12.5, 14.0, 15.0", .min = 1, .max = 32,
	       .help = "AXL versions that are answered, oldest first; others get 599"),
	FW_OPT(struct axl_service_config, restart_notice, "until-in-force",
	       .choices = restart_choices,
	       .help = "whether changed rows are told as \"Cisco XCP Router requires a restart\""),
	FW_OPT(struct axl_service_config, weight, "10", .min = 1, .max = 65535,
	       .help = "share of each component of the table among those that serve foreign "
	               "domains"),
	FW_OPT(struct axl_service_config, connections_max, "256", .min = 1, .max = 4096,
	       .help = "connections at one time"),
	FW_OPT(struct axl_service_config, connections_per_address_max, "32", .min = 1, .max = 4096,
	       .help = "the same from one address (IPv6: one network of 64 bits)"),
	FW_OPT(struct axl_service_config, request_timeout_ms, "30000", .min = 100, .max = 600000,
	       .unit = "ms",
	       .help = "time in which the next request of a connection must have arrived whole"),
	FW_OPT(struct axl_service_config, handshake_timeout_ms, "10000", .min = 100, .max = 60000,
	       .unit = "ms", .help = "limit of a TLS handshake"),
	FW_OPT(struct axl_service_config, stall_timeout_ms, "30000", .min = 100, .max = 600000,
	       .unit = "ms", .help = "patience with a client that takes no byte of its answer"),
	FW_OPT(struct axl_service_config, header_max_bytes, "16384", .min = 4096, .max = 262144,
	       .unit = "bytes", .help = "header of a request"),
	FW_OPT(struct axl_service_config, body_max_bytes, "65536", .min = 1024, .max = 4194304,
	       .unit = "bytes", .help = "body of a request; larger ones get 413"),
	FW_OPT(struct axl_service_config, rows_max, "10000", .min = 1, .max = 1000000,
	       .help = "rows of an answer, and of the table that the router follows"),
	FW_OPT(struct axl_service_config, answer_max_bytes, "8388608", .min = 1024, .max = 67108864,
	       .unit = "bytes", .help = "values of an answer"),
	FW_OPT(struct axl_service_config, statement_max_steps, "2000000", .min = 10000,
	       .max = 1000000000, .help = "sqlite: steps of its machine per statement"),
	FW_OPT(struct axl_service_config, statement_timeout_ms, "5000", .min = 100, .max = 600000,
	       .unit = "ms", .help = "postgresql: limit of a statement"),
	FW_OPT(struct axl_service_config, lock_timeout_ms, "100", .max = 2000, .unit = "ms",
	       .help = "sqlite: wait of a statement for another program's lock"),
	FW_OPT(struct axl_service_config, poll_ms, "1000", .min = 10, .max = 60000, .unit = "ms",
	       .help = "sqlite: how often changes by other programs are looked for"),
	FW_OPT(struct axl_service_config, writes_waiting_max, "1500", .min = 1, .max = 100000,
	       .help = "statements that wait for the database; more are told to come back later "
	               "(503)"),
	FW_OPT(struct axl_service_config, reconnect_min_ms, "500", .min = 10, .max = 60000,
	       .unit = "ms",
	       .help = "postgresql: first wait before it is connected again; doubled each time"),
	FW_OPT(struct axl_service_config, reconnect_max_ms, "30000", .min = 10, .max = 600000,
	       .unit = "ms", .help = "postgresql: longest wait"),
	FW_OPT(struct axl_service_config, login_delay_ms, "500", .max = 10000, .unit = "ms",
	       .help = "wait before a wrong login is answered"),
	FW_OPT(struct axl_service_config, login_failures_max, "10", .min = 1, .max = 1000,
	       .help = "wrong logins of one address, after which none is looked at for "
	               "login_pause_s"),
	FW_OPT(struct axl_service_config, login_pause_s, "60", .min = 1, .max = 86400, .unit = "s",
	       .help = "since the last wrong login"),
	FW_OPT_END,
};

static int check_users(const struct axl_service_config *config, struct fw_error *err)
{
	const struct axls_user_row *users = config->users.items;

	for (size_t i = 0; i < config->users.count; i++) {
		if (strchr(users[i].name, ':') != NULL) { /* RFC 7617 §2 */
			return fw_error_set(err, FW_EINVAL, "the user name '%s' has a colon",
			                    users[i].name);
		}
		if (users[i].password.len == 0) {
			return fw_error_set(err, FW_EINVAL, "the user '%s' has no password_file",
			                    users[i].name);
		}
		for (size_t k = 0; k < i; k++) {
			if (strcmp(users[i].name, users[k].name) == 0) {
				return fw_error_set(err, FW_EEXIST, "the user '%s' is there twice",
				                    users[i].name);
			}
		}
	}
	return FW_OK;
}

static int check_schemas(const struct axl_service_config *config, struct fw_error *err)
{
	for (size_t i = 0; i < config->schemas.count; i++) {
		const char *text = config->schemas.items[i];
		if (strlen(text) > 7 || strspn(text, "0123456789.") != strlen(text) ||
		    !isdigit((unsigned char)text[0])) {
			return fw_error_set(err, FW_EINVAL,
			                    "schemas has '%s', which is no version like \"9.1\"",
			                    text);
		}
	}
	return FW_OK;
}

int axls_options_check(const void *ctx, struct fw_error *err)
{
	const struct axl_service_config *config = ctx;

	if (config->storage == AXLS_POSTGRESQL) {
#ifndef HAVE_POSTGRESQL
		return fw_error_set(err, FW_EINVAL,
		                    "storage is postgresql, but this program was built without it");
#endif
		if (config->connection[0] == '\0') {
			return fw_error_set(err, FW_EINVAL,
			                    "storage is postgresql, but connection is empty");
		}
	}
	if (config->reconnect_min_ms > config->reconnect_max_ms) {
		return fw_error_set(err, FW_EINVAL,
		                    "reconnect_min_ms is larger than reconnect_max_ms");
	}
	int ret = check_users(config, err);
	if (ret == FW_OK) {
		ret = check_schemas(config, err);
	}
	if (ret == FW_OK) {
		ret = fw_listeners_check(config->listen.items, config->listen.count, err);
	}
	return ret == FW_OK ? axls_door_check(config, err) : ret;
}
