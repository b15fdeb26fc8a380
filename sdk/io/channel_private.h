/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a channel is: seen by channel.c (life, owner's calls, events), channel_io.c (bytes) and
 * channel_tls.c (from clear text to TLS).
 */
#ifndef FEDWAY_IO_CHANNEL_PRIVATE_H
#define FEDWAY_IO_CHANNEL_PRIVATE_H

#include <fedway/io/channel.h>

enum channel_phase {
	CHANNEL_OPEN,      /* the stream runs, in clear or under TLS */
	CHANNEL_UPGRADE,   /* what was queued before STARTTLS is still written in clear */
	CHANNEL_HANDSHAKE, /* TLS shakes hands; the stream waits */
	CHANNEL_SNIFF,     /* before all: the first byte will tell whether the peer begins with TLS */
	CHANNEL_ENDED,     /* closed() is queued or has run; the descriptor is gone */
};

/* Thousands of these are idle: buffers belong to the stream, and only while it reads. */
struct fw_channel {
	struct fw_loop *loop;
	struct fw_io *io;
	struct fw_stream *stream;
	struct fw_tls *tls; /* NULL in clear */
	const struct fw_channel_events *events;
	void *ctx;
	struct fw_timer *timer;  /* rests an idle stream; bounds the wait when closing */
	struct fw_channel *awake_next, **awake_link; /* channel_awake.c; NULL: it rests */
	struct fw_task flush;    /* one write per turn */
	struct fw_task finished; /* tells closed() */
	struct fw_tls_context *offer; /* while CHANNEL_SNIFF: for a peer that begins with TLS */
	struct fw_tls *tls_next;      /* while CHANNEL_UPGRADE: takes over behind the clear bytes */
	size_t clear_bytes;           /* queued before STARTTLS, and so written in clear */
	char *detail; /* of the cause; NULL: none */
	fw_channel_tap_fn *tap; /* NULL: nobody looks on */
	void *tap_ctx;
	uint64_t last_ms, heard_ms;
	struct fw_addr peer;
	int fd;
	int read_want;      /* FW_IO_* that reading waits for */
	int write_want;     /* FW_IO_* that writing waits for; 0: it waits for nothing */
	size_t tls_offered; /* bytes of an unfinished TLS write: not fewer may be offered again */
	enum channel_phase phase;
	enum fw_cause cause; /* the first reason */
	uint16_t busy;       /* calls from the loop that are on the stack */
	uint8_t early_acks;  /* acknowledgements that were not delayed */
	bool dead;           /* freed by the owner while busy */
	bool paused;
	bool closing;    /* our footer is queued */
	bool deaf;       /* the peer did wrong: only its acknowledgements are given to the owner */
	bool refused;    /* the stream takes no more input: its footer cannot be seen */
	bool peer_ended; /* its footer was seen */
	bool half_shut;  /* our half is closed, and the peer's end is awaited */
	bool peer_error; /* the last element was a stream error */
};

/* ---- channel.c ---- */

/** Begins a call from the loop; channel_leave() frees what the owner freed meanwhile. */
void channel_enter(struct fw_channel *channel);
void channel_leave(struct fw_channel *channel);
/** Nothing may be read, written or told any more. */
bool channel_over(const struct fw_channel *channel);
/** Something is queued: it goes out at the end of this turn. */
void channel_want_flush(struct fw_channel *channel);
/** At once: closes the descriptor and queues closed() with the first reason. */
void channel_finish(struct fw_channel *channel, enum fw_cause cause, const char *detail);
/** In good order; `detail` may be NULL. */
void channel_close_with(struct fw_channel *channel, enum fw_cause cause, const char *detail);
/** Our footer is written, or more of the peer was heard: sees whether that was all. */
void channel_check_end(struct fw_channel *channel);

/* ---- channel_io.c ---- */

/** Tells the loop what is waited for now. */
void channel_watch(struct fw_channel *channel);
void channel_ready(void *ctx, int events);
void channel_flush(void *ctx);
/** Reads what is there, up to a budget. */
void channel_read(struct fw_channel *channel);

/* ---- channel_tls.c ---- */

/** The first byte is there, or the peer's end: goes on in clear or under TLS. */
void channel_sniff(struct fw_channel *channel);
/** The input stands at the element that led to TLS: nothing may have come behind it. */
void channel_upgrade_check(struct fw_channel *channel);
/** Begins the handshake when the last clear byte is written. */
void channel_upgrade_begin(struct fw_channel *channel);
void channel_handshake(struct fw_channel *channel);
/** Nothing will come of TLS any more: forgets what was kept for it. */
void channel_upgrade_drop(struct fw_channel *channel);

#endif
