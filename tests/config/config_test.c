/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Help for the tests of config/.
 */
#include "tests/config/config_test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_upper(const char *text, struct fw_str name, char *why, size_t why_size)
{
	if (text[0] >= 'A' && text[0] <= 'Z') {
		snprintf(why, why_size, "%.*s may not begin with a capital", FW_STR_ARG(name));
		return -1;
	}
	return 0;
}

static const struct fw_choice modes[] = {
	{ "off", SAMPLE_OFF, "nothing" },
	{ "soft", SAMPLE_SOFT, "a little" },
	{ "hard", SAMPLE_HARD, NULL },
	{ NULL, 0, NULL },
};

static const struct fw_option route_rows[] = {
	FW_OPT(struct sample_route, domain, NULL, .check = check_upper, .help = "where to"),
	FW_OPT(struct sample_route, port, "5269", .min = 1, .max = 65535, .help = "TCP port"),
	FW_OPT(struct sample_route, hosts, "localhost", .check = check_upper, .help = "machines"),
	FW_OPT_END,
};

const struct fw_option sample_rows[] = {
	FW_OPT(struct sample_config, strict, "true", .help = "whether it is strict"),
	FW_OPT(struct sample_config, port, "7", .help = "a port without range"),
	FW_OPT(struct sample_config, timeout_ms, "1500", .min = 10, .max = 60000, .unit = "ms",
	       .help = "patience"),
	FW_OPT(struct sample_config, size_bytes, "5000000000", .help = "a large number"),
	FW_OPT(struct sample_config, title, "a \\ title", .min = 2, .max = 12, .check = check_upper,
	       .help = "words - or not"),
	FW_OPT(struct sample_config, mode, "soft", .choices = modes, .help = "how hard"),
	FW_OPT(struct sample_config, secret, "", .min = 3, .max = 20, .help = "what nobody knows"),
	FW_OPT(struct sample_config, allow, "a.example, b.example", .max = 3, .check = check_upper,
	       .help = "domains"),
	FW_OPT(struct sample_config, routes, "", .rows = route_rows,
	       .row_size = sizeof(struct sample_route), .max = 2, .help = "static routes"),
	FW_OPT(struct sample_config, cache_dir, "", .help = "a folder"),
	FW_OPT_END,
};

static int sample_check(const void *config, struct fw_error *err)
{
	const struct sample_config *sample = config;

	return sample->port == 13 ? fw_error_set(err, FW_EINVAL, "port 13 brings bad luck") : FW_OK;
}

const struct fw_component sample_component = {
	FW_COMPONENT_HEAD,
	.name = "sample",
	.summary = "an option of every type",
	.options = sample_rows,
	.config_size = sizeof(struct sample_config),
	.check = sample_check,
};

static const struct fw_component bare_component = {
	FW_COMPONENT_HEAD,
	.name = "bare",
	.summary = "no options at all",
};

int sample_find(void *ctx, const struct config_router *router, const char *module,
                const struct fw_component **out, struct fw_error *err)
{
	int *calls = ctx;

	assert_non_null(router->module_path);
	if (calls != NULL) {
		++*calls;
	}
	if (strcmp(module, "sample") == 0) {
		*out = &sample_component;
		return FW_OK;
	}
	if (strcmp(module, "bare") == 0) {
		*out = &bare_component;
		return FW_OK;
	}
	return fw_error_set(err, FW_ENOENT, "module '%s': no such file", module);
}

const struct config_modules sample_modules = { sample_find, NULL };

int in_new_folder(void **state)
{
	char folder[] = "/tmp/fedway-config-XXXXXX";

	if (mkdtemp(folder) == NULL || chdir(folder) != 0) {
		return -1;
	}
	*state = strdup(folder);
	return *state != NULL ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int leave_folder(void **state)
{
	int ret = chdir("/");

	ret |= nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return ret;
}

void write_file(const char *name, const char *text, unsigned mode)
{
	int fd;

	for (const char *at = name; (at = strchr(at, '/')) != NULL; at++) {
		char folder[256];
		snprintf(folder, sizeof(folder), "%.*s", (int)(at - name), name);
		assert_true(mkdir(folder, 0700) == 0 || errno == EEXIST);
	}
	(void)unlink(name); /* one that was written before may be closed to us by its mode */
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void compare_problems(const char *what, int ret, struct config **config,
                             struct config_problems *problems, const char *wanted)
{
	const char *text = problems->text != NULL ? problems->text : "";
	size_t lines = 0;

	if (strcmp(text, wanted) != 0) {
		fail_msg("for:\n%s\nwanted:\n%s\ngot:\n%s", what, wanted, text);
	}
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
		lines++;
	}
	assert_int_equal(problems->count, lines);
	assert_int_equal(ret == FW_OK, wanted[0] == '\0');
	assert_int_equal(*config != NULL, wanted[0] == '\0');
	config_free(config);
	config_problems_free(problems);
}

void assert_problems(const char *text, const char *wanted)
{
	struct config_problems problems = { 0 };
	struct config *config = NULL;
	int ret = config_load_text(text, &sample_modules, &config, &problems);

	compare_problems(text, ret, &config, &problems, wanted);
}

void assert_file_problems(const char *path, const char *wanted)
{
	struct config_problems problems = { 0 };
	struct config *config = NULL;
	int ret = config_load(path, &sample_modules, &config, &problems);

	compare_problems(path, ret, &config, &problems, wanted);
}

struct config *load_good(const char *text)
{
	struct config_problems problems = { 0 };
	struct config *config = NULL;

	if (config_load_text(text, &sample_modules, &config, &problems) != FW_OK) {
		fail_msg("%s", problems.text);
	}
	assert_null(problems.text);
	return config;
}
