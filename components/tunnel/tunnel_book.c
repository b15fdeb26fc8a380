/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The book of what we tell. tunnel_facts.c writes it, sessions read it.
 */
#include "components/tunnel/tunnel_book.h"

#include <stdlib.h>
#include <string.h>

#include <fedway/io/crypto.h>

struct tunnel_book *tunnel_book_new(void)
{
	struct tunnel_book *book = calloc(1, sizeof(*book));
	unsigned char bytes[(TUNNEL_EPOCH_SIZE - 1) / 2];

	if (book == NULL) {
		return NULL;
	}
	fw_random(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		book->epoch[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		book->epoch[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	return book;
}

void tunnel_book_free(struct tunnel_book **book)
{
	struct tunnel_book *dead = *book;

	*book = NULL;
	if (dead == NULL) {
		return;
	}
	for (size_t i = 0; i < dead->count; i++) {
		free(dead->entries[i].key);
		free(dead->entries[i].value);
	}
	free(dead->entries);
	free(dead);
}

/* The entry, moved to the end; a new one when there is none. NULL when out of memory. */
static struct tunnel_entry *entry_last(struct tunnel_book *book, const char *key)
{
	size_t at = 0;

	while (at < book->count && strcmp(book->entries[at].key, key) != 0) {
		at++;
	}
	if (at == book->count) {
		char *copy = fw_str_dup(fw_str(key));
		struct tunnel_entry *more =
		        realloc(book->entries, (book->count + 1) * sizeof(struct tunnel_entry));
		if (more != NULL) {
			book->entries = more;
		}
		if (copy == NULL || more == NULL) {
			free(copy);
			return NULL;
		}
		book->entries[book->count++] = (struct tunnel_entry){ copy, NULL, 0 };
		return &book->entries[book->count - 1];
	}
	struct tunnel_entry found = book->entries[at];
	memmove(&book->entries[at], &book->entries[at + 1],
	        (book->count - at - 1) * sizeof(struct tunnel_entry));
	book->entries[book->count - 1] = found;
	return &book->entries[book->count - 1];
}

static const char *value_now(const struct tunnel_book *book, const char *key)
{
	for (size_t i = 0; i < book->count; i++) {
		if (strcmp(book->entries[i].key, key) == 0) {
			return book->entries[i].value;
		}
	}
	return "null";
}

bool tunnel_book_set(struct tunnel_book *book, const char *key, const struct fw_json *value)
{
	char *text = value != NULL ? fw_json_dump(value, false) : fw_str_dup(fw_str("null"));

	if (text == NULL || strcmp(value_now(book, key), text) == 0) {
		free(text);
		return false;
	}
	struct tunnel_entry *entry = entry_last(book, key);
	if (entry == NULL) {
		free(text);
		return false;
	}
	free(entry->value);
	entry->value = text;
	entry->serial = ++book->serial;
	return true;
}
