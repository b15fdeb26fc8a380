/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A session on descriptors: the streams of ssh on the core, a UNIX socket on the edge. Reads, writes what the
 * descriptor takes, and ends once, with a sentence.
 */
#ifndef COMPONENTS_TUNNEL_TUNNEL_CONN_H
#define COMPONENTS_TUNNEL_TUNNEL_CONN_H

#include "components/tunnel/tunnel.h"
#include "components/tunnel/tunnel_session.h"

struct tunnel_conn;

struct tunnel_conn_calls {
	/** The peer has said who it is. */
	void (*ready)(void *ctx);
	/** The end: the owner frees the connection, here or later; nothing more comes. `why` is "" at a plain end. */
	void (*ended)(void *ctx, const char *why);
};

/**
 * @param in, out  stream sockets, of the owner; may be the same
 * @param peer     what is known of the one at the other end [b]
 * @return FW_OK, FW_ENOMEM, FW_ESYS [g]
 */
int tunnel_conn_new(struct tunnel *tunnel, int in, int out, struct tunnel_peer *peer,
                    const struct fw_log *log, const struct tunnel_conn_calls *calls, void *ctx,
                    struct tunnel_conn **out_conn);
/** Reads what is left after the program at the other end has gone; why it ended, or "" when that is not known. */
const char *tunnel_conn_rest(struct tunnel_conn *conn);
void tunnel_conn_free(struct tunnel_conn **conn);
/** Sends what is new in the book. */
void tunnel_conn_tell(struct tunnel_conn *conn);
const struct tunnel_session *tunnel_conn_session(const struct tunnel_conn *conn);
/** Serials, clock skew, and what the peer says of itself. */
void tunnel_conn_report(const struct tunnel_conn *conn, struct fw_json *out);

#endif
