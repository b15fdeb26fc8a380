/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The provisioning protocol between two nodes (sdk/PROTOCOL.md), without sockets and without time: bytes in, lines
 * out. Each side tells its book and remembers the other's; both speak alike, so there is one session for both.
 */
#ifndef COMPONENTS_TUNNEL_TUNNEL_SESSION_H
#define COMPONENTS_TUNNEL_TUNNEL_SESSION_H

#include "components/tunnel/tunnel_book.h"
#include "components/tunnel/tunnel_memory.h"
#include "components/tunnel/tunnel_wire.h"

enum { TUNNEL_VERSION = 1 };

struct tunnel_session_calls {
	/** Writes bytes that are whole lines. */
	void (*send)(void *ctx, struct fw_str bytes);
	/** The peer has introduced itself. */
	void (*ready)(void *ctx);
	/** It told something: the memory has changed. */
	void (*learned)(void *ctx);
	/** Something to log; not an end. */
	void (*note)(void *ctx, const char *text);
	int64_t (*clock_ms)(void *ctx); /* wall clock */
};

struct tunnel_session {
	const struct tunnel_session_calls *calls;
	void *ctx;
	const char *role, *realm; /* ours */
	const char *peer_realm;   /* who it must be */
	struct tunnel_book *book;
	struct tunnel_peer *peer; /* what we know of it */
	struct tunnel_wire wire;
	bool ready;
	char peer_epoch[TUNNEL_EPOCH_SIZE]; /* of the book that it is telling */
	char software[64], host[256]; /* as it says */
	uint64_t told, acknowledged;  /* serials of our book */
	int64_t skew_ms;              /* its clock minus ours */
};

/** Sends the hello. All other members must be set. */
void tunnel_session_begin(struct tunnel_session *session, const char *software, const char *host);
/** Takes bytes of the peer. @return FW_OK, or an error with a sentence: the session must end */
int tunnel_session_feed(struct tunnel_session *session, struct fw_str bytes, struct fw_error *err);
/** Sends what the book has and the peer was not told. */
void tunnel_session_tell(struct tunnel_session *session);
/** A sign of life, with our clock. */
void tunnel_session_beat(struct tunnel_session *session);
/** Tells the peer why it ends. */
void tunnel_session_refuse(struct tunnel_session *session, const char *text);
void tunnel_session_clear(struct tunnel_session *session);

#endif
