/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which holder of a name takes a stanza.
 */
#ifndef FEDWAY_ROUTER_ROUTE_BALANCE_H
#define FEDWAY_ROUTER_ROUTE_BALANCE_H

#include "router/route_table.h"

/** The lot of a component among the holders of a name: the same after a reconnect, unless the ID is shared. */
uint64_t route_balance_seed(const struct route_name *name, const struct component *component);

/** The component is up; or it starts or drains, and the stanza belongs to something under way. */
bool route_balance_can_take(const struct component *component, const struct fw_stanza *stanza);

/**
 * Chooses among the holders of a name: of those that are up, and not suspended if it can be helped, the lowest rank, of these by weighted rendezvous
 * over the two bare addresses, so that one conversation stays with one holder; for the default route over the two
 * domains.
 * @param prefer  number of a component that is taken when it is among the holders; 0 for none
 * @return the holder, or NULL when none is up; *cause then says why
 */
struct component *route_balance_pick(const struct route_name *name, const struct fw_stanza *stanza, uint32_t prefer,
                                     enum fw_cause *cause);

#endif
