/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What is ours: the names in the configuration's `domains`, `links` and `uplinks`, with chat node aliases, and the
 * domains that the node has learned (state key "domains"). The route table keeps them as its list, held or not.
 */
#ifndef FEDWAY_ROUTER_DOMAINS_H
#define FEDWAY_ROUTER_DOMAINS_H

#include "router/router.h"

/** Makes the names of `config`, and of what was learned; domains_apply() cannot fail then. FW_OK, or err says why. */
int domains_check(struct router *router, const struct config *config, struct fw_error *err);
/** Gives up what domains_check() has made. */
void domains_forget(struct router *router);
/** The list is what `config` says, and what was learned, from now on. */
void domains_apply(struct router *router, const struct config *config);

/** Rows that a component wants to be the state key "domains": FW_OK, or FW_EINVAL with the sentence. */
int domains_check_learned(const struct fw_json *rows, struct fw_error *err);
/** The state key "domains" has changed. FW_OK, or FW_ENOMEM: the list stays as it was. */
int domains_relearn(struct router *router, struct fw_error *err);

/** Adds the rows of the configuration to `array`, as fw_domains() tells them. FW_OK, FW_ENOMEM */
int domains_rows(const struct config_router *config, struct fw_json *array);
/** Two configurations have the same rows in `domains`. */
bool domains_equal(const struct config_router *a, const struct config_router *b);

#endif
