/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads SRV answers as they come from the wire: the library's own reader gives no times to live.
 * Pure; every byte is hostile.
 */
#ifndef FEDWAY_COMPONENTS_RESOLVER_MESSAGE_H
#define FEDWAY_COMPONENTS_RESOLVER_MESSAGE_H

#include <stdbool.h>

#include "components/resolver/resolver_result.h"

struct resolver_srv {
	uint16_t priority, weight, port;
	char host[FW_DOMAIN_SIZE]; /**< without the final dot; "" for the root: no service */
};

struct resolver_srv_records {
	struct resolver_srv items[RESOLVER_HOSTS_MAX]; /**< the best by priority, when there are more */
	size_t count;
	bool answered;        /**< there was an SRV record, perhaps an unusable one */
	uint32_t ttl_s;       /**< smallest of all records of the answer, CNAMEs included */
	bool has_negative;    /**< an SOA came with it */
	uint32_t negative_s;  /**< how long "there is none" may be kept (RFC 2308 §5) */
};

/** @return FW_OK (also for an answer without records), FW_EPARSE */
int resolver_message_read(const unsigned char *bytes, size_t len, struct resolver_srv_records *out);

#endif
