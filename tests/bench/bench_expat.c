/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Bare expat on the bytes of bench_link: no namespaces, a start and an end handler that count the
 * depth. It is the yardstick for the router, which cannot be faster than this while it parses with
 * expat. Usage: bench_expat SIZE COUNT; prints `name value unit` lines.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <expat.h>

#include "tests/bench/bench_stanza.h"

#define FEED_BYTES 16384

struct tally {
	int depth;
	uint32_t stanzas;
};

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct tally *tally = data;

	(void)name;
	(void)attributes;
	tally->depth++;
}

static void XMLCALL on_end(void *data, const XML_Char *name)
{
	struct tally *tally = data;

	(void)name;
	tally->stanzas += --tally->depth == 1;
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool feed(XML_Parser parser, const char *bytes, size_t len)
{
	for (size_t at = 0; at < len; at += FEED_BYTES) {
		size_t part = len - at < FEED_BYTES ? len - at : FEED_BYTES;
		if (XML_Parse(parser, bytes + at, (int)part, 0) != XML_STATUS_OK) {
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	size_t size = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	uint32_t count = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	struct bench_stanza stanza = { 0 };
	struct tally tally = { 0 };
	XML_Parser parser = XML_ParserCreate("UTF-8");

	if (count == 0 || parser == NULL ||
	    bench_stanza_make(&stanza, size, "a.bench", "b.bench") < 0) {
		fprintf(stderr, "usage: bench_expat SIZE COUNT\n");
		return 2;
	}
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetUserData(parser, &tally);

	/* A batch that stays in the cache no better than a router's buffers do. */
	size_t batch = 1 + 65536 / stanza.len;
	char *bytes = malloc(batch * stanza.len);
	char head[256];
	int head_len = snprintf(head, sizeof(head), BENCH_STREAM_HEAD, "a.bench");
	bool ok = bytes != NULL && feed(parser, head, (size_t)head_len);
	double start = cpu_seconds();
	uint32_t sent = 0;

	for (; ok && sent < count; sent += (uint32_t)batch) {
		for (size_t i = 0; i < batch; i++) {
			if (sent == 0) {
				memcpy(bytes + i * stanza.len, stanza.bytes, stanza.len);
			}
			bench_stanza_number(bytes + i * stanza.len, &stanza, sent + (uint32_t)i);
		}
		ok = feed(parser, bytes, batch * stanza.len);
	}
	double us = (cpu_seconds() - start) * 1e6 / sent;
	ok = ok && tally.stanzas == sent;
	XML_ParserFree(parser);
	free(bytes);
	printf("stanza_bytes %zu B\ncpu_us %.3f us\nmb_per_s %.1f MB/s\n", stanza.len, us,
	       (double)stanza.len / us);
	bench_stanza_free(&stanza);
	return ok ? 0 : 1;
}
