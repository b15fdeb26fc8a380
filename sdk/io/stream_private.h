/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a stream is: seen by stream.c (bytes in) and stream_out.c (bytes out).
 */
#ifndef FEDWAY_IO_STREAM_PRIVATE_H
#define FEDWAY_IO_STREAM_PRIVATE_H

#include <fedway/io/stream.h>

#include "sdk/io/xml_reader.h"
#include "sdk/src/stanza_private.h"

struct fw_stream {
	struct fw_stream_settings settings;
	const struct fw_stream_events *events;
	void *ctx;
	uint64_t now_ms;
	/* in */
	struct xml_reader reader;
	struct chunk *chunk;
	uint64_t chunk_offset;    /* stream offset of chunk->bytes[0] */
	uint64_t received;        /* stream offset behind the last byte */
	uint64_t gap_from;        /* text between stanzas is checked up to here */
	struct fw_stanza *current;/* first-level element that is open */
	char *lang;               /* " xml:lang='…'" of the peer's header, or NULL */
	bool busy, dead, restart;
	/* out */
	struct fw_stanza *head, *tail;
	struct fw_stanza *unsettled; /* first that may still borrow a receive buffer */
	struct fw_stanza *footer; /* text that ends the stream: nothing behind it is written */
	size_t head_sent;         /* bytes of head already taken */
	size_t queued_stanzas, queued_texts, queued_bytes;
	bool opened, closed, footer_sent;
	bool acks;                /* what is written is kept until it is acknowledged */
	/* acknowledgement */
	struct fw_stanza *kept_head, *kept_tail;
	struct fw_stanza *acks_behind; /* text behind which stanzas are kept, not written yet */
	uint32_t kept_stanzas;
	size_t kept_bytes;
	uint32_t acked, refused;  /* the peer's last count, modulo 2^32; one that was too high */
	uint64_t handled_from;    /* stanzas that came before our own count began */
	struct fw_stream_counts counts;
};

/** Ends everything that waits to be written. */
void stream_out_clear(struct fw_stream *stream);
/** A stanza was written whole: it is kept until the peer acknowledges it. */
void stream_acks_keep(struct fw_stream *stream, struct fw_stanza *item);
/** What a stream error of this cause says more (RFC 6120 §4.9.4): "" or text in `out`. */
#define STREAM_CONDITION_SIZE 120
const char *stream_acks_condition(const struct fw_stream *stream, enum fw_cause cause,
                                  char out[STREAM_CONDITION_SIZE]);

#endif
