/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The names that links may attach with, each with its configuration row and the links that hold it now. Built
 * whole from a configuration, sorted by key, and replaced whole by a reload.
 */
#ifndef FEDWAY_ROUTER_LINK_NAMES_H
#define FEDWAY_ROUTER_LINK_NAMES_H

#include "config/config.h"

struct link;
struct link_names;

struct link_name {
	char *key;                     /**< domain key of the name */
	const struct config_link *row; /**< in the configuration the table was built from */
	struct link *links;            /**< holders, newest first; chained by link->name_next */
};

/** @return FW_OK; FW_EINVAL when two rows have one name or a name is no domain; FW_ENOMEM [g] */
int link_names_new(const struct config *config, struct link_names **out, struct fw_error *err);
void link_names_free(struct link_names **names);

/** Row of a name as a peer wrote it; NULL when there is none. */
struct link_name *link_names_find(struct link_names *names, struct fw_str name);
struct link_name *link_names_at(struct link_names *names, size_t index);
size_t link_names_count(const struct link_names *names);

#endif
