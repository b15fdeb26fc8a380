/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The resolver's files among themselves: the instance, its look-ups, its answers.
 */
#ifndef FEDWAY_COMPONENTS_RESOLVER_RESOLVER_H
#define FEDWAY_COMPONENTS_RESOLVER_RESOLVER_H

#include <fedway/host.h>

#include "components/resolver/resolver_cache.h"
#include "components/resolver/resolver_dns.h"
#include "components/resolver/resolver_srv.h"
#include "components/resolver/resolver_static.h"

#define RESOLVER_NS "urn:fedway:resolver:1"

struct resolver_config {
	struct fw_rows static_routes; /**< struct resolver_static_row */
	bool static_routes_enabled;
	struct fw_strings servers;
	uint32_t timeout_ms, tries, lookup_timeout_ms;
	uint32_t ttl_max_s, negative_ttl_max_s;
	uint32_t cache_max_entries, pending_max;
	bool ipv4, ipv6, direct_tls;
};

#define RESOLVER_COUNTERS(X) /* id, name, unit, help */ \
	X(QUERIES, "queries", "questions", \
	  "which addresses serve a domain?") \
	X(CACHE_HITS, "cache_hits", "questions", \
	  "answered from memory") \
	X(LOOKUPS, "lookups", "look-ups", \
	  "that ended, by static route or DNS; questions at the same time share one") \
	X(ANSWERED, "answered", "answers", \
	  "with targets") \
	X(NEGATIVE, "negative", "answers", \
	  "that there is nothing to connect to, or that nobody knows") \
	X(REFUSED, "refused", "questions", \
	  "of any kind that got no answer but an error: bad, not allowed, or too many")

#define RESOLVER_COUNTER_ENUM(id, name, unit, help) RESOLVER_COUNT_##id,
enum resolver_count { RESOLVER_COUNTERS(RESOLVER_COUNTER_ENUM) RESOLVER_COUNTS };
#undef RESOLVER_COUNTER_ENUM

struct resolver_lookup;

struct resolver {
	struct fw_self *self;
	struct fw_loop *loop;
	const struct resolver_config *config;
	struct resolver_dns *dns;
	struct resolver_statics *statics;
	struct resolver_cache *cache;
	struct resolver_lookup *lookups; /**< under way, one per domain */
	size_t pending;                  /**< requests that wait for them */
	bool draining;
};

/* ---- resolver_lookup.c ---- */

/**
 * Answers a request for a domain, now or when its look-up is done. [t]
 * @param skip_static  DNS is to be asked although there are static routes, which could not be reached
 */
void resolver_lookup(struct resolver *resolver, struct fw_str key, bool skip_static,
                     struct fw_stanza **request);
/** Begins all look-ups under way again: servers or static routes have changed. */
void resolver_lookup_restart(struct resolver *resolver);
/** Ends all look-ups; who waits is told the cause. */
void resolver_lookup_end_all(struct resolver *resolver, enum fw_cause cause);

/* ---- resolver_learned.c ---- */

/** Static routes of the configuration and, for other domains, those that the node has learned. As resolver_statics_new(). */
int resolver_learned_statics(struct fw_self *self, const struct resolver_config *config,
                             struct resolver_statics **out, struct fw_error *err);

/* ---- resolver_answer.c ---- */

/**
 * Answers with the targets in a newly drawn order, or with the error of result->cause. [t]
 * @param left_s  time to live of this answer
 * @param cached  nothing was asked for it: its timings are 0
 */
void resolver_answer(struct resolver *resolver, struct fw_stanza **request, const char *domain,
                     const struct resolver_result *result, uint32_t left_s, bool cached);
/** Answers with the error of a cause. [t] */
void resolver_refuse(struct resolver *resolver, struct fw_stanza **request, enum fw_cause cause);
/** Answers with the domains that have static routes. [t] */
void resolver_answer_static(struct resolver *resolver, struct fw_stanza **request);
#define RESOLVER_TARGETS_TEXT 1024u
/** "host[address],…" for people, with "tls" behind direct TLS; cut when it is too long. */
void resolver_targets_text(const struct resolver_result *result, char out[RESOLVER_TARGETS_TEXT]);
/** The line that a look-up leaves in the log. */
void resolver_log(struct resolver *resolver, const char *domain, const struct resolver_result *result);

/* ---- resolver_commands.c ---- */

extern const struct fw_command resolver_commands[];

#endif
