/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Option rows for people: of the router and of modules, for `fedwayd --options` and `fedwayctl options`.
 */
#ifndef FEDWAY_ROUTER_OPTIONS_H
#define FEDWAY_ROUTER_OPTIONS_H

#include <stdio.h>

#include "config/config.h"
#include "router/module_list.h"

/** The router's rows, then those of every module in the folder. @return FW_OK, or the last error (told on stderr) */
int options_print_all(FILE *out, const char *module_path, bool man);
/** Rows of one module, or of the router when `module` is absent, as text [g: free()]; NULL with err. */
char *options_text(struct module_list *modules, const struct config_router *router, struct fw_str module,
                   struct fw_error *err);

#endif
