/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The time before a link is trusted. Its header tells the dialect: without version the XEP-0114 §3
 * handshake follows, with version 1.0 features, TLS and SASL (link_offer.c, link_sasl.c). Small
 * limits, one timer over all of it, and no component yet. Afterwards the channel goes to link.c and
 * what was needed here is freed.
 */
#include "router/link_hello.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/jid.h>

#include "router/fabric_link.h"
#include "router/link_bind.h"
#include "router/link_tls.h"

static struct fw_logger hello_log = FW_LOGGER("router.link");

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
	fw_scram_server_free(&old->scram);
	free(old->name);
	free(old->proved);
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

void link_hello_refuse(struct link_hello *hello, enum fw_cause cause, const char *words)
{
	if (words != hello->words) {
		snprintf(hello->words, sizeof(hello->words), "%s", words);
	}
	link_hello_end(hello, cause);
}

/* ---- headers ---- */

static void hello_send_header(struct link_hello *hello, struct fw_str to, struct fw_str from)
{
	fw_random_id(hello->id);
	fw_channel_open(hello->channel, to, from, fw_str(hello->id), hello->negotiates);
}

static bool hello_keep_name(struct link_hello *hello, struct fw_str name)
{
	char *copy = fw_str_dup(name);

	free(hello->name);
	hello->name = copy;
	if (copy == NULL) {
		link_hello_end(hello, FW_CAUSE_RESOURCES);
	}
	return copy != NULL;
}

/* XEP-0114 §3: `to` is the component. */
static void hello_opened_0114(struct link_hello *hello, struct fw_str to)
{
	struct link_name *name = link_names_find(hello->room->names, to);
	const char *words = "";
	enum fw_cause cause = FW_CAUSE_HOST_UNKNOWN;

	if (!hello_keep_name(hello, to)) {
		return;
	}
	/* Our header comes first, even when all that follows is an error: RFC 6120 §4.9.1.2. */
	hello_send_header(hello, fw_str(NULL), name != NULL ? to : fw_str(NULL));
	if (name != NULL) {
		cause = link_offer_objection(hello, name, &words);
	}
	if (cause != FW_CAUSE_NONE) {
		link_hello_refuse(hello, cause, words);
	}
}

/* `from` is who it is and `to` our realm; as in XEP-0114, `to` alone may be who it is. */
static struct fw_str hello_who(const struct link_hello *hello,
                               const struct fw_stream_header *header)
{
	bool realm = fw_domain_eq(header->to, fw_str(hello->room->router->realm));

	return header->from.len > 0 ? header->from : realm ? fw_str("") : header->to;
}

static bool hello_is_ours(const struct link_hello *hello, struct fw_str to, struct fw_str who)
{
	return to.len == 0 || fw_str_eq(to, who) || fw_domain_eq(to, who) ||
	       fw_domain_eq(to, fw_str(hello->room->router->realm));
}

/* With the restart after SASL the link begins; its first element decides how. */
static void hello_hand_over(struct link_hello *hello)
{
	struct link_name *name = link_names_find(hello->room->names, fw_str(hello->proved));
	enum fw_cause cause = FW_CAUSE_HOST_UNKNOWN;
	int ret = FW_ENOENT;

	if (name != NULL && name->peer != NULL) {
		struct fabric_peer *peer =
		        fabric_find(hello->room->router, fw_str(name->peer->realm));
		ret = peer != NULL
		              ? fabric_link_attach(hello->room, peer, hello->session,
		                                   hello->mechanism, false, &hello->channel, &cause)
		              : FW_ENOENT;
	} else if (name != NULL) {
		ret = link_bind_attach(hello->room, name, hello->session, hello->mechanism,
		                       &hello->channel, &cause);
	}
	if (ret != FW_OK) {
		link_hello_end(hello, cause);
		return;
	}
	link_hello_free(&hello);
}

static void hello_opened_negotiating(struct link_hello *hello,
                                     const struct fw_stream_header *header)
{
	struct fw_str who = hello_who(hello, header);
	const struct link_name *name;

	if (!hello_keep_name(hello, who)) {
		return;
	}
	hello_send_header(hello, who.len > 0 ? who : fw_str(NULL),
	                  fw_str(hello->room->router->realm));
	name = link_names_find(hello->room->names, who);
	if (!hello_is_ours(hello, header->to, who)) {
		link_hello_refuse(hello, FW_CAUSE_HOST_UNKNOWN,
		                  "the header's to is neither our realm nor its from");
		return;
	}
	if (hello->proved != NULL && who.len > 0 &&
	    (name == NULL || strcmp(name->key, hello->proved) != 0)) {
		link_hello_refuse(hello, FW_CAUSE_INVALID_FROM, /* RFC 6120 §6.4.6 */
		                  "the header's from is not who has proved itself");
		return;
	}
	link_offer_send(hello);
	if (hello->proved != NULL) {
		hello_hand_over(hello);
	} else if (link_offer_wants_tls(hello) && !hello->starttls) {
		link_hello_refuse(hello, FW_CAUSE_TLS_REQUIRED,
		                  "link_security wants TLS, and there is no link_certificate_file");
	}
}

static void hello_opened(void *ctx, const struct fw_stream_header *header)
{
	struct link_hello *hello = ctx;

	if (hello->header || (hello->negotiates && !header->has_version)) {
		link_hello_refuse(hello, FW_CAUSE_UNEXPECTED, "header");
		return;
	}
	hello->header = true;
	hello->negotiates = header->has_version;
	if (hello->negotiates) {
		hello_opened_negotiating(hello, header);
	} else {
		hello_opened_0114(hello, header->to);
	}
}

static void hello_secured(void *ctx)
{
	struct link_hello *hello = ctx;

	hello->header = false; /* the stream begins anew: RFC 6120 §5.4.3.3 */
	hello->starttls = false;
}

void link_hello_proved(struct link_hello *hello, const char *key)
{
	hello->proved = fw_str_dup(fw_str(key));
	if (hello->proved == NULL) {
		link_hello_end(hello, FW_CAUSE_RESOURCES);
		return;
	}
	hello->header = false;
	fw_channel_restart(hello->channel); /* RFC 6120 §6.3.2 */
}

/* ---- XEP-0114 ---- */

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
static void hello_handshake(struct link_hello *hello, struct fw_stanza *stanza)
{
	struct link_name *name = link_names_find(hello->room->names, fw_str(hello->name));
	const char *words = "";
	enum fw_cause cause = FW_CAUSE_HOST_UNKNOWN;

	if (name != NULL) {
		cause = link_offer_objection(hello, name, &words);
	}
	if (cause == FW_CAUSE_NONE && !secret_is_right(hello, name, stanza)) {
		cause = FW_CAUSE_NOT_AUTHORIZED;
	}
	if (cause != FW_CAUSE_NONE) {
		link_hello_refuse(hello, cause, words);
		return;
	}
	if (link_add(hello->room, name, hello->session, &hello->channel, &cause) != FW_OK) {
		link_hello_end(hello, cause);
		return;
	}
	link_hello_free(&hello);
}

/* ---- elements ---- */

static bool hello_is_starttls(const struct fw_stanza *stanza)
{
	return fw_str_is(fw_stanza_name(stanza), "starttls") &&
	       fw_str_is(fw_stanza_ns(stanza), FW_NS_TLS);
}

/* Components of XEP-0114 that say a version all the same were always taken at their handshake. */
static void hello_element(void *ctx, struct fw_stanza **stanza)
{
	struct link_hello *hello = ctx;

	if (fw_channel_closing(hello->channel) || link_is_stream_error(*stanza)) {
		return;
	}
	if (hello->proved == NULL && hello->mechanism == NULL && link_is_handshake(*stanza)) {
		hello_handshake(hello, *stanza);
	} else if (!hello->negotiates) {
		link_hello_end(hello, FW_CAUSE_NOT_AUTHORIZED);
	} else if (hello_is_starttls(*stanza) && hello->mechanism == NULL) {
		link_offer_start_tls(hello);
	} else if (fw_sasl_kind(*stanza) != FW_SASL_NONE && hello->proved == NULL) {
		link_sasl_take(hello, *stanza);
	} else {
		link_hello_end(hello, FW_CAUSE_NOT_AUTHORIZED); /* RFC 6120 §4.9.3.12 */
	}
}

static void hello_closed(void *ctx, enum fw_cause cause, const char *detail)
{
	struct link_hello *hello = ctx;
	char peer[FW_ADDR_TEXT_SIZE], name[128], words[128];
	/* Ports are probed all day: only what an operator can act on is more than debug. */
	bool wrong = cause == FW_CAUSE_NOT_AUTHORIZED || cause == FW_CAUSE_HOST_UNKNOWN ||
	             cause == FW_CAUSE_CONFLICT || cause == FW_CAUSE_INVALID_NAMESPACE ||
	             cause == FW_CAUSE_TLS_REQUIRED || cause == FW_CAUSE_NO_AUTH_METHOD;

	fw_log(hello->room->router->log, &hello_log, wrong ? FW_LOG_WARNING : FW_LOG_INFO,
	       "link refused session=%u name=%s peer=%s cause=%s text=\"%s\" remedy=\"%s\" "
	       "detail=%s",
	       hello->session, fw_quote(fw_str(hello->name), name, sizeof(name)),
	       fw_addr_text(fw_channel_peer(hello->channel), peer), fw_cause_row(cause)->name,
	       fw_cause_row(cause)->text, fw_cause_row(cause)->remedy,
	       fw_quote(fw_str(detail[0] != '\0' ? detail : hello->words), words, sizeof(words)));
	link_hello_free(&hello);
}

static void hello_expired(void *ctx)
{
	struct link_hello *hello = ctx;

	link_hello_end(hello, !hello->header && hello->name == NULL ? FW_CAUSE_HEADER_TIMEOUT
	                                                            : FW_CAUSE_AUTH_TIMEOUT);
}

bool link_hello_make_room(struct link_room *room, const struct fw_addr *newcomer)
{
	struct link_hello *oldest = NULL;
	struct fw_network network, other;
	size_t same = 0;

	fw_addr_network(newcomer, &network);
	for (struct link_hello *hello = room->hellos; hello != NULL; hello = hello->next) {
		fw_addr_network(fw_channel_peer(hello->channel), &other);
		same += fw_network_eq(&other, &network);
		oldest = hello; /* they stand with the newest first */
	}
	if (oldest == NULL || 2 * same >= room->hello_count) {
		return false;
	}
	link_hello_free(&oldest);
	return true;
}

static const struct fw_channel_events hello_events = {
	.opened = hello_opened,
	.element = hello_element,
	.secured = hello_secured,
	.closed = hello_closed,
};

static const struct fw_stream_settings hello_settings = {
	.content_ns = FW_NS_COMPONENT,
	.limits = FW_XML_LIMITS_BEFORE_AUTH,
};

void link_hello_start(struct link_room *room, int xep_0114, int *fd)
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
	hello->xep_0114 = xep_0114;
	hello->session = ++room->next_session;
	hello->next = room->hellos;
	hello->prev = &room->hellos;
	if (hello->next != NULL) {
		hello->next->prev = &hello->next;
	}
	room->hellos = hello;
	room->hello_count++;
	fw_timer_start_ms(hello->timer, room->router->config->router.link_handshake_timeout_ms, 0);
	if (link_tls_accepts(room->tls) &&
	    room->router->config->router.link_security != CONFIG_LINK_NO_TLS) {
		fw_channel_sniff_tls(hello->channel, link_tls_context(room->tls)); /* XEP-0368 */
	}
}
