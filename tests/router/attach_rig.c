/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The rig of attach_rig.h. Waiting is always for an event; the deadlines only end a test that would
 * hang.
 */
#include "tests/router/attach_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <fedway/io/sasl.h>
#include <fedway/io/scram.h>

#include "router/module_list.h"

enum { DEADLINE_MS = 10000 };

static uint64_t clock_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static FW_PRINTF(2, 0) int load(struct rig *rig, const char *format, va_list args,
                                struct config **out)
{
	struct config_modules modules = { module_list_find, rig->modules };
	struct config_problems problems = { 0 };
	char text[8192];

	assert_true(vsnprintf(text, sizeof(text), format, args) < (int)sizeof(text));
	int ret = config_load_text(text, &modules, out, &problems);
	if (ret != FW_OK) {
		print_error("%s", problems.text != NULL ? problems.text : "no problem told\n");
	}
	config_problems_free(&problems);
	return ret;
}

void rig_start(struct rig *rig, const char *format, ...)
{
	struct config *config = NULL;
	struct fw_error err = { 0 };
	va_list args;

	memset(rig, 0, sizeof(*rig));
	assert_int_equal(fw_loop_new(&rig->loop), FW_OK);
	assert_int_equal(module_list_new(&rig->modules), FW_OK);
	va_start(args, format);
	assert_int_equal(load(rig, format, args, &config), FW_OK);
	va_end(args);
	if (router_start(rig->loop, &config, rig->modules, &rig->router, &err) != FW_OK) {
		fail_msg("router_start: %s", err.text);
	}
}

int rig_reload(struct rig *rig, struct fw_json *changes, const char *format, ...)
{
	struct config *config = NULL;
	struct fw_error err = { 0 };
	va_list args;

	va_start(args, format);
	int ret = load(rig, format, args, &config);
	va_end(args);
	if (ret == FW_OK) {
		ret = router_reload(rig->router, &config, changes, &err);
	}
	if (ret != FW_OK) {
		print_message("reload: %s\n", err.text);
	}
	return ret;
}

void rig_settle(struct rig *rig)
{
	for (int i = 0; i < 20; i++) {
		fw_loop_turn(rig->loop, false);
	}
}

static bool nothing_in_flight(void *ctx)
{
	const struct rig *rig = ctx;

	return rig->router->total->in_flight == 0;
}

void rig_stop(struct rig *rig)
{
	rig_until(rig, nothing_in_flight, rig, "nothing in flight");
	assert_true(fw_ledger_balanced(rig->router->total));
	router_stop(&rig->router);
	rig_settle(rig);
	module_list_free(&rig->modules);
	fw_loop_free(&rig->loop);
}

/* A timer keeps the turn from blocking for ever when nothing happens. */
static void wake(void *ctx)
{
	(void)ctx;
}

void rig_until(struct rig *rig, bool (*done)(void *ctx), void *ctx, const char *what)
{
	uint64_t deadline = clock_ms() + DEADLINE_MS;
	struct fw_timer *timer = NULL;

	assert_int_equal(fw_timer_new(rig->loop, wake, NULL, &timer), FW_OK);
	fw_timer_start_ms(timer, 5, 5);
	while (!done(ctx)) {
		if (clock_ms() > deadline) {
			fw_timer_free(&timer);
			fail_msg("waited in vain for: %s", what);
		}
		fw_loop_turn(rig->loop, true);
	}
	fw_timer_free(&timer);
}

static char socket_path[64];

const char *rig_new_socket(void)
{
	static unsigned number;

	(void)snprintf(socket_path, sizeof(socket_path), "/tmp/fedway-rig-%d-%u.sock",
	               (int)getpid(), ++number);
	return socket_path;
}

const char *rig_socket(void)
{
	return socket_path;
}

static struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return addr;
}

/* Below the ports that the system hands out to connections, so that no other test takes it
 * meanwhile. */
uint16_t rig_free_port(void)
{
	static unsigned tries;

	for (;;) {
		unsigned port = 20000 + ((unsigned)getpid() * 7 + tries++) % 12000;
		struct sockaddr_in addr = loopback((uint16_t)port);
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_true(fd >= 0 && tries < 12000);
		int ret = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
		(void)close(fd);
		if (ret == 0) {
			return (uint16_t)port;
		}
	}
}

void peer_take(struct peer *peer, struct rig *rig, int fd)
{
	peer->rig = rig;
	peer->fd = fd;
	peer->len = 0;
	peer->text[0] = '\0';
	peer->ended = false;
	peer->tls = NULL;
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
}

void peer_connect(struct peer *peer, struct rig *rig, uint16_t port)
{
	struct sockaddr_in addr = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
		fail_msg("connect to port %u: %s", port, strerror(errno));
	}
	peer_take(peer, rig, fd);
}

/* As send() and recv(), in clear or under TLS. */
static ssize_t peer_result(ssize_t done)
{
	errno = done == FW_EAGAIN ? EAGAIN : EPIPE;
	return done < 0 ? -1 : done;
}

static ssize_t peer_write(struct peer *peer, const char *bytes, size_t size)
{
	int want = 0;

	return peer->tls != NULL ? peer_result(fw_tls_write(peer->tls, bytes, size, &want))
	                         : send(peer->fd, bytes, size, MSG_NOSIGNAL);
}

static ssize_t peer_receive(struct peer *peer, char *bytes, size_t size)
{
	int want = 0;

	return peer->tls != NULL ? peer_result(fw_tls_read(peer->tls, bytes, size, &want))
	                         : recv(peer->fd, bytes, size, 0);
}

void peer_send_bytes(struct peer *peer, const char *bytes, size_t size)
{
	uint64_t deadline = clock_ms() + DEADLINE_MS;

	while (size > 0) {
		ssize_t done = peer_write(peer, bytes, size);
		if (done < 0 && errno != EAGAIN) {
			return; /* the router has closed: what it said is what the test looks at */
		}
		if (done > 0) {
			bytes += done;
			size -= (size_t)done;
		}
		assert_true(clock_ms() < deadline);
		fw_loop_turn(peer->rig->loop, false);
	}
}

void peer_send(struct peer *peer, const char *format, ...)
{
	static char text[65536];
	va_list args;

	va_start(args, format);
	int len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert_in_range(len, 0, sizeof(text) - 1);
	peer_send_bytes(peer, text, (size_t)len);
}

static void peer_read(struct peer *peer)
{
	while (!peer->ended && peer->len + 1 < sizeof(peer->text)) {
		ssize_t got = peer_receive(peer, peer->text + peer->len,
		                           sizeof(peer->text) - 1 - peer->len);
		if (got < 0 && errno == EAGAIN) {
			break;
		}
		if (got <= 0) {
			peer->ended = true;
			break;
		}
		peer->len += (size_t)got;
	}
	peer->text[peer->len] = '\0';
}

bool peer_has(const struct peer *peer, const char *text)
{
	return strstr(peer->text, text) != NULL;
}

size_t peer_count(const struct peer *peer, const char *text)
{
	size_t count = 0;

	for (const char *at = peer->text; (at = strstr(at, text)) != NULL; at += strlen(text)) {
		count++;
	}
	return count;
}

struct wanted {
	struct peer *peer;
	const char *text;
};

static bool has_come(void *ctx)
{
	struct wanted *wanted = ctx;

	peer_read(wanted->peer);
	return wanted->peer->ended || peer_has(wanted->peer, wanted->text);
}

void peer_expect(struct peer *peer, const char *text)
{
	struct wanted wanted = { peer, text };

	rig_until(peer->rig, has_come, &wanted, text);
	if (!peer_has(peer, text)) {
		fail_msg("expected \"%s\", the router closed after \"%s\"", text, peer->text);
	}
}

void peer_hear(struct peer *peer, const char *element, char *out, size_t size)
{
	char close[32];
	size_t len = 0;

	(void)snprintf(close, sizeof(close), "</%s>", element);
	peer_expect(peer, close);
	const char *end = strstr(peer->text, close);
	const char *begin = end;
	while (begin > peer->text && begin[-1] != '>') {
		begin--;
	}
	struct fw_str encoded = fw_str_n(begin, (size_t)(end - begin));
	assert_int_equal(fw_base64_read(encoded, out, size - 1, &len), FW_OK);
	out[len] = '\0';
}

static bool has_ended(void *ctx)
{
	struct peer *peer = ctx;

	peer_read(peer);
	return peer->ended;
}

void peer_expect_end(struct peer *peer)
{
	rig_until(peer->rig, has_ended, peer, "the end of the connection");
}

void peer_forget(struct peer *peer)
{
	peer->len = 0;
	peer->text[0] = '\0';
}

void peer_close(struct peer *peer)
{
	fw_tls_free(&peer->tls);
	if (peer->fd >= 0) {
		(void)close(peer->fd);
	}
	peer->fd = -1;
}

bool peer_secure(struct peer *peer, struct fw_tls_context *context, bool direct)
{
	const struct fw_tls_start start = { .side = FW_TLS_INITIATING, .direct = direct };
	struct fw_error err = { 0 };
	struct fw_tls *tls = NULL;
	int want = 0, ret;

	assert_int_equal(fw_tls_new(context, &start, peer->fd, &tls), FW_OK);
	fw_tls_context_release(&context);
	while ((ret = fw_tls_handshake(tls, &want, &err)) == FW_EAGAIN) {
		fw_loop_turn(peer->rig->loop, false);
	}
	peer->tls = tls;
	peer_forget(peer);
	return ret == FW_OK;
}

void peer_open(struct peer *peer, const char *name)
{
	peer_send(peer,
	          "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
	          "xmlns:stream='http://etherx.jabber.org/streams' to='%s'>",
	          name);
}

void peer_prove(struct peer *peer, const char *name, const char *secret)
{
	char hash[FW_SHA1_HEX_SIZE];

	peer_open(peer, name);
	peer_expect(peer, " id=");
	peer_expect(peer, ">");
	const char *id = strstr(peer->text, " id=") + 5;
	const char *end = strpbrk(id, "'\"");
	assert_non_null(end);
	fw_sha1_hex(fw_str_n(id, (size_t)(end - id)), fw_str(secret), hash);
	peer_forget(peer);
	peer_send(peer, "<handshake>%s</handshake>", hash);
}

void peer_attach(struct peer *peer, struct rig *rig, uint16_t port, const char *name,
                 const char *secret)
{
	peer_connect(peer, rig, port);
	peer_prove(peer, name, secret);
	peer_expect(peer, "<handshake/>");
	peer_forget(peer);
}

/* ---- attach dialect 2 ---- */

void peer_open_sasl(struct peer *peer, const char *from)
{
	peer_forget(peer);
	peer_send(peer,
	          "<stream:stream xmlns='jabber:component:accept' "
	          "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' from='%s'>",
	          from);
	peer_expect(peer, "</stream:features>");
}

void peer_say(struct peer *peer, const char *element, const char *attributes, const char *text)
{
	char encoded[FW_BASE64_SIZE(FW_SASL_MESSAGE_SIZE)];

	fw_base64_write(fw_str(text), encoded);
	peer_forget(peer);
	peer_send(peer, "<%s xmlns='" FW_NS_SASL "'%s>%s</%s>", element, attributes, encoded,
	          element);
}

void peer_scram(struct peer *peer, const char *name, const char *secret)
{
	const struct fw_scram_client_settings settings = { .name = name };
	struct fw_scram_client *client = NULL;
	struct fw_scram_keys keys = { 0 };
	char challenge[FW_SCRAM_MESSAGE_SIZE], final[FW_SCRAM_MESSAGE_SIZE];

	assert_int_equal(fw_scram_client_new(&settings, &client), FW_OK);
	peer_say(peer, "auth", " mechanism='SCRAM-SHA-256'", fw_scram_client_first(client));
	peer_hear(peer, "challenge", challenge, sizeof(challenge));
	assert_int_equal(
	        fw_scram_client_final(client, fw_str(challenge), fw_str(secret), &keys, final),
	        FW_OK);
	peer_say(peer, "response", "", final);
	fw_scram_client_free(&client);
}

void peer_attach_sasl(struct peer *peer, struct rig *rig, uint16_t port, const char *name,
                      const char *secret)
{
	peer_connect(peer, rig, port);
	peer_open_sasl(peer, name);
	peer_scram(peer, name, secret);
	peer_expect(peer, "</success>");
	peer_open_sasl(peer, name);
	peer_expect(peer, "<bind xmlns='urn:fedway:link:1'/>");
	peer_forget(peer);
}
