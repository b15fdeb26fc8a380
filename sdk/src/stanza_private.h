/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a stanza is inside the SDK: seen by the files that make, write and queue stanzas, and by nobody else.
 */
#ifndef FEDWAY_SRC_STANZA_PRIVATE_H
#define FEDWAY_SRC_STANZA_PRIVATE_H

#include <fedway/stanza.h>

#include "sdk/src/chunk.h"

struct tree; /* element_private.h */

/* Room for the usual envelope; larger ones go to the heap. */
#define STANZA_ROOM 224u

struct fw_stanza {
	struct fw_stanza *next;      /* in the one queue it waits in */
	/* bytes: NULL when there is only a tree */
	struct chunk *chunk;
	const char *bytes;
	uint32_t size;
	uint32_t name_size;          /* of "<name" in bytes: where declarations are injected */
	uint32_t cut_at, cut_size;   /* an xmlns attribute of the root that is not written */
	struct fw_str inject;        /* text to write behind the name */
	/* the envelope */
	uint8_t kind;
	bool bounce, text, borrowed; /* text: queued by fw_stream_send_text; borrowed: chunk is shared */
	struct fw_str name, ns, type, id, from, to;
	struct fw_str from_domain, to_domain;
	/* where it stands */
	struct fw_ledger *ledger;
	uint64_t since_ms, xcoder;
	uint32_t origin;
	uint32_t trail;
	struct fw_receipts *receipts; /* told when the stanza has gone; NULL: nobody waits for that */
	uint64_t receipt;
	struct fw_str destination;
	struct tree *tree;
	/* memory of the envelope */
	uint32_t room_used;
	char *more;                  /* heap, when room was too small */
	char room[STANZA_ROOM];
};

/** An empty stanza from the store; NULL when out of memory. */
struct fw_stanza *stanza_alloc(void);
/** Gives everything back; no ledger is asked. */
void stanza_recycle(struct fw_stanza *stanza);
/** A stanza that carries a receipt has gone: tells it. */
void stanza_receipt_tell(struct fw_stanza *stanza);
/** Copies text into the stanza's own memory. The absent slice when out of memory. */
struct fw_str stanza_store(struct fw_stanza *stanza, struct fw_str text);
/** Kind that goes with a name in the stream's own namespace. */
enum fw_kind stanza_kind_of(struct fw_str name);
/** Name of a kind; absent for FW_KIND_OTHER. Static text. */
struct fw_str stanza_kind_name(enum fw_kind kind);
/** Sets from or to with its domain. The slice must live as long as the stanza. */
void stanza_set_from(struct fw_stanza *stanza, struct fw_str from);
void stanza_set_to(struct fw_stanza *stanza, struct fw_str to);
/** The tree has changed: bytes are void, the envelope is read from the root again. */
void stanza_edited(struct fw_stanza *stanza);
/** Makes bytes from the tree when there are none. FW_OK, FW_ENOMEM */
int stanza_need_bytes(struct fw_stanza *stanza);

/**
 * Walks the attributes of a first tag that a parser has taken. `at` begins behind "<name" and stands behind the value
 * afterwards; the white space before an attribute belongs to it.
 * @return false: there is no further one
 */
bool stanza_next_attribute(const char *bytes, uint32_t size, uint32_t *at, struct fw_str *name, struct fw_str *value);

/** Bytes that stanza_pieces() will give. */
static inline size_t stanza_wire_size(const struct fw_stanza *stanza)
{
	return stanza->size - stanza->cut_size + stanza->inject.len;
}

#endif
