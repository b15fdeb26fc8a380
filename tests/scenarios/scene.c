/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The router of a scenario: real rooms and real modules, found by name without files, and one
 * module of the scene's own through which the script sends and receives.
 */
#include "tests/scenarios/scene.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/log.h>

/* ---- the scene's own component ---- */

struct scene_config {
	struct fw_strings domains;
};

static const struct fw_option scene_options[] = {
	FW_OPT(struct scene_config, domains, "", .help = "domains to hold"),
	FW_OPT_END,
};

static int component_start(struct fw_self *self, struct fw_error *err)
{
	const struct scene_config *config = fw_self_config(self);

	scene_current()->self = self;
	for (size_t i = 0; i < config->domains.count; i++) {
		int ret = fw_bind(self, config->domains.items[i]);
		if (ret != FW_OK) {
			return fw_error_set(err, ret, "cannot bind %s", config->domains.items[i]);
		}
	}
	return FW_OK;
}

static void component_deliver(struct fw_self *self, struct fw_stanza **stanza)
{
	struct scene *scene = scene_current();
	struct fw_str bytes;

	(void)self;
	if (fw_stanza_bytes(*stanza, &bytes) != FW_OK) {
		scene_fail("out of memory");
	}
	scene->got = realloc(scene->got, scene->got_len + bytes.len + 2);
	memcpy(scene->got + scene->got_len, bytes.ptr, bytes.len);
	scene->got_len += bytes.len;
	memcpy(scene->got + scene->got_len, "\n", 2);
	scene->got_len++;
}

static void component_stop(struct fw_self *self)
{
	(void)self;
	scene_current()->self = NULL;
}

static const struct fw_component scene_LTX_fw_component = {
	FW_COMPONENT_HEAD,
	.name = "scene",
	.summary = "the script's own component",
	.options = scene_options,
	.config_size = sizeof(struct scene_config),
	.start = component_start,
	.deliver = component_deliver,
	.stop = component_stop,
};

void scene_component_sends(const char *text)
{
	struct fw_stanza *stanza = NULL;

	if (scene_current()->self == NULL) {
		scene_fail("no component \"scene\" runs");
	}
	if (fw_stanza_parse(fw_str(text), &stanza) != FW_OK) {
		scene_fail("not a stanza: %s", text);
	}
	(void)fw_route(scene_current()->self, &stanza);
}

void scene_component_expects(const char *text)
{
	struct scene *scene = scene_current();
	const char *unseen = scene->got != NULL ? scene->got + scene->got_seen : "";
	const char *found = strstr(unseen, text);

	if (found == NULL) {
		scene_fail("the component expects '%s', but got: %s", text, unseen);
	}
	scene->got_seen = (size_t)(found - scene->got) + strlen(text);
}

/* ---- the router ---- */

extern const struct fw_component s2s_LTX_fw_component, dialback_LTX_fw_component,
        policy_LTX_fw_component, resolver_LTX_fw_component;

static int find_module(void *ctx, const struct config_router *router, const char *module,
                       const struct fw_component **out, struct fw_error *err)
{
	static const struct fw_component *const modules[] = {
		&scene_LTX_fw_component,  &s2s_LTX_fw_component,      &dialback_LTX_fw_component,
		&policy_LTX_fw_component, &resolver_LTX_fw_component,
	};

	(void)ctx;
	(void)router;
	for (size_t i = 0; i < FW_COUNT(modules); i++) {
		if (strcmp(modules[i]->name, module) == 0) {
			*out = modules[i];
			return FW_OK;
		}
	}
	return fw_error_set(err, FW_ENOENT, "no module %s", module);
}

static void on_log(void *ctx, enum fw_level level, const char *line, size_t len)
{
	struct scene *scene = ctx;

	(void)level;
	scene->log = realloc(scene->log, scene->log_len + len + 1);
	memcpy(scene->log + scene->log_len, line, len);
	scene->log_len += len;
	scene->log[scene->log_len] = '\0';
}

void scene_open(const char *path)
{
	struct scene *scene = scene_current();
	const struct fw_log_sink sink = { on_log, scene };

	memset(scene, 0, sizeof(*scene));
	scene->path = path;
	fw_log_set_sink(&sink);
	fw_log_set_level(fw_str("*"), FW_LOG_DEBUG);
	if (fw_loop_new(&scene->loop) != FW_OK) {
		scene_fail("out of memory");
	}
}

static struct config *load(const char *text)
{
	const struct config_modules modules = { find_module, NULL };
	struct config_problems problems = { 0 };
	struct config *config = NULL;

	if (config_load_text(text, &modules, &config, &problems) != FW_OK) {
		scene_fail("configuration: %s", problems.text);
	}
	return config;
}

void scene_start(const char *text)
{
	struct scene *scene = scene_current();
	struct config *config = load(text);
	struct fw_error err = { 0 };

	if (router_start(scene->loop, &config, NULL, &scene->router, &err) != FW_OK) {
		scene_fail("router: %s", err.text);
	}
	scene_settle();
}

void scene_reload(const char *text)
{
	struct scene *scene = scene_current();
	struct config *config = load(text);
	struct fw_error err = { 0 };

	if (router_reload(scene->router, &config, NULL, &err) != FW_OK) {
		scene_fail("reload: %s", err.text);
	}
	scene_settle();
}

void scene_expect_count(const char *what, const char *name, unsigned long want)
{
	const struct fw_ledger *total = scene_current()->router->total;
	uint64_t got = UINT64_MAX;

	if (strcmp(what, "cause") == 0) {
		enum fw_cause cause = fw_cause_by_name(fw_str(name));
		got = cause < FW_CAUSE_COUNT ? total->causes[cause] : got;
	}
	for (int exit = 0; strcmp(what, "exit") == 0 && exit < FW_EXIT_COUNT; exit++) {
		if (strcmp(name, fw_exit_name((enum fw_exit)exit)) == 0) {
			got = total->exits[exit];
		}
	}
	if (got != want) {
		scene_fail("%s %s: %llu instead of %lu", what, name, (unsigned long long)got, want);
	}
}

void scene_close(void)
{
	struct scene *scene = scene_current();

	scene_settle();
	if (!fw_ledger_balanced(scene->router->total) || scene->router->total->in_flight != 0) {
		scene_fail("the ledger does not balance: in %llu, in flight %llu",
		           (unsigned long long)scene->router->total->in,
		           (unsigned long long)scene->router->total->in_flight);
	}
	router_stop(&scene->router);
	fake_loop_settle(scene->loop);
	fake_net_clear();
	fw_loop_free(&scene->loop);
	fw_log_set_sink(NULL);
	free(scene->log);
	free(scene->got);
	scene->log = scene->got = NULL;
}
