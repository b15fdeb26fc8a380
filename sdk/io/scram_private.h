/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the two sides of SCRAM share: scram.c for scram_server.c and scram_client.c.
 */
#ifndef FEDWAY_SDK_IO_SCRAM_PRIVATE_H
#define FEDWAY_SDK_IO_SCRAM_PRIVATE_H

#include <fedway/io/scram.h>

/* The longest nonce, of both parts; and what our part looks like: an id. */
#define SCRAM_NONCE_MAX 256u
/* "p=tls-exporter," with an authzid, and the data. */
#define SCRAM_BINDING_INPUT_MAX (FW_SCRAM_MESSAGE_SIZE + FW_SCRAM_BINDING_SIZE)
#define SCRAM_BINDING_TYPE "tls-exporter"

/** A message, terminated. */
struct scram_text {
	size_t len;
	char bytes[FW_SCRAM_MESSAGE_SIZE];
};
/** @return FW_OK, FW_ELIMIT */
int scram_text_add(struct scram_text *text, struct fw_str piece);
struct fw_str scram_text(const struct scram_text *text);

/** The AuthMessage (RFC 5802 §3) in its three parts. */
struct scram_said {
	struct scram_text client_first; /**< bare */
	struct scram_text server_first;
	struct scram_text client_final; /**< without proof */
};

/** The value of `c=`. */
void scram_binding_write(struct fw_str header, struct fw_str data,
                         char out[FW_BASE64_SIZE(SCRAM_BINDING_INPUT_MAX)]);
/** Takes `letter=value` off the front; rest->ptr is NULL behind the last. @return FW_OK, FW_EPARSE */
int scram_attribute(struct fw_str *rest, char letter, struct fw_str *value);
bool scram_extensions_are_good(struct fw_str rest);
bool scram_nonce_is_good(struct fw_str nonce);
/** HMAC over the AuthMessage. */
void scram_sign(const unsigned char key[FW_SHA256_SIZE], const struct scram_said *said,
                unsigned char out[FW_SHA256_SIZE]);
void scram_xor(unsigned char *bytes, const unsigned char *with);
/** @return FW_OK, FW_EPARSE */
int scram_digest_read(struct fw_str text, unsigned char out[FW_SHA256_SIZE]);

#endif
