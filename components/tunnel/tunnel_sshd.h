/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The edge's own sshd: its configuration and its life.
 */
#ifndef COMPONENTS_TUNNEL_TUNNEL_SSHD_H
#define COMPONENTS_TUNNEL_TUNNEL_SSHD_H

#include "components/tunnel/tunnel.h"

/** Starts it, and its host key first where there is none. @return FW_OK, FW_ENOMEM */
int tunnel_sshd_start(struct tunnel *tunnel);
void tunnel_sshd_stop(struct tunnel *tunnel);
/** Starts it anew when its configuration is another now. */
void tunnel_sshd_reload(struct tunnel *tunnel);
void tunnel_sshd_report(const struct tunnel *tunnel, struct fw_json *out);

/** Text of its configuration [g]; NULL when out of memory. @param plain  without what only newer ones know */
char *tunnel_sshd_text(const struct tunnel *tunnel, const char *user, bool plain);

#endif
