/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The modules that are loaded. They stay until the list goes, so a descriptor may be kept.
 */
#ifndef FEDWAY_ROUTER_MODULE_LIST_H
#define FEDWAY_ROUTER_MODULE_LIST_H

#include "config/config.h"

struct module_list;

/** @return FW_OK, FW_ENOMEM [g] */
int module_list_new(struct module_list **out);
/** Closes all; nothing of them may run any more. NULL is allowed. */
void module_list_free(struct module_list **list);

/** The `find` of struct config_modules, ctx is the list: loads a module, or gives the one that is there. */
int module_list_find(void *ctx, const struct config_router *router, const char *module,
                     const struct fw_component **out, struct fw_error *err);

/** Walks the modules in the order in which they were loaded. Both texts live as long as the list. */
bool module_list_at(const struct module_list *list, size_t index, const struct fw_component **descriptor,
                    const char **path);

#endif
