/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Makes the stanzas of the benches and reads their sequence numbers back. Used by bench_link and
 * bench_expat.
 */
#include "tests/bench/bench_stanza.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BENCH_ID "00000000"

static const char presence_payload[] =
        "<show>away</show><status>Back at ten past two</status><priority>5</priority>"
        "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' "
        "node='https://client.example/caps' "
        "ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>"
        "<x xmlns='vcard-temp:x:update'><photo>sha1-hash-of-the-image-of-juliet-001</photo></x>"
        "<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='member' "
        "role='participant'><actor nick='nurse'/><reason>first floor</reason></item>"
        "<status code='110'/></x><delay xmlns='urn:xmpp:delay' stamp='2026-01-02T03:04:05Z'/>";

/* Returns the bytes of a text that fills the stanza up to its size. */
static char *padding(size_t have, size_t size)
{
	static const char words[] = "But soft what light through yonder window breaks ";
	size_t len = size > have ? size - have : 1;
	char *text = malloc(len + 1);

	if (text != NULL) {
		for (size_t i = 0; i < len; i++) {
			text[i] = words[i % (sizeof(words) - 1)];
		}
		text[len] = '\0';
	}
	return text;
}

static const char presence_form[] =
        "<presence id='" BENCH_ID "' from='juliet@%s/%s' to='romeo@%s/orchard'>%s</presence>";
static const char short_form[] =
        "<message id='" BENCH_ID "' from='j@%s' to='r@%s'><body>%s</body></message>";
static const char chat_form[] =
        "<message id='" BENCH_ID "' from='juliet@%s/balcony' to='romeo@%s/orchard' type='chat'>"
        "<body>%s</body><active xmlns='http://jabber.org/protocol/chatstates'/>"
        "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/></message>";

/* As long as the chat message, with a prefix: no short cut may judge it, so it shows the parser's
 * path. */
static const char prefix_form[] =
        "<message id='" BENCH_ID "' from='juliet@%s/balcony' to='romeo@%s/orchard' type='chat'>"
        "<body>%s</body><p:active xmlns:p='http://jabber.org/protocol/chatstates'/>"
        "<request xmlns='urn:xmpp:receipts'/></message>";

static int print_stanza(char *out, size_t room, size_t size, const char *from, const char *to,
                        const char *text)
{
	if (size == 700) {
		return snprintf(out, room, presence_form, from, text, to, presence_payload);
	}
	if (size == 301) {
		return snprintf(out, room, prefix_form, from, to, text);
	}
	return snprintf(out, room, size < 200 ? short_form : chat_form, from, to, text);
}

int bench_stanza_make(struct bench_stanza *stanza, size_t size, const char *from, const char *to)
{
	int bare = print_stanza(NULL, 0, size, from, to, "");
	char *text = padding((size_t)bare, size);
	size_t room = (size_t)bare + (text == NULL ? 0 : strlen(text)) + 1;
	char *bytes = malloc(room);

	if (text == NULL || bytes == NULL) {
		free(text);
		free(bytes);
		return -1;
	}
	stanza->len = (size_t)print_stanza(bytes, room, size, from, to, text);
	free(text);
	stanza->bytes = bytes;
	stanza->digits_at = (size_t)(strstr(bytes, BENCH_ID) - bytes);
	stanza->payload_at = (size_t)(strchr(bytes, '>') - bytes) + 1;
	stanza->end = size == 700 ? "</presence>" : "</message>";
	stanza->end_len = strlen(stanza->end);
	return 0;
}

void bench_stanza_free(struct bench_stanza *stanza)
{
	free(stanza->bytes);
	stanza->bytes = NULL;
}

void bench_stanza_number(char *bytes, const struct bench_stanza *stanza, uint32_t number)
{
	char *digits = bytes + stanza->digits_at;

	for (int i = BENCH_DIGITS - 1; i >= 0; i--) {
		digits[i] = (char)('0' + number % 10);
		number /= 10;
	}
}

int64_t bench_stanza_read_number(const char *bytes, size_t len)
{
	int64_t number = 0;

	for (size_t i = 0; i + 5 + BENCH_DIGITS < len && bytes[i] != '>'; i++) {
		if (memcmp(bytes + i, " id=", 4) != 0) {
			continue;
		}
		for (size_t d = 0; d < BENCH_DIGITS; d++) {
			char c = bytes[i + 5 + d];
			if (c < '0' || c > '9') {
				return -1;
			}
			number = number * 10 + (c - '0');
		}
		return number;
	}
	return -1;
}
