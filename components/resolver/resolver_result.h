/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a look-up found, before it is put into the order of trying. Shared by the cache and by those who wait for
 * it, so it is counted. The order is drawn anew for each answer: that is how weights spread load.
 */
#ifndef FEDWAY_COMPONENTS_RESOLVER_RESULT_H
#define FEDWAY_COMPONENTS_RESOLVER_RESULT_H

#include <fedway/cause.h>
#include <fedway/io/dial.h>
#include <fedway/jid.h>

enum { RESOLVER_HOSTS_MAX = 32, RESOLVER_ADDRS_MAX = 16, RESOLVER_PORT = 5269 };

/** Where targets come from; the words of PROTOCOL.md. */
enum resolver_source { RESOLVER_STATIC, RESOLVER_SRV, RESOLVER_ADDRESS };

/** One host to try: an SRV record, a static route, or the domain itself. */
struct resolver_host {
	uint16_t priority, weight, port;
	enum fw_target_tls tls;
	char name[FW_DOMAIN_SIZE];
	struct fw_addr *addrs; /**< in the order of RFC 6724, port included */
	size_t addr_count;
};

struct resolver_result {
	unsigned holders;
	enum fw_cause cause; /**< FW_CAUSE_NONE: there is at least one address */
	enum resolver_source source;
	bool fallback_dns;   /**< static hosts that may be given up for DNS */
	uint32_t ttl_s;      /**< 0: not to be kept */
	uint64_t total_us, srv_us, addr_us;
	char detail[96];     /**< why it failed, in the words of the resolver; or "" */
	struct resolver_host hosts[RESOLVER_HOSTS_MAX];
	size_t host_count;
};

/** Empty result with one holder; NULL when out of memory. */
struct resolver_result *resolver_result_new(enum resolver_source source);
struct resolver_result *resolver_result_ref(struct resolver_result *result);
void resolver_result_release(struct resolver_result **result);

/** Adds a host; NULL when there is no room. */
struct resolver_host *resolver_result_add(struct resolver_result *result, const char *name,
                                          uint16_t port);
/** Copies addresses to a host; what is over RESOLVER_ADDRS_MAX is left out. @return FW_OK, FW_ENOMEM */
int resolver_host_set(struct resolver_host *host, const struct fw_addr *addrs, size_t count);
/** Number of addresses of all hosts. */
size_t resolver_result_addrs(const struct resolver_result *result);
/** "static", "srv", "address". */
const char *resolver_source_name(enum resolver_source source);

#endif
