/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What attach dialect 3 adds to a link: the two greet each other by their realms, then routes go
 * both ways, and before each stanza stands its hop header. Called by link.c through the kind, and
 * by those who have authenticated a channel. What the routes mean is fabric_learn.c's.
 */
#include "router/fabric_link.h"

#include <stdlib.h>

#include "router/router_dial.h"

static struct fw_logger wire_log = FW_LOGGER("router.fabric");

/** link->owner */
struct fabric_wired {
	struct link *link;
	struct fabric_peer *peer; /* NULL: its row is gone */
	const char *method;
	unsigned users; /* sessions: two while one that was not resumed still holds stanzas */
	bool greeted;
	bool has_hop; /* a header is here, its stanza is not */
	struct trail_hop hop;
	char destination[FW_DOMAIN_SIZE];
	enum fw_cause wrong; /* why the link ends at the end of the turn */
	struct fw_task task;
};

/* The link is in the middle of something: it ends when that is over. */
static void fail(struct fabric_wired *wired, enum fw_cause cause)
{
	if (wired->wrong == FW_CAUSE_NONE) {
		wired->wrong = cause;
		fw_defer(wired->link->room->router->loop, &wired->task);
	}
}

static void end_late(void *ctx)
{
	const struct fabric_wired *wired = ctx;

	fw_log(wired->link->room->router->log, &wire_log, FW_LOG_WARNING,
	       "router refused realm=%s cause=%s text=\"%s\"", wired->link->identity,
	       fw_cause_row(wired->wrong)->name, fw_cause_row(wired->wrong)->text);
	link_end(wired->link, wired->wrong);
}

/* ---- the fabric's side ---- */

static void wire_send(void *ctx, struct fw_stanza **element)
{
	struct link *link = ctx;
	struct fw_str bytes;

	if (fw_stanza_bytes(*element, &bytes) == FW_OK) {
		link_say(link, "%.*s", FW_STR_ARG(bytes));
	}
	fw_stanza_free(element);
}

static void wire_end(void *ctx, enum fw_cause cause)
{
	struct link *link = ctx;
	struct fabric_wired *wired = link->owner;

	fail(wired, cause);
	wired->peer = NULL;
}

static const struct fabric_wire wire = { wire_send, wire_end };

/* ---- greeting ---- */

static void greet(struct link *link)
{
	link_say(link, "<router xmlns='" TRAIL_NS "' realm='%s'/>", link->room->router->realm);
}

/* What an older session still holds goes the new way at once. */
static void end_older(struct link *link)
{
	struct link *other = link_next_of(link->room, link->kind, link->identity, NULL);

	while (other != NULL) {
		struct link *next = link_next_of(link->room, link->kind, link->identity, other);
		if (other != link && other->state == LINK_SUSPENDED) {
			link_end(other, FW_CAUSE_LINK_LOST);
		}
		other = next;
	}
}

static void on_router(struct link *link, struct fw_stanza *element)
{
	struct fabric_wired *wired = link->owner;
	struct fw_str realm = fw_elem_attr(fw_stanza_root(element), "realm");

	if (wired->peer == NULL || wired->greeted ||
	    !fw_str_eq_nocase(realm, fw_str(wired->peer->realm))) {
		fail(wired, FW_CAUSE_UNEXPECTED);
		return;
	}
	wired->greeted = true;
	if (!link->dialled) {
		greet(link);
	}
	fabric_up(wired->peer, link->component, &wire, link);
	end_older(link);
}

/* ---- elements ---- */

static void on_hop(struct link *link, struct fw_stanza *element)
{
	struct fabric_wired *wired = link->owner;

	if (wired->peer == NULL) {
		return;
	}
	int ret = wired->has_hop ? FW_EPARSE
	                         : trail_read_hop(wired->peer->fabric->trails, &wired->peer->trail,
	                                          element, &wired->hop);
	if (ret != FW_OK) {
		fail(wired, ret == FW_EPARSE ? FW_CAUSE_BAD_HOP : FW_CAUSE_RESOURCES);
		return;
	}
	wired->has_hop = true;
	if (wired->hop.destination.len > 0) { /* it outlives the element; its length was checked */
		memcpy(wired->destination, wired->hop.destination.ptr, wired->hop.destination.len);
		wired->hop.destination.ptr = wired->destination;
	}
}

static void on_fabric(struct link *link, struct fw_stanza *element)
{
	struct fabric_wired *wired = link->owner;
	enum fw_cause cause = FW_CAUSE_UNEXPECTED;

	if (wired->peer != NULL && wired->greeted) {
		cause = fabric_element(wired->peer, element);
	}
	if (cause != FW_CAUSE_NONE) {
		fail(wired, cause);
	}
}

static const struct link_element wired_elements[] = {
	{ TRAIL_NS, "router", on_router },
	{ TRAIL_NS, "hop", on_hop },
	{ TRAIL_NS, "routes", on_fabric },
	{ TRAIL_NS, "learned", on_fabric },
	{ NULL, NULL, NULL },
};

/* ---- the kind ---- */

static void wired_started(struct link *link)
{
	struct fabric_wired *wired = link->owner;

	if (wired->link != NULL && wired->link != link) { /* in place of one that was not resumed */
		wired->users++;
		wired->greeted = wired->has_hop = false;
	}
	wired->link = link;
	if (link->dialled) {
		greet(link);
	}
}

static void dial_again(const struct fabric_wired *wired)
{
	if (wired->link->dialled && wired->peer != NULL && wired->peer->dial != NULL) {
		router_dial_again(wired->peer->dial);
	}
}

static void wired_suspended(struct link *link)
{
	struct fabric_wired *wired = link->owner;

	wired->has_hop = false;
	dial_again(wired);
}

static void wired_resumed(struct link *link)
{
	struct fabric_wired *wired = link->owner;

	if (wired->peer != NULL && wired->greeted) {
		fabric_resumed(wired->peer);
	}
}

static void wired_ended(struct link *link, enum fw_cause cause)
{
	struct fabric_wired *wired = link->owner;

	link->owner = NULL;
	if (wired->peer != NULL && wired->peer->link == link) {
		fabric_down(wired->peer, wired->wrong != FW_CAUSE_NONE ? wired->wrong : cause, "");
	}
	if (--wired->users > 0) {
		return; /* the session was not resumed, and another has taken its place */
	}
	dial_again(wired);
	fw_defer_cancel(&wired->task);
	free(wired);
}

static void wired_before(struct link *link, const struct fw_stanza *stanza)
{
	char text[TRAIL_HOP_SIZE];

	fw_channel_send_raw(link->channel,
	                    trail_write_hop(link->room->router->fabric->trails, stanza, text));
}

/* Without its path a stanza could go in circles. */
static bool wired_arrived(struct link *link, struct fw_stanza *stanza)
{
	struct fabric_wired *wired = link->owner;

	if (!wired->has_hop) {
		fail(wired, FW_CAUSE_BAD_HOP);
	} else if (trail_apply(&wired->hop, stanza) != FW_OK) {
		fail(wired, FW_CAUSE_RESOURCES);
	}
	wired->has_hop = false;
	return wired->wrong == FW_CAUSE_NONE;
}

static void wired_report(const struct link *link, struct fw_json *stream)
{
	const struct fabric_wired *wired = link->owner;

	fw_json_set(stream, "realm", fw_str(link->identity));
	if (wired != NULL) {
		fw_json_set(stream, "auth", fw_str(wired->method));
	}
}

const struct link_kind link_kind_router = {
	.name = "router",
	.dialect = 3,
	.elements = wired_elements,
	.started = wired_started,
	.suspended = wired_suspended,
	.resumed = wired_resumed,
	.ended = wired_ended,
	.before = wired_before,
	.arrived = wired_arrived,
	.report = wired_report,
};

int fabric_link_attach(struct link_room *room, struct fabric_peer *peer, uint32_t session,
                       const char *method, bool dialled, struct fw_channel **channel,
                       enum fw_cause *cause)
{
	struct fabric_wired *wired = calloc(1, sizeof(*wired));
	const struct link_start start = {
		.kind = &link_kind_router,
		.identity = peer->realm,
		.session = session != 0 ? session : ++room->next_session,
		.dialled = dialled,
		.owner = wired,
	};
	struct link *link = NULL;

	*cause = FW_CAUSE_RESOURCES;
	if (wired == NULL) {
		return FW_ENOMEM;
	}
	wired->peer = peer;
	wired->users = 1;
	wired->method = method;
	wired->task.fn = end_late;
	wired->task.ctx = wired;
	int ret = link_attach(room, &start, channel, &link, cause);
	if (ret != FW_OK || link->owner != wired) {
		free(wired); /* the link that goes on has its own */
	} else {
		wired->link = link;
	}
	return ret;
}
