/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A pipe between a client under TLS and a plain socket: bytes both ways, both ends, and peers that
 * say nothing, or take nothing.
 */
#include <fedway/io/tls_pipe.h>

#include <stdio.h>
#include <unistd.h>

#include "tests/support/tls_pair.h"

#define CERT(name) TEST_CERTS "/" name
enum { BIG = 1000000, TURNS_MAX = 200000 };

struct scene {
	struct fw_loop *loop;
	struct fw_tls_pipe *pipe;
	struct fw_tls_context *server_keys, *client_keys;
	struct fw_tls *client;
	int client_fd, plain; /* the outermost ends */
	bool leave, free_at_once;
	unsigned secured, closed;
	char detail[256];
};

static struct scene scene;

static void on_secured(void *ctx, int *fd)
{
	struct scene *s = ctx;

	s->secured++;
	if (s->free_at_once) {
		fw_tls_pipe_free(&s->pipe);
		return;
	}
	if (!s->leave) {
		s->plain = *fd;
		*fd = -1;
	}
}

static void on_closed(void *ctx, const char *detail)
{
	struct scene *s = ctx;

	s->closed++;
	snprintf(s->detail, sizeof(s->detail), "%s", detail);
	fw_tls_pipe_free(&s->pipe);
}

static const struct fw_tls_pipe_events pipe_events = { on_secured, on_closed };

static void open_scene(uint32_t handshake_ms, uint32_t stall_ms)
{
	static const struct fw_tls_start start = { .side = FW_TLS_INITIATING };
	int fds[2];

	memset(&scene, 0, sizeof(scene));
	scene.plain = -1;
	assert_int_equal(fw_loop_new(&scene.loop), FW_OK);
	scene.server_keys = context_of(CERT("b.pem"), CERT("b.key"), CERT("ca.pem"));
	scene.client_keys = context_of(NULL, NULL, CERT("ca.pem"));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	scene.client_fd = fds[0];
	assert_int_equal(fw_tls_new(scene.client_keys, &start, fds[0], &scene.client), FW_OK);
	const struct fw_tls_pipe_settings settings = { scene.server_keys, handshake_ms, stall_ms };
	assert_int_equal(
	        fw_tls_pipe_new(scene.loop, &fds[1], &settings, &pipe_events, &scene, &scene.pipe),
	        FW_OK);
	assert_int_equal(fds[1], -1);
}

static int close_scene(void **state)
{
	(void)state;
	fw_tls_pipe_free(&scene.pipe);
	fw_tls_free(&scene.client);
	fw_socket_close(&scene.client_fd);
	fw_socket_close(&scene.plain);
	fw_tls_context_release(&scene.server_keys);
	fw_tls_context_release(&scene.client_keys);
	fw_loop_free(&scene.loop);
	return 0;
}

static void shake(void)
{
	int ret = FW_EAGAIN;

	for (int i = 0; i < TURNS_MAX && (ret == FW_EAGAIN || scene.secured == 0); i++) {
		int want = 0;
		struct fw_error err = { 0 };
		if (ret == FW_EAGAIN) {
			ret = fw_tls_handshake(scene.client, &want, &err);
		}
		fw_loop_turn(scene.loop, false);
	}
	assert_int_equal(ret, FW_OK);
	assert_int_equal(scene.secured, 1);
}

/* Turns until the pipe says that it has ended. */
static void until_closed(void)
{
	while (scene.closed == 0) {
		fw_loop_turn(scene.loop, true);
	}
	assert_int_equal(scene.closed, 1);
	assert_null(scene.pipe);
}

static ssize_t client_read(void *buffer, size_t size)
{
	ssize_t got = FW_EAGAIN;
	int want = 0;

	for (int i = 0; i < TURNS_MAX && got == FW_EAGAIN; i++) {
		fw_loop_turn(scene.loop, false);
		got = fw_tls_read(scene.client, buffer, size, &want);
	}
	return got;
}

static void bytes_pass_both_ways(void **state)
{
	static char sent[BIG], back[BIG];
	size_t out = 0, echoed = 0, in = 0, held = 0;
	char room[5000];
	int want = 0;

	(void)state;
	for (size_t i = 0; i < BIG; i++) {
		sent[i] = (char)(i * 7 + i / 251);
	}
	open_scene(0, 0);
	shake();
	for (int turn = 0; turn < TURNS_MAX && in < BIG; turn++) {
		ssize_t some =
		        out < BIG ? fw_tls_write(scene.client, sent + out, BIG - out, &want) : 0;
		out += some > 0 ? (size_t)some : 0;
		if (held == 0) {
			some = read(scene.plain, room, sizeof(room));
			held = some > 0 ? (size_t)some : 0;
		}
		some = held > 0 ? write(scene.plain, room, held) : 0;
		if (some > 0) {
			memmove(room, room + some, held - (size_t)some);
			held -= (size_t)some;
			echoed += (size_t)some;
		}
		some = fw_tls_read(scene.client, back + in, BIG - in, &want);
		in += some > 0 ? (size_t)some : 0;
		fw_loop_turn(scene.loop, false);
	}
	assert_int_equal(in, BIG);
	assert_int_equal(echoed, BIG);
	assert_memory_equal(sent, back, BIG);
	assert_int_equal(scene.closed, 0);
}

static void an_answer_follows_the_peers_end(void **state)
{
	char room[64];
	ssize_t got = -1;

	(void)state;
	open_scene(0, 0);
	shake();
	fw_tls_shutdown(scene.client);
	for (int i = 0; i < TURNS_MAX && got != 0; i++) {
		fw_loop_turn(scene.loop, false);
		got = read(scene.plain, room, sizeof(room));
	}
	assert_int_equal(got, 0);
	assert_int_equal(write(scene.plain, "late", 4), 4);
	assert_int_equal(client_read(room, sizeof(room)), 4);
	fw_socket_close(&scene.plain);
	assert_int_equal(client_read(room, sizeof(room)), 0);
	fw_socket_close(&scene.client_fd);
	until_closed();
	assert_string_equal(scene.detail, "");
}

static void the_end_comes_behind_all_bytes(void **state)
{
	static char room[65536];
	size_t in = 0;
	ssize_t got;

	(void)state;
	open_scene(0, 0);
	shake();
	/* The other side closes with bytes of the peer unread: its answer must arrive whole. */
	int want = 0;
	assert_int_equal(fw_tls_write(scene.client, "unread", 6, &want), 6);
	memset(room, 'x', sizeof(room));
	ssize_t put = write(scene.plain, room, sizeof(room));
	assert_true(put > 20000);
	for (int i = 0; i < 50; i++) {
		fw_loop_turn(scene.loop, false);
	}
	fw_socket_close(&scene.plain);
	while ((got = client_read(room, sizeof(room))) > 0) {
		in += (size_t)got;
	}
	assert_int_equal(got, 0);
	assert_int_equal(in, put);
	assert_int_equal(scene.closed, 0); /* what the peer still sends is thrown away */
	fw_socket_close(&scene.client_fd);
	until_closed();
}

static void a_peer_that_goes_on_talking_is_left(void **state)
{
	(void)state;
	open_scene(0, 0);
	shake();
	fw_socket_close(&scene.plain);
	until_closed(); /* by time */
	assert_string_equal(scene.detail, "");
}

static void a_peer_that_is_cut_off_ends_the_pipe(void **state)
{
	(void)state;
	open_scene(0, 0);
	shake();
	fw_socket_close(&scene.client_fd);
	until_closed();
	assert_string_not_equal(scene.detail, "");
}

static void what_is_no_tls_ends_the_pipe(void **state)
{
	(void)state;
	open_scene(0, 0);
	assert_int_equal(write(scene.client_fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	until_closed();
	assert_int_equal(scene.secured, 0);
	assert_string_not_equal(scene.detail, "");
}

static void a_silent_peer_has_its_time(void **state)
{
	(void)state;
	open_scene(20, 0);
	until_closed();
	assert_string_equal(scene.detail, "the handshake took too long");
}

static void a_peer_that_takes_nothing_has_its_time(void **state)
{
	static char room[BIG];

	(void)state;
	open_scene(0, 50);
	shake();
	while (scene.closed == 0) {
		ssize_t put = write(scene.plain, room, sizeof(room));
		fw_loop_turn(scene.loop, put < 0);
	}
	assert_string_equal(scene.detail, "the peer takes no bytes");
}

static void the_owner_may_free_it_at_once(void **state)
{
	(void)state;
	open_scene(0, 0);
	scene.free_at_once = true;
	shake();
	assert_null(scene.pipe);
	fw_loop_turn(scene.loop, false);
	assert_int_equal(scene.closed, 0);
}

static void an_end_that_nobody_takes_ends_the_pipe(void **state)
{
	(void)state;
	open_scene(0, 0);
	scene.leave = true;
	shake();
	fw_socket_close(&scene.client_fd);
	until_closed();
}

#define TEST(name) cmocka_unit_test_teardown(name, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_pass_both_ways),
		TEST(an_answer_follows_the_peers_end),
		TEST(the_end_comes_behind_all_bytes),
		TEST(a_peer_that_goes_on_talking_is_left),
		TEST(a_peer_that_is_cut_off_ends_the_pipe),
		TEST(what_is_no_tls_ends_the_pipe),
		TEST(a_silent_peer_has_its_time),
		TEST(a_peer_that_takes_nothing_has_its_time),
		TEST(the_owner_may_free_it_at_once),
		TEST(an_end_that_nobody_takes_ends_the_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
