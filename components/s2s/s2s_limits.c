/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What strangers may take: streams that have proved nothing, and connections in a second, each per
 * network and the first in all. A network is one IPv4 address, or the /64 that an IPv6 host has to
 * itself. Asked by the listeners for each connection, before it costs anything.
 */
#include "components/s2s/s2s_limits.h"

#include <stdlib.h>

#include "components/s2s/s2s.h"
#include "components/s2s/s2s_in.h"
#include "components/s2s/s2s_rate.h"

/* Networks that meet in a slot take turns; the hash is keyed, so nobody can bring that about. */
enum { LIMITS_SLOTS = 4096 };

struct limits_slot {
	struct fw_network network;
	struct s2s_bucket connections;
};

struct s2s_limits {
	struct limits_slot slots[LIMITS_SLOTS];
};

int s2s_limits_new(struct s2s_limits **out)
{
	*out = calloc(1, sizeof(**out));
	return *out != NULL ? FW_OK : FW_ENOMEM;
}

void s2s_limits_free(struct s2s_limits **limits)
{
	free(*limits);
	*limits = NULL;
}

static bool may_connect(struct s2s *s2s, const struct fw_network *network)
{
	struct fw_str key = fw_str_n((const char *)network->bytes, sizeof(network->bytes));
	struct limits_slot *slot = &s2s->limits->slots[fw_str_hash(key) % LIMITS_SLOTS];
	struct s2s_flow flow = { s2s->config->connections_per_address_rate,
		                 (uint64_t)s2s->config->connections_per_address_rate *
		                         s2s->config->rate_burst_s };

	if (!fw_network_eq(&slot->network, network)) {
		*slot = (struct limits_slot){ .network = *network };
	}
	return s2s_bucket_take(&slot->connections, flow, 1, fw_now_ms(s2s->loop));
}

/* Only streams that have proved nothing count: a proven peer may open as many as it has domains. */
static uint32_t strangers_of(const struct s2s *s2s, const struct fw_network *network)
{
	uint32_t count = 0;

	for (struct s2s_leg *leg = s2s->ins; leg != NULL; leg = leg->next) {
		struct fw_network other;
		if (s2s_in_of(leg)->counted) {
			fw_addr_network(&leg->peer, &other);
			count += fw_network_eq(&other, network);
		}
	}
	return count;
}

/* One network is refused beyond its limits; a crowd from everywhere must not keep a server out, so
 * there the oldest that only holds a place gives way. */
const char *s2s_limits_refusal(struct s2s *s2s, const struct fw_addr *peer)
{
	struct fw_network network;

	fw_addr_network(peer, &network);
	if (!may_connect(s2s, &network)) {
		return "connections_per_address_rate";
	}
	if (strangers_of(s2s, &network) >= s2s->config->unauthenticated_per_address_max) {
		return "unauthenticated_per_address_max";
	}
	while (s2s->unauthenticated >= s2s->config->unauthenticated_max) {
		if (!s2s_in_make_room(s2s)) {
			return "unauthenticated_max";
		}
		s2s_count(s2s, S2S_COUNT_STREAMS_REFUSED);
	}
	return NULL;
}
