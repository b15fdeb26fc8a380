/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One value into one member of a struct. Called by config_apply.c.
 */
#ifndef FEDWAY_CONFIG_CONFIG_VALUE_H
#define FEDWAY_CONFIG_CONFIG_VALUE_H

#include "config/config_apply.h"

/** Member of `target` that `row` describes. */
#define CONFIG_MEMBER(target, row) ((void *)((char *)(target) + (row)->offset))

/**
 * Sets a member from a node that stands for `row`; everything but lists of groups. What is wrong becomes a
 * problem. @return FW_OK, also with problems; FW_ENOMEM
 */
int config_value_set(const struct config_apply *apply, const struct fw_option *row,
                     const struct config_node *node, void *target);
/** Sets a member to the default of its row; one without default to zero. FW_EINVAL: a default that cannot be read. */
int config_value_default(void **memory, const struct fw_option *row, void *target);
/** The key that names a secret's file. @return `out` */
const char *config_value_file_key(const struct fw_option *row, char *out, size_t out_size);

#endif
