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
/** Text of a file, terminated, to be freed. @return as fw_file_read(); FW_EPARSE: it has a zero byte [g] */
int tunnel_file_read(const char *path, size_t max, char **out, struct fw_error *err);
/** Puts a text in the place of a file, for us alone. @return as fw_file_replace() */
int tunnel_file_write(const char *path, const char *text, struct fw_error *err);

#endif
