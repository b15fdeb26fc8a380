/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The index of legs by remote domain and by address, and the rules of who may ride along (XEP-0220
 * §2.6). Called when a pair needs a leg; never per stanza.
 */
#include "components/s2s/s2s_carriers.h"

#include <stdlib.h>

#include "components/s2s/s2s_leg.h"

enum { CARRIERS_BUCKETS = 1024 };

struct s2s_carriers {
	struct s2s_carrier *buckets[CARRIERS_BUCKETS];
};

int s2s_carriers_new(struct s2s_carriers **out)
{
	*out = calloc(1, sizeof(**out));
	return *out != NULL ? FW_OK : FW_ENOMEM;
}

void s2s_carriers_free(struct s2s_carriers **carriers)
{
	free(*carriers);
	*carriers = NULL;
}

static struct s2s_carrier **carriers_bucket(struct s2s_carriers *carriers, const char *name)
{
	return &carriers->buckets[fw_str_hash(fw_str(name)) % CARRIERS_BUCKETS];
}

void s2s_carriers_put(struct s2s_carrier *carrier, struct s2s_leg *leg, const char *name)
{
	fw_assert(carrier->link == NULL);
	carrier->leg = leg;
	carrier->name = name;
	carrier->link = carriers_bucket(leg->s2s->carriers, name);
	carrier->next = *carrier->link;
	if (carrier->next != NULL) {
		carrier->next->link = &carrier->next;
	}
	*carrier->link = carrier;
}

void s2s_carriers_drop(struct s2s_carrier *carrier)
{
	if (carrier->link == NULL) {
		return;
	}
	*carrier->link = carrier->next;
	if (carrier->next != NULL) {
		carrier->next->link = carrier->link;
	}
	carrier->link = NULL;
}

/* ---- may the pair ride along? ---- */

/* Room, and a connection that is good enough for the pair's remote domain by the rules for streams
 * of ours. While there is no connection nobody can tell. */
static bool carriers_suits(const struct s2s_leg *leg, const struct s2s_pair *pair,
                           enum s2s_method method)
{
	struct s2s_verdict verdict;

	if (!s2s_leg_live(leg) || leg->claim_count >= leg->s2s->config->pairs_per_stream_max ||
	    (!leg->kind->out && !s2s_leg_up(leg))) {
		return false;
	}
	return leg->channel == NULL ||
	       (!fw_channel_closing(leg->channel) &&
	        s2s_trust_channel(leg->s2s, leg->channel, pair->remote, S2S_OUT, method, &verdict));
}

/* A pair that joins asks by dialback. While the leg is dialed the pair waits with it for the
 * features: one connection tells all. */
static bool carriers_can_share(const struct s2s_leg *leg, const struct s2s_pair *pair)
{
	return (leg->channel == NULL || s2s_features_can_share(leg)) &&
	       carriers_suits(leg, pair, S2S_METHOD_DIALBACK);
}

/* The next leg known under the name that suits the pair, from `carrier` on. */
static struct s2s_carrier *carriers_next(struct s2s_carrier *carrier, const struct s2s_pair *pair,
                                         const char *name)
{
	while (carrier != NULL &&
	       (strcmp(carrier->name, name) != 0 || !carriers_can_share(carrier->leg, pair))) {
		carrier = carrier->next;
	}
	return carrier;
}

/* A leg that the remote domain's server opened, and on which it has proved the inverse. */
static struct s2s_way carriers_back(const struct s2s_pair *pair, struct s2s_carrier *carrier)
{
	struct s2s_way way = { NULL, NULL };

	for (; carrier != NULL && way.leg == NULL; carrier = carrier->next) {
		if (carrier->leg->kind->out || strcmp(carrier->name, pair->remote) != 0) {
			continue;
		}
		way.proof = s2s_proofs_find(carrier->leg, pair->remote, pair->local);
		if (way.proof != NULL && !way.proof->forbidden &&
		    carriers_suits(carrier->leg, pair, way.proof->grant.method)) {
			way.leg = carrier->leg;
		}
	}
	return way;
}

bool s2s_carriers_take_some(struct s2s_carriers *carriers, const char *remote)
{
	for (const struct s2s_carrier *carrier = *carriers_bucket(carriers, remote);
	     carrier != NULL; carrier = carrier->next) {
		if (strcmp(carrier->name, remote) == 0 && s2s_leg_live(carrier->leg) &&
		    s2s_claims_take_some(carrier->leg, remote)) {
			return true;
		}
	}
	return false;
}

struct s2s_way s2s_carriers_of_remote(const struct s2s_pair *pair)
{
	struct s2s_carrier *carrier = *carriers_bucket(pair->s2s->carriers, pair->remote);
	struct s2s_way way = carriers_back(pair, carrier);

	if (way.leg != NULL) {
		return way;
	}
	way.proof = NULL;
	if (pair->s2s->config->multiplex == S2S_MULTIPLEX_NONE || pair->apart) {
		return way;
	}
	carrier = carriers_next(carrier, pair, pair->remote);
	way.leg = carrier != NULL ? carrier->leg : NULL;
	return way;
}

/* Only the best targets count: where a domain would be looked for first. */
struct s2s_leg *s2s_carriers_of_targets(const struct s2s_pair *pair,
                                        const struct s2s_targets *targets)
{
	char address[FW_ADDR_TEXT_SIZE];
	struct s2s_carrier *carrier = NULL;

	if (pair->s2s->config->multiplex != S2S_MULTIPLEX_TARGET || pair->apart) {
		return NULL;
	}
	for (size_t i = 0; i < targets->count && carrier == NULL; i++) {
		const struct fw_target *target = &targets->items[i];
		if (target->priority != targets->items[0].priority) {
			break;
		}
		fw_addr_text(&target->addr, address);
		carrier = carriers_next(*carriers_bucket(pair->s2s->carriers, address), pair,
		                        address);
	}
	return carrier != NULL ? carrier->leg : NULL;
}
