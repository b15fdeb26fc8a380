/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One attached component that has proved its name, and the connection before it has (a hello). Both live in the
 * link room; links.c owns the lists, link_hello.c the time before the handshake, link.c the time after.
 */
#ifndef FEDWAY_ROUTER_LINK_H
#define FEDWAY_ROUTER_LINK_H

#include <fedway/io/channel.h>
#include <fedway/io/crypto.h>

#include "router/link_names.h"
#include "router/listener.h"
#include "router/router.h"

struct link_hello;

struct link_room {
	struct router *router;
	struct listener *listeners;
	struct link_names *names;
	struct link *links;            /**< every authenticated link, newest first */
	struct link_hello *hellos;     /**< connections that have not authenticated */
	uint32_t link_count;
	uint32_t hello_count;
	uint32_t next_session;         /**< number of the next connection, for the log */
	uint64_t refused_count;        /**< connections over link_unauthenticated_max */
	struct listener *new_listeners; /**< kept aside by links_check() */
	struct link_names *new_names;   /**< likewise */
};

/** Ten thousand of these may exist: keep it small. */
struct link {
	struct link *next, **prev;           /**< in room->links */
	struct link *name_next, **name_prev; /**< in name->links */
	struct link_room *room;
	struct link_name *name;              /**< NULL once it has left */
	struct component *component;         /**< NULL once it has left */
	struct fw_channel *channel;
	uint64_t since_ms;
	uint32_t session;
	uint32_t ignored;                    /**< elements that are no stanza, or came after our footer */
	bool draining;
};

/** The peer's stream error: the channel tells it as the cause of the end, owners let it pass. */
static inline bool link_is_stream_error(const struct fw_stanza *stanza)
{
	return fw_str_is(fw_stanza_name(stanza), "error") &&
	       fw_str_is(fw_stanza_ns(stanza), FW_NS_STREAMS);
}

/** XEP-0114 §3. Elements in the stream's own namespace have none of their own. */
static inline bool link_is_handshake(const struct fw_stanza *stanza)
{
	struct fw_str ns = fw_stanza_ns(stanza);

	return fw_str_is(fw_stanza_name(stanza), "handshake") &&
	       (ns.ptr == NULL || fw_str_is(ns, FW_NS_COMPONENT));
}

/** Takes a fresh connection. *fd is -1 on return [t]; what fails is logged. */
void link_hello_start(struct link_room *room, int *fd);
/** Sends it away with a cause. */
void link_hello_end(struct link_hello *hello, enum fw_cause cause);
/** Frees it at once. */
void link_hello_free(struct link_hello **hello);
struct link_hello *link_hello_next(struct link_hello *hello);

/**
 * A channel that has proved the name becomes a link: conflict policy, component, domains.
 * @param channel  NULL on return when FW_OK; else left with the caller [t]
 * @param cause    on failure: the reason for the newcomer
 */
int link_add(struct link_room *room, struct link_name *name, uint32_t session, struct fw_channel **channel,
             enum fw_cause *cause);
/** Our side ends it: its queue bounces with the cause, the peer gets the stream error of the cause. */
void link_end(struct link *link, enum fw_cause cause);
/** Frees it at once; what is queued bounces with the cause. */
void link_free(struct link **link, enum fw_cause cause);
/** A reload changed its row: domains, priority, limits. `old` is the row until now. */
void link_reload(struct link *link, const struct config_link *old, const struct config *config);

#endif
