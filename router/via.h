/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Vias: a via holds domains in place of a component that is somewhere else, and passes their stanzas on to it, by its
 * ID. A module makes them with fw_bind_for(); one via per module and ID.
 */
#ifndef FEDWAY_ROUTER_VIA_H
#define FEDWAY_ROUTER_VIA_H

#include "router/router.h"

struct via;

/** As fw_bind_for() and fw_unbind_for(), for the component that claims. */
int via_bind(struct component *owner, const char *domain, const char *component_id, uint32_t weight);
int via_unbind(struct component *owner, const char *domain, const char *component_id);
/** Ends all that a component has claimed for others. */
void via_forget(const struct component *owner);
/** There is a way to the component that this one stands for. */
bool via_is_up(const struct component *component);
/** Somebody here stands for a component of that realm. */
bool vias_stand_in(const struct router *router, struct fw_str realm);
/** Brings the states that are shown up to date; a pick does not rely on them. */
void vias_refresh(struct router *router);

#endif
