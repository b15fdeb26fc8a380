/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The values that the node has learned: kept, checked, told to those who use them. Called by
 * host_services.c for components and by the router's own rooms. The meaning of a key is its users'
 * business, but for "domains", which the router's own list follows.
 */
#include "router/state.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/config_json.h"
#include "router/domains.h"
#include "router/notices.h"
#include "router/state_file.h"

struct node_state {
	struct router *router;
	struct fw_json *values; /* one member per key */
	char *text;             /* of the file with these values */
	struct fw_timer *again; /* after a file that could not be written */
};

enum { STATE_DEPTH_MAX = 14, STATE_AGAIN_MS = 30000 };

/* ---- checks ---- */

static int check_name(const char *name, struct fw_error *err)
{
	char quoted[128];

	if (config_json_is_name(name)) {
		return FW_OK;
	}
	return fw_error_set(err, FW_EINVAL,
	                    "%s is not a name: a letter, then letters, digits, '-' and '_', 63 at "
	                    "most",
	                    fw_quote(fw_str(name), quoted, sizeof(quoted)));
}

static int check_value(const char *name, const struct fw_json *value, unsigned depth,
                       struct fw_error *err)
{
	enum fw_json_type type = fw_json_type(value);
	bool in_array = type == FW_JSON_ARRAY;
	int ret = FW_OK;

	if (type == FW_JSON_NULL) {
		return fw_error_set(err, FW_EINVAL, "%s holds a null", name);
	}
	if (type == FW_JSON_STRING && strlen(fw_json_text(value).ptr) != fw_json_text(value).len) {
		return fw_error_set(err, FW_EINVAL, "%s holds a text with a zero byte", name);
	}
	if (depth > STATE_DEPTH_MAX) {
		return fw_error_set(err, FW_EINVAL, "%s is deeper than %d containers", name,
		                    STATE_DEPTH_MAX);
	}
	for (size_t i = 0; ret == FW_OK && i < fw_json_count(value); i++) {
		const struct fw_json *item = fw_json_at(value, i);
		enum fw_json_type of = fw_json_type(item);
		if (in_array && of != FW_JSON_STRING && of != FW_JSON_OBJECT) {
			return fw_error_set(err, FW_EINVAL,
			                    "%s: an array holds texts or objects, nothing else",
			                    name);
		}
		ret = in_array ? FW_OK : check_name(fw_json_key_at(value, i), err);
		ret = ret == FW_OK ? check_value(name, item, depth + 1, err) : ret;
	}
	return ret;
}

static int check(const char *key, const struct fw_json *value, struct fw_error *err)
{
	int ret = check_name(key, err);

	if (ret == FW_OK && value != NULL) {
		ret = check_value(key, value, 1, err);
	}
	if (ret == FW_OK && strcmp(key, "domains") == 0) {
		ret = domains_check_learned(value, err);
	}
	return ret;
}

/* ---- on disk ---- */

static void write_now(void *ctx)
{
	struct node_state *state = ctx;
	struct router *router = state->router;
	const char *path = router->config->router.state_file;
	struct fw_error err = { 0 };

	if (path[0] == '\0') {
		return;
	}
	if (state_file_write(path, state->text, &err) == FW_OK) {
		notices_clear(router, "state-file");
		return;
	}
	notices_set(router, "state-file", FW_NOTICE_YELLOW,
	            "give fedwayd room on the disk and the right to write there; it tries again "
	            "every 30 s",
	            "what this node learns is kept in memory only: %s", err.text);
	fw_timer_start_ms(state->again, STATE_AGAIN_MS, 0);
}

bool state_is_kept(const struct router *router)
{
	return router->config->router.state_file[0] != '\0' &&
	       !fw_timer_running(router->state->again);
}

/* What a file says that somebody may have edited. */
static int check_all(const char *path, const struct fw_json *values, struct fw_error *err)
{
	struct fw_error why = { 0 };

	for (size_t i = 0; i < fw_json_count(values); i++) {
		const char *key = fw_json_key_at(values, i);
		int ret = check(key, fw_json_at(values, i), &why);
		if (ret != FW_OK) {
			return state_file_refuse(path, why.text, err);
		}
	}
	return FW_OK;
}

static int read_file(struct node_state *state, struct fw_error *err)
{
	const char *path = state->router->config->router.state_file;
	int ret = FW_OK;

	if (path[0] != '\0') {
		ret = state_file_read(path, state->router->realm, &state->values, err);
	}
	if (ret == FW_OK) {
		ret = check_all(path, state->values, err);
	}
	if (ret != FW_OK || state->values != NULL) {
		return ret;
	}
	state->values = fw_json_new();
	state->text = state_file_text(state->router->realm, state->values);
	if (state->text == NULL) {
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	write_now(state); /* a folder that is missing shows now, not when it matters */
	return FW_OK;
}

/* ---- values ---- */

const struct fw_json *state_get(const struct router *router, const char *key)
{
	return router->state != NULL ? fw_json_get(router->state->values, key) : NULL;
}

/* Takes the value and looks at the text of the whole, which has a limit. */
static int try_value(const struct router *router, const char *key, const struct fw_json *value,
                     char **text)
{
	struct node_state *state = router->state;

	fw_json_set_copy(state->values, key, value);
	*text = state_file_text(router->realm, state->values);
	if (*text == NULL) {
		return FW_ENOMEM;
	}
	return strlen(*text) <= STATE_FILE_MAX ? FW_OK : FW_ELIMIT;
}

static int replace(struct router *router, const char *key, const struct fw_json *value,
                   struct fw_error *err)
{
	struct fw_json *both = fw_json_new();
	char *text = NULL;
	int ret = FW_ENOMEM;

	if (both == NULL) {
		goto done;
	}
	fw_json_set_copy(both, "old", state_get(router, key));
	fw_json_set_copy(both, "new", value); /* which may be a part of the old one */
	text = fw_json_dump(both, false);
	if (text == NULL) { /* whoever made it ran out of memory: it is not whole */
		goto done;
	}
	free(text);
	text = NULL;
	ret = try_value(router, key, fw_json_get(both, "new"), &text);
	if (ret == FW_OK && strcmp(key, "domains") == 0) {
		ret = domains_relearn(router, err);
	}
	if (ret != FW_OK) {
		fw_json_set_copy(router->state->values, key, fw_json_get(both, "old"));
		goto done;
	}
	free(router->state->text);
	router->state->text = text;
	text = NULL;
done:
	free(text);
	fw_json_free(&both);
	if (ret == FW_ELIMIT) {
		return fw_error_set(err, ret, "with \"%s\" there is more than %u bytes to keep",
		                    key, STATE_FILE_MAX);
	}
	return ret == FW_OK ? ret : fw_error_set(err, ret, "\"%s\": %s", key, fw_strerror(ret));
}

int state_set(struct router *router, const struct component *by, const char *key,
              const struct fw_json *value, struct fw_error *err)
{
	char service[96];
	int ret = check(key, value, err);

	if (ret != FW_OK) {
		return ret;
	}
	if (by != NULL && strcmp(key, "federation") == 0) {
		return fw_error_set(err, FW_EDENIED, "\"federation\" is the router's own");
	}
	if (fw_json_equal(state_get(router, key), value)) {
		return FW_OK;
	}
	ret = replace(router, key, value, err);
	if (ret != FW_OK) {
		return ret;
	}
	write_now(router->state);
	(void)snprintf(service, sizeof(service), "state.%s", key);
	router_announce(router, service, by);
	return FW_OK;
}

/* ---- coming up and going down ---- */

int state_start(struct router *router, struct fw_error *err)
{
	struct node_state *state = calloc(1, sizeof(*state));

	if (state == NULL) {
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	router->state = state;
	state->router = router;
	int ret = fw_timer_new(router->loop, write_now, state, &state->again);
	if (ret == FW_OK) {
		ret = read_file(state, err);
	}
	if (ret != FW_OK) {
		state_stop(router);
	}
	return ret;
}

void state_stop(struct router *router)
{
	if (router->state != NULL) {
		fw_timer_free(&router->state->again);
		fw_json_free(&router->state->values);
		free(router->state->text);
		free(router->state);
		router->state = NULL;
	}
}
