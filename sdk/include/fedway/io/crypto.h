/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The few pieces of cryptography that XMPP needs outside TLS.
 */
#ifndef FEDWAY_IO_CRYPTO_H
#define FEDWAY_IO_CRYPTO_H

#include <stdbool.h>
#include <stdint.h>

#include <fedway/error.h>
#include <fedway/str.h>

FW_BEGIN_DECLS

#define FW_SHA1_HEX_SIZE 41u   /**< 40 digits and the terminator */
#define FW_SHA256_HEX_SIZE 65u /**< 64 digits and the terminator */
#define FW_SHA256_SIZE 32u     /**< bytes */
#define FW_STREAM_ID_SIZE 33u  /**< 128 bits in hex and the terminator */

/** Unpredictable bytes. The process ends when the system has none: nothing could be secure then. */
FW_API void fw_random(void *out, size_t size);
/** Unpredictable, unique, of hex digits only: fit for stream ids (RFC 6120 §4.7.3) and dialback keys. */
FW_API void fw_random_id(char out[FW_STREAM_ID_SIZE]);
/** Lower-case hex of SHA-1 over the concatenation of a and b (XEP-0114 §3: stream id, secret). */
FW_API void fw_sha1_hex(struct fw_str a, struct fw_str b, char out[FW_SHA1_HEX_SIZE]);
FW_API void fw_sha256_hex(struct fw_str data, char out[FW_SHA256_HEX_SIZE]);
FW_API void fw_hmac_sha256_hex(struct fw_str key, struct fw_str data, char out[FW_SHA256_HEX_SIZE]);
FW_API void fw_sha256(struct fw_str data, unsigned char out[FW_SHA256_SIZE]);
FW_API void fw_hmac_sha256(struct fw_str key, struct fw_str data, unsigned char out[FW_SHA256_SIZE]);
/**
 * PBKDF2 with HMAC-SHA-256 (RFC 8018 §5.2), one block: the Hi() of SCRAM (RFC 5802 §2.2). 10,000 iterations take
 * a few milliseconds, in which nothing else happens: never for a stranger as often as it likes.
 */
FW_API void fw_pbkdf2_sha256(struct fw_str password, struct fw_str salt, uint32_t iterations,
                             unsigned char out[FW_SHA256_SIZE]);
/** Equal, in time that depends on the lengths only. */
FW_API bool fw_equal_const_time(struct fw_str a, struct fw_str b);

/* ---- base 64, in the one form that SASL in XMPP allows (RFC 6120 §6.4.2 and §13.9.1, RFC 4648 §4) ---- */

/** Room for the text of `size` bytes, with its end. */
#define FW_BASE64_SIZE(size) (((size) + 2) / 3 * 4 + 1)

/** @param out  of FW_BASE64_SIZE(bytes.len). @return out */
FW_API const char *fw_base64_write(struct fw_str bytes, char *out);
/**
 * Strict: the alphabet, `=` at the end only, whole groups of four, padding bits zero.
 * @return FW_OK; FW_EPARSE; FW_ELIMIT when `out` is too small
 */
FW_API int fw_base64_read(struct fw_str text, char *out, size_t out_size, size_t *len);

FW_END_DECLS

#endif
