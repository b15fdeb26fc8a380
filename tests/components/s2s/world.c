/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Services and peers for the S2S tests. Services answer at once through the fake host; peers are
 * sockets whose bytes are kept as text. Nothing here waits for a fixed time.
 */
#include "tests/components/s2s/world.h"

#include <poll.h>

extern const struct fw_component s2s_LTX_fw_component;

/* ---- services ---- */

static void serve_resolver(void *ctx, struct fake_host *host, struct fw_stanza **request)
{
	struct world *world = ctx;
	char second[128] = "";
	char payload[512];

	world->resolved++;
	if (world->resolver_silent) {
		return;
	}
	if (world->resolve != FW_CAUSE_NONE) {
		fake_host_refuse(host, request, world->resolve);
		return;
	}
	if (world->second_port != 0) {
		snprintf(second, sizeof(second),
		         "<target ip='127.0.0.1' port='%u' host='localhost'/>", world->second_port);
	}
	snprintf(payload, sizeof(payload),
	         "<targets xmlns='urn:fedway:resolver:1' source='%s' ttl='60'><target "
	         "ip='127.0.0.1' port='%u' host='localhost'/>%s</targets>",
	         world->is_static ? "static" : "srv", world->port, second);
	fake_host_answer(host, request, payload);
}

static void serve_verify(struct world *world, struct fake_host *host, struct fw_stanza **request)
{
	struct fw_str asks = fw_elem_attr(fw_elem_first(fw_stanza_root(*request)), "asks");
	char payload[128];

	world->verified++;
	snprintf(world->verify_asks, sizeof(world->verify_asks), "%.*s", FW_STR_ARG(asks));
	if (world->verify_silent) {
		return;
	}
	if (world->verdict == NULL) {
		fake_host_refuse(host, request, world->verify);
		return;
	}
	snprintf(payload, sizeof(payload), "<verify xmlns='urn:fedway:dialback:1' type='%s'/>",
	         world->verdict);
	fake_host_answer(host, request, payload);
}

/* The key of a stream is "key-for-<id>-abcdef"; a check is valid when it is that key. */
static void serve_dialback(void *ctx, struct fake_host *host, struct fw_stanza **request)
{
	struct world *world = ctx;
	struct fw_elem *question = fw_elem_first(fw_stanza_root(*request));
	struct fw_str id = fw_elem_attr(question, "id");
	char key[256];
	char payload[512];

	snprintf(key, sizeof(key), "key-for-%.*s-abcdef", FW_STR_ARG(id));
	if (fw_str_is(fw_elem_name(question), "verify")) {
		serve_verify(world, host, request);
	} else if (fw_str_is(fw_elem_name(question), "check")) {
		world->checked++;
		snprintf(payload, sizeof(payload),
		         "<check xmlns='urn:fedway:dialback:1' type='%s'/>",
		         fw_str_is(fw_elem_text(question), key) ? "valid" : "invalid");
		fake_host_answer(host, request, payload);
	} else if (world->key != FW_CAUSE_NONE) {
		fake_host_refuse(host, request, world->key);
	} else {
		world->keys++;
		snprintf(payload, sizeof(payload), "<key xmlns='urn:fedway:dialback:1'>%s</key>",
		         key);
		fake_host_answer(host, request, payload);
	}
}

static void serve_policy(void *ctx, struct fake_host *host, struct fw_stanza **request)
{
	struct world *world = ctx;
	struct fw_elem *question = fw_elem_first(fw_stanza_root(*request));

	world->asked++;
	if (world->policy_absent) {
		fake_host_refuse(host, request, FW_CAUSE_NO_ROUTE);
	} else if (world->denied != NULL &&
	           fw_str_is(fw_elem_attr(question, "remote"), world->denied)) {
		fake_host_answer(host, request,
		                 "<may xmlns='urn:fedway:policy:1' allowed='false' "
		                 "cause='policy-not-listed' rule='allow-list'/>");
	} else {
		fake_host_answer(host, request,
		                 "<may xmlns='urn:fedway:policy:1' allowed='true'/>");
	}
}

/* ---- the world ---- */

void world_init(struct world *world)
{
	*world = (struct world){ .verdict = "valid" };
	world->listen = (struct fw_listen_row){ "127.0.0.1", 0 };
	world->config = (struct s2s_config){
		.listen = { &world->listen, 1 },
		.security_mode = FW_SECURITY_NONE,
		.trace_dir = "/nonexistent",
		.failure_log_interval_ms = 600000,
		.tls_keylog_file = "",
		.certificate_file = "",
		.key_file = "",
		.ca_file = "",
		.resolve_timeout_ms = SOON_MS,
		.connect_timeout_ms = SOON_MS,
		.stream_timeout_ms = SOON_MS,
		.tls_timeout_ms = SOON_MS,
		.auth_timeout_ms = SOON_MS,
		.certificate_watch_ms = 5000,
		.idle_timeout_ms = 60000,
		.queue_max_stanzas = 100,
		.queue_max_bytes = 64u << 20,
		.queue_max_age_ms = 60000,
		.queue_total_max_stanzas = 1000,
		.queue_total_max_bytes = 64u << 20,
		.connecting_max = 100,
		.connecting_per_domain_max = 100,
		.backoff_min_ms = 100000,
		.backoff_max_ms = 200000,
		.unauthenticated_max = 100,
		.unauthenticated_per_address_max = 100,
		.rate_burst_s = 5,
		.acks = true,
		.ack_request_stanzas = 100,
		.ack_request_ms = 2000,
		.ack_window_stanzas = 4096,
		.ack_window_bytes = 4u << 20,
		.probe_idle_ms = 10000,
		.probe_timeout_ms = 20000,
		.tcp_timeout_ms = 25000,
		.pairs_per_stream_max = 8,
		.tag_max_bytes = 16384,
		.stanza_max_bytes = 262144,
		.depth_max = 64,
		.attributes_max = 64,
		.declarations_max = 64,
	};
	world->host = fake_host_new();
	fake_host_add_domain(world->host, "corp.example", true);
	fake_host_add_domain(world->host, "sales.example", true);
	fake_host_add_domain(world->host, "inside.example", false);
	fake_host_service(world->host, "resolver", serve_resolver, world);
	fake_host_service(world->host, "dialback", serve_dialback, world);
	fake_host_service(world->host, "policy", serve_policy, world);
}

void world_start(struct world *world)
{
	struct fw_error err = { 0 };

	world->self = fake_host_start(world->host, &s2s_LTX_fw_component, &world->config, &err);
	if (world->self == NULL) {
		fail_msg("s2s does not start: %s", err.text);
	}
	world->s2s = fw_self_state(world->self);
}

void world_new(struct world *world)
{
	world_init(world);
	world_start(world);
}

void world_use_tls(struct world *world, enum fw_security mode)
{
	world->config.security_mode = (int)mode;
	world->config.certificate_file = CERT("a.pem");
	world->config.key_file = CERT("a.key");
	world->config.ca_file = CERT("ca.pem");
}

void world_free(struct world *world)
{
	fake_host_free(&world->host);
}

static void world_on_tick(void *ctx)
{
	(void)ctx; /* only wakes the loop, so that conditions on the clock are seen */
}

void world_until(struct world *world, bool (*ready)(void *ctx), void *ctx, const char *what)
{
	struct fw_timer *tick = NULL;

	assert_int_equal(fw_timer_new(fake_host_loop(world->host), world_on_tick, NULL, &tick),
	                 FW_OK);
	fw_timer_start_ms(tick, 2, 2);
	bool happened = fake_host_run_until(world->host, ready, ctx, SOON_MS);
	fw_timer_free(&tick);
	if (!happened) {
		fail_msg("it did not happen: %s", what);
	}
}

void world_send(struct world *world, const char *from, const char *to, const char *id)
{
	fake_host_send(
	        world->host,
	        "<message from='%s' to='%s' id='%s' type='chat'><body>hello %s</body></message>",
	        from, to, id, id);
}

struct bounces {
	struct world *world;
	enum fw_cause cause;
	unsigned count;
};

static bool has_bounces(void *ctx)
{
	struct bounces *bounces = ctx;

	return fake_host_bounced(bounces->world->host, bounces->cause) >= bounces->count;
}

void world_expect_bounces(struct world *world, enum fw_cause cause, unsigned count)
{
	struct bounces bounces = { world, cause, count };

	world_until(world, has_bounces, &bounces, fw_cause_row(cause)->name);
	assert_int_equal(fake_host_bounced(world->host, cause), count);
}

static bool has_stanza(void *ctx)
{
	return fake_host_waiting(((struct world *)ctx)->host) > 0;
}

void world_expect_routed(struct world *world, const char *id)
{
	world_until(world, has_stanza, world, id);
	struct fw_stanza *stanza = fake_host_take(world->host);
	assert_true(fw_str_is(fw_stanza_id(stanza), id));
	fake_host_done(&stanza);
}

struct line {
	struct world *world;
	const char *text;
};

static bool has_line(void *ctx)
{
	struct line *line = ctx;

	return fake_host_logged(line->world->host, line->text) > 0;
}

void world_expect_log(struct world *world, const char *text)
{
	struct line line = { world, text };

	world_until(world, has_line, &line, text);
}

static bool has_no_pairs(void *ctx)
{
	return s2s_pairs_count(((struct world *)ctx)->s2s->pairs) == 0;
}

void world_expect_no_pairs(struct world *world)
{
	world_until(world, has_no_pairs, world, "no outgoing stream is left");
}

static bool has_no_ins(void *ctx)
{
	return ((struct world *)ctx)->s2s->ins == NULL;
}

void world_expect_no_ins(struct world *world)
{
	world_until(world, has_no_ins, world, "no inbound stream is left");
}

/* ---- peers ---- */

static void peer_hang_up(struct peer *peer)
{
	fw_io_remove(&peer->io);
	fw_tls_free(&peer->tls);
	fw_socket_close(&peer->fd);
	peer->secure = false;
}

static void peer_on_ready(void *ctx, int events)
{
	struct peer *peer = ctx;
	int want = 0;

	(void)events;
	if (peer->handshaking) {
		int ret = fw_tls_handshake(peer->tls, &want, NULL);
		fw_io_set(peer->io, ret == FW_EAGAIN ? want : FW_IO_READ);
		peer->handshaking = ret == FW_EAGAIN;
		peer->secure = ret == FW_OK;
		peer->ended = peer->ended || (ret != FW_OK && ret != FW_EAGAIN);
		return;
	}
	if (peer->deaf) {
		fw_io_set(peer->io, 0);
		return;
	}
	for (;;) {
		size_t room = sizeof(peer->in) - 1 - peer->len;
		ssize_t got = peer->secure
		                      ? fw_tls_read(peer->tls, peer->in + peer->len, room, &want)
		                      : fw_socket_read(peer->fd, peer->in + peer->len, room);
		if (got <= 0) {
			if (got != FW_EAGAIN) {
				peer->ended = true;
				fw_io_set(peer->io, 0);
			}
			return;
		}
		peer->len += (size_t)got;
		peer->in[peer->len] = '\0';
	}
}

static void peer_watch(struct peer *peer)
{
	peer->len = 0;
	peer->seen = 0;
	peer->in[0] = '\0';
	peer->ended = false;
	assert_int_equal(fw_io_add(fake_host_loop(peer->world->host), peer->fd,
	                           peer->deaf ? 0 : FW_IO_READ, peer_on_ready, peer, &peer->io),
	                 FW_OK);
}

static void peer_on_accept(void *ctx, int events)
{
	struct peer *peer = ctx;
	struct fw_addr addr;
	int fd = -1;

	(void)events;
	if (fw_socket_accept(peer->listen_fd, &fd, &addr) != FW_OK) {
		return;
	}
	peer_hang_up(peer);
	peer->fd = fd;
	peer->accepted++;
	peer_watch(peer);
}

static struct peer *peer_new(struct world *world)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	assert_non_null(peer);
	peer->world = world;
	peer->fd = -1;
	peer->listen_fd = -1;
	peer->certificate = "partner-self";
	peer->sni = "corp.example";
	return peer;
}

struct peer *peer_listen(struct world *world)
{
	struct peer *peer = peer_new(world);
	struct fw_addr addr;

	assert_int_equal(fw_addr_parse("127.0.0.1", 0, &addr), FW_OK);
	assert_int_equal(fw_socket_listen(&addr, 16, &peer->listen_fd, NULL), FW_OK);
	assert_int_equal(fw_socket_name(peer->listen_fd, &addr), FW_OK);
	/* small, so that a peer which does not read is felt soon */
	const int size = 65536;
	assert_int_equal(setsockopt(peer->listen_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)),
	                 0);
	assert_int_equal(fw_io_add(fake_host_loop(world->host), peer->listen_fd, FW_IO_READ,
	                           peer_on_accept, peer, &peer->listen_io),
	                 FW_OK);
	world->port = fw_addr_port(&addr);
	return peer;
}

struct peer *peer_connect(struct world *world)
{
	struct peer *peer = peer_new(world);
	struct fw_addr addr;

	assert_int_equal(fw_addr_parse("127.0.0.1", s2s_listen_port(world->s2s), &addr), FW_OK);
	assert_int_equal(fw_socket_connect(&addr, NULL, &peer->fd, NULL), FW_OK);
	struct pollfd writable = { .fd = peer->fd, .events = POLLOUT };
	assert_int_equal(poll(&writable, 1, SOON_MS), 1);
	peer_watch(peer);
	return peer;
}

void peer_free(struct peer **peer)
{
	if (*peer == NULL) {
		return;
	}
	peer_hang_up(*peer);
	fw_io_remove(&(*peer)->listen_io);
	fw_socket_close(&(*peer)->listen_fd);
	free(*peer);
	*peer = NULL;
}

void peer_cut(struct peer *peer)
{
	peer_hang_up(peer);
}

void peer_send(struct peer *peer, const char *format, ...)
{
	char text[65536];
	va_list args;
	int want = 0;

	va_start(args, format);
	int len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert_true(len >= 0 && len < (int)sizeof(text));
	struct iovec piece = { text, (size_t)len };
	ssize_t sent = peer->secure ? fw_tls_write(peer->tls, text, (size_t)len, &want)
	                            : fw_socket_write(peer->fd, &piece, 1);
	assert_int_equal(sent, len);
}

bool peer_has(const struct peer *peer, const char *text)
{
	return strstr(peer->in + peer->seen, text) != NULL;
}

struct expected {
	struct peer *peer;
	const char *text;
	unsigned number;
};

static bool has_text(void *ctx)
{
	struct expected *expected = ctx;

	return peer_has(expected->peer, expected->text);
}

void peer_expect(struct peer *peer, const char *text)
{
	struct expected expected = { peer, text, 0 };

	if (!fake_host_run_until(peer->world->host, has_text, &expected, SOON_MS)) {
		fail_msg("'%s' did not come; what came: '%s'%s", text, peer->in + peer->seen,
		         peer->ended ? " and the end" : "");
	}
	peer->seen = (size_t)(strstr(peer->in + peer->seen, text) - peer->in) + strlen(text);
}

static bool has_connection(void *ctx)
{
	struct expected *expected = ctx;

	return expected->peer->accepted >= expected->number;
}

void peer_expect_connection(struct peer *peer, unsigned number)
{
	struct expected expected = { peer, NULL, number };

	world_until(peer->world, has_connection, &expected, "a connection to the peer");
	assert_int_equal(peer->accepted, number);
}

static bool has_ended(void *ctx)
{
	return ((struct peer *)ctx)->ended;
}

void peer_expect_end(struct peer *peer)
{
	world_until(peer->world, has_ended, peer, "the end of the connection");
}

static bool is_secure(void *ctx)
{
	const struct peer *peer = ctx;

	return peer->secure || peer->ended;
}

void peer_secure(struct peer *peer, enum fw_tls_side side)
{
	struct fw_tls_context *context = NULL;
	struct fw_error err = { 0 };
	char certificate[512];
	char key[512];
	struct fw_tls_settings settings = { 0 };

	if (peer->certificate != NULL) {
		snprintf(certificate, sizeof(certificate), CERT("%s.pem"), peer->certificate);
		snprintf(key, sizeof(key), CERT("%s.key"), peer->certificate);
		settings.certificate_file = certificate;
		settings.key_file = key;
	}
	if (fw_tls_context_new(&settings, &context, &err) != FW_OK) {
		fail_msg("%s", err.text);
	}
	const struct fw_tls_start start = { .side = side, .peer_name = peer->sni };
	assert_int_equal(fw_tls_new(context, &start, peer->fd, &peer->tls), FW_OK);
	fw_tls_context_release(&context);
	peer->handshaking = true;
	peer_on_ready(peer, 0);
	world_until(peer->world, is_secure, peer, "the TLS handshake");
	assert_true(peer->secure);
}

const char *peer_attr(struct peer *peer, const char *after, const char *name, char out[128])
{
	const char *at = strstr(peer->in, after);
	char begin[64];

	assert_non_null(at);
	for (const char *next = at; (next = strstr(next + 1, after)) != NULL;) {
		at = next; /* the last one */
	}
	snprintf(begin, sizeof(begin), " %s='", name);
	at = strstr(at, begin);
	assert_non_null(at);
	at += strlen(begin);
	snprintf(out, 128, "%.*s", (int)strcspn(at, "'"), at);
	return out;
}

/* ---- dialogues ---- */

#define PEER_HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:server' " \
	"xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' "
#define PEER_FEATURES \
	"<stream:features><dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>" \
	"</stream:features>"

void peer_take_stream(struct peer *peer, const char *id)
{
	peer_expect(peer, "<stream:stream");
	peer_expect(peer, ">");
	peer_send(peer, PEER_HEADER "id='%s' version='1.0'>" PEER_FEATURES, id);
	peer_expect(peer, "<db:result");
	peer_expect(peer, "</db:result>");
}

void peer_accept_pair(struct peer *peer, const char *id, const char *local, const char *remote)
{
	peer_take_stream(peer, id);
	peer_send(peer, "<db:result from='%s' to='%s' type='valid'/>", remote, local);
}

void peer_open(struct peer *peer, const char *from, const char *to)
{
	peer_send(peer, PEER_HEADER "from='%s' to='%s' version='1.0'>", from, to);
	peer_expect(peer, "<stream:stream");
	peer_expect(peer, "</stream:features>");
}

void peer_prove(struct peer *peer, const char *from, const char *to)
{
	char answer[256];

	peer_send(peer, "<db:result from='%s' to='%s'>some-key-of-theirs</db:result>", from, to);
	snprintf(answer, sizeof(answer), "<db:result from='%s' to='%s' type='valid'/>", to, from);
	peer_expect(peer, answer);
}
