/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two DNS servers on 127.0.0.1 for the tests of the resolver: one that serves the zone "example." and refuses
 * "broken.", and one that never answers. The zone is at the top of dns_servers.c.
 */
#ifndef TESTS_COMPONENTS_RESOLVER_DNS_SERVERS_H
#define TESTS_COMPONENTS_RESOLVER_DNS_SERVERS_H

/** Their addresses with port, as the option `servers` takes them; known once they are started. */
extern const char *const dns_servers[1];
extern const char *const dns_silent_servers[1];

/** Setup and teardown of a group of tests. @return 0, or -1 when no server could be started */
int dns_servers_start(void **state);
int dns_servers_stop(void **state);

#endif
