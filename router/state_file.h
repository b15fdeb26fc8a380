/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the node has learned, on disk: a file in the syntax of the configuration that is whole at every instant.
 */
#ifndef FEDWAY_ROUTER_STATE_FILE_H
#define FEDWAY_ROUTER_STATE_FILE_H

#include <fedway/json.h>

/** Largest text that is kept. */
#define STATE_FILE_MAX (1024u * 1024u)

/**
 * Reads the values. A file that is not there is none: *out is NULL then.
 * @return FW_OK [g]; otherwise err says what is wrong, where, and what can be done
 */
int state_file_read(const char *path, const char *realm, struct fw_json **out, struct fw_error *err);
/** Says that the file cannot be used: why (its first line counts), and what can be done. @return FW_EPARSE */
int state_file_refuse(const char *path, const char *why, struct fw_error *err);
/** The text of a file with these values, to be freed with free(); NULL when out of memory. */
char *state_file_text(const char *realm, const struct fw_json *values);
/** Puts `text` in the place of the file, on the disk, at once or not at all. FW_OK, or FW_ESYS with err. */
int state_file_write(const char *path, const char *text, struct fw_error *err);

#endif
