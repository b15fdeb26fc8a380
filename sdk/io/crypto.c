/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Random bytes, digests and comparison, on OpenSSL. Called by streams (ids), XEP-0114 handshakes
 * and the dialback module. Algorithms are fetched once: in OpenSSL 3 the look-up costs more than
 * the digest.
 */
#include <fedway/io/crypto.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>

static void hex_write(const unsigned char *bytes, size_t size, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

void fw_random(void *out, size_t size)
{
	fw_assert(RAND_bytes(out, (int)size) == 1);
}

void fw_random_id(char out[FW_STREAM_ID_SIZE])
{
	unsigned char bytes[(FW_STREAM_ID_SIZE - 1) / 2];

	fw_random(bytes, sizeof(bytes));
	hex_write(bytes, sizeof(bytes), out);
}

/* Digest over two pieces. The algorithms are part of OpenSSL's default provider: without it there
 * is no TLS. */
static void digest_hex(const EVP_MD *md, struct fw_str a, struct fw_str b, char *out)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	fw_assert(md != NULL && ctx != NULL);
	fw_assert(EVP_DigestInit_ex(ctx, md, NULL) == 1);
	fw_assert(EVP_DigestUpdate(ctx, a.ptr, a.len) == 1);
	fw_assert(EVP_DigestUpdate(ctx, b.ptr, b.len) == 1);
	fw_assert(EVP_DigestFinal_ex(ctx, bytes, &size) == 1);
	EVP_MD_CTX_free(ctx);
	hex_write(bytes, size, out);
}

void fw_sha1_hex(struct fw_str a, struct fw_str b, char out[FW_SHA1_HEX_SIZE])
{
	static EVP_MD *sha1;

	if (sha1 == NULL) {
		sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	}
	digest_hex(sha1, a, b, out);
}

void fw_sha256_hex(struct fw_str data, char out[FW_SHA256_HEX_SIZE])
{
	static EVP_MD *sha256;

	if (sha256 == NULL) {
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	}
	digest_hex(sha256, data, fw_str(NULL), out);
}

void fw_hmac_sha256_hex(struct fw_str key, struct fw_str data, char out[FW_SHA256_HEX_SIZE])
{
	static EVP_MAC *hmac;
	static char digest_name[] = "SHA256";
	unsigned char bytes[EVP_MAX_MD_SIZE];
	size_t size = 0;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
		OSSL_PARAM_construct_end(),
	};

	if (hmac == NULL) {
		hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	}
	fw_assert(hmac != NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac);
	fw_assert(ctx != NULL);
	/* A NULL key would mean "the key set before"; the empty key is a key. */
	const void *key_bytes = key.len > 0 ? key.ptr : "";
	fw_assert(EVP_MAC_init(ctx, key_bytes, key.len, params) == 1);
	fw_assert(EVP_MAC_update(ctx, (const void *)data.ptr, data.len) == 1);
	fw_assert(EVP_MAC_final(ctx, bytes, &size, sizeof(bytes)) == 1);
	EVP_MAC_CTX_free(ctx);
	hex_write(bytes, size, out);
}

bool fw_equal_const_time(struct fw_str a, struct fw_str b)
{
	return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}
