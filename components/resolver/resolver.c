/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The service `resolver.<realm>`: which addresses serve a domain? This file has the options, the
 * life cycle and the door for requests; resolver_lookup.c finds answers. It opens no stream and
 * judges nothing: whether a domain may be talked to is the policy's business.
 */
#include "components/resolver/resolver.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/json.h>

#define RESOLVER_COUNTER_ROW(id, name, unit, help) [RESOLVER_COUNT_##id] = { name, unit, help },
static const struct fw_counter resolver_counters[] = { RESOLVER_COUNTERS(RESOLVER_COUNTER_ROW)
	                                                       FW_COUNTER_END };

static const struct fw_option static_rows[] = {
	FW_OPT(struct resolver_static_row, domain, NULL, .min = 1, .max = 1023,
	       .help = "domain that this host serves"),
	FW_OPT(struct resolver_static_row, host, NULL, .min = 1, .max = 255,
	       .help = "address or name of the host"),
	FW_OPT(struct resolver_static_row, port, "5269", .min = 1, .max = 65535,
	       .help = "TCP port"),
	FW_OPT(struct resolver_static_row, tls, "starttls", .choices = fw_target_tls_choices,
	       .help = "how the host is spoken to"),
	FW_OPT(struct resolver_static_row, priority, "0", .max = 65535,
	       .help = "hosts with a lower one are tried first, as with SRV"),
	FW_OPT(struct resolver_static_row, weight, "0", .max = 65535,
	       .help = "share among the hosts of one priority, as with SRV"),
	FW_OPT(struct resolver_static_row, fallback, "none", .choices = resolver_fallback_choices,
	       .help = "when no static host of the domain can be reached"),
	FW_OPT_END
};

static const struct fw_option resolver_options[] = {
	FW_OPT(struct resolver_config, static_routes, "", .rows = static_rows,
	       .row_size = sizeof(struct resolver_static_row),
	       .help = "hosts to connect to instead of those that DNS names; several for one "
	               "domain are tried by priority and weight, equal ones in random order"),
	FW_OPT(struct resolver_config, static_routes_enabled, "true",
	       .help = "false: static routes are kept but not used"),
	FW_OPT(struct resolver_config, servers, "",
	       .help = "DNS servers as address or address:port; none: the system's"),
	FW_OPT(struct resolver_config, timeout_ms, "2000", .min = 10, .max = 60000, .unit = "ms",
	       .help = "wait for a DNS server's first answer; later tries wait longer"),
	FW_OPT(struct resolver_config, tries, "2", .min = 1, .max = 10,
	       .help = "how often each DNS server is asked"),
	FW_OPT(struct resolver_config, lookup_timeout_ms, "15000", .min = 10, .max = 120000,
	       .unit = "ms", .help = "limit of a whole look-up, SRV and addresses"),
	FW_OPT(struct resolver_config, ttl_max_s, "86400", .min = 1, .max = 604800, .unit = "s",
	       .help = "longest time that an answer is kept, whatever its TTL"),
	FW_OPT(struct resolver_config, negative_ttl_max_s, "60", .max = 3600, .unit = "s",
	       .help = "longest time that a failure is kept"),
	FW_OPT(struct resolver_config, cache_max_entries, "10000", .max = 1000000,
	       .help = "domains kept; 0 keeps none"),
	FW_OPT(struct resolver_config, pending_max, "10000", .min = 1, .max = 1000000,
	       .help = "requests that may wait for DNS; more are refused"),
	FW_OPT(struct resolver_config, ipv4, "true", .help = "look for A records of hosts"),
	FW_OPT(struct resolver_config, ipv6, "true", .help = "look for AAAA records of hosts"),
	FW_OPT(struct resolver_config, direct_tls, "true",
	       .help = "look for servers with TLS from the first byte (XEP-0368) as well"),
	FW_OPT_END
};

static struct resolver_dns_settings dns_settings(const struct resolver_config *config)
{
	return (struct resolver_dns_settings){
		.servers = config->servers,
		.timeout_ms = config->timeout_ms,
		.tries = config->tries,
		.ipv4 = config->ipv4,
		.ipv6 = config->ipv6,
	};
}

static int resolver_check(const void *ctx, struct fw_error *err)
{
	const struct resolver_config *config = ctx;
	const struct resolver_dns_settings settings = dns_settings(config);
	struct resolver_statics *statics = NULL;

	if (!config->ipv4 && !config->ipv6) {
		return fw_error_set(err, FW_EINVAL,
		                    "ipv4 and ipv6 are both false: no address "
		                    "could ever be found");
	}
	int ret = resolver_statics_new(&config->static_routes, &statics, err);
	free(statics);
	return ret == FW_OK ? resolver_dns_check(&settings, err) : ret;
}

static void resolver_free(struct resolver **at)
{
	struct resolver *resolver = *at;

	*at = NULL;
	if (resolver == NULL) {
		return;
	}
	resolver_dns_free(&resolver->dns);
	resolver_cache_free(&resolver->cache);
	free(resolver->statics);
	free(resolver);
}

static int resolver_start(struct fw_self *self, struct fw_error *err)
{
	const struct resolver_config *config = fw_self_config(self);
	const struct resolver_dns_settings settings = dns_settings(config);
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	int ret = FW_ENOMEM;

	if (resolver == NULL) {
		goto done;
	}
	resolver->self = self;
	resolver->loop = fw_self_loop(self);
	resolver->config = config;
	ret = resolver_learned_statics(self, config, &resolver->statics, err);
	if (ret != FW_OK) {
		goto done;
	}
	ret = resolver_cache_new(config->cache_max_entries, &resolver->cache);
	if (ret != FW_OK) {
		goto done;
	}
	ret = resolver_dns_new(resolver->loop, &settings, &resolver->dns, err);
	if (ret != FW_OK) {
		goto done;
	}
	ret = fw_bind(self, "resolver.");
	if (ret != FW_OK) {
		fw_error_set(err, ret, "the name resolver.%s cannot be had: %s",
		             fw_self_realm(self), fw_strerror(ret));
		goto done;
	}
	fw_self_set_state(self, resolver);
	resolver = NULL;
	fw_announce(self, "resolver");
done:
	resolver_free(&resolver);
	return ret;
}

static void resolver_resolve(struct resolver *resolver, struct fw_elem *ask,
                             struct fw_stanza **request)
{
	char domain[FW_DOMAIN_SIZE];
	struct fw_str key;

	if (fw_domain_key(fw_elem_attr(ask, "domain"), domain, &key) != FW_OK) {
		resolver_refuse(resolver, request, FW_CAUSE_BAD_ADDRESS);
		return;
	}
	resolver_lookup(resolver, key, fw_str_is(fw_elem_attr(ask, "skip"), "static"), request);
}

static void resolver_deliver(struct fw_self *self, struct fw_stanza **stanza)
{
	struct resolver *resolver = fw_self_state(self);

	if (!fw_stanza_is_request(*stanza)) {
		fw_bounce(self, stanza, FW_CAUSE_UNHANDLED);
		return;
	}
	/* Only this side asks; the policy keeps the outside away, and so does this line. */
	struct fw_str from = fw_stanza_from_domain(*stanza);
	struct fw_str realm = fw_str(fw_self_realm(self));
	bool in_realm = from.len > realm.len && from.ptr[from.len - realm.len - 1] == '.' &&
	                memcmp(from.ptr + from.len - realm.len, realm.ptr, realm.len) == 0;
	if (!in_realm && !fw_domain_is_local(self, from)) {
		resolver_refuse(resolver, stanza, FW_CAUSE_POLICY_DENIED);
		return;
	}
	if (resolver->draining) {
		resolver_refuse(resolver, stanza, FW_CAUSE_COMPONENT_DRAINING);
		return;
	}
	struct fw_elem *root = fw_stanza_root(*stanza);
	struct fw_elem *resolve = fw_elem_find(root, "resolve", RESOLVER_NS);
	if (resolve != NULL) {
		resolver_resolve(resolver, resolve, stanza);
	} else if (fw_elem_find(root, "static", RESOLVER_NS) != NULL) {
		resolver_answer_static(resolver, stanza);
	} else {
		resolver_refuse(resolver, stanza, FW_CAUSE_UNHANDLED);
	}
}

/* Those of the configuration and those that were learned. @return they are different now */
static bool resolver_take_statics(struct resolver *resolver)
{
	struct resolver_statics *statics = NULL;
	struct resolver_statics *old = resolver->statics;

	if (resolver_learned_statics(resolver->self, resolver->config, &statics, NULL) != FW_OK) {
		return false;
	}
	bool changed = !resolver_statics_eq(old, statics);
	resolver->statics = statics;
	free(old);
	return changed;
}

static void resolver_announced(struct fw_self *self, const char *service)
{
	struct resolver *resolver = fw_self_state(self);

	if (strcmp(service, "state.static_routes") == 0 && resolver_take_statics(resolver)) {
		resolver_cache_clear(resolver->cache); /* addresses of static hosts are there */
		resolver_lookup_restart(resolver);
		fw_announce(self, "resolver");
	}
}

/* Check has passed: what can still fail is memory, and then the old ones stay in force. */
static void resolver_reload(struct fw_self *self, const void *ctx)
{
	struct resolver *resolver = fw_self_state(self);
	const struct resolver_config *config = ctx;
	const struct resolver_dns_settings settings = dns_settings(config);
	struct resolver_dns *dns = NULL;
	struct resolver_cache *cache = NULL;
	bool changed = resolver->config->static_routes_enabled != config->static_routes_enabled;

	resolver->config = config;
	changed = resolver_take_statics(resolver) || changed;
	if (resolver_cache_new(config->cache_max_entries, &cache) == FW_OK) {
		resolver_cache_free(&resolver->cache);
		resolver->cache = cache;
	}
	if (resolver_dns_new(resolver->loop, &settings, &dns, NULL) == FW_OK) {
		struct resolver_dns *old = resolver->dns;
		resolver->dns = dns;
		resolver_lookup_restart(resolver);
		resolver_dns_free(&old);
	}
	if (changed) {
		fw_announce(self, "resolver");
	}
}

static void resolver_drain(struct fw_self *self)
{
	struct resolver *resolver = fw_self_state(self);

	resolver->draining = true;
	if (resolver->lookups == NULL) {
		fw_self_drained(self);
	}
}

static void resolver_stop(struct fw_self *self)
{
	struct resolver *resolver = fw_self_state(self);

	resolver_lookup_end_all(resolver, FW_CAUSE_COMPONENT_GONE);
	fw_unbind(self, "resolver.");
	fw_self_set_state(self, NULL);
	resolver_free(&resolver);
}

static void report_routes(const struct resolver *resolver, struct fw_json *out)
{
	struct fw_json *routes = fw_json_set_array(out, "static_routes");

	for (size_t i = 0; i < resolver->statics->count; i++) {
		const struct resolver_static *item = &resolver->statics->items[i];
		struct fw_json *route = fw_json_append_object(routes);
		fw_json_set(route, "domain", fw_str(item->domain));
		fw_json_set(route, "host", fw_str(item->host));
		fw_json_set_int(route, "port", item->port);
		fw_json_set(route, "tls", fw_str(fw_target_tls_choices[item->tls].word));
		fw_json_set_int(route, "priority", item->priority);
		fw_json_set_int(route, "weight", item->weight);
		fw_json_set(route, "fallback",
		            fw_str(resolver_fallback_choices[item->fallback].word));
		fw_json_set(route, "from",
		            fw_str(item->number < resolver->statics->configured ? "configuration"
		                                                                : "another node"));
	}
}

static void resolver_report(struct fw_self *self, const char *topic, struct fw_json *out)
{
	const struct resolver *resolver = fw_self_state(self);

	if (strcmp(topic, "facts") == 0) { /* to be the same on all edges */
		report_routes(resolver, out);
		return;
	}
	if (strcmp(topic, "status") != 0) {
		return;
	}
	fw_json_set_int(out, "cached", (int64_t)resolver_cache_count(resolver->cache));
	fw_json_set_int(out, "waiting", (int64_t)resolver->pending);
	fw_json_set_bool(out, "static_routes_enabled", resolver->config->static_routes_enabled);
	report_routes(resolver, out);
}

FW_COMPONENT_EXPORT(resolver) = {
	FW_COMPONENT_HEAD_STRICT,
	.name = "resolver",
	.summary = "finds the servers of a domain: static routes, SRV, addresses",
	.options = resolver_options,
	.config_size = sizeof(struct resolver_config),
	.check = resolver_check,
	.start = resolver_start,
	.deliver = resolver_deliver,
	.reload = resolver_reload,
	.announced = resolver_announced,
	.drain = resolver_drain,
	.report = resolver_report,
	.stop = resolver_stop,
	.counters = resolver_counters,
	.commands = resolver_commands,
	.read_commands = "dns show",
};
