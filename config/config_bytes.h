/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads a small regular file whole. Called for configuration files and for secrets.
 */
#ifndef FEDWAY_CONFIG_CONFIG_BYTES_H
#define FEDWAY_CONFIG_CONFIG_BYTES_H

#include <sys/stat.h>

#include <fedway/error.h>

struct config_bytes {
	char *text; /**< terminated */
	size_t len, size; /**< used, taken */
	dev_t device;
	ino_t inode;
	mode_t mode;
};

/** @return FW_OK [g]; FW_ESYS, FW_EINVAL (not a regular file), FW_ELIMIT or FW_ENOMEM with a sentence */
int config_bytes_read(const char *path, size_t max, struct config_bytes *out, struct fw_error *err);
/** Wipes and frees. */
void config_bytes_free(struct config_bytes *bytes);

#endif
