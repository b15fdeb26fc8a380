/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A ring of stanzas that grows. Used by link_session.c and link_credit.c; knows nothing of either.
 */
#include "router/link_queue.h"

#include <stdlib.h>

enum { QUEUE_FIRST = 16 };

static struct fw_stanza **place_of(const struct link_queue *queue, uint32_t place)
{
	return &queue->items[(queue->head + place) & (queue->size - 1)];
}

int link_queue_reserve(struct link_queue *queue, size_t more)
{
	size_t wanted = queue->count + more;
	size_t size = queue->size > 0 ? queue->size : QUEUE_FIRST;

	if (wanted <= queue->size) {
		return FW_OK;
	}
	while (size < wanted) {
		size *= 2;
	}
	struct fw_stanza **items =
	        size <= UINT32_MAX / 2 ? malloc(size * sizeof(struct fw_stanza *)) : NULL;
	if (items == NULL) {
		return FW_ENOMEM;
	}
	for (uint32_t i = 0; i < queue->count; i++) {
		items[i] = *place_of(queue, i);
	}
	free(queue->items);
	queue->items = items;
	queue->size = (uint32_t)size;
	queue->head = 0;
	return FW_OK;
}

int link_queue_push(struct link_queue *queue, struct fw_stanza **stanza)
{
	struct fw_str bytes;

	/* One that was made here has no size before it has bytes. */
	if (link_queue_reserve(queue, 1) != FW_OK ||
	    (*stanza != NULL && fw_stanza_size(*stanza) == 0 &&
	     fw_stanza_bytes(*stanza, &bytes) != FW_OK)) {
		return FW_ENOMEM;
	}
	queue->count++;
	*place_of(queue, queue->count - 1) = *stanza;
	if (*stanza != NULL) {
		queue->stanzas++;
		queue->bytes += fw_stanza_size(*stanza);
	}
	*stanza = NULL;
	return FW_OK;
}

struct fw_stanza *link_queue_take(struct link_queue *queue, uint32_t place)
{
	fw_assert(place < queue->count);
	struct fw_stanza **at = place_of(queue, place);
	struct fw_stanza *stanza = *at;

	*at = NULL;
	if (stanza != NULL) {
		queue->stanzas--;
		queue->bytes -= fw_stanza_size(stanza);
	}
	return stanza;
}

struct fw_stanza *link_queue_pop(struct link_queue *queue)
{
	struct fw_stanza *stanza = link_queue_take(queue, 0);

	queue->head = (queue->head + 1) & (queue->size - 1);
	queue->count--;
	return stanza;
}

const struct fw_stanza *link_queue_at(const struct link_queue *queue, uint32_t place)
{
	return *place_of(queue, place);
}

int link_queue_split(struct link_queue *queue, uint32_t place, struct link_queue *to)
{
	if (link_queue_reserve(to, queue->count - place) != FW_OK) {
		return FW_ENOMEM;
	}
	for (uint32_t i = place; i < queue->count; i++) {
		struct fw_stanza *stanza = link_queue_take(queue, i);
		(void)link_queue_push(to, &stanza); /* reserved */
	}
	queue->count = place;
	return FW_OK;
}

void link_queue_clear(struct link_queue *queue)
{
	fw_assert(queue->stanzas == 0);
	free(queue->items);
	*queue = (struct link_queue){ 0 };
}
