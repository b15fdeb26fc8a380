/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The time before a link is trusted: header, then the XEP-0114 §3 handshake. Small limits, one
 * timer over all of it, and no component yet. Afterwards the channel goes to link.c and what was
 * needed here is freed.
 */
#include "router/link.h"

#include <stdlib.h>

static struct fw_logger hello_log = FW_LOGGER("router.link");

struct link_hello {
	struct link_hello *next, **prev; /**< in room->hellos */
	struct link_room *room;
	struct fw_channel *channel;
	struct fw_timer *timer;
	char *name; /**< the `to` of its header; NULL before that */
	uint32_t session;
	char id[FW_STREAM_ID_SIZE];
};

void link_hello_free(struct link_hello **hello)
{
	struct link_hello *old = *hello;

	if (old == NULL) {
		return;
	}
	*hello = NULL;
	if (old->prev != NULL) {
		*old->prev = old->next;
		if (old->next != NULL) {
			old->next->prev = old->prev;
		}
		old->room->hello_count--;
	}
	fw_timer_free(&old->timer);
	fw_channel_free(&old->channel);
	free(old->name);
	free(old);
}

struct link_hello *link_hello_next(struct link_hello *hello)
{
	return hello->next;
}

void link_hello_end(struct link_hello *hello, enum fw_cause cause)
{
	fw_timer_stop(hello->timer);
	fw_channel_close(hello->channel, cause);
}

static void hello_opened(void *ctx, const struct fw_stream_header *header)
{
	struct link_hello *hello = ctx;
	struct link_name *name = link_names_find(hello->room->names, header->to);

	if (hello->name != NULL) {
		link_hello_end(hello, FW_CAUSE_UNEXPECTED);
		return;
	}
	hello->name = fw_str_dup(header->to);
	if (hello->name == NULL) {
		link_hello_end(hello, FW_CAUSE_RESOURCES);
		return;
	}
	/* Our header comes first, even when all that follows is an error: RFC 6120 §4.9.1.2. */
	fw_random_id(hello->id);
	fw_channel_open(hello->channel, fw_str(NULL), name != NULL ? header->to : fw_str(NULL),
	                fw_str(hello->id), false);
	if (name == NULL) {
		link_hello_end(hello, FW_CAUSE_HOST_UNKNOWN);
	}
}

/* XEP-0114 §3: lower-case hex of SHA-1 over stream id and secret. */
static bool secret_is_right(const struct link_hello *hello, const struct link_name *name,
                            struct fw_stanza *handshake)
{
	const struct fw_secret *secret = &name->row->secret;
	char expected[FW_SHA1_HEX_SIZE];
	struct fw_elem *root = fw_stanza_root(handshake);

	if (root == NULL || secret->bytes == NULL || secret->len == 0) {
		return false;
	}
	fw_sha1_hex(fw_str(hello->id), fw_str_n(secret->bytes, secret->len), expected);
	return fw_equal_const_time(fw_str_trim(fw_elem_text(root)), fw_str(expected));
}

/* The reload may have taken the name away since the header came, so it is looked up again. */
static void hello_element(void *ctx, struct fw_stanza **stanza)
{
	struct link_hello *hello = ctx;
	enum fw_cause cause = FW_CAUSE_NONE;
	struct link_name *name;

	if (fw_channel_closing(hello->channel) || link_is_stream_error(*stanza)) {
		return;
	}
	name = link_names_find(hello->room->names, fw_str(hello->name));
	if (name == NULL) {
		link_hello_end(hello, FW_CAUSE_HOST_UNKNOWN);
		return;
	}
	if (!link_is_handshake(*stanza) || !secret_is_right(hello, name, *stanza)) {
		link_hello_end(hello, FW_CAUSE_NOT_AUTHORIZED);
		return;
	}
	if (link_add(hello->room, name, hello->session, &hello->channel, &cause) != FW_OK) {
		link_hello_end(hello, cause);
		return;
	}
	link_hello_free(&hello);
}

static void hello_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	struct link_hello *hello = ctx;
	char peer[FW_ADDR_TEXT_SIZE], name[128], words[128];
	/* Ports are probed all day: only what an operator can act on is more than debug. */
	bool wrong = cause == FW_CAUSE_NOT_AUTHORIZED || cause == FW_CAUSE_HOST_UNKNOWN ||
	             cause == FW_CAUSE_CONFLICT || cause == FW_CAUSE_INVALID_NAMESPACE;

	fw_log(hello->room->router->log, &hello_log, wrong ? FW_LOG_WARNING : FW_LOG_INFO,
	       "link refused session=%u name=%s peer=%s cause=%s text=\"%s\" remedy=\"%s\" "
	       "detail=%s",
	       hello->session, fw_quote(fw_str(hello->name), name, sizeof(name)),
	       fw_addr_text(fw_channel_peer(hello->channel), peer), fw_cause_row(cause)->name,
	       fw_cause_row(cause)->text, fw_cause_row(cause)->remedy,
	       fw_quote(fw_str(detail), words, sizeof(words)));
	link_hello_free(&hello);
}

static void hello_expired(void *ctx)
{
	struct link_hello *hello = ctx;

	link_hello_end(hello,
	               hello->name == NULL ? FW_CAUSE_HEADER_TIMEOUT : FW_CAUSE_AUTH_TIMEOUT);
}

static const struct fw_channel_events hello_events = {
	.opened = hello_opened,
	.element = hello_element,
	.closed = hello_closed,
};

static const struct fw_stream_settings hello_settings = {
	.content_ns = FW_NS_COMPONENT,
	.limits = FW_XML_LIMITS_BEFORE_AUTH,
};

void link_hello_start(struct link_room *room, int *fd)
{
	struct fw_loop *loop = room->router->loop;
	struct link_hello *hello = calloc(1, sizeof(*hello));

	if (hello == NULL || fw_timer_new(loop, hello_expired, hello, &hello->timer) != FW_OK ||
	    fw_channel_new(loop, fd, &hello_settings, &hello_events, hello, &hello->channel) !=
	            FW_OK) {
		fw_log(room->router->log, &hello_log, FW_LOG_ERROR, "no memory for a new link");
		link_hello_free(&hello);
		return;
	}
	hello->room = room;
	hello->session = ++room->next_session;
	hello->next = room->hellos;
	hello->prev = &room->hellos;
	if (hello->next != NULL) {
		hello->next->prev = &hello->next;
	}
	room->hellos = hello;
	room->hello_count++;
	fw_timer_start_ms(hello->timer, room->router->config->router.link_handshake_timeout_ms, 0);
}
