/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Words for values and for what an option wants: for messages, `fedwayd --options` and the man page.
 */
#ifndef FEDWAY_CONFIG_CONFIG_DESCRIBE_H
#define FEDWAY_CONFIG_CONFIG_DESCRIBE_H

#include "config/config_file.h"

/** What a person wrote, short and quoted, e.g. `"abc"`, `5`, `{ … }`. @return `out` */
const char *config_describe_value(const struct config_node *node, char *out, size_t out_size);
/** What a row takes, e.g. `a number from 1 to 65535`. @return `out` */
const char *config_describe_wanted(const struct fw_option *row, char *out, size_t out_size);
/** Largest number of a row: its own, or that of its type. */
uint64_t config_describe_max(const struct fw_option *row);
/** The known name nearest to `name`; NULL when none is near. */
const char *config_describe_nearest(const char *name, const char *const *known, size_t count);

#endif
