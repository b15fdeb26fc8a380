/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tells the service manager how we are: sd_notify(3) without its library, which is one datagram.
 */
#ifndef FEDWAY_ROUTER_NOTIFY_H
#define FEDWAY_ROUTER_NOTIFY_H

#include <fedway/error.h>

/**
 * Sends lines such as "READY=1\nSTATUS=…" to $NOTIFY_SOCKET; without it, does nothing.
 * @return FW_OK also when nobody listens; FW_ESYS, FW_ELIMIT when the socket's name is not usable
 */
int notify(const char *format, ...) FW_PRINTF(1, 2);
/** Microseconds between signs of life that the service manager asks for; 0 for none. */
uint64_t notify_watchdog_us(void);

#endif
