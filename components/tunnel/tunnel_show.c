/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The command `tunnel show`: what "status" says, and all keys of this end with their fingerprints.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "components/tunnel/tunnel.h"
#include "components/tunnel/tunnel_edge.h"
#include "components/tunnel/tunnel_keys.h"
#include "components/tunnel/tunnel_tool.h"

enum { SHOW_KEYS_MAX = 128 };

struct show {
	struct tunnel *tunnel;
	struct fw_call *call;
	struct fw_json *keys[SHOW_KEYS_MAX]; /* rows of the answer, in order of the lines */
	size_t count;
	struct fw_json *array;
	char *lines; /* all keys, one a line */
	size_t len, room;
};

static void show_forget(void *ctx)
{
	((struct show *)ctx)->call = NULL;
}

static void show_free(struct show *show)
{
	free(show->lines);
	free(show);
}

static void show_key(struct show *show, const char *what, struct fw_str name,
                     const struct tunnel_key *key)
{
	char text[TUNNEL_KEY_SIZE + TUNNEL_REALM_SIZE];
	int len = snprintf(text, sizeof(text), "%.*s %.*s %.*s", FW_STR_ARG(key->type),
	                   FW_STR_ARG(key->data), FW_STR_ARG(name));

	if (show->count == SHOW_KEYS_MAX || len < 0 || (size_t)len >= sizeof(text)) {
		return;
	}
	char *more = realloc(show->lines, show->len + (size_t)len + 2);
	if (more == NULL) {
		return;
	}
	show->lines = more;
	show->len += (size_t)snprintf(more + show->len, (size_t)len + 2, "%s\n", text);
	struct fw_json *row = fw_json_append_object(show->array);
	fw_json_set(row, "what", fw_str(what));
	fw_json_set(row, "name", name);
	fw_json_set(row, "key", fw_str(text));
	show->keys[show->count++] = row;
}

static void show_file(struct show *show, const char *what, const char *name, const char *path)
{
	struct tunnel_key *key = malloc(sizeof(*key));

	if (key != NULL && tunnel_key_read(path, key, NULL) == FW_OK) {
		show_key(show, what, fw_str(name), key);
	}
	free(key);
}

static bool show_core(void *ctx, const struct tunnel_key *key, struct fw_str name)
{
	show_key(ctx, "core", name, key);
	return true;
}

/* One line of ssh-keygen for each key, in order. */
static void show_told(void *ctx, bool good, const char *says)
{
	struct show *show = ctx;

	(void)good;
	if (show->call == NULL || says == NULL) {
		show_free(show);
		return;
	}
	for (size_t i = 0; i < show->count; i++) {
		const char *begin = strstr(says, "SHA256:");
		fw_json_set(show->keys[i], "fingerprint",
		            begin != NULL ? fw_str_n(begin, strcspn(begin, " \n")) : fw_str(""));
		says += strcspn(says, "\n");
		says += *says == '\n' ? 1 : 0;
	}
	fw_call_done(&show->call);
	show_free(show);
}

static void show_all_keys(struct show *show)
{
	const struct tunnel *tunnel = show->tunnel;
	const struct tunnel_edge_row *rows = tunnel->config->edges.items;
	const char *realm = fw_self_realm(tunnel->self);
	char path[TUNNEL_PATH_SIZE];

	if (tunnel->config->role == TUNNEL_LISTEN) {
		show_file(show, "host key", realm,
		          tunnel_path(tunnel, "host_ed25519.pub", "", "", path));
		(void)tunnel_authorized_each(tunnel, show_core, show, NULL);
		return;
	}
	show_file(show, "own key", realm, tunnel_path(tunnel, "id_ed25519.pub", "", "", path));
	for (size_t i = 0; i < tunnel->config->edges.count; i++) {
		show_file(show, "edge", rows[i].realm,
		          tunnel_edge_pin_path(tunnel, &rows[i], path));
	}
}

void tunnel_show(struct fw_self *self, struct fw_call *call)
{
	static const char *const words[] = { "-l", "-f", "-", NULL };
	struct show *show = calloc(1, sizeof(*show));
	struct fw_error err = { 0 };

	if (show == NULL) {
		fw_call_fail(&call, FW_ENOMEM, NULL, "out of memory");
		return;
	}
	show->tunnel = fw_self_state(self);
	show->call = call;
	tunnel_report(self, "status", fw_call_result(call));
	show->array = fw_json_set_array(fw_call_result(call), "keys");
	show_all_keys(show);
	if (show->count == 0) {
		fw_call_done(&call);
		show_free(show);
		return;
	}
	int ret = tunnel_tool_run(show->tunnel, words, show->lines, show_told, show, &err);
	if (ret != FW_OK) {
		fw_call_fail(&call, ret, NULL, "%s",
		             err.text[0] != '\0' ? err.text : fw_strerror(ret));
		show_free(show);
		return;
	}
	fw_call_on_cancel(call, show_forget, show);
}
