/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What this node tells its peers: keys with values, each with the serial of its last change. The epoch names the
 * book: serials of another epoch mean nothing here.
 */
#ifndef COMPONENTS_TUNNEL_TUNNEL_BOOK_H
#define COMPONENTS_TUNNEL_TUNNEL_BOOK_H

#include <fedway/json.h>

enum { TUNNEL_EPOCH_SIZE = 33 };

struct tunnel_entry {
	char *key;
	char *value; /* JSON text; "null": taken back */
	uint64_t serial;
};

struct tunnel_book {
	char epoch[TUNNEL_EPOCH_SIZE];
	uint64_t serial; /* of the last change; 0: none yet */
	struct tunnel_entry *entries; /* by serial, the newest last */
	size_t count;
};

/** Empty, with a new epoch. NULL when out of memory. [g] */
struct tunnel_book *tunnel_book_new(void);
void tunnel_book_free(struct tunnel_book **book);
/**
 * Sets a value; the same again changes nothing. @param value  NULL takes it back
 * @return true when it has changed
 */
bool tunnel_book_set(struct tunnel_book *book, const char *key, const struct fw_json *value);

#endif
