/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * XEP-0198 on a leg, without resumption: the peer tells us which of our stanzas it has, and we tell it which of its.
 * Each direction counts on its own. The counting itself is the SDK's.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_ACKS_H
#define FEDWAY_COMPONENTS_S2S_S2S_ACKS_H

#include <fedway/io/loop.h>
#include <fedway/stanza.h>

struct s2s_leg;

/** Embedded in the leg. */
struct s2s_acks {
	bool sending;    /**< what we write is kept until it is acknowledged */
	bool confirmed;  /**< the peer takes part: it may be asked */
	bool counting;   /**< we count what the peer sends, and may be asked */
	bool answer_due; /**< it has asked, in this turn */
	bool asked;      /**< we have asked, and wait */
	uint32_t unasked;    /**< stanzas written since we asked */
	uint32_t told;       /**< our count, as last told */
	uint64_t asked_at;   /**< bytes written when we last looked at the wait */
	struct fw_task turn; /**< answers and questions, once per turn */
	struct fw_timer *timer; /**< to ask; once asked, to give up */
};

void s2s_acks_init(struct s2s_leg *leg);
void s2s_acks_clear(struct s2s_leg *leg);
/** Its row of our features. */
int s2s_acks_offer(const struct s2s_leg *leg, char *out, size_t size);
/** A pair has become valid: as the initiating side we begin, if the peer offers it. */
void s2s_acks_begin(struct s2s_leg *leg);
/** An element of urn:xmpp:sm:3. @return false: not one that we know */
bool s2s_acks_element(struct s2s_leg *leg, struct fw_stanza **element);
/** A stanza is about to be written: before it is given to the channel, so that a question can go with it. */
void s2s_acks_writes(struct s2s_leg *leg);
/** The window is open: not too much is unacknowledged. */
bool s2s_acks_takes(const struct s2s_leg *leg);
/** Stanzas that the peer has not acknowledged yet. */
size_t s2s_acks_missing(const struct s2s_leg *leg);
/** The leg is wanted no more when all is acknowledged: asks now. */
void s2s_acks_hurry(struct s2s_leg *leg);
/** Before our footer: our count, and a last question. */
void s2s_acks_last_words(struct s2s_leg *leg);

#endif
