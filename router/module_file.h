/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Module files: finds, opens and closes them.
 */
#ifndef FEDWAY_ROUTER_MODULE_FILE_H
#define FEDWAY_ROUTER_MODULE_FILE_H

#include <fedway/error.h>

struct module_file;

/**
 * Opens a module and finds its descriptor, unchecked.
 * @param folders  where to look, separated by ":"; "" is the folder of the installation
 * @param name     file name without suffix
 * @param symbol   the descriptor [b]; as long as the file is open
 * @return FW_OK [g]; FW_EINVAL (the name); FW_ENOENT (no file, no descriptor); FW_ESYS (cannot be loaded)
 */
int module_file_open(const char *folders, const char *name, struct module_file **out, const void **symbol,
                     struct fw_error *err);
/** With FEDWAY_KEEP_MODULES=1 in the environment the code stays, so that leak reports have names. */
void module_file_close(struct module_file **file);

/** Where it was found, or "built in". */
const char *module_file_path(const struct module_file *file);

#endif
