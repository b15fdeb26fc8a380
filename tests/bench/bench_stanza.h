/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The stanzas that all benches use: the same bytes for the routers and for bare expat. A stanza carries its
 * sequence number in its id, at a fixed place, so that numbering one costs eight bytes.
 */
#ifndef FEDWAY_TESTS_BENCH_STANZA_H
#define FEDWAY_TESTS_BENCH_STANZA_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_DIGITS 8
#define BENCH_STREAM_HEAD                                                                          \
	"<stream:stream xmlns='jabber:component:accept' "                                          \
	"xmlns:stream='http://etherx.jabber.org/streams' to='%s'>"

struct bench_stanza {
	char *bytes;        /* one stanza, not terminated */
	size_t len;         /* about the size that was asked for */
	size_t digits_at;   /* where the sequence number stands */
	size_t payload_at;  /* behind the '>' of the root's start tag */
	const char *end;    /* its end tag */
	size_t end_len;
};

/** Builds a stanza of about `size` bytes: 700 is a nested presence, 301 has a prefix, others are chat messages. */
int bench_stanza_make(struct bench_stanza *stanza, size_t size, const char *from, const char *to);
void bench_stanza_free(struct bench_stanza *stanza);

/** Writes a sequence number into a copy of the stanza. */
void bench_stanza_number(char *bytes, const struct bench_stanza *stanza, uint32_t number);

/** Reads the number of a received stanza, whatever the order and quotes of its attributes; -1: none. */
int64_t bench_stanza_read_number(const char *bytes, size_t len);

#endif
