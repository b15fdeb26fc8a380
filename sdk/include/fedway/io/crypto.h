/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The few pieces of cryptography that XMPP needs outside TLS.
 */
#ifndef FEDWAY_IO_CRYPTO_H
#define FEDWAY_IO_CRYPTO_H

#include <stdbool.h>

#include <fedway/error.h>
#include <fedway/str.h>

FW_BEGIN_DECLS

#define FW_SHA1_HEX_SIZE 41u   /**< 40 digits and the terminator */
#define FW_SHA256_HEX_SIZE 65u /**< 64 digits and the terminator */
#define FW_STREAM_ID_SIZE 33u  /**< 128 bits in hex and the terminator */

/** Unpredictable bytes. The process ends when the system has none: nothing could be secure then. */
FW_API void fw_random(void *out, size_t size);
/** Unpredictable, unique, of hex digits only: fit for stream ids (RFC 6120 §4.7.3) and dialback keys. */
FW_API void fw_random_id(char out[FW_STREAM_ID_SIZE]);
/** Lower-case hex of SHA-1 over the concatenation of a and b (XEP-0114 §3: stream id, secret). */
FW_API void fw_sha1_hex(struct fw_str a, struct fw_str b, char out[FW_SHA1_HEX_SIZE]);
FW_API void fw_sha256_hex(struct fw_str data, char out[FW_SHA256_HEX_SIZE]);
FW_API void fw_hmac_sha256_hex(struct fw_str key, struct fw_str data, char out[FW_SHA256_HEX_SIZE]);
/** Equal, in time that depends on the lengths only. */
FW_API bool fw_equal_const_time(struct fw_str a, struct fw_str b);

FW_END_DECLS

#endif
