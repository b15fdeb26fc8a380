/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Asks DNS: SRV records of a domain, addresses of a host. Nothing of the library behind it shows through.
 * Each question is answered exactly once, never before the call returns, unless it is forgotten.
 */
#ifndef FEDWAY_COMPONENTS_RESOLVER_DNS_H
#define FEDWAY_COMPONENTS_RESOLVER_DNS_H

#include <fedway/config.h>
#include <fedway/io/loop.h>

#include "components/resolver/resolver_message.h"

struct resolver_dns;
struct resolver_query;

struct resolver_dns_settings {
	struct fw_strings servers; /**< "ip" or "ip:port", "[ip]:port"; none: the system's */
	uint32_t timeout_ms;       /**< of the first try; later ones wait longer */
	uint32_t tries;            /**< per server */
	bool ipv4, ipv6;
};

enum resolver_dns_status {
	RESOLVER_DNS_OK,
	RESOLVER_DNS_NONE,   /**< the name, or records of this kind, do not exist */
	RESOLVER_DNS_FAILED, /**< nobody knows: no server, no answer, a broken one */
};

struct resolver_dns_answer {
	enum resolver_dns_status status;
	const char *words;                        /**< the library's, for the log */
	const struct resolver_srv_records *srv;   /**< NULL unless SRV was asked and a message came */
	const struct fw_addr *addrs;
	size_t addr_count;
	uint32_t ttl_s;                           /**< of the addresses */
};
typedef void resolver_dns_fn(void *ctx, const struct resolver_dns_answer *answer);

/** @return FW_OK, FW_EINVAL (a server is no address), FW_ENOMEM, FW_ESYS */
int resolver_dns_new(struct fw_loop *loop, const struct resolver_dns_settings *settings,
                     struct resolver_dns **out, struct fw_error *err);
/** Forgets all questions. */
void resolver_dns_free(struct resolver_dns **dns);
/** Checks the list of servers without using it. */
int resolver_dns_check(const struct resolver_dns_settings *settings, struct fw_error *err);

/** Asks for SRV at `name`, which is absolute: no search list applies. @return FW_OK, FW_ENOMEM */
int resolver_dns_srv(struct resolver_dns *dns, const char *name, resolver_dns_fn *fn, void *ctx,
                     struct resolver_query **out);
/** Asks for AAAA and A of a host; aliases are followed. */
int resolver_dns_addr(struct resolver_dns *dns, const char *host, uint16_t port, resolver_dns_fn *fn,
                      void *ctx, struct resolver_query **out);
/** The answer is not wanted any more. NULL is allowed; a query that has answered is gone. */
void resolver_query_forget(struct resolver_query **query);

#endif
