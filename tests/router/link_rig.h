/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Links of dialects 2 and 3 without their handshake: a socket pair whose one end is an authenticated channel of a router,
 * and a kind that binds one name. Beside attach_rig.h.
 */
#ifndef TESTS_ROUTER_LINK_RIG_H
#define TESTS_ROUTER_LINK_RIG_H

#include "router/link.h"
#include "router/link_session.h"
#include "tests/router/attach_rig.h"

#define SM "xmlns='urn:xmpp:sm:3'"

/** What happened to the links of the kinds below, since link_rig_forget(). */
struct link_rig_seen {
	unsigned started, suspended, resumed, ended;
	enum fw_cause cause; /**< of the last ended() */
};
extern struct link_rig_seen link_rig_seen;
void link_rig_forget(void);

/** Dialects 2 and 3. link->owner is the name (text) that started() binds; NULL: none. */
extern const struct link_kind link_rig_kind2, link_rig_kind3;

/** A connected pair: one end an authenticated channel, its headers exchanged; the other a descriptor of the test's. */
struct fw_channel *link_rig_channel(struct rig *rig, int fd, void (*turn)(void *ctx), void *ctx);
/** The channel attaches; `peer` is its other end. */
struct link *link_rig_attach(struct rig *rig, struct peer *peer, const struct link_kind *kind, const char *identity,
                             const char *binds, bool dialled);
/** An accepted link that has enabled acknowledgement. @param id  LINK_SESSION_ID_SIZE: its id; may be NULL */
struct link *link_rig_enable(struct rig *rig, struct peer *peer, const struct link_kind *kind, const char *identity,
                             const char *binds, char *id);
/** Waits until the one link of this identity is in a state. */
void link_rig_state(struct rig *rig, struct link *link, enum link_state state);
/** Value of an attribute in the first `<name …>` that the peer has received. */
void link_rig_attribute(const struct peer *peer, const char *name, const char *attribute, char *out, size_t size);

#endif
