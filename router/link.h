/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One attached peer that has proved who it is, of any dialect, and the connection before it has (a hello). Both live
 * in the link room; links.c owns the lists, link_hello.c the time before authentication, link.c the time after,
 * link_session.h acknowledgement and resumption, link_credit.h credit.
 *
 * A link outlives its channel: when the connection breaks under XEP-0198, the link is suspended and takes up the
 * next channel that proves the same identity and names its session.
 */
#ifndef FEDWAY_ROUTER_LINK_H
#define FEDWAY_ROUTER_LINK_H

#include <fedway/io/channel.h>
#include <fedway/io/crypto.h>
#include <fedway/io/listener.h>

#include "router/link_names.h"
#include "router/router.h"

#define LINK_NS "urn:fedway:link:1"

struct link_hello;
struct link_session;
struct link_credits;
struct link_tls;
struct fw_tls_context;

struct link_room {
	struct router *router;
	struct fw_listeners *listeners;
	struct link_names *names;
	struct link_tls *tls;
	struct link *links;            /**< every authenticated link, newest first */
	struct link_hello *hellos;     /**< connections that have not authenticated */
	uint32_t link_count;
	uint32_t hello_count;
	uint32_t next_session;         /**< number of the next connection, for the log */
	uint64_t refused_count;        /**< connections over link_unauthenticated_max */
	struct link_names *new_names;   /**< kept aside by links_check() */
	struct fw_tls_context *new_tls; /**< likewise; NULL: none is wanted */
};

struct link;

/** A first-level element that is no stanza, and who takes it. */
struct link_element {
	const char *ns, *name;
	/** The element stays the caller's. Ending the link is the last thing it may do with it. */
	void (*take)(struct link *link, struct fw_stanza *element);
};

/**
 * What a dialect adds to a link; static, one for XEP-0114 (link.c), one for dialect 2 (link_bind.c), one for routers
 * (fabric). Every function may be NULL. A link that is told ended() is not touched any more by its owner.
 */
struct link_kind {
	const char *name;                    /**< in reports and log lines: "xep-0114", "link", "router" */
	uint8_t dialect;                     /**< 1, 2, 3 */
	const struct link_element *elements; /**< the last row has name NULL */
	/**
	 * A new session: nothing is bound, nothing was said. The channel takes stanzas and text. An older link of the same
	 * identity may still stand beside it, suspended; what that one holds comes here once this one has its names.
	 */
	void (*started)(struct link *link);
	/** The channel is gone, what was bound stays: others are chosen first, else stanzas wait. */
	void (*suspended)(struct link *link);
	/** The same session on another channel: what is bound holds; what was under way between two elements is void. */
	void (*resumed)(struct link *link);
	/**
	 * The session is over. The component still stands, without new stanzas. Also for a link that was never started: with
	 * FW_CAUSE_NONE when it turned out to be the other end of a suspended one.
	 */
	void (*ended)(struct link *link, enum fw_cause cause);
	/** A stanza is about to be queued on the channel: what has to stand before it (again, when it is sent again). */
	void (*before)(struct link *link, const struct fw_stanza *stanza);
	/**
	 * A stanza arrived and is about to be routed: hangs on it what stood before it. False: it is not taken, the
	 * link ends, and the peer still has it.
	 */
	bool (*arrived)(struct link *link, struct fw_stanza *stanza);
	/** Its row of `links` changed; `old` is the row until now. */
	void (*reload)(struct link *link, const struct config_link *old, const struct config *config);
	/** More members for its object in "streams". */
	void (*report)(const struct link *link, struct fw_json *stream);
};

enum link_state {
	LINK_FRESH,     /**< has proved who it is; may still turn out to be the other end of a suspended link */
	LINK_UP,
	LINK_RESUMING,  /**< suspended, and a channel is there on which the peer is asked to go on */
	LINK_SUSPENDED, /**< no channel */
	LINK_OVER,      /**< off the router; at most the channel still says goodbye */
};

/** Ten thousand of these may exist: keep it small. */
struct link {
	struct link *next, **prev;           /**< in room->links */
	struct link *name_next, **name_prev; /**< in name->links */
	struct link_room *room;
	struct link_name *name;              /**< row of `links` that it proved; NULL for routers, and once it has left */
	const struct link_kind *kind;
	void *owner;                         /**< the kind's own; free for it to change */
	char *identity;                      /**< who has authenticated, as configured */
	struct component *component;         /**< NULL once it has left */
	struct fw_channel *channel;          /**< NULL while suspended */
	struct link_session *xep198;         /**< acknowledgement; NULL while not in force */
	struct link_credits *credits;        /**< NULL while no name has credit */
	uint64_t since_ms;
	uint32_t session;                    /**< number of its connection, for the log */
	uint32_t ignored;                    /**< elements that are no stanza, or came after our footer */
	uint8_t state;                       /**< enum link_state */
	bool dialled;                        /**< our side has dialled: it enables and resumes */
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

/** Takes a fresh connection. *fd is -1 on return [t]; what fails is logged. @param xep_0114  enum config_xep_0114 */
void link_hello_start(struct link_room *room, int xep_0114, int *fd);
/**
 * Too many: the oldest makes room for a newcomer, unless the newcomer's own address (IPv6: its /64) has half of the places.
 * So one stranger who opens connections and says nothing keeps nobody out.
 */
bool link_hello_make_room(struct link_room *room, const struct fw_addr *newcomer);
/** Sends it away with a cause. */
void link_hello_end(struct link_hello *hello, enum fw_cause cause);
/** Frees it at once. */
void link_hello_free(struct link_hello **hello);
struct link_hello *link_hello_next(struct link_hello *hello);

/** XEP-0114: what link_add() makes of a channel. */
extern const struct link_kind link_kind_component;

/**
 * A channel that has proved a name by XEP-0114 becomes a link: conflict policy, component, domains.
 * @param channel  NULL on return when FW_OK; else left with the caller [t]
 * @param cause    on failure: the reason for the newcomer
 */
int link_add(struct link_room *room, struct link_name *name, uint32_t session, struct fw_channel **channel,
             enum fw_cause *cause);

struct link_start {
	const struct link_kind *kind;
	const char *identity;   /**< copied: name of the row of `links` or realm of the row of `routers` that it proved */
	struct link_name *name; /**< that row of `links`; NULL for routers */
	uint32_t session;       /**< number of the connection: ++room->next_session when there is none yet */
	bool dialled;           /**< our side has dialled: it asks to resume, else to begin with acknowledgement */
	void *owner;            /**< for link->owner of a new link; the kind's */
};

/**
 * An authenticated channel becomes a link of dialect 2 or 3, in the state FRESH: our last word was <success/> and,
 * after the restart, our header (accepting: with features behind it). If the first element is <resume/> and names a
 * suspended link of the same identity, that link goes on with this channel and the new one is forgotten; with any
 * other first element kind->started() runs, and then the element is given to its owner.
 *
 * Dialled: the suspended link of this kind and identity, when there is one, asks to resume and is *out; when the peer
 * refuses, a new link starts on the channel. Without one, kind->started() has run when the call returns.
 *
 * The component ID is "link-<identity>.<our realm>" or, for routers, "router-<their realm>.<our realm>". While a
 * suspended link and its successor stand side by side they share it; state UP tells them apart.
 * @param channel  NULL on return when FW_OK; else left with the caller [t]
 * @param out      may be NULL
 * @param cause    on failure: the reason for the peer
 * @return FW_OK, FW_ENOMEM
 */
int link_attach(struct link_room *room, const struct link_start *start, struct fw_channel **channel, struct link **out,
                enum fw_cause *cause);
/** Another link of the same kind and identity: first with link NULL. */
struct link *link_next_of(struct link_room *room, const struct link_kind *kind, const char *identity, struct link *link);
/** The next link of the same row, by whatever dialect where the row is one of `links`; NULL begins. Walks no others then. */
struct link *link_next_like(const struct link *like, struct link *link);

/** One more element that does nothing. @return the 1st, 2nd, 4th, 8th …, which is worth a line in the log */
bool link_ignored(struct link *link);
/** Text on the channel, as it is; nothing while there is none. */
void link_say(struct link *link, const char *format, ...) FW_PRINTF(2, 3);
/** Our side ends it for good: what it holds is routed again or bounces with the cause, the peer gets the stream error. */
void link_end(struct link *link, enum fw_cause cause);
/** Frees it at once; what it holds bounces with the cause. */
void link_free(struct link **link, enum fw_cause cause);
/** A reload changed its row: domains, priority, limits. `old` is the row until now. */
void link_reload(struct link *link, const struct config_link *old, const struct config *config);

/* ---- for the files of the link itself ---- */

/** The port of every link. */
extern const struct component_port link_port;
/** The link's channel takes it [t]: what stands before it, then the stanza. */
void link_transmit(struct link *link, struct fw_stanza **stanza);
/** Its channel's events come to it from now on. */
void link_take_channel(struct link *link, struct fw_channel **channel);
/** A new session of a dialect begins on the link's channel: component up, kind->started(). */
void link_begin(struct link *link);
/** A link of dialect 2 or 3 in the room's list, FRESH, with its component; without channel. @return FW_OK, FW_ENOMEM [g] */
int link_new(struct link_room *room, const struct link_start *start, struct link **out);

#endif
