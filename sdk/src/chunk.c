/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Receive buffers with holders. A process has one loop and one thread, so neither the count nor the
 * store of spare chunks needs a lock.
 */
#include "sdk/src/chunk.h"

#include <stdlib.h>

#include "sdk/src/sanitized.h"

/* Spare chunks kept: enough for the streams that are read in one turn of a busy loop. */
enum { SPARE_MAX = SANITIZED ? 0 : 32 };

static struct chunk *spare; /* a list through `next` */
static int spare_count;

struct chunk *chunk_new(size_t size)
{
	struct chunk *chunk;

	if (size == CHUNK_SIZE && spare_count > 0) {
		chunk = spare;
		spare = chunk->next;
		spare_count--;
		chunk->holders = 1;
		return chunk;
	}
	if (size > UINT32_MAX - sizeof(*chunk)) {
		return NULL;
	}
	chunk = malloc(sizeof(*chunk) + size);
	if (chunk != NULL) {
		chunk->holders = 1;
		chunk->size = (uint32_t)size;
	}
	return chunk;
}

void chunk_release(struct chunk **chunk)
{
	struct chunk *old = *chunk;

	*chunk = NULL;
	if (old == NULL || --old->holders > 0) {
		return;
	}
	if (old->size == CHUNK_SIZE && spare_count < SPARE_MAX) {
		old->next = spare;
		spare = old;
		spare_count++;
		return;
	}
	free(old);
}
