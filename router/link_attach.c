/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The beginning of a link: who it is to the router, which name it answers to, and what becomes of
 * others that hold the same. XEP-0114 has all its domains from the configuration; the other
 * dialects bind theirs later, and may turn out to be the other end of a suspended link. Called by
 * link_hello.c, by those who dial, and by link_session.c.
 */
#include "router/link.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/jid.h>

#include "router/link_session.h"
#include "router/route_table.h"

static struct fw_logger attach_log = FW_LOGGER("router.link");

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
	if (name == NULL) {
		return;
	}
	link->name_next = name->links;
	link->name_prev = &name->links;
	if (link->name_next != NULL) {
		link->name_next->name_prev = &link->name_next;
	}
	name->links = link;
}

static struct link *link_alloc(struct link_room *room, const struct link_start *start)
{
	struct link *link = calloc(1, sizeof(*link));

	if (link == NULL) {
		return NULL;
	}
	link->room = room;
	link->kind = start->kind;
	link->owner = start->owner;
	link->session = start->session;
	link->dialled = start->dialled;
	link->since_ms = fw_now_ms(room->router->loop);
	link->identity = fw_str_dup(fw_str(start->identity));
	if (link->identity == NULL) {
		free(link);
		return NULL;
	}
	return link;
}

static void link_discard(struct link *link)
{
	if (link != NULL) {
		free(link->identity);
		free(link);
	}
}

/* ---- XEP-0114 ---- */

/* A domain that cannot be bound does not cost the link: the operator is told, the others work. */
static void component_reload(struct link *link, const struct config_link *old,
                             const struct config *config)
{
	(void)config;
	component_rebind_row(link->component, &old->domains, &link->name->row->domains);
}

const struct link_kind link_kind_component = {
	.name = "xep-0114",
	.dialect = 1,
	.reload = component_reload,
};

static void take_row(struct component *component, const struct config_link *row)
{
	component->priority = row->priority;
	component->weight = row->weight;
	component->check_from = row->check_from;
}

static int add_component(struct link *link, const struct config_link *row, enum fw_cause *cause)
{
	int ret =
	        component_add(link->room->router, row->name, row->conflict == CONFIG_CONFLICT_SHARE,
	                      &link_port, link, &link->component);

	if (ret != FW_OK) {
		*cause = ret == FW_EEXIST ? FW_CAUSE_CONFLICT : FW_CAUSE_RESOURCES;
		return ret;
	}
	take_row(link->component, row);
	component_bind_row(link->component, &row->domains);
	component_up(link->component);
	link->state = LINK_UP;
	return FW_OK;
}

static void log_up(const struct link *link, const char *name)
{
	char peer[FW_ADDR_TEXT_SIZE];

	fw_log(link->room->router->log, &attach_log, FW_LOG_INFO,
	       "link up session=%u name=%s peer=%s dialect=%s", link->session, name,
	       fw_addr_text(fw_channel_peer(link->channel), peer), link->kind->name);
}

int link_add(struct link_room *room, struct link_name *name, uint32_t session,
             struct fw_channel **channel, enum fw_cause *cause)
{
	const struct link_start start = { .kind = &link_kind_component,
		                          .identity = name->row->name,
		                          .session = session };
	int ret = FW_ENOMEM;
	struct link *link = link_alloc(room, &start);

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
	ret = add_component(link, name->row, cause);
	if (ret != FW_OK) {
		goto done;
	}
	link_enlist(link, name);
	link_take_channel(link, channel);
	fw_channel_send_text(link->channel, "<handshake/>");
	log_up(link, name->row->name);
	link = NULL;
done:
	link_discard(link);
	return ret;
}

/* ---- dialects 2 and 3 ---- */

int link_new(struct link_room *room, const struct link_start *start, struct link **out)
{
	char id[FW_DOMAIN_SIZE + 16];
	struct link *link = link_alloc(room, start);

	if (link == NULL) {
		return FW_ENOMEM;
	}
	(void)snprintf(id, sizeof(id), "%s-%s.%s", start->kind->dialect == 3 ? "router" : "link",
	               start->identity, room->router->realm);
	if (component_add(room->router, id, true, &link_port, link, &link->component) != FW_OK) {
		link_discard(link);
		return FW_ENOMEM;
	}
	if (start->name != NULL) {
		take_row(link->component, start->name->row);
	}
	link_enlist(link, start->name);
	*out = link;
	return FW_OK;
}

struct link *link_next_of(struct link_room *room, const struct link_kind *kind,
                          const char *identity, struct link *link)
{
	link = link == NULL ? room->links : link->next;
	while (link != NULL && (link->kind != kind || link->state == LINK_OVER ||
	                        link->component == NULL || strcmp(link->identity, identity) != 0)) {
		link = link->next;
	}
	return link;
}

struct link *link_next_like(const struct link *like, struct link *link)
{
	if (like->name == NULL) {
		return link_next_of(like->room, like->kind, like->identity, link);
	}
	return link == NULL ? like->name->links : link->name_next;
}

/* Another that is up under the same row, by whatever dialect. A suspended one is no rival: it waits
 * for this very peer. */
static struct link *find_rival(const struct link *link)
{
	struct link *other = link_next_like(link, NULL);

	while (other != NULL && (other == link || other->state != LINK_UP)) {
		other = link_next_like(link, other);
	}
	return other;
}

/* @return false: the newcomer has to go */
static bool settle_conflict(struct link *link)
{
	enum config_conflict conflict =
	        link->name != NULL ? link->name->row->conflict : CONFIG_CONFLICT_REPLACE;
	struct link *rival;

	while (conflict != CONFIG_CONFLICT_SHARE && (rival = find_rival(link)) != NULL) {
		if (conflict == CONFIG_CONFLICT_REFUSE) {
			return false;
		}
		link_session_replace(rival);
	}
	return true;
}

void link_begin(struct link *link)
{
	if (!settle_conflict(link)) {
		link_end(link, FW_CAUSE_CONFLICT);
		return;
	}
	link->state = LINK_UP;
	component_up(link->component);
	log_up(link, link->identity);
	if (link->dialled) {
		link_session_enable(link);
	}
	if (link->kind->started != NULL) {
		link->kind->started(link);
	}
}

int link_attach(struct link_room *room, const struct link_start *start, struct fw_channel **channel,
                struct link **out, enum fw_cause *cause)
{
	struct link *link = NULL;

	*cause = FW_CAUSE_RESOURCES;
	if (start->dialled) {
		link = link_session_find(room, start->kind, start->identity);
	}
	if (link != NULL) {
		link->session = start->session;
		link_take_channel(link, channel);
		link_session_ask_to_resume(link);
	} else {
		int ret = link_new(room, start, &link);
		if (ret != FW_OK) {
			return ret;
		}
		link_take_channel(link, channel);
		if (start->dialled) {
			link_begin(link);
		}
	}
	if (out != NULL) {
		*out = link;
	}
	return FW_OK;
}
