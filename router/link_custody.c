/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two rings of bits behind the prefix: has it left, was the peer told? A stanza's receipt sets the
 * one, link_session.c asks for the other once per turn. Allocates only when more stanzas are under
 * way than ever before.
 */
#include "router/link_custody.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/hosting.h>

enum { CUSTODY_FIRST = 1024 }; /* bits; a power of two, at least 64 */

struct link_custody {
	void (*moved)(void *ctx);
	void *ctx;
	struct fw_receipts *receipts;
	uint64_t prefix, received;
	uint64_t *left, *told; /* bit n % size: number n; clear up to the prefix */
	uint64_t size;
	uint64_t behind;      /* left behind the prefix and not told … */
	uint64_t behind_from; /* … none of them before this one */
};

static bool get(const struct link_custody *custody, const uint64_t *bits, uint64_t number)
{
	uint64_t place = number & (custody->size - 1);

	return (bits[place / 64] >> (place % 64) & 1) != 0;
}

static void put(const struct link_custody *custody, uint64_t *bits, uint64_t number, bool value)
{
	uint64_t place = number & (custody->size - 1);
	uint64_t mask = UINT64_C(1) << (place % 64);

	bits[place / 64] = value ? bits[place / 64] | mask : bits[place / 64] & ~mask;
}

static void custody_left(void *ctx, uint64_t number)
{
	struct link_custody *custody = ctx;

	put(custody, custody->left, number, true);
	custody->behind_from = custody->behind == 0 || number < custody->behind_from
	                               ? number
	                               : custody->behind_from;
	custody->behind++;
	while (custody->prefix < custody->received &&
	       get(custody, custody->left, custody->prefix + 1)) {
		uint64_t first = ++custody->prefix;
		custody->behind -= !get(custody, custody->told, first);
		put(custody, custody->left, first, false);
		put(custody, custody->told, first, false);
	}
	custody->moved(custody->ctx);
}

static int resize(struct link_custody *custody, uint64_t size)
{
	struct link_custody larger = *custody;

	larger.size = size;
	larger.left = calloc(size / 64, sizeof(uint64_t));
	larger.told = calloc(size / 64, sizeof(uint64_t));
	if (larger.left == NULL || larger.told == NULL) {
		free(larger.left);
		free(larger.told);
		return FW_ENOMEM;
	}
	for (uint64_t n = custody->prefix + 1; n <= custody->received; n++) {
		put(&larger, larger.left, n, get(custody, custody->left, n));
		put(&larger, larger.told, n, get(custody, custody->told, n));
	}
	free(custody->left);
	free(custody->told);
	*custody = larger;
	return FW_OK;
}

int link_custody_new(void (*moved)(void *ctx), void *ctx, struct link_custody **out)
{
	struct link_custody *custody = calloc(1, sizeof(*custody));

	if (custody == NULL) {
		return FW_ENOMEM;
	}
	custody->moved = moved;
	custody->ctx = ctx;
	if (fw_receipts_new(custody_left, custody, &custody->receipts) != FW_OK ||
	    resize(custody, CUSTODY_FIRST) != FW_OK) {
		link_custody_free(&custody);
		return FW_ENOMEM;
	}
	*out = custody;
	return FW_OK;
}

void link_custody_free(struct link_custody **custody)
{
	if (*custody == NULL) {
		return;
	}
	fw_receipts_release(&(*custody)->receipts);
	free((*custody)->left);
	free((*custody)->told);
	free(*custody);
	*custody = NULL;
}

int link_custody_take(struct link_custody *custody, struct fw_stanza *stanza)
{
	if (custody->received - custody->prefix + 1 >= custody->size &&
	    resize(custody, custody->size * 2) != FW_OK) {
		return FW_ENOMEM;
	}
	fw_stanza_set_receipt(stanza, custody->receipts, ++custody->received);
	return FW_OK;
}

uint64_t link_custody_received(const struct link_custody *custody)
{
	return custody->received;
}

uint64_t link_custody_prefix(const struct link_custody *custody)
{
	return custody->prefix;
}

bool link_custody_has_behind(const struct link_custody *custody)
{
	return custody->behind > 0;
}

static bool is_new(const struct link_custody *custody, uint64_t number)
{
	return get(custody, custody->left, number) && !get(custody, custody->told, number);
}

/* The next one that is new, from n on. Where a slow one holds the prefix for long, many lie
 * between.
 */
static uint64_t next_new(const struct link_custody *custody, uint64_t n)
{
	while (n <= custody->received && !is_new(custody, n)) {
		uint64_t word = (n & (custody->size - 1)) / 64;
		bool none = (custody->left[word] & ~custody->told[word]) == 0;
		n = none ? (n | 63) + 1 : n + 1;
	}
	return n;
}

void link_custody_behind(struct link_custody *custody, char *out, size_t size)
{
	uint64_t n =
	        custody->behind_from > custody->prefix ? custody->behind_from : custody->prefix + 1;
	size_t len = 0;

	out[0] = '\0';
	while (custody->behind > 0 && (n = next_new(custody, n)) <= custody->received) {
		uint64_t first = n;
		char range[48];

		while (n <= custody->received && is_new(custody, n)) {
			n++;
		}
		int added = snprintf(range, sizeof(range), "%s%" PRIu64, len > 0 ? " " : "",
		                     first - custody->prefix);
		if (n - 1 > first) {
			added += snprintf(range + added, sizeof(range) - (size_t)added, "-%" PRIu64,
			                  n - 1 - custody->prefix);
		}
		if (len + (size_t)added >= size) {
			custody->behind_from = first;
			return;
		}
		memcpy(out + len, range, (size_t)added + 1);
		len += (size_t)added;
		for (uint64_t told = first; told < n; told++) {
			put(custody, custody->told, told, true);
		}
		custody->behind -= n - first;
	}
}

void link_custody_tell_again(struct link_custody *custody)
{
	custody->behind = 0;
	custody->behind_from = custody->prefix + 1;
	for (uint64_t n = custody->prefix + 1; n <= custody->received; n++) {
		put(custody, custody->told, n, false);
		custody->behind += get(custody, custody->left, n);
	}
}
