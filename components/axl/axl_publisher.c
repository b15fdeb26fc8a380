/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A run: which version? → which rows? → change them → which rows? until they are as they should be.
 * One request at a time. Called by axl.c and axl_commands.c; the network is axl_http.c, the
 * difference axl_plan.c, what people are told axl_tell.c.
 */
#include "components/axl/axl_publisher.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/io/crypto.h>

/* A publisher that still differs after so many rounds of changes is written by somebody else. */
#define ROUNDS_MAX 3u

static struct fw_logger axl_logger = FW_LOGGER("axl");

static void publisher_begin(struct axl_publisher *publisher);
static void publisher_on_answer(void *ctx, const struct axl_http_answer *said);

/* ---- when ---- */

/* A tenth more or less, so that several cores do not ask in step. */
static uint64_t with_jitter(uint64_t ms)
{
	uint32_t random;

	fw_random(&random, sizeof(random));
	return ms - ms / 10 + (uint64_t)random % (ms / 5 + 1);
}

static uint64_t retry_delay(const struct axl_publisher *publisher)
{
	const struct axl_config *config = publisher->axl->config;
	uint64_t delay = config->retry_min_ms;

	if (axl_outcome_retry(publisher->last.outcome) == AXL_RETRY_LATER) {
		return config->retry_max_ms;
	}
	for (unsigned i = 1; i < publisher->failures && delay < config->retry_max_ms; i++) {
		delay *= 2;
	}
	return delay < config->retry_max_ms ? delay : config->retry_max_ms;
}

static void schedule(struct axl_publisher *publisher, uint64_t delay_ms)
{
	publisher->next_ms = fw_now_ms(publisher->axl->loop) + delay_ms;
	fw_timer_start_ms(publisher->timer, delay_ms, 0);
}

/* In this turn's timers; what is due later stays due unless a sync ends before. */
static void run_now(struct axl_publisher *publisher)
{
	if (publisher->step == AXL_IDLE) {
		fw_timer_start_ms(publisher->timer, 0, 0);
	}
}

static void publisher_on_timer(void *ctx)
{
	struct axl_publisher *publisher = ctx;

	if (publisher->step == AXL_IDLE) {
		publisher->want_sync = publisher->want_sync || !publisher->want_dry;
		publisher_begin(publisher);
	}
}

void axl_publisher_sync(struct axl_publisher *publisher)
{
	publisher->want_sync = true;
	run_now(publisher);
}

void axl_publisher_look(struct axl_publisher *publisher)
{
	publisher->want_dry = true;
	run_now(publisher);
}

bool axl_publisher_is_busy(const struct axl_publisher *publisher)
{
	return publisher->step != AXL_IDLE || publisher->want_sync || publisher->want_dry;
}

bool axl_publisher_is_synced(const struct axl_publisher *publisher)
{
	return publisher->last.outcome == AXL_OK &&
	       publisher->synced_generation == publisher->axl->generation;
}

/* ---- the end of a run ---- */

/* A sync, as opposed to a look, decides about the next one. */
static void end_sync(struct axl_publisher *publisher)
{
	struct axl *axl = publisher->axl;

	if (publisher->last.outcome == AXL_OK) {
		publisher->failures = 0;
		publisher->synced_generation = publisher->generation;
		publisher->synced_ms = fw_now_ms(axl->loop);
		fw_count(axl->self, AXL_COUNT_SYNCS, 1);
		schedule(publisher, with_jitter(axl->config->check_interval_ms));
	} else {
		publisher->failures++;
		fw_count(axl->self, AXL_COUNT_FAILURES, 1);
		schedule(publisher, with_jitter(retry_delay(publisher)));
	}
	axl_tell_end(publisher);
	/* while this one ran, something else became wanted */
	publisher->want_sync = publisher->want_sync || (publisher->last.outcome == AXL_OK &&
	                                                publisher->generation != axl->generation);
}

static void publisher_end(struct axl_publisher *publisher, enum axl_outcome outcome,
                          const char *text)
{
	struct axl_end *end = publisher->dry ? &publisher->looked : &publisher->last;
	uint64_t now_ms = fw_now_ms(publisher->axl->loop);

	publisher->step = AXL_IDLE;
	end->outcome = outcome;
	snprintf(end->text, sizeof(end->text), "%s", text);
	axl_plan_clear(&publisher->plan);
	free(publisher->sql);
	publisher->sql = NULL;
	if (outcome != AXL_OK) {
		publisher->rows_known = false;
		publisher->schema[0] = '\0'; /* it may be another release by then */
	}
	if (publisher->dry) {
		schedule(publisher, publisher->next_ms > now_ms ? publisher->next_ms - now_ms : 0);
	} else {
		end_sync(publisher);
	}
	if (publisher->want_sync || publisher->want_dry) {
		run_now(publisher);
	}
	axl_finished(publisher->axl);
}

/* ---- asking ---- */

static int need_http(struct axl_publisher *publisher, struct fw_error *err)
{
	const struct axl_config *config = publisher->axl->config;
	const struct axl_publisher_row *row = publisher->config;
	const struct axl_http_settings settings = {
		.url = row->url,
		.address = row->address,
		.user = row->user,
		.password = row->password.bytes,
		.ca_file = row->ca_file,
		.connect_timeout_ms = config->connect_timeout_ms,
		.timeout_ms = config->timeout_ms,
		.answer_max_bytes = config->answer_max_bytes,
	};

	return publisher->http != NULL
	               ? FW_OK
	               : axl_http_new(publisher->axl->loop, &settings, publisher_on_answer,
	                              publisher, &publisher->http, err);
}

/* Sends the request as it stands, with a new number. */
static void publisher_send(struct axl_publisher *publisher)
{
	char action[AXL_ACTION_SIZE];
	char *body;
	int ret = FW_ENOMEM;

	publisher->request.schema =
	        publisher->schema[0] != '\0' ? publisher->schema : AXL_SCHEMA_OLDEST;
	publisher->request.sequence = ++publisher->axl->sequence;
	axl_soap_action(&publisher->request, publisher->config->soap_action == AXL_ACTION_QUOTED,
	                action);
	body = axl_soap_write(&publisher->request);
	if (body != NULL) {
		axl_tell_request(publisher);
		fw_count(publisher->axl->self, AXL_COUNT_REQUESTS, 1);
		ret = axl_http_post(publisher->http, action, fw_str(body));
	}
	free(body);
	if (ret != FW_OK) {
		publisher_end(publisher, AXL_OURSELVES, fw_strerror(ret));
	}
}

/* @param sql  [t]; NULL for the version */
static void publisher_ask(struct axl_publisher *publisher, enum axl_step step,
                          enum axl_function function, char *sql)
{
	free(publisher->sql);
	publisher->sql = sql;
	publisher->step = step;
	publisher->request = (struct axl_request){ .function = function, .sql = sql };
	if (sql == NULL && function != AXL_GET_VERSION) {
		publisher_end(publisher, AXL_OURSELVES, fw_strerror(FW_ENOMEM));
		return;
	}
	publisher_send(publisher);
}

static void ask_rows(struct axl_publisher *publisher)
{
	publisher_ask(publisher, AXL_ASK_ROWS, AXL_QUERY, fw_str_dup(fw_str(AXL_SELECT)));
}

static void publisher_begin(struct axl_publisher *publisher)
{
	struct fw_error err = { 0 };

	publisher->dry = publisher->want_dry; /* looking first: it shows what the sync will do */
	publisher->want_sync = publisher->want_sync && publisher->dry;
	publisher->want_dry = false;
	publisher->rounds = 0;
	publisher->changed = false;
	publisher->tried.count = 0;
	publisher->generation = publisher->axl->generation;
	axl_list_clear(&publisher->inserted);
	axl_list_clear(&publisher->deleted);
	fw_timer_stop(publisher->timer);
	if (need_http(publisher, &err) != FW_OK) {
		publisher_end(publisher, AXL_OURSELVES, err.text);
		return;
	}
	if (publisher->config->schema[0] != '\0') {
		(void)axl_schema_read(fw_str(publisher->config->schema), publisher->schema);
		ask_rows(publisher);
	} else if (publisher->schema[0] == '\0') {
		publisher_ask(publisher, AXL_ASK_VERSION, AXL_GET_VERSION, NULL);
	} else {
		ask_rows(publisher);
	}
}

/* ---- answers ---- */

static void on_version(struct axl_publisher *publisher, const struct axl_answer *answer)
{
	memcpy(publisher->version, answer->version, sizeof(publisher->version));
	memcpy(publisher->schema, answer->schema, sizeof(publisher->schema));
	ask_rows(publisher);
}

static void change_next(struct axl_publisher *publisher)
{
	publisher_ask(publisher, AXL_CHANGE, AXL_UPDATE,
	              axl_plan_statement(&publisher->plan, publisher->statement));
}

static int remember_changes(struct axl_publisher *publisher)
{
	const struct axl_plan *plan = &publisher->plan;
	int ret = FW_OK;

	for (size_t i = 0; i < plan->missing.count && ret == FW_OK; i++) {
		ret = axl_list_add(&publisher->inserted, fw_str(plan->missing.items[i]));
	}
	for (size_t i = 0; i < plan->stale.count && ret == FW_OK; i++) {
		ret = axl_list_add(&publisher->deleted, fw_str(plan->stale.items[i]));
	}
	for (size_t i = 0; i < plan->twins.count && ret == FW_OK; i++) {
		ret = axl_list_add(&publisher->deleted, fw_str(plan->twins.items[i]));
	}
	return ret;
}

/* The first look of a run, when nothing new is wanted since the last one: any difference is
 * somebody else's work. */
static void look_for_drift(struct axl_publisher *publisher)
{
	const struct axl_plan *plan = &publisher->plan;
	size_t rows = plan->missing.count + plan->stale.count + plan->twins.count;

	if (publisher->synced_generation == publisher->generation && publisher->rounds == 0) {
		fw_count(publisher->axl->self, AXL_COUNT_DRIFTED, rows);
		axl_tell_drift(publisher);
	}
}

static void on_rows(struct axl_publisher *publisher, const struct axl_answer *answer)
{
	struct axl *axl = publisher->axl;
	struct axl_plan *plan = &publisher->plan;

	axl_plan_clear(plan);
	publisher->generation = axl->generation;
	if (axl_plan_make(&axl->wanted, &axl->realms, answer->rows, answer->row_count, plan) !=
	            FW_OK ||
	    remember_changes(publisher) != FW_OK) {
		publisher_end(publisher, AXL_OURSELVES, fw_strerror(FW_ENOMEM));
		return;
	}
	publisher->rows_known = true;
	publisher->rows_wanted = plan->wanted;
	publisher->rows_there = plan->there;
	publisher->rows_foreign = plan->foreign;
	if (publisher->dry) {
		publisher_end(publisher, AXL_OK, "");
		return;
	}
	look_for_drift(publisher);
	if (axl_plan_is_empty(plan)) {
		publisher_end(publisher, AXL_OK, "");
	} else if (publisher->rounds == ROUNDS_MAX) {
		publisher_end(publisher, AXL_NOT_KEPT, "");
	} else {
		publisher->rounds++;
		publisher->statement = 0;
		change_next(publisher);
	}
}

static void on_change(struct axl_publisher *publisher, const struct axl_answer *answer)
{
	const struct axl_plan *plan = &publisher->plan;
	bool inserts = axl_plan_inserts(plan, publisher->statement);

	fw_count(publisher->axl->self, inserts ? AXL_COUNT_INSERTED : AXL_COUNT_DELETED,
	         answer->updated);
	fw_log(fw_self_log(publisher->axl->self), &axl_logger, FW_LOG_NOTICE,
	       "publisher=%s rows %s count=%llu sql=\"%s\"", publisher->config->name,
	       inserts ? "inserted" : "deleted", (unsigned long long)answer->updated,
	       publisher->sql);
	if (++publisher->statement < axl_plan_statements(plan)) {
		change_next(publisher);
	} else {
		ask_rows(publisher); /* what was confirmed must show */
	}
}

static void publisher_read(const struct axl_publisher *publisher,
                           const struct axl_http_answer *said, struct axl_answer *out)
{
	static const enum axl_outcome unanswered[] = {
		[AXL_HTTP_UNREACHABLE] = AXL_UNREACHABLE, [AXL_HTTP_TIMEOUT] = AXL_TIMEOUT,
		[AXL_HTTP_CERTIFICATE] = AXL_CERTIFICATE, [AXL_HTTP_TLS] = AXL_TLS,
		[AXL_HTTP_BROKEN] = AXL_BROKEN,           [AXL_HTTP_TOO_LARGE] = AXL_TOO_LARGE,
		[AXL_HTTP_OURSELVES] = AXL_OURSELVES,
	};

	if (said->end == AXL_HTTP_ANSWERED) {
		axl_soap_read(&publisher->request, said->status, said->type, said->body,
		              publisher->axl->config->answer_max_bytes, out);
		return;
	}
	*out = (struct axl_answer){ .outcome = unanswered[said->end] };
	fw_quote(fw_str(said->words), out->text, sizeof(out->text));
}

/* A 599 lists what would be understood. True: the same is asked again in another version. */
static bool publisher_negotiate(struct axl_publisher *publisher, struct fw_str said)
{
	char next[AXL_SCHEMA_SIZE];

	if (publisher->config->schema[0] != '\0' ||
	    !axl_schema_next(said, publisher->request.schema, &publisher->tried, next)) {
		return false;
	}
	fw_log(fw_self_log(publisher->axl->self), &axl_logger, FW_LOG_INFO,
	       "publisher=%s schema refused=%s trying=%s", publisher->config->name,
	       publisher->request.schema, next);
	memcpy(publisher->schema, next, sizeof(next));
	publisher_send(publisher);
	return true;
}

static void publisher_on_answer(void *ctx, const struct axl_http_answer *said)
{
	static void (*const steps[AXL_STEPS])(struct axl_publisher *, const struct axl_answer *) = {
		[AXL_ASK_VERSION] = on_version,
		[AXL_ASK_ROWS] = on_rows,
		[AXL_CHANGE] = on_change,
	};
	struct axl_publisher *publisher = ctx;
	struct axl_answer answer;

	publisher_read(publisher, said, &answer);
	axl_tell_answer(publisher, said->status, &answer);
	if (answer.outcome == AXL_SCHEMA && publisher_negotiate(publisher, said->body)) {
		axl_answer_clear(&answer);
		return;
	}
	/* another core may have been quicker with the same row */
	if (answer.outcome == AXL_OK || answer.outcome == AXL_EXISTS) {
		steps[publisher->step](publisher, &answer);
	} else {
		publisher_end(publisher, answer.outcome, answer.text);
	}
	axl_answer_clear(&answer);
}

/* ---- life ---- */

int axl_publisher_new(struct axl *axl, const struct axl_publisher_row *config,
                      struct axl_publisher **out)
{
	struct axl_publisher *publisher = calloc(1, sizeof(*publisher));

	if (publisher == NULL) {
		return FW_ENOMEM;
	}
	publisher->axl = axl;
	publisher->config = config;
	if (fw_timer_new(axl->loop, publisher_on_timer, publisher, &publisher->timer) != FW_OK) {
		free(publisher);
		return FW_ENOMEM;
	}
	axl_publisher_sync(publisher);
	*out = publisher;
	return FW_OK;
}

void axl_publisher_inherit(struct axl_publisher *publisher, const struct axl_publisher *former)
{
	memcpy(publisher->version, former->version, sizeof(publisher->version));
	publisher->synced_generation = former->synced_generation;
	publisher->synced_ms = former->synced_ms;
}

void axl_publisher_free(struct axl_publisher **at)
{
	struct axl_publisher *publisher = *at;

	*at = NULL;
	if (publisher == NULL) {
		return;
	}
	axl_tell_gone(publisher);
	axl_http_free(&publisher->http);
	fw_timer_free(&publisher->timer);
	axl_plan_clear(&publisher->plan);
	axl_list_clear(&publisher->inserted);
	axl_list_clear(&publisher->deleted);
	free(publisher->sql);
	free(publisher);
}
