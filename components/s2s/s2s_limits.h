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

int s2s_limits_new(struct s2s_limits **out);
void s2s_limits_free(struct s2s_limits **limits);
/** The option that forbids one more connection from there; NULL: welcome, and room was made. */
const char *s2s_limits_refusal(struct s2s *s2s, const struct fw_addr *peer);

#endif
