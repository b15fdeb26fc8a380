/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Privacy by domain, in two forms: the service `policy.<realm>`, which others ask before they open
 * a stream, and a hook that sees every stanza, so that nobody goes around it. This file has
 * options, life cycle and both doors; policy_rules.c decides. It knows nothing of streams: who
 * holds one asks again when "policy" is announced.
 */
#include <fedway/host.h>

#include <stdio.h>
#include <stdlib.h>

#include <fedway/jid.h>
#include <fedway/json.h>

#include "components/policy/policy_learned.h"
#include "components/policy/policy_refused.h"
#include "components/policy/policy_rules.h"

#define POLICY_NS "urn:fedway:policy:1"
#define RESOLVER_NS "urn:fedway:resolver:1"

enum { ASK_TIMEOUT_MS = 5000 };

static struct fw_logger policy_logger = FW_LOGGER("Policy");

#define POLICY_COUNTERS(X) /* id, name, unit, help */ \
	X(STANZAS_ALLOWED, "stanzas_allowed", "stanzas", "between us and the outside, let pass") \
	X(STANZAS_DENIED, "stanzas_denied", "stanzas", \
	  "between us and the outside, returned to their sender") \
	X(PAIRS_ALLOWED, "pairs_allowed", "questions", \
	  "asked of the service for a pair of domains, answered yes") \
	X(PAIRS_DENIED, "pairs_denied", "questions", \
	  "asked of the service for a pair of domains, answered no")

#define POLICY_COUNTER_ENUM(id, name, unit, help) POLICY_COUNT_##id,
enum policy_count { POLICY_COUNTERS(POLICY_COUNTER_ENUM) POLICY_COUNTS };
#undef POLICY_COUNTER_ENUM

#define POLICY_COUNTER_ROW(id, name, unit, help) [POLICY_COUNT_##id] = { name, unit, help },
static const struct fw_counter policy_counters[] = { POLICY_COUNTERS(POLICY_COUNTER_ROW)
	                                                     FW_COUNTER_END };

struct policy {
	struct fw_self *self;
	struct policy_rules rules;
	struct policy_refused *refused;
	struct fw_request *asking; /* the resolver, for its static domains */
	bool ask_again;            /* they have changed since it was asked */
};

static const struct fw_option policy_options[] = {
	FW_OPT(struct policy_config, privacy_mode, "allow-list", .choices = policy_modes,
	       .help = "which remote domains may talk to ours"),
	FW_OPT(struct policy_config, allow, "",
	       .help = "remote domains of the mode allow-list; \"*.example.org\" is example.org "
	               "and "
	               "all below it"),
	FW_OPT(struct policy_config, deny, "",
	       .help = "remote domains of the mode deny-list; \"*.example.org\" as in allow"),
	FW_OPT(struct policy_config, rules, "", .rows = policy_rule_options,
	       .row_size = sizeof(struct policy_rule_row),
	       .help = "exceptions, which go before privacy_mode and its list; the longest match "
	               "wins"),
	FW_OPT(struct policy_config, static_routes_allowed, "true",
	       .help = "domains with a static route count as being on the list `allow`"),
	FW_OPT_END
};

/* ---- domains ---- */

/* Most domains arrive as keys: lower case ASCII without a final dot. Others are made into one, in
 * `room`. */
static struct fw_str domain_key(struct fw_str domain, char room[FW_DOMAIN_SIZE])
{
	struct fw_str none = { NULL, 0 }, key;
	bool plain =
	        domain.len > 0 && domain.len < FW_DOMAIN_SIZE && domain.ptr[domain.len - 1] != '.';

	for (size_t i = 0; i < domain.len && plain; i++) {
		unsigned char c = (unsigned char)domain.ptr[i];
		plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
	}
	if (plain) {
		return domain;
	}
	return fw_domain_key(domain, room, &key) == FW_OK ? key : none;
}

/* A name of the realm itself: components and services, which never talk to the outside. */
static bool is_of_realm(const struct policy *policy, struct fw_str key)
{
	struct fw_str realm = fw_str(fw_self_realm(policy->self));

	if (key.len < realm.len) {
		return false;
	}
	struct fw_str end = fw_str_n(key.ptr + key.len - realm.len, realm.len);
	return fw_str_eq_nocase(end, realm) &&
	       (key.len == realm.len || key.ptr[key.len - realm.len - 1] == '.');
}

/* Both as keys; the absent slice is no domain. */
static struct policy_decision decide(const struct policy *policy, struct fw_str local,
                                     struct fw_str remote, enum policy_direction direction)
{
	const struct policy_decision of_realm = { FW_CAUSE_POLICY_DENIED, "realm" };

	if (is_of_realm(policy, local) || is_of_realm(policy, remote)) {
		return of_realm;
	}
	return policy_rules_decide(&policy->rules, remote, direction);
}

/* ---- the hook ---- */

static enum fw_verdict policy_hook(struct fw_self *self, struct fw_stanza *stanza,
                                   struct fw_why *why)
{
	struct policy *policy = fw_self_state(self);
	struct fw_str from = fw_stanza_from_domain(stanza), to = fw_stanza_to_domain(stanza);
	bool from_local = fw_domain_is_local(self, from), to_local = fw_domain_is_local(self, to);
	char from_room[FW_DOMAIN_SIZE], to_room[FW_DOMAIN_SIZE];

	if (from_local ==
	    to_local) { /* among ourselves; or not ours at all, which the router refuses */
		return FW_PASS;
	}
	struct fw_str from_key = domain_key(from, from_room), to_key = domain_key(to, to_room);
	if (from_local &&
	    is_of_realm(policy,
	                to_key)) { /* a service that is not here: the router finds no route */
		return FW_PASS;
	}
	struct policy_decision decision =
	        from_local ? decide(policy, from_key, to_key, POLICY_OUTGOING)
	                   : decide(policy, to_key, from_key, POLICY_INCOMING);
	if (decision.cause == FW_CAUSE_NONE) {
		fw_count(self, POLICY_COUNT_STANZAS_ALLOWED, 1);
		return FW_PASS;
	}
	fw_count(self, POLICY_COUNT_STANZAS_DENIED, 1);
	policy_refused_count(policy->refused, fw_self_log(self), from_key, to_key, decision);
	snprintf(why->rule, sizeof(why->rule), "%s", decision.rule);
	return fw_verdict(why, FW_BOUNCE, decision.cause);
}

static const struct fw_hook policy_hooks[] = { { FW_STAGE_POLICY, 100, policy_hook }, FW_HOOK_END };

/* ---- the service ---- */

static void policy_refuse(struct policy *policy, struct fw_stanza **request, enum fw_cause cause)
{
	struct fw_stanza *reply = NULL;

	if (fw_stanza_error_reply(*request, cause, &reply) != FW_OK) {
		fw_bounce(policy->self, request, cause);
		return;
	}
	fw_reply(policy->self, request, &reply);
}

static void policy_answer(struct policy *policy, struct fw_stanza **request,
                          struct policy_decision decision)
{
	struct fw_stanza *reply = NULL;
	bool allowed = decision.cause == FW_CAUSE_NONE;

	if (fw_stanza_reply(*request, "result", &reply) != FW_OK) {
		policy_refuse(policy, request, FW_CAUSE_RESOURCES);
		return;
	}
	struct fw_elem *may = fw_elem_add(fw_stanza_root(reply), "may", POLICY_NS);
	if (may == NULL ||
	    fw_elem_set(may, "allowed", fw_str(allowed ? "true" : "false")) != FW_OK ||
	    fw_elem_set(may, "rule", fw_str(decision.rule)) != FW_OK ||
	    (!allowed &&
	     fw_elem_set(may, "cause", fw_str(fw_cause_row(decision.cause)->name)) != FW_OK)) {
		fw_stanza_free(&reply);
		policy_refuse(policy, request, FW_CAUSE_RESOURCES);
		return;
	}
	fw_reply(policy->self, request, &reply);
}

static void policy_may(struct policy *policy, struct fw_elem *may, struct fw_stanza **request)
{
	const struct policy_decision remote_is_local = { FW_CAUSE_POLICY_DENIED,
		                                         "remote-is-local" };
	char local_room[FW_DOMAIN_SIZE], remote_room[FW_DOMAIN_SIZE];
	struct fw_str local = domain_key(fw_elem_attr(may, "local"), local_room);
	struct fw_str remote = domain_key(fw_elem_attr(may, "remote"), remote_room);

	if (local.len == 0 || remote.len == 0) {
		policy_refuse(policy, request, FW_CAUSE_BAD_ADDRESS);
		return;
	}
	bool in = fw_str_is(fw_elem_attr(may, "direction"), "in");
	struct policy_decision decision =
	        decide(policy, local, remote, in ? POLICY_INCOMING : POLICY_OUTGOING);
	if (fw_domain_is_local(policy->self, remote)) {
		decision = remote_is_local; /* nobody outside may speak for a domain of ours */
	}
	if (decision.cause != FW_CAUSE_NONE) {
		policy_refused_count(policy->refused, fw_self_log(policy->self),
		                     in ? remote : local, in ? local : remote, decision);
	}
	fw_count(policy->self,
	         decision.cause == FW_CAUSE_NONE ? POLICY_COUNT_PAIRS_ALLOWED
	                                         : POLICY_COUNT_PAIRS_DENIED,
	         1);
	policy_answer(policy, request, decision);
}

static void policy_deliver(struct fw_self *self, struct fw_stanza **stanza)
{
	struct policy *policy = fw_self_state(self);

	if (!fw_stanza_is_request(*stanza)) {
		fw_bounce(self, stanza, FW_CAUSE_UNHANDLED);
		return;
	}
	if (!is_of_realm(policy, fw_stanza_from_domain(*stanza)) &&
	    !fw_domain_is_local(self, fw_stanza_from_domain(*stanza))) {
		policy_refuse(policy, stanza, FW_CAUSE_POLICY_DENIED);
		return;
	}
	struct fw_elem *may = fw_elem_find(fw_stanza_root(*stanza), "may", POLICY_NS);
	if (may == NULL) {
		policy_refuse(policy, stanza, FW_CAUSE_UNHANDLED);
		return;
	}
	policy_may(policy, may, stanza);
}

/* ---- domains of static routes ---- */

static void policy_ask_statics(struct policy *policy);

static void policy_on_statics(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct policy *policy = ctx;
	size_t count = 0;

	policy->asking = NULL;
	if (policy->ask_again) {
		policy_ask_statics(policy);
		return;
	}
	if (cause != FW_CAUSE_NONE) { /* what is known stays in force */
		fw_log(fw_self_log(policy->self), &policy_logger, FW_LOG_DEBUG,
		       "the resolver did not name its static routes cause=%s",
		       fw_cause_row(cause)->name);
		return;
	}
	struct fw_elem *list = fw_elem_find(fw_stanza_root(reply), "static", RESOLVER_NS);
	for (struct fw_elem *item = fw_elem_first(list); item != NULL; item = fw_elem_next(item)) {
		count++;
	}
	struct policy_set *set = list != NULL ? policy_set_new(count) : NULL;
	for (struct fw_elem *item = fw_elem_first(list); item != NULL && set != NULL;
	     item = fw_elem_next(item)) {
		char room[FW_DOMAIN_SIZE];
		struct fw_str key = domain_key(fw_elem_attr(item, "name"), room);
		if (key.len > 0) {
			policy_set_add(set, key, 0);
		}
	}
	if (set != NULL && policy_rules_set_statics(&policy->rules, &set)) {
		fw_log(fw_self_log(policy->self), &policy_logger, FW_LOG_INFO,
		       "domains with static routes changed count=%zu",
		       policy_set_count(policy->rules.statics));
		policy_refused_flush(policy->refused, fw_self_log(policy->self));
		fw_announce(policy->self, "policy");
	}
}

static void policy_ask_statics(struct policy *policy)
{
	struct fw_stanza *iq = NULL;

	/* An answer on its way is awaited: a request that is given up leaves an answer that nobody
	 * wants. */
	policy->ask_again = policy->asking != NULL;
	if (policy->ask_again || fw_stanza_new("iq", NULL, &iq) != FW_OK) {
		return;
	}
	if (fw_stanza_set(iq, "type", fw_str("get")) != FW_OK ||
	    fw_elem_add(fw_stanza_root(iq), "static", RESOLVER_NS) == NULL) {
		fw_stanza_free(&iq);
		return;
	}
	fw_request(policy->self, "resolver", &iq, ASK_TIMEOUT_MS, policy_on_statics, policy,
	           &policy->asking);
}

static void policy_announced(struct fw_self *self, const char *service)
{
	if (strcmp(service, "resolver") == 0) {
		policy_ask_statics(fw_self_state(self));
	} else if (policy_learned_is(service)) {
		policy_learned_changed(self);
	}
}

/* ---- what was learned ---- */

const struct policy_rules *policy_rules_of(const struct fw_self *self)
{
	const struct policy *policy = fw_self_state(self);

	return &policy->rules;
}

void policy_learned_changed(struct fw_self *self)
{
	struct policy *policy = fw_self_state(self);

	if (policy_learn(self, &policy->rules) != FW_OK) {
		fw_log(fw_self_log(self), &policy_logger, FW_LOG_ERROR,
		       "out of memory, the learned lists stay as they were");
		return;
	}
	policy_refused_flush(policy->refused, fw_self_log(self));
	fw_announce(self, "policy");
}

/* ---- life ---- */

static int policy_check(const void *config, struct fw_error *err)
{
	struct policy_rules rules = { .mode = POLICY_OFF };

	int ret = policy_rules_load(&rules, config, err);
	policy_rules_clear(&rules);
	return ret;
}

static int policy_start(struct fw_self *self, struct fw_error *err)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	if (policy == NULL) {
		return FW_ENOMEM;
	}
	policy->self = self;
	policy->refused = policy_refused_new();
	fw_self_set_state(self, policy);
	int ret = policy_rules_load(&policy->rules, fw_self_config(self), err);
	if (ret == FW_OK) {
		ret = policy_learn(self, &policy->rules);
	}
	if (ret == FW_OK) {
		ret = fw_bind(self, "policy.");
		if (ret != FW_OK) {
			fw_error_set(err, ret, "the name policy.%s cannot be had: %s",
			             fw_self_realm(self), fw_strerror(ret));
		}
	}
	if (ret != FW_OK) {
		policy_rules_clear(&policy->rules);
		policy_refused_free(&policy->refused, NULL);
		free(policy);
		fw_self_set_state(self, NULL);
		return ret;
	}
	char resolver[128];
	snprintf(resolver, sizeof(resolver), "resolver.%s", fw_self_realm(self));
	if (fw_domain_is_local(self, fw_str(resolver))) { /* else it is announced when it starts */
		policy_ask_statics(policy);
	}
	fw_announce(self, "policy");
	return FW_OK;
}

static void policy_reload(struct fw_self *self, const void *config)
{
	struct policy *policy = fw_self_state(self);
	struct fw_error err = { 0 };

	policy_refused_flush(policy->refused, fw_self_log(self));
	if (policy_rules_load(&policy->rules, config, &err) !=
	    FW_OK) { /* memory: the old ones stay */
		fw_log(fw_self_log(self), &policy_logger, FW_LOG_ERROR,
		       "the new rules could not be taken: %s", err.text);
		return;
	}
	fw_announce(self, "policy");
}

static void policy_report(struct fw_self *self, const char *topic, struct fw_json *out)
{
	const struct policy *policy = fw_self_state(self);

	if (strcmp(topic, "status") == 0) {
		policy_rules_report(&policy->rules, out);
		policy_learned_report(self, out);
	} else if (strcmp(topic, "facts") == 0) {
		policy_rules_facts(&policy->rules, out);
	}
}

static void policy_stop(struct fw_self *self)
{
	struct policy *policy = fw_self_state(self);

	fw_request_cancel(&policy->asking);
	fw_unbind(self, "policy.");
	fw_self_set_state(self, NULL);
	policy_rules_clear(&policy->rules);
	policy_refused_free(&policy->refused, fw_self_log(self));
	free(policy);
}

FW_COMPONENT_EXPORT(policy) = {
	FW_COMPONENT_HEAD,
	.name = "policy",
	.summary = "says which remote domains may talk to ours, and sees that it is kept",
	.options = policy_options,
	.config_size = sizeof(struct policy_config),
	.hooks = policy_hooks,
	.check = policy_check,
	.start = policy_start,
	.deliver = policy_deliver,
	.reload = policy_reload,
	.announced = policy_announced,
	.report = policy_report,
	.stop = policy_stop,
	.counters = policy_counters,
	.commands = policy_commands,
	.read_commands = "allow list, deny list",
};
