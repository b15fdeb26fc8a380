/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Shared memory that bytes are received into. Stanzas borrow slices of it and hold it; the last holder gives it
 * back. Chunks of the usual size are kept for the next read.
 */
#ifndef FEDWAY_SRC_CHUNK_H
#define FEDWAY_SRC_CHUNK_H

#include <stddef.h>
#include <stdint.h>

/** Usual size of a receive buffer. */
#define CHUNK_SIZE 32768u

struct chunk {
	struct chunk *next; /* among the spare ones */
	uint32_t holders;
	uint32_t size; /**< usable bytes */
	char bytes[];
};

/** Chunk of at least `size` bytes with one holder; NULL when out of memory. */
struct chunk *chunk_new(size_t size);
void chunk_release(struct chunk **chunk);

static inline struct chunk *chunk_hold(struct chunk *chunk)
{
	chunk->holders++;
	return chunk;
}

#endif
