/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The values that the node has learned: kept, checked, told to those who use them. Called by
 * host_services.c for components and by the router's own rooms. The meaning of a key is its users'
 * business, but for "domains", which the router's own list follows.
 */
#include "router/state.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "router/domains.h"

struct node_state {
	struct fw_json *values; /* one member per key */
};

enum { STATE_DEPTH_MAX = 14, STATE_KEY_MAX = 63 };

/* ---- checks ---- */

/* A name that the state file's grammar knows. */
static bool name_is_good(const char *name)
{
	if (!isalpha((unsigned char)name[0]) || strlen(name) > STATE_KEY_MAX) {
		return false;
	}
	for (const char *at = name; *at != '\0'; at++) {
		if (!isalnum((unsigned char)*at) && *at != '-' && *at != '_') {
			return false;
		}
	}
	return true;
}

static int check_name(const char *name, struct fw_error *err)
{
	char quoted[128];

	if (name_is_good(name)) {
		return FW_OK;
	}
	return fw_error_set(err, FW_EINVAL,
	                    "%s is not a name: a letter, then letters, digits, '-' and '_', %d at "
	                    "most",
	                    fw_quote(fw_str(name), quoted, sizeof(quoted)), STATE_KEY_MAX);
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

/* ---- values ---- */

const struct fw_json *state_get(const struct router *router, const char *key)
{
	return router->state != NULL ? fw_json_get(router->state->values, key) : NULL;
}

/* The values with that one replaced; NULL when out of memory. */
static int replace(struct node_state *state, const char *key, const struct fw_json *value)
{
	fw_json_set_copy(state->values, key, value);
	char *text = fw_json_dump(state->values, false);
	int ret = text != NULL ? FW_OK : FW_ENOMEM;

	free(text);
	return ret;
}

int state_set(struct router *router, const struct component *by, const char *key,
              const struct fw_json *value, struct fw_error *err)
{
	char service[STATE_KEY_MAX + sizeof("state.")];
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
	ret = replace(router->state, key, value);
	if (ret != FW_OK) {
		return fw_error_set(err, ret, "out of memory");
	}
	if (strcmp(key, "domains") == 0) {
		ret = domains_relearn(router, err);
	}
	(void)snprintf(service, sizeof(service), "state.%s", key);
	router_announce(router, service, by);
	return ret;
}

/* ---- coming up and going down ---- */

int state_start(struct router *router, struct fw_error *err)
{
	struct node_state *state = calloc(1, sizeof(*state));

	if (state == NULL || (state->values = fw_json_new()) == NULL) {
		free(state);
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	router->state = state;
	return FW_OK;
}

void state_stop(struct router *router)
{
	if (router->state != NULL) {
		fw_json_free(&router->state->values);
		free(router->state);
		router->state = NULL;
	}
}
