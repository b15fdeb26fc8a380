/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Secrets by file reference. Called by config_value.c.
 */
#ifndef FEDWAY_CONFIG_CONFIG_SECRET_H
#define FEDWAY_CONFIG_CONFIG_SECRET_H

#include "config/config.h"

/**
 * Reads the secret that `given` names, looked for in the folder of `file`. One final line end is left out.
 * @return FW_OK [g: with the arena]; otherwise err has a sentence with the remedy and without a byte of it
 */
int config_secret_read(void **memory, const char *file, const char *given, struct fw_secret *out,
                       struct fw_error *err);

#endif
