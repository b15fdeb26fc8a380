/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The list of components: descriptors, options and IDs. Called by config_load.c.
 */
#ifndef FEDWAY_CONFIG_CONFIG_COMPONENTS_H
#define FEDWAY_CONFIG_CONFIG_COMPONENTS_H

#include "config/config_file.h"

/**
 * Completes router->components, whose rows have been applied: asks for the descriptor of each that is
 * enabled, fills its options, runs its check(), gives IDs.
 * @return FW_OK, also with problems; FW_ENOMEM
 */
int config_components_fill(const struct config_node *top, const struct config_modules *modules,
                           struct config_router *router, void **memory,
                           struct config_problems *problems);

#endif
