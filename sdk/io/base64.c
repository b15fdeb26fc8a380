/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Base 64, strictly: what has two spellings for the same bytes could hide something from who looks
 * at the text only. Called for SASL, by scram.c and sasl.c.
 */
#include <fedway/io/crypto.h>

#include <stdint.h>
#include <string.h>

static const char base64_alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const char *fw_base64_write(struct fw_str bytes, char *out)
{
	char *at = out;

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		uint32_t group = (uint32_t)(unsigned char)bytes.ptr[i] << 16;
		group |= left > 1 ? (uint32_t)(unsigned char)bytes.ptr[i + 1] << 8 : 0;
		group |= left > 2 ? (uint32_t)(unsigned char)bytes.ptr[i + 2] : 0;
		*at++ = base64_alphabet[group >> 18];
		*at++ = base64_alphabet[group >> 12 & 63];
		*at++ = left > 1 ? base64_alphabet[group >> 6 & 63] : '=';
		*at++ = left > 2 ? base64_alphabet[group & 63] : '=';
	}
	*at = '\0';
	return out;
}

/* Four characters. @return bytes they stand for, or 0 when they stand for none */
static size_t base64_group(const char *text, bool last, unsigned char out[3])
{
	size_t pads = text[3] != '=' ? 0 : text[2] != '=' ? 1 : 2;
	uint32_t group = 0;

	if (pads > 0 && !last) {
		return 0;
	}
	for (size_t i = 0; i < 4; i++) {
		const char *found = text[i] != '\0' ? strchr(base64_alphabet, text[i]) : NULL;
		if (i >= 4 - pads) {
			group <<= 6;
			continue;
		}
		if (found == NULL) {
			return 0;
		}
		group = group << 6 | (uint32_t)(found - base64_alphabet);
	}
	if ((group & ((1u << 8 * pads) - 1)) != 0) {
		return 0; /* padding bits */
	}
	out[0] = (unsigned char)(group >> 16);
	out[1] = (unsigned char)(group >> 8);
	out[2] = (unsigned char)group;
	return 3 - pads;
}

int fw_base64_read(struct fw_str text, char *out, size_t out_size, size_t *len)
{
	size_t used = 0;

	if (text.len % 4 != 0) {
		return FW_EPARSE;
	}
	for (size_t i = 0; i < text.len; i += 4) {
		unsigned char bytes[3];
		size_t got = base64_group(text.ptr + i, i + 4 == text.len, bytes);
		if (got == 0) {
			return FW_EPARSE;
		}
		if (used + got > out_size) {
			return FW_ELIMIT;
		}
		memcpy(out + used, bytes, got);
		used += got;
	}
	*len = used;
	return FW_OK;
}
