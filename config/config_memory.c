/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The arena of a snapshot: a list of blocks, newest first. Called by all of config/.
 */
#include "config/config_memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BLOCK_BYTES 8192u

struct memory_block {
	struct memory_block *next;
	size_t size, used; /* of the bytes behind this head */
	max_align_t bytes[];
};

void *config_memory_take(void **memory, size_t size)
{
	struct memory_block *block = *memory;

	if (size > SIZE_MAX / 2) {
		return NULL;
	}
	size = (size + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
	if (block == NULL || block->size - block->used < size) {
		size_t room = size > MEMORY_BLOCK_BYTES ? size : MEMORY_BLOCK_BYTES;
		block = calloc(1, sizeof(*block) + room);
		if (block == NULL) {
			return NULL;
		}
		block->size = room;
		block->next = *memory;
		*memory = block;
	}
	block->used += size;
	return (char *)block->bytes + block->used - size;
}

char *config_memory_text(void **memory, const char *text, size_t len)
{
	char *copy = config_memory_take(memory, len + 1);

	if (copy != NULL && len > 0) {
		memcpy(copy, text, len);
	}
	return copy;
}

char *config_memory_path(void **memory, const char *file, const char *path)
{
	const char *slash = file != NULL ? strrchr(file, '/') : NULL;
	size_t folder = slash != NULL && path[0] != '/' ? (size_t)(slash - file) + 1 : 0;
	size_t len = strlen(path);
	char *joined = config_memory_take(memory, folder + len + 1);

	if (joined != NULL) {
		memcpy(joined, file != NULL ? file : "", folder);
		memcpy(joined + folder, path, len);
	}
	return joined;
}

void config_memory_free(void **memory)
{
	struct memory_block *block = *memory;

	while (block != NULL) {
		struct memory_block *next = block->next;
		explicit_bzero(block->bytes, block->used);
		free(block);
		block = next;
	}
	*memory = NULL;
}
