/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Statements that wait for a store, in the order in which they came. The first is the one under way.
 */
#ifndef FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_JOBS_H
#define FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_JOBS_H

#include "components/axl_service/axls_store.h"

struct axls_job {
	struct axls_job *next;
	struct axls_sql sql;
	axls_done_fn *done;
	void *ctx;
};

/** Zero at first. */
struct axls_jobs {
	struct axls_job *first;
	size_t count, max; /**< max: more are told to come back later */
};

/**
 * Takes a statement, or tells its caller at once that it cannot: there are too many, or no memory.
 * @param sql  [t]
 * @return false: the caller has been told
 */
bool axls_jobs_add(struct axls_jobs *jobs, struct axls_sql *sql, axls_done_fn *done, void *ctx);
/** Tells a caller of a statement that is not taken. @param sql  [t] @param result  [t]; NULL: no memory */
void axls_job_refuse(struct axls_sql *sql, axls_done_fn *done, void *ctx, struct axls_result **result);
/** The first is done; its caller may bring the next at once. @param result  [t]; NULL: no memory */
void axls_jobs_finish(struct axls_jobs *jobs, struct axls_result **result);

#endif
