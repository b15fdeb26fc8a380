/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The two SRV services of a domain, asked side by side and read as one list (XEP-0368): `_xmpp-server._tcp` and,
 * for direct TLS, `_xmpps-server._tcp`.
 */
#ifndef FEDWAY_COMPONENTS_RESOLVER_SRV_H
#define FEDWAY_COMPONENTS_RESOLVER_SRV_H

#include "components/resolver/resolver_dns.h"

enum { RESOLVER_SERVICES = 2 };

/** What both said together. */
enum resolver_srv_outcome {
	RESOLVER_SRV_HOSTS,      /**< the hosts are in the result */
	RESOLVER_SRV_NONE,       /**< there are no SRV records */
	RESOLVER_SRV_NO_SERVICE, /**< the target "." */
	RESOLVER_SRV_FAILED,     /**< nobody knows */
};
typedef void resolver_srv_fn(void *ctx, enum resolver_srv_outcome outcome);

struct resolver_srv_ask;

/* One of the two. */
struct resolver_srv_part {
	struct resolver_srv_ask *ask;
	struct resolver_query *query;
	int state;
};

/** Embedded in a look-up; all zero before the first question. */
struct resolver_srv_ask {
	struct resolver_srv_part parts[RESOLVER_SERVICES];
	struct resolver_result *result; /**< [b] gets the hosts, and in its detail what failed */
	struct fw_timer *grace;
	resolver_srv_fn *done;
	void *ctx;
	bool some_failed;    /**< one service is not known for now */
	uint32_t ttl_s;      /**< smallest of all SRV records; UINT32_MAX without */
	bool has_negative;   /**< an SOA came with "there is none" */
	uint32_t negative_s; /**< how long that may be kept */
};

/**
 * Asks. `done` runs once, never before this returns, unless it is forgotten.
 * @param direct  ask for direct TLS as well
 * @return FW_OK, FW_ENOMEM
 */
int resolver_srv_ask(struct resolver_srv_ask *ask, struct fw_loop *loop, struct resolver_dns *dns,
                     const char *domain, bool direct, struct resolver_result *result,
                     resolver_srv_fn *done, void *ctx);
/** No answer is wanted any more; may be called at any time. */
void resolver_srv_forget(struct resolver_srv_ask *ask);

/** Adds the hosts of one service; when there is no room, in the place of those with a worse priority. Pure. */
void resolver_srv_merge(struct resolver_result *result, const struct resolver_srv_records *records,
                        enum fw_target_tls tls);

#endif
