/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One arena per snapshot: everything a configuration points into is taken from here and given back at once.
 * Used by all of config/. All bytes are wiped before they go back, since secrets are among them. No single
 * piece can be freed.
 */
#ifndef FEDWAY_CONFIG_CONFIG_MEMORY_H
#define FEDWAY_CONFIG_CONFIG_MEMORY_H

#include <stddef.h>

/** `size` zeroed bytes, aligned for any type; NULL when out of memory. *memory starts as NULL. */
void *config_memory_take(void **memory, size_t size);
/** Terminated copy of `len` bytes; NULL when out of memory. */
char *config_memory_text(void **memory, const char *text, size_t len);
/**
 * `path` as seen from the folder of `file`: absolute paths stay, others get the folder in front.
 * NULL when out of memory.
 */
char *config_memory_path(void **memory, const char *file, const char *path);
/** Wipes and frees all; *memory is NULL on return. */
void config_memory_free(void **memory);

#endif
