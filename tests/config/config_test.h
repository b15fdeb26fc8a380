/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Help for the tests of config/: a folder of files that goes away, a component with an option of every type, and
 * literal comparison of problems.
 */
#ifndef FEDWAY_TESTS_CONFIG_CONFIG_TEST_H
#define FEDWAY_TESTS_CONFIG_CONFIG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/config.h"

/** Options of the module "sample". */
struct sample_route {
	const char *domain;
	uint16_t port;
	struct fw_strings hosts;
};
enum sample_mode { SAMPLE_OFF, SAMPLE_SOFT, SAMPLE_HARD };
struct sample_config {
	bool strict;
	uint16_t port;
	uint32_t timeout_ms;
	uint64_t size_bytes;
	const char *title;
	int mode;
	struct fw_secret secret;
	struct fw_strings allow;
	struct fw_rows routes;
	const char *cache_dir;
};
extern const struct fw_option sample_rows[];
extern const struct fw_component sample_component;
/** Knows "sample" and "bare" (no options, no check); "broken" cannot be loaded. Counts calls in *ctx when set. */
int sample_find(void *ctx, const struct config_router *router, const char *module,
                const struct fw_component **out, struct fw_error *err);
extern const struct config_modules sample_modules;

/** cmocka group set-up and tear-down: the working directory is a new, empty folder. */
int in_new_folder(void **state);
int leave_folder(void **state);
void write_file(const char *name, const char *text, unsigned mode);

/** Loads text and compares the problems, all of them, literally; "" means that it must load. */
void assert_problems(const char *text, const char *problems);
/** Same for a file. */
void assert_file_problems(const char *path, const char *problems);
/** Loads text that must be good [g]. */
struct config *load_good(const char *text);

#endif
