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
static unsigned digest(const EVP_MD *md, struct fw_str a, struct fw_str b, unsigned char *out)
{
	unsigned size = 0;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	fw_assert(md != NULL && ctx != NULL);
	fw_assert(EVP_DigestInit_ex(ctx, md, NULL) == 1);
	fw_assert(EVP_DigestUpdate(ctx, a.ptr, a.len) == 1);
	fw_assert(EVP_DigestUpdate(ctx, b.ptr, b.len) == 1);
	fw_assert(EVP_DigestFinal_ex(ctx, out, &size) == 1);
	EVP_MD_CTX_free(ctx);
	return size;
}

void fw_sha1_hex(struct fw_str a, struct fw_str b, char out[FW_SHA1_HEX_SIZE])
{
	static EVP_MD *sha1;
	unsigned char bytes[EVP_MAX_MD_SIZE];

	if (sha1 == NULL) {
		sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	}
	hex_write(bytes, digest(sha1, a, b, bytes), out);
}

void fw_sha256(struct fw_str data, unsigned char out[FW_SHA256_SIZE])
{
	static EVP_MD *sha256;

	if (sha256 == NULL) {
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	}
	(void)digest(sha256, data, fw_str(NULL), out);
}

void fw_sha256_hex(struct fw_str data, char out[FW_SHA256_HEX_SIZE])
{
	unsigned char bytes[FW_SHA256_SIZE];

	fw_sha256(data, bytes);
	hex_write(bytes, sizeof(bytes), out);
}

void fw_hmac_sha256(struct fw_str key, struct fw_str data, unsigned char out[FW_SHA256_SIZE])
{
	static EVP_MAC *hmac;
	static char digest_name[] = "SHA256";
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
	fw_assert(EVP_MAC_final(ctx, out, &size, FW_SHA256_SIZE) == 1);
	EVP_MAC_CTX_free(ctx);
}

void fw_hmac_sha256_hex(struct fw_str key, struct fw_str data, char out[FW_SHA256_HEX_SIZE])
{
	unsigned char bytes[FW_SHA256_SIZE];

	fw_hmac_sha256(key, data, bytes);
	hex_write(bytes, sizeof(bytes), out);
}

void fw_pbkdf2_sha256(struct fw_str password, struct fw_str salt, uint32_t iterations,
                      unsigned char out[FW_SHA256_SIZE])
{
	const char *password_bytes = password.len > 0 ? password.ptr : "";
	const void *salt_bytes = salt.len > 0 ? salt.ptr : "";

	fw_assert(iterations > 0 && iterations <= INT32_MAX);
	fw_assert(PKCS5_PBKDF2_HMAC(password_bytes, (int)password.len, salt_bytes, (int)salt.len,
	                            (int)iterations, EVP_sha256(), FW_SHA256_SIZE, out) == 1);
}

bool fw_equal_const_time(struct fw_str a, struct fw_str b)
{
	return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}
