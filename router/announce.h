/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Announcements: a service says that its answers have changed, every running module is told at the end of the turn.
 * router_announce() (router.h) adds one.
 */
#ifndef FEDWAY_ROUTER_ANNOUNCE_H
#define FEDWAY_ROUTER_ANNOUNCE_H

struct router;
struct announcements;

/** @return FW_OK, FW_ENOMEM [g] */
int announcements_new(struct router *router, struct announcements **out);
/** What was not told yet is forgotten. NULL is allowed. */
void announcements_free(struct announcements **announcements);

#endif
