/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stanzas of a link in order, oldest first: those that were written and are not acknowledged, those that wait for a
 * channel, those that wait for credit. A place may be empty: its stanza was acknowledged before its turn.
 */
#ifndef FEDWAY_ROUTER_LINK_QUEUE_H
#define FEDWAY_ROUTER_LINK_QUEUE_H

#include <fedway/stanza.h>

/** Zero is an empty queue. */
struct link_queue {
	struct fw_stanza **items; /**< a ring */
	uint32_t size, head;      /**< size: 0 or a power of two */
	uint32_t count;           /**< places, empty ones included */
	uint32_t stanzas;
	size_t bytes;
};

/** Room for so many more, so that the next pushes cannot fail. @return FW_OK, FW_ENOMEM */
int link_queue_reserve(struct link_queue *queue, size_t more);
/** Adds the youngest [t]. @return FW_OK; FW_ENOMEM: left with the caller */
int link_queue_push(struct link_queue *queue, struct fw_stanza **stanza);
/** Takes the oldest place away. Its stanza, or NULL when it is empty; not for a queue without places. [g] */
struct fw_stanza *link_queue_pop(struct link_queue *queue);
/** Takes the stanza out of a place, which stays; counts from 0, the oldest. NULL when it is empty. [g] */
struct fw_stanza *link_queue_take(struct link_queue *queue, uint32_t place);
/** The stanza of a place, which stays there; NULL when it is empty. */
const struct fw_stanza *link_queue_at(const struct link_queue *queue, uint32_t place);
/** Moves all places from `place` on to the end of `to`. @return FW_OK; FW_ENOMEM: nothing was moved */
int link_queue_split(struct link_queue *queue, uint32_t place, struct link_queue *to);
/** The memory; no stanza may be left. */
void link_queue_clear(struct link_queue *queue);

#endif
