/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What both sides of SCRAM share: keys, the reading of attributes, proofs. Called by
 * scram_server.c and scram_client.c. All that the peer sends is read as `letter=value` between
 * commas, in the order that RFC 5802 §7 gives.
 */
#include "sdk/io/scram_private.h"

#include <stdio.h>
#include <string.h>

/* ---- keys ---- */

static struct fw_str slice(const unsigned char *bytes, size_t size)
{
	return fw_str_n((const char *)bytes, size);
}

/* RFC 5802 §3 */
void fw_scram_derive(struct fw_str secret, struct fw_str salt, uint32_t iterations,
                     struct fw_scram_keys *out)
{
	unsigned char salted[FW_SHA256_SIZE];

	fw_assert(salt.len <= sizeof(out->salt));
	fw_pbkdf2_sha256(secret, salt, iterations, salted);
	fw_hmac_sha256(slice(salted, sizeof(salted)), fw_str("Client Key"), out->client_key);
	fw_sha256(slice(out->client_key, sizeof(out->client_key)), out->stored_key);
	fw_hmac_sha256(slice(salted, sizeof(salted)), fw_str("Server Key"), out->server_key);
	explicit_bzero(salted, sizeof(salted));
	memset(out->salt, 0, sizeof(out->salt));
	if (salt.len > 0) {
		memcpy(out->salt, salt.ptr, salt.len);
	}
	out->salt_size = (uint32_t)salt.len;
	out->iterations = iterations;
}

void fw_scram_salt(struct fw_str name, unsigned char out[FW_SCRAM_SALT_SIZE])
{
	static unsigned char key[FW_SHA256_SIZE];
	static bool made;
	unsigned char digest[FW_SHA256_SIZE];

	if (!made) {
		fw_random(key, sizeof(key));
		made = true;
	}
	fw_hmac_sha256(slice(key, sizeof(key)), name, digest);
	memcpy(out, digest, FW_SCRAM_SALT_SIZE);
}

/* ---- what is said ---- */

int scram_text_add(struct scram_text *text, struct fw_str piece)
{
	if (piece.len >= sizeof(text->bytes) - text->len) {
		return FW_ELIMIT;
	}
	if (piece.len > 0) {
		memcpy(text->bytes + text->len, piece.ptr, piece.len);
	}
	text->len += piece.len;
	text->bytes[text->len] = '\0';
	return FW_OK;
}

struct fw_str scram_text(const struct scram_text *text)
{
	return fw_str_n(text->bytes, text->len);
}

/* RFC 5802 §5.1 "c": the header of the first message and the data of the binding. */
void scram_binding_write(struct fw_str header, struct fw_str data,
                         char out[FW_BASE64_SIZE(SCRAM_BINDING_INPUT_MAX)])
{
	char input[SCRAM_BINDING_INPUT_MAX];

	fw_assert(header.len + data.len <= sizeof(input));
	memcpy(input, header.ptr, header.len);
	if (data.len > 0) {
		memcpy(input + header.len, data.ptr, data.len);
	}
	(void)fw_base64_write(fw_str_n(input, header.len + data.len), out);
}

/* ---- attributes ---- */

int scram_attribute(struct fw_str *rest, char letter, struct fw_str *value)
{
	const char *comma;

	if (rest->len < 2 || rest->ptr[0] != letter || rest->ptr[1] != '=') {
		return FW_EPARSE;
	}
	comma = memchr(rest->ptr, ',', rest->len);
	*value = fw_str_n(rest->ptr + 2,
	                  (comma != NULL ? (size_t)(comma - rest->ptr) : rest->len) - 2);
	*rest = comma != NULL ? fw_str_n(comma + 1, rest->len - (size_t)(comma - rest->ptr) - 1)
	                      : fw_str(NULL);
	return value->len > 0 && memchr(value->ptr, '\0', value->len) == NULL ? FW_OK : FW_EPARSE;
}

/* What may follow: `letter=value`, which is passed over. "m" would be a rule that we must know. */
bool scram_extensions_are_good(struct fw_str rest)
{
	struct fw_str value;

	while (rest.ptr != NULL) {
		char letter = rest.len > 0 ? rest.ptr[0] : '\0';
		bool alpha = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
		if (!alpha || letter == 'm' || scram_attribute(&rest, letter, &value) != FW_OK) {
			return false;
		}
	}
	return true;
}

bool scram_nonce_is_good(struct fw_str nonce)
{
	for (size_t i = 0; i < nonce.len; i++) {
		if (nonce.ptr[i] < 0x21 || nonce.ptr[i] > 0x7e || nonce.ptr[i] == ',') {
			return false;
		}
	}
	return nonce.len > 0 && nonce.len <= SCRAM_NONCE_MAX;
}

/* ---- proofs ---- */

void scram_sign(const unsigned char key[FW_SHA256_SIZE], const struct scram_said *said,
                unsigned char out[FW_SHA256_SIZE])
{
	char message[3 * FW_SCRAM_MESSAGE_SIZE];
	int len = snprintf(message, sizeof(message), "%s,%s,%s", said->client_first.bytes,
	                   said->server_first.bytes, said->client_final.bytes);

	fw_assert(len > 0 && (size_t)len < sizeof(message));
	fw_hmac_sha256(slice(key, FW_SHA256_SIZE), fw_str_n(message, (size_t)len), out);
}

void scram_xor(unsigned char *bytes, const unsigned char *with)
{
	for (size_t i = 0; i < FW_SHA256_SIZE; i++) {
		bytes[i] ^= with[i];
	}
}

int scram_digest_read(struct fw_str text, unsigned char out[FW_SHA256_SIZE])
{
	size_t len = 0;

	return fw_base64_read(text, (char *)out, FW_SHA256_SIZE, &len) == FW_OK &&
	                       len == FW_SHA256_SIZE
	               ? FW_OK
	               : FW_EPARSE;
}
