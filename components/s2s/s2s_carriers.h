/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which leg can carry a pair that has none: an index of the legs by what they are found for. Whether a pair then
 * really goes over the leg is between its claim and the peer.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_CARRIERS_H
#define FEDWAY_COMPONENTS_S2S_S2S_CARRIERS_H

#include <stdbool.h>

struct s2s;
struct s2s_carriers;
struct s2s_leg;
struct s2s_pair;
struct s2s_proof;
struct s2s_targets;

/** Values of the option `multiplex`. */
enum s2s_multiplex { S2S_MULTIPLEX_NONE, S2S_MULTIPLEX_SENDER, S2S_MULTIPLEX_TARGET };

/** One name under which a leg is found: a remote domain or an address. Lies in a claim, a proof or a leg. */
struct s2s_carrier {
	struct s2s_carrier *next, **link; /**< link NULL: not in the index */
	struct s2s_leg *leg;
	const char *name;                 /**< [b] outlives its place in the index */
};

int s2s_carriers_new(struct s2s_carriers **out);
void s2s_carriers_free(struct s2s_carriers **carriers);
/** Makes the leg known under the name. */
void s2s_carriers_put(struct s2s_carrier *carrier, struct s2s_leg *leg, const char *name);
/** Takes it out; one that is not in is left alone. */
void s2s_carriers_drop(struct s2s_carrier *carrier);

/** A leg stands on which the remote domain's server takes a pair of ours. */
bool s2s_carriers_take_some(struct s2s_carriers *carriers, const char *remote);

/** The way for a pair that was found. */
struct s2s_way {
	struct s2s_leg *leg;            /**< NULL: none */
	const struct s2s_proof *proof;  /**< the pair's inverse is proved there: no question is needed (XEP-0288) */
};
/**
 * A leg that leads to the pair's remote domain already: one that its server opened for the inverse, or one of ours
 * that can be shared (XEP-0220 §2.6.1) or may turn out so.
 */
struct s2s_way s2s_carriers_of_remote(const struct s2s_pair *pair);
/**
 * A leg to the server that the targets name: XEP-0220 §2.6.2, RFC 7712 §4.4.2.
 * @return NULL: none
 */
struct s2s_leg *s2s_carriers_of_targets(const struct s2s_pair *pair, const struct s2s_targets *targets);

#endif
