/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Load for a server with S2S, STARTTLS and dialback: stanzas from another server to a component
 * behind the subject (in) and back (out), stream set-ups, idle streams. Prints what it cost the
 * subject. Started by run_s2s.
 */
#include "tests/bench/bench_peer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench_stanza.h"
#include "tests/bench/bench_wire.h"

enum { WINDOW = 256, BATCH = 32, WARM_UP = 2000, PATIENCE_MS = 30000, QUIET_TURNS = 40 };

struct load {
	const char *component, *secret;
	int component_port, pid, size;
	uint32_t count;
	struct peer peer;
	struct peer_conn *behind; /* the component; its domain is served while it is attached */
};

static int turn(struct load *load)
{
	int ret = peer_turn(&load->peer, PATIENCE_MS);

	if (ret > 0) {
		fprintf(stderr, "bench: nothing happened for %d ms\n", PATIENCE_MS);
	}
	return ret == 0 ? 0 : -1;
}

/* Until so many dialled streams are up. */
static int await_ups(struct load *load, uint32_t count)
{
	while (load->peer.ups < count) {
		if (turn(load) < 0) {
			return -1;
		}
	}
	return 0;
}

/* ---- stanzas ---- */

/* Sends `count` stanzas, numbered from where the last run ended, and waits for the last to arrive.
 */
static int flow(struct load *load, struct peer_conn *conn, const struct bench_stanza *stanza,
                uint32_t count)
{
	struct peer *peer = &load->peer;
	uint64_t begin = peer->stanzas, sent = 0;
	uint32_t number = (uint32_t)(peer->last_number + 1);
	char *copy = malloc(stanza->len);

	if (copy == NULL) {
		return -1;
	}
	memcpy(copy, stanza->bytes, stanza->len);
	while (peer->stanzas - begin < count) {
		uint64_t arrived = peer->stanzas - begin;
		for (int i = 0; i < BATCH && sent < count && sent - arrived < WINDOW; i++) {
			bench_stanza_number(copy, stanza, number++);
			peer_send(conn, copy, stanza->len);
			sent++;
		}
		if (turn(load) < 0) {
			free(copy);
			return -1;
		}
	}
	free(copy);
	return peer->disorder ? -1 : 0;
}

static int measured_flow(struct load *load, struct peer_conn *conn, const char *from,
                         const char *to)
{
	struct bench_stanza stanza;

	if (bench_stanza_make(&stanza, (size_t)load->size, from, to) < 0) {
		return -1;
	}
	load->peer.end_tag = stanza.end;
	int ret = flow(load, conn, &stanza, WARM_UP);
	int64_t cpu = bench_cpu_ns(load->pid), start = bench_now_ns();
	if (ret == 0) {
		ret = flow(load, conn, &stanza, load->count);
	}
	int64_t spent = bench_now_ns() - start;
	cpu = bench_cpu_ns(load->pid) - cpu;
	if (ret == 0) {
		printf("cpu %.3f us\n", (double)cpu / 1000.0 / load->count);
		printf("rate %.0f 1/s\n", load->count * 1e9 / (double)spent);
	} else if (load->peer.disorder) {
		fprintf(stderr, "bench: a stanza was lost, doubled or out of order at %lld\n",
		        (long long)load->peer.last_number);
	}
	bench_stanza_free(&stanza);
	return ret;
}

static int run_in(struct load *load)
{
	struct peer_conn *conn = peer_dial(&load->peer, "p0.load.example");
	return conn != NULL && await_ups(load, 1) == 0
	               ? measured_flow(load, conn, "p0.load.example", load->component)
	               : -1;
}

static int run_out(struct load *load)
{
	return measured_flow(load, load->behind, load->component, "p0.load.example");
}

/* ---- set-ups ---- */

/* One after the other: each is up before the next begins. */
static int set_up(struct load *load, uint32_t first, uint32_t count, bool same)
{
	static const char footer[] = "</stream:stream>";
	char domain[64];

	for (uint32_t i = 0; i < count; i++) {
		snprintf(domain, sizeof(domain), "p%u.load.example", same ? 0 : first + i);
		struct peer_conn *conn = peer_dial(&load->peer, domain);
		if (conn == NULL || await_ups(load, load->peer.ups + 1) < 0) {
			return -1;
		}
		peer_send(conn, footer, sizeof(footer) - 1);
		peer_close(conn);
	}
	return 0;
}

static int run_setup(struct load *load, bool same)
{
	uint32_t warm = load->count / 10 + 1;

	load->peer.resume = same;
	int ret = set_up(load, 0, warm, same);
	int64_t cpu = bench_cpu_ns(load->pid), start = bench_now_ns();
	if (ret == 0) {
		ret = set_up(load, warm, load->count, same);
	}
	int64_t spent = bench_now_ns() - start;
	cpu = bench_cpu_ns(load->pid) - cpu;
	if (ret == 0) {
		printf("cpu %.3f ms\n", (double)cpu / 1e6 / load->count);
		printf("rate %.1f 1/s\n", load->count * 1e9 / (double)spent);
		printf("resumed %.2f x\n", (double)load->peer.resumed / load->peer.ups);
	}
	return ret;
}

/* ---- idle streams ---- */

static int64_t quiet_kib(struct load *load)
{
	int64_t least = bench_resident_kib(load->pid);

	for (int turns = 0; turns < QUIET_TURNS; turns++) {
		if (peer_turn(&load->peer, 100) < 0) { /* silence is what is waited for */
			return -1;
		}
		int64_t now = bench_resident_kib(load->pid);
		if (now < least) {
			least = now;
			turns = 0;
		}
	}
	return least;
}

static int run_idle(struct load *load)
{
	uint32_t warm = 20;
	int64_t before = 0;

	for (uint32_t i = 0; i < warm + load->count; i++) {
		if (i == warm) {
			before = quiet_kib(load);
		}
		if (peer_dial(&load->peer, "p0.load.example") == NULL || await_ups(load, i + 1) < 0) {
			return -1;
		}
	}
	printf("memory %.2f KiB\n", (double)(quiet_kib(load) - before) / load->count);
	return 0;
}

static int run_first(struct load *load)
{
	return run_setup(load, false);
}

static int run_again(struct load *load)
{
	return run_setup(load, true);
}

static const struct {
	const char *word;
	int (*run)(struct load *load);
} modes[] = {
	{ "in", run_in },       { "out", run_out },   { "setup", run_first },
	{ "again", run_again }, { "idle", run_idle },
};

int main(int argc, char **argv)
{
	struct load load = { 0 };

	if (argc != 12) {
		fprintf(stderr, "usage: bench_s2s in|out|setup|again|idle IP S2S_PORT "
		                "COMPONENT_PORT COMPONENT\n"
		                "       SECRET PID LISTEN_PORT CERTIFICATE COUNT SIZE\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	load.peer.ip = argv[2];
	load.peer.port = (int)strtol(argv[3], NULL, 10);
	load.component_port = (int)strtol(argv[4], NULL, 10);
	load.component = load.peer.target = argv[5];
	load.secret = argv[6];
	load.pid = (int)strtol(argv[7], NULL, 10);
	load.count = (uint32_t)strtoul(argv[10], NULL, 10);
	load.size = (int)strtol(argv[11], NULL, 10);
	load.peer.end_tag = "</message>";
	if (peer_init(&load.peer, argv[9], (int)strtol(argv[8], NULL, 10)) < 0) {
		return 1;
	}
	int fd = bench_attach(load.peer.ip, load.component_port, load.component, load.secret);
	if (fd < 0) {
		return 1;
	}
	load.behind = peer_adopt(&load.peer, fd);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(argv[1], modes[i].word) == 0) {
			return modes[i].run(&load) < 0;
		}
	}
	return 2;
}
