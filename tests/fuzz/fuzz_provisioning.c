/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the lines of a node at the other end of the tunnel. Whatever comes, whole or in two
 * pieces, gives the same answer and the same memory; what we say is lines of JSON; what is kept is
 * bounded.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "components/tunnel/tunnel_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE_MAX_BYTES = 4096 };

struct side {
	struct tunnel_memory *memory;
	struct tunnel_session session;
	size_t said;
	int ret;
	struct fw_error err;
};

static void on_send(void *ctx, struct fw_str bytes)
{
	struct side *side = ctx;
	struct fw_json *line = NULL;

	fw_assert(bytes.len > 1 && bytes.ptr[bytes.len - 1] == '\n');
	fw_assert(memchr(bytes.ptr, '\n', bytes.len) == bytes.ptr + bytes.len - 1);
	fw_assert(fw_json_parse(bytes, &line, NULL) == FW_OK);
	fw_assert(fw_json_text(fw_json_get(line, "type")).len > 0);
	fw_json_free(&line);
	side->said += bytes.len;
}

static void on_event(void *ctx)
{
	(void)ctx;
}

static void on_note(void *ctx, const char *text)
{
	(void)ctx;
	fw_assert(strlen(text) > 0);
}

static int64_t on_clock(void *ctx)
{
	(void)ctx;
	return 1795392000000;
}

static const struct tunnel_session_calls calls = { on_send, on_event, on_event, on_note, on_clock };

static void run(struct side *side, struct tunnel_book *book, const char *bytes, size_t size,
                size_t cut)
{
	struct tunnel_peer *peer = NULL;

	memset(side, 0, sizeof(*side));
	side->memory = tunnel_memory_open(NULL, NULL);
	fw_assert(side->memory != NULL);
	fw_assert(tunnel_memory_get(side->memory, "edge-1", &peer) == FW_OK);
	side->session = (struct tunnel_session){ .calls = &calls,
		                                 .ctx = side,
		                                 .role = "core",
		                                 .realm = "core-1",
		                                 .peer_realm = "edge-1",
		                                 .book = book,
		                                 .peer = peer };
	side->session.wire.line_max = LINE_MAX_BYTES;
	tunnel_session_begin(&side->session, "fuzz", "host");
	side->ret = tunnel_session_feed(&side->session, fw_str_n(bytes, cut), &side->err);
	if (side->ret == FW_OK && cut < size) {
		side->ret = tunnel_session_feed(&side->session, fw_str_n(bytes + cut, size - cut),
		                                &side->err);
	}
	fw_assert(side->ret == FW_OK || side->err.text[0] != '\0');
	size_t count = 0;
	for (const struct tunnel_known *known = peer->known; known != NULL; known = known->next) {
		count++;
	}
	fw_assert(count <= TUNNEL_KEYS_MAX);
}

static void end(struct side *side)
{
	tunnel_session_clear(&side->session);
	tunnel_memory_free(&side->memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tunnel_book *book; /* the same for all: its epoch is random */
	struct side whole, cut;
	char *bytes = malloc(size + 1);

	if (book == NULL) {
		struct fw_json *value = fw_json_new();
		book = tunnel_book_new();
		fw_assert(book != NULL && tunnel_book_set(book, "domains", value));
		fw_json_free(&value);
	}
	fw_assert(bytes != NULL);
	memcpy(bytes, data, size);
	run(&whole, book, bytes, size, size);
	run(&cut, book, bytes, size, size > 0 ? data[size - 1] % size : 0);
	fw_assert(whole.ret == cut.ret && whole.said == cut.said);
	fw_assert(whole.session.peer->serial == cut.session.peer->serial);
	fw_assert(strcmp(whole.err.text, cut.err.text) == 0);
	end(&whole);
	end(&cut);
	free(bytes);
	return 0;
}
