/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One look-up per domain: static route, or SRV and then addresses (RFC 6120 §3.2). Whoever asks for
 * a domain that is being looked up waits for the same look-up. Called by resolver.c with requests;
 * asks resolver_dns.c; ends in resolver_answer.c and in the cache. Every look-up ends, at the
 * latest by its own timer.
 */
#include "components/resolver/resolver.h"

#include <stdio.h>
#include <stdlib.h>

struct waiter {
	struct waiter *next;
	struct fw_stanza *request;
};

/* Addresses of one host being asked. */
struct part {
	struct resolver_lookup *lookup;
	struct resolver_query *query;
	size_t host; /* its place in the result */
};

struct resolver_lookup {
	struct resolver_lookup *next, **link;
	struct resolver *resolver;
	struct fw_timer *timer;
	struct waiter *waiters, **waiters_end;
	struct resolver_result *result;
	struct resolver_srv_ask srv;
	struct part parts[RESOLVER_HOSTS_MAX];
	size_t asked;     /* parts without an answer yet */
	uint32_t ttl_s;   /* smallest so far */
	bool some_failed; /* a host's addresses are not known for now */
	bool uncacheable; /* "there is none", but nobody said for how long */
	bool skip_static; /* as it was asked for */
	bool fell_back;   /* the static routes led nowhere */
	uint64_t begun_us, addr_begun_us;
	char domain[FW_DOMAIN_SIZE];
};

static void lookup_begin(struct resolver_lookup *lookup);

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* What DNS says of a domain with static routes is kept beside them: "=" is in no domain. */
enum { CACHE_KEY_SIZE = FW_DOMAIN_SIZE + 1 };

static struct fw_str cache_key(struct fw_str domain, bool skip_static, char out[CACHE_KEY_SIZE])
{
	int len =
	        snprintf(out, CACHE_KEY_SIZE, "%s%.*s", skip_static ? "=" : "", FW_STR_ARG(domain));

	return fw_str_n(out, (size_t)len);
}

/* ---- life ---- */

static void lookup_forget(struct resolver_lookup *lookup)
{
	resolver_srv_forget(&lookup->srv);
	for (size_t i = 0; i < RESOLVER_HOSTS_MAX; i++) {
		resolver_query_forget(&lookup->parts[i].query);
	}
	resolver_result_release(&lookup->result);
	lookup->asked = 0;
}

static void lookup_unlink(struct resolver_lookup *lookup)
{
	*lookup->link = lookup->next;
	if (lookup->next != NULL) {
		lookup->next->link = lookup->link;
	}
}

static void lookup_free(struct resolver_lookup *lookup)
{
	lookup_forget(lookup);
	fw_timer_free(&lookup->timer);
	free(lookup);
}

/* Takes the look-up off the list, then answers all who wait: that may bring new requests. */
static void lookup_finish(struct resolver_lookup *lookup)
{
	struct resolver *resolver = lookup->resolver;
	struct resolver_result *result = lookup->result;
	char key[CACHE_KEY_SIZE];

	lookup_unlink(lookup);
	result->total_us = fw_now_us(resolver->loop) - lookup->begun_us;
	result->ttl_s = smaller(result->ttl_s, resolver->config->ttl_max_s);
	if (lookup->fell_back) { /* the static routes are to be looked at again soon */
		result->ttl_s = smaller(result->ttl_s, resolver->config->negative_ttl_max_s);
	}
	resolver_cache_put(resolver->cache,
	                   cache_key(fw_str(lookup->domain), lookup->skip_static, key), result,
	                   fw_now_ms(resolver->loop));
	resolver_log(resolver, lookup->domain, result);
	fw_count(resolver->self, RESOLVER_COUNT_LOOKUPS, 1);
	while (lookup->waiters != NULL) {
		struct waiter *waiter = lookup->waiters;
		lookup->waiters = waiter->next;
		resolver->pending--;
		resolver_answer(resolver, &waiter->request, lookup->domain, result, result->ttl_s,
		                false);
		free(waiter);
	}
	lookup_free(lookup);
	if (resolver->draining && resolver->lookups == NULL) {
		fw_self_drained(resolver->self);
	}
}

/* `words` NULL: the detail is there already. */
static void lookup_fail(struct resolver_lookup *lookup, enum fw_cause cause, uint32_t ttl_s,
                        const char *words)
{
	struct resolver_result *result = lookup->result;

	result->cause = cause;
	result->ttl_s = smaller(ttl_s, lookup->resolver->config->negative_ttl_max_s);
	if (words != NULL) {
		snprintf(result->detail, sizeof(result->detail), "%s", words);
	}
	lookup_finish(lookup);
}

static void lookup_on_timer(void *ctx)
{
	struct resolver_lookup *lookup = ctx;
	bool is_static = lookup->result->source == RESOLVER_STATIC;

	lookup_fail(lookup, is_static ? FW_CAUSE_STATIC_FAILED : FW_CAUSE_DNS_FAILED, 0,
	            "no answer within lookup_timeout_ms");
}

/* ---- addresses ---- */

/* No name of the static routes gave an address: DNS may be asked for the domain itself. */
static void lookup_static_failed(struct resolver_lookup *lookup, const char *words)
{
	struct resolver_result *result =
	        lookup->result->fallback_dns ? resolver_result_new(RESOLVER_SRV) : NULL;

	if (result == NULL) {
		lookup_fail(lookup, FW_CAUSE_STATIC_FAILED, 0, words);
		return;
	}
	lookup_forget(lookup);
	lookup->result = result;
	lookup->fell_back = true;
	lookup_begin(lookup);
}

/* All addresses that can be had are here. */
static void lookup_addrs_done(struct resolver_lookup *lookup, const char *words)
{
	struct resolver_result *result = lookup->result;
	uint32_t negative_max_s = lookup->resolver->config->negative_ttl_max_s;

	if (lookup->addr_begun_us != 0) {
		result->addr_us = fw_now_us(lookup->resolver->loop) - lookup->addr_begun_us;
	}
	if (resolver_result_addrs(result) > 0) {
		result->ttl_s = lookup->ttl_s;
		if (lookup->some_failed) { /* ask soon again for those that are missing */
			result->ttl_s = smaller(result->ttl_s, negative_max_s);
		}
		lookup_finish(lookup);
	} else if (result->source == RESOLVER_STATIC) {
		lookup_static_failed(lookup, words);
	} else if (lookup->some_failed) {
		lookup_fail(lookup, FW_CAUSE_DNS_FAILED, 0, words);
	} else {
		/* RFC 6120 §3.2.1: SRV that leads nowhere does not fall back to the domain's
		 * addresses */
		lookup_fail(lookup, FW_CAUSE_DNS_NOT_FOUND, lookup->uncacheable ? 0 : lookup->ttl_s,
		            words);
	}
}

static void lookup_on_addrs(void *ctx, const struct resolver_dns_answer *answer)
{
	struct part *part = ctx;
	struct resolver_lookup *lookup = part->lookup;

	part->query = NULL;
	lookup->asked--;
	if (answer->status == RESOLVER_DNS_OK) {
		lookup->ttl_s = smaller(lookup->ttl_s, answer->ttl_s);
		if (resolver_host_set(&lookup->result->hosts[part->host], answer->addrs,
		                      answer->addr_count) != FW_OK) {
			lookup->some_failed = true;
		}
	} else if (answer->status == RESOLVER_DNS_FAILED) {
		lookup->some_failed = true;
	}
	if (lookup->asked == 0) {
		lookup_addrs_done(lookup, answer->words);
	}
}

/* Asks for the addresses of all hosts that have none yet. */
static void lookup_addrs(struct resolver_lookup *lookup)
{
	struct resolver_result *result = lookup->result;
	struct resolver *resolver = lookup->resolver;

	for (size_t i = 0; i < result->host_count; i++) {
		struct resolver_host *host = &result->hosts[i];
		struct part *part = &lookup->parts[i];

		if (host->addr_count > 0) {
			continue;
		}
		if (lookup->addr_begun_us == 0) {
			lookup->addr_begun_us = fw_now_us(resolver->loop);
		}
		part->lookup = lookup;
		part->host = i;
		if (resolver_dns_addr(resolver->dns, host->name, host->port, lookup_on_addrs, part,
		                      &part->query) == FW_OK) {
			lookup->asked++;
		} else {
			lookup->some_failed = true;
		}
	}
	if (lookup->asked == 0) {
		lookup_addrs_done(lookup, "");
	}
}

/* ---- SRV ---- */

/* RFC 6120 §3.2.2: no SRV, so the domain itself and the port that XMPP has. */
static void lookup_fall_back(struct resolver_lookup *lookup)
{
	uint32_t negative_max_s = lookup->resolver->config->negative_ttl_max_s;
	const struct resolver_srv_ask *srv = &lookup->srv;

	lookup->result->source = RESOLVER_ADDRESS;
	lookup->uncacheable = !srv->has_negative;
	lookup->ttl_s =
	        smaller(srv->has_negative ? srv->negative_s : negative_max_s, negative_max_s);
	resolver_result_add(lookup->result, lookup->domain, RESOLVER_PORT);
	lookup_addrs(lookup);
}

static void lookup_on_srv(void *ctx, enum resolver_srv_outcome outcome)
{
	struct resolver_lookup *lookup = ctx;
	struct resolver_result *result = lookup->result;

	result->srv_us = fw_now_us(lookup->resolver->loop) - lookup->begun_us;
	lookup->some_failed = lookup->srv.some_failed;
	switch (outcome) {
	case RESOLVER_SRV_HOSTS:
		lookup->ttl_s = lookup->srv.ttl_s;
		lookup_addrs(lookup);
		break;
	case RESOLVER_SRV_NONE:
		lookup_fall_back(lookup);
		break;
	case RESOLVER_SRV_NO_SERVICE: /* RFC 6120 §3.2.1 */
		lookup_fail(lookup, FW_CAUSE_DNS_NO_SERVICE, lookup->srv.ttl_s,
		            "target is the root");
		break;
	case RESOLVER_SRV_FAILED:
		/* Nobody said that there is no SRV: the domain's own address would be a guess. */
		lookup_fail(lookup, FW_CAUSE_DNS_FAILED, 0, NULL);
		break;
	}
}

/* ---- beginning ---- */

static int lookup_add_static(struct resolver_lookup *lookup, const struct resolver_static *routes,
                             size_t count)
{
	lookup->result->fallback_dns = routes[0].fallback == RESOLVER_FALLBACK_DNS;
	for (size_t i = 0; i < count; i++) {
		struct resolver_host *host =
		        resolver_result_add(lookup->result, routes[i].host, routes[i].port);
		if (host == NULL) {
			break;
		}
		host->tls = routes[i].tls;
		host->priority = routes[i].priority;
		host->weight = routes[i].weight;
		if (routes[i].addr.len > 0 &&
		    resolver_host_set(host, &routes[i].addr, 1) != FW_OK) {
			return FW_ENOMEM;
		}
	}
	return FW_OK;
}

static int lookup_add_literal(struct resolver_lookup *lookup)
{
	struct fw_str ip = fw_str(lookup->domain);
	char text[FW_DOMAIN_SIZE];
	struct fw_addr addr;

	if (ip.len > 2 && ip.ptr[0] == '[') {
		ip = fw_str_n(ip.ptr + 1, ip.len - 2);
	}
	snprintf(text, sizeof(text), "%.*s", FW_STR_ARG(ip));
	struct resolver_host *host = resolver_result_add(lookup->result, text, RESOLVER_PORT);
	if (host == NULL || fw_addr_parse(text, RESOLVER_PORT, &addr) != FW_OK) {
		return FW_EPARSE;
	}
	return resolver_host_set(host, &addr, 1);
}

static int lookup_ask_srv(struct resolver_lookup *lookup)
{
	struct resolver *resolver = lookup->resolver;

	lookup->result->source = RESOLVER_SRV;
	return resolver_srv_ask(&lookup->srv, resolver->loop, resolver->dns, lookup->domain,
	                        resolver->config->direct_tls, lookup->result, lookup_on_srv,
	                        lookup);
}

static const struct resolver_static *find_static(const struct resolver *resolver, struct fw_str key,
                                                 size_t *count)
{
	return resolver->config->static_routes_enabled
	               ? resolver_statics_find(resolver->statics, key, count)
	               : NULL;
}

/* May finish the look-up before it returns. */
static void lookup_begin(struct resolver_lookup *lookup)
{
	struct resolver *resolver = lookup->resolver;
	size_t count = 0;
	const struct resolver_static *routes = NULL;
	struct fw_str key = fw_str(lookup->domain);
	bool waits = false;

	if (!lookup->skip_static && !lookup->fell_back) {
		routes = find_static(resolver, key, &count);
	}
	lookup->begun_us = fw_now_us(resolver->loop);
	lookup->addr_begun_us = 0;
	lookup->ttl_s = UINT32_MAX;
	lookup->some_failed = lookup->uncacheable = false;
	fw_timer_start_ms(lookup->timer, resolver->config->lookup_timeout_ms, 0);
	int ret;
	if (routes != NULL) { /* RFC 6120 §3.2.3 */
		lookup->result->source = RESOLVER_STATIC;
		ret = lookup_add_static(lookup, routes, count);
	} else if (fw_domain_is_ip(key)) {
		lookup->result->source = RESOLVER_ADDRESS;
		ret = lookup_add_literal(lookup);
	} else {
		ret = lookup_ask_srv(lookup);
		waits = true;
	}
	if (ret != FW_OK) {
		lookup_fail(lookup, ret == FW_ENOMEM ? FW_CAUSE_RESOURCES : FW_CAUSE_BAD_ADDRESS, 0,
		            fw_strerror(ret));
	} else if (!waits) {
		lookup_addrs(lookup);
	}
}

static struct resolver_lookup *lookup_find(struct resolver *resolver, struct fw_str key,
                                           bool skip_static)
{
	struct resolver_lookup *lookup = resolver->lookups;

	while (lookup != NULL &&
	       (lookup->skip_static != skip_static || !fw_str_is(key, lookup->domain))) {
		lookup = lookup->next;
	}
	return lookup;
}

static struct resolver_lookup *lookup_new(struct resolver *resolver, struct fw_str key,
                                          bool skip_static)
{
	struct resolver_lookup *lookup = calloc(1, sizeof(*lookup));

	if (lookup == NULL) {
		return NULL;
	}
	lookup->resolver = resolver;
	lookup->waiters_end = &lookup->waiters;
	lookup->skip_static = skip_static;
	snprintf(lookup->domain, sizeof(lookup->domain), "%.*s", FW_STR_ARG(key));
	lookup->result = resolver_result_new(RESOLVER_SRV);
	if (lookup->result == NULL ||
	    fw_timer_new(resolver->loop, lookup_on_timer, lookup, &lookup->timer) != FW_OK) {
		lookup_free(lookup);
		return NULL;
	}
	lookup->next = resolver->lookups;
	lookup->link = &resolver->lookups;
	if (lookup->next != NULL) {
		lookup->next->link = &lookup->next;
	}
	resolver->lookups = lookup;
	return lookup;
}

void resolver_lookup(struct resolver *resolver, struct fw_str key, bool skip_static,
                     struct fw_stanza **request)
{
	char domain[FW_DOMAIN_SIZE], kept_as[CACHE_KEY_SIZE];
	uint32_t left_s = 0;
	size_t routes = 0;

	skip_static = skip_static && find_static(resolver, key, &routes) != NULL;
	struct resolver_result *kept =
	        resolver_cache_get(resolver->cache, cache_key(key, skip_static, kept_as),
	                           fw_now_ms(resolver->loop), &left_s);

	fw_count(resolver->self, RESOLVER_COUNT_QUERIES, 1);
	if (kept != NULL) {
		snprintf(domain, sizeof(domain), "%.*s", FW_STR_ARG(key));
		fw_count(resolver->self, RESOLVER_COUNT_CACHE_HITS, 1);
		resolver_answer(resolver, request, domain, kept, left_s, true);
		return;
	}
	struct resolver_lookup *lookup = lookup_find(resolver, key, skip_static);
	bool is_new = lookup == NULL;
	struct waiter *waiter = calloc(1, sizeof(*waiter));
	if (resolver->pending >= resolver->config->pending_max || waiter == NULL ||
	    (is_new && (lookup = lookup_new(resolver, key, skip_static)) == NULL)) {
		free(waiter);
		resolver_refuse(resolver, request, FW_CAUSE_RESOURCES);
		return;
	}
	waiter->request = *request;
	*request = NULL;
	*lookup->waiters_end = waiter;
	lookup->waiters_end = &waiter->next;
	resolver->pending++;
	if (is_new) {
		lookup_begin(lookup);
	}
}

void resolver_lookup_restart(struct resolver *resolver)
{
	struct resolver_lookup *old = resolver->lookups;

	/* Beginning may finish a look-up at once, and its answer may bring new ones: first make a
	 * list. */
	resolver->lookups = NULL;
	while (old != NULL) {
		struct resolver_lookup *lookup = old;
		old = lookup->next;
		lookup_forget(lookup);
		lookup->fell_back = false;
		lookup->next = resolver->lookups;
		lookup->link = &resolver->lookups;
		if (lookup->next != NULL) {
			lookup->next->link = &lookup->next;
		}
		resolver->lookups = lookup;
		lookup->result = resolver_result_new(RESOLVER_SRV);
		fw_assert(lookup->result != NULL);
		lookup_begin(lookup);
	}
}

void resolver_lookup_end_all(struct resolver *resolver, enum fw_cause cause)
{
	while (resolver->lookups != NULL) {
		struct resolver_lookup *lookup = resolver->lookups;
		lookup_unlink(lookup);
		while (lookup->waiters != NULL) {
			struct waiter *waiter = lookup->waiters;
			lookup->waiters = waiter->next;
			resolver->pending--;
			resolver_refuse(resolver, &waiter->request, cause);
			free(waiter);
		}
		lookup_free(lookup);
	}
}
