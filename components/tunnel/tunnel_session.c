/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The provisioning protocol: hello, snapshot, changes, acknowledgements, beats. One table row per
 * kind of message; kinds and keys that are not known are passed over and noted, so that a newer
 * peer can say more. Connections give it bytes and write what it says.
 */
#include "components/tunnel/tunnel_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBER_TEXT_MAX = 255 };

/* ---- what we say ---- */

/* Sends one line; the text is JSON or a part of it. */
static void say(struct tunnel_session *session, const struct fw_json *line)
{
	char *text = fw_json_dump(line, false);

	if (text == NULL) {
		session->calls->note(session->ctx, "out of memory: a line is not sent");
		return;
	}
	size_t len = strlen(text);
	text[len] = '\n'; /* in the place of its end */
	session->calls->send(session->ctx, fw_str_n(text, len + 1));
	free(text);
}

static struct fw_json *message(const char *type)
{
	struct fw_json *line = fw_json_new();

	fw_json_set(line, "type", fw_str(type));
	return line;
}

void tunnel_session_begin(struct tunnel_session *session, const char *software, const char *host)
{
	struct fw_json *line = message("hello");

	fw_json_set_int(line, "version", TUNNEL_VERSION);
	fw_json_set(line, "role", fw_str(session->role));
	fw_json_set(line, "realm", fw_str(session->realm));
	fw_json_set(line, "epoch", fw_str(session->book->epoch));
	fw_json_set_int(line, "serial", (int64_t)session->book->serial);
	fw_json_set(line, "seen_epoch", fw_str(session->peer->epoch));
	fw_json_set_int(line, "seen_serial", (int64_t)session->peer->serial);
	fw_json_set(line, "software", fw_str(software));
	fw_json_set(line, "host", fw_str(host));
	fw_json_set_int(line, "clock_ms", session->calls->clock_ms(session->ctx));
	say(session, line);
	fw_json_free(&line);
}

/* All values as members, then the ends of object and line. A snapshot has only what there is. */
static char *write_values(const struct tunnel_book *book, char *at, const char *end)
{
	const char *between = "";

	for (size_t i = 0; i < book->count; i++) {
		const struct tunnel_entry *entry = &book->entries[i];
		if (strcmp(entry->value, "null") != 0) {
			at += snprintf(at, (size_t)(end - at), "%s\"%s\":%s", between, entry->key,
			               entry->value);
			between = ",";
		}
	}
	return at + snprintf(at, (size_t)(end - at), "}}\n");
}

/* A line that carries one value or all of them, which are JSON texts already. */
static void say_values(struct tunnel_session *session, const char *head, size_t from, bool named)
{
	const struct tunnel_book *book = session->book;
	size_t size = strlen(head) + 8;
	char *text, *at;

	for (size_t i = from; i < book->count; i++) {
		size += strlen(book->entries[i].key) + strlen(book->entries[i].value) + 24;
	}
	text = at = malloc(size);
	if (text == NULL) {
		session->calls->note(session->ctx, "out of memory: a line is not sent");
		return;
	}
	at += snprintf(at, size, "%s", head);
	if (named) {
		at += snprintf(at, size - (size_t)(at - text), "\"key\":\"%s\",\"value\":%s}\n",
		               book->entries[from].key, book->entries[from].value);
	} else {
		at = write_values(book, at, text + size);
	}
	size_t len = (size_t)(at - text);
	if (len - 1 > session->wire.line_max) {
		session->calls->note(session->ctx,
		                     "what is to be told is longer than line_max_bytes: not sent");
	} else {
		session->calls->send(session->ctx, fw_str_n(text, len));
	}
	free(text);
}

static void say_snapshot(struct tunnel_session *session)
{
	char head[160];

	snprintf(head, sizeof(head),
	         "{\"type\":\"snapshot\",\"epoch\":\"%s\",\"serial\":%llu,\"values\":{",
	         session->book->epoch, (unsigned long long)session->book->serial);
	say_values(session, head, 0, false);
	session->told = session->book->serial;
}

void tunnel_session_tell(struct tunnel_session *session)
{
	const struct tunnel_book *book = session->book;
	char head[80];

	if (!session->ready) {
		return; /* the hello decides what the peer has to be told */
	}
	for (size_t i = 0; i < book->count; i++) {
		if (book->entries[i].serial > session->told) {
			snprintf(head, sizeof(head), "{\"type\":\"change\",\"serial\":%llu,",
			         (unsigned long long)book->entries[i].serial);
			say_values(session, head, i, true);
		}
	}
	session->told = book->serial;
}

void tunnel_session_beat(struct tunnel_session *session)
{
	struct fw_json *line = message("beat");

	fw_json_set_int(line, "clock_ms", session->calls->clock_ms(session->ctx));
	say(session, line);
	fw_json_free(&line);
}

void tunnel_session_refuse(struct tunnel_session *session, const char *text)
{
	struct fw_json *line = message("error");

	fw_json_set(line, "text", fw_str(text));
	say(session, line);
	fw_json_free(&line);
}

static void acknowledge(struct tunnel_session *session)
{
	struct fw_json *line = message("ack");

	fw_json_set_int(line, "serial", (int64_t)session->peer->serial);
	say(session, line);
	fw_json_free(&line);
}

/* ---- what the peer says ---- */

/* A member that must be a whole number of 0 or more. */
static int get_serial(const struct fw_json *line, const char *name, uint64_t *out,
                      struct fw_error *err)
{
	const struct fw_json *member = fw_json_get(line, name);
	int64_t number = fw_json_int(member);

	if (fw_json_type(member) != FW_JSON_NUMBER || number < 0) {
		return fw_error_set(err, FW_EPARSE, "%s is missing or no serial", name);
	}
	*out = (uint64_t)number;
	return FW_OK;
}

/* A member that must be a short text. */
static int get_text(const struct fw_json *line, const char *name, char *out, size_t size,
                    struct fw_error *err)
{
	struct fw_str text = fw_json_text(fw_json_get(line, name));

	if (text.ptr == NULL || text.len >= size || memchr(text.ptr, '\0', text.len) != NULL) {
		return fw_error_set(err, FW_EPARSE, "%s is missing, or longer than %zu bytes", name,
		                    size - 1);
	}
	memcpy(out, text.ptr, text.len);
	out[text.len] = '\0';
	return FW_OK;
}

static void take_clock(struct tunnel_session *session, const struct fw_json *line)
{
	int64_t clock = fw_json_int(fw_json_get(line, "clock_ms"));
	int64_t now = session->calls->clock_ms(session->ctx);

	if (clock > 0 && clock < INT64_MAX / 2) {
		session->skew_ms = clock - now;
	}
}

static int hello_check(const struct tunnel_session *session, const struct fw_json *line,
                       struct fw_error *err)
{
	int64_t version = fw_json_int(fw_json_get(line, "version"));
	struct fw_str role = fw_json_text(fw_json_get(line, "role"));
	struct fw_str realm = fw_json_text(fw_json_get(line, "realm"));
	char quoted[MEMBER_TEXT_MAX + 1];

	if (version != TUNNEL_VERSION) {
		return fw_error_set(
		        err, FW_EABI,
		        "version %lld of the protocol is not understood here, only %d: update the "
		        "older of the two nodes",
		        (long long)version, TUNNEL_VERSION);
	}
	if (!fw_str_is(role, strcmp(session->role, "edge") == 0 ? "core" : "edge")) {
		return fw_error_set(err, FW_EDENIED, "the other side has the role %s, as this one",
		                    fw_quote(role, quoted, sizeof(quoted)));
	}
	if (!fw_str_is(realm, session->peer_realm)) {
		return fw_error_set(err, FW_EDENIED, "the other side is realm %s, not %s",
		                    fw_quote(realm, quoted, sizeof(quoted)), session->peer_realm);
	}
	return FW_OK;
}

static int take_hello(struct tunnel_session *session, const struct fw_json *line,
                      struct fw_error *err)
{
	char seen_epoch[TUNNEL_EPOCH_SIZE];
	uint64_t seen_serial = 0;

	if (session->ready) {
		return fw_error_set(err, FW_EPARSE, "a second hello");
	}
	int ret = hello_check(session, line, err);
	if (ret == FW_OK) {
		ret = get_text(line, "epoch", session->peer_epoch, sizeof(session->peer_epoch),
		               err);
	}
	if (ret == FW_OK) {
		ret = get_text(line, "seen_epoch", seen_epoch, sizeof(seen_epoch), err);
	}
	if (ret == FW_OK) {
		ret = get_serial(line, "seen_serial", &seen_serial, err);
	}
	if (ret != FW_OK) {
		return ret;
	}
	if (get_text(line, "software", session->software, sizeof(session->software), NULL) !=
	            FW_OK ||
	    get_text(line, "host", session->host, sizeof(session->host), NULL) != FW_OK) {
		session->calls->note(session->ctx, "the hello does not name software and host");
	}
	take_clock(session, line);
	session->ready = true;
	session->calls->ready(session->ctx);
	if (strcmp(seen_epoch, session->book->epoch) == 0 && seen_serial <= session->book->serial) {
		session->told = session->acknowledged = seen_serial;
		tunnel_session_tell(session);
	} else {
		say_snapshot(session);
	}
	return FW_OK;
}

/* A key that is not known is kept, so that it need not be told again once it is; nobody uses it. */
static void note_key(struct tunnel_session *session, const char *key)
{
	static const char *const keys[] = { "federation", "components", "domains",
		                            "allow",      "deny",       "static_routes" };
	char quoted[80], text[160];

	for (size_t i = 0; i < FW_COUNT(keys); i++) {
		if (strcmp(key, keys[i]) == 0) {
			return;
		}
	}
	snprintf(text, sizeof(text), "not used: the key %s, which is not known here",
	         fw_quote(fw_str(key), quoted, sizeof(quoted)));
	session->calls->note(session->ctx, text);
}

static int take_snapshot(struct tunnel_session *session, const struct fw_json *line,
                         struct fw_error *err)
{
	const struct fw_json *values = fw_json_get(line, "values");
	uint64_t serial = 0;
	int ret = get_serial(line, "serial", &serial, err);

	if (ret != FW_OK) {
		return ret;
	}
	if (fw_json_type(values) != FW_JSON_OBJECT) {
		return fw_error_set(err, FW_EPARSE, "a snapshot without values");
	}
	if (!fw_str_is(fw_json_text(fw_json_get(line, "epoch")), session->peer_epoch)) {
		return fw_error_set(err, FW_EPARSE, "a snapshot of another epoch than the hello's");
	}
	tunnel_peer_clear(session->peer);
	session->peer->epoch[0] = '\0'; /* until all of it is here */
	for (size_t i = 0; i < fw_json_count(values); i++) {
		ret = tunnel_peer_set(session->peer, fw_json_key_at(values, i),
		                      fw_json_at(values, i));
		if (ret != FW_OK) {
			return fw_error_set(err, ret, "a snapshot cannot be kept: %s",
			                    fw_strerror(ret));
		}
		note_key(session, fw_json_key_at(values, i));
	}
	memcpy(session->peer->epoch, session->peer_epoch, sizeof(session->peer_epoch));
	session->peer->serial = serial;
	session->calls->learned(session->ctx);
	acknowledge(session);
	return FW_OK;
}

static int take_change(struct tunnel_session *session, const struct fw_json *line,
                       struct fw_error *err)
{
	char key[MEMBER_TEXT_MAX + 1];
	uint64_t serial = 0;
	int ret = get_serial(line, "serial", &serial, err);

	if (ret == FW_OK) {
		ret = get_text(line, "key", key, sizeof(key), err);
	}
	if (ret != FW_OK) {
		return ret;
	}
	if (strcmp(session->peer->epoch, session->peer_epoch) != 0) {
		return fw_error_set(err, FW_EPARSE, "a change of an epoch without its snapshot");
	}
	if (serial <= session->peer->serial) {
		return fw_error_set(err, FW_EPARSE, "serial %llu after %llu",
		                    (unsigned long long)serial,
		                    (unsigned long long)session->peer->serial);
	}
	ret = tunnel_peer_set(session->peer, key, fw_json_get(line, "value"));
	if (ret != FW_OK) {
		return fw_error_set(err, ret, "a change cannot be kept: %s", fw_strerror(ret));
	}
	note_key(session, key);
	session->peer->serial = serial;
	session->calls->learned(session->ctx);
	acknowledge(session);
	return FW_OK;
}

static int take_ack(struct tunnel_session *session, const struct fw_json *line,
                    struct fw_error *err)
{
	uint64_t serial = 0;
	int ret = get_serial(line, "serial", &serial, err);

	if (ret == FW_OK && (serial > session->told || serial < session->acknowledged)) {
		ret = fw_error_set(err, FW_EPARSE, "an acknowledgement of %llu, when %llu was told",
		                   (unsigned long long)serial, (unsigned long long)session->told);
	}
	if (ret == FW_OK) {
		session->acknowledged = serial;
	}
	return ret;
}

static int take_beat(struct tunnel_session *session, const struct fw_json *line,
                     struct fw_error *err)
{
	(void)err;
	take_clock(session, line);
	return FW_OK;
}

static int take_error(struct tunnel_session *session, const struct fw_json *line,
                      struct fw_error *err)
{
	char quoted[200];

	(void)session;
	fw_quote(fw_json_text(fw_json_get(line, "text")), quoted, sizeof(quoted));
	return fw_error_set(err, FW_ECLOSED, "the other side ends it: %s", quoted);
}

static const struct {
	const char *type;
	bool before_hello;
	int (*take)(struct tunnel_session *, const struct fw_json *, struct fw_error *);
} kinds[] = {
	{ "hello", true, take_hello },    { "snapshot", false, take_snapshot },
	{ "change", false, take_change }, { "ack", false, take_ack },
	{ "beat", false, take_beat },     { "error", true, take_error },
};

static int take_line(struct tunnel_session *session, const struct fw_json *line,
                     struct fw_error *err)
{
	struct fw_str type = fw_json_text(fw_json_get(line, "type"));
	char quoted[80], text[160];

	for (size_t i = 0; i < FW_COUNT(kinds); i++) {
		if (!fw_str_is(type, kinds[i].type)) {
			continue;
		}
		if (!session->ready && !kinds[i].before_hello) {
			return fw_error_set(err, FW_EPARSE, "a %s before the hello", kinds[i].type);
		}
		return kinds[i].take(session, line, err);
	}
	if (!session->ready) {
		return fw_error_set(err, FW_EPARSE, "something else before the hello");
	}
	snprintf(text, sizeof(text), "passed over: a message of type %s",
	         fw_quote(type, quoted, sizeof(quoted)));
	session->calls->note(session->ctx, text);
	return FW_OK;
}

int tunnel_session_feed(struct tunnel_session *session, struct fw_str bytes, struct fw_error *err)
{
	int ret = tunnel_wire_add(&session->wire, bytes);

	if (ret != FW_OK) {
		return fw_error_set(err, ret, "a line is longer than %zu bytes",
		                    session->wire.line_max);
	}
	while (ret == FW_OK) {
		struct fw_json *line = NULL;
		ret = tunnel_wire_next(&session->wire, &line, err);
		if (ret == FW_OK) {
			ret = take_line(session, line, err);
			fw_json_free(&line);
		}
	}
	return ret == FW_EAGAIN ? FW_OK : ret;
}

void tunnel_session_clear(struct tunnel_session *session)
{
	tunnel_wire_clear(&session->wire);
	session->ready = false;
}
