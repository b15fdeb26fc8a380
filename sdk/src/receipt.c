/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Receipts: whoever answers for stanzas that have not left yet learns which have. Given by the
 * router's links to what arrives over an acknowledged stream; told by stanza.c at the end of each.
 * Knows no protocol.
 */
#include <fedway/hosting.h>

#include <stdlib.h>

#include "sdk/src/stanza_private.h"

struct fw_receipts {
	void (*left)(void *ctx, uint64_t number); /* NULL: the owner has let go */
	void *ctx;
	uint32_t holders; /* the owner, and each stanza that carries one */
};

int fw_receipts_new(void (*left)(void *ctx, uint64_t number), void *ctx, struct fw_receipts **out)
{
	struct fw_receipts *receipts = calloc(1, sizeof(*receipts));

	if (receipts == NULL) {
		return FW_ENOMEM;
	}
	receipts->left = left;
	receipts->ctx = ctx;
	receipts->holders = 1;
	*out = receipts;
	return FW_OK;
}

static void let_go(struct fw_receipts *receipts)
{
	if (--receipts->holders == 0) {
		free(receipts);
	}
}

void fw_receipts_release(struct fw_receipts **receipts)
{
	if (*receipts == NULL) {
		return;
	}
	(*receipts)->left = NULL;
	let_go(*receipts);
	*receipts = NULL;
}

void fw_stanza_set_receipt(struct fw_stanza *stanza, struct fw_receipts *receipts, uint64_t number)
{
	fw_assert(stanza->receipts == NULL);
	stanza->receipts = receipts;
	stanza->receipt = number;
	receipts->holders++;
}

void stanza_receipt_tell(struct fw_stanza *stanza)
{
	struct fw_receipts *receipts = stanza->receipts;

	stanza->receipts = NULL;
	if (receipts->left != NULL) {
		receipts->left(receipts->ctx, stanza->receipt);
	}
	let_go(receipts);
}
