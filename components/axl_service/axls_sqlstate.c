/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One table from SQLSTATE to the numbers of AXL and to whether to come back later. Called by the
 * store of PostgreSQL.
 */
#include "components/axl_service/axls_sqlstate.h"

#include <fedway/error.h>

void axls_sqlstate_fail(struct axls_result *result, const char *state, const char *words)
{
	static const struct {
		const char *state; /* the beginning of a SQLSTATE */
		int code;
		enum axls_code axl_code;
	} rows[] = {
		{ "23505", FW_EEXIST, AXLS_CODE_DUPLICATE },
		{ "23502", FW_EINVAL, AXLS_CODE_NULL },
		{ "23514", FW_EINVAL, AXLS_CODE_CHECK },
		{ "42601", FW_EPARSE, AXLS_CODE_SYNTAX },
		{ "42703", FW_EPARSE, AXLS_CODE_COLUMN },
		{ "42702", FW_EPARSE, AXLS_CODE_AMBIGUOUS },
		{ "42P01", FW_EPARSE, AXLS_CODE_TABLE },
		{ "42883", FW_EPARSE, AXLS_CODE_FUNCTION },
		{ "42501", FW_EDENIED, AXLS_CODE_DENIED },
		{ AXLS_SQLSTATE_READ_ONLY, FW_EDENIED, AXLS_CODE_DENIED },
		{ "57014", FW_ELIMIT, AXLS_CODE_INTERRUPTED },
		{ "55P03", FW_EAGAIN, AXLS_CODE_LOCKED },
		{ "40", FW_EAGAIN, AXLS_CODE_LOCKED },
		{ "53", FW_EAGAIN, AXLS_CODE_THROTTLE },
		{ "57", FW_ECLOSED, AXLS_CODE_DOWN },
	};

	for (size_t i = 0; state != NULL && i < FW_COUNT(rows); i++) {
		if (strncmp(state, rows[i].state, strlen(rows[i].state)) == 0) {
			axls_result_fail(result, rows[i].code, rows[i].axl_code, "%s",
			                 words != NULL ? words : state);
			return;
		}
	}
	axls_result_fail(result, state != NULL ? FW_EPARSE : FW_ECLOSED,
	                 state != NULL ? AXLS_CODE_OTHER : AXLS_CODE_DOWN, "%s",
	                 words != NULL ? words : "the database gave no answer");
}
