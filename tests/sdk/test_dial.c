/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Dials to peers on loopback, each of which behaves in one way.
 */
#include <fedway/io/dial.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CERT(name) TEST_CERTS "/" name
#define HEADER_START \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:server' " \
	"xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' " \
	"from='b.example' to='a.example' id='i1'"
#define HEADER HEADER_START " version='1.0'>"
#define FEATURES "<stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>"
#define STARTTLS_FEATURES \
	"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
#define OF_TLS(name) "<" name " xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define FOOTER "</stream:stream>"

/* A peer: what it says at the header and at <starttls/>. */
struct script {
	const char *at_header;   /* NULL: it takes no notice; "" : it hangs up */
	const char *at_starttls; /* NULL: it takes no notice */
	bool tls;                /* it shakes hands then, and says FEATURES */
};

struct peer {
	struct fw_loop *loop;
	struct script script;
	struct fw_target target;
	struct fw_tls_context *context;
	struct fw_io *io;
	int listener;
	struct fw_channel *channel;
	bool secured;
};

struct caller {
	struct fw_loop *loop;
	struct fw_dial *dial;
	bool keep, cancel;
	int calls;
	enum fw_cause cause;
	char detail[128], id[16], host[32];
	bool has_features, has_channel, under_tls, has_dialback;
	struct fw_channel *channel;
	int elements;
};

/* ---- the peer ---- */

static void peer_opened(void *ctx, const struct fw_stream_header *header)
{
	struct peer *peer = ctx;

	assert_true(fw_str_is(header->to, "b.example"));
	assert_true(fw_str_is(header->from, "a.example"));
	assert_true(header->has_version && header->has_dialback);
	if (peer->secured) {
		fw_channel_send_text(peer->channel, HEADER FEATURES);
	} else if (peer->script.at_header != NULL && peer->script.at_header[0] == '\0') {
		fw_channel_free(&peer->channel);
	} else if (peer->script.at_header != NULL) {
		fw_channel_send_text(peer->channel, "%s", peer->script.at_header);
	}
}

static void peer_element(void *ctx, struct fw_stanza **stanza)
{
	struct peer *peer = ctx;

	if (fw_str_is(fw_stanza_name(*stanza), "starttls") && peer->script.at_starttls != NULL) {
		fw_channel_send_text(peer->channel, "%s", peer->script.at_starttls);
		if (peer->script.tls) {
			const struct fw_tls_start start = { .side = FW_TLS_RECEIVING };
			fw_channel_secure(peer->channel, peer->context, &start);
		}
	}
}

static void peer_secured(void *ctx)
{
	((struct peer *)ctx)->secured = true;
}

static void peer_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	struct peer *peer = ctx;

	(void)cause;
	(void)detail;
	fw_channel_free(&peer->channel);
}

static const struct fw_channel_events peer_events = {
	.opened = peer_opened,
	.element = peer_element,
	.secured = peer_secured,
	.closed = peer_closed,
};

static void peer_accept(void *ctx, int events)
{
	static const struct fw_stream_settings settings = {
		.content_ns = FW_NS_SERVER,
		.limits = FW_XML_LIMITS_BEFORE_AUTH,
	};
	struct peer *peer = ctx;
	int fd = -1;

	(void)events;
	assert_int_equal(fw_socket_accept(peer->listener, &fd, NULL), FW_OK);
	fw_channel_free(&peer->channel);
	assert_int_equal(
	        fw_channel_new(peer->loop, &fd, &settings, &peer_events, peer, &peer->channel),
	        FW_OK);
}

static struct fw_tls_context *context_of(const char *cert, const char *key)
{
	const struct fw_tls_settings settings = { .certificate_file = cert,
		                                  .key_file = key,
		                                  .ca_file = CERT("ca.pem") };
	struct fw_tls_context *context = NULL;

	assert_int_equal(fw_tls_context_new(&settings, &context, NULL), FW_OK);
	return context;
}

static void peer_start(struct peer *peer, struct fw_loop *loop, const struct script *script)
{
	struct fw_addr addr;

	memset(peer, 0, sizeof(*peer));
	peer->loop = loop;
	peer->script = *script;
	peer->context = context_of(CERT("b.pem"), CERT("b.key"));
	assert_int_equal(fw_addr_parse("127.0.0.1", 0, &addr), FW_OK);
	assert_int_equal(fw_socket_listen(&addr, 8, &peer->listener, NULL), FW_OK);
	assert_int_equal(fw_socket_name(peer->listener, &peer->target.addr), FW_OK);
	snprintf(peer->target.host, sizeof(peer->target.host), "good.example");
	assert_int_equal(fw_io_add(loop, peer->listener, FW_IO_READ, peer_accept, peer, &peer->io),
	                 FW_OK);
}

static void peer_stop(struct peer *peer)
{
	fw_channel_free(&peer->channel);
	fw_io_remove(&peer->io);
	fw_socket_close(&peer->listener);
	fw_tls_context_release(&peer->context);
}

/* A port of loopback where nobody listens. */
static struct fw_target refusing_target(void)
{
	struct fw_target target = { .host = "refusing.example" };
	int fd = -1;

	assert_int_equal(fw_addr_parse("127.0.0.1", 0, &target.addr), FW_OK);
	assert_int_equal(fw_socket_listen(&target.addr, 1, &fd, NULL), FW_OK);
	assert_int_equal(fw_socket_name(fd, &target.addr), FW_OK);
	fw_socket_close(&fd);
	return target;
}

/* ---- the caller ---- */

static void caller_element(void *ctx, struct fw_stanza **stanza)
{
	(void)stanza;
	((struct caller *)ctx)->elements++;
}

static void caller_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	(void)ctx;
	(void)cause;
	(void)detail;
}

static const struct fw_channel_events caller_events = {
	.element = caller_element,
	.closed = caller_closed,
};

static void caller_done(void *ctx, struct fw_dial_result *result)
{
	struct caller *caller = ctx;

	caller->calls++;
	caller->cause = result->cause;
	snprintf(caller->detail, sizeof(caller->detail), "%s", result->detail);
	snprintf(caller->id, sizeof(caller->id), "%.*s", FW_STR_ARG(result->header.id));
	snprintf(caller->host, sizeof(caller->host), "%.31s", result->target->host);
	caller->has_dialback = result->header.has_dialback;
	caller->has_features = result->features != NULL;
	caller->has_channel = result->channel != NULL;
	if (result->features != NULL) {
		assert_true(fw_str_is(fw_stanza_name(result->features), "features"));
	}
	if (result->channel != NULL) {
		caller->under_tls = fw_channel_tls(result->channel) != NULL;
	}
	if (result->channel != NULL && caller->keep) {
		fw_channel_set_owner(result->channel, &caller_events, caller);
		caller->channel = result->channel;
		result->channel = NULL;
	}
	if (caller->cancel) {
		fw_dial_cancel(&caller->dial);
		/* The result still lives. */
		snprintf(caller->host, sizeof(caller->host), "%.31s", result->target->host);
		snprintf(caller->id, sizeof(caller->id), "%.*s", FW_STR_ARG(result->header.id));
	}
}

static void caller_dial(struct caller *caller, enum fw_security security,
                        const struct fw_target *targets, size_t count)
{
	struct fw_tls_context *context = context_of(CERT("a.pem"), CERT("a.key"));
	const struct fw_dial_settings settings = {
		.local_domain = "a.example",
		.remote_domain = "b.example",
		.security = security,
		.tls = context,
		.limits = FW_XML_LIMITS_BEFORE_AUTH,
		.connect_timeout_ms = 2000,
		.stream_timeout_ms = 300,
		.tls_timeout_ms = 300,
		.targets = targets,
		.target_count = count,
	};

	caller->calls = 0;
	assert_int_equal(fw_dial_start(caller->loop, &settings, caller_done, caller, &caller->dial),
	                 FW_OK);
	fw_tls_context_release(&context);
	assert_int_equal(caller->calls, 0);
	uint64_t until_us = fw_now_us(caller->loop) + 20 * 1000 * 1000;
	while (caller->calls == 0) {
		assert_true(fw_now_us(caller->loop) < until_us);
		fw_loop_turn(caller->loop, true);
	}
}

/* ---- cases ---- */

static const struct {
	const char *what;
	struct script script;
	enum fw_security security;
	enum fw_cause cause;
	const char *detail;
	bool features, tls;
} kinds[] = {
	{ "TLS offered and required",
	  { HEADER STARTTLS_FEATURES, OF_TLS("proceed"), true },
	  FW_SECURITY_REQUIRED,
	  FW_CAUSE_NONE,
	  "",
	  true,
	  true },
	{ "TLS offered and welcome",
	  { HEADER STARTTLS_FEATURES, OF_TLS("proceed"), true },
	  FW_SECURITY_OPTIONAL,
	  FW_CAUSE_NONE,
	  "",
	  true,
	  true },
	{ "TLS offered, not wanted",
	  { HEADER STARTTLS_FEATURES, OF_TLS("proceed"), true },
	  FW_SECURITY_NONE,
	  FW_CAUSE_NONE,
	  "",
	  true,
	  false },
	{ "TLS not offered, required",
	  { HEADER FEATURES, NULL, false },
	  FW_SECURITY_REQUIRED,
	  FW_CAUSE_TLS_REQUIRED,
	  "",
	  false,
	  false },
	{ "TLS not offered, optional",
	  { HEADER FEATURES, NULL, false },
	  FW_SECURITY_OPTIONAL,
	  FW_CAUSE_NONE,
	  "",
	  true,
	  false },
	{ "peer before XMPP 1.0",
	  { HEADER_START ">", NULL, false },
	  FW_SECURITY_OPTIONAL,
	  FW_CAUSE_NONE,
	  "",
	  false,
	  false },
	{ "peer before XMPP 1.0, TLS required",
	  { HEADER_START ">", NULL, false },
	  FW_SECURITY_REQUIRED,
	  FW_CAUSE_TLS_REQUIRED,
	  "XMPP 1.0",
	  false,
	  false },
	{ "no header",
	  { NULL, NULL, false },
	  FW_SECURITY_REQUIRED,
	  FW_CAUSE_HEADER_TIMEOUT,
	  "",
	  false,
	  false },
	{ "no features",
	  { HEADER, NULL, false },
	  FW_SECURITY_REQUIRED,
	  FW_CAUSE_HEADER_TIMEOUT,
	  "",
	  false,
	  false },
	{ "no answer to starttls",
	  { HEADER STARTTLS_FEATURES, NULL, false },
	  FW_SECURITY_REQUIRED,
	  FW_CAUSE_TLS_TIMEOUT,
	  "",
	  false,
	  false },
	{ "no handshake after proceed",
	  { HEADER STARTTLS_FEATURES, OF_TLS("proceed"), false },
	  FW_SECURITY_REQUIRED,
	  FW_CAUSE_TLS_FAILED,
	  "",
	  false,
	  false },
	{ "failure",
	  { HEADER STARTTLS_FEATURES, OF_TLS("failure") FOOTER, false },
	  FW_SECURITY_REQUIRED,
	  FW_CAUSE_TLS_FAILED,
	  "<failure/>",
	  false,
	  false },
	{ "clear text behind proceed",
	  { HEADER STARTTLS_FEATURES, OF_TLS("proceed") "<message/>", false },
	  FW_SECURITY_REQUIRED,
	  FW_CAUSE_TLS_INJECTION,
	  "",
	  false,
	  false },
	{ "a stream error",
	  { HEADER "<stream:error><host-unknown "
	           "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>" FOOTER,
	    NULL, false },
	  FW_SECURITY_REQUIRED,
	  FW_CAUSE_PEER_ERROR,
	  "host-unknown",
	  false,
	  false },
	{ "a footer at once",
	  { HEADER FOOTER, NULL, false },
	  FW_SECURITY_REQUIRED,
	  FW_CAUSE_PEER_CLOSED,
	  "",
	  false,
	  false },
	{ "an end at once",
	  { "", NULL, false },
	  FW_SECURITY_REQUIRED,
	  FW_CAUSE_PEER_LOST,
	  "",
	  false,
	  false },
	{ "a stanza before features",
	  { HEADER "<message/>" FOOTER, NULL, false },
	  FW_SECURITY_REQUIRED,
	  FW_CAUSE_UNEXPECTED,
	  "message",
	  false,
	  false },
	{ "no XMPP",
	  { "HTTP/1.1 400 Bad Request\r\n\r\n", NULL, false },
	  FW_SECURITY_REQUIRED,
	  FW_CAUSE_NOT_WELL_FORMED,
	  "",
	  false,
	  false },
};

static void peers_of_all_kinds_lead_to_their_result(void **state)
{
	(void)state;
	for (size_t i = 0; i < FW_COUNT(kinds); i++) {
		struct caller caller = { .cancel = i % 2 == 0 };
		struct peer peer;

		print_message("%s\n", kinds[i].what);
		assert_int_equal(fw_loop_new(&caller.loop), FW_OK);
		peer_start(&peer, caller.loop, &kinds[i].script);
		caller_dial(&caller, kinds[i].security, &peer.target, 1);
		assert_string_equal(fw_cause_row(caller.cause)->name,
		                    fw_cause_row(kinds[i].cause)->name);
		assert_non_null(strstr(caller.detail, kinds[i].detail));
		assert_int_equal(caller.has_channel, kinds[i].cause == FW_CAUSE_NONE);
		assert_int_equal(caller.has_features, kinds[i].features);
		assert_int_equal(caller.under_tls, kinds[i].tls);
		assert_string_equal(caller.host, "good.example");
		if (kinds[i].cause == FW_CAUSE_NONE) {
			assert_string_equal(caller.id, "i1");
			assert_true(caller.has_dialback);
		}
		fw_dial_cancel(&caller.dial);
		peer_stop(&peer);
		fw_loop_free(&caller.loop);
	}
}

static const struct script good = { HEADER FEATURES, NULL, false };
static const struct script closing = { HEADER FOOTER, NULL, false };

static void a_target_that_refuses_makes_way_for_the_next(void **state)
{
	struct caller caller = { .keep = true };
	struct fw_target targets[2];
	struct peer peer;

	(void)state;
	assert_int_equal(fw_loop_new(&caller.loop), FW_OK);
	peer_start(&peer, caller.loop, &good);
	targets[0] = refusing_target();
	targets[1] = peer.target;
	caller_dial(&caller, FW_SECURITY_NONE, targets, 2);
	assert_int_equal(caller.cause, FW_CAUSE_NONE);
	assert_string_equal(caller.host, "good.example");
	/* The channel that was taken lives on with its new owner. */
	fw_channel_send_text(peer.channel, "<message/>");
	while (caller.elements == 0) {
		fw_loop_turn(caller.loop, true);
	}
	fw_dial_cancel(&caller.dial);
	fw_channel_free(&caller.channel);
	peer_stop(&peer);
	fw_loop_free(&caller.loop);
}

static void the_most_telling_failure_is_reported(void **state)
{
	struct caller caller = { .keep = false };
	struct fw_target targets[3];
	struct peer peer;

	(void)state;
	assert_int_equal(fw_loop_new(&caller.loop), FW_OK);
	targets[0] = targets[1] = refusing_target();
	caller_dial(&caller, FW_SECURITY_NONE, targets, 2);
	assert_int_equal(caller.cause, FW_CAUSE_CONNECT_FAILED);
	assert_non_null(strstr(caller.detail, "refused"));
	assert_string_equal(caller.host, "refusing.example");
	fw_dial_cancel(&caller.dial);

	peer_start(&peer, caller.loop, &closing);
	targets[1] = peer.target;
	targets[2] = refusing_target();
	caller_dial(&caller, FW_SECURITY_NONE, targets, 3);
	assert_int_equal(caller.cause, FW_CAUSE_PEER_CLOSED);
	assert_string_equal(caller.host, "good.example");
	assert_string_equal(fw_dial_phase_name(caller.dial), "stream");
	fw_dial_cancel(&caller.dial);
	peer_stop(&peer);
	fw_loop_free(&caller.loop);
}

static void a_silent_address_is_a_timeout(void **state)
{
	struct caller caller = { .keep = false };
	struct fw_target target = { .host = "silent.example" };
	int fd = -1, held[64];
	size_t count = 0;

	(void)state;
	/* A listener whose queue is full lets further connections hang. */
	assert_int_equal(fw_loop_new(&caller.loop), FW_OK);
	assert_int_equal(fw_addr_parse("127.0.0.1", 0, &target.addr), FW_OK);
	assert_int_equal(fw_socket_listen(&target.addr, 0, &fd, NULL), FW_OK);
	assert_int_equal(fw_socket_name(fd, &target.addr), FW_OK);
	while (count < 8 && fw_socket_connect(&target.addr, NULL, &held[count], NULL) == FW_OK) {
		count++;
	}
	caller_dial(&caller, FW_SECURITY_NONE, &target, 1);
	assert_int_equal(caller.cause, FW_CAUSE_CONNECT_TIMEOUT);
	fw_dial_cancel(&caller.dial);
	while (count > 0) {
		fw_socket_close(&held[--count]);
	}
	fw_socket_close(&fd);
	fw_loop_free(&caller.loop);
}

static void wrong_settings_are_refused(void **state)
{
	struct caller caller = { .keep = false };
	struct fw_target target = refusing_target();
	struct fw_dial_settings settings = {
		.local_domain = "a.example",
		.remote_domain = "b.example",
		.security = FW_SECURITY_NONE,
		.targets = &target,
	};

	(void)state;
	assert_int_equal(fw_loop_new(&caller.loop), FW_OK);
	assert_int_equal(fw_dial_start(caller.loop, &settings, caller_done, &caller, &caller.dial),
	                 FW_EINVAL);
	settings.target_count = 1;
	settings.security = FW_SECURITY_REQUIRED; /* without keys */
	assert_int_equal(fw_dial_start(caller.loop, &settings, caller_done, &caller, &caller.dial),
	                 FW_EINVAL);
	assert_null(caller.dial);
	fw_loop_free(&caller.loop);
}

static void a_cancelled_dial_is_silent_wherever_it_stood(void **state)
{
	static const struct script script = { HEADER STARTTLS_FEATURES, OF_TLS("proceed"), true };
	struct fw_tls_context *context = context_of(CERT("a.pem"), CERT("a.key"));

	(void)state;
	for (int turns = 0; turns < 30; turns++) {
		struct caller caller = { .cancel = true };
		struct peer peer;

		assert_int_equal(fw_loop_new(&caller.loop), FW_OK);
		peer_start(&peer, caller.loop, &script);
		const struct fw_dial_settings settings = {
			.local_domain = "a.example",
			.remote_domain = "b.example",
			.tls = context,
			.limits = FW_XML_LIMITS_BEFORE_AUTH,
			.connect_timeout_ms = 2000,
			.stream_timeout_ms = 2000,
			.tls_timeout_ms = 2000,
			.targets = &peer.target,
			.target_count = 1,
		};
		assert_int_equal(
		        fw_dial_start(caller.loop, &settings, caller_done, &caller, &caller.dial),
		        FW_OK);
		for (int i = 0; i < turns; i++) {
			fw_loop_turn(caller.loop, false);
		}
		int before = caller.calls;
		fw_dial_cancel(&caller.dial);
		for (int i = 0; i < 5; i++) {
			fw_loop_turn(caller.loop, false);
		}
		assert_int_equal(caller.calls, before);
		peer_stop(&peer);
		fw_loop_free(&caller.loop);
	}
	fw_tls_context_release(&context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_of_all_kinds_lead_to_their_result),
		cmocka_unit_test(a_target_that_refuses_makes_way_for_the_next),
		cmocka_unit_test(the_most_telling_failure_is_reported),
		cmocka_unit_test(a_silent_address_is_a_timeout),
		cmocka_unit_test(wrong_settings_are_refused),
		cmocka_unit_test(a_cancelled_dial_is_silent_wherever_it_stood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
