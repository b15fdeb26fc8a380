/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Base 64 in the one form that SASL in XMPP allows (RFC 6120 §6.4.2 and §13.9.1, RFC 4648 §4).
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_BASE64_H
#define FEDWAY_COMPONENTS_S2S_S2S_BASE64_H

#include <fedway/str.h>

/** Room for the text of `size` bytes, with its end. */
#define S2S_BASE64_SIZE(size) (((size) + 2) / 3 * 4 + 1)

/** @param out  of S2S_BASE64_SIZE(bytes.len) */
const char *s2s_base64_write(struct fw_str bytes, char *out);
/**
 * Strict: the alphabet, `=` at the end only, whole groups of four, padding bits zero.
 * @return FW_OK; FW_EPARSE; FW_ELIMIT when `out` is too small
 */
int s2s_base64_read(struct fw_str text, char *out, size_t out_size, size_t *len);

#endif
