/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the router knows of anything with an address on it: a module in this process, a link on 7400, or an uplink.
 * They differ only in their port, the one function through which stanzas reach them.
 */
#ifndef FEDWAY_ROUTER_COMPONENT_H
#define FEDWAY_ROUTER_COMPONENT_H

#include <fedway/hosting.h>
#include <fedway/json.h>
#include <fedway/ledger.h>

struct router;
struct component;
struct fabric_peer;
struct route; /* route_table.h: one (domain, component) holding */

struct component_port {
	const char *kind; /**< "module", "link", "uplink" */
	/**
	 * Hands a stanza over [t]. FW_OK: the port owns it and gives it its exit.
	 * FW_ELIMIT: queue full, *stanza left with the caller, who bounces it.
	 */
	int (*deliver)(void *port, struct fw_stanza **stanza);
	/**
	 * Adds what only the port knows to `out`, an object. Topic "status": address, queue, state. Topic
	 * "streams": an array "streams" with one object per stream. May be NULL.
	 */
	void (*report)(void *port, const char *topic, struct fw_json *out);
	/** Stop taking work and finish; then component_drained(). */
	void (*drain)(void *port);
	/** Whether it can take this stanza now, in place of the component's state. NULL: the state says it. */
	bool (*ready)(void *port, const struct fw_stanza *stanza);
};

enum component_state { COMPONENT_STARTING, COMPONENT_UP, COMPONENT_DRAINING, COMPONENT_DOWN };

struct component {
	struct component *next;
	struct router *router;
	uint32_t number;               /**< origin mark of its stanzas; never used twice; from 1 */
	char *id;                      /**< component ID or, for links, the name */
	const struct component_port *port_ops;
	void *port;
	enum component_state state;
	uint32_t priority, weight;
	bool check_from;               /**< refuse stanzas from domains it does not hold */
	bool gateway;                  /**< holds "*": speaks for the outside */
	struct fw_ledger *ledger;      /**< of stanzas that entered through it */
	uint64_t stanzas_out, bytes_out; /**< delivered to it */
	struct route *routes;          /**< its holdings */
	struct fw_str last_from;       /**< quick check: sender domain found good last time … */
	char last_from_text[64];
	uint64_t last_generation;      /**< … while the route table was in this generation (route_table.h) … */
	bool last_outside, last_federated; /**< … and what it was found to be (ingress.c) */
	const struct fw_log *log;
	struct fabric_peer *peer;      /**< the router at the other end of its link (fabric.h); NULL: it is none */
	bool suspended;                /**< its link is broken and may go on: chosen only when nobody else is up */
	const char *stands_for;        /**< ID of the component that it passes stanzas on to (via.c); NULL: none */
};

/**
 * Makes a component and puts it on the router's list, in state STARTING; its own ID is bound as a domain.
 * @return FW_OK, FW_EEXIST (an ID must be unique unless `shared`), FW_ENOMEM [g]
 */
int component_add(struct router *router, const char *id, bool shared, const struct component_port *ops, void *port,
                  struct component **out);
/** Takes it off: routes go, replies to it will bounce. The port must have emptied its queue. */
void component_remove(struct component **component);

/** Claims or gives back a domain for it; grammar of fw_bind(). Others may hold it too: the caller decides that. */
int component_bind(struct component *component, const char *domain, struct fw_error *err);
int component_unbind(struct component *component, const char *domain);
/** Claims the domains of its row, but for its own name, which it holds. What cannot be claimed is logged. */
void component_bind_row(struct component *component, const struct fw_strings *domains);
/** Its row has changed. New domains are claimed before old ones go, and one that is only spelled otherwise stays. */
void component_rebind_row(struct component *component, const struct fw_strings *old, const struct fw_strings *domains);
struct route_terms; /* route_table.h */
/** The same with a place of its own among the holders; may be repeated with another place. */
int component_bind_terms(struct component *component, const char *domain, const struct route_terms *terms,
                         struct fw_error *err);
bool component_holds(const struct component *component, struct fw_str domain);
/** From now on it is chosen. */
void component_up(struct component *component);
/** Its peer is gone and may come back: others are chosen first. component_up() ends it. */
void component_suspend(struct component *component);
/** Takes no new stanzas from now on; its port finishes what is under way. A port without drain() has nothing to. */
void component_drain(struct component *component);
/** The port has finished draining. */
void component_drained(struct component *component);
/** Its port is `kind`, e.g. "module". */
bool component_is(const struct component *component, const char *kind);
const char *component_state_name(enum component_state state);

#endif
