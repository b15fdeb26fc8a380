/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the bench's server says: headers, STARTTLS, dialback in all three roles; stanzas are
 * counted. It looks for known tags in the bytes and drops what is in between.
 */
#include "tests/bench/bench_peer_talk.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/bench_stanza.h"

#define HEAD \
	"<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' " \
	"xmlns:stream='http://etherx.jabber.org/streams' version='1.0' "
#define TLS_NS "urn:ietf:params:xml:ns:xmpp-tls"

static void say(struct peer_conn *conn, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	int len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	peer_send(conn, text, (size_t)len);
}

/* Value of an attribute in a tag, whatever its quotes. */
static void attribute(const char *tag, size_t len, const char *name, char *out, size_t size)
{
	char wanted[32];
	int name_len = snprintf(wanted, sizeof(wanted), " %s=", name);
	const char *at = memmem(tag, len, wanted, (size_t)name_len);

	out[0] = '\0';
	if (at == NULL || at + name_len >= tag + len) {
		return;
	}
	const char *value = at + name_len + 1;
	const char *end = memchr(value, at[name_len], (size_t)(tag + len - value));
	if (end != NULL) {
		snprintf(out, size, "%.*s", (int)(end - value), value);
	}
}

void talk_open(struct peer_conn *conn)
{
	say(conn, HEAD "from='%s' to='%s'>", conn->domain, conn->peer->target);
}

/* ---- one tag after the other ---- */

/* Answers a header of the subject's. */
static void hear_header(struct peer_conn *conn, const char *tag, size_t len)
{
	char from[128], to[128];

	if (conn->kind != PEER_ACCEPTED) {
		return;
	}
	attribute(tag, len, "from", from, sizeof(from));
	attribute(tag, len, "to", to, sizeof(to));
	say(conn, HEAD "from='%s' to='%s' id='bench%p'>", to, from, (void *)conn);
	if (conn->ssl == NULL) {
		say(conn, "<stream:features><starttls xmlns='" TLS_NS
		          "'><required/></starttls></stream:features>");
	} else {
		say(conn, "<stream:features><dialback xmlns='urn:xmpp:features:dialback'>"
		          "<errors/></dialback></stream:features>");
	}
}

static void hear_features(struct peer_conn *conn)
{
	if (conn->kind != PEER_DIALLED) {
		return;
	}
	if (conn->ssl == NULL) {
		say(conn, "<starttls xmlns='" TLS_NS "'/>");
	} else {
		say(conn, "<db:result from='%s' to='%s'>bench-key</db:result>", conn->domain,
		    conn->peer->target);
	}
}

/* A result or verify: an answer to ours, or a question that is always answered with valid. */
static int hear_dialback(struct peer_conn *conn, const char *tag, size_t len)
{
	char from[128], to[128], id[128], type[32];
	bool verify = strncmp(tag, "<db:verify", 10) == 0;

	attribute(tag, len, "from", from, sizeof(from));
	attribute(tag, len, "to", to, sizeof(to));
	attribute(tag, len, "id", id, sizeof(id));
	attribute(tag, len, "type", type, sizeof(type));
	if (verify) {
		say(conn, "<db:verify from='%s' to='%s' id='%s' type='valid'/>", to, from, id);
	} else if (type[0] == '\0') {
		say(conn, "<db:result from='%s' to='%s' type='valid'/>", to, from);
	} else if (strcmp(type, "valid") != 0) {
		fprintf(stderr, "bench: the subject answered %.*s\n", (int)len, tag);
		return -1;
	} else if (!conn->up) {
		conn->up = true;
		conn->peer->ups++;
	}
	return 0;
}

static int hear_tag(struct peer_conn *conn, const char *tag, size_t len)
{
	if (strncmp(tag, "<stream:stream", 14) == 0) {
		hear_header(conn, tag, len);
	} else if (strncmp(tag, "</stream:features", 17) == 0) {
		hear_features(conn);
	} else if (strncmp(tag, "<starttls", 9) == 0 && conn->kind == PEER_ACCEPTED) {
		say(conn, "<proceed xmlns='" TLS_NS "'/>");
		return 1;
	} else if (strncmp(tag, "<proceed", 8) == 0) {
		return 1;
	} else if (strncmp(tag, "<db:", 4) == 0) {
		return hear_dialback(conn, tag, len);
	} else if (strncmp(tag, "<stream:error", 13) == 0) {
		return -1;
	}
	return 0;
}

/* ---- stanzas ---- */

static void hear_stanza(struct peer *peer, const char *bytes, size_t len)
{
	int64_t number = bench_stanza_read_number(bytes, len);

	if (number != peer->last_number + 1) {
		peer->disorder = true;
	}
	peer->last_number = number;
	peer->stanzas++;
}

/* What is in the input before `at` was heard. */
static void forget(struct peer_conn *conn, size_t at)
{
	memmove(conn->in, conn->in + at, conn->in_len - at);
	conn->in_len -= at;
}

/* @return bytes of a whole stanza at `at`; 0: it is not whole */
static size_t stanza_len(const struct peer_conn *conn, size_t at)
{
	size_t end_len = strlen(conn->peer->end_tag);
	const char *end = memmem(conn->in + at, conn->in_len - at, conn->peer->end_tag, end_len);

	return end != NULL ? (size_t)(end - (conn->in + at)) + end_len : 0;
}

int talk_hear(struct peer_conn *conn)
{
	size_t at = 0;

	while (at < conn->in_len) {
		const char *tag = memchr(conn->in + at, '<', conn->in_len - at);
		if (tag == NULL) {
			at = conn->in_len;
			break;
		}
		at = (size_t)(tag - conn->in);
		if (strncmp(tag, "<message", 8) == 0) {
			size_t len = stanza_len(conn, at);
			if (len == 0) {
				break;
			}
			hear_stanza(conn->peer, tag, len);
			at += len;
			continue;
		}
		const char *end = memchr(tag, '>', conn->in_len - at);
		if (end == NULL) {
			break;
		}
		size_t len = (size_t)(end - tag) + 1;
		int ret = hear_tag(conn, tag, len);
		if (ret < 0) {
			return -1;
		}
		at += len;
		if (ret > 0) {
			forget(conn, conn->in_len);
			peer_start_tls(conn);
			return 0;
		}
	}
	forget(conn, at);
	return 0;
}
