/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Credit per bound name: how many stanzas the peer still takes for it. At zero they wait in a queue of that name alone,
 * and those for other names on the same link pass. A name without credit is unlimited.
 */
#ifndef FEDWAY_ROUTER_LINK_CREDIT_H
#define FEDWAY_ROUTER_LINK_CREDIT_H

#include "router/link.h"

struct link_queue;
struct link_returns;

/** `<credit xmlns='urn:fedway:link:1' name='…' add='…'/>`, or total='…' */
extern const struct link_element link_credit_elements[];

/**
 * The peer has bound `name` (held by the link's component now) with a window. Again for a name that has one: a new beginning.
 * @return FW_OK; FW_ENOENT: the component does not hold it; FW_ENOMEM
 */
int link_credit_set(struct link *link, const char *name, uint32_t credit);
/** The name is no longer bound: what waits for it is routed again. After component_unbind(). */
void link_credit_forget(struct link *link, const char *name);
/**
 * Before a stanza is sent: takes one from the credit of its name, if that has any.
 * @return FW_OK: *stanza is left to be sent, or NULL when it waits; FW_ELIMIT: its queue is full, *stanza left
 */
int link_credit_take(struct link *link, struct fw_stanza **stanza);
/** Adds "credit", an array, when there is any. */
void link_credit_report(const struct link *link, struct fw_json *stream);
/** The queues of its names, one after the other: first with `queue` NULL. */
const struct link_queue *link_credit_next(const struct link *link, const struct link_queue *queue);
/** The link is over: what waits is handed over to be returned. */
void link_credit_gather(struct link *link, struct link_returns *returns);
/** Returns what was gathered, oldest first within a name, and frees it. */
void link_credit_return(struct link_returns *returns);

#endif
