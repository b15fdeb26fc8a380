/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Small files: read whole, written whole or not at all; and the directory that they are in.
 */
#ifndef COMPONENTS_TUNNEL_TUNNEL_FILES_H
#define COMPONENTS_TUNNEL_TUNNEL_FILES_H

#include <stddef.h>

#include <fedway/error.h>

/** Makes it when it is missing. @return FW_EDENIED when it is not ours alone (owner, mode, a link); FW_ESYS */
int tunnel_directory(const char *path, struct fw_error *err);
/** Text of a file, terminated, to be freed. @return FW_ENOENT, FW_ELIMIT, FW_EPARSE (a zero byte), FW_ESYS, FW_ENOMEM [g] */
int tunnel_file_read(const char *path, size_t max, char **out, struct fw_error *err);
/** Replaces a file at one instant. @return FW_OK, FW_ESYS */
int tunnel_file_write(const char *path, const char *text, unsigned mode, struct fw_error *err);

#endif
