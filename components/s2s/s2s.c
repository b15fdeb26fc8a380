/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The S2S connection manager: descriptor and life cycle. It holds "*", so whatever no component of
 * this router holds is delivered here and leaves for the outside; what the outside sends and may
 * send comes in here. On the inner side (s2s_side.h) it is the same for our own servers. Streams
 * are s2s_leg.c, s2s_in.c and s2s_out.c; secrets, policy and DNS are other components' business.
 */
#include "components/s2s/s2s.h"

#include <stdlib.h>

#include "components/s2s/s2s_certs.h"
#include "components/s2s/s2s_commands.h"
#include "components/s2s/s2s_egress.h"
#include "components/s2s/s2s_carriers.h"
#include "components/s2s/s2s_keys.h"
#include "components/s2s/s2s_leg.h"
#include "components/s2s/s2s_limits.h"
#include "components/s2s/s2s_rate.h"
#include "components/s2s/s2s_trace.h"
#include "components/s2s/s2s_side.h"

static struct fw_logger s2s_logger = FW_LOGGER("s2s");

#define S2S_COUNTER_ROW(id, name, unit, help) [S2S_COUNT_##id] = { name, unit, help },
static const struct fw_counter s2s_counters[] = { S2S_COUNTERS(S2S_COUNTER_ROW) FW_COUNTER_END };

/* ---- drain ---- */

/* One step of the drain. Streams that still authenticate need our listeners: their peers connect
 * back to ask whether our key is ours. Only when none is left, nobody is let in any more. */
static void s2s_on_progress(void *ctx)
{
	struct s2s *s2s = ctx;
	size_t unfinished = 0;

	if (!s2s->draining || s2s->drained) {
		return;
	}
	for (const struct s2s_leg *leg = s2s->outs; leg != NULL; leg = leg->next) {
		unfinished += s2s_leg_live(leg) && s2s_claims_pending(leg);
	}
	if (unfinished == 0) {
		fw_listeners_close(s2s->listeners);
	}
	for (struct s2s_leg *leg = s2s->ins; leg != NULL; leg = leg->next) {
		bool busy = leg->claims != NULL && !s2s_leg_empty(leg);
		if (!busy && (unfinished == 0 || s2s_leg_up(leg))) {
			s2s_leg_close(leg, FW_CAUSE_SHUTDOWN, "");
		}
	}
	for (struct s2s_leg *leg = s2s->outs; leg != NULL; leg = leg->next) {
		if (s2s_leg_up(leg) && s2s_leg_empty(leg)) {
			s2s_leg_close(leg, FW_CAUSE_SHUTDOWN, "");
		} else {
			s2s_acks_hurry(leg);
		}
	}
	if (s2s->waiting.stanzas == 0 && s2s->ins == NULL && s2s->outs == NULL) {
		s2s->drained = true;
		fw_self_drained(s2s->self);
	}
}

void s2s_progress(struct s2s *s2s)
{
	if (s2s->draining && !s2s->drained && !s2s->stopping) {
		fw_defer(s2s->loop, &s2s->progress);
	}
}

static void s2s_drain(struct fw_self *self)
{
	struct s2s *s2s = fw_self_state(self);

	s2s->draining = true;
	fw_log(fw_self_log(self), &s2s_logger, FW_LOG_NOTICE,
	       "draining streams_in=%u pairs_out=%zu queued=%llu", s2s->in_count,
	       s2s_pairs_count(s2s->pairs), (unsigned long long)s2s->waiting.stanzas);
	s2s_progress(s2s);
}

/* ---- start and stop ---- */

static void s2s_free(struct s2s **s2s_ptr)
{
	struct s2s *s2s = *s2s_ptr;

	if (s2s == NULL) {
		return;
	}
	s2s->stopping = true;
	fw_defer_cancel(&s2s->progress);
	fw_listeners_free(&s2s->listeners);
	while (s2s->ins != NULL || s2s->outs != NULL) {
		struct s2s_leg *leg = s2s->ins != NULL ? s2s->ins : s2s->outs;
		s2s_leg_free(&leg, FW_CAUSE_COMPONENT_GONE);
	}
	s2s_pairs_free(&s2s->pairs, FW_CAUSE_COMPONENT_GONE);
	s2s_carriers_free(&s2s->carriers);
	s2s_remotes_free(&s2s->remotes);
	s2s_traces_free(&s2s->traces);
	s2s_egress_free(&s2s->egress);
	s2s_limits_free(&s2s->limits);
	s2s_rates_free(&s2s->rates);
	s2s_side_free(&s2s->side);
	fw_tls_context_release(&s2s->tls);
	s2s_keys_free(&s2s->keys);
	s2s_certs_free(&s2s->certs);
	s2s_security_free(&s2s->security);
	free(s2s);
	*s2s_ptr = NULL;
}

static void s2s_warn_of_keylog(struct fw_self *self, const struct s2s_config *config)
{
	if (config->tls_keylog_file[0] != '\0' && config->security_mode != FW_SECURITY_NONE) {
		fw_log(fw_self_log(self), &s2s_logger, FW_LOG_WARNING,
		       "THE SECRETS OF ALL TLS CONNECTIONS ARE WRITTEN to tls_keylog_file=%s; "
		       "remove "
		       "the option and the file when the fault is found",
		       config->tls_keylog_file);
	}
}

static int s2s_start(struct fw_self *self, struct fw_error *err)
{
	struct s2s *s2s = calloc(1, sizeof(*s2s));
	struct s2s_side *side = NULL;
	int ret = FW_ENOMEM;

	if (s2s == NULL) {
		goto done;
	}
	s2s->self = self;
	s2s->loop = fw_self_loop(self);
	s2s->config = fw_self_config(self);
	s2s->progress.fn = s2s_on_progress;
	s2s->progress.ctx = s2s;
	if (s2s_listen_new(s2s, &s2s->listeners) != FW_OK ||
	    s2s_pairs_new(s2s, &s2s->pairs) != FW_OK || s2s_carriers_new(&s2s->carriers) != FW_OK ||
	    s2s_remotes_new(s2s, &s2s->remotes) != FW_OK ||
	    s2s_egress_new(s2s, &s2s->egress) != FW_OK || s2s_limits_new(&s2s->limits) != FW_OK ||
	    s2s_rates_new(s2s, &s2s->rates) != FW_OK || s2s_keys_new(s2s, &s2s->keys) != FW_OK ||
	    s2s_certs_new(s2s, &s2s->certs) != FW_OK) {
		goto done;
	}
	ret = s2s_security_new(s2s->config, &s2s->security, err);
	if (ret != FW_OK) {
		goto done;
	}
	ret = s2s_keys_take(s2s->keys, err);
	if (ret != FW_OK) {
		goto done;
	}
	ret = fw_listeners_follow(s2s->listeners, s2s->config->listen.items,
	                          s2s->config->listen.count, err);
	if (ret != FW_OK) {
		goto done;
	}
	ret = s2s_side_new(s2s->config, &side, err);
	if (ret == FW_OK) {
		ret = s2s_side_take(s2s, &side, err);
	}
	if (ret != FW_OK) {
		goto done;
	}
	s2s_warn_of_keylog(self, s2s->config);
	if (s2s_listen_port(s2s) == 0) {
		fw_log(fw_self_log(self), &s2s_logger, FW_LOG_NOTICE,
		       "listen is empty, no server can connect to us");
	}
	fw_self_set_state(self, s2s);
	s2s = NULL;
done:
	if (ret == FW_ENOMEM) {
		fw_error_set(err, ret, "out of memory");
	}
	s2s_free(&s2s);
	return ret;
}

static void s2s_stop(struct fw_self *self)
{
	struct s2s *s2s = fw_self_state(self);

	if (s2s == NULL) {
		return;
	}
	/* The state stays in place while stanzas are returned: their senders may answer at once. */
	s2s_free(&s2s);
	fw_self_set_state(self, NULL);
}

/* ---- work ---- */

static void s2s_deliver(struct fw_self *self, struct fw_stanza **stanza)
{
	struct s2s *s2s = fw_self_state(self);

	if (s2s == NULL) {
		fw_bounce(self, stanza, FW_CAUSE_COMPONENT_GONE);
	} else if (fw_str_is(fw_stanza_to_domain(*stanza), fw_self_id(self))) {
		fw_bounce(self, stanza, FW_CAUSE_UNHANDLED);
	} else {
		s2s_pairs_deliver(s2s, stanza);
	}
}

static void s2s_reload(struct fw_self *self, const void *config)
{
	struct s2s *s2s = fw_self_state(self);
	struct s2s_side *side = NULL;
	struct fw_error err = { 0 };

	s2s->config = config;
	s2s->reloads++;
	s2s_egress_reload(s2s->egress);
	/* Rules point into the configuration. What was checked compiles, unless memory runs out. */
	s2s_security_free(&s2s->security);
	int ret = s2s_security_new(config, &s2s->security, &err);
	fw_assert(ret == FW_OK);
	s2s_warn_of_keylog(self, config);
	/* Files may have changed under the same names. Streams that exist keep their keys. */
	if (s2s_keys_take(s2s->keys, &err) != FW_OK) {
		fw_log(fw_self_log(self), &s2s_logger, FW_LOG_ERROR,
		       "certificates not renewed, the old ones stay reason=\"%s\"", err.text);
	}
	if (s2s_side_new(s2s->config, &side, &err) != FW_OK ||
	    s2s_side_take(s2s, &side, &err) != FW_OK) {
		fw_log(fw_self_log(self), &s2s_logger, FW_LOG_ERROR,
		       "not all domains are bound reason=\"%s\"", err.text);
	}
	s2s_judge_side(s2s);
	if (s2s->draining) {
		return;
	}
	if (fw_listeners_follow(s2s->listeners, s2s->config->listen.items,
	                        s2s->config->listen.count, &err) != FW_OK) {
		fw_log(fw_self_log(self), &s2s_logger, FW_LOG_ERROR,
		       "an address cannot be listened on reason=\"%s\"", err.text);
	}
}

static void s2s_switched(struct s2s *s2s)
{
	bool on = fw_federation_is_on(s2s->self);

	if (!s2s_side_inner(s2s)) {
		s2s_event(fw_self_log(s2s->self), FW_LOG_NOTICE,
		          on ? "Federation On" : "Federation Off",
		          "%s streams_in=%u streams_out=%u queued=%llu",
		          on ? "streams are taken and begun" : "all streams end, none is taken",
		          s2s->in_count, s2s->out_count, (unsigned long long)s2s->waiting.stanzas);
	}
	s2s_judge_side(s2s);
}

/* Keys and addresses that were right when a stream began stay right. What reaches back is the
 * policy, whose domains we serve, and the switch. */
static void s2s_announced(struct fw_self *self, const char *service)
{
	struct s2s *s2s = fw_self_state(self);

	if (s2s == NULL) {
		return;
	}
	if (strcmp(service, "policy") == 0) {
		s2s_judge_all(s2s);
	} else if (strcmp(service, "state.federation") == 0) {
		s2s_switched(s2s);
	} else if (strcmp(service, "state.domains") == 0 || strcmp(service, "domains") == 0) {
		s2s_judge_side(s2s);
	}
}

FW_COMPONENT_EXPORT(s2s) = {
	FW_COMPONENT_HEAD_STRICT,
	.name = "s2s",
	.summary = "server-to-server streams with the outside: STARTTLS and dialback",
	.options = s2s_options,
	.config_size = sizeof(struct s2s_config),
	.check = s2s_options_check,
	.start = s2s_start,
	.deliver = s2s_deliver,
	.reload = s2s_reload,
	.announced = s2s_announced,
	.drain = s2s_drain,
	.report = s2s_report,
	.stop = s2s_stop,
	.counters = s2s_counters,
	.commands = s2s_commands,
	.read_commands = "connections, cert list, trace list",
};
