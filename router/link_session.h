/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * XEP-0198 on a link of dialect 2 or 3: acknowledgement by custody, resumption, the watch over a silent peer, and what
 * becomes of stanzas when a session ends. link_session.c has the elements and the turn, link_resume.c the life of a
 * session across channels, link_return.c the end. Only these know what is in struct link_session.
 */
#ifndef FEDWAY_ROUTER_LINK_SESSION_H
#define FEDWAY_ROUTER_LINK_SESSION_H

#include "router/link.h"
#include "router/link_custody.h"
#include "router/link_queue.h"

#define LINK_SESSION_ID_SIZE 129u

struct link_session {
	struct link *link;
	struct fw_timer *timer;        /* up: watches the peer; suspended: the end of the wait */
	struct fw_task turn;           /* what is said at the end of a turn */
	/* what we have sent */
	struct link_queue kept;        /* written; the first place is number acked + 1 */
	struct link_queue waiting;     /* for a channel */
	uint64_t acked;                /* the peer's last count */
	size_t uncounted;              /* stanzas on the channel from before the count */
	uint32_t unasked;              /* written since we asked last */
	/* what we have received */
	struct link_custody *custody;  /* NULL until the count begins */
	uint64_t told;                 /* our last count; dialect 2 never hears a smaller one */
	/* the session */
	char id[LINK_SESSION_ID_SIZE]; /* "": it cannot be resumed */
	uint32_t window_s;
	uint64_t until_ms;             /* while suspended */
	uint64_t asked_ms;             /* when we asked; 0: no question is open */
	bool sending;                  /* what we write is counted */
	bool answer_due;
	bool hopeless;                 /* suspended, and the peer will not resume it */
};

/** enable, enabled, resume, resumed, failed, r, a, and left of urn:fedway:link:1 */
extern const struct link_element link_session_elements[];

/* ---- link_session.c: a session on its channel ---- */

/** The dialling side asks for acknowledgement; before anything that is to be counted. */
void link_session_enable(struct link *link);
/** Frees what is left of it; stanzas were gathered before. Without session: nothing. */
void link_session_free(struct link *link);
bool link_session_is_resume(const struct fw_stanza *element);
/** Stanzas are still taken: after our footer the peer could not learn what became of them. */
bool link_session_takes(const struct link *link);
/** A stanza came: counts it and hangs the receipt on it. */
void link_session_arrived(struct link *link, struct fw_stanza *stanza);
/** A stanza was written: keeps it, if it counts. */
void link_session_sent(struct link *link, struct fw_stanza **stanza);
/** The limits of what is not acknowledged allow one more. */
bool link_session_has_room(struct link *link, const struct fw_stanza *stanza);
/** To the channel, or to the others that wait for one. @return FW_OK; FW_ELIMIT (no memory), *stanza left */
int link_session_send(struct link *link, struct fw_stanza **stanza);
/** Adds what waits for a channel. */
void link_session_waiting(const struct link *link, size_t *stanzas, size_t *bytes);
/** Our footer comes next: tells what the peer does not know yet. */
void link_session_last_words(struct link *link);
/** Closes when all is acknowledged in both directions. @return false: nothing is acknowledged here, close at once */
bool link_session_drain(struct link *link);
/** "up", "suspended", … */
const char *link_session_state(const struct link *link);
void link_session_report(const struct link *link, struct fw_json *stream);
/** The peer has handled so many, modulo 2^32. @return FW_EINVAL: more than it was sent */
int link_session_acked(struct link *link, uint32_t handled);
/** What is due is said at the end of this turn. */
void link_session_due(struct link *link);
/** Says <failed/> with a stanza error condition. */
void link_session_fail(struct link *link, const char *condition);
/** Watches over the peer from now on. */
void link_session_watch(struct link *link);

/* ---- link_resume.c: from one channel to the next ---- */

/** When its channel breaks now, it waits for another. */
bool link_session_can_suspend(const struct link *link);
/** Its channel is dead: keeps what was not acknowledged, and waits. */
void link_session_suspend(struct link *link);
/** The suspended link that our side has dialled, or NULL. */
struct link *link_session_find(struct link_room *room, const struct link_kind *kind, const char *identity);
/** On its new channel: asks the peer to go on. */
void link_session_ask_to_resume(struct link *link);
/** A newcomer takes its place: its channel ends as replaced, what it holds follows when the newcomer has bound its names. */
void link_session_replace(struct link *link);
/** Lets go of a channel that answers no more: suspends the link, or ends it. */
void link_session_lose(struct link *link, enum fw_cause cause);
/** Takers of their elements. */
void link_session_on_resume(struct link *link, struct fw_stanza *element);
void link_session_on_resumed(struct link *link, struct fw_stanza *element);
/** @return false: it was no answer to <resume/> */
bool link_session_resume_failed(struct link *link, struct fw_stanza *element);
/** The timer of a suspended link. */
void link_session_waited(struct link *link);

/* ---- link_return.c: what a link still holds when it ends ---- */

struct link_returns {
	struct router *router;
	struct fw_channel *channel; /* not written */
	struct link_queue kept;     /* written, not acknowledged: the peer may have them */
	struct link_queue waiting;  /* never written */
	struct link_credits *credits;
	enum fw_cause cause;
	bool again;                 /* what may be is routed again, to another holder */
};

/** Moves all that the link holds over; before its component goes. */
void link_session_gather(struct link *link, struct link_returns *returns);
/** Routes again or bounces all of it, in order. */
void link_session_return(struct link_returns *returns);
/** The same for one. @param written  the peer may have it */
void link_session_return_one(struct link_returns *returns, struct fw_stanza **stanza, bool written);

#endif
