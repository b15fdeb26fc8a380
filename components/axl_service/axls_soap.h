/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * AXL's documents: reads a request (SOAP 1.1, document/literal), writes answers and faults. Knows neither HTTP nor
 * databases. The clauses are those of Cisco's AXL developer guide: versions, SOAPAction, sequence.
 */
#ifndef FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_SOAP_H
#define FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_SOAP_H

#include <stdbool.h>

#include <fedway/config.h>

#include "components/axl_service/axls_result.h"

enum axls_operation {
	AXLS_QUERY,   /**< executeSQLQuery */
	AXLS_UPDATE,  /**< executeSQLUpdate */
	AXLS_VERSION, /**< getCCMVersion */
	AXLS_OPERATION_COUNT,
};
/** As on the wire. */
const char *axls_operation_name(enum axls_operation operation);

struct axls_request {
	enum axls_operation operation;
	char schema[8];    /**< of the answer: "9.1" */
	char sequence[24]; /**< repeated in the answer; "": none */
	char *sql;         /**< NULL for AXLS_VERSION */
};

/**
 * Reads a request.
 * @param action   the header SOAPAction; absent when there is none
 * @param schemas  versions that we answer, oldest first
 * @param why      receives a sentence for the client
 * @return FW_OK; FW_EPARSE, FW_ELIMIT, FW_ENOMEM: a fault; FW_EABI: an unsupported version (HTTP 599).
 *         Free with axls_request_free() in any case
 */
int axls_soap_read(struct fw_str body, struct fw_str action, const struct fw_strings *schemas,
                   struct axls_request *out, struct fw_error *why);
void axls_request_free(struct axls_request *request);

/* Texts to be freed with free(); NULL when out of memory. */

/** The answer to a query or an update that came to something. */
char *axls_soap_result(const struct axls_request *request, const struct axls_result *result);
char *axls_soap_version(const struct axls_request *request, const char *version);
/**
 * A fault.
 * @param request   operation that is named; NULL: it was not understood, and there is no detail
 * @param ours      the fault is ours (soapenv:Server), else the client's
 */
char *axls_soap_fault(const struct axls_request *request, bool ours, int axl_code, const char *text);

#endif
