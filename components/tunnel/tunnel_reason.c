/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The words of ssh and sshd, and ours for them. Only a text that a program says itself is matched;
 * what is not here is shown as it was said. Nothing of it decides anything.
 */
#include "components/tunnel/tunnel_reason.h"

#include <string.h>

const struct tunnel_reason tunnel_ssh_reasons[] = {
	{ "REMOTE HOST IDENTIFICATION HAS CHANGED",
	  "the host key of the edge is not the one that is pinned",
	  "compare it with `fedwayctl tunnel show` on the edge; if it was made anew there, pin it "
	  "with `fedwayctl tunnel pin`; if not, somebody else answers at that address" },
	{ "host key is known for",
	  "the host key of the edge is of another kind than the pinned one",
	  "pin the key that `fedwayctl tunnel show` prints on the edge" },
	{ "Host key verification failed", "the host key of the edge could not be verified",
	  "pin the key that `fedwayctl tunnel show` prints on the edge" },
	{ "is not a public key file", "the pinned host key of the edge cannot be read",
	  "pin the key that `fedwayctl tunnel show` prints on the edge" },
	{ "UNPROTECTED PRIVATE KEY FILE", "others can read the private key of this core",
	  "chmod 600 the file id_ed25519 in the tunnel's directory" },
	{ "Permission denied (", "the edge does not take the key of this core",
	  "on the edge: `fedwayctl tunnel authorize` with the line of `fedwayctl tunnel keygen` on "
	  "this core; and `user` in the row of this edge must be who runs fedwayd there" },
	{ "Too many authentication failures", "the edge does not take the key of this core",
	  "on the edge: `fedwayctl tunnel authorize` with the line of `fedwayctl tunnel keygen` on "
	  "this core" },
	{ "Connection refused", "the edge refuses the connection",
	  "is fedwayd running there, with the tunnel's port as in the row of this edge?" },
	{ "Connection timed out", "the edge does not answer",
	  "does a firewall let this node reach the tunnel's port of the edge?" },
	{ "Operation timed out", "the edge does not answer",
	  "does a firewall let this node reach the tunnel's port of the edge?" },
	{ "No route to host", "there is no way to the edge",
	  "look at addresses and routes of this node, and at the firewall between" },
	{ "Network is unreachable", "there is no way to the edge",
	  "look at addresses and routes of this node" },
	{ "Could not resolve hostname", "the name of the edge is not known",
	  "give an address as `host` in the row of this edge, or repair DNS" },
	{ "not responding", "the edge no longer answers", "it is tried again" },
	{ "subsystem request failed", "the edge has an sshd, but not ours",
	  "`host` and `port` in the row of this edge must be those of its tunnel" },
	{ "no matching", "no common algorithms with the edge's sshd",
	  "update the older of the two OpenSSH" },
	{ "Connection reset by", "the edge has closed the connection",
	  "look at the log of the edge" },
	{ "Connection closed by", "the edge has closed the connection",
	  "look at the log of the edge" },
	{ "closed by remote host", "the edge has closed the connection",
	  "look at the log of the edge" },
	{ NULL, NULL, NULL },
};

const struct tunnel_reason tunnel_sshd_reasons[] = {
	{ "Address already in use", "the port of the tunnel is in use",
	  "end what listens there (ss -tlnp), or give another `port`" },
	{ "Cannot assign requested address", "the address of the tunnel is not one of this machine",
	  "give an `address` that this machine has" },
	{ "failed: Permission denied", "the port of the tunnel may not be used",
	  "give a `port` above 1023" },
	{ "Missing privilege separation directory", "sshd misses its directory /run/sshd",
	  "make it, with mode 0755 and owner root" },
	{ "Privilege separation user sshd does not exist", "the user sshd is missing",
	  "install openssh-server, which makes it" },
	{ "Bad configuration option", "sshd does not understand its configuration",
	  "OpenSSH 8.5 or newer is needed" },
	{ "Unsupported option", "sshd does not understand its configuration",
	  "OpenSSH 8.5 or newer is needed" },
	{ "no hostkeys available", "sshd cannot read the host key",
	  "look at owner and mode of the files in the tunnel's directory" },
	{ NULL, NULL, NULL },
};

static bool contains(struct fw_str line, const char *part)
{
	size_t len = strlen(part);

	for (size_t i = 0; i + len <= line.len; i++) {
		if (memcmp(line.ptr + i, part, len) == 0) {
			return true;
		}
	}
	return false;
}

const struct tunnel_reason *tunnel_reason_find(const struct tunnel_reason *table,
                                               struct fw_str line)
{
	while (table->line != NULL && !contains(line, table->line)) {
		table++;
	}
	return table->line != NULL ? table : NULL;
}
