/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What peers have told, each under its realm, kept in a file: a tunnel that breaks, or a restart, takes nothing
 * back, and what is known need not be told again.
 */
#ifndef COMPONENTS_TUNNEL_TUNNEL_MEMORY_H
#define COMPONENTS_TUNNEL_TUNNEL_MEMORY_H

#include <fedway/json.h>

#include "components/tunnel/tunnel_book.h"

enum { TUNNEL_PEERS_MAX = 64, TUNNEL_KEYS_MAX = 64 };

struct tunnel_known {
	struct tunnel_known *next;
	char *key;
	char *text;            /* the value as JSON */
	struct fw_json *holder; /* the same, read; [b] with tunnel_peer_value() */
};

struct tunnel_peer {
	struct tunnel_peer *next;
	char *realm;
	char epoch[TUNNEL_EPOCH_SIZE]; /* of its book; "": never heard */
	uint64_t serial;               /* of the last change that we have */
	struct tunnel_known *known;
	bool connected;                /* not kept in the file */
};

struct tunnel_memory {
	struct tunnel_peer *peers;
	char *path; /* NULL: not kept */
};

/**
 * Reads what was kept; a file that is not there is an empty memory, one that cannot be read is told in err and
 * passed over. @return NULL when out of memory [g]
 */
struct tunnel_memory *tunnel_memory_open(const char *path, struct fw_error *err);
void tunnel_memory_free(struct tunnel_memory **memory);
/** Writes the file. @return FW_OK, FW_ENOMEM, FW_ESYS */
int tunnel_memory_keep(const struct tunnel_memory *memory, struct fw_error *err);

struct tunnel_peer *tunnel_memory_find(const struct tunnel_memory *memory, const char *realm);
/** Finds or adds. @return FW_OK, FW_ELIMIT, FW_ENOMEM */
int tunnel_memory_get(struct tunnel_memory *memory, const char *realm, struct tunnel_peer **out);
void tunnel_memory_forget(struct tunnel_memory *memory, const char *realm);

/** @param value  NULL or JSON's null: the key goes. @return FW_OK, FW_ELIMIT, FW_ENOMEM */
int tunnel_peer_set(struct tunnel_peer *peer, const char *key, const struct fw_json *value);
void tunnel_peer_clear(struct tunnel_peer *peer);
/** Value of a key [b], or NULL. */
const struct fw_json *tunnel_peer_value(const struct tunnel_peer *peer, const char *key);

#endif
