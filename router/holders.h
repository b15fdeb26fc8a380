/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Who holds a name, for modules that need to know; and the word to them, "router", when that has changed.
 */
#ifndef FEDWAY_ROUTER_HOLDERS_H
#define FEDWAY_ROUTER_HOLDERS_H

#include "router/router.h"

struct holders;

/** @return FW_OK, FW_ENOMEM [g] */
int holders_new(struct router *router, struct holders **out);
/** NULL is allowed. */
void holders_free(struct holders **holders);
/** A holding or the state of a component has changed: looked at once at the end of the turn. */
void holders_changed(struct router *router);
/** As fw_holders(). */
int holders_report(const struct router *router, const char *domain, struct fw_json *out);

#endif
