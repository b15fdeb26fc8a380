/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * XEP-0185 §3: HEX(HMAC-SHA256(HEX(SHA256(secret)), receiving + " " + originating + " " + stream
 * id)). The key of the HMAC is the hex text, not the 32 bytes: only that gives the published
 * vectors.
 */
#include "components/dialback/dialback_key.h"

#include <stdio.h>

#include <fedway/jid.h>

void dialback_secrets_set(struct dialback_secrets *secrets, const struct fw_secret *current,
                          const struct fw_secret *previous)
{
	const struct fw_secret *second = previous->len > 0 ? previous : current;

	fw_sha256_hex(fw_str_n(current->bytes, current->len), secrets->current);
	fw_sha256_hex(fw_str_n(second->bytes, second->len), secrets->previous);
}

bool dialback_secrets_eq(const struct dialback_secrets *a, const struct dialback_secrets *b)
{
	return fw_equal_const_time(fw_str(a->current), fw_str(b->current)) &&
	       fw_equal_const_time(fw_str(a->previous), fw_str(b->previous));
}

void dialback_secrets_digest(const struct dialback_secrets *secrets, char out[FW_SHA256_HEX_SIZE])
{
	fw_hmac_sha256_hex(fw_str(secrets->current), fw_str("the digest that edges compare"), out);
}

int dialback_key_make(const char digest[FW_SHA256_HEX_SIZE], struct fw_str receiving,
                      struct fw_str originating, struct fw_str id, char out[DIALBACK_KEY_SIZE])
{
	char data[2 * FW_DOMAIN_SIZE + DIALBACK_ID_MAX + 1];

	if (receiving.len >= FW_DOMAIN_SIZE || originating.len >= FW_DOMAIN_SIZE || id.len == 0 ||
	    id.len > DIALBACK_ID_MAX) {
		return FW_ELIMIT;
	}
	int len = snprintf(data, sizeof(data), "%.*s %.*s %.*s", FW_STR_ARG(receiving),
	                   FW_STR_ARG(originating), FW_STR_ARG(id));
	fw_hmac_sha256_hex(fw_str(digest), fw_str_n(data, (size_t)len), out);
	return FW_OK;
}

bool dialback_key_check(const struct dialback_secrets *secrets, struct fw_str receiving,
                        struct fw_str originating, struct fw_str id, struct fw_str key)
{
	char current[DIALBACK_KEY_SIZE], previous[DIALBACK_KEY_SIZE];

	key = fw_str_trim(key);
	if (dialback_key_make(secrets->current, receiving, originating, id, current) != FW_OK ||
	    dialback_key_make(secrets->previous, receiving, originating, id, previous) != FW_OK) {
		return false;
	}
	bool is_current = fw_equal_const_time(key, fw_str(current));
	bool is_previous = fw_equal_const_time(key, fw_str(previous));
	return is_current | is_previous; /* both are always compared */
}
