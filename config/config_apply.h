/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Option rows and a group of the file make a filled struct. Called for the router's own options and for those
 * of each component.
 */
#ifndef FEDWAY_CONFIG_CONFIG_APPLY_H
#define FEDWAY_CONFIG_CONFIG_APPLY_H

#include "config/config_file.h"

struct config_apply {
	void **memory;                  /**< of the snapshot: what the struct points into */
	struct config_problems *problems;
	const char *module;             /**< whose options these are; NULL for the router's own */
	const struct fw_option *opaque; /**< groups of these rows may also hold `options = { … }`; may be NULL */
};

/**
 * Fills `target` from the group, defaults first. Unknown keys, wrong types, ranges, missing keys: each is a
 * problem with file:line, and reading goes on.
 * @param group    NULL takes all defaults; missing keys are then reported at `owner`
 * @param owner    node that the group belongs to [b]
 * @param section  its name in messages; NULL at the top level
 * @return FW_OK, also with problems; FW_ENOMEM
 */
int config_apply_group(const struct config_apply *apply, const struct config_node *group,
                       const struct config_node *owner, const struct fw_option *rows, void *target,
                       const char *section);

#endif
