/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * SASL EXTERNAL on legs (XEP-0178): s2s_external_in.c lets a peer authenticate by its certificate,
 * s2s_external_out.c has us do the same with the peer. It proves the pair of the stream's headers; further pairs are
 * proved by dialback on the same stream. Elements are s2s_sasl.c's, the decision is s2s_trust.c's.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_EXTERNAL_H
#define FEDWAY_COMPONENTS_S2S_S2S_EXTERNAL_H

#include "components/s2s/s2s_leg.h"

/* ---- receiving side (s2s_external_in.c) ---- */

/** An element of SASL from a peer that opened. @return false: not one that is expected now */
bool s2s_external_take(struct s2s_leg *leg, struct fw_stanza *element);

/** The peer's certificate is good for the header's domain, and nothing was proved yet: it may try. */
bool s2s_external_is_offered(const struct s2s_leg *leg);
/** For s2s_proofs.c: the policy has answered; with FW_CAUSE_NONE the proof is valid. */
void s2s_external_settled(struct s2s_leg *leg, enum fw_cause cause);

/* ---- initiating side (s2s_external_out.c) ---- */

/** How the pair of the headers is to be proved. S2S_METHOD_NONE: there is no way that both sides have. */
enum s2s_method s2s_external_choose(const struct s2s_leg *leg);
/** Asks to be taken for the header's domain. */
void s2s_external_begin(struct s2s_leg *leg);
/** An element of SASL from a peer that we opened to. @return false: nobody asked for it */
bool s2s_external_answer(struct s2s_leg *leg, struct fw_stanza *element);
/** The channel has ended, perhaps because of how we asked: then the next leg asks in another way. @return false: not so */
bool s2s_external_lost(struct s2s_leg *leg, const struct s2s_leg_end *end);

#endif
