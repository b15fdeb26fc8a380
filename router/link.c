/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One attached component: stanzas from its socket go to the router, stanzas for it go to its queue,
 * and when it ends, what is still queued goes back to the senders with the cause. The way of a
 * stanza through here allocates nothing. Who may attach is link_hello.c's business.
 */
#include "router/link.h"

#include <stdlib.h>

#include <fedway/jid.h>

#include "router/route_table.h"

static struct fw_logger link_log = FW_LOGGER("router.link");

/* Takes it off the router and returns its queue. The channel may live on to say goodbye. */
static void link_leave(struct link *link, enum fw_cause cause)
{
	struct router *router = link->room->router;
	struct fw_stanza *unsent;

	if (link->component == NULL) {
		return;
	}
	if (link->name != NULL) {
		*link->name_prev = link->name_next;
		if (link->name_next != NULL) {
			link->name_next->name_prev = link->name_prev;
		}
		link->name = NULL;
	}
	if (link->draining) {
		component_drained(link->component);
	}
	component_remove(&link->component);
	while ((unsent = fw_channel_take_back(link->channel)) != NULL) {
		router_bounce(router, &unsent, cause);
	}
}

void link_free(struct link **link, enum fw_cause cause)
{
	struct link *old = *link;

	if (old == NULL) {
		return;
	}
	*link = NULL;
	link_leave(old, cause);
	*old->prev = old->next;
	if (old->next != NULL) {
		old->next->prev = old->prev;
	}
	old->room->link_count--;
	fw_channel_free(&old->channel);
	free(old);
}

void link_end(struct link *link, enum fw_cause cause)
{
	link_leave(link, cause);
	fw_channel_close(link->channel, cause);
}

/* What is no stanza is neither routed nor answered: RFC 6120 §4.8.4 lets a server ignore it. */
static void link_ignore(struct link *link, const struct fw_stanza *stanza)
{
	char name[64];

	if (link_is_stream_error(stanza)) {
		return;
	}
	link->ignored++;
	fw_log(link->room->router->log, &link_log, FW_LOG_INFO,
	       "element ignored session=%u name=%s%s", link->session,
	       fw_quote(fw_stanza_name(stanza), name, sizeof(name)),
	       link->component == NULL ? " reason=\"the link has ended\"" : "");
}

static void link_element(void *ctx, struct fw_stanza **stanza)
{
	struct link *link = ctx;

	if (link->component == NULL || fw_stanza_kind(*stanza) == FW_KIND_OTHER) {
		link_ignore(link, *stanza);
		return;
	}
	(void)router_route(link->component, stanza);
}

static int link_deliver(void *port, struct fw_stanza **stanza)
{
	struct link *link = port;
	const struct config_router *limits = &link->room->router->config->router;
	size_t stanzas, bytes;

	fw_channel_queued(link->channel, &stanzas, &bytes);
	if (stanzas >= limits->link_queue_max_stanzas ||
	    (stanzas > 0 && bytes + fw_stanza_size(*stanza) > limits->link_queue_max_bytes)) {
		return FW_ELIMIT;
	}
	if (fw_channel_closing(link->channel)) {
		router_bounce(link->room->router, stanza,
		              link->draining ? FW_CAUSE_COMPONENT_DRAINING
		                             : FW_CAUSE_COMPONENT_GONE);
		return FW_OK;
	}
	fw_channel_send(link->channel, stanza);
	return FW_OK;
}

/* Ten thousand links may be asked at once, so "status" is short; the rest is under "streams". */
static void link_report(void *port, const char *topic, struct fw_json *out)
{
	struct link *link = port;
	const struct fw_stream_counts *counts = fw_channel_counts(link->channel);
	uint64_t now = fw_now_ms(link->room->router->loop);
	char peer[FW_ADDR_TEXT_SIZE];
	size_t stanzas, bytes;

	fw_addr_text(fw_channel_peer(link->channel), peer);
	fw_channel_queued(link->channel, &stanzas, &bytes);
	if (strcmp(topic, "streams") != 0) {
		fw_json_set(out, "peer", fw_str(peer));
		fw_json_set_int(out, "queued_stanzas", (int64_t)stanzas);
		return;
	}
	out = fw_json_append_object(fw_json_set_array(out, "streams"));
	fw_json_set(out, "peer", fw_str(peer));
	fw_json_set(out, "dialect", fw_str("xep-0114"));
	fw_json_set(out, "state", fw_str(fw_channel_closing(link->channel) ? "closing" : "up"));
	fw_json_set_int(out, "session", link->session);
	fw_json_set_int(out, "up_ms", (int64_t)(now - link->since_ms));
	fw_json_set_int(out, "idle_ms", (int64_t)(now - fw_channel_last_ms(link->channel)));
	fw_json_set_int(out, "queued_stanzas", (int64_t)stanzas);
	fw_json_set_int(out, "queued_bytes", (int64_t)bytes);
	fw_json_set_int(out, "stanzas_in", (int64_t)counts->stanzas_in);
	fw_json_set_int(out, "stanzas_out", (int64_t)counts->stanzas_out);
	fw_json_set_int(out, "bytes_in", (int64_t)counts->bytes_in);
	fw_json_set_int(out, "bytes_out", (int64_t)counts->bytes_out);
	fw_json_set_int(out, "ignored", link->ignored);
}

/* The channel still writes what is queued before the footer; the rest comes back in link_closed().
 */
static void link_drain(void *port)
{
	struct link *link = port;

	link->draining = true;
	fw_channel_close(link->channel, FW_CAUSE_SHUTDOWN);
}

static const struct component_port link_port = {
	.kind = "link",
	.deliver = link_deliver,
	.report = link_report,
	.drain = link_drain,
};

static void link_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	struct link *link = ctx;
	const struct fw_stream_counts *counts = fw_channel_counts(link->channel);
	char peer[FW_ADDR_TEXT_SIZE], words[128];

	fw_log(link->room->router->log, &link_log, FW_LOG_INFO,
	       "link closed session=%u peer=%s cause=%s text=\"%s\" detail=%s in=%llu out=%llu",
	       link->session, fw_addr_text(fw_channel_peer(link->channel), peer),
	       fw_cause_row(cause)->name, fw_cause_row(cause)->text,
	       fw_quote(fw_str(detail), words, sizeof(words)),
	       (unsigned long long)counts->stanzas_in, (unsigned long long)counts->stanzas_out);
	link_free(&link, link->draining ? FW_CAUSE_SHUTDOWN : FW_CAUSE_COMPONENT_GONE);
}

static const struct fw_channel_events link_events = {
	.opened = NULL,
	.element = link_element,
	.closed = link_closed,
};

static void link_set_limits(struct link *link, const struct config_router *router)
{
	struct fw_xml_limits limits = FW_XML_LIMITS_DEFAULT;

	limits.stanza_max_bytes = router->stanza_max_bytes;
	fw_channel_set_limits(link->channel, &limits);
}

/* A domain that cannot be bound does not cost the link: the operator is told, the others work. */
static void link_bind(struct link *link, const char *domain)
{
	struct fw_error err = { 0 };

	if (fw_domain_eq(fw_str(domain), fw_str(link->component->id))) {
		return; /* its name is bound already */
	}
	if (component_bind(link->component, domain, &err) != FW_OK) {
		fw_log(link->room->router->log, &link_log, FW_LOG_ERROR,
		       "domain not bound link=%s domain=%s reason=\"%s\"", link->component->id,
		       domain, err.text);
	}
}

static int link_attach(struct link *link, const struct config_link *row, enum fw_cause *cause)
{
	int ret =
	        component_add(link->room->router, row->name, row->conflict == CONFIG_CONFLICT_SHARE,
	                      &link_port, link, &link->component);

	if (ret != FW_OK) {
		*cause = ret == FW_EEXIST ? FW_CAUSE_CONFLICT : FW_CAUSE_RESOURCES;
		return ret;
	}
	link->component->priority = row->priority;
	link->component->weight = row->weight;
	link->component->check_from = row->check_from;
	for (size_t i = 0; i < row->domains.count; i++) {
		link_bind(link, row->domains.items[i]);
	}
	component_up(link->component);
	return FW_OK;
}

static void link_enlist(struct link *link, struct link_name *name)
{
	struct link_room *room = link->room;

	link->next = room->links;
	link->prev = &room->links;
	if (link->next != NULL) {
		link->next->prev = &link->next;
	}
	room->links = link;
	room->link_count++;
	link->name = name;
	link->name_next = name->links;
	link->name_prev = &name->links;
	if (link->name_next != NULL) {
		link->name_next->name_prev = &link->name_next;
	}
	name->links = link;
}

int link_add(struct link_room *room, struct link_name *name, uint32_t session,
             struct fw_channel **channel, enum fw_cause *cause)
{
	char peer[FW_ADDR_TEXT_SIZE];
	int ret = FW_ENOMEM;
	struct link *link = calloc(1, sizeof(*link));

	*cause = FW_CAUSE_RESOURCES;
	if (link == NULL) {
		goto done;
	}
	if (name->row->conflict == CONFIG_CONFLICT_REPLACE) {
		while (name->links != NULL) {
			link_end(name->links, FW_CAUSE_REPLACED);
		}
	} else if (name->row->conflict == CONFIG_CONFLICT_REFUSE && name->links != NULL) {
		*cause = FW_CAUSE_CONFLICT;
		ret = FW_EEXIST;
		goto done;
	}
	link->room = room;
	link->session = session;
	link->since_ms = fw_now_ms(room->router->loop);
	link->channel = *channel;
	ret = link_attach(link, name->row, cause);
	if (ret != FW_OK) {
		goto done;
	}
	*channel = NULL;
	link_enlist(link, name);
	link_set_limits(link, &room->router->config->router);
	fw_channel_set_owner(link->channel, &link_events, link);
	fw_channel_send_text(link->channel, "<handshake/>");
	fw_log(room->router->log, &link_log, FW_LOG_INFO, "link up session=%u name=%s peer=%s",
	       session, name->row->name, fw_addr_text(fw_channel_peer(link->channel), peer));
	link = NULL;
done:
	free(link);
	return ret;
}

static bool strings_have(const struct fw_strings *list, const char *domain)
{
	for (size_t i = 0; i < list->count; i++) {
		if (fw_domain_eq(fw_str(list->items[i]), fw_str(domain)) ||
		    fw_str_is(fw_str(list->items[i]), domain)) {
			return true;
		}
	}
	return false;
}

/* New domains are bound before old ones go, so that a domain in both never has no holder. */
void link_reload(struct link *link, const struct config_link *old, const struct config *config)
{
	const struct config_link *row = link->name->row;

	link->component->check_from = row->check_from;
	link->component->last_generation = 0; /* what was found with the old check_from */
	link->component->priority = row->priority;
	link->component->weight = row->weight;
	route_table_reorder(link->room->router->routes, link->component);
	for (size_t i = 0; i < row->domains.count; i++) {
		if (!strings_have(&old->domains, row->domains.items[i])) {
			link_bind(link, row->domains.items[i]);
		}
	}
	for (size_t i = 0; i < old->domains.count; i++) {
		const char *domain = old->domains.items[i];
		if (!strings_have(&row->domains, domain) &&
		    !fw_domain_eq(fw_str(domain), fw_str(link->component->id))) {
			(void)component_unbind(link->component, domain);
		}
	}
	link_set_limits(link, &config->router);
}
