/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The sample configurations must load as they stand, once the files that they name exist.
 */
#include "tests/config/config_test.h"

#include <stdlib.h>

#include "config/config_bytes.h"

static const char *source_folder(void)
{
	const char *folder = getenv("srcdir"); /* set by make check */

	return folder != NULL ? folder : ".";
}

static char *top; /* of the source tree, absolute: tests run in a folder of their own */

static int set_up(void **state)
{
	top = realpath(source_folder(), NULL);
	return top != NULL ? in_new_folder(state) : -1;
}

static int tear_down(void **state)
{
	free(top);
	return leave_folder(state);
}

static void copy_sample(const char *name)
{
	struct config_bytes bytes = { 0 };
	struct fw_error err = { 0 };
	char path[4096];

	snprintf(path, sizeof(path), "%s/config/samples/%s", top, name);
	if (config_bytes_read(path, 1 << 20, &bytes, &err) != FW_OK) {
		fail_msg("%s", err.text);
	}
	write_file(name, bytes.text, 0600);
	config_bytes_free(&bytes);
	write_file("echo.secret", "a\n", 0640);
	write_file("im.secret", "b\n", 0640);
	write_file("dialback.secret", "c\n", 0640);
}

static int no_module(void *ctx, const struct config_router *router, const char *module,
		     const struct fw_component **out, struct fw_error *err)
{
	(void)ctx;
	(void)router;
	(void)out;
	return fw_error_set(err, FW_ENOENT, "no %s", module);
}

/* Everything but the options of modules, line by line. */
static void test_router_part(void **state)
{
	static const struct {
		const char *name;
		const char *const modules[5];
		size_t links, uplinks, domains;
	} rows[] = {
		{ "minimal.conf", { NULL }, 1, 0, 0 },
		{ "edge-all-in-one.conf",
		  { "resolver", "dialback", "policy", "s2s", NULL },
		  1,
		  1,
		  3 },
	};
	static const struct config_modules modules = { no_module, NULL };

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct config_problems problems = { 0 };
		struct config *config = NULL;
		size_t count = 0;
		copy_sample(rows[i].name);
		int ret = config_load(rows[i].name, &modules, &config, &problems);
		for (; rows[i].modules[count] != NULL; count++) {
			char line[64];
			snprintf(line, sizeof(line), ": no %s\n", rows[i].modules[count]);
			assert_non_null(strstr(problems.text, line));
		}
		if (problems.count != count) {
			fail_msg("%s", problems.text);
		}
		assert_int_equal(ret == FW_OK, count == 0);
		if (config != NULL) {
			assert_int_equal(config->router.links.count, rows[i].links);
			assert_int_equal(config->router.uplinks.count, rows[i].uplinks);
			assert_int_equal(config->router.domains.count, rows[i].domains);
		}
		config_free(&config);
		config_problems_free(&problems);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_router_part) };
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
