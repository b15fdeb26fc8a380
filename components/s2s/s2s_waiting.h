/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stanzas that wait for a stream, oldest first: bounded in number and bytes, for one pair and for all
 * together; the owner ends the aged ones.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_WAITING_H
#define FEDWAY_COMPONENTS_S2S_S2S_WAITING_H

#include <fedway/stanza.h>

struct s2s;
struct s2s_waiting_entry;

struct s2s_waiting {
	struct s2s_waiting_entry *first, *last;
	uint32_t stanzas;
	uint64_t bytes;
	bool ranked;                     /**< a pair's, not a list in passing: it pays when the total is reached */
	uint8_t rank;                    /**< how much of the total it holds, by powers of two; 0: nothing */
	struct s2s_waiting *next, **link; /**< of the same rank */
};

/** Ranks of all pairs' queues. */
enum { S2S_WAITING_RANKS = 65 };

/** Bytes on the wire; makes them for a stanza that was made here. */
uint64_t s2s_waiting_size(struct fw_stanza *stanza);
/**
 * Who holds much pays for who holds little: when the total is reached, room is made at the expense of a queue that holds at
 * least twice as much; what it had to give is in `paid`, for the caller to bounce when all is done.
 * @return FW_OK [t]; FW_ELIMIT or FW_ENOMEM: the stanza stays with the caller
 */
int s2s_waiting_push(struct s2s *s2s, struct s2s_waiting *waiting, struct fw_stanza **stanza,
		     struct s2s_waiting *paid);
/** As push, but a stanza that waited before: it goes past the limits, and counts as young. */
int s2s_waiting_return(struct s2s *s2s, struct s2s_waiting *waiting, struct fw_stanza **stanza);
/** The oldest, or NULL. [g] */
struct fw_stanza *s2s_waiting_pop(struct s2s *s2s, struct s2s_waiting *waiting);
/** Puts all of `front` before the others. */
void s2s_waiting_prepend(struct s2s *s2s, struct s2s_waiting *waiting, struct s2s_waiting *front);
/** Loop time since when the oldest has waited; 0 when empty. */
uint64_t s2s_waiting_since_ms(const struct s2s_waiting *waiting);
/** Bounces all that wait now; those that arrive meanwhile stay. */
void s2s_waiting_bounce(struct s2s *s2s, struct s2s_waiting *waiting, enum fw_cause cause);

#endif
