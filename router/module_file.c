/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * libltdl lives here: from a module's name to its descriptor. Called by module_list.c. Whether the
 * descriptor is any good is module_check.c's business.
 */
#include "router/module_file.h"

#include <dlfcn.h>
#include <errno.h>
#include <ltdl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fedway/hosting.h>

#ifndef FW_MODULE_DIR
#define FW_MODULE_DIR "/usr/lib/fedway"
#endif

/* Libtool makes this list in a program that is linked with -dlpreopen; in others it is absent, so
 * it is weak. */
extern const lt_dlsymlist lt__PROGRAM__LTX_preloaded_symbols[] __attribute__((weak));

struct module_file {
	lt_dlhandle handle;
	const void *symbol; /* something in its code */
	char path[];
};

enum { MODULE_NAME_MAX = 64, MODULE_PATH_MAX = 4096 };

/* A name, not a path: letters, digits, dash, underscore. */
static bool name_is_good(const char *name)
{
	static const char good[] =
	        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t len = strlen(name);
	return len > 0 && len <= MODULE_NAME_MAX && strspn(name, good) == len;
}

/* First folder of the list that has the file. */
static bool find_file(const char *folders, const char *name, char *path, size_t size)
{
	while (*folders != '\0') {
		size_t len = strcspn(folders, ":");
		int written = snprintf(path, size, "%.*s/%s.so", (int)len, folders, name);
		if (written > 0 && (size_t)written < size && access(path, F_OK) == 0) {
			return true;
		}
		folders += len + (folders[len] == ':' ? 1 : 0);
	}
	return false;
}

/* libltdl binds lazily and hides why a file cannot be loaded, so the dynamic linker is asked first.
 */
static int preflight(const char *path, struct fw_error *err)
{
	if (access(path, R_OK) != 0) {
		return fw_error_set(err, FW_ESYS, "cannot read module %s: %s", path,
		                    strerror(errno));
	}
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL) {
		const char *reason = dlerror();
		return fw_error_set(err, FW_ESYS, "cannot load module: %s",
		                    reason != NULL ? reason : path);
	}
	dlclose(handle);
	return FW_OK;
}

static int find_descriptor(lt_dlhandle handle, const char *name, const char *where,
                           const void **symbol, struct fw_error *err)
{
	char wanted[MODULE_NAME_MAX + sizeof("_LTX_fw_component")];

	(void)snprintf(wanted, sizeof(wanted), "%s_LTX_fw_component", name);
	for (char *each = wanted; *each != '\0'; each++) {
		*each = *each == '-' ? '_' : *each;
	}
	*symbol = lt_dlsym(handle, wanted);
	if (*symbol == NULL) {
		*symbol = lt_dlsym(handle, "fw_component");
	}
	if (*symbol == NULL) {
		return fw_error_set(err, FW_ENOENT,
		                    "module %s has no %s: it is no Fedway module, or its file was "
		                    "renamed",
		                    where, wanted);
	}
	return FW_OK;
}

/* A module that was linked into the program, in a build with --enable-static-modules. */
static lt_dlhandle open_built_in(const char *name)
{
	char file[MODULE_NAME_MAX + sizeof(".a")];

	if (lt__PROGRAM__LTX_preloaded_symbols == NULL) {
		return NULL;
	}
	(void)snprintf(file, sizeof(file), "%s.a", name);
	return lt_dlopen(file);
}

static int start_libltdl(struct fw_error *err)
{
	/* libltdl reads the list when it starts, not later. */
	if (lt__PROGRAM__LTX_preloaded_symbols != NULL) {
		(void)lt_dlpreload_default(lt__PROGRAM__LTX_preloaded_symbols);
	}
	if (lt_dlinit() != 0) {
		return fw_error_set(err, FW_ESYS, "libltdl: %s", lt_dlerror());
	}
	return FW_OK;
}

static int open_handle(const char *folders, const char *name, char *path, size_t size,
                       lt_dlhandle *handle, struct fw_error *err)
{
	*handle = open_built_in(name);
	if (*handle != NULL) {
		(void)snprintf(path, size, "built in");
		return FW_OK;
	}
	if (folders[0] == '\0') {
		folders = FW_MODULE_DIR;
	}
	if (!find_file(folders, name, path, size)) {
		return fw_error_set(err, FW_ENOENT, "there is no module %s.so in %s", name,
		                    folders);
	}
	int ret = preflight(path, err);
	if (ret != FW_OK) {
		return ret;
	}
	*handle = lt_dlopen(path);
	if (*handle == NULL) {
		return fw_error_set(err, FW_ESYS, "cannot load module %s: %s", path, lt_dlerror());
	}
	return FW_OK;
}

int module_file_open(const char *folders, const char *name, struct module_file **out,
                     const void **symbol, struct fw_error *err)
{
	struct module_file *file = NULL;
	lt_dlhandle handle = NULL;
	char path[MODULE_PATH_MAX];
	int ret;

	if (!name_is_good(name)) {
		return fw_error_set(
		        err, FW_EINVAL,
		        "\"%s\" is not the name of a module: give the file name without "
		        "folder and suffix",
		        name);
	}
	ret = start_libltdl(err);
	if (ret != FW_OK) {
		return ret;
	}
	ret = open_handle(folders, name, path, sizeof(path), &handle, err);
	if (ret != FW_OK) {
		goto done;
	}
	ret = find_descriptor(handle, name, path, symbol, err);
	if (ret != FW_OK) {
		goto done;
	}
	file = calloc(1, sizeof(*file) + strlen(path) + 1);
	if (file == NULL) {
		ret = fw_error_set(err, FW_ENOMEM, "out of memory");
		goto done;
	}
	memcpy(file->path, path, strlen(path) + 1);
	file->handle = handle;
	file->symbol = *symbol;
	*out = file;
	return FW_OK;
done:
	if (handle != NULL) {
		(void)lt_dlclose(handle);
	}
	(void)lt_dlexit();
	return ret;
}

void module_file_close(struct module_file **file)
{
	const char *keep = getenv("FEDWAY_KEEP_MODULES");

	if (*file == NULL) {
		return;
	}
	if (keep != NULL && strcmp(keep, "1") == 0) {
		/* One more reference: the code stays, and libltdl's own memory still goes. */
		(void)dlopen((*file)->path, RTLD_NOW | RTLD_NOLOAD);
	}
	fw_log_forget((*file)->symbol);
	(void)lt_dlclose((*file)->handle);
	(void)lt_dlexit(); /* counted: one for each lt_dlinit() */
	free(*file);
	*file = NULL;
}

const char *module_file_path(const struct module_file *file)
{
	return file->path;
}
