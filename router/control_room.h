/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the commands may know of the control socket: who runs the program.
 */
#ifndef FEDWAY_ROUTER_CONTROL_ROOM_H
#define FEDWAY_ROUTER_CONTROL_ROOM_H

#include "router/control.h"

/** The daemon set by control_set_daemon(); NULL when there is none. */
void control_get_daemon(const struct router *router, const struct control_daemon **daemon, void **ctx);

#endif
