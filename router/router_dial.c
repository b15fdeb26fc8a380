/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The states of a dial, in the order in which it passes through them: wait → connect → header → tls
 * → proof → attach → stands. The proof itself is router_proof.c. An authenticated channel is given
 * to the link (fabric_link.c), which tells when it has lost it. Called by fabric.c.
 */
#include "router/router_dial.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/io/channel.h>
#include <fedway/io/crypto.h>
#include <fedway/io/machine.h>

#include "router/fabric_link.h"
#include "router/link.h"
#include "router/link_tls.h"
#include "router/router_proof.h"
#include "router/uplink_conn.h"

enum dial_state {
	DIAL_WAIT,    /* until the next attempt */
	DIAL_CONNECT, /* TCP */
	DIAL_HEADER,  /* ours is sent; the peer's, and its features, are awaited */
	DIAL_TLS,     /* <starttls/>, then the handshake */
	DIAL_PROOF,   /* SASL */
	DIAL_ATTACH,  /* the features behind the proof are awaited */
	DIAL_STANDS,  /* the link has the channel */
	DIAL_STATE_COUNT
};

enum {
	DIAL_EVENT_WRITABLE = FW_EVENT_OWN,
	DIAL_EVENT_ELEMENT,
	DIAL_EVENT_SECURED,
	DIAL_EVENT_CLOSED
};

enum { DIAL_STEP_MS = 10000, DIAL_FOR_EVER_MS = 3600000 };

static struct fw_logger dial_log = FW_LOGGER("router.dial");

struct router_dial {
	struct fabric_peer *peer;
	struct fw_machine machine;
	struct fw_addr addr;
	int fd;
	struct fw_io *io;
	struct fw_channel *channel;
	struct router_proof *proof;
	struct fw_scram_keys keys; /* of the secret, kept between attempts */
	uint32_t failures;
	uint64_t stood_ms; /* since when the link had its connection; 0: it has none */
};

struct dial_closed {
	enum fw_cause cause;
	const char *detail;
};

/* ---- failing ---- */

static void dial_drop(struct router_dial *dial)
{
	fw_io_remove(&dial->io);
	if (dial->fd >= 0) {
		fw_socket_close(&dial->fd);
	}
	router_proof_free(&dial->proof);
	fw_channel_free(&dial->channel);
}

static void dial_fail(struct router_dial *dial, enum fw_cause cause, const char *detail)
{
	struct fabric_peer *peer = dial->peer;
	char words[160];

	dial->failures++;
	if (peer->component == NULL || peer->component->suspended) {
		peer->last_cause = cause;
		(void)snprintf(peer->last_detail, sizeof(peer->last_detail), "%s", detail);
		fabric_notice_failed(peer, dial->failures);
	}
	fw_log(peer->fabric->router->log, &dial_log, FW_LOG_WARNING,
	       "router not reached realm=%s host=%s port=%u state=%s cause=%s text=\"%s\" "
	       "remedy=\"%s\" detail=%s failures=%u",
	       peer->realm, peer->row->host, peer->row->port, fw_machine_state_name(&dial->machine),
	       fw_cause_row(cause)->name, fw_cause_row(cause)->text, fabric_remedy(cause),
	       fw_quote(fw_str(detail), words, sizeof(words)), dial->failures);
	dial_drop(dial);
	fw_machine_goto(&dial->machine, DIAL_WAIT);
}

/* Tells the peer why, as far as its stream is open. */
static void dial_part(struct router_dial *dial, enum fw_cause cause, const char *detail)
{
	struct fw_channel *channel = dial->channel;

	dial->channel = NULL;
	if (channel != NULL) {
		fw_channel_farewell(&channel, cause);
	}
	dial_fail(dial, cause, detail);
}

/* ---- the channel ---- */

static void dial_element(void *ctx, struct fw_stanza **stanza)
{
	struct router_dial *dial = ctx;

	if (!link_is_stream_error(*stanza)) {
		fw_machine_send(&dial->machine, DIAL_EVENT_ELEMENT, *stanza);
	}
}

static void dial_secured(void *ctx)
{
	struct router_dial *dial = ctx;

	fw_machine_send(&dial->machine, DIAL_EVENT_SECURED, NULL);
}

static void dial_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	struct router_dial *dial = ctx;
	struct dial_closed closed = { cause, detail };

	fw_machine_send(&dial->machine, DIAL_EVENT_CLOSED, &closed);
}

static void dial_opened(void *ctx, const struct fw_stream_header *header)
{
	(void)ctx;
	(void)header; /* features follow, and say all that we need */
}

static const struct fw_channel_events dial_events = {
	.opened = dial_opened,
	.element = dial_element,
	.secured = dial_secured,
	.closed = dial_closed,
};

static int dial_open_channel(struct router_dial *dial)
{
	struct fw_loop *loop = dial->peer->fabric->router->loop;
	const struct fw_stream_settings settings = {
		.content_ns = FW_NS_COMPONENT,
		.limits = FW_XML_LIMITS_BEFORE_AUTH,
	};

	return fw_channel_new(loop, &dial->fd, &settings, &dial_events, dial, &dial->channel);
}

static void dial_send_header(struct router_dial *dial)
{
	fw_channel_open(dial->channel, fw_str(dial->peer->realm),
	                fw_str(dial->peer->fabric->router->realm), fw_str(NULL), true);
}

static bool is_features(const struct fw_stanza *element)
{
	return fw_str_is(fw_stanza_name(element), "features") &&
	       fw_str_is(fw_stanza_ns(element), FW_NS_STREAMS);
}

static bool is_of_tls(const struct fw_stanza *element, const char *name)
{
	return fw_str_is(fw_stanza_name(element), name) &&
	       fw_str_is(fw_stanza_ns(element), FW_NS_TLS);
}

/* ---- states ---- */

static void wait_handle(void *owner, const struct fw_event *event)
{
	struct router_dial *dial = owner;
	const struct config_peer *row = dial->peer->row;
	uint32_t random;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		fw_random(&random, sizeof(random));
		/* the first attempt after a link that stood goes at once: it has to be resumed */
		fw_machine_timeout(&dial->machine,
		                   dial->failures == 0
		                           ? 1
		                           : uplink_delay_ms(row->retry_min_ms, row->retry_max_ms,
		                                             dial->failures, random));
		break;
	case FW_EVENT_TIMEOUT:
		fw_machine_goto(&dial->machine, DIAL_CONNECT);
		break;
	default:
		break;
	}
}

static void dial_writable(void *ctx, int events)
{
	struct router_dial *dial = ctx;

	(void)events;
	fw_machine_send(&dial->machine, DIAL_EVENT_WRITABLE, NULL);
}

static void connect_begin(struct router_dial *dial)
{
	const struct config_peer *row = dial->peer->row;
	struct fw_error err = { 0 };
	int ret = fw_addr_parse(row->host, row->port, &dial->addr);

	if (ret == FW_OK) {
		ret = fw_socket_connect(&dial->addr, NULL, &dial->fd, &err);
	}
	if (ret == FW_OK) {
		ret = fw_io_add(dial->peer->fabric->router->loop, dial->fd, FW_IO_WRITE,
		                dial_writable, dial, &dial->io);
	}
	if (ret != FW_OK) {
		dial_fail(dial, FW_CAUSE_CONNECT_FAILED, err.text);
	}
}

static void connect_finish(struct router_dial *dial)
{
	struct fw_error err = { 0 };
	int ret = fw_socket_result(dial->fd, &err);

	fw_io_remove(&dial->io);
	if (ret != FW_OK) {
		dial_fail(dial, FW_CAUSE_CONNECT_FAILED, err.text);
	} else if (dial_open_channel(dial) != FW_OK) {
		dial_fail(dial, FW_CAUSE_RESOURCES, "");
	} else {
		dial_send_header(dial);
		fw_machine_goto(&dial->machine, DIAL_HEADER);
	}
}

static void connect_handle(void *owner, const struct fw_event *event)
{
	struct router_dial *dial = owner;

	switch (event->kind) {
	case FW_EVENT_ENTER:
		connect_begin(dial);
		break;
	case DIAL_EVENT_WRITABLE:
		connect_finish(dial);
		break;
	case FW_EVENT_TIMEOUT:
		dial_fail(dial, FW_CAUSE_CONNECT_TIMEOUT, "");
		break;
	default:
		break;
	}
}

/* Events that mean the same in every state with a stream. */
static void stream_handle(struct router_dial *dial, const struct fw_event *event,
                          enum fw_cause late)
{
	const struct dial_closed *closed = event->data;

	switch (event->kind) {
	case DIAL_EVENT_CLOSED:
		dial_fail(dial, closed->cause, closed->detail);
		break;
	case FW_EVENT_TIMEOUT:
		dial_part(dial, late, "");
		break;
	case DIAL_EVENT_ELEMENT:
		dial_part(dial, FW_CAUSE_UNEXPECTED, "");
		break;
	default:
		break;
	}
}

/* What the words of link_security want of a connection that we begin. */
static bool tls_is_required(const struct router_dial *dial)
{
	const struct router *router = dial->peer->fabric->router;
	int security = router->config->router.link_security;
	const char *host = dial->peer->row->host;

	if (security != CONFIG_LINK_AUTO) {
		return security == CONFIG_LINK_TLS_REQUIRED;
	}
	return strncmp(host, "127.", 4) != 0 && strcmp(host, "::1") != 0;
}

static void header_features(struct router_dial *dial, struct fw_stanza *features)
{
	struct router *router = dial->peer->fabric->router;
	const struct fw_elem *root = fw_stanza_root(features);
	bool offered = fw_elem_find(root, "starttls", FW_NS_TLS) != NULL;
	bool secure = fw_channel_tls(dial->channel) != NULL;
	char why[224] = "";

	if (!secure && offered && link_tls_context(router->links->tls) != NULL &&
	    router->config->router.link_security != CONFIG_LINK_NO_TLS) {
		fw_channel_send_text(dial->channel, "<starttls xmlns='" FW_NS_TLS "'/>");
		fw_machine_goto(&dial->machine, DIAL_TLS);
		return;
	}
	if (!secure && tls_is_required(dial)) {
		dial_part(dial, FW_CAUSE_TLS_REQUIRED, "");
		return;
	}
	enum fw_cause cause = router_proof_begin(dial->peer, dial->channel, root, &dial->keys,
	                                         &dial->proof, why, sizeof(why));
	if (cause != FW_CAUSE_NONE) {
		dial_part(dial, cause, why);
		return;
	}
	fw_machine_goto(&dial->machine, DIAL_PROOF);
}

static void header_handle(void *owner, const struct fw_event *event)
{
	struct router_dial *dial = owner;

	if (event->kind == DIAL_EVENT_ELEMENT && is_features(event->data)) {
		header_features(dial, event->data);
		return;
	}
	stream_handle(dial, event, FW_CAUSE_HEADER_TIMEOUT);
}

static void tls_handle(void *owner, const struct fw_event *event)
{
	struct router_dial *dial = owner;
	const struct config_peer *row = dial->peer->row;
	const char *name = row->certificate_name[0] != '\0' ? row->certificate_name : row->realm;
	const struct fw_tls_start start = { .side = FW_TLS_INITIATING, .peer_name = name };

	if (event->kind == DIAL_EVENT_ELEMENT && is_of_tls(event->data, "proceed")) {
		fw_channel_secure(dial->channel,
		                  link_tls_context(dial->peer->fabric->router->links->tls), &start);
	} else if (event->kind == DIAL_EVENT_ELEMENT && is_of_tls(event->data, "failure")) {
		dial_part(dial, FW_CAUSE_TLS_FAILED, "the other router refuses STARTTLS");
	} else if (event->kind == DIAL_EVENT_SECURED) {
		dial_send_header(dial);
		fw_machine_goto(&dial->machine, DIAL_HEADER);
	} else {
		stream_handle(dial, event, FW_CAUSE_TLS_TIMEOUT);
	}
}

static void proof_handle(void *owner, const struct fw_event *event)
{
	struct router_dial *dial = owner;
	char why[224] = "";
	bool done = false;

	if (event->kind != DIAL_EVENT_ELEMENT) {
		stream_handle(dial, event, FW_CAUSE_AUTH_TIMEOUT);
		return;
	}
	enum fw_cause cause = router_proof_take(dial->proof, event->data, &done, why, sizeof(why));
	if (cause != FW_CAUSE_NONE) {
		dial_part(dial, cause, why);
	} else if (done) {
		fw_channel_restart(dial->channel);
		dial_send_header(dial);
		fw_machine_goto(&dial->machine, DIAL_ATTACH);
	}
}

static void attach_features(struct router_dial *dial, struct fw_stanza *features)
{
	const struct fw_elem *root = fw_stanza_root(features);
	enum fw_cause cause = FW_CAUSE_NONE;

	if (fw_elem_find(root, "router", TRAIL_NS) == NULL) {
		dial_part(dial, FW_CAUSE_NO_AUTH_METHOD,
		          "the other side does not take us for a router: no row of ours there");
		return;
	}
	const char *method = router_proof_method(dial->proof);
	router_proof_free(&dial->proof);
	fw_machine_goto(&dial->machine, DIAL_STANDS);
	dial->stood_ms = fw_now_ms(dial->peer->fabric->router->loop);
	if (fabric_link_attach(dial->peer->fabric->router->links, dial->peer, 0, method, true,
	                       &dial->channel, &cause) != FW_OK) {
		dial_part(dial, cause, "");
	}
}

static void attach_handle(void *owner, const struct fw_event *event)
{
	struct router_dial *dial = owner;

	if (event->kind == DIAL_EVENT_ELEMENT && is_features(event->data)) {
		attach_features(dial, event->data);
		return;
	}
	stream_handle(dial, event, FW_CAUSE_AUTH_TIMEOUT);
}

static void stands_handle(void *owner, const struct fw_event *event)
{
	struct router_dial *dial = owner;

	if (event->kind == FW_EVENT_ENTER || event->kind == FW_EVENT_TIMEOUT) {
		fw_machine_timeout(&dial->machine, DIAL_FOR_EVER_MS);
	}
}

static const struct fw_state_row dial_states[DIAL_STATE_COUNT] = {
	[DIAL_WAIT] = { "wait", wait_handle, FW_TIMEOUT_OWN,
	                FW_TO(DIAL_CONNECT) | FW_TO(DIAL_STANDS) },
	[DIAL_CONNECT] = { "connect", connect_handle, DIAL_STEP_MS,
	                   FW_TO(DIAL_WAIT) | FW_TO(DIAL_HEADER) },
	[DIAL_HEADER] = { "header", header_handle, DIAL_STEP_MS,
	                  FW_TO(DIAL_TLS) | FW_TO(DIAL_PROOF) | FW_TO(DIAL_WAIT) },
	[DIAL_TLS] = { "tls", tls_handle, DIAL_STEP_MS, FW_TO(DIAL_HEADER) | FW_TO(DIAL_WAIT) },
	[DIAL_PROOF] = { "proof", proof_handle, DIAL_STEP_MS,
	                 FW_TO(DIAL_ATTACH) | FW_TO(DIAL_WAIT) },
	[DIAL_ATTACH] = { "attach", attach_handle, DIAL_STEP_MS,
	                  FW_TO(DIAL_STANDS) | FW_TO(DIAL_WAIT) },
	[DIAL_STANDS] = { "stands", stands_handle, FW_TIMEOUT_OWN, FW_TO(DIAL_WAIT) },
};

/* ---- from outside ---- */

int router_dial_new(struct fabric_peer *peer, struct router_dial **out)
{
	struct router_dial *dial = calloc(1, sizeof(*dial));

	if (dial == NULL) {
		return FW_ENOMEM;
	}
	dial->peer = peer;
	dial->fd = -1;
	*out = dial;
	return FW_OK;
}

void router_dial_begin(struct router_dial *dial)
{
	struct router *router = dial->peer->fabric->router;

	if (fw_machine_start(&dial->machine, dial_states, DIAL_STATE_COUNT, DIAL_WAIT, router->loop,
	                     dial) != FW_OK) {
		fw_log(router->log, &dial_log, FW_LOG_ERROR, "no memory to dial realm=%s",
		       dial->peer->realm);
	}
}

void router_dial_again(struct router_dial *dial)
{
	uint64_t now = fw_now_ms(dial->peer->fabric->router->loop);

	if (dial->machine.state != DIAL_STANDS) {
		return;
	}
	/* What falls at once counts as a failure, so that two sides do not chase each other. */
	dial->failures =
	        now - dial->stood_ms < dial->peer->row->retry_min_ms ? dial->failures + 1 : 0;
	fw_machine_goto(&dial->machine, DIAL_WAIT);
}

void router_dial_reload(struct router_dial *dial)
{
	memset(&dial->keys, 0, sizeof(dial->keys));
	dial->failures = 0;
	if (dial->machine.state == DIAL_WAIT) {
		fw_machine_timeout(&dial->machine, 1);
	}
}

const char *router_dial_state(const struct router_dial *dial)
{
	return fw_machine_state_name(&dial->machine);
}

uint32_t router_dial_failures(const struct router_dial *dial)
{
	return dial->failures;
}

void router_dial_free(struct router_dial **dial)
{
	if (*dial == NULL) {
		return;
	}
	fw_machine_stop(&(*dial)->machine);
	dial_drop(*dial);
	memset(&(*dial)->keys, 0, sizeof((*dial)->keys));
	free(*dial);
	*dial = NULL;
}
