/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Other routers: one peer per row of `routers`, and what the two tell each other while a link stands between
 * them. The room (fabric.c) makes peers from the configuration and looks after changes and time; fabric_tell.c says what we
 * have, fabric_learn.c takes in what they say. The link itself is the session's (link.h).
 */
#ifndef FEDWAY_ROUTER_FABRIC_H
#define FEDWAY_ROUTER_FABRIC_H

#include "router/fabric_set.h"
#include "router/router.h"
#include "router/trail.h"

struct fabric_peer;
struct route_name;
struct router_dial;

/** What the fabric asks of a link. */
struct fabric_wire {
	/** Sends an element that is no stanza. [t] */
	void (*send)(void *link, struct fw_stanza **element);
	/** Its row is gone: it must end, and call fabric_down(). */
	void (*end)(void *link, enum fw_cause cause);
};

struct fabric {
	struct router *router;
	struct trails *trails;
	struct fabric_peer *peers;
	struct fabric_peer *aside; /**< made by fabric_check() */
	struct fw_task begin;      /**< begins to dial */
	struct fw_timer *timer;    /**< tells again, forgets what nobody says any more */
	uint64_t third_ms;         /**< its time */
	uint64_t seq;              /**< of what begins here; goes up with each telling, also over a restart */
	uint64_t judged;           /**< what rights depend on, when they were judged last: list of what is ours, vias */
};

/** One other router, by its row. */
struct fabric_peer {
	struct fabric_peer *next;
	struct fabric *fabric;
	const struct config_peer *row; /**< in the configuration in force */
	char *realm;                   /**< of the row; the same through reloads */
	struct component *component;   /**< of its link; NULL: not attached */
	const struct fabric_wire *wire;
	void *link;
	struct trail_peer trail;
	struct fabric_set learned, told;
	uint64_t told_seq, acked_seq;  /**< of the last list we sent, of the last it has confirmed */
	uint64_t heard_seq;            /**< of the last list it sent */
	uint64_t refused;              /**< announcements that it had no right to, so far */
	uint64_t since_ms;             /**< attached since; or not since */
	enum fw_cause last_cause;      /**< why it last went */
	char last_detail[128];
	struct router_dial *dial;      /**< when we dial it (router_dial.h) */
};

/** Makes peers from router->config; sets router->fabric. @return FW_OK, FW_ENOMEM */
int fabric_start(struct router *router, struct fw_error *err);
void fabric_stop(struct router *router);
/** First half of a reload: what can fail. */
int fabric_check(struct router *router, const struct config *config, struct fw_error *err);
/** Second half, cannot fail: rows change live, removed ones end their link. */
void fabric_apply(struct router *router, const struct config *config, struct fw_json *changes);
/** Drops what fabric_check() made. */
void fabric_forget(struct router *router);

/** The row's peer; NULL when no row has this realm. */
struct fabric_peer *fabric_find(const struct router *router, struct fw_str realm);
/**
 * A link to it stands: we tell it all. What was learned by a link that it had before goes over to this one, until the
 * other has told what still holds.
 * @param component  of the link, named after the realm; gets its holdings from what the other announces
 * @param link       first argument of the wire's calls
 */
void fabric_up(struct fabric_peer *peer, struct component *component, const struct fabric_wire *wire, void *link);
/** The link goes on after a break; elements that are no stanzas may be lost. */
void fabric_resumed(struct fabric_peer *peer);
/** The link has ended for good: all that was learned by it goes. To be called before its component does. */
void fabric_down(struct fabric_peer *peer, enum fw_cause cause, const char *detail);
/**
 * An element of TRAIL_NS that is no hop header, nor the session's.
 * @return FW_CAUSE_NONE; or why the link must end
 */
enum fw_cause fabric_element(struct fabric_peer *peer, struct fw_stanza *element);
/** Looks what has changed and tells it: at the end of a turn with changes (holders.c). */
void fabric_look(struct router *router);
/** All neighbours have confirmed what was told last. */
bool fabric_settled(const struct router *router);
/** May the peer speak for a domain of ours? */
bool fabric_may_send(const struct fabric_peer *peer, struct fw_str domain);
/** Where a holding of the peer's link was learned, and for how long it counts; nothing when `peer` is NULL. */
void fabric_report_route(const struct fabric_peer *peer, const struct route_name *name, struct fw_json *out);
/** One object per peer into an array. */
void fabric_report(const struct router *router, struct fw_json *array);

/* ---- between the files of the fabric ---- */

/** Tells the peer what is new; `full`: all. */
void fabric_tell(struct fabric_peer *peer, bool full);
/** "*", "*.name" or a name, in the one form under which it is compared. @return FW_OK, FW_EPARSE */
int fabric_name(struct fw_str text, char out[FW_DOMAIN_SIZE + 2]);
enum fw_cause fabric_learn(struct fabric_peer *peer, struct fw_stanza *routes);
/** What was learned becomes holdings of another link; all has to be said again. */
void fabric_rehome(struct fabric_peer *peer, struct component *component);
/** Judges all that it has announced again, after rights or lists have changed. */
void fabric_judge(struct fabric_peer *peer);
/** Forgets what was not said again in time. @return whether something was */
bool fabric_expire(struct fabric_peer *peer, uint64_t now_ms);
void fabric_unlearn(struct fabric_peer *peer);
/** Share among holders: the row's, in the proportion in which the other's holders differ from one normal one. */
uint32_t fabric_weight(const struct fabric_peer *peer, const struct fabric_route *route);
const char *fabric_verdict_name(enum fabric_verdict verdict);

/* ---- what the operator is told of links that do not stand (fabric_notice.c) ---- */

/** What can be done about the end of a link between routers, or a dial that failed. */
const char *fabric_remedy(enum fw_cause cause);
/** Our dial has failed so many times in a row: peer->last_cause and last_detail say why. */
void fabric_notice_failed(struct fabric_peer *peer, uint32_t failures);
/** Who should dial us but does not. */
void fabric_notice_look(struct fabric_peer *peer);
/** Somebody who says to be the router of this realm has not proved it; nothing when no row has it. */
void fabric_refused(const struct router *router, struct fw_str realm, const char *why);
/** The link stands, or is wanted no more. */
void fabric_notice_clear(struct fabric_peer *peer);

#endif
