/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * AXL as SOAP 1.1, document/literal: requests as text, and what their answers say. No network in here.
 */
#ifndef FEDWAY_COMPONENTS_AXL_SOAP_H
#define FEDWAY_COMPONENTS_AXL_SOAP_H

#include <stdint.h>

#include <fedway/str.h>

#include "components/axl/axl_outcome.h"

struct fw_stanza; /* fedway/stanza.h */

enum axl_function { AXL_GET_VERSION, AXL_QUERY, AXL_UPDATE };

/** "14.0" */
#define AXL_SCHEMA_SIZE 8u
/** Means to every publisher: the oldest that you know. Then there is no SOAPAction. */
#define AXL_SCHEMA_OLDEST "1.0"
#define AXL_ACTION_SIZE 64u
#define AXL_TEXT_SIZE 256u

struct axl_request {
	enum axl_function function;
	const char *schema;
	const char *sql;   /**< of query and update */
	uint64_t sequence; /**< the answer repeats it */
};

struct axl_row {
	struct fw_str pkid, cp_id; /**< empty when the row has no such column */
};

struct axl_answer {
	enum axl_outcome outcome;
	int64_t code;              /**< axlcode of a fault; 0 when there is none */
	char text[AXL_TEXT_SIZE];  /**< what the publisher says, or what is wrong with what it says; fit for a line */
	struct axl_row *rows;      /**< of a query; they live in `document` */
	size_t row_count;
	uint64_t updated;          /**< rows, of an update */
	char version[AXL_TEXT_SIZE];    /**< of getCCMVersion, e.g. "14.0.1.10000-20" */
	char schema[AXL_SCHEMA_SIZE];   /**< the same, e.g. "14.0" */
	struct fw_stanza *document;
};

/** "executeSQLQuery" */
const char *axl_function_name(enum axl_function function);
/** Body of a request; to be freed with free(). NULL when out of memory. */
char *axl_soap_write(const struct axl_request *request);
/** Value of the header SOAPAction, "" for the oldest schema. */
void axl_soap_action(const struct axl_request *request, bool quoted, char out[AXL_ACTION_SIZE]);

/**
 * Reads an answer. Whatever the bytes are, `out` has an outcome, and for each but OK a text.
 * @param type  Content-Type
 * @param max   bound of the body, in bytes
 */
void axl_soap_read(const struct axl_request *request, unsigned status, struct fw_str type, struct fw_str body,
                   uint32_t max, struct axl_answer *out);
void axl_answer_clear(struct axl_answer *answer);

#endif
