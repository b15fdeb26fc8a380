/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A file with our process number, locked while we run.
 */
#ifndef FEDWAY_ROUTER_PID_FILE_H
#define FEDWAY_ROUTER_PID_FILE_H

#include <fedway/error.h>

struct pid_file;

/** @param path  "" writes none, *out stays NULL. @return FW_OK, FW_EEXIST (another fedwayd has it), FW_ESYS [g] */
int pid_file_open(const char *path, struct pid_file **out, struct fw_error *err);
/** Removes the file. NULL is allowed. */
void pid_file_close(struct pid_file **file);
/** The path, or "" for none. */
const char *pid_file_path(const struct pid_file *file);

#endif
