/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Between the two halves of the bench's server: bytes (bench_peer.c) and their meaning.
 */
#ifndef FEDWAY_TESTS_BENCH_PEER_TALK_H
#define FEDWAY_TESTS_BENCH_PEER_TALK_H

#include "tests/bench/bench_peer.h"

/** Sends our stream header. */
void talk_open(struct peer_conn *conn);
/** Takes what is complete out of the connection's input. @return 0; -1: the stream failed */
int talk_hear(struct peer_conn *conn);
/** From talk_hear(): what comes next is TLS. */
void peer_start_tls(struct peer_conn *conn);

#endif
