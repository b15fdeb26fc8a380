/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A client's statement, read and written anew: one statement, of four kinds, of characters, words and functions
 * that every database reads alike. What is sent on is never the client's own text. Whether the statement touches
 * only our table is found out by preparing it (axls_sqlite.h).
 */
#ifndef FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_SQL_H
#define FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_SQL_H

#include <stdbool.h>

#include "components/axl_service/axls_result.h"

/** The one table that clients see. */
#define AXLS_TABLE "xmpps2snodes"

struct axls_sql {
	bool writes; /**< insert, update, delete; else select */
	char *text;  /**< tokens with single spaces; words in lower case, texts in single quotes */
};

/**
 * Reads a statement. Informix's `select first N` and `skip N` become limit and offset; a text may stand in double quotes;
 * one semicolon may stand at the end.
 * @param result  receives the failure: AXLS_CODE_SYNTAX, AXLS_CODE_FUNCTION
 * @return FW_OK; FW_EPARSE, FW_EDENIED, FW_EAGAIN (no memory) with `result` set. Free with axls_sql_free()
 */
int axls_sql_read(struct fw_str text, struct axls_sql *out, struct axls_result *result);
void axls_sql_free(struct axls_sql *sql);

#endif
