/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A session on descriptors. Both roles use it: tunnel_edge.c with the streams of ssh, tunnel_gate.c
 * with a UNIX socket. It knows time: a peer that says nothing for three beats is dead.
 */
#include "components/tunnel/tunnel_conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <fedway/io/socket.h>

enum {
	BEATS_UNTIL_DEAD = 3,
	BEATS_UNTIL_HELLO = 8,
	READ_SIZE = 16384,
	READS_A_TURN = 16,
	QUEUE_LINES = 4
};

static struct fw_logger conn_logger = FW_LOGGER("Tunnel");

struct tunnel_conn {
	struct tunnel *tunnel;
	struct tunnel_session session;
	const struct tunnel_conn_calls *calls;
	void *ctx;
	const struct fw_log *log;
	int in, out;
	struct fw_io *reading, *writing; /* the same one when in and out are */
	struct fw_timer *beat;
	struct fw_task end; /* tells the owner, never from within a call */
	unsigned silent;    /* beats since the peer was heard */
	char *queue;
	size_t queued, room;
	bool ended;
	char why[256];
};

static void conn_end(struct tunnel_conn *conn, const char *why)
{
	if (conn->ended) {
		return;
	}
	conn->ended = true;
	snprintf(conn->why, sizeof(conn->why), "%s", why);
	fw_timer_stop(conn->beat);
	fw_io_set(conn->reading, 0);
	if (conn->writing != conn->reading) {
		fw_io_set(conn->writing, 0);
	}
	fw_defer(fw_self_loop(conn->tunnel->self), &conn->end);
}

static void conn_on_end(void *ctx)
{
	struct tunnel_conn *conn = ctx;

	conn->calls->ended(conn->ctx, conn->why);
}

/* ---- writing ---- */

static void conn_watch(struct tunnel_conn *conn)
{
	int write = conn->queued > 0 ? FW_IO_WRITE : 0;

	if (conn->ended) {
		return;
	}
	if (conn->writing == conn->reading) {
		fw_io_set(conn->reading, FW_IO_READ | write);
	} else {
		fw_io_set(conn->writing, write);
	}
}

static void conn_write(struct tunnel_conn *conn)
{
	while (conn->queued > 0) {
		const struct iovec piece = { conn->queue, conn->queued };
		ssize_t put = fw_socket_write(conn->out, &piece, 1);
		if (put == FW_EAGAIN) {
			break;
		}
		if (put < 0) {
			conn_end(conn, "the tunnel takes no more bytes");
			return;
		}
		memmove(conn->queue, conn->queue + put, conn->queued - (size_t)put);
		conn->queued -= (size_t)put;
	}
	conn_watch(conn);
}

static void conn_send(void *ctx, struct fw_str bytes)
{
	struct tunnel_conn *conn = ctx;
	size_t needed = conn->queued + bytes.len;

	if (conn->ended) {
		return;
	}
	if (needed > conn->session.wire.line_max * QUEUE_LINES) {
		conn_end(conn, "the other side does not read what it is told");
		return;
	}
	if (needed > conn->room) {
		char *more = realloc(conn->queue, needed * 2);
		if (more == NULL) {
			conn_end(conn, "out of memory");
			return;
		}
		conn->queue = more;
		conn->room = needed * 2;
	}
	memcpy(conn->queue + conn->queued, bytes.ptr, bytes.len);
	conn->queued = needed;
	conn_write(conn);
}

/* ---- reading ---- */

static void conn_read(struct tunnel_conn *conn)
{
	char bytes[READ_SIZE];
	struct fw_error err = { 0 };

	for (int i = 0; i < READS_A_TURN && !conn->ended; i++) {
		ssize_t got = fw_socket_read(conn->in, bytes, sizeof(bytes));
		if (got == FW_EAGAIN) {
			return;
		}
		if (got <= 0) {
			conn_end(conn, "");
			return;
		}
		conn->silent = 0;
		int ret = tunnel_session_feed(&conn->session, fw_str_n(bytes, (size_t)got), &err);
		if (ret != FW_OK) {
			if (ret != FW_ECLOSED) {
				tunnel_session_refuse(&conn->session, err.text);
			}
			conn_end(conn, err.text);
			return;
		}
	}
}

static void conn_on_io(void *ctx, int events)
{
	struct tunnel_conn *conn = ctx;

	if ((events & FW_IO_WRITE) != 0 && conn->queued > 0) {
		conn_write(conn);
	}
	if ((events & FW_IO_READ) != 0 && !conn->ended) {
		conn_read(conn);
	}
}

static void conn_on_writable(void *ctx, int events)
{
	(void)events;
	conn_write(ctx);
}

static void conn_on_beat(void *ctx)
{
	struct tunnel_conn *conn = ctx;

	/* It takes ssh a while until the other side can say hello. */
	if (++conn->silent >= (conn->session.ready ? BEATS_UNTIL_DEAD : BEATS_UNTIL_HELLO)) {
		conn_end(conn, conn->session.ready ? "the other side is silent"
		                                   : "the other side does not say hello");
		return;
	}
	tunnel_session_beat(&conn->session);
}

/* ---- what the session wants ---- */

static void conn_ready(void *ctx)
{
	struct tunnel_conn *conn = ctx;

	conn->session.peer->connected = true;
	fw_count(conn->tunnel->self, TUNNEL_COUNT_SESSIONS, 1);
	tunnel_learn_later(conn->tunnel);
	conn->calls->ready(conn->ctx);
}

static void conn_learned(void *ctx)
{
	struct tunnel_conn *conn = ctx;

	fw_count(conn->tunnel->self, TUNNEL_COUNT_LEARNED, 1);
	tunnel_learn_later(conn->tunnel);
}

static void conn_note(void *ctx, const char *text)
{
	struct tunnel_conn *conn = ctx;

	fw_log(conn->log, &conn_logger, FW_LOG_WARNING, "%s peer=%s", text,
	       conn->session.peer_realm);
}

static int64_t conn_clock(void *ctx)
{
	struct timespec now = { 0, 0 };

	(void)ctx;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const struct tunnel_session_calls conn_session_calls = {
	conn_send, conn_ready, conn_learned, conn_note, conn_clock,
};

/* ---- life ---- */

static int conn_watches(struct tunnel_conn *conn)
{
	struct fw_loop *loop = fw_self_loop(conn->tunnel->self);
	int ret = fw_io_add(loop, conn->in, FW_IO_READ, conn_on_io, conn, &conn->reading);

	if (ret == FW_OK && conn->in == conn->out) {
		conn->writing = conn->reading;
	} else if (ret == FW_OK) {
		ret = fw_io_add(loop, conn->out, 0, conn_on_writable, conn, &conn->writing);
	}
	if (ret == FW_OK) {
		ret = fw_timer_new(loop, conn_on_beat, conn, &conn->beat);
	}
	return ret;
}

int tunnel_conn_new(struct tunnel *tunnel, int in, int out, struct tunnel_peer *peer,
                    const struct fw_log *log, const struct tunnel_conn_calls *calls, void *ctx,
                    struct tunnel_conn **out_conn)
{
	struct tunnel_conn *conn = calloc(1, sizeof(*conn));
	char host[256] = "";

	if (conn == NULL) {
		return FW_ENOMEM;
	}
	conn->tunnel = tunnel;
	conn->calls = calls;
	conn->ctx = ctx;
	conn->log = log;
	conn->in = in;
	conn->out = out;
	conn->end = (struct fw_task){ conn_on_end, conn, NULL, NULL };
	conn->session.calls = &conn_session_calls;
	conn->session.ctx = conn;
	conn->session.role = tunnel->config->role == TUNNEL_LISTEN ? "edge" : "core";
	conn->session.realm = fw_self_realm(tunnel->self);
	conn->session.peer_realm = peer->realm;
	conn->session.peer = peer;
	conn->session.book = tunnel->book;
	conn->session.wire.line_max = tunnel->config->line_max_bytes;
	int ret = conn_watches(conn);
	if (ret != FW_OK) {
		tunnel_conn_free(&conn);
		return ret;
	}
	(void)gethostname(host, sizeof(host) - 1);
	fw_timer_start_ms(conn->beat, tunnel->config->beat_ms, tunnel->config->beat_ms);
	*out_conn = conn;
	tunnel_session_begin(&conn->session, FW_BUILD_ID, host);
	return FW_OK;
}

void tunnel_conn_free(struct tunnel_conn **conn)
{
	struct tunnel_conn *dead = *conn;

	*conn = NULL;
	if (dead == NULL) {
		return;
	}
	if (dead->session.ready) {
		fw_count(dead->tunnel->self, TUNNEL_COUNT_BREAKS, 1);
	}
	dead->session.peer->connected = false;
	tunnel_learn_later(dead->tunnel);
	fw_defer_cancel(&dead->end);
	if (dead->writing != dead->reading) {
		fw_io_remove(&dead->writing);
	}
	fw_io_remove(&dead->reading);
	fw_timer_free(&dead->beat);
	tunnel_session_clear(&dead->session);
	free(dead->queue);
	free(dead);
}

const char *tunnel_conn_rest(struct tunnel_conn *conn)
{
	while (!conn->ended) {
		conn->silent = 1;
		conn_read(conn);
		if (conn->silent != 0) { /* nothing came, and the end is not here */
			break;
		}
	}
	return conn->why;
}

void tunnel_conn_tell(struct tunnel_conn *conn)
{
	if (!conn->ended) {
		tunnel_session_tell(&conn->session);
	}
}

const struct tunnel_session *tunnel_conn_session(const struct tunnel_conn *conn)
{
	return &conn->session;
}

void tunnel_conn_report(const struct tunnel_conn *conn, struct fw_json *out)
{
	const struct tunnel_session *session = &conn->session;

	fw_json_set_int(out, "serial_told", (int64_t)session->told);
	fw_json_set_int(out, "serial_acknowledged", (int64_t)session->acknowledged);
	fw_json_set_int(out, "skew_ms", session->skew_ms);
	fw_json_set(out, "software", fw_str(session->software));
	fw_json_set(out, "node", fw_str(session->host));
}
