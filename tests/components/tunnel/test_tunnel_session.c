/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The provisioning protocol: two sessions that talk, whole, cut at every byte and broken off; and
 * what each wrong line does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "components/tunnel/tunnel_session.h"

/* One side: its book, what it knows of the other, and the bytes that it has said. */
struct side {
	struct tunnel_book *book;
	struct tunnel_memory *memory;
	struct tunnel_session session;
	const char *role, *realm, *peer;
	char said[65536];
	size_t len;
	unsigned readies, learned, notes;
};

static struct side edge, core;

static void on_send(void *ctx, struct fw_str bytes)
{
	struct side *side = ctx;

	assert_true(bytes.len > 0 && bytes.ptr[bytes.len - 1] == '\n');
	assert_true(side->len + bytes.len < sizeof(side->said));
	memcpy(side->said + side->len, bytes.ptr, bytes.len);
	side->len += bytes.len;
	side->said[side->len] = '\0';
}

static void on_ready(void *ctx)
{
	((struct side *)ctx)->readies++;
}

static void on_learned(void *ctx)
{
	((struct side *)ctx)->learned++;
}

static void on_note(void *ctx, const char *text)
{
	(void)text;
	((struct side *)ctx)->notes++;
}

static int64_t on_clock(void *ctx)
{
	return ctx == &edge ? 1000000 : 1005000;
}

static const struct tunnel_session_calls calls = { on_send, on_ready, on_learned, on_note,
	                                           on_clock };

static void side_open(struct side *side, const char *role, const char *realm, const char *peer)
{
	memset(side, 0, sizeof(*side));
	side->role = role;
	side->realm = realm;
	side->peer = peer;
	side->book = tunnel_book_new();
	side->memory = tunnel_memory_open(NULL, NULL);
	assert_non_null(side->book);
	assert_non_null(side->memory);
}

/* A new session over what the side has. */
static void side_begin(struct side *side)
{
	struct tunnel_peer *peer = NULL;

	tunnel_session_clear(&side->session);
	assert_int_equal(tunnel_memory_get(side->memory, side->peer, &peer), FW_OK);
	side->session = (struct tunnel_session){ .calls = &calls,
		                                 .ctx = side,
		                                 .role = side->role,
		                                 .realm = side->realm,
		                                 .peer_realm = side->peer,
		                                 .book = side->book,
		                                 .peer = peer };
	side->session.wire.line_max = 8192;
	side->len = 0;
	side->said[0] = '\0';
	tunnel_session_begin(&side->session, "test", "host");
}

static void side_close(struct side *side)
{
	tunnel_session_clear(&side->session);
	tunnel_memory_free(&side->memory);
	tunnel_book_free(&side->book);
}

static int setup(void **state)
{
	(void)state;
	side_open(&edge, "edge", "edge-1", "core-1");
	side_open(&core, "core", "core-1", "edge-1");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	side_close(&edge);
	side_close(&core);
	return 0;
}

/* {"on":number} under a key; a negative number takes it back. */
static void set(struct side *side, const char *key, int64_t number)
{
	struct fw_json *value = fw_json_new();

	fw_json_set_int(value, "on", number);
	assert_true(tunnel_book_set(side->book, key, number >= 0 ? value : NULL));
	fw_json_free(&value);
}

static int64_t known(struct side *side, const char *key)
{
	const struct fw_json *value =
	        tunnel_peer_value(tunnel_memory_find(side->memory, side->peer), key);

	return value != NULL ? fw_json_int(fw_json_get(value, "on")) : -1;
}

/* Passes what one has said to the other, in pieces of `size` bytes. */
static void pass(struct side *from, struct side *to, size_t size)
{
	char bytes[sizeof(from->said)];
	size_t len = from->len;
	struct fw_error err = { 0 };

	memcpy(bytes, from->said, len);
	from->len = 0;
	from->said[0] = '\0';
	for (size_t at = 0; at < len; at += size) {
		struct fw_str piece = fw_str_n(bytes + at, len - at < size ? len - at : size);
		if (tunnel_session_feed(&to->session, piece, &err) != FW_OK) {
			fail_msg("%s", err.text);
		}
	}
}

static void talk(size_t size)
{
	while (edge.len > 0 || core.len > 0) {
		pass(&edge, &core, size);
		pass(&core, &edge, size);
	}
}

static void begin_both(void)
{
	side_begin(&edge);
	side_begin(&core);
}

/* ---- what must work ---- */

static void all_is_told_then_changes_and_each_is_acknowledged(void **state)
{
	(void)state;
	set(&edge, "federation", 0);
	set(&edge, "components", 7);
	set(&core, "domains", 3);
	for (size_t size = 1; size < 400; size = size < 40 ? size + 1 : size * 3) {
		teardown(NULL);
		setup(NULL);
		set(&edge, "federation", 0);
		set(&core, "domains", 3);
		begin_both();
		talk(size);
		assert_true(edge.session.ready && core.session.ready);
		assert_int_equal(known(&core, "federation"), 0);
		assert_int_equal(known(&edge, "domains"), 3);
		set(&edge, "federation", 1);
		set(&edge, "components", 8);
		tunnel_session_tell(&edge.session);
		tunnel_session_tell(&edge.session); /* nothing is new */
		tunnel_session_beat(&core.session);
		talk(size);
		assert_int_equal(known(&core, "federation"), 1);
		assert_int_equal(known(&core, "components"), 8);
		assert_int_equal(core.learned, 3);
		assert_int_equal(edge.session.acknowledged, edge.book->serial);
		assert_int_equal(core.session.acknowledged, core.book->serial);
		set(&edge, "federation", -1); /* taken back */
		tunnel_session_tell(&edge.session);
		talk(size);
		assert_int_equal(known(&core, "federation"), -1);
		assert_int_equal(edge.notes + core.notes, 0);
	}
	assert_int_equal(edge.session.skew_ms, 5000);
	assert_int_equal(core.session.skew_ms, -5000);
	assert_string_equal(edge.session.host, "host");
}

static void after_a_break_only_what_is_missing_is_told(void **state)
{
	(void)state;
	set(&edge, "federation", 0);
	set(&edge, "components", 1);
	begin_both();
	talk(1000);
	assert_int_equal(core.learned, 1);
	set(&edge, "federation", 1); /* while the tunnel is down, twice */
	set(&edge, "federation", 2);
	begin_both();
	pass(&core, &edge, 1000);
	assert_null(strstr(edge.said, "snapshot"));
	assert_null(strstr(edge.said, "components"));
	assert_non_null(strstr(edge.said, "\"serial\":4,\"key\":\"federation\""));
	talk(1000);
	assert_int_equal(known(&core, "federation"), 2);
	assert_int_equal(known(&core, "components"), 1);
	assert_int_equal(core.learned, 2);
	begin_both(); /* nothing happened: nothing is told */
	talk(1000);
	assert_int_equal(core.learned, 2);
	assert_int_equal(edge.session.acknowledged, 4);
}

static void another_epoch_is_told_whole_and_replaces_what_was_known(void **state)
{
	(void)state;
	set(&edge, "federation", 1);
	set(&edge, "components", 1);
	begin_both();
	talk(1000);
	tunnel_book_free(&edge.book); /* it was started anew, and has less to say */
	edge.book = tunnel_book_new();
	set(&edge, "federation", 0);
	begin_both();
	talk(1000);
	assert_int_equal(known(&core, "federation"), 0);
	assert_int_equal(known(&core, "components"), -1);
}

/* The break comes behind each byte that the edge has said: what is known then is old or new, never
 * half. */
static void a_break_at_any_byte_loses_nothing(void **state)
{
	char bytes[sizeof(edge.said)];
	size_t len = 1;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		teardown(NULL);
		setup(NULL);
		set(&edge, "federation", 1);
		set(&edge, "components", 1);
		begin_both();
		talk(1000);
		begin_both();
		pass(&core, &edge, 1000);
		set(&edge, "federation", 2);
		tunnel_session_tell(&edge.session);
		len = edge.len;
		memcpy(bytes, edge.said, len);
		assert_int_equal(tunnel_session_feed(&core.session, fw_str_n(bytes, cut), NULL),
		                 FW_OK);
		assert_true(known(&core, "federation") == 1 || known(&core, "federation") == 2);
		assert_int_equal(known(&core, "components"), 1);
		begin_both();
		talk(1000);
		assert_int_equal(known(&core, "federation"), 2);
		assert_int_equal(known(&core, "components"), 1);
	}
	assert_true(len > 100);
}

static void what_is_not_known_is_passed_over(void **state)
{
	static const char more[] = "{\"type\":\"weather\",\"sun\":true}\n"
	                           "{\"type\":\"beat\",\"clock_ms\":\"noon\",\"more\":[]}\n";

	(void)state;
	begin_both();
	talk(1000);
	assert_int_equal(tunnel_session_feed(&core.session, fw_str(more), NULL), FW_OK);
	assert_int_equal(core.notes, 1);
	set(&edge, "weather", 5); /* a key of a later version: kept, told of, not used */
	tunnel_session_tell(&edge.session);
	talk(1000);
	assert_int_equal(core.notes, 2);
	assert_int_equal(known(&core, "weather"), 5);
}

/* ---- what must end it ---- */

#define HELLO_HEAD "{\"type\":\"hello\",\"version\":1,\"role\":\"edge\",\"realm\":\"edge-1\","
#define HELLO \
	HELLO_HEAD "\"epoch\":\"e\",\"serial\":1,\"seen_epoch\":\"\",\"seen_serial\":0," \
	           "\"software\":\"s\",\"host\":\"h\",\"clock_ms\":1}\n"
#define SNAPSHOT "{\"type\":\"snapshot\",\"epoch\":\"e\",\"serial\":5,\"values\":{\"a\":1}}\n"

static void each_wrong_line_ends_it_with_a_sentence(void **state)
{
	static const struct {
		const char *said, *why;
	} rows[] = {
		{ "hello\n", "a line is no JSON: " },
		{ "[1]\n", "a line is no JSON object" },
		{ "{\"a\":1,\"a\":2}\n", "a line is no JSON: " },
		{ "{}\n", "something else before the hello" },
		{ SNAPSHOT, "a snapshot before the hello" },
		{ "{\"type\":\"hello\",\"version\":2}\n",
		  "version 2 of the protocol is not understood here, only 1: update the older of "
		  "the "
		  "two nodes" },
		{ "{\"type\":\"hello\"}\n", "version 0 of the protocol is not understood" },
		{ "{\"type\":\"hello\",\"version\":1,\"role\":\"core\",\"realm\":\"edge-1\"}\n",
		  "the other side has the role core, as this one" },
		{ "{\"type\":\"hello\",\"version\":1,\"role\":\"edge\",\"realm\":\"edge-2\"}\n",
		  "the other side is realm edge-2, not edge-1" },
		{ HELLO_HEAD "\"epoch\":\"012345678901234567890123456789012\"}\n",
		  "epoch is missing, or longer than 32 bytes" },
		{ HELLO_HEAD "\"epoch\":\"e\",\"seen_epoch\":\"\",\"seen_serial\":-1}\n",
		  "seen_serial is missing or no serial" },
		{ HELLO HELLO, "a second hello" },
		{ HELLO "{\"type\":\"snapshot\",\"epoch\":\"e\",\"serial\":1}\n",
		  "a snapshot without values" },
		{ HELLO "{\"type\":\"snapshot\",\"epoch\":\"f\",\"serial\":1,\"values\":{}}\n",
		  "a snapshot of another epoch than the hello's" },
		{ HELLO "{\"type\":\"change\",\"serial\":1,\"key\":\"a\",\"value\":1}\n",
		  "a change of an epoch without its snapshot" },
		{ HELLO SNAPSHOT "{\"type\":\"change\",\"serial\":5,\"key\":\"a\",\"value\":1}\n",
		  "serial 5 after 5" },
		{ HELLO SNAPSHOT "{\"type\":\"change\",\"serial\":6,\"value\":1}\n",
		  "key is missing, or longer than 255 bytes" },
		{ HELLO "{\"type\":\"ack\",\"serial\":9}\n",
		  "an acknowledgement of 9, when 0 was told" },
		{ "{\"type\":\"error\",\"text\":\"go away\"}\n",
		  "the other side ends it: go away" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct fw_error err = { 0 };

		side_begin(&core);
		tunnel_memory_forget(core.memory, core.peer);
		side_begin(&core);
		if (tunnel_session_feed(&core.session, fw_str(rows[i].said), &err) == FW_OK ||
		    strncmp(err.text, rows[i].why, strlen(rows[i].why)) != 0) {
			fail_msg("row %zu: \"%s\", not \"%s\"", i, err.text, rows[i].why);
		}
	}
}

static void a_line_that_is_too_long_ends_it_before_its_end_comes(void **state)
{
	char bytes[1000];
	struct fw_error err = { 0 };
	int ret = FW_OK;
	size_t fed = 0;

	(void)state;
	memset(bytes, ' ', sizeof(bytes));
	side_begin(&core);
	while (ret == FW_OK && fed < 100000) {
		ret = tunnel_session_feed(&core.session, fw_str_n(bytes, sizeof(bytes)), &err);
		fed += sizeof(bytes);
	}
	assert_int_equal(ret, FW_ELIMIT);
	assert_string_equal(err.text, "a line is longer than 8192 bytes");
	assert_true(fed < 10000);
}

static void more_keys_than_allowed_are_refused(void **state)
{
	char line[160];
	struct fw_error err = { 0 };
	int ret = FW_OK;

	(void)state;
	side_begin(&core);
	assert_int_equal(tunnel_session_feed(&core.session, fw_str(HELLO SNAPSHOT), NULL), FW_OK);
	for (int i = 0; i < 2 * TUNNEL_KEYS_MAX && ret == FW_OK; i++) {
		snprintf(line, sizeof(line),
		         "{\"type\":\"change\",\"serial\":%d,\"key\":\"k%d\",\"value\":[]}\n",
		         6 + i, i);
		ret = tunnel_session_feed(&core.session, fw_str(line), &err);
	}
	assert_int_equal(ret, FW_ELIMIT);
	assert_string_equal(err.text, "a change cannot be kept: over a limit");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(all_is_told_then_changes_and_each_is_acknowledged),
		CASE(after_a_break_only_what_is_missing_is_told),
		CASE(another_epoch_is_told_whole_and_replaces_what_was_known),
		CASE(a_break_at_any_byte_loses_nothing),
		CASE(what_is_not_known_is_passed_over),
		CASE(each_wrong_line_ends_it_with_a_sentence),
		CASE(a_line_that_is_too_long_ends_it_before_its_end_comes),
		CASE(more_keys_than_allowed_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
