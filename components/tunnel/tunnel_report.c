/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What an operator sees of the tunnel in the topics "status" and "facts". `tunnel show` adds keys.
 */
#include "components/tunnel/tunnel.h"

#include <string.h>

#include "components/tunnel/tunnel_edge.h"
#include "components/tunnel/tunnel_gate.h"
#include "components/tunnel/tunnel_sshd.h"

static void report_cores(const struct tunnel *tunnel, struct fw_json *array)
{
	for (const struct tunnel_peer *peer = tunnel->memory->peers; peer != NULL;
	     peer = peer->next) {
		struct fw_json *row = fw_json_append_object(array);
		fw_json_set(row, "realm", fw_str(peer->realm));
		bool here = tunnel_gate_report(tunnel, peer->realm, row);
		fw_json_set(row, "state",
		            fw_str(peer->connected ? "connected"
		                   : here          ? "connecting"
		                                   : "away"));
		fw_json_set_int(row, "serial_seen", (int64_t)peer->serial);
	}
}

void tunnel_report(struct fw_self *self, const char *topic, struct fw_json *out)
{
	const struct tunnel *tunnel = fw_self_state(self);
	bool facts = strcmp(topic, "facts") == 0;

	if (!facts && strcmp(topic, "status") != 0) {
		return;
	}
	struct fw_json *to = facts ? fw_json_set_object(out, "own") : out;
	bool listens = tunnel->config->role == TUNNEL_LISTEN;
	fw_json_set(to, "role", fw_str(listens ? "listen" : "connect"));
	fw_json_set(to, "epoch", fw_str(tunnel->book->epoch));
	fw_json_set_int(to, "serial", (int64_t)tunnel->book->serial);
	if (listens) {
		tunnel_sshd_report(tunnel, to);
		report_cores(tunnel, fw_json_set_array(to, "cores"));
	} else {
		tunnel_edges_report(tunnel, fw_json_set_array(to, "edges"));
	}
}
