/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the router's own options know beyond their rows. Called by config_load.c.
 */
#ifndef FEDWAY_CONFIG_CONFIG_ROUTER_H
#define FEDWAY_CONFIG_CONFIG_ROUTER_H

#include "config/config_file.h"

extern const struct fw_option config_component_rows[];

/** A realm out of a host name: lower case, everything but letters and digits as hyphens. @return `out` */
const char *config_router_realm(const char *host, char *out, size_t out_size);

/** Checks between options and between rows: duplicates, order of limits. `top` is where `router` came from. */
void config_check(const struct config_node *top, const struct config_router *router,
                  struct config_problems *problems);

#endif
