/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Public keys as OpenSSH writes them, and the list of those that may log in. Whether a key is sound says ssh-keygen.
 */
#ifndef COMPONENTS_TUNNEL_TUNNEL_KEYS_H
#define COMPONENTS_TUNNEL_TUNNEL_KEYS_H

#include "components/tunnel/tunnel.h"

enum { TUNNEL_KEY_SIZE = 8192, TUNNEL_KEYS_FILE_MAX = 1 << 20 };

/** "ssh-ed25519 AAAA… comment". */
struct tunnel_key {
	char text[TUNNEL_KEY_SIZE];
	struct fw_str type, data, comment; /* in the text; comment may be empty */
};

/** @return FW_OK; FW_EPARSE, FW_ELIMIT with a sentence */
int tunnel_key_parse(struct fw_str text, struct tunnel_key *out, struct fw_error *err);
/** The first line of a file. */
int tunnel_key_read(const char *path, struct tunnel_key *out, struct fw_error *err);

/* ---- authorized_keys, on the edge ---- */

/** Runs for each key with the name of its core. @return false to stop */
typedef bool tunnel_authorized_fn(void *ctx, const struct tunnel_key *key, struct fw_str name);
int tunnel_authorized_each(const struct tunnel *tunnel, tunnel_authorized_fn *fn, void *ctx,
                           struct fw_error *err);
/** Name of the core that this key belongs to. @return FW_OK, FW_ENOENT */
int tunnel_authorized_find(const struct tunnel *tunnel, const struct tunnel_key *key,
                           char name[TUNNEL_REALM_SIZE]);
/** Adds a key, or gives it another name. @return FW_OK; FW_EEXIST: it is there with that name; FW_E… with a sentence */
int tunnel_authorized_add(const struct tunnel *tunnel, const struct tunnel_key *key, const char *name,
                          struct fw_error *err);
/** Removes all keys of a name. @return FW_OK, FW_ENOENT, FW_E… */
int tunnel_authorized_remove(const struct tunnel *tunnel, struct fw_str name, struct fw_error *err);
/** An empty list where there is none, which sshd would complain about. */
int tunnel_authorized_make(const struct tunnel *tunnel, struct fw_error *err);

#endif
