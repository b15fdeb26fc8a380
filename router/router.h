/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The router: pointers to its rooms, and the doors between them. A stanza walks left to right through
 * ingress → hooks → lookup → hooks → egress; the walk is passage.c.
 */
#ifndef FEDWAY_ROUTER_ROUTER_H
#define FEDWAY_ROUTER_ROUTER_H

#include <fedway/io/loop.h>

#include "config/config.h"
#include "router/component.h"

struct route_table;
struct hook_list;
struct module_list;
struct instance;
struct link_room;
struct uplink_room;
struct control;
struct notice;
struct node_state;

struct router {
	struct fw_loop *loop;
	struct fw_log *log;
	struct config *config;         /**< the one in force */
	const char *realm;
	struct route_table *routes;
	struct hook_list *hooks;
	struct module_list *modules;
	struct component *components;
	uint32_t next_number;
	struct fw_ledger *total;       /**< of everything */
	struct fw_ledger *bounces;     /**< account of the router's own error answers */
	struct instance *instances;    /**< modules that run (instance.h) */
	struct link_room *links;       /**< listeners and attached links (links.h) */
	struct uplink_room *uplinks;   /**< uplink.h */
	struct control_remote *remote; /**< commands across nodes (control_remote.h) */
	struct control *control;       /**< control.h */
	uint64_t started_ms;
	bool draining;
	struct snapshot *snapshot;     /**< keeps `config` in memory (snapshot.h) */
	struct router_drain *drain;    /**< of a drain under way (router_drain.c) */
	struct announcements *announcements; /**< told at the end of the turn (announce.h) */
	struct holders *holders;       /**< tells modules when holders change (holders.h) */
	struct fabric *fabric;         /**< other routers (fabric.h) */
	struct via *vias;              /**< components that pass on to others (via.h) */
	uint64_t via_generation;             /**< moves when there is one more or less */
	unsigned depth;                /**< passages inside passages (passage.c) */
	struct node_state *state;      /**< what was learned while running (state.h) */
	bool federation;               /**< the switch is on (federation.h) */
	struct notice *notices;        /**< what an operator should know (notices.h) */
};

/**
 * The one door in. Checks addresses and sender, runs hooks, finds the holder, hands over; or gives the stanza
 * its exit, with a bounce where RFC 6120 §8.3 wants one. [t] Result as fw_route().
 */
int router_route(struct component *source, struct fw_stanza **stanza);
/** Gives a stanza the exit "bounced" (with an error answer) or "dropped" where none may be sent. [t] */
void router_bounce(struct router *router, struct fw_stanza **stanza, enum fw_cause cause);

/**
 * One that was handed over and came back, because its holder went: finds another holder, from the lookup on. [t]
 * @param lost  the cause it is bounced with when nobody holds its name any more
 */
void router_route_again(struct router *router, struct fw_stanza **stanza, enum fw_cause lost);

bool router_domain_is_local(const struct router *router, struct fw_str domain);
bool router_domain_is_federated(const struct router *router, struct fw_str domain);
bool router_federation_is_on(const struct router *router);
/** Announces to all modules but the component `by`, which may be NULL. */
void router_announce(struct router *router, const char *service, const struct component *by);

/** Everything up from a checked configuration; a failed step undoes those before it. [t: *config] */
int router_start(struct fw_loop *loop, struct config **config, struct module_list *modules, struct router **out,
                 struct fw_error *err);
/**
 * Applies a new snapshot: builds what can fail first, then swaps; what did not change is not touched.
 * @param changes  receives one line per change, for the operator; may be NULL
 * @return FW_OK; otherwise nothing has changed
 */
int router_reload(struct router *router, struct config **config, struct fw_json *changes, struct fw_error *err);
/** Drains all, calls done when finished or when drain_timeout_ms is over. */
void router_drain(struct router *router, void (*done)(void *ctx), void *ctx);
void router_stop(struct router **router);

#endif
