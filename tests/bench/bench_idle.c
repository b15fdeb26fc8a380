/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Memory of idle links: attaches COUNT components, lets each send one stanza to the next so that no
 * link is fresh, waits until the router has been quiet, and reports its resident memory per link.
 * `%u` in NAME becomes the number of the link; without it all share one name. Usage: bench_idle IP
 * PORT SECRET ROUTER_PID NAME COUNT
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/bench/bench_stanza.h"
#include "tests/bench/bench_wire.h"

#define QUIET_NS 3000000000LL
#define QUIET_MAX_NS 20000000000LL

static void link_name(char *out, size_t room, const char *pattern, uint32_t number)
{
	const char *mark = strstr(pattern, "%u");

	if (mark == NULL) {
		snprintf(out, room, "%s", pattern);
		return;
	}
	snprintf(out, room, "%.*s%u%s", (int)(mark - pattern), pattern, number, mark + 2);
}

static int attach_all(int *fds, uint32_t count, char **argv)
{
	char name[128];
	int port = (int)strtol(argv[2], NULL, 10);

	for (uint32_t i = 0; i < count; i++) {
		link_name(name, sizeof(name), argv[5], i);
		fds[i] = bench_attach(argv[1], port, name, argv[3]);
		if (fds[i] < 0) {
			fprintf(stderr, "bench: link %u of %u failed\n", i, count);
			return -1;
		}
	}
	return 0;
}

/* One stanza over every link to the next one, awaited there. */
static int use_all(const int *fds, uint32_t count, const char *pattern)
{
	char from[128], to[128], bytes[2048];

	for (uint32_t i = 0; i < count; i++) {
		struct bench_stanza stanza = { 0 };
		uint32_t next = (i + 1) % count;
		link_name(from, sizeof(from), pattern, i);
		link_name(to, sizeof(to), pattern, next);
		if (bench_stanza_make(&stanza, 300, from, to) < 0 ||
		    bench_send_all(fds[i], stanza.bytes, stanza.len) < 0) {
			return -1;
		}
		size_t len = 0;
		while (memmem(bytes, len, stanza.end, stanza.end_len) == NULL) {
			ssize_t got = recv(fds[next], bytes + len, sizeof(bytes) - len, 0);
			if (got <= 0) {
				return -1;
			}
			len += (size_t)got;
		}
		bench_stanza_free(&stanza);
	}
	return 0;
}

/* The least memory within a few seconds of silence: a router may give back what an idle link does
 * not need. */
static int64_t quiet_kib(int pid)
{
	int64_t least = bench_resident_kib(pid);
	int64_t since = bench_now_ns(), start = since;

	while (bench_now_ns() - since < QUIET_NS && bench_now_ns() - start < QUIET_MAX_NS) {
		poll(NULL, 0, 100);
		int64_t now = bench_resident_kib(pid);
		if (now < least) {
			least = now;
			since = bench_now_ns();
		}
	}
	return least;
}

int main(int argc, char **argv)
{
	uint32_t count = argc == 7 ? (uint32_t)strtoul(argv[6], NULL, 10) : 0;
	struct rlimit files = { count + 64, count + 64 };

	if (count == 0) {
		fprintf(stderr, "usage: bench_idle IP PORT SECRET ROUTER_PID NAME COUNT\n");
		return 2;
	}
	int pid = (int)strtol(argv[4], NULL, 10);
	int *fds = calloc(count, sizeof(*fds));
	int64_t before = bench_resident_kib(pid);

	if (setrlimit(RLIMIT_NOFILE, &files) < 0) {
		perror("bench: file descriptors");
		return 1;
	}
	int64_t start = bench_now_ns();
	if (fds == NULL || attach_all(fds, count, argv) < 0) {
		return 1;
	}
	double per_s = count * 1e9 / (double)(bench_now_ns() - start);
	int64_t fresh = bench_resident_kib(pid);
	/* With one name for all, where a stanza goes is the router's choice. */
	bool distinct = strstr(argv[5], "%u") != NULL;
	if (distinct && use_all(fds, count, argv[5]) < 0) {
		fprintf(stderr, "bench: a stanza was lost among the idle links\n");
		return 1;
	}
	int64_t used = bench_resident_kib(pid);
	int64_t quiet = quiet_kib(pid);
	printf("attach_per_s %.0f 1/s\n", per_s);
	printf("idle_fresh_kib %.2f KiB\n", (double)(fresh - before) / count);
	printf("idle_used_kib %.2f KiB\n", (double)(used - before) / count);
	printf("idle_quiet_kib %.2f KiB\n", (double)(quiet - before) / count);
	free(fds);
	return 0;
}
