/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A request for other nodes: {"node": "edge-1"} gives the reply of that node as if it were ours,
 * {"all": true} gathers ours and those of all routers in the configuration, one object per node.
 * Called by control_call.c; also by troubleshoot.c, which compares what all nodes say.
 */
#include "router/control_nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fedway/jid.h>

#include "router/control_remote.h"
#include "router/fabric.h"

struct node_part {
	struct control_nodes *nodes;
	struct control_ask *ask;   /* under way, of another node … */
	struct control_call *call; /* … or of this one */
	struct fw_json *reply;     /* NULL while there is none */
	uint64_t asked_us, answered_us;
	char name[FW_DOMAIN_SIZE];
};

struct control_nodes {
	struct router *router;
	const struct control_nodes_events *events;
	void *ctx;
	struct control_nodes **handle;
	struct fw_task task;
	size_t count;
	struct node_part parts[];
};

static void nodes_free(struct control_nodes **nodes)
{
	struct control_nodes *old = *nodes;

	if (old == NULL) {
		return;
	}
	*nodes = NULL;
	for (size_t i = 0; i < old->count; i++) {
		control_ask_cancel(&old->parts[i].ask);
		control_cancel(&old->parts[i].call);
		fw_json_free(&old->parts[i].reply);
	}
	if (old->handle != NULL) {
		*old->handle = NULL;
	}
	fw_defer_cancel(&old->task);
	free(old);
}

void control_nodes_cancel(struct control_nodes **nodes)
{
	if (nodes != NULL) {
		nodes_free(nodes);
	}
}

static void refuse(struct node_part *part, const char *error, const char *remedy)
{
	part->reply = fw_json_new();
	fw_json_set_bool(part->reply, "ok", false);
	fw_json_set(part->reply, "error", fw_str(error));
	fw_json_set(part->reply, "remedy", fw_str(remedy));
}

/* @return false: all have answered */
static bool tell_waiting(const struct control_nodes *nodes)
{
	char realms[1024] = "";
	size_t used = 0;

	for (size_t i = 0; i < nodes->count && used < sizeof(realms); i++) {
		if (nodes->parts[i].reply == NULL) {
			used += (size_t)snprintf(realms + used, sizeof(realms) - used, "%s%s",
			                         used > 0 ? ", " : "", nodes->parts[i].name);
		}
	}
	if (used > 0 && nodes->handle != NULL) { /* not while they are being asked */
		nodes->events->waiting(nodes->ctx, realms);
	}
	return used > 0;
}

/* Tells the end when the last one is there; never from within the asking. */
static void part_is_there(struct node_part *part)
{
	struct control_nodes *nodes = part->nodes;

	part->answered_us = fw_now_us(nodes->router->loop);
	if (!tell_waiting(nodes)) {
		fw_defer(nodes->router->loop, &nodes->task);
	}
}

static void take_line(struct node_part *part, struct fw_str line)
{
	if (fw_json_parse(line, &part->reply, NULL) != FW_OK ||
	    fw_json_type(fw_json_get(part->reply, "ok")) != FW_JSON_BOOL) {
		fw_json_free(&part->reply);
		refuse(part, "the reply is not one of fedwayd's",
		       "compare the versions of both nodes");
	}
	part_is_there(part);
}

static void part_answered(void *ctx, struct fw_str line, enum fw_cause cause)
{
	struct node_part *part = ctx;
	const struct fw_cause_row *row = fw_cause_row(cause);
	char error[256], remedy[256];

	if (cause == FW_CAUSE_NONE) {
		take_line(part, line);
		return;
	}
	(void)snprintf(error, sizeof(error), "%.63s does not answer: %s: %s", part->name, row->name,
	               row->text);
	if (cause == FW_CAUSE_POLICY_DENIED) {
		(void)snprintf(remedy, sizeof(remedy),
		               "on %.63s set control = true in the row of routers for %.63s",
		               part->name, part->nodes->router->realm);
	} else {
		(void)snprintf(remedy, sizeof(remedy),
		               "fedwayctl routers shows the link to it, and what is wrong there");
	}
	refuse(part, error, remedy);
	part_is_there(part);
}

static void part_replied(void *ctx, char *line, bool last)
{
	struct node_part *part = ctx;

	if (last) {
		part->call = NULL;
		take_line(part, fw_str(line));
	}
	free(line);
}

static int ask_here(struct node_part *part, struct fw_str command, const struct fw_json *args)
{
	struct fw_json *request = fw_json_new();
	int ret = FW_ENOMEM;

	fw_json_set(request, "command", command);
	fw_json_set_copy(request, "args", args);
	char *line = request != NULL ? fw_json_dump(request, false) : NULL;
	if (line != NULL) {
		ret = control_ask(part->nodes->router, fw_str(line), part_replied, part,
		                  &part->call);
	}
	free(line);
	fw_json_free(&request);
	return ret;
}

static void nodes_end(void *ctx)
{
	struct control_nodes *nodes = ctx;

	if (nodes->handle != NULL) {
		*nodes->handle = NULL;
		nodes->handle = NULL;
	}
	nodes->events->done(nodes->ctx, nodes);
	nodes_free(&nodes);
}

static struct control_nodes *nodes_new(struct router *router, size_t count)
{
	struct control_nodes *nodes = calloc(1, sizeof(*nodes) + count * sizeof(nodes->parts[0]));

	if (nodes != NULL) {
		nodes->router = router;
		nodes->task.fn = nodes_end;
		nodes->task.ctx = nodes;
		nodes->count = count;
	}
	for (size_t i = 0; nodes != NULL && i < count; i++) {
		nodes->parts[i].nodes = nodes;
	}
	return nodes;
}

static void name_part(struct node_part *part, const char *realm)
{
	(void)snprintf(part->name, sizeof(part->name), "%s", realm);
}

/* One part per row of `routers`; the same realm once. */
static struct control_nodes *nodes_of_all(struct router *router)
{
	const struct fw_rows *rows = &router->config->router.routers;
	const struct config_peer *peers = rows->items;
	struct control_nodes *nodes = nodes_new(router, rows->count + 1);

	if (nodes == NULL) {
		return NULL;
	}
	name_part(&nodes->parts[0], router->realm);
	for (size_t i = 0; i < rows->count; i++) {
		name_part(&nodes->parts[i + 1], peers[i].realm);
	}
	return nodes;
}

/* Nobody but our own neighbours would answer. */
static void refuse_unknown(struct node_part *part)
{
	const struct fw_rows *rows = &part->nodes->router->config->router.routers;
	const struct config_peer *peers = rows->items;
	char error[128], remedy[512] = "name it in routers; there are:";

	(void)snprintf(error, sizeof(error), "no row of routers has the realm \"%.63s\"",
	               part->name);
	for (size_t i = 0; i < rows->count; i++) {
		size_t used = strlen(remedy);
		(void)snprintf(remedy + used, sizeof(remedy) - used, "%s %.63s", i > 0 ? "," : "",
		               peers[i].realm);
	}
	refuse(part, error, rows->count > 0 ? remedy : "name the others in routers");
	part_is_there(part);
}

/* Its link is down: a question would wait for the link, and the operator for both. */
static bool is_cut_off(const struct fabric_peer *peer)
{
	return peer->component == NULL || peer->component->suspended;
}

static int ask_each(struct control_nodes *nodes, struct fw_str command, const struct fw_json *args)
{
	int ret = FW_OK;

	for (size_t i = 0; ret == FW_OK && i < nodes->count; i++) {
		struct node_part *part = &nodes->parts[i];
		const struct fabric_peer *peer = fabric_find(nodes->router, fw_str(part->name));
		part->asked_us = fw_now_us(nodes->router->loop);
		if (strcmp(part->name, nodes->router->realm) == 0) {
			ret = ask_here(part, command, args);
		} else if (peer == NULL || nodes->router->remote == NULL) {
			refuse_unknown(part);
		} else if (is_cut_off(peer)) {
			part_answered(part, fw_str(NULL),
			              peer->last_cause != FW_CAUSE_NONE ? peer->last_cause
			                                                : FW_CAUSE_LINK_LOST);
		} else {
			ret = control_ask_realm(nodes->router, part->name, command, args,
			                        part_answered, part, &part->ask);
		}
	}
	return ret;
}

int control_nodes_ask(struct router *router, const char *realm, struct fw_str command,
                      const struct fw_json *args, const struct control_nodes_events *events,
                      void *ctx, struct control_nodes **out)
{
	struct control_nodes *nodes = realm != NULL ? nodes_new(router, 1) : nodes_of_all(router);

	if (nodes == NULL) {
		return FW_ENOMEM;
	}
	if (realm != NULL) {
		name_part(&nodes->parts[0], realm);
	}
	nodes->events = events;
	nodes->ctx = ctx;
	int ret = ask_each(nodes, command, args);
	if (ret != FW_OK) {
		nodes_free(&nodes);
		return ret;
	}
	nodes->handle = out;
	*out = nodes;
	(void)tell_waiting(nodes);
	return FW_OK;
}

/* ---- what they said ---- */

size_t control_nodes_count(const struct control_nodes *nodes)
{
	return nodes->count;
}

const char *control_nodes_realm(const struct control_nodes *nodes, size_t index)
{
	return nodes->parts[index].name;
}

const struct fw_json *control_nodes_reply(const struct control_nodes *nodes, size_t index)
{
	return nodes->parts[index].reply;
}

uint64_t control_nodes_took_us(const struct control_nodes *nodes, size_t index)
{
	return nodes->parts[index].answered_us - nodes->parts[index].asked_us;
}

uint64_t control_nodes_ago_us(const struct control_nodes *nodes, size_t index)
{
	return fw_now_us(nodes->router->loop) - nodes->parts[index].answered_us;
}
