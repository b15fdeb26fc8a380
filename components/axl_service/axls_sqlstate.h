/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What PostgreSQL's SQLSTATE means to a client of AXL.
 */
#ifndef FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_SQLSTATE_H
#define FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_SQLSTATE_H

#include "components/axl_service/axls_result.h"

/** A write where only reading is possible: a standby. */
#define AXLS_SQLSTATE_READ_ONLY "25006"

/** @param state  NULL: the connection has failed @param words  NULL: none */
void axls_sqlstate_fail(struct axls_result *result, const char *state, const char *words);

#endif
