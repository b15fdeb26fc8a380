/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: answers of DNS servers. What is taken from one must be host names or the root, what
 * may be kept must follow from records that were there, and of two services the best hosts stay.
 */
#include <fedway/error.h>

#include "components/resolver/resolver_srv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_host(const char *host)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t len = strlen(host);

	fw_assert(len < FW_DOMAIN_SIZE && strspn(host, allowed) == len);
	fw_assert(len == 0 || host[len - 1] != '.');
}

/* The same answer from both services: none that was left out is better than one that stayed. */
static void merge(const struct resolver_srv_records *records)
{
	struct resolver_result *result = resolver_result_new(RESOLVER_SRV);
	size_t hosts = 0, direct = 0;
	uint16_t worst = 0;

	fw_assert(result != NULL);
	resolver_srv_merge(result, records, FW_TARGET_STARTTLS);
	resolver_srv_merge(result, records, FW_TARGET_DIRECT_TLS);
	fw_assert(result->host_count <= RESOLVER_HOSTS_MAX);
	for (size_t i = 0; i < result->host_count; i++) {
		fw_assert(result->hosts[i].name[0] != '\0' && result->hosts[i].addr_count == 0);
		direct += result->hosts[i].tls == FW_TARGET_DIRECT_TLS;
		worst = result->hosts[i].priority > worst ? result->hosts[i].priority : worst;
	}
	for (size_t i = 0; i < records->count; i++) {
		hosts += records->items[i].host[0] != '\0';
	}
	if (hosts * 2 <= RESOLVER_HOSTS_MAX) {
		fw_assert(result->host_count == hosts * 2 && direct == hosts);
	}
	fw_assert(hosts * 2 <= RESOLVER_HOSTS_MAX || result->host_count == RESOLVER_HOSTS_MAX);
	for (size_t i = 0; i < records->count && direct == 0; i++) { /* there was no better one */
		fw_assert(records->items[i].host[0] == '\0' || records->items[i].priority >= worst);
	}
	resolver_result_release(&result);
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
	merge(&out);
	return 0;
}
