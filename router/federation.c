/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Decides which word about federation was the last one, and remembers it: the state key
 * "federation" has the switch, who set it and when, and what the configuration said then. As long
 * as the configuration says the same, the command holds, through reloads and restarts. What the
 * switch does to stanzas is lookup.c and ingress.c; the default route is the fabric's.
 */
#include "router/federation.h"

#include <time.h>

#include "router/state.h"

static struct fw_logger xcp_log = FW_LOGGER("xconfiguration");

bool router_federation_is_on(const struct router *router)
{
	return router->federation;
}

bool federation_is_off(const struct router *router)
{
	const struct fw_json *edges = state_get(router, "edges");
	size_t count = fw_json_count(edges);
	size_t off = 0;

	for (size_t i = 0; i < count; i++) {
		const struct fw_json *said = fw_json_get(fw_json_at(edges, i), "federation");
		off += said != NULL && !fw_json_bool(said) ? 1 : 0;
	}
	return !router->federation || (count > 0 && off == count);
}

static void log_change(const struct router *router, bool from, bool to, const char *by)
{
	fw_log(router->log, &xcp_log, FW_LOG_NOTICE,
	       "xconfiguration xcpConfiguration is_federation_enabled - changed from: %d to: %d "
	       "by='%s'",
	       from, to, by);
}

/* RFC 3339, in UTC */
static void text_now(char out[32])
{
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
		out[0] = '\0';
	}
}

static int remember(struct router *router, bool on, const char *by, struct fw_error *err)
{
	struct fw_json *document = fw_json_new();
	struct fw_json *value = fw_json_set_object(document, "federation");
	char at[32];

	text_now(at);
	fw_json_set_bool(value, "on", on);
	fw_json_set(value, "by", fw_str(by));
	fw_json_set(value, "at", fw_str(at));
	fw_json_set_bool(value, "configured", router->config->router.federation);
	int ret = value != NULL ? state_set(router, NULL, "federation", value, err)
	                        : fw_error_set(err, FW_ENOMEM, "out of memory");
	fw_json_free(&document);
	return ret;
}

int federation_switch(struct router *router, bool on, const char *by, struct fw_error *err)
{
	bool was = router->federation;

	if (on == was) {
		return FW_OK;
	}
	router->federation = on; /* before anybody is told */
	int ret = remember(router, on, by, err);
	if (ret != FW_OK) {
		router->federation = was;
		return ret;
	}
	log_change(router, was, on, by);
	return FW_OK;
}

/* The configuration says what it said when the value was set: then that was the last word. */
static bool still_holds(const struct router *router, const struct fw_json *value)
{
	return fw_json_bool(fw_json_get(value, "configured")) == router->config->router.federation;
}

static int settle(struct router *router, struct fw_error *err)
{
	const struct fw_json *value = state_get(router, "federation");
	bool configured = router->config->router.federation;
	bool was = value != NULL ? fw_json_bool(fw_json_get(value, "on")) : true;

	if (value != NULL && still_holds(router, value)) {
		router->federation = was;
		return FW_OK;
	}
	router->federation = configured;
	if (value == NULL && configured) {
		return FW_OK; /* as it is without any word */
	}
	int ret = remember(router, configured, "the configuration", err);
	if (was != configured) {
		log_change(router, was, configured, "the configuration");
	}
	return ret;
}

int federation_start(struct router *router, struct fw_error *err)
{
	return settle(router, err);
}

void federation_apply(struct router *router)
{
	struct fw_error err = { 0 };

	if (settle(router, &err) != FW_OK) {
		fw_log(router->log, &xcp_log, FW_LOG_ERROR,
		       "the switch holds but cannot be remembered reason=\"%s\"", err.text);
	}
}
