/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Finds the modules of a folder and prints their rows. The rows are the ones that check the
 * configuration, so what is printed is what is true.
 */
#include "router/options.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <fedway/str.h>

enum { NAME_SIZE = 128 };

static void print_module(FILE *out, const struct fw_component *module, bool man)
{
	if (man) {
		(void)fprintf(out, ".SS %s\n%s.\n", module->name, module->summary);
		if (module->options != NULL) {
			config_print_rows_man(out, module->options);
		}
		return;
	}
	(void)fprintf(out, "\n%s: %s\n", module->name, module->summary);
	if (module->options != NULL) {
		config_print_rows(out, module->options, 1);
	} else {
		(void)fprintf(out, "    (no options)\n");
	}
}

static void print_router(FILE *out, bool man)
{
	if (man) {
		(void)fprintf(out, ".SS Router\n");
		config_print_rows_man(out, config_router_rows);
	} else {
		(void)fprintf(out, "router:\n");
		config_print_rows(out, config_router_rows, 1);
	}
}

static int print_named(FILE *out, struct module_list *modules, const char *path, const char *name,
                       bool man)
{
	struct config_router router = { .module_path = path };
	const struct fw_component *module = NULL;
	struct fw_error err = { 0 };
	int ret = module_list_find(modules, &router, name, &module, &err);

	if (ret != FW_OK) {
		(void)fprintf(stderr, "fedwayd: module %s: %s\n", name, err.text);
		return ret;
	}
	print_module(out, module, man);
	return FW_OK;
}

#ifdef FW_STATIC_MODULES
static int print_modules(FILE *out, struct module_list *modules, const char *path, bool man)
{
	static const char *const names[] = {
#ifdef FW_WITH_AXL
		"axl",
#endif
#ifdef FW_WITH_AXL_SERVICE
		"axl_service",
#endif
		"dialback", "policy", "resolver", "s2s",
	};
	int ret = FW_OK;

	for (size_t i = 0; i < FW_COUNT(names) && ret == FW_OK; i++) {
		ret = print_named(out, modules, path, names[i], man);
	}
	return ret;
}
#else
static int is_module(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 3 && len < NAME_SIZE && strcmp(entry->d_name + len - 3, ".so") == 0;
}

static int print_folder(FILE *out, struct module_list *modules, const char *folder, bool man)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, is_module, alphasort);
	int ret = FW_OK;

	if (count < 0) {
		(void)fprintf(stderr, "fedwayd: no modules: cannot read the folder %s\n", folder);
		return FW_ENOENT;
	}
	for (int i = 0; i < count; i++) {
		char name[NAME_SIZE];
		(void)snprintf(name, sizeof(name), "%.*s", (int)(strlen(entries[i]->d_name) - 3),
		               entries[i]->d_name);
		int one = print_named(out, modules, folder, name, man);
		ret = one != FW_OK ? one : ret;
		free(entries[i]);
	}
	free(entries);
	return ret;
}

/* `path` is one folder, or several separated by ":". */
static int print_modules(FILE *out, struct module_list *modules, const char *path, bool man)
{
	const char *at = path[0] != '\0' ? path : FW_MODULE_DIR;
	int ret = FW_OK;

	while (*at != '\0') {
		char folder[PATH_MAX];
		size_t len = strcspn(at, ":");
		(void)snprintf(folder, sizeof(folder), "%.*s", (int)len, at);
		int one = len > 0 ? print_folder(out, modules, folder, man) : FW_OK;
		ret = one != FW_OK ? one : ret;
		at += len + (at[len] == ':' ? 1 : 0);
	}
	return ret;
}
#endif

int options_print_all(FILE *out, const char *module_path, bool man)
{
	struct module_list *modules = NULL;
	int ret = module_list_new(&modules);

	if (ret != FW_OK) {
		return ret;
	}
	print_router(out, man);
	ret = print_modules(out, modules, module_path, man);
	module_list_free(&modules);
	return ret;
}

/* A name, not a path: it may come from a socket. */
static bool is_word(struct fw_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-') {
			return false;
		}
	}
	return true;
}

char *options_text(struct module_list *modules, const struct config_router *router,
                   struct fw_str module, struct fw_error *err)
{
	const struct fw_component *found = NULL;
	char name[NAME_SIZE];
	char *text = NULL;
	size_t size = 0;

	if (module.len >= sizeof(name) || !is_word(module)) {
		(void)fw_error_set(err, FW_EINVAL, "that is not the name of a module");
		return NULL;
	}
	(void)snprintf(name, sizeof(name), "%.*s", FW_STR_ARG(module));
	if (module.len > 0 && module_list_find(modules, router, name, &found, err) != FW_OK) {
		return NULL;
	}
	FILE *out = open_memstream(&text, &size);
	if (out == NULL) {
		(void)fw_error_set(err, FW_ENOMEM, "out of memory");
		return NULL;
	}
	if (found != NULL) {
		print_module(out, found, false);
	} else {
		print_router(out, false);
	}
	(void)fclose(out);
	return text;
}
