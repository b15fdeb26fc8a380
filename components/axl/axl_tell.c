/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What people are told of a publisher: log lines of requests as the XCP guide has them, the end of
 * a sync in log and notices, and each failure with what can be done about it. Called by
 * axl_publisher.c and by reports. Decides nothing.
 */
#include <stdio.h>

#include "components/axl/axl_publisher.h"

static struct fw_logger network_axl = FW_LOGGER("network.axl");
static struct fw_logger axl_logger = FW_LOGGER("axl");

/* Failures of one kind are told for the first, second, fourth … time. */
static bool is_told(unsigned count)
{
	return (count & (count - 1)) == 0;
}

void axl_tell_error(const struct axl_publisher *publisher, const struct axl_end *end,
                    char out[AXL_ERROR_SIZE])
{
	bool has_words = end->text[0] != '\0';

	if (end->outcome == AXL_OK) {
		out[0] = '\0';
		return;
	}
	snprintf(out, AXL_ERROR_SIZE, "%s: %s%s%s", publisher->config->name,
	         axl_outcome_text(end->outcome), has_words ? ": " : "", end->text);
}

void axl_tell_remedy(const struct axl_publisher *publisher, const struct axl_end *end,
                     char out[AXL_REMEDY_SIZE])
{
	const struct axl_publisher_row *config = publisher->config;
	char password[300];
	const struct axl_outcome_words words = {
		.name = config->name,
		.url = config->url,
		.user = config->user,
		.password = password,
		.ca = config->ca_file[0] != '\0' ? config->ca_file : "the system's authorities",
	};

	snprintf(password, sizeof(password), "%s%s",
	         config->password.file != NULL ? "password_file " : "the password",
	         config->password.file != NULL ? config->password.file : "");
	axl_outcome_remedy(end->outcome, &words, out);
}

void axl_tell_request(const struct axl_publisher *publisher)
{
	const struct fw_log_field fields[] = {
		{ "Action", FW_STR("Send") },
		{ "URL", fw_str(publisher->config->url) },
		{ "Function", fw_str(axl_function_name(publisher->request.function)) },
	};

	fw_log_fields(fw_self_log(publisher->axl->self), &network_axl, FW_LOG_INFO, "network.axl",
	              fields, FW_COUNT(fields));
}

void axl_tell_answer(const struct axl_publisher *publisher, unsigned status,
                     const struct axl_answer *answer)
{
	char number[16] = "None";
	if (status != 0) {
		snprintf(number, sizeof(number), "%u", status);
	}
	const struct fw_log_field fields[] = {
		{ "Action", FW_STR("Receive") },
		{ "URL", fw_str(publisher->config->url) },
		{ "Function", fw_str(axl_function_name(publisher->request.function)) },
		{ "Status", fw_str(number) },
		{ "Reason", fw_str(answer->text[0] != '\0' ? answer->text : "None") },
	};

	fw_log_fields(fw_self_log(publisher->axl->self), &network_axl, FW_LOG_INFO, "network.axl",
	              fields, FW_COUNT(fields));
}

/* ---- notices ---- */

static void key_of(const struct axl_publisher *publisher, const char *kind, char out[160])
{
	snprintf(out, 160, "%s:%s", kind, publisher->config->name);
}

void axl_tell_drift(const struct axl_publisher *publisher)
{
	const struct axl_plan *plan = &publisher->plan;
	const char *name = publisher->config->name;
	struct fw_self *self = publisher->axl->self;
	char key[160];

	key_of(publisher, "drift", key);
	if (axl_plan_is_empty(plan)) {
		fw_notice_clear(self, key);
		return;
	}
	fw_log(fw_self_log(self), &axl_logger, FW_LOG_WARNING,
	       "publisher=%s rows have drifted missing=%zu strange=%zu twice=%zu", name,
	       plan->missing.count, plan->stale.count, plan->twins.count);
	fw_notice(self, key, FW_NOTICE_INFO, "find out who else writes xmpps2snodes there",
	          "%s: rows of our edges were changed by somebody else and are put right: "
	          "%zu missing, %zu unknown, %zu twice",
	          name, plan->missing.count, plan->stale.count, plan->twins.count);
}

static void tell_failure(const struct axl_publisher *publisher)
{
	struct fw_self *self = publisher->axl->self;
	enum axl_outcome outcome = publisher->last.outcome;
	bool yellow = axl_outcome_retry(outcome) == AXL_RETRY_LATER || publisher->failures > 1;
	char key[160], error[AXL_ERROR_SIZE], remedy[AXL_REMEDY_SIZE];

	key_of(publisher, "publisher", key);
	axl_tell_error(publisher, &publisher->last, error);
	axl_tell_remedy(publisher, &publisher->last, remedy);
	fw_notice(self, key, yellow ? FW_NOTICE_YELLOW : FW_NOTICE_INFO, remedy, "AXL, %s", error);
	if (is_told(publisher->failures)) {
		fw_log(fw_self_log(self), &axl_logger, FW_LOG_WARNING,
		       "publisher=%s sync failed outcome=%s failures=%u reason=\"%s\"",
		       publisher->config->name, axl_outcome_word(outcome), publisher->failures,
		       error);
	}
}

void axl_tell_end(const struct axl_publisher *publisher)
{
	bool changed = publisher->inserted.count + publisher->deleted.count > 0;
	char key[160];

	if (publisher->last.outcome != AXL_OK) {
		tell_failure(publisher);
		return;
	}
	key_of(publisher, "publisher", key);
	fw_notice_clear(publisher->axl->self, key);
	fw_log(fw_self_log(publisher->axl->self), &axl_logger,
	       changed ? FW_LOG_NOTICE : FW_LOG_DEBUG,
	       "publisher=%s in order rows=%zu inserted=%zu deleted=%zu foreign=%zu schema=%s",
	       publisher->config->name, publisher->rows_there, publisher->inserted.count,
	       publisher->deleted.count, publisher->rows_foreign, publisher->schema);
}

void axl_tell_gone(const struct axl_publisher *publisher)
{
	char key[160];

	key_of(publisher, "publisher", key);
	fw_notice_clear(publisher->axl->self, key);
	key_of(publisher, "drift", key);
	fw_notice_clear(publisher->axl->self, key);
}
