/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Dialback keys (XEP-0185): made and checked, nothing else. Pure but for the secret it is given.
 */
#ifndef FEDWAY_COMPONENTS_DIALBACK_KEY_H
#define FEDWAY_COMPONENTS_DIALBACK_KEY_H

#include <stdbool.h>

#include <fedway/config.h>
#include <fedway/io/crypto.h>

enum {
	DIALBACK_ID_MAX = 1024,         /**< longest stream id that is handled */
	DIALBACK_FOREIGN_KEY_MAX = 256, /**< longest key of others; its length says nothing else */
	DIALBACK_KEY_SIZE = FW_SHA256_HEX_SIZE,
};

/** What secrets are used as: the hex text of their SHA-256. Not the secrets themselves are kept. */
struct dialback_secrets {
	char current[FW_SHA256_HEX_SIZE];
	char previous[FW_SHA256_HEX_SIZE]; /**< the current one again, when there is no previous */
};

/** What tells two secrets apart and says nothing else of them: no key is made from it. */
void dialback_secrets_digest(const struct dialback_secrets *secrets, char out[FW_SHA256_HEX_SIZE]);
/** Digests both; `previous` may be empty. */
void dialback_secrets_set(struct dialback_secrets *secrets, const struct fw_secret *current,
                          const struct fw_secret *previous);
bool dialback_secrets_eq(const struct dialback_secrets *a, const struct dialback_secrets *b);

/**
 * Key for a stream. Domains are keys (A-labels), so that both spellings of a name give one result.
 * @return FW_OK, FW_ELIMIT (the stream id is too long or empty)
 */
int dialback_key_make(const char digest[FW_SHA256_HEX_SIZE], struct fw_str receiving,
                      struct fw_str originating, struct fw_str id, char out[DIALBACK_KEY_SIZE]);
/** Is this a key of ours? White space around it does not count. The time depends on lengths only. */
bool dialback_key_check(const struct dialback_secrets *secrets, struct fw_str receiving,
                        struct fw_str originating, struct fw_str id, struct fw_str key);

#endif
