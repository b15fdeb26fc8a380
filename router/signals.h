/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Signals as loop events. SIGPIPE is ignored from signals_start() on.
 */
#ifndef FEDWAY_ROUTER_SIGNALS_H
#define FEDWAY_ROUTER_SIGNALS_H

#include <fedway/io/loop.h>

struct signals;

/** What signals ask for; each runs in the loop, never inside a signal handler. */
struct signals_events {
	void (*reload)(void *ctx); /**< SIGHUP */
	void (*stop)(void *ctx);   /**< SIGTERM, SIGINT */
	void (*reopen)(void *ctx); /**< SIGUSR1 */
};

/** @return FW_OK, FW_ENOMEM, FW_ESYS [g] */
int signals_start(struct fw_loop *loop, const struct signals_events *events, void *ctx, struct signals **out);
void signals_stop(struct signals **signals);

#endif
