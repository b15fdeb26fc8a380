/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A queue of statements, bounded in number. Both stores keep one; how a statement is run is theirs.
 */
#include "components/axl_service/axls_jobs.h"

#include <stdlib.h>

void axls_job_refuse(struct axls_sql *sql, axls_done_fn *done, void *ctx,
                     struct axls_result **result)
{
	axls_sql_free(sql);
	done(ctx, result);
	axls_result_free(result);
}

bool axls_jobs_add(struct axls_jobs *jobs, struct axls_sql *sql, axls_done_fn *done, void *ctx)
{
	struct axls_job **last = &jobs->first;
	struct axls_job *job = NULL;
	struct axls_result *refused = NULL;

	if (jobs->count < jobs->max) {
		job = calloc(1, sizeof(*job));
	} else {
		refused = axls_result_new(&(struct axls_bounds){ 1, 1 });
	}
	if (refused != NULL) {
		axls_result_fail(refused, FW_EAGAIN, AXLS_CODE_THROTTLE,
		                 "%zu statements wait for the database", jobs->count);
	}
	if (job == NULL) {
		axls_job_refuse(sql, done, ctx, &refused);
		return false;
	}
	*job = (struct axls_job){ .sql = *sql, .done = done, .ctx = ctx };
	sql->text = NULL;
	while (*last != NULL) {
		last = &(*last)->next;
	}
	*last = job;
	jobs->count++;
	return true;
}

void axls_jobs_finish(struct axls_jobs *jobs, struct axls_result **result)
{
	struct axls_job *job = jobs->first;

	jobs->first = job->next;
	jobs->count--;
	axls_job_refuse(&job->sql, job->done, job->ctx, result);
	free(job);
}
