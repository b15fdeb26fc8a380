/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The modules that are loaded, each once. Reading a configuration loads them, because their option
 * rows are needed; instances only use the descriptors.
 */
#include "router/module_list.h"

#include <stdlib.h>
#include <string.h>

#include "router/module_check.h"
#include "router/module_file.h"

struct module {
	struct module *next;
	struct module_file *file;
	struct fw_component descriptor; /* our copy: what an older module lacks is zero */
};

struct module_list {
	struct module *first;
};

int module_list_new(struct module_list **out)
{
	struct module_list *list = calloc(1, sizeof(*list));

	if (list == NULL) {
		return FW_ENOMEM;
	}
	*out = list;
	return FW_OK;
}

static void module_free(struct module **module)
{
	if (*module != NULL) {
		module_file_close(&(*module)->file);
		free(*module);
		*module = NULL;
	}
}

void module_list_free(struct module_list **list)
{
	if (*list == NULL) {
		return;
	}
	while ((*list)->first != NULL) {
		struct module *module = (*list)->first;
		(*list)->first = module->next;
		module_free(&module);
	}
	free(*list);
	*list = NULL;
}

int module_list_find(void *ctx, const struct config_router *router, const char *name,
                     const struct fw_component **out, struct fw_error *err)
{
	struct module_list *list = ctx;
	struct module **at = &list->first;
	struct module *module;
	const void *symbol;

	for (; *at != NULL; at = &(*at)->next) {
		if (strcmp((*at)->descriptor.name, name) == 0) {
			*out = &(*at)->descriptor;
			return FW_OK;
		}
	}
	module = calloc(1, sizeof(*module));
	if (module == NULL) {
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	int ret = module_file_open(router->module_path, name, &module->file, &symbol, err);
	if (ret == FW_OK) {
		ret = module_check(symbol, name, module_file_path(module->file),
		                   &module->descriptor, err);
	}
	if (ret != FW_OK) {
		module_free(&module);
		return ret;
	}
	*at = module;
	*out = &module->descriptor;
	return FW_OK;
}

bool module_list_at(const struct module_list *list, size_t index,
                    const struct fw_component **descriptor, const char **path)
{
	const struct module *module = list->first;

	while (module != NULL && index > 0) {
		module = module->next;
		index--;
	}
	if (module == NULL) {
		return false;
	}
	*descriptor = &module->descriptor;
	*path = module_file_path(module->file);
	return true;
}
