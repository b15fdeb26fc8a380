/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Values in libconfig's syntax without option rows: text to fw_json and back, for the router's state file. Groups are
 * objects, lists and arrays are arrays; a fraction has no place here. Names must be libconfig's.
 */
#ifndef FEDWAY_CONFIG_CONFIG_JSON_H
#define FEDWAY_CONFIG_CONFIG_JSON_H

#include <fedway/json.h>

#include "config/config.h"

/** A letter, then letters, digits, '-' and '_', 63 at most, and no word of the grammar: can be a name there. */
bool config_json_is_name(const char *name);

/**
 * Reads `path`, or `text` when it is not NULL.
 * @return FW_OK [g]; otherwise problems says why
 */
int config_json_read(const char *path, const char *text, struct fw_json **out, struct config_problems *problems);

/**
 * Members of `object` as text that config_json_read() reads back. Lists hold texts and objects.
 * @return text to be freed with free(); NULL when out of memory
 */
char *config_json_text(const struct fw_json *object);

#endif
