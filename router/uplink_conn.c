/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One uplink as a component of this router: its port, its domains, its channel. When it does what
 * is decided in uplink_states.c. The domains are held only while it is up, so that stanzas for them
 * bounce at once instead of waiting for a server that may not come back.
 */
#include "router/uplink_conn.h"

#include <stdio.h>
#include <stdlib.h>

#include "router/link.h"
#include "router/route_table.h"
#include "router/uplink_states.h"

static struct fw_logger uplink_log = FW_LOGGER("router.uplink");

uint32_t uplink_delay_ms(uint32_t min_ms, uint32_t max_ms, uint32_t failures, uint32_t random)
{
	uint64_t delay = min_ms > 0 ? min_ms : 1;

	for (uint32_t i = 1; i < failures && delay < max_ms; i++) {
		delay *= 2;
	}
	if (delay > max_ms && max_ms >= min_ms) {
		delay = max_ms;
	}
	delay -= random % (delay / 2 + 1);
	return delay > 0 ? (uint32_t)delay : 1;
}

static void conn_opened(void *ctx, const struct fw_stream_header *header)
{
	struct uplink *uplink = ctx;

	fw_machine_send(&uplink->machine, UPLINK_EVENT_OPENED, (void *)header);
}

static void conn_element(void *ctx, struct fw_stanza **stanza)
{
	struct uplink *uplink = ctx;

	/* A stream error is the cause of the end that follows, not an event of its own. */
	if (link_is_stream_error(*stanza)) {
		return;
	}
	fw_machine_send(&uplink->machine, UPLINK_EVENT_ELEMENT, stanza);
}

static void conn_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	struct uplink *uplink = ctx;
	struct uplink_closed closed = { cause, detail };

	fw_machine_send(&uplink->machine, UPLINK_EVENT_CLOSED, &closed);
}

static const struct fw_channel_events conn_events = {
	.opened = conn_opened,
	.element = conn_element,
	.closed = conn_closed,
};

int uplink_open_channel(struct uplink *uplink)
{
	struct fw_stream_settings settings = {
		.content_ns = FW_NS_COMPONENT,
		.limits = FW_XML_LIMITS_DEFAULT,
	};

	settings.limits.stanza_max_bytes = uplink->router->config->router.stanza_max_bytes;
	return fw_channel_new(uplink->router->loop, &uplink->fd, &settings, &conn_events, uplink,
	                      &uplink->channel);
}

void uplink_join(struct uplink *uplink)
{
	uplink->up_ms = fw_now_ms(uplink->router->loop);
	component_up(uplink->component);
	component_bind_row(uplink->component, &uplink->row->domains);
}

void uplink_leave(struct uplink *uplink, enum fw_cause cause)
{
	const struct fw_strings *domains = &uplink->row->domains;
	struct fw_stanza *unsent;

	if (uplink->up_ms != 0) {
		uplink->up_ms = 0;
		if (uplink->component->state == COMPONENT_UP) {
			uplink->component->state = COMPONENT_STARTING;
		}
		for (size_t i = 0; i < domains->count; i++) {
			(void)component_unbind(uplink->component, domains->items[i]);
		}
	}
	while (uplink->channel != NULL &&
	       (unsent = fw_channel_take_back(uplink->channel)) != NULL) {
		router_bounce(uplink->router, &unsent, cause);
	}
}

void uplink_route(struct uplink *uplink, struct fw_stanza **stanza)
{
	char name[64];

	if (fw_stanza_kind(*stanza) == FW_KIND_OTHER) {
		fw_log(uplink->log, &uplink_log, FW_LOG_INFO, "element ignored name=%s",
		       fw_quote(fw_stanza_name(*stanza), name, sizeof(name)));
		return;
	}
	(void)router_route(uplink->component, stanza);
}

static int uplink_deliver(void *port, struct fw_stanza **stanza)
{
	struct uplink *uplink = port;
	const struct config_router *limits = &uplink->router->config->router;
	size_t stanzas, bytes;

	if (uplink->up_ms == 0 || fw_channel_closing(uplink->channel)) {
		router_bounce(uplink->router, stanza,
		              uplink->draining ? FW_CAUSE_COMPONENT_DRAINING
		                               : FW_CAUSE_COMPONENT_GONE);
		return FW_OK;
	}
	fw_channel_queued(uplink->channel, &stanzas, &bytes);
	if (stanzas >= limits->link_queue_max_stanzas ||
	    (stanzas > 0 && bytes + fw_stanza_size(*stanza) > limits->link_queue_max_bytes)) {
		return FW_ELIMIT;
	}
	fw_channel_send(uplink->channel, stanza);
	return FW_OK;
}

static void report_counts(const struct uplink *uplink, struct fw_json *out)
{
	const struct fw_stream_counts *counts = fw_channel_counts(uplink->channel);
	size_t stanzas, bytes;

	fw_channel_queued(uplink->channel, &stanzas, &bytes);
	fw_json_set_int(out, "queued_stanzas", (int64_t)stanzas);
	fw_json_set_int(out, "queued_bytes", (int64_t)bytes);
	fw_json_set_int(out, "stanzas_in", (int64_t)counts->stanzas_in);
	fw_json_set_int(out, "stanzas_out", (int64_t)counts->stanzas_out);
	fw_json_set_int(out, "bytes_in", (int64_t)counts->bytes_in);
	fw_json_set_int(out, "bytes_out", (int64_t)counts->bytes_out);
}

static void uplink_report(void *port, const char *topic, struct fw_json *out)
{
	struct uplink *uplink = port;
	uint64_t now = fw_now_ms(uplink->router->loop);
	char peer[FW_ADDR_TEXT_SIZE];

	if (strcmp(topic, "streams") == 0) {
		out = fw_json_append_object(fw_json_set_array(out, "streams"));
	}
	fw_json_set(out, "name", fw_str(uplink->row->name));
	fw_json_set(out, "peer", fw_str(fw_addr_text(&uplink->addr, peer)));
	fw_json_set(out, "dialect", fw_str("xep-0114"));
	fw_json_set(out, "state", fw_str(fw_machine_state_name(&uplink->machine)));
	fw_json_set_int(out, "failures", uplink->failures);
	if (uplink->last_cause != FW_CAUSE_NONE) {
		fw_json_set(out, "last_cause", fw_str(fw_cause_row(uplink->last_cause)->name));
		fw_json_set(out, "last_detail", fw_str(uplink->last_detail));
	}
	if (uplink->up_ms != 0) {
		fw_json_set_int(out, "up_ms", (int64_t)(now - uplink->up_ms));
		fw_json_set_int(out, "idle_ms",
		                (int64_t)(now - fw_channel_last_ms(uplink->channel)));
		report_counts(uplink, out);
	}
}

static void uplink_end(struct uplink *uplink, enum fw_cause cause)
{
	uplink->draining = true;
	uplink->last_cause = cause;
	uplink->last_detail[0] = '\0';
	fw_machine_send(&uplink->machine, UPLINK_EVENT_END, NULL);
}

/* What is queued is still written before the footer; component_drained() follows in uplink_over().
 */
static void uplink_drain(void *port)
{
	struct uplink *uplink = port;

	uplink->drain_asked = true;
	if (uplink->machine.state == UPLINK_ENDED) {
		fw_defer(uplink->router->loop, &uplink->ended_task);
	} else {
		uplink_end(uplink, FW_CAUSE_SHUTDOWN);
	}
}

static const struct component_port uplink_port = {
	.kind = "uplink",
	.deliver = uplink_deliver,
	.report = uplink_report,
	.drain = uplink_drain,
};

static void uplink_over(void *ctx)
{
	struct uplink *uplink = ctx;

	if (uplink->removed) {
		uplink->ended(uplink);
	} else if (uplink->drain_asked) {
		component_drained(uplink->component);
	}
}

int uplink_new(struct router *router, const struct config_uplink *row, uint32_t number,
               struct uplink **out, struct fw_error *err)
{
	int ret = FW_ENOMEM;
	char id[512];
	struct uplink *uplink = calloc(1, sizeof(*uplink));

	if (uplink == NULL) {
		goto done;
	}
	uplink->router = router;
	uplink->row = row;
	uplink->number = number;
	uplink->fd = -1;
	uplink->ended_task.fn = uplink_over;
	uplink->ended_task.ctx = uplink;
	ret = fw_addr_parse(row->host, row->port, &uplink->addr);
	if (ret != FW_OK) {
		ret = fw_error_set(err, FW_EINVAL,
		                   "uplink \"%s\": host \"%s\" is not an IP address", row->name,
		                   row->host);
		goto done;
	}
	(void)snprintf(id, sizeof(id), "uplink-%u.%s", number, router->realm);
	ret = fw_log_child(router->log, &uplink->log, "uplink-%u", number);
	if (ret != FW_OK) {
		goto done;
	}
	ret = component_add(router, id, false, &uplink_port, uplink, &uplink->component);
	if (ret != FW_OK) {
		ret = fw_error_set(err, ret, "uplink \"%s\": no component %s: %s", row->name, id,
		                   fw_strerror(ret));
		goto done;
	}
	uplink->component->priority = row->priority;
	uplink->component->weight = row->weight;
	uplink->component->check_from = row->check_from;
	*out = uplink;
	uplink = NULL;
done:
	uplink_free(&uplink, FW_CAUSE_INTERNAL);
	return ret;
}

int uplink_begin(struct uplink *uplink)
{
	return fw_machine_start(&uplink->machine, uplink_states, UPLINK_STATE_COUNT, UPLINK_CONNECT,
	                        uplink->router->loop, uplink);
}

void uplink_reattach(struct uplink *uplink)
{
	uplink->last_cause = FW_CAUSE_CONFIG_CLOSED;
	fw_machine_send(&uplink->machine, UPLINK_EVENT_END, NULL);
}

void uplink_retire(struct uplink *uplink)
{
	uplink->draining = true;
	if (uplink->up_ms == 0) {
		uplink_end(uplink, FW_CAUSE_SHUTDOWN);
	}
}

void uplink_remove(struct uplink *uplink, void (*ended)(struct uplink *uplink))
{
	uplink->removed = true;
	uplink->ended = ended;
	uplink_leave(uplink, FW_CAUSE_CONFIG_CLOSED);
	uplink->last_row.name = "";
	uplink->last_row.host = "";
	uplink->last_row.retry_max_ms = uplink->row->retry_max_ms;
	uplink->row = &uplink->last_row;
	uplink_end(uplink, FW_CAUSE_CONFIG_CLOSED);
}

void uplink_free(struct uplink **uplink, enum fw_cause cause)
{
	struct uplink *old = *uplink;

	if (old == NULL) {
		return;
	}
	*uplink = NULL;
	fw_defer_cancel(&old->ended_task);
	fw_machine_stop(&old->machine);
	if (old->component != NULL) {
		uplink_leave(old, cause);
		component_remove(&old->component);
	}
	fw_io_remove(&old->io);
	if (old->fd >= 0) {
		fw_socket_close(&old->fd);
	}
	fw_channel_free(&old->channel);
	fw_log_free(&old->log);
	free(old);
}

void uplink_reload(struct uplink *uplink, const struct config_uplink *row)
{
	const struct config_uplink *old = uplink->row;

	uplink->row = row;
	uplink->component->check_from = row->check_from;
	uplink->component->last_generation = 0; /* what was found with the old check_from */
	uplink->component->priority = row->priority;
	uplink->component->weight = row->weight;
	route_table_reorder(uplink->router->routes, uplink->component);
	if (uplink->up_ms != 0) {
		component_rebind_row(uplink->component, &old->domains, &row->domains);
	}
}
