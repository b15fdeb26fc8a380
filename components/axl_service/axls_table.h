/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Makes the router follow the table: each row's component becomes a holder of "*", as long as the row stands. Rows
 * that name no component are kept and told of.
 */
#ifndef FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_TABLE_H
#define FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_TABLE_H

#include <fedway/json.h>

struct axls;
struct axls_table;

/** @return FW_OK, FW_ENOMEM [g] */
int axls_table_new(struct axls *axls, struct axls_table **out);
/** Gives all holders back. After the store's close. */
void axls_table_free(struct axls_table **table);
/** The table may have changed: it is read again, once per turn. */
void axls_table_changed(void *axls);
/** The database is gone: what is in force stays. */
void axls_table_down(void *axls, const char *why);
/** The weight has changed. */
void axls_table_weigh(struct axls_table *table);
/** The rows as of the last reading, and what they are worth. */
void axls_table_report(const struct axls_table *table, struct fw_json *out);
/** For topic "federation": why foreign domains cannot be reached; nothing when they can. */
void axls_table_federation(const struct axls_table *table, struct fw_json *out);

#endif
