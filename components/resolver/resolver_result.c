/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Results of look-ups: made by resolver_lookup.c, kept by resolver_cache.c, read by
 * resolver_answer.c.
 */
#include "components/resolver/resolver_result.h"

#include <stdio.h>
#include <stdlib.h>

struct resolver_result *resolver_result_new(enum resolver_source source)
{
	struct resolver_result *result = calloc(1, sizeof(*result));

	if (result != NULL) {
		result->holders = 1;
		result->source = source;
	}
	return result;
}

struct resolver_result *resolver_result_ref(struct resolver_result *result)
{
	result->holders++;
	return result;
}

void resolver_result_release(struct resolver_result **at)
{
	struct resolver_result *result = *at;

	*at = NULL;
	if (result == NULL || --result->holders > 0) {
		return;
	}
	for (size_t i = 0; i < result->host_count; i++) {
		free(result->hosts[i].addrs);
	}
	free(result);
}

struct resolver_host *resolver_result_add(struct resolver_result *result, const char *name,
                                          uint16_t port)
{
	if (result->host_count == RESOLVER_HOSTS_MAX) {
		return NULL;
	}
	struct resolver_host *host = &result->hosts[result->host_count++];
	snprintf(host->name, sizeof(host->name), "%s", name);
	host->port = port;
	return host;
}

int resolver_host_set(struct resolver_host *host, const struct fw_addr *addrs, size_t count)
{
	if (count > RESOLVER_ADDRS_MAX) {
		count = RESOLVER_ADDRS_MAX;
	}
	if (count == 0) {
		return FW_OK;
	}
	struct fw_addr *copy = calloc(count, sizeof(*copy));
	if (copy == NULL) {
		return FW_ENOMEM;
	}
	memcpy(copy, addrs, count * sizeof(*copy));
	free(host->addrs);
	host->addrs = copy;
	host->addr_count = count;
	return FW_OK;
}

size_t resolver_result_addrs(const struct resolver_result *result)
{
	size_t count = 0;

	for (size_t i = 0; i < result->host_count; i++) {
		count += result->hosts[i].addr_count;
	}
	return count;
}

const char *resolver_source_name(enum resolver_source source)
{
	static const char *const names[] = {
		[RESOLVER_STATIC] = "static",
		[RESOLVER_SRV] = "srv",
		[RESOLVER_ADDRESS] = "address",
	};

	return names[source];
}
