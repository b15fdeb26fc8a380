/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the load generators share: attaching as a component by XEP-0114, the router's CPU time and memory as the
 * kernel counts them, and a clock. Nothing of libfedway is used, so that it cannot measure itself.
 */
#ifndef FEDWAY_TESTS_BENCH_WIRE_H
#define FEDWAY_TESTS_BENCH_WIRE_H

#include <stddef.h>
#include <stdint.h>

/** Connects to IP:port and completes the handshake; returns a blocking socket, or -1 after saying why. */
int bench_attach(const char *ip, int port, const char *name, const char *secret);
int bench_send_all(int fd, const char *bytes, size_t len);

int64_t bench_now_ns(void);
/** CPU time of all threads of a process since it started; -1: no such process. */
int64_t bench_cpu_ns(int pid);
/** Resident memory of a process; -1: no such process. */
int64_t bench_resident_kib(int pid);

#endif
