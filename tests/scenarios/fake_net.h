/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A network that is only in this process: it takes the place of sdk/io/socket.c at link time. A connection is a pair
 * of sockets; the script holds the other end.
 */
#ifndef TESTS_SCENARIOS_FAKE_NET_H
#define TESTS_SCENARIOS_FAKE_NET_H

#include <fedway/io/socket.h>

enum fake_answer { FAKE_ACCEPTS, FAKE_REFUSES, FAKE_SILENT };

/** What happens when somebody connects to "ip:port" from now on. */
void fake_net_target(const char *addr, enum fake_answer answer);
/** The script's end of the oldest connection made to the target, or -1. */
int fake_net_accepted(const char *addr);
/** Connects to a listener as a peer with this address; the script's end, or -1 when nobody listens there. */
int fake_net_connect(const char *listener, const char *peer_ip);
/** A descriptor on which nothing will ever happen. */
bool fake_net_is_silent(int fd);
/** Forgets everything. */
void fake_net_clear(void);

#endif
