/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What came of a statement: rows, a number of changed rows, or a problem with the number that AXL clients know.
 */
#ifndef FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_RESULT_H
#define FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_RESULT_H

#include <fedway/error.h>
#include <fedway/str.h>

/** Numbers of Informix that clients may know; others are never told. */
enum axls_code {
	AXLS_CODE_NONE = 0,
	AXLS_CODE_THROTTLE = -1,     /**< the answer would be too large, or too much waits */
	AXLS_CODE_LOCKED = -107,     /**< somebody else holds the table for longer than we wait */
	AXLS_CODE_SYNTAX = -201,
	AXLS_CODE_TABLE = -206,      /**< no such table */
	AXLS_CODE_INTERRUPTED = -213,/**< it takes too long */
	AXLS_CODE_COLUMN = -217,     /**< no such column */
	AXLS_CODE_COUNT = -236,      /**< number of columns and values differ */
	AXLS_CODE_DUPLICATE = -239,
	AXLS_CODE_DENIED = -272,     /**< not allowed here, whoever asks */
	AXLS_CODE_AMBIGUOUS = -324,
	AXLS_CODE_NULL = -391,       /**< a column that must have a value */
	AXLS_CODE_CHECK = -530,      /**< a value that the column does not take */
	AXLS_CODE_FUNCTION = -674,   /**< no such function */
	AXLS_CODE_DOWN = -908,       /**< the database cannot be reached */
	AXLS_CODE_OTHER = -999,
};

/** Bounds of an answer. */
struct axls_bounds {
	uint32_t rows_max;
	uint32_t bytes_max;
};

struct axls_result {
	int code;         /**< FW_OK; FW_EAGAIN: try again later; FW_ECLOSED: no database; else the statement's fault */
	int axl_code;     /**< enum axls_code */
	char text[256];   /**< for people, when code is not FW_OK */
	char **columns;   /**< names, fit for XML elements */
	size_t column_count;
	char **cells;     /**< row by row; NULL is SQL's null */
	size_t cell_count, cell_room;
	uint64_t updated; /**< rows that a write has changed */
	struct axls_bounds bounds;
	size_t bytes;
};

/** NULL when out of memory. [g] */
struct axls_result *axls_result_new(const struct axls_bounds *bounds);
void axls_result_free(struct axls_result **result);
/** The statement came to nothing. @return code */
int axls_result_fail(struct axls_result *result, int code, enum axls_code axl_code, const char *format, ...)
	FW_PRINTF(4, 5);
/** Out of memory, in the same form. */
int axls_result_no_memory(struct axls_result *result);
/** One more column, before the first row; a name that is none is made one: "count(*)" → "count". @return FW_OK or the failure */
int axls_result_column(struct axls_result *result, const char *name);
/** One more cell, row by row; NULL: null. @return FW_OK, or the failure: over the bounds */
int axls_result_cell(struct axls_result *result, const char *text);
size_t axls_result_rows(const struct axls_result *result);
/** NULL: null. */
const char *axls_result_at(const struct axls_result *result, size_t row, size_t column);
/** Lines as the originals' `run sql` prints them: names, a line of =, values padded to the widest. [g] free(); NULL: no memory */
char *axls_result_table(const struct axls_result *result);

#endif
