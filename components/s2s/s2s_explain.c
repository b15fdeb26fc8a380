/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What would happen to a stanza between two domains, in both directions, and why: policy,
 * addresses, protection, the stream that stands, the last failure. Asks services and looks at the
 * tables; nothing is sent to the peer. The router gives this command as a part of its own
 * "explain".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "components/s2s/s2s_certs.h"
#include "components/s2s/s2s_commands.h"
#include "components/s2s/s2s_leg.h"
#include "components/s2s/s2s_side.h"
#include "components/s2s/s2s_steps.h"

struct explain {
	struct s2s *s2s;
	struct fw_call *call;
	struct fw_request *request;
	struct fw_json *outgoing, *incoming; /* steps */
	bool denied;                         /* to send */
	char local[FW_DOMAIN_SIZE], remote[FW_DOMAIN_SIZE];
};

static void explain_cancel(void *ctx)
{
	struct explain *explain = ctx;

	fw_request_cancel(&explain->request);
	free(explain);
}

static void explain_done(struct explain *explain)
{
	struct fw_call *call = explain->call;

	free(explain);
	fw_call_done(&call);
}

/* ---- the stream and its past ---- */

static const struct s2s_pair *explain_pair(const struct explain *explain)
{
	return s2s_pairs_find(explain->s2s->pairs, explain->local, explain->remote);
}

static void explain_failure(const struct explain *explain)
{
	const struct s2s_failure *failure =
	        s2s_remotes_failure(explain->s2s->remotes, explain->remote);
	const struct s2s_pair *pair = explain_pair(explain);
	uint64_t now = fw_now_ms(explain->s2s->loop);
	char ago[S2S_SPAN_SIZE], wait[S2S_SPAN_SIZE], words[256];

	if (failure == NULL) {
		s2s_step(explain->outgoing, S2S_STEP_INFO, "last failure", "none is remembered");
		return;
	}
	(void)snprintf(words, sizeof(words), "%s%s%s ago", failure->detail,
	               failure->detail[0] != '\0' ? ", " : "", s2s_span(now - failure->at_ms, ago));
	s2s_step_cause(explain->outgoing, failure->failures > 0 ? S2S_STEP_WARN : S2S_STEP_INFO,
	               "last failure", failure->cause, words);
	if (pair != NULL && pair->refused_ms > now) {
		(void)snprintf(words, sizeof(words), "%s, this pair alone: the server takes others",
		               s2s_span(pair->refused_ms - now, wait));
		s2s_step_cause(explain->outgoing, S2S_STEP_FAIL, "back-off", FW_CAUSE_BACKOFF,
		               words);
	} else if (failure->failures == 0) {
		return;
	} else if (failure->retry_ms > now) {
		s2s_step_cause(explain->outgoing, S2S_STEP_FAIL, "back-off", FW_CAUSE_BACKOFF,
		               s2s_span(failure->retry_ms - now, wait));
	} else {
		s2s_step(explain->outgoing, S2S_STEP_INFO, "back-off",
		         "%u failures in a row; the next stanza makes an attempt",
		         failure->failures);
	}
}

/* What the server has shown the last time that a pair was proved; a certificate that kept a stream
 * from coming up is in the last failure. */
static void explain_certificate(const struct explain *explain)
{
	enum { DAY_S = 86400 };
	const char *remote = explain->remote;
	struct s2s_certs_seen seen;
	char ago[S2S_SPAN_SIZE], left[S2S_SPAN_SIZE], issuer[160], names[160];

	if (!s2s_certs_last(explain->s2s->certs, remote, &seen)) {
		s2s_step(explain->outgoing, S2S_STEP_INFO, "certificate",
		         "none is remembered: no pair with the domain was proved under TLS");
		return;
	}
	bool ended = seen.left_s < 0;
	(void)snprintf(left, sizeof(left), ended ? "it has ended since" : "%" PRId64 " days left",
	               seen.left_s / DAY_S);
	s2s_step(explain->outgoing,
	         ended                        ? S2S_STEP_WARN
	         : seen.chain == FW_TLS_VALID ? S2S_STEP_OK
	                                      : S2S_STEP_INFO,
	         "certificate", "%s when last seen, %s ago; %s; by '%s', for '%s'; proved by %s",
	         fw_tls_verdict_word(seen.chain),
	         s2s_span((uint64_t)(seen.ago_s > 0 ? seen.ago_s : 0) * 1000, ago), left,
	         fw_quote(fw_str(seen.certificate->issuer), issuer, sizeof(issuer)),
	         fw_quote(fw_str(seen.certificate->names), names, sizeof(names)),
	         s2s_method_word(seen.method));
}

/* "up since 3 s with 192.0.2.7:5269, tls=…, proved by dialback" */
static void explain_leg(struct fw_json *steps, enum s2s_step verdict, const struct s2s_leg *leg,
                        const char *more)
{
	char age[S2S_SPAN_SIZE], secured[S2S_LOG_SECURED_SIZE];
	struct fw_tls_shown shown;

	s2s_trust_look(leg->channel, leg->remote, &shown);
	s2s_log_secured(secured, &shown);
	s2s_step(steps, verdict, "stream", "%s since %s with %s, %s, proved by %s%s",
	         fw_machine_state_name(&leg->machine),
	         s2s_span(fw_now_ms(leg->s2s->loop) - leg->started_ms, age),
	         leg->address[0] != '\0' ? leg->address : "nobody yet", secured,
	         s2s_method_word(leg->trust.method), more);
}

/* The stream over which the pair would go. */
static void explain_way(const struct explain *explain, const struct s2s_pair *pair,
                        const struct s2s_targets *targets)
{
	struct s2s_pair nobody = { .s2s = explain->s2s };

	if (pair == NULL) {
		memcpy(nobody.local, explain->local, sizeof(nobody.local));
		memcpy(nobody.remote, explain->remote, sizeof(nobody.remote));
		pair = &nobody;
	}
	struct s2s_way way = s2s_carriers_of_remote(pair);
	if (way.leg == NULL && targets != NULL) {
		way.leg = s2s_carriers_of_targets(pair, targets);
	}
	if (way.leg == NULL) {
		s2s_step(explain->outgoing, S2S_STEP_INFO, "stream",
		         "none stands; the next stanza begins one");
	} else {
		explain_leg(explain->outgoing, S2S_STEP_INFO, way.leg,
		            way.proof != NULL
		                    ? ", of the peer; the next stanza goes back over it"
		                    : ", of other pairs; the next stanza asks to share it");
	}
}

/* Why an operator sees one stream for several pairs, or one for each. */
static void explain_share(const struct s2s_leg *leg, char *out, size_t size)
{
	if (leg->claim_count > 1) {
		(void)snprintf(out, size, ", shared by %u pairs", (unsigned)leg->claim_count);
	} else if (leg->kind->out && s2s_leg_up(leg) && !s2s_features_can_share(leg)) {
		(void)snprintf(out, size, ", not shared: the peer advertises no dialback errors");
	} else {
		out[0] = '\0';
	}
}

static void explain_stream(const struct explain *explain, const struct s2s_targets *targets)
{
	const struct s2s_pair *pair = explain_pair(explain);
	const struct s2s_claim *claim = pair != NULL ? pair->claim : NULL;
	char share[64], more[128];

	if (claim == NULL) {
		explain_way(explain, pair, targets);
		return;
	}
	explain_share(claim->leg, share, sizeof(share));
	(void)snprintf(more, sizeof(more), "%s%s, %u stanzas wait",
	               claim->state == S2S_CLAIM_VALID ? "" : ", not yet for this pair", share,
	               (unsigned)pair->waiting.stanzas);
	explain_leg(explain->outgoing,
	            claim->state == S2S_CLAIM_VALID && !claim->forbidden ? S2S_STEP_OK
	                                                                 : S2S_STEP_INFO,
	            claim->leg, more);
	s2s_report_leg(claim->leg, fw_json_set_object(fw_call_result(explain->call), "stream"));
}

/* @return how many proofs of the pair are on these legs */
static unsigned explain_proofs(const struct explain *explain, const struct s2s_leg *leg)
{
	unsigned found = 0;

	for (; leg != NULL; leg = leg->next) {
		for (const struct s2s_proof *p = leg->proofs; p != NULL; p = p->next) {
			if (strcmp(p->local, explain->local) != 0 ||
			    strcmp(p->remote, explain->remote) != 0) {
				continue;
			}
			bool good = p->state == S2S_PROOF_VALID && !p->forbidden;
			found++;
			explain_leg(explain->incoming, good ? S2S_STEP_OK : S2S_STEP_WARN, leg,
			            good           ? ""
			            : p->forbidden ? ", forbidden by the policy"
			                           : ", not yet for this pair");
		}
	}
	return found;
}

static void explain_inbound(const struct explain *explain)
{
	if (explain_proofs(explain, explain->s2s->ins) +
	            explain_proofs(explain, explain->s2s->outs) ==
	    0) {
		s2s_step(explain->incoming, S2S_STEP_INFO, "stream",
		         "none stands; the peer begins one when it has something to send");
	}
}

void s2s_explain_rules(const struct s2s *s2s, const char *remote, enum s2s_direction direction,
                       struct fw_json *steps)
{
	static const char *const versions[] = { "TLS 1.2", "TLS 1.3" };
	const struct s2s_rules *rules = s2s_security_rules(s2s->security, remote, direction);
	char methods[64] = "";
	size_t used = 0;

	for (size_t i = 0; i < S2S_METHODS && rules->methods[i] != S2S_METHOD_NONE; i++) {
		used += (size_t)snprintf(methods + used, sizeof(methods) - used, "%s%s",
		                         i > 0 ? ", " : "", s2s_method_word(rules->methods[i]));
	}
	s2s_step(steps, S2S_STEP_INFO, "rules",
	         "TLS %s, %s or newer; certificate %s, name %s%s; proof by %s; from %s%s",
	         s2s_rules_tls_word(rules), versions[rules->tls_min == FW_TLS_1_3 ? 1 : 0],
	         rules->must_verify ? "must verify" : "need not verify",
	         rules->name_required ? "must match" : "need not match",
	         rules->pin_count > 0 ? ", key must be pinned" : "", methods,
	         rules->row[0] != '\0' ? "the row " : "the options of s2s", rules->row);
}

/* ---- what services say ---- */

static void explain_target(struct fw_json *list, const struct fw_target *target)
{
	struct fw_json *row = fw_json_append_object(list);
	char address[FW_ADDR_TEXT_SIZE];

	fw_addr_text(&target->addr, address);
	fw_json_set(row, "address", fw_str(address));
	fw_json_set(row, "host", fw_str(target->host));
	fw_json_set(row, "tls",
	            fw_str(target->tls == FW_TARGET_DIRECT_TLS ? "direct" : "starttls"));
	fw_json_set_int(row, "priority", target->priority);
	fw_json_set_int(row, "weight", target->weight);
}

enum fw_cause s2s_explain_targets(struct fw_stanza *reply, enum fw_cause cause,
                                  struct fw_json *steps, struct fw_json *result,
                                  struct s2s_targets *targets)
{
	enum fw_cause why = s2s_ask_read_targets(reply, cause, targets);
	const struct fw_elem *answer = reply != NULL ? fw_elem_first(fw_stanza_root(reply)) : NULL;
	uint64_t total_us = 0;
	char spent[S2S_MS_SIZE];

	if (why != FW_CAUSE_NONE) {
		s2s_step_cause(steps, S2S_STEP_FAIL, "addresses", why, "");
		return why;
	}
	struct fw_json *list = fw_json_set_array(result, "targets");
	for (size_t i = 0; i < targets->count; i++) {
		explain_target(list, &targets->items[i]);
	}
	(void)fw_str_to_u64(fw_elem_attr(answer, "total_us"), UINT32_MAX, &total_us);
	bool timed = total_us > 0 && !targets->is_static;
	struct fw_str source = fw_elem_attr(answer, "source");
	s2s_step(steps, S2S_STEP_OK, "addresses", "%zu, from %s%s%s, good for %.*s s",
	         targets->count,
	         targets->is_static         ? "the static route; DNS is not asked"
	         : fw_str_is(source, "srv") ? "SRV records"
	                                    : "the domain's own address: it has no SRV record",
	         timed ? " in " : "", timed ? s2s_ms(total_us, spent) : "",
	         FW_STR_ARG(fw_elem_attr(answer, "ttl")));
	return FW_CAUSE_NONE;
}

/* @param targets  NULL: they were not asked for */
static void explain_rest(struct explain *explain, const struct s2s_targets *targets)
{
	s2s_explain_rules(explain->s2s, explain->remote, S2S_OUT, explain->outgoing);
	explain_certificate(explain);
	explain_failure(explain);
	s2s_remotes_report_tried(explain->s2s->remotes, explain->remote,
	                         fw_json_set_array(fw_call_result(explain->call), "attempts"));
	explain_stream(explain, targets);
	explain_done(explain);
}

/* A server of ours: nobody is asked for its address. */
static void explain_server(struct explain *explain)
{
	struct s2s_targets targets = { .count = 0 };

	if (!s2s_side_targets(explain->s2s, explain->remote, &targets)) {
		s2s_step_cause(explain->outgoing, S2S_STEP_FAIL, "addresses", FW_CAUSE_NO_ROUTE,
		               "inner_servers gives no host");
	} else {
		struct fw_json *list = fw_json_set_array(fw_call_result(explain->call), "targets");
		for (size_t i = 0; i < targets.count; i++) {
			explain_target(list, &targets.items[i]);
		}
		s2s_step(explain->outgoing, S2S_STEP_OK, "addresses",
		         "%zu, from inner_servers; DNS is not asked", targets.count);
	}
	explain_rest(explain, &targets);
}

static void explain_on_targets(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct explain *explain = ctx;
	struct s2s_targets targets = { .count = 0 };

	explain->request = NULL;
	(void)s2s_explain_targets(reply, cause, explain->outgoing, fw_call_result(explain->call),
	                          &targets);
	explain_rest(explain, &targets);
}

/* One direction's verdict as a step. */
enum fw_cause s2s_explain_policy(struct fw_stanza *reply, enum fw_cause cause,
                                 struct fw_json *steps)
{
	bool asked = false;
	enum fw_cause why = s2s_ask_read_policy(reply, cause, &asked);
	struct fw_elem *may = asked ? fw_elem_first(fw_stanza_root(reply)) : NULL;
	char rule[80], words[120];

	(void)fw_quote(fw_elem_attr(may, "rule"), rule, sizeof(rule));
	if (!asked) {
		s2s_step_cause(steps, S2S_STEP_WARN, "policy", why,
		               "the policy could not be asked");
	} else if (why == FW_CAUSE_NONE) {
		s2s_step(steps, S2S_STEP_OK, "policy", "allowed by %s", rule);
	} else {
		(void)snprintf(words, sizeof(words), "by %s", rule);
		s2s_step_cause(steps, S2S_STEP_FAIL, "policy", why, words);
		return why;
	}
	return FW_CAUSE_NONE;
}

static void explain_failed(struct explain *explain)
{
	struct fw_call *call = explain->call;

	free(explain);
	fw_call_fail(&call, FW_ENOMEM, NULL, "out of memory");
}

static void explain_on_policy_in(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct explain *explain = ctx;

	explain->request = NULL;
	(void)s2s_explain_policy(reply, cause, explain->incoming);
	if (s2s_listen_port(explain->s2s) == 0) {
		s2s_step(explain->incoming, S2S_STEP_WARN, "listeners",
		         "none: no server can connect to us");
	}
	s2s_explain_rules(explain->s2s, explain->remote, S2S_IN, explain->incoming);
	explain_inbound(explain);
	if (explain->denied) { /* a denied domain is not looked up, here as elsewhere */
		s2s_step(explain->outgoing, S2S_STEP_INFO, "addresses", "not asked for");
		explain_rest(explain, NULL);
		return;
	}
	if (s2s_side_inner(explain->s2s)) {
		explain_server(explain);
		return;
	}
	fw_call_progress(explain->call, "asking the resolver for %s", explain->remote);
	if (s2s_ask_targets(explain->s2s, explain->remote, false, explain_on_targets, explain,
	                    &explain->request) != FW_OK) {
		explain_failed(explain);
	}
}

static void explain_on_policy_out(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct explain *explain = ctx;

	explain->request = NULL;
	explain->denied = s2s_explain_policy(reply, cause, explain->outgoing) != FW_CAUSE_NONE;
	if (s2s_ask_policy(explain->s2s, explain->local, explain->remote, false,
	                   explain_on_policy_in, explain, &explain->request) != FW_OK) {
		explain_failed(explain);
	}
}

/* What is asked is seen from the border. On the inner side we play the remote domain, and what
 * comes in from the world goes out to our own server. */
static void explain_turn(struct explain *explain)
{
	struct fw_json *steps = explain->outgoing;
	char domain[FW_DOMAIN_SIZE];

	explain->outgoing = explain->incoming;
	explain->incoming = steps;
	memcpy(domain, explain->local, sizeof(domain));
	memcpy(explain->local, explain->remote, sizeof(domain));
	memcpy(explain->remote, domain, sizeof(domain));
}

void s2s_explain(struct fw_self *self, struct fw_call *call)
{
	struct s2s *s2s = fw_self_state(self);
	struct explain *explain = calloc(1, sizeof(*explain));

	if (s2s == NULL || explain == NULL ||
	    fw_domain_key(fw_call_arg(call, "local"), explain->local, NULL) != FW_OK ||
	    fw_domain_key(fw_call_arg(call, "remote"), explain->remote, NULL) != FW_OK) {
		free(explain);
		fw_call_fail(&call, FW_EINVAL, "fedwayctl explain FROM TO",
		             "local and remote must be domains");
		return;
	}
	explain->s2s = s2s;
	explain->call = call;
	explain->outgoing = fw_json_set_array(fw_call_result(call), "outgoing");
	explain->incoming = fw_json_set_array(fw_call_result(call), "incoming");
	if (s2s_side_inner(s2s)) {
		explain_turn(explain);
	}
	fw_call_on_cancel(call, explain_cancel, explain);
	if (s2s_ask_policy(s2s, explain->local, explain->remote, true, explain_on_policy_out,
	                   explain, &explain->request) != FW_OK) {
		explain_failed(explain);
	}
}
