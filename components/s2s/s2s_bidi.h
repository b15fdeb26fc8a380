/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * XEP-0288: one leg, stanzas in both directions.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_BIDI_H
#define FEDWAY_COMPONENTS_S2S_S2S_BIDI_H

#include <stdbool.h>
#include <stddef.h>

#define S2S_NS_BIDI_FEATURE "urn:xmpp:features:bidi"
#define S2S_NS_BIDI "urn:xmpp:bidi"

struct fw_stanza;
struct s2s_claim;
struct s2s_leg;
struct s2s_proof;

/** Values of the option `bidi`: who may have opened the stream. */
enum s2s_bidi { S2S_BIDI_OFF = 0, S2S_BIDI_IN = 1, S2S_BIDI_OUT = 2, S2S_BIDI_BOTH = 3 };

/** The feature, as snprintf(); 0: not offered on this leg. */
int s2s_bidi_offer(const struct s2s_leg *leg, char *out, size_t size);
/** `<bidi/>` from a peer, in either namespace. @return false: not expected here */
bool s2s_bidi_element(struct s2s_leg *leg, struct fw_stanza **element);
/** The peer's features are in: asks for it when the peer offers it and we want it. */
void s2s_bidi_request(struct s2s_leg *leg);
/** The peer's domain is proved for the pair: we may send the inverse. */
void s2s_bidi_proved(struct s2s_proof *proof);
/** The peer takes the pair: it may send us the inverse. */
void s2s_bidi_taken(const struct s2s_claim *claim);

#endif
