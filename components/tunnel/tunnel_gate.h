/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The edge's end of the tunnel: a UNIX socket in its directory, to which the program that sshd runs for a core comes,
 * with the key that has logged in.
 */
#ifndef COMPONENTS_TUNNEL_TUNNEL_GATE_H
#define COMPONENTS_TUNNEL_TUNNEL_GATE_H

#include "components/tunnel/tunnel.h"

/** @return FW_OK, FW_ELIMIT (the path is too long for a socket), FW_ESYS, FW_ENOMEM */
int tunnel_gate_open(struct tunnel *tunnel, struct fw_error *err);
void tunnel_gate_close(struct tunnel *tunnel);
/** Tells all cores what is new. */
void tunnel_gate_tell(struct tunnel *tunnel);
/** Ends the session of a core. */
void tunnel_gate_end(struct tunnel *tunnel, const char *realm, const char *why);
/** Adds the state of a core's session to its row. @return false when there is none */
bool tunnel_gate_report(const struct tunnel *tunnel, const char *realm, struct fw_json *row);

#endif
