/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One listening socket for links. Opening and accepting are two steps, so that a reload can open first and
 * accept only when everything else is known to work.
 */
#ifndef FEDWAY_ROUTER_LISTENER_H
#define FEDWAY_ROUTER_LISTENER_H

#include <fedway/io/loop.h>
#include <fedway/io/socket.h>

#include "config/config.h"

struct listener;

/** A connection has come. Take it by setting *fd to -1, else it is closed. */
typedef void listener_accept_fn(void *ctx, const struct listener *listener, int *fd, const struct fw_addr *peer);

/** Binds and listens; the kernel queues connections from now on. @return FW_OK, FW_EINVAL, FW_ESYS, FW_ENOMEM [g] */
int listener_open(struct fw_loop *loop, const struct config_listen *row, struct listener **out,
                  struct fw_error *err);
/** Begins to accept. @return FW_OK or FW_ENOMEM */
int listener_watch(struct listener *listener, listener_accept_fn *accepted, void *ctx);
void listener_close(struct listener **listener);

/** It is the one that this row asks for. */
bool listener_matches(const struct listener *listener, const struct config_listen *row);
/** Where it listens; tells the port when 0 was asked for. */
const char *listener_text(const struct listener *listener, char out[FW_ADDR_TEXT_SIZE]);

/** Chain of listeners, for their owner. */
struct listener **listener_next(struct listener *listener);

#endif
