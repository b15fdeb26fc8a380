/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the text of a configuration, with one component that has an option of every type.
 * What loads must load again to the same.
 */
#include <stdlib.h>

#include "config/config_json.h"
#include "config/config_source.h"

struct fuzzed_row {
	const char *name;
	uint16_t port;
};

struct fuzzed {
	bool flag;
	uint16_t port;
	uint32_t count;
	uint64_t bytes;
	const char *text;
	int choice;
	struct fw_secret secret;
	struct fw_strings list;
	struct fw_rows rows;
};

static const struct fw_choice fuzzed_choices[] = {
	{ "one", 1, NULL },
	{ "two", 2, NULL },
	{ NULL, 0, NULL },
};

static const struct fw_option fuzzed_row_rows[] = {
	FW_OPT(struct fuzzed_row, name, NULL, .min = 1, .max = 8),
	FW_OPT(struct fuzzed_row, port, "1", .min = 1),
	FW_OPT_END,
};

static const struct fw_option fuzzed_rows[] = {
	FW_OPT(struct fuzzed, flag, "true"),
	FW_OPT(struct fuzzed, port, "1", .min = 1),
	FW_OPT(struct fuzzed, count, "5", .max = 70000),
	FW_OPT(struct fuzzed, bytes, "5"),
	FW_OPT(struct fuzzed, text, "", .max = 9),
	FW_OPT(struct fuzzed, choice, "two", .choices = fuzzed_choices),
	FW_OPT(struct fuzzed, secret, "", .min = 2, .max = 9),
	FW_OPT(struct fuzzed, list, "a, b", .max = 3),
	FW_OPT(struct fuzzed, rows, "", .rows = fuzzed_row_rows,
	       .row_size = sizeof(struct fuzzed_row), .max = 3),
	FW_OPT_END,
};

static int fuzzed_check(const void *config, struct fw_error *err)
{
	const struct fuzzed *fuzzed = config;

	return strcmp(fuzzed->text, "bad") == 0 ? fw_error_set(err, FW_EINVAL, "bad text") : FW_OK;
}

static const struct fw_component fuzzed_component = {
	FW_COMPONENT_HEAD,      .name = "fuzzed",
	.options = fuzzed_rows, .config_size = sizeof(struct fuzzed),
	.check = fuzzed_check,
};

static int fuzzed_find(void *ctx, const struct config_router *router, const char *module,
                       const struct fw_component **out, struct fw_error *err)
{
	(void)ctx;
	(void)router;
	if (strcmp(module, "fuzzed") != 0) {
		return fw_error_set(err, FW_ENOENT, "module '%s': no such file", module);
	}
	*out = &fuzzed_component;
	return FW_OK;
}

/* Values without rows, as in the state file: what was read is written, and reads back the same. */
static void fuzz_values(const char *text)
{
	struct config_problems problems = { 0 };
	struct fw_json *first = NULL, *second = NULL;

	if (config_json_read(CONFIG_TEXT_NAME, text, &first, &problems) == FW_OK) {
		char *written = config_json_text(first);
		fw_assert(written != NULL);
		/* names may have a star in libconfig, which ours have not */
		if (strchr(written, '*') == NULL) {
			fw_assert(config_json_read(CONFIG_TEXT_NAME, written, &second, &problems) ==
			          FW_OK);
			fw_assert(fw_json_equal(first, second));
		}
		free(written);
	} else {
		fw_assert(problems.count > 0 && first == NULL);
	}
	fw_json_free(&first);
	fw_json_free(&second);
	config_problems_free(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct config_modules modules = { fuzzed_find, NULL };
	struct config_problems problems = { 0 };
	struct config *first = NULL, *second = NULL;
	char *text = fw_str_dup(fw_str_n((const char *)data, size));

	if (text == NULL) {
		return 0;
	}
	if (config_load_text(text, &modules, &first, &problems) == FW_OK) {
		fw_assert(problems.count == 0);
		fw_assert(config_load_text(text, &modules, &second, &problems) == FW_OK);
		fw_assert(
		        config_options_equal(config_router_rows, &first->router, &second->router));
	} else {
		fw_assert(problems.count > 0 && first == NULL);
	}
	fuzz_values(text);
	config_free(&first);
	config_free(&second);
	config_problems_free(&problems);
	free(text);
	return 0;
}
