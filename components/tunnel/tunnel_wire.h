/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Lines of JSON out of bytes that come in any pieces, and one line out of parts. Bounded: a line that is longer than
 * allowed, or no object, is an error after which nothing more is read.
 */
#ifndef COMPONENTS_TUNNEL_TUNNEL_WIRE_H
#define COMPONENTS_TUNNEL_TUNNEL_WIRE_H

#include <fedway/json.h>

struct tunnel_wire {
	char *bytes;
	size_t len, room, used; /* used: what has been given out */
	size_t line_max;        /* without its end */
};

/** Takes bytes. @return FW_OK; FW_ELIMIT: more than a line may have, without an end; FW_ENOMEM */
int tunnel_wire_add(struct tunnel_wire *wire, struct fw_str bytes);
/** The next line that is whole. @return FW_OK; FW_EAGAIN: none; FW_ELIMIT, FW_EPARSE, FW_ENOMEM with a sentence [g] */
int tunnel_wire_next(struct tunnel_wire *wire, struct fw_json **out, struct fw_error *err);
void tunnel_wire_clear(struct tunnel_wire *wire);

#endif
