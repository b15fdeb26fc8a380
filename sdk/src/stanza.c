/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stanzas: their envelope, their memory and their end. Stanzas come from a store of spare ones, so
 * that passing one on allocates nothing. Trees are element.c's, bytes on the wire stanza_bytes.c's.
 */
#include <fedway/hosting.h>
#include <fedway/io/crypto.h>
#include <fedway/jid.h>
#include <fedway/stanza.h>

#include <stdlib.h>

#include "sdk/src/element_private.h"
#include "sdk/src/sanitized.h"
#include "sdk/src/stanza_private.h"

/* Spare stanzas kept, about 2 MiB; a burst beyond that goes through the heap. */
enum { SPARE_MAX = SANITIZED ? 0 : 4096 };

static struct fw_stanza *spare;
static int spare_count;
static uint64_t next_xcoder;

/* The upper half is drawn once per process, so that the logs of several nodes can be laid together.
 */
static uint64_t new_xcoder(void)
{
	uint32_t random = 0;

	if (next_xcoder == 0) {
		fw_random(&random, sizeof(random));
		next_xcoder = (uint64_t)random << 32;
	}
	return ++next_xcoder;
}

struct fw_stanza *stanza_alloc(void)
{
	struct fw_stanza *stanza = spare;

	if (stanza != NULL) {
		spare = stanza->next;
		spare_count--;
	} else {
		stanza = malloc(sizeof(*stanza));
		if (stanza == NULL) {
			return NULL;
		}
	}
	memset(stanza, 0, offsetof(struct fw_stanza, room));
	stanza->xcoder = new_xcoder();
	return stanza;
}

void stanza_recycle(struct fw_stanza *stanza)
{
	if (stanza->receipts != NULL) {
		stanza_receipt_tell(stanza);
	}
	chunk_release(&stanza->chunk);
	tree_free(&stanza->tree);
	while (stanza->more != NULL) {
		char *block = stanza->more;
		memcpy(&stanza->more, block, sizeof(char *));
		free(block);
	}
	if (spare_count >= SPARE_MAX) {
		free(stanza);
		return;
	}
	stanza->next = spare;
	spare = stanza;
	spare_count++;
}

struct fw_str stanza_store(struct fw_stanza *stanza, struct fw_str text)
{
	char *copy = NULL;

	if (text.ptr == NULL) {
		return text;
	}
	if (text.len <= STANZA_ROOM - stanza->room_used) {
		copy = stanza->room + stanza->room_used;
		stanza->room_used += (uint32_t)text.len;
	} else {
		/* Blocks on the heap form a chain: the first word of each is the one before. */
		char *block = malloc(sizeof(char *) + text.len);
		if (block == NULL) {
			return fw_str(NULL);
		}
		memcpy(block, &stanza->more, sizeof(char *));
		stanza->more = block;
		copy = block + sizeof(char *);
	}
	memcpy(copy, text.ptr, text.len);
	return fw_str_n(copy, text.len);
}

enum fw_kind stanza_kind_of(struct fw_str name)
{
	switch (name.len) {
	case 2:
		return memcmp(name.ptr, "iq", 2) == 0 ? FW_KIND_IQ : FW_KIND_OTHER;
	case 7:
		return memcmp(name.ptr, "message", 7) == 0 ? FW_KIND_MESSAGE : FW_KIND_OTHER;
	case 8:
		return memcmp(name.ptr, "presence", 8) == 0 ? FW_KIND_PRESENCE : FW_KIND_OTHER;
	default:
		return FW_KIND_OTHER;
	}
}

struct fw_str stanza_kind_name(enum fw_kind kind)
{
	static const struct fw_str names[] = {
		[FW_KIND_MESSAGE] = FW_STR("message"),
		[FW_KIND_PRESENCE] = FW_STR("presence"),
		[FW_KIND_IQ] = FW_STR("iq"),
	};

	return kind != FW_KIND_OTHER ? names[kind] : fw_str(NULL);
}

void stanza_set_from(struct fw_stanza *stanza, struct fw_str from)
{
	stanza->from = from;
	stanza->from_domain = fw_jid_domain(from);
}

void stanza_set_to(struct fw_stanza *stanza, struct fw_str to)
{
	stanza->to = to;
	stanza->to_domain = fw_jid_domain(to);
}

enum fw_kind fw_stanza_kind(const struct fw_stanza *stanza)
{
	return stanza != NULL ? (enum fw_kind)stanza->kind : FW_KIND_OTHER;
}

/* One reader per part of the envelope, all of the same shape. */
#define READER(part) \
	struct fw_str fw_stanza_##part(const struct fw_stanza *stanza) \
	{ \
		return stanza != NULL ? stanza->part : fw_str(NULL); \
	}
READER(type)
READER(id)
READER(from)
READER(to)
READER(from_domain)
READER(to_domain)
READER(name)
READER(ns)

bool fw_stanza_is_error(const struct fw_stanza *stanza)
{
	return stanza != NULL && fw_str_is(stanza->type, "error");
}

bool fw_stanza_is_request(const struct fw_stanza *stanza)
{
	return stanza != NULL && stanza->kind == FW_KIND_IQ &&
	       (fw_str_is(stanza->type, "get") || fw_str_is(stanza->type, "set"));
}

bool fw_stanza_is_bounce(const struct fw_stanza *stanza)
{
	return stanza != NULL && stanza->bounce;
}

uint64_t fw_stanza_since_ms(const struct fw_stanza *stanza)
{
	return stanza != NULL ? stanza->since_ms : 0;
}

uint64_t fw_stanza_xcoder(const struct fw_stanza *stanza)
{
	return stanza != NULL ? stanza->xcoder : 0;
}

void fw_stanza_enter(struct fw_stanza *stanza, struct fw_ledger *ledger, uint64_t now_ms)
{
	fw_assert(stanza->ledger == NULL);
	stanza->ledger = ledger;
	stanza->since_ms = now_ms;
	fw_ledger_enter(ledger);
}

struct fw_ledger *fw_stanza_ledger(const struct fw_stanza *stanza)
{
	return stanza->ledger;
}

void fw_stanza_mark_bounce(struct fw_stanza *stanza)
{
	stanza->bounce = true;
}

void fw_stanza_set_origin(struct fw_stanza *stanza, uint32_t origin)
{
	stanza->origin = origin;
}

uint32_t fw_stanza_origin(const struct fw_stanza *stanza)
{
	return stanza->origin;
}

void fw_stanza_set_xcoder(struct fw_stanza *stanza, uint64_t xcoder)
{
	stanza->xcoder = xcoder;
}

void fw_stanza_set_trail(struct fw_stanza *stanza, uint32_t trail)
{
	stanza->trail = trail;
}

uint32_t fw_stanza_trail(const struct fw_stanza *stanza)
{
	return stanza->trail;
}

int fw_stanza_set_destination(struct fw_stanza *stanza, struct fw_str component)
{
	struct fw_str copy = stanza_store(stanza, component);

	if (copy.ptr == NULL && component.ptr != NULL) {
		return FW_ENOMEM;
	}
	stanza->destination = copy;
	return FW_OK;
}

struct fw_str fw_stanza_destination(const struct fw_stanza *stanza)
{
	return stanza->destination;
}

void fw_stanza_end(struct fw_stanza **stanza, enum fw_exit exit, enum fw_cause cause)
{
	struct fw_stanza *old = *stanza;

	*stanza = NULL;
	if (old == NULL) {
		return;
	}
	if (old->ledger != NULL) {
		fw_ledger_leave(old->ledger, exit, cause);
	}
	stanza_recycle(old);
}

void fw_stanza_free(struct fw_stanza **stanza)
{
	if (*stanza != NULL) {
		fw_assert((*stanza)->ledger == NULL);
		stanza_recycle(*stanza);
		*stanza = NULL;
	}
}
