/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tables and values for people: aligned columns, units in words. Text that came from somewhere else never moves the
 * cursor of the operator's terminal.
 */
#ifndef FEDWAY_ROUTER_FEDWAYCTL_TABLE_H
#define FEDWAY_ROUTER_FEDWAYCTL_TABLE_H

#include <stdio.h>

#include <fedway/json.h>

enum table_unit { TABLE_PLAIN, TABLE_BYTES, TABLE_MS };

struct table_column {
	const char *title; /**< NULL ends the list */
	const char *key;
	enum table_unit unit;
};
#define TABLE_END { NULL, NULL, TABLE_PLAIN }

enum { TABLE_CELL_SIZE = 160 };

/** A value as text: units in words, yes and no, "-" for what is not there. @return `out` */
const char *table_value(const struct fw_json *value, enum table_unit unit, char out[TABLE_CELL_SIZE]);
/** A text of any length; lines stay lines. */
void table_text(FILE *out, struct fw_str text);
/** Rows of an array of objects; columns that no row has are left out. "(none)" for an empty array. */
void table_print(FILE *out, const struct table_column *columns, const struct fw_json *const *rows, size_t count);
/** The same for all elements of an array. */
void table_print_array(FILE *out, const struct table_column *columns, const struct fw_json *array);
/** One "title  value" line for each member that is there. */
void table_print_object(FILE *out, const struct table_column *columns, const struct fw_json *object);

#endif
