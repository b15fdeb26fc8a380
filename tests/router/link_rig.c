/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The rig of link_rig.h.
 */
#include "tests/router/link_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

struct link_rig_seen link_rig_seen;

void link_rig_forget(void)
{
	link_rig_seen = (struct link_rig_seen){ 0 };
}

static void rig_started(struct link *link)
{
	struct fw_error err = { 0 };

	link_rig_seen.started++;
	link->component->check_from = false;
	if (link->owner != NULL) {
		assert_int_equal(component_bind(link->component, link->owner, &err), FW_OK);
	}
}

static void rig_suspended(struct link *link)
{
	(void)link;
	link_rig_seen.suspended++;
}

static void rig_resumed(struct link *link)
{
	(void)link;
	link_rig_seen.resumed++;
}

static void rig_ended(struct link *link, enum fw_cause cause)
{
	assert_non_null(link->component);
	link_rig_seen.ended++;
	link_rig_seen.cause = cause;
}

static void rig_before(struct link *link, const struct fw_stanza *stanza)
{
	link_say(link, "<mark xmlns='urn:test' id='%" PRIu64 "'/>", fw_stanza_xcoder(stanza));
}

static void rig_mark(struct link *link, struct fw_stanza *element)
{
	(void)link;
	(void)element;
}

static const struct link_element rig_elements[] = {
	{ "urn:test", "mark", rig_mark },
	{ NULL, NULL, NULL },
};

const struct link_kind link_rig_kind2 = {
	.name = "link",
	.dialect = 2,
	.started = rig_started,
	.suspended = rig_suspended,
	.resumed = rig_resumed,
	.ended = rig_ended,
};

const struct link_kind link_rig_kind3 = {
	.name = "router",
	.dialect = 3,
	.elements = rig_elements,
	.started = rig_started,
	.suspended = rig_suspended,
	.resumed = rig_resumed,
	.ended = rig_ended,
	.before = rig_before,
};

/* ---- channels ---- */

static bool opened;

static void on_opened(void *ctx, const struct fw_stream_header *header)
{
	(void)ctx;
	(void)header;
	opened = true;
}

static void on_element(void *ctx, struct fw_stanza **stanza)
{
	(void)ctx;
	(void)stanza;
	fail_msg("an element before the link");
}

static void on_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	(void)ctx;
	fail_msg("the channel closed early: %s %s", fw_cause_row(cause)->name, detail);
}

static const struct fw_channel_events before_link = {
	.opened = on_opened,
	.element = on_element,
	.closed = on_closed,
};

static const struct fw_stream_settings settings = {
	.content_ns = FW_NS_COMPONENT,
	.limits = FW_XML_LIMITS_BEFORE_AUTH,
};

static bool has_opened(void *ctx)
{
	(void)ctx;
	return opened;
}

struct fw_channel *link_rig_channel(struct rig *rig, int fd, void (*turn)(void *ctx), void *ctx)
{
	struct fw_channel *channel = NULL;

	opened = false;
	assert_int_equal(fw_channel_new(rig->loop, &fd, &settings, &before_link, NULL, &channel),
	                 FW_OK);
	fw_channel_open(channel, fw_str("peer.test"), fw_str(NULL), fw_str("some-id"), true);
	while (turn != NULL && !opened) {
		fw_loop_turn(rig->loop, false);
		turn(ctx);
	}
	rig_until(rig, has_opened, NULL, "the peer's header");
	return channel;
}

struct link *link_rig_attach(struct rig *rig, struct peer *peer, const struct link_kind *kind,
                             const char *identity, const char *binds, bool dialled)
{
	const struct link_start start = { .kind = kind,
		                          .identity = identity,
		                          .session = ++rig->router->links->next_session,
		                          .dialled = dialled,
		                          .owner = (void *)binds };
	enum fw_cause cause = FW_CAUSE_NONE;
	struct link *link = NULL;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
	                 0);
	peer_take(peer, rig, fds[1]);
	peer_send(peer, "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
	                "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>");
	struct fw_channel *channel = link_rig_channel(rig, fds[0], NULL, NULL);
	assert_int_equal(link_attach(rig->router->links, &start, &channel, &link, &cause), FW_OK);
	assert_null(channel);
	peer_expect(peer, "version='1.0' xml:lang='en'>");
	return link;
}

void link_rig_attribute(const struct peer *peer, const char *name, const char *attribute, char *out,
                        size_t size)
{
	char begin[64];

	(void)snprintf(begin, sizeof(begin), "<%s ", name);
	const char *at = strstr(peer->text, begin);
	assert_non_null(at);
	(void)snprintf(begin, sizeof(begin), " %s='", attribute);
	at = strstr(at, begin);
	assert_non_null(at);
	at += strlen(begin);
	(void)snprintf(out, size, "%.*s", (int)strcspn(at, "'"), at);
}

struct link *link_rig_enable(struct rig *rig, struct peer *peer, const struct link_kind *kind,
                             const char *identity, const char *binds, char *id)
{
	struct link *link = link_rig_attach(rig, peer, kind, identity, binds, false);

	peer_send(peer, "<enable " SM " resume='true'/>");
	peer_expect(peer, "<enabled " SM);
	peer_expect(peer, "/>");
	if (id != NULL) {
		link_rig_attribute(peer, "enabled", "id", id, LINK_SESSION_ID_SIZE);
	}
	peer_forget(peer);
	return link;
}

struct state_wanted {
	struct link *link;
	enum link_state state;
};

static bool state_is(void *ctx)
{
	const struct state_wanted *wanted = ctx;

	return wanted->link->state == wanted->state;
}

void link_rig_state(struct rig *rig, struct link *link, enum link_state state)
{
	struct state_wanted wanted = { link, state };

	rig_until(rig, state_is, &wanted, "the state of the link");
}
