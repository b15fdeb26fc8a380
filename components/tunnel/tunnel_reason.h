/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What lines of OpenSSH mean for an operator: a sentence, and what can be done.
 */
#ifndef COMPONENTS_TUNNEL_TUNNEL_REASON_H
#define COMPONENTS_TUNNEL_TUNNEL_REASON_H

#include <fedway/str.h>

struct tunnel_reason {
	const char *line;   /* part of what it says; NULL ends a table */
	const char *text;
	const char *remedy;
};

/** Tables; of several rows that match, the first says most. */
extern const struct tunnel_reason tunnel_ssh_reasons[], tunnel_sshd_reasons[];

/** The first row that matches, or NULL. */
const struct tunnel_reason *tunnel_reason_find(const struct tunnel_reason *table, struct fw_str line);

#endif
