/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The judge of descriptors: ABI, size, release, name, hooks; one clear sentence per refusal. Called
 * by module_list.c for each module that was opened.
 */
#include "router/module_check.h"

#include <string.h>

/* A descriptor of ABI 1.0 ended here; smaller ones never existed. */
static const size_t size_min = offsetof(struct fw_component, stop) + sizeof(void (*)(void));

static int check_abi(const struct fw_component *found, const char *where, struct fw_error *err)
{
	unsigned major = found->abi >> 16;
	unsigned minor = found->abi & 0xffffu;

	if (major != FW_ABI_MAJOR) {
		return fw_error_set(
		        err, FW_EABI,
		        "module %s was built for SDK ABI %u.%u, this is %u.%u: build it "
		        "again with the installed SDK",
		        where, major, minor, FW_ABI_MAJOR, FW_ABI_MINOR);
	}
	if (minor > FW_ABI_MINOR) {
		return fw_error_set(
		        err, FW_EABI,
		        "module %s was built for the newer SDK ABI %u.%u, this is %u.%u: "
		        "update fedwayd",
		        where, major, minor, FW_ABI_MAJOR, FW_ABI_MINOR);
	}
	if (found->size < size_min) {
		return fw_error_set(
		        err, FW_EABI,
		        "module %s has a descriptor of %u bytes, ABI %u.%u needs %zu: it "
		        "was not made with FW_COMPONENT_HEAD",
		        where, found->size, major, minor, size_min);
	}
	return FW_OK;
}

static int check_text(const struct fw_component *found, const char *name, const char *where,
                      struct fw_error *err)
{
	if (found->build != NULL && strcmp(found->build, FW_BUILD_ID) != 0) {
		return fw_error_set(
		        err, FW_EABI,
		        "module %s uses fedway/io/ and was built with %s, this is %s: build "
		        "it with this release",
		        where, found->build, FW_BUILD_ID);
	}
	if (found->name == NULL || strcmp(found->name, name) != 0) {
		return fw_error_set(
		        err, FW_EINVAL,
		        "module %s calls itself \"%s\": its name must be that of its file, "
		        "\"%s\"",
		        where, found->name != NULL ? found->name : "", name);
	}
	return FW_OK;
}

static int check_content(const struct fw_component *found, const char *where, struct fw_error *err)
{
	const struct fw_hook *hook = found->hooks;

	if ((found->options != NULL) != (found->config_size > 0)) {
		return fw_error_set(err, FW_EINVAL,
		                    "module %s must give both options and config_size, or neither",
		                    where);
	}
	for (; hook != NULL && (hook->run != NULL || hook->stage != FW_STAGE_COUNT); hook++) {
		if (hook->run == NULL || (unsigned)hook->stage >= FW_STAGE_COUNT) {
			return fw_error_set(
			        err, FW_EINVAL,
			        "module %s has a hook without function or for a stage that "
			        "does not exist",
			        where);
		}
	}
	return FW_OK;
}

int module_check(const void *descriptor, const char *name, const char *where,
                 struct fw_component *out, struct fw_error *err)
{
	const struct fw_component *found = descriptor; /* only its first members are sure yet */
	struct fw_component copy = { 0 };
	int ret = check_abi(found, where, err);

	if (ret != FW_OK) {
		return ret;
	}
	memcpy(&copy, found, found->size < sizeof(copy) ? found->size : sizeof(copy));
	ret = check_text(&copy, name, where, err);
	if (ret == FW_OK) {
		ret = check_content(&copy, where, err);
	}
	if (ret == FW_OK) {
		*out = copy;
	}
	return ret;
}
