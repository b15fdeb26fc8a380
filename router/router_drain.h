/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Draining the whole router (router_drain() of router.h): what component.c has to tell it.
 */
#ifndef FEDWAY_ROUTER_ROUTER_DRAIN_H
#define FEDWAY_ROUTER_ROUTER_DRAIN_H

struct router;

/** A component has drained or is gone; looks at it again at the end of the turn. Nothing without a drain. */
void router_drain_progress(struct router *router);
/** Gives a drain up; its callback will not run. */
void router_drain_cancel(struct router *router);

#endif
