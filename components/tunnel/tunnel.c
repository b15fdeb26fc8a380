/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tunnel's descriptor and life: which of its parts run in which role. It carries no stanzas;
 * what goes through it is what nodes must know of each other.
 */
#include "components/tunnel/tunnel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "components/tunnel/tunnel_edge.h"
#include "components/tunnel/tunnel_files.h"
#include "components/tunnel/tunnel_gate.h"
#include "components/tunnel/tunnel_sshd.h"
#include "components/tunnel/tunnel_tool.h"

static struct fw_logger tunnel_logger = FW_LOGGER("Tunnel");

#define TUNNEL_COUNTER_ROW(id, name, unit, help) [TUNNEL_COUNT_##id] = { name, unit, help },
static const struct fw_counter tunnel_counters[] = { TUNNEL_COUNTERS(TUNNEL_COUNTER_ROW)
	                                                     FW_COUNTER_END };

const char *tunnel_path(const struct tunnel *tunnel, const char *a, const char *b, const char *c,
                        char out[TUNNEL_PATH_SIZE])
{
	snprintf(out, TUNNEL_PATH_SIZE, "%s/%s%s%s", tunnel->directory, a, b, c);
	return out;
}

/* Ends all that begins below; half of it is enough. */
static void tunnel_end(struct tunnel *tunnel)
{
	tunnel_tool_stop(tunnel);
	tunnel_edges_stop(tunnel);
	tunnel_sshd_stop(tunnel);
	tunnel_gate_close(tunnel);
	if (tunnel->memory != NULL && tunnel->apply.link != NULL) {
		tunnel_learn_now(
		        tunnel); /* nobody is connected now; and what came in this very turn */
	}
	fw_defer_cancel(&tunnel->apply);
	tunnel_memory_free(&tunnel->memory);
	tunnel_book_free(&tunnel->book);
}

static int tunnel_absolute(struct tunnel *tunnel, struct fw_error *err)
{
	const char *given = tunnel->config->directory;
	char here[TUNNEL_PATH_SIZE - 1] = "";

	if (given[0] != '/' && getcwd(here, sizeof(here)) == NULL) {
		return fw_error_set(err, FW_ESYS, "directory = \"%s\": give an absolute path",
		                    given);
	}
	int len = snprintf(tunnel->directory, sizeof(tunnel->directory), "%s%s%s", here,
	                   here[0] != '\0' ? "/" : "", given);
	if (len < 0 || (size_t)len >= sizeof(tunnel->directory)) {
		return fw_error_set(err, FW_ELIMIT, "directory = \"%s\" is too long", given);
	}
	return FW_OK;
}

static int tunnel_begin(struct tunnel *tunnel, struct fw_error *err)
{
	char path[TUNNEL_PATH_SIZE];
	struct fw_error why = { 0 };

	int ret = tunnel_absolute(tunnel, err);
	if (ret == FW_OK) {
		ret = tunnel_directory(tunnel->directory, err);
	}
	if (ret != FW_OK) {
		return ret;
	}
	tunnel->book = tunnel_book_new();
	tunnel->memory =
	        tunnel_memory_open(tunnel_path(tunnel, "learned.json", "", "", path), &why);
	if (tunnel->book == NULL || tunnel->memory == NULL) {
		return FW_ENOMEM;
	}
	if (why.text[0] != '\0') { /* peers tell it again */
		fw_log(fw_self_log(tunnel->self), &tunnel_logger, FW_LOG_WARNING, "%s", why.text);
	}
	tunnel_facts_take(tunnel);
	if (tunnel->config->role == TUNNEL_CONNECT) {
		ret = tunnel_edges_set(tunnel, err);
	} else {
		ret = tunnel_gate_open(tunnel, err);
		if (ret == FW_OK) {
			ret = tunnel_sshd_start(tunnel);
		}
	}
	tunnel_learn_later(tunnel);
	return ret;
}

static void tunnel_stop(struct fw_self *self)
{
	struct tunnel *tunnel = fw_self_state(self);

	tunnel_end(tunnel);
	fw_self_set_state(self, NULL);
	free(tunnel);
}

static int tunnel_start(struct fw_self *self, struct fw_error *err)
{
	struct tunnel *tunnel = calloc(1, sizeof(*tunnel));

	if (tunnel == NULL) {
		return FW_ENOMEM;
	}
	tunnel->self = self;
	tunnel->config = fw_self_config(self);
	tunnel->apply = (struct fw_task){ tunnel_learn_now, tunnel, NULL, NULL };
	fw_self_set_state(self, tunnel);
	int ret = tunnel_begin(tunnel, err);
	if (ret != FW_OK) {
		tunnel_stop(self);
	}
	return ret;
}

/* Another role, or another directory, is another tunnel. */
static void tunnel_reload(struct fw_self *self, const void *given)
{
	struct tunnel *tunnel = fw_self_state(self);
	const struct tunnel_config *old = tunnel->config, *config = given;
	struct fw_error err = { 0 };
	bool same = old->role == config->role && strcmp(old->directory, config->directory) == 0;
	int ret = FW_OK;

	if (!same) {
		tunnel_end(tunnel);
	}
	tunnel->config = config;
	if (!same) {
		ret = tunnel_begin(tunnel, &err);
	} else if (config->role == TUNNEL_LISTEN) {
		tunnel_sshd_reload(tunnel);
	} else {
		ret = tunnel_edges_set(tunnel, &err);
		tunnel_facts_take(tunnel);
	}
	if (ret != FW_OK) {
		fw_notice(self, "reload", FW_NOTICE_RED, NULL,
		          "the tunnel could not take its new options: %s",
		          err.text[0] != '\0' ? err.text : fw_strerror(ret));
	} else {
		fw_notice_clear(self, "reload");
	}
}

static void tunnel_announced(struct fw_self *self, const char *service)
{
	struct tunnel *tunnel = fw_self_state(self);

	if (tunnel->book != NULL &&
	    (strcmp(service, "state.federation") == 0 || strcmp(service, "domains") == 0 ||
	     strcmp(service, "router") == 0)) {
		tunnel_facts_take(tunnel);
	}
}

FW_COMPONENT_EXPORT(tunnel) = {
	FW_COMPONENT_HEAD_STRICT,
	.name = "tunnel",
	.summary = "carries what edge and core must know of each other, through OpenSSH",
	.options = tunnel_options,
	.config_size = sizeof(struct tunnel_config),
	.check = tunnel_check,
	.start = tunnel_start,
	.reload = tunnel_reload,
	.announced = tunnel_announced,
	.report = tunnel_report,
	.stop = tunnel_stop,
	.counters = tunnel_counters,
	.commands = tunnel_commands,
	.read_commands = "tunnel show",
};
