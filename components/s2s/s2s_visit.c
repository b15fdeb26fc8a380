/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * "fedwayctl check DOMAIN": goes to a remote domain and looks, as a stream would, but carries
 * nothing: policy, addresses, each target by itself, and on the first that is good a dialback with
 * a real key, whose answer proves that the other side can reach us too. Queues, back-off and
 * streams that stand are not touched.
 */
#include <stdio.h>
#include <stdlib.h>

#include "components/s2s/s2s_commands.h"
#include "components/s2s/s2s_steps.h"
#include "components/s2s/s2s_trace.h"
#include "components/s2s/s2s_visit.h"

enum {
	VISITS_MAX = 4,
	VISIT_TARGETS_MAX = 8,
	VISIT_LIMIT_MS = 90000, /* less than the router waits for any command */
};

static void visit_next(struct visit *visit);

/* ---- the end ---- */

static void visit_leave(struct visit *visit)
{
	fw_request_cancel(&visit->request);
	fw_dial_cancel(&visit->dial);
	if (visit->channel != NULL) {
		fw_channel_farewell(&visit->channel, FW_CAUSE_VERIFY_DONE);
	}
	free(visit->stream_id);
	visit->stream_id = NULL;
}

static void visit_free(struct visit *visit)
{
	visit_leave(visit);
	visit->s2s->visits--;
	fw_timer_free(&visit->timer);
	fw_log_free(&visit->log);
	free(visit);
}

static void visit_cancel(void *ctx)
{
	visit_free(ctx);
}

static void visit_done(struct visit *visit)
{
	struct fw_call *call = visit->call;

	visit_free(visit);
	fw_call_done(&call);
}

static void visit_broken(struct visit *visit)
{
	struct fw_call *call = visit->call;

	visit_free(visit);
	fw_call_fail(&call, FW_ENOMEM, NULL, "out of memory");
}

/* ---- dialback ---- */

static void visit_dialback_failed(struct visit *visit, enum fw_cause cause, const char *detail)
{
	visit->told = true;
	s2s_step_cause(visit->steps, S2S_STEP_FAIL, "dialback", cause, detail);
	visit_next(visit);
}

/* The one timer: the end of all, or that of a dialback that is not answered. */
static void visit_expired(void *ctx)
{
	struct visit *visit = ctx;

	if (fw_now_ms(visit->s2s->loop) >= visit->until_ms) {
		s2s_step(visit->steps, S2S_STEP_FAIL, "time",
		         "it took too long, the rest was left out");
		visit_done(visit);
	} else {
		visit_dialback_failed(visit, FW_CAUSE_DIALBACK_TIMEOUT, "no answer to our key");
	}
}

static void visit_limit(struct visit *visit, uint64_t limit_ms)
{
	uint64_t now = fw_now_ms(visit->s2s->loop);
	uint64_t left = visit->until_ms > now ? visit->until_ms - now : 1;

	fw_timer_start_ms(visit->timer, limit_ms < left ? limit_ms : left, 0);
}

static void visit_answered(struct visit *visit, const struct s2s_db *db)
{
	char spent[S2S_MS_SIZE], condition[64], words[160];

	if (fw_str_is(db->type, "valid")) {
		visit->proved = true;
		s2s_step(visit->steps, S2S_STEP_OK, "dialback",
		         "they asked us about our key and took it, in %s: both directions work",
		         s2s_ms(fw_now_us(visit->s2s->loop) - visit->asked_us, spent));
		visit_next(visit);
	} else if (fw_str_is(db->type, "invalid")) {
		visit_dialback_failed(visit, FW_CAUSE_DIALBACK_INVALID, "");
	} else {
		(void)snprintf(words, sizeof(words), "they answered %s",
		               fw_quote(db->condition, condition, sizeof(condition)));
		visit_dialback_failed(visit, FW_CAUSE_DIALBACK_ERROR, words);
	}
}

static void visit_on_element(void *ctx, struct fw_stanza **element)
{
	struct visit *visit = ctx;
	struct s2s_db db;

	if (visit->asked_us > 0 && s2s_db_read(*element, &db) && strcmp(db.name, "result") == 0 &&
	    db.type.len > 0 && fw_domain_eq(db.from, fw_str(visit->remote)) &&
	    fw_domain_eq(db.to, fw_str(visit->local))) {
		visit_answered(visit, &db);
	}
}

static void visit_on_opened(void *ctx, const struct fw_stream_header *header)
{
	(void)ctx;
	(void)header;
}

static void visit_on_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	struct visit *visit = ctx;

	fw_channel_free(&visit->channel);
	visit_dialback_failed(visit, cause, detail);
}

static const struct fw_channel_events visit_events = {
	.opened = visit_on_opened,
	.element = visit_on_element,
	.closed = visit_on_closed,
};

static void visit_on_key(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct visit *visit = ctx;
	struct fw_str key = s2s_ask_read_key(reply);
	char from[FW_DOMAIN_TEXT_SIZE], to[FW_DOMAIN_TEXT_SIZE];
	const struct s2s_db db = {
		.name = "result",
		.from = fw_str(fw_domain_text(visit->local, from)),
		.to = fw_str(fw_domain_text(visit->remote, to)),
		.key = key,
	};

	visit->request = NULL;
	if (cause != FW_CAUSE_NONE || key.len == 0) {
		visit_dialback_failed(visit, FW_CAUSE_DIALBACK_ERROR,
		                      "our dialback service gave no key");
		return;
	}
	visit->asked_us = fw_now_us(visit->s2s->loop);
	s2s_db_send(visit->channel, &db, visit->log, visit->session);
	visit_limit(visit, visit->s2s->config->auth_timeout_ms);
}

static void visit_dialback(struct visit *visit)
{
	fw_call_progress(visit->call, "dialback with %s", visit->remote);
	if (visit->stream_id == NULL) {
		visit_dialback_failed(visit, FW_CAUSE_DIALBACK_ERROR, "their header has no id");
	} else if (s2s_ask_key(visit->s2s, visit->remote, visit->local, visit->stream_id,
	                       visit_on_key, visit, &visit->request) != FW_OK) {
		visit_broken(visit);
	}
}

/* ---- targets, one after the other ---- */

static void visit_on_dialed(void *ctx, struct fw_dial_result *result)
{
	struct visit *visit = ctx;

	for (size_t i = 0; i < result->attempt_count; i++) {
		visit_look_attempt(visit, &result->attempts[i]);
	}
	if (result->cause != FW_CAUSE_NONE) {
		visit->unreached = result->cause;
		visit_next(visit);
		return;
	}
	visit->channel = result->channel;
	result->channel = NULL;
	fw_channel_set_owner(visit->channel, &visit_events, visit);
	visit->stream_id = result->header.id.len > 0 ? fw_str_dup(result->header.id) : NULL;
	bool good = visit_look_security(visit);
	bool dialback = visit_look_features(visit, result);
	visit->told = visit->told || !good || !dialback;
	const struct s2s_rules *rules =
	        s2s_security_rules(visit->s2s->security, visit->remote, S2S_OUT);
	if (good && dialback && !visit->proved && s2s_rules_allow(rules, S2S_METHOD_DIALBACK)) {
		visit_dialback(visit);
	} else {
		visit_next(visit);
	}
}

static int visit_dial(struct visit *visit, const struct fw_target *target)
{
	const struct s2s_config *config = visit->s2s->config;
	const struct s2s_rules *rules =
	        s2s_security_rules(visit->s2s->security, visit->remote, S2S_OUT);
	const struct fw_dial_settings settings = {
		.local_domain = visit->local,
		.remote_domain = visit->remote,
		.security = s2s_rules_dial(rules),
		.tls = visit->s2s->tls,
		.limits = FW_XML_LIMITS_BEFORE_AUTH,
		.connect_timeout_ms = config->connect_timeout_ms,
		.stream_timeout_ms = config->stream_timeout_ms,
		.tls_timeout_ms = config->tls_timeout_ms,
		.log = visit->log,
		.targets = target,
		.target_count = 1,
	};

	return fw_dial_start(visit->s2s->loop, &settings, visit_on_dialed, visit, &visit->dial);
}

static void visit_end(struct visit *visit)
{
	const struct s2s_rules *rules =
	        s2s_security_rules(visit->s2s->security, visit->remote, S2S_OUT);

	if (!visit->proved && !visit->told && visit->unreached != FW_CAUSE_NONE) {
		s2s_step_cause(visit->steps, S2S_STEP_FAIL, "result", visit->unreached,
		               "no target is good");
	} else if (!s2s_rules_allow(rules, S2S_METHOD_DIALBACK)) {
		s2s_step(visit->steps, S2S_STEP_INFO, "dialback",
		         "not tried: the rules do not allow it");
	}
	if (s2s_listen_port(visit->s2s) == 0) {
		s2s_step(visit->steps, S2S_STEP_WARN, "listeners",
		         "none here: another component must accept servers");
	}
	visit_done(visit);
}

static void visit_next(struct visit *visit)
{
	char address[FW_ADDR_TEXT_SIZE];

	visit_leave(visit);
	visit->asked_us = 0;
	if (visit->next == visit->targets.count || visit->next == VISIT_TARGETS_MAX) {
		visit_end(visit);
		return;
	}
	const struct fw_target *target = &visit->targets.items[visit->next++];
	visit_limit(visit, VISIT_LIMIT_MS);
	fw_call_progress(visit->call, "target %zu of %zu: %s", visit->next, visit->targets.count,
	                 fw_addr_text(&target->addr, address));
	int ret = visit_dial(visit, target);
	if (ret == FW_EINVAL) {
		s2s_step(visit->steps, S2S_STEP_INFO, "target",
		         "%s is passed over under these rules", address);
		visit_next(visit);
	} else if (ret != FW_OK) {
		visit_broken(visit);
	}
}

/* ---- before anybody is called ---- */

static void visit_on_targets(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct visit *visit = ctx;

	visit->request = NULL;
	if (s2s_explain_targets(reply, cause, visit->steps, fw_call_result(visit->call),
	                        &visit->targets) != FW_CAUSE_NONE) {
		visit_done(visit);
		return;
	}
	s2s_explain_rules(visit->s2s, visit->remote, S2S_OUT, visit->steps);
	visit_next(visit);
}

static void visit_on_policy(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct visit *visit = ctx;

	visit->request = NULL;
	if (s2s_explain_policy(reply, cause, visit->steps) != FW_CAUSE_NONE) {
		visit_done(visit); /* a denied domain is never called */
		return;
	}
	fw_call_progress(visit->call, "asking for the addresses of %s", visit->remote);
	if (s2s_ask_targets(visit->s2s, visit->remote, false, visit_on_targets, visit,
	                    &visit->request) != FW_OK) {
		visit_broken(visit);
	}
}

static int visit_new(struct s2s *s2s, struct fw_call *call, struct visit **out)
{
	struct visit *visit = calloc(1, sizeof(*visit));

	if (visit == NULL) {
		return FW_ENOMEM;
	}
	visit->s2s = s2s;
	visit->call = call;
	s2s->visits++;
	fw_random_id(visit->session);
	*out = visit;
	int ret = fw_domain_key(fw_call_arg(call, "local"), visit->local, NULL);
	if (ret == FW_OK) {
		ret = fw_domain_key(fw_call_arg(call, "remote"), visit->remote, NULL);
	}
	if (ret != FW_OK) {
		return FW_EINVAL;
	}
	ret = s2s_log_context(s2s, &visit->log, visit->session, fw_str(visit->local),
	                      fw_str(visit->remote), true);
	return ret == FW_OK ? fw_timer_new(s2s->loop, visit_expired, visit, &visit->timer) : ret;
}

void s2s_visit(struct fw_self *self, struct fw_call *call)
{
	struct s2s *s2s = fw_self_state(self);
	struct visit *visit = NULL;

	if (s2s->visits >= VISITS_MAX || s2s->draining) {
		fw_call_fail(&call, FW_ELIMIT, "try again when they are done",
		             s2s->draining ? "the component is draining"
		                           : "%d checks are under way already",
		             VISITS_MAX);
		return;
	}
	int ret = visit_new(s2s, call, &visit);
	if (ret == FW_OK) {
		visit->steps = fw_json_set_array(fw_call_result(call), "steps");
		visit->until_ms = fw_now_ms(s2s->loop) + VISIT_LIMIT_MS;
		fw_call_on_cancel(call, visit_cancel, visit);
		ret = s2s_ask_policy(s2s, visit->local, visit->remote, true, visit_on_policy, visit,
		                     &visit->request);
	}
	if (ret != FW_OK) {
		if (visit != NULL) {
			visit_free(visit);
		}
		fw_call_fail(&call, ret, "fedwayctl check DOMAIN",
		             ret == FW_EINVAL ? "local and remote must be domains"
		                              : "out of memory");
	}
}
