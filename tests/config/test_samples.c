/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The sample configurations must load as they stand, once the files that they name exist.
 */
#include "tests/config/config_test.h"

#include <stdlib.h>

#include <fedway/io/file.h>

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

static void copy_file(const char *from, const char *to, unsigned mode)
{
	struct fw_file bytes = { 0 };
	struct fw_error err = { 0 };
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", top, from);
	if (fw_file_read(path, 1 << 20, &bytes, &err) != FW_OK) {
		fail_msg("%s", err.text);
	}
	write_file(to, bytes.text, mode);
	fw_file_free(&bytes);
}

/* The modules of the samples as they are, with their own checks. */
extern const struct fw_component dialback_LTX_fw_component;
extern const struct fw_component policy_LTX_fw_component;
extern const struct fw_component resolver_LTX_fw_component;
extern const struct fw_component s2s_LTX_fw_component;

static int find(void *ctx, const struct config_router *router, const char *module,
                const struct fw_component **out, struct fw_error *err)
{
	static const struct fw_component *const known[] = {
		&dialback_LTX_fw_component,
		&policy_LTX_fw_component,
		&resolver_LTX_fw_component,
		&s2s_LTX_fw_component,
	};

	(void)ctx;
	(void)router;
	for (size_t i = 0; i < FW_COUNT(known); i++) {
		if (strcmp(known[i]->name, module) == 0) {
			*out = known[i];
			return FW_OK;
		}
	}
	return fw_error_set(err, FW_ENOENT, "no module '%s'", module);
}

static void test_samples(void **state)
{
	static const struct {
		const char *name;
		size_t links, uplinks, domains, components;
	} rows[] = {
		{ "minimal.conf", 1, 0, 0, 0 },
		{ "edge-all-in-one.conf", 1, 1, 3, 5 },
		{ "inner-component-ejabberd/fedway.conf", 0, 1, 2, 4 },
		{ "inner-component-prosody/fedway.conf", 0, 1, 2, 5 },
		{ "inner-split-s2s/fedway.conf", 0, 0, 2, 5 },
		{ "three-nodes/all-in-one.conf", 1, 0, 1, 4 },
	};
	static const struct config_modules modules = { find, NULL };
	static const char *const secrets[] = { "echo.secret", "im.secret", "dialback.secret",
		                               "service.secret" };

	(void)state;
	for (size_t i = 0; i < FW_COUNT(secrets); i++) {
		write_file(secrets[i], "a secret\n", 0640);
	}
	copy_file("tests/support/certs/a.pem", "certificate.pem", 0644);
	copy_file("tests/support/certs/a.key", "key.pem", 0600);
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct config_problems problems = { 0 };
		struct config *config = NULL;
		char path[128];
		snprintf(path, sizeof(path), "config/samples/%s", rows[i].name);
		copy_file(path, "sample.conf", 0640);
		if (config_load("sample.conf", &modules, &config, &problems) != FW_OK) {
			fail_msg("%s: %s", rows[i].name, problems.text);
		}
		assert_int_equal(config->router.links.count, rows[i].links);
		assert_int_equal(config->router.uplinks.count, rows[i].uplinks);
		assert_int_equal(config->router.domains.count, rows[i].domains);
		assert_int_equal(config->router.components.count, rows[i].components);
		config_free(&config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_samples) };
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
