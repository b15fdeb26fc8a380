/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads, fills, checks: a complete snapshot or a list of problems. Called by the router at start,
 * for --check and on reload. The order is the order of the calls below; a later step also runs when
 * an earlier one found problems, so that an operator sees them all.
 */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config_apply.h"
#include "config/config_components.h"
#include "config/config_memory.h"
#include "config/config_router.h"

/* The host's name is known only here and now. */
static int load_realm(struct config *config)
{
	char host[256] = "";
	char realm[64];

	if (config->router.realm[0] != '\0') {
		return FW_OK;
	}
	if (gethostname(host, sizeof(host) - 1) != 0) {
		host[0] = '\0';
	}
	config_router_realm(host, realm, sizeof(realm));
	config->router.realm = config_memory_text(&config->memory, realm, strlen(realm));
	return config->router.realm != NULL ? FW_OK : FW_ENOMEM;
}

static int load_fill(struct config *config, const struct config_node *top,
                     const struct config_modules *modules, struct config_problems *problems)
{
	struct config_apply apply = { &config->memory, problems, NULL, config_component_rows };
	int ret = config_apply_group(&apply, top, top, config_router_rows, &config->router, NULL);

	if (ret == FW_OK) {
		ret = load_realm(config);
	}
	if (ret == FW_OK) {
		config_check(top, &config->router, problems);
		ret = config_components_fill(top, modules, &config->router, &config->memory,
		                             problems);
	}
	return ret;
}

static int load(const char *path, const char *text, const struct config_modules *modules,
                struct config **out, struct config_problems *problems)
{
	struct config *config = calloc(1, sizeof(*config));
	struct config_node *top = NULL;
	void *tree = NULL;
	size_t before = problems->count;
	int ret = FW_ENOMEM;

	if (config == NULL) {
		goto done;
	}
	config->path = strdup(path);
	if (config->path == NULL) {
		goto done;
	}
	ret = config_file_read(path, text, &tree, &top, problems);
	if (ret == FW_OK) {
		ret = load_fill(config, top, modules, problems);
	}
	if (ret == FW_OK && problems->count != before) {
		ret = FW_EINVAL;
	}
	if (ret == FW_OK) {
		*out = config;
		config = NULL;
	}
done:
	if (ret != FW_OK && problems->count == before) {
		config_problem(problems, path, 0, "%s", fw_strerror(ret));
	}
	config_memory_free(&tree);
	config_free(&config);
	return ret;
}

int config_load(const char *path, const struct config_modules *modules, struct config **out,
                struct config_problems *problems)
{
	return load(path, NULL, modules, out, problems);
}

int config_load_text(const char *text, const struct config_modules *modules, struct config **out,
                     struct config_problems *problems)
{
	return load("<text>", text, modules, out, problems);
}

void config_free(struct config **config)
{
	if (*config == NULL) {
		return;
	}
	config_memory_free(&(*config)->memory);
	free((*config)->path);
	free(*config);
	*config = NULL;
}
