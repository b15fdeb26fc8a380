/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Load through a router: attaches as two components, sends numbered stanzas from the first to the
 * second with a window of unseen ones, and checks that each arrives once and in order. Works with
 * any router that takes XEP-0114, or with several, when the two attach to different ones. `flow`
 * measures throughput and each router's CPU per stanza; `ping` measures round trips a, b, a. Usage:
 * bench_link flow|ping FROM_IP:PORT TO_IP:PORT SECRET ROUTER_PID[,PID…] SIZE COUNT WINDOW EXACT.
 * EXACT 1 asks that a stanza's payload arrives byte for byte. Prints `name value unit` lines; the
 * CPU of the first router is `router_cpu_us`, of the second `router_cpu_us_2`.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/bench/bench_stanza.h"
#include "tests/bench/bench_wire.h"

#define FROM "a.bench"
#define TO "b.bench"
#define IN_ROOM (1u << 20)
#define STALL_MS 20000
#define ROUTERS_MAX 8

/* The routers that are measured: their CPU time when the counting began. */
struct routers {
	int pids[ROUTERS_MAX];
	int64_t cpu_start[ROUTERS_MAX];
	int count;
};

/* The receiving side: bytes that came and how far they were understood. */
struct reader {
	const struct bench_stanza *stanza;
	bool exact;
	char *bytes;
	size_t have;
	uint32_t next; /* number of the stanza that must come now */
};

struct flow {
	const struct bench_stanza *stanza;
	int out, in;
	uint32_t count, window, warm;
	uint32_t sent; /* stanzas handed to the batch */
	char *batch;   /* numbered stanzas on their way out */
	size_t batch_len, batch_at;
	struct reader reader;
	struct routers routers;
	int64_t wall_start;
};

static int routers_read(struct routers *routers, const char *list)
{
	while (*list != '\0' && routers->count < ROUTERS_MAX) {
		char *end = NULL;
		routers->pids[routers->count++] = (int)strtol(list, &end, 10);
		list = *end == ',' ? end + 1 : "";
	}
	return routers->count;
}

static void routers_begin(struct routers *routers)
{
	for (int i = 0; i < routers->count; i++) {
		routers->cpu_start[i] = bench_cpu_ns(routers->pids[i]);
	}
}

static void routers_print(const struct routers *routers, double stanzas, double wall_ns)
{
	for (int i = 0; i < routers->count; i++) {
		double cpu = (double)(bench_cpu_ns(routers->pids[i]) - routers->cpu_start[i]);
		char number[8] = "";
		if (i > 0) {
			snprintf(number, sizeof(number), "_%d", i + 1);
		}
		printf("router_cpu_us%s %.3f us\n", number, cpu / 1e3 / stanzas);
		printf("router_busy%s %.0f %%\n", number, 100 * cpu / wall_ns);
	}
}

static bool same_payload(const struct reader *reader, const char *bytes, size_t len)
{
	const struct bench_stanza *stanza = reader->stanza;
	size_t payload = stanza->len - stanza->payload_at;

	if (!reader->exact) {
		return true;
	}
	return len > payload && bytes[len - payload - 1] == '>' &&
	       memcmp(bytes + len - payload, stanza->bytes + stanza->payload_at, payload) == 0;
}

/* Length of the whole stanza at the start of `bytes`, or 0. The usual length is tried first. */
static size_t whole_stanza(const struct bench_stanza *stanza, const char *bytes, size_t have)
{
	if (have >= stanza->len &&
	    memcmp(bytes + stanza->len - stanza->end_len, stanza->end, stanza->end_len) == 0) {
		return stanza->len;
	}
	const char *end = memmem(bytes, have, stanza->end, stanza->end_len);
	return end == NULL ? 0 : (size_t)(end - bytes) + stanza->end_len;
}

/* Takes what came and checks every whole stanza in it. */
static int reader_take(struct reader *reader, int fd, int flags)
{
	ssize_t got = recv(fd, reader->bytes + reader->have, IN_ROOM - reader->have, flags);
	size_t at = 0;

	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return 0;
	}
	if (got <= 0) {
		fprintf(stderr, "bench: the router closed the link at stanza %u\n", reader->next);
		return -1;
	}
	reader->have += (size_t)got;
	for (;;) {
		const char *bytes = reader->bytes + at;
		size_t len = whole_stanza(reader->stanza, bytes, reader->have - at);
		if (len == 0) {
			break;
		}
		int64_t number = bench_stanza_read_number(bytes, len);
		if (number != reader->next || !same_payload(reader, bytes, len)) {
			fprintf(stderr, "bench: wanted stanza %u, got %lld: %.*s\n", reader->next,
			        (long long)number, (int)(len < 300 ? len : 300), bytes);
			return -1;
		}
		reader->next++;
		at += len;
	}
	memmove(reader->bytes, reader->bytes + at, reader->have - at);
	reader->have -= at;
	return 0;
}

/* Numbers the next stanzas that the window allows. Half a window at a time keeps writes large. */
static void fill_batch(struct flow *flow)
{
	uint32_t unseen = flow->sent - flow->reader.next;
	uint32_t room = flow->window - unseen;

	if (flow->batch_at < flow->batch_len || room < flow->window / 2) {
		return;
	}
	flow->batch_at = flow->batch_len = 0;
	for (; room > 0 && flow->sent < flow->count; room--, flow->sent++) {
		char *place = flow->batch + flow->batch_len;
		memcpy(place, flow->stanza->bytes, flow->stanza->len);
		bench_stanza_number(place, flow->stanza, flow->sent);
		flow->batch_len += flow->stanza->len;
	}
}

static int send_batch(struct flow *flow)
{
	size_t left = flow->batch_len - flow->batch_at;

	if (left == 0) {
		return 0;
	}
	ssize_t sent =
	        send(flow->out, flow->batch + flow->batch_at, left, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		perror("bench: send");
		return -1;
	}
	flow->batch_at += sent > 0 ? (size_t)sent : 0;
	return 0;
}

static int run_flow(struct flow *flow)
{
	while (flow->reader.next < flow->count) {
		fill_batch(flow);
		if (send_batch(flow) < 0) {
			return -1;
		}
		struct pollfd fds[2] = {
			{ .fd = flow->in, .events = POLLIN },
			{ .fd = flow->batch_at < flow->batch_len ? flow->out : -1,
			  .events = POLLOUT },
		};
		if (poll(fds, 2, STALL_MS) == 0) {
			fprintf(stderr, "bench: nothing came after stanza %u\n", flow->reader.next);
			return -1;
		}
		if (fds[0].revents != 0 && reader_take(&flow->reader, flow->in, MSG_DONTWAIT) < 0) {
			return -1;
		}
		if (flow->wall_start == 0 && flow->reader.next >= flow->warm) {
			flow->warm = flow->reader.next;
			flow->wall_start = bench_now_ns();
			routers_begin(&flow->routers);
		}
	}
	return 0;
}

static int flow_mode(struct flow *flow)
{
	flow->batch = malloc(flow->stanza->len * flow->window);
	flow->warm = flow->count / 10;
	if (flow->batch == NULL || run_flow(flow) < 0) {
		free(flow->batch);
		return -1;
	}
	double wall = (double)(bench_now_ns() - flow->wall_start);
	double stanzas = flow->count - flow->warm;
	routers_print(&flow->routers, stanzas, wall);
	printf("stanzas_per_s %.0f 1/s\n", stanzas * 1e9 / wall);
	printf("mb_per_s %.1f MB/s\n", stanzas * (double)flow->stanza->len * 1e3 / wall);
	free(flow->batch);
	return 0;
}

static int compare_ns(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Sends one stanza and waits until it came. */
static int hop(int out, int in, const struct bench_stanza *stanza, struct reader *reader)
{
	uint32_t number = reader->next;

	bench_stanza_number(stanza->bytes, stanza, number);
	if (bench_send_all(out, stanza->bytes, stanza->len) < 0) {
		return -1;
	}
	while (reader->next == number) {
		if (reader_take(reader, in, 0) < 0) {
			return -1;
		}
	}
	return 0;
}

static int ping_mode(struct flow *flow, size_t size)
{
	struct bench_stanza back = { 0 };
	struct reader reader = { .stanza = &back, .exact = flow->reader.exact };
	int64_t *times = calloc(flow->count, sizeof(*times));
	int result = -1;

	reader.bytes = malloc(IN_ROOM);
	if (times == NULL || reader.bytes == NULL || bench_stanza_make(&back, size, TO, FROM) < 0) {
		goto done;
	}
	for (uint32_t i = 0; i < flow->count; i++) {
		int64_t start = bench_now_ns();
		if (hop(flow->out, flow->in, flow->stanza, &flow->reader) < 0 ||
		    hop(flow->in, flow->out, &back, &reader) < 0) {
			goto done;
		}
		times[i] = bench_now_ns() - start;
	}
	qsort(times, flow->count, sizeof(*times), compare_ns);
	printf("rtt_median_us %.1f us\n", (double)times[flow->count / 2] / 1e3);
	printf("rtt_p99_us %.1f us\n", (double)times[flow->count / 100 * 99] / 1e3);
	result = 0;
done:
	bench_stanza_free(&back);
	free(reader.bytes);
	free(times);
	return result;
}

/* Attaches at "IP:PORT". */
static int attach_at(const char *place, const char *name, const char *secret)
{
	char ip[64];
	int port = 0;

	if (sscanf(place, "%63[0-9.]:%d", ip, &port) != 2) {
		fprintf(stderr, "bench: '%s' is not IP:PORT\n", place);
		return -1;
	}
	return bench_attach(ip, port, name, secret);
}

int main(int argc, char **argv)
{
	if (argc != 10) {
		fprintf(stderr, "usage: bench_link flow|ping FROM_IP:PORT TO_IP:PORT SECRET "
		                "ROUTER_PID[,PID...] SIZE COUNT WINDOW EXACT\n");
		return 2;
	}
	size_t size = strtoul(argv[6], NULL, 10);
	struct bench_stanza stanza = { 0 };
	struct flow flow = {
		.stanza = &stanza,
		.count = (uint32_t)strtoul(argv[7], NULL, 10),
		.window = (uint32_t)strtoul(argv[8], NULL, 10),
		.reader = { .stanza = &stanza,
		            .exact = argv[9][0] == '1',
		            .bytes = malloc(IN_ROOM) },
	};

	if (flow.reader.bytes == NULL || bench_stanza_make(&stanza, size, FROM, TO) < 0) {
		return 1;
	}
	flow.out = attach_at(argv[2], FROM, argv[4]);
	flow.in = attach_at(argv[3], TO, argv[4]);
	int result =
	        flow.out < 0 || flow.in < 0 || routers_read(&flow.routers, argv[5]) == 0 ? -1 : 0;
	if (result == 0) {
		result = argv[1][0] == 'f' ? flow_mode(&flow) : ping_mode(&flow, size);
	}
	bench_stanza_free(&stanza);
	free(flow.reader.bytes);
	return result == 0 ? 0 : 1;
}
