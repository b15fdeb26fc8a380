/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A direct-mapped table: a pair has one place, by its hash. When another pair comes to that place,
 * what was counted there is written first. Called by policy.c for each refused stanza: no
 * allocation.
 */
#include "components/policy/policy_refused.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/jid.h>

enum { REFUSED_PLACES = 256 };

static struct fw_logger policy_logger = FW_LOGGER("Policy");

struct refused_pair {
	char from[FW_DOMAIN_SIZE], to[FW_DOMAIN_SIZE];
	enum fw_cause cause;
	char rule[POLICY_RULE_SIZE]; /* a copy: a reload takes the rules away */
	uint64_t count;              /* 0: free place */
	uint64_t written;
	uint64_t next; /* count at which the next line is due */
};

struct policy_refused {
	struct refused_pair pairs[REFUSED_PLACES];
};

struct policy_refused *policy_refused_new(void)
{
	return calloc(1, sizeof(struct policy_refused));
}

static void refused_write(struct refused_pair *pair, const struct fw_log *log)
{
	if (pair->written == pair->count) {
		return;
	}
	pair->written = pair->count;
	fw_log(log, &policy_logger, FW_LOG_INFO,
	       "refused from=%s to=%s cause=%s rule=%s count=%llu", pair->from, pair->to,
	       fw_cause_row(pair->cause)->name, pair->rule, (unsigned long long)pair->count);
}

void policy_refused_flush(struct policy_refused *refused, const struct fw_log *log)
{
	for (size_t i = 0; refused != NULL && i < REFUSED_PLACES; i++) {
		refused_write(&refused->pairs[i], log);
		refused->pairs[i].count = refused->pairs[i].written = 0;
	}
}

void policy_refused_free(struct policy_refused **refused, const struct fw_log *log)
{
	policy_refused_flush(*refused, log);
	free(*refused);
	*refused = NULL;
}

void policy_refused_count(struct policy_refused *refused, const struct fw_log *log,
                          struct fw_str from, struct fw_str to, struct policy_decision decision)
{
	if (refused == NULL) {
		return;
	}
	uint64_t hash = fw_str_hash(from) * 31 + fw_str_hash(to);
	struct refused_pair *pair = &refused->pairs[hash % REFUSED_PLACES];
	if (pair->count == 0 || !fw_str_is(from, pair->from) || !fw_str_is(to, pair->to)) {
		refused_write(pair, log);
		snprintf(pair->from, sizeof(pair->from), "%.*s", FW_STR_ARG(from));
		snprintf(pair->to, sizeof(pair->to), "%.*s", FW_STR_ARG(to));
		pair->count = pair->written = 0;
		pair->next = 1;
	}
	pair->cause = decision.cause;
	snprintf(pair->rule, sizeof(pair->rule), "%s", decision.rule);
	if (++pair->count == pair->next) {
		refused_write(pair, log);
		pair->next *= 10;
	}
}
