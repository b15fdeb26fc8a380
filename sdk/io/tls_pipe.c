/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Joins a connection under TLS with a socket pair, for libraries that want a socket of their own.
 * Called by components that embed such a library. One buffer per direction: a side that does not
 * read stops the other. Knows no protocol.
 */
#include <fedway/io/tls_pipe.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <fedway/io/socket.h>

enum {
	PIPE_BUFFER = 16384, /* a record of TLS */
	PIPE_ROUNDS = 16,    /* then others have their turn */
	PIPE_HANDSHAKE_MS = 10000,
	PIPE_STALL_MS = 30000,
	PIPE_LINGER_MS = 2000,
	PIPE_LINGER_BYTES = 262144,
};

enum pipe_phase {
	PIPE_HANDSHAKE,
	PIPE_OPEN,
	PIPE_LINGER, /* all is said; what the peer still sends is thrown away */
	PIPE_OVER,
};

/* Bytes on their way to one side. */
struct pipe_way {
	char bytes[PIPE_BUFFER];
	size_t from, until;
	bool ended; /* nothing comes behind them */
};

struct fw_tls_pipe {
	struct fw_loop *loop;
	const struct fw_tls_pipe_events *events;
	void *ctx;
	enum pipe_phase phase;
	uint32_t stall_ms;
	int outer, inner; /* the connection; our end of the pair */
	struct fw_tls *tls;
	struct fw_io *outer_io, *inner_io;
	struct fw_timer *timer; /* of the handshake, then of a peer that takes nothing, then of the
	                           last words */
	struct fw_task again;   /* there is more to do than one turn allows */
	int read_want, write_want; /* what TLS waits for to read, and to write; 0: nothing */
	size_t lingered;
	bool inner_told; /* the other side knows that the peer has ended */
	struct pipe_way in, out;
};

static bool way_empty(const struct pipe_way *way)
{
	return way->from == way->until;
}

/* ---- the end ---- */

static void pipe_shut(struct fw_tls_pipe *pipe)
{
	pipe->phase = PIPE_OVER;
	fw_io_remove(&pipe->outer_io);
	fw_io_remove(&pipe->inner_io);
	fw_timer_free(&pipe->timer);
	fw_defer_cancel(&pipe->again);
	fw_tls_free(&pipe->tls);
	fw_socket_close(&pipe->outer);
	fw_socket_close(&pipe->inner);
}

/* The last act of whoever calls: the owner frees the pipe. */
static void pipe_end(struct fw_tls_pipe *pipe, const char *detail)
{
	pipe_shut(pipe);
	pipe->events->closed(pipe->ctx, detail);
}

static void pipe_on_time(void *ctx)
{
	struct fw_tls_pipe *pipe = ctx;

	pipe_end(pipe, pipe->phase == PIPE_HANDSHAKE ? "the handshake took too long"
	               : pipe->phase == PIPE_OPEN    ? "the peer takes no bytes"
	                                             : "");
}

/* ---- bytes ---- */

/* From the peer. @return bytes moved; 0: nothing to do now; FW_E…: the connection is of no use any
 * more */
static ssize_t pull_outer(struct fw_tls_pipe *pipe)
{
	struct pipe_way *way = &pipe->in;

	if (way->ended || !way_empty(way)) {
		return 0;
	}
	pipe->read_want = FW_IO_READ;
	ssize_t got = fw_tls_read(pipe->tls, way->bytes, sizeof(way->bytes), &pipe->read_want);
	if (got == FW_EAGAIN) {
		return 0;
	}
	if (got < 0) {
		return got;
	}
	way->ended = got == 0;
	way->from = 0;
	way->until = (size_t)got;
	return got > 0 ? got : 1;
}

static ssize_t push_inner(struct fw_tls_pipe *pipe)
{
	struct pipe_way *way = &pipe->in;
	const struct iovec piece = { way->bytes + way->from, way->until - way->from };

	if (way_empty(way)) {
		if (way->ended && !pipe->inner_told && !pipe->out.ended) {
			fw_socket_shutdown(pipe->inner);
			pipe->inner_told = true;
		}
		return 0;
	}
	if (pipe->out.ended) { /* nobody reads them */
		way->from = way->until;
		return 0;
	}
	ssize_t put = fw_socket_write(pipe->inner, &piece, 1);
	if (put == FW_EAGAIN) {
		return 0;
	}
	if (put < 0) { /* the other side is gone: its last words may still wait to be read */
		way->from = way->until;
		return 0;
	}
	way->from += (size_t)put;
	return put;
}

static ssize_t pull_inner(struct fw_tls_pipe *pipe)
{
	struct pipe_way *way = &pipe->out;

	if (way->ended || !way_empty(way)) {
		return 0;
	}
	ssize_t got = fw_socket_read(pipe->inner, way->bytes, sizeof(way->bytes));
	if (got == FW_EAGAIN) {
		return 0;
	}
	/* An end with bytes of ours unread shows as an error: an end all the same. */
	way->ended = got <= 0;
	way->from = 0;
	way->until = got > 0 ? (size_t)got : 0;
	return got > 0 ? got : 1;
}

static ssize_t push_outer(struct fw_tls_pipe *pipe)
{
	struct pipe_way *way = &pipe->out;

	pipe->write_want = 0;
	if (way_empty(way)) {
		return 0;
	}
	ssize_t put = fw_tls_write(pipe->tls, way->bytes + way->from, way->until - way->from,
	                           &pipe->write_want);
	if (put == FW_EAGAIN) {
		return 0;
	}
	if (put < 0) {
		return put;
	}
	pipe->write_want = 0;
	way->from += (size_t)put;
	fw_timer_stop(pipe->timer);
	return put;
}

static void pipe_watch(struct fw_tls_pipe *pipe)
{
	int outer = 0, inner = 0;

	if (!pipe->in.ended && way_empty(&pipe->in)) {
		outer |= pipe->read_want;
	}
	if (!way_empty(&pipe->out)) {
		outer |= pipe->write_want;
		if (!fw_timer_running(pipe->timer)) {
			fw_timer_start_ms(pipe->timer, pipe->stall_ms, 0);
		}
	} else if (!pipe->out.ended) {
		inner |= FW_IO_READ;
	}
	if (!way_empty(&pipe->in)) {
		inner |= FW_IO_WRITE;
	}
	fw_io_set(pipe->outer_io, outer);
	fw_io_set(pipe->inner_io, inner);
}

/* ---- last words ---- */

static void pipe_drain(struct fw_tls_pipe *pipe)
{
	for (;;) {
		ssize_t got = fw_socket_read(pipe->outer, pipe->in.bytes, sizeof(pipe->in.bytes));
		if (got == FW_EAGAIN) {
			return;
		}
		pipe->lingered += got > 0 ? (size_t)got : 0;
		if (got <= 0 || pipe->lingered > PIPE_LINGER_BYTES) {
			pipe_end(pipe, "");
			return;
		}
	}
}

/* Closing with bytes unread would reset the connection, and the peer lose what it has not read. */
static void pipe_linger(struct fw_tls_pipe *pipe)
{
	pipe->phase = PIPE_LINGER;
	fw_io_remove(&pipe->inner_io);
	fw_socket_close(&pipe->inner);
	fw_tls_shutdown(pipe->tls);
	fw_socket_shutdown(pipe->outer);
	fw_timer_start_ms(pipe->timer, PIPE_LINGER_MS, 0);
	fw_io_set(pipe->outer_io, FW_IO_READ);
	pipe_drain(pipe);
}

/* ---- turns ---- */

static void pipe_pump(void *ctx)
{
	struct fw_tls_pipe *pipe = ctx;
	static ssize_t (*const steps[])(struct fw_tls_pipe *) = { pull_outer, push_inner,
		                                                  pull_inner, push_outer };

	for (int round = 0; round < PIPE_ROUNDS; round++) {
		ssize_t moved = 0;
		for (size_t i = 0; i < FW_COUNT(steps); i++) {
			ssize_t one = steps[i](pipe);
			if (one < 0) {
				pipe_end(pipe, fw_strerror((int)one));
				return;
			}
			moved += one;
		}
		if (pipe->out.ended && way_empty(&pipe->out)) {
			pipe_linger(pipe);
			return;
		}
		if (moved == 0) {
			pipe_watch(pipe);
			return;
		}
	}
	pipe_watch(pipe);
	fw_defer(pipe->loop,
	         &pipe->again); /* TLS may hold bytes that the descriptor does not show */
}

static void pipe_on_inner(void *ctx, int events)
{
	(void)events;
	pipe_pump(ctx);
}

static int pipe_join(struct fw_tls_pipe *pipe, int *other)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
		return FW_ESYS;
	}
	pipe->inner = pair[0];
	*other = pair[1];
	return fw_io_add(pipe->loop, pipe->inner, 0, pipe_on_inner, pipe, &pipe->inner_io);
}

static void pipe_handshake(struct fw_tls_pipe *pipe)
{
	struct fw_error err = { 0 };
	int want = FW_IO_READ, other = -1;
	int ret = fw_tls_handshake(pipe->tls, &want, &err);

	if (ret == FW_EAGAIN) {
		fw_io_set(pipe->outer_io, want);
		return;
	}
	if (ret == FW_OK) {
		ret = pipe_join(pipe, &other);
		fw_error_set(&err, ret, "%s", fw_strerror(ret));
	}
	if (ret != FW_OK) {
		fw_socket_close(&other);
		pipe_end(pipe, err.text);
		return;
	}
	pipe->phase = PIPE_OPEN;
	fw_timer_stop(pipe->timer);
	fw_defer(pipe->loop, &pipe->again);
	int *given = &other;
	pipe->events->secured(pipe->ctx, given);
	fw_socket_close(given);
}

static void pipe_on_outer(void *ctx, int events)
{
	struct fw_tls_pipe *pipe = ctx;

	(void)events;
	switch (pipe->phase) {
	case PIPE_HANDSHAKE:
		pipe_handshake(pipe);
		break;
	case PIPE_OPEN:
		pipe_pump(pipe);
		break;
	case PIPE_LINGER:
		pipe_drain(pipe);
		break;
	case PIPE_OVER:
		break;
	}
}

/* ---- life ---- */

int fw_tls_pipe_new(struct fw_loop *loop, int *fd, const struct fw_tls_pipe_settings *settings,
                    const struct fw_tls_pipe_events *events, void *ctx, struct fw_tls_pipe **out)
{
	const struct fw_tls_start start = { .side = FW_TLS_RECEIVING };
	struct fw_tls_pipe *pipe = calloc(1, sizeof(*pipe));
	uint32_t shake_ms = settings->handshake_timeout_ms;
	int ret = FW_ENOMEM;

	if (pipe == NULL) {
		fw_socket_close(fd);
		return ret;
	}
	pipe->loop = loop;
	pipe->events = events;
	pipe->ctx = ctx;
	pipe->stall_ms = settings->stall_timeout_ms != 0 ? settings->stall_timeout_ms
	                                                 : (uint32_t)PIPE_STALL_MS;
	pipe->outer = *fd;
	pipe->inner = -1;
	*fd = -1;
	pipe->again.fn = pipe_pump;
	pipe->again.ctx = pipe;
	ret = fw_timer_new(loop, pipe_on_time, pipe, &pipe->timer);
	if (ret == FW_OK) {
		ret = fw_tls_new(settings->context, &start, pipe->outer, &pipe->tls);
	}
	if (ret == FW_OK) {
		ret = fw_io_add(loop, pipe->outer, FW_IO_READ, pipe_on_outer, pipe,
		                &pipe->outer_io);
	}
	if (ret != FW_OK) {
		fw_tls_pipe_free(&pipe);
		return ret;
	}
	fw_timer_start_ms(pipe->timer, shake_ms != 0 ? shake_ms : (uint32_t)PIPE_HANDSHAKE_MS, 0);
	*out = pipe;
	return FW_OK;
}

void fw_tls_pipe_free(struct fw_tls_pipe **at)
{
	struct fw_tls_pipe *pipe = *at;

	*at = NULL;
	if (pipe != NULL) {
		pipe_shut(pipe);
		free(pipe);
	}
}

const struct fw_tls *fw_tls_pipe_tls(const struct fw_tls_pipe *pipe)
{
	return pipe->tls;
}
