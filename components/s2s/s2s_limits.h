/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What strangers may take before they have proved anything.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_LIMITS_H
#define FEDWAY_COMPONENTS_S2S_S2S_LIMITS_H

#include <fedway/io/socket.h>

struct s2s;
struct s2s_limits;

/** An IPv4 address, or the /64 of an IPv6 address. */
struct s2s_network {
	unsigned char bytes[9]; /**< the last one is the family */
};

int s2s_limits_new(struct s2s_limits **out);
void s2s_limits_free(struct s2s_limits **limits);
void s2s_limits_network(const struct fw_addr *addr, struct s2s_network *out);
bool s2s_limits_same(const struct s2s_network *a, const struct s2s_network *b);
/** The option that forbids one more connection from there; NULL: welcome, and room was made. */
const char *s2s_limits_refusal(struct s2s *s2s, const struct fw_addr *peer);

#endif
