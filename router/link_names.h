/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The names that may attach, of links and of other routers, each with its configuration row and the links that hold it
 * now; and what they prove themselves with. Built whole from a configuration, sorted by key, and replaced whole by a reload.
 */
#ifndef FEDWAY_ROUTER_LINK_NAMES_H
#define FEDWAY_ROUTER_LINK_NAMES_H

#include <fedway/io/scram.h>

#include "config/config.h"

struct link;
struct link_names;

struct link_name {
	char *key;                     /**< domain key of the name */
	const struct config_link *row; /**< in the configuration the table was built from; NULL: another router */
	const struct config_peer *peer; /**< the other router's row; NULL: a link */
	struct link *links;            /**< holders, newest first; chained by link->name_next */
	struct fw_scram_keys keys;     /**< of its secret, once somebody has used it */
};

/** @return FW_OK; FW_EINVAL when two rows have one name or a name is no domain; FW_ENOMEM [g] */
int link_names_new(const struct config *config, struct link_names **out, struct fw_error *err);
void link_names_free(struct link_names **names);

/** Row of a name as a peer wrote it; NULL when there is none. */
struct link_name *link_names_find(struct link_names *names, struct fw_str name);
struct link_name *link_names_at(struct link_names *names, size_t index);
size_t link_names_count(const struct link_names *names);

/** The secret it has; its `len` is 0 when it has none. */
const struct fw_secret *link_name_secret(const struct link_name *name);
/** The name that its certificate must carry. */
const char *link_name_certificate(const struct link_name *name);
/** The salt of a name as a peer wrote it, known or not. */
void link_name_salt(struct fw_str name, unsigned char out[FW_SCRAM_SALT_SIZE]);
/** Keys of its secret with that salt, computed at the first use; NULL: it has no secret. [b] */
const struct fw_scram_keys *link_name_keys(struct link_name *name, uint32_t iterations);
/** After a reload: what was computed goes on when the secret is the same. */
void link_name_inherit(struct link_name *name, const struct link_name *old);

#endif
