/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A configuration file as a tree of our own nodes, each with its file:line. Called by config_load.c; who reads
 * the tree never meets libconfig.
 */
#ifndef FEDWAY_CONFIG_CONFIG_FILE_H
#define FEDWAY_CONFIG_CONFIG_FILE_H

#include "config/config.h"

enum config_type { CONFIG_GROUP, CONFIG_LIST, CONFIG_BOOL, CONFIG_NUMBER, CONFIG_FLOAT, CONFIG_TEXT };

struct config_node {
	enum config_type type;
	const char *name;           /**< NULL for the top level and for elements of lists */
	const char *file;
	int line;
	int64_t number;             /**< CONFIG_BOOL: 0 or 1 */
	double real;
	const char *text;
	struct config_node *first;  /**< of a group or list, in order of the file */
	struct config_node *next;
	size_t count;
};

/**
 * Reads `path`, or `text` when it is not NULL.
 * @param memory  arena that the tree is taken from
 * @return FW_OK [g: with the arena]; otherwise the problems say why
 */
int config_file_read(const char *path, const char *text, void **memory, struct config_node **out,
                     struct config_problems *problems);
/** Member of a group; NULL when there is none, or no group. */
const struct config_node *config_node_get(const struct config_node *group, const char *name);

#endif
