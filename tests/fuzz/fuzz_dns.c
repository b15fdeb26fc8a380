/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: answers of DNS servers. What is taken from one must be host names or the root, and
 * what may be kept must follow from records that were there.
 */
#include <fedway/error.h>

#include "components/resolver/resolver_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_host(const char *host)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t len = strlen(host);

	fw_assert(len < FW_DOMAIN_SIZE && strspn(host, allowed) == len);
	fw_assert(len == 0 || host[len - 1] != '.');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct resolver_srv_records out;

	if (resolver_message_read(data, size, &out) != FW_OK) {
		return 0;
	}
	fw_assert(out.count <= RESOLVER_HOSTS_MAX);
	fw_assert(out.answered || out.count == 0);
	fw_assert(!out.answered || out.ttl_s <= INT32_MAX);
	fw_assert(!out.has_negative || out.negative_s <= INT32_MAX);
	for (size_t i = 0; i < out.count; i++) {
		assert_host(out.items[i].host);
	}
	return 0;
}
