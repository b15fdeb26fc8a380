/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the control socket share: control.c has the socket, control_client.c those that are connected,
 * control_call.c the requests under way. The commands include control_commands.h instead.
 */
#ifndef FEDWAY_ROUTER_CONTROL_ROOM_H
#define FEDWAY_ROUTER_CONTROL_ROOM_H

#include "router/control.h"

struct control_client;

struct control {
	struct router *router;
	const struct control_daemon *daemon;
	void *daemon_ctx;
	char *path;
	int fd;
	struct fw_io *io;
	struct control_client *clients;
	unsigned client_count;
	const char *who; /**< whose request begins now; NULL: the router's own */
};

/** The daemon set by control_set_daemon(); NULL when there is none. */
void control_get_daemon(const struct router *router, const struct control_daemon **daemon, void **ctx);

/** While a request begins: who asks. control_set_who() borrows the name until it is called again. */
void control_set_who(const struct router *router, const char *who);
const char *control_who(const struct router *router);

/** Takes one connection [t: *fd is -1 then]; left in place when there is no memory. */
void control_client_start(struct control *control, int *fd);
/** Ends all of them; what they asked is cancelled. */
void control_clients_stop(struct control *control);

#endif
