/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Slices: comparing, copying, reading numbers, hashing, and quoting for logs. Called by every room.
 * Knows ASCII and the form of UTF-8, not Unicode: names with other letters are jid.c's business.
 */
#include <fedway/str.h>

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <fedway/error.h>

#include "sdk/src/str_utf8.h"

static unsigned char str_lower(unsigned char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte | 0x20) : byte;
}

bool fw_str_eq_nocase(struct fw_str a, struct fw_str b)
{
	if (a.len != b.len) {
		return false;
	}
	for (size_t i = 0; i < a.len; i++) {
		if (str_lower((unsigned char)a.ptr[i]) != str_lower((unsigned char)b.ptr[i])) {
			return false;
		}
	}
	return true;
}

char *fw_str_dup(struct fw_str slice)
{
	char *copy = malloc(slice.len + 1);

	if (copy == NULL) {
		return NULL;
	}
	if (slice.len > 0) {
		memcpy(copy, slice.ptr, slice.len);
	}
	copy[slice.len] = '\0';
	return copy;
}

static bool str_is_space(char byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

struct fw_str fw_str_trim(struct fw_str slice)
{
	while (slice.len > 0 && str_is_space(slice.ptr[0])) {
		slice.ptr++;
		slice.len--;
	}
	while (slice.len > 0 && str_is_space(slice.ptr[slice.len - 1])) {
		slice.len--;
	}
	return slice;
}

int fw_str_to_u64(struct fw_str slice, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	bool over = false;

	if (slice.len == 0) {
		return FW_EPARSE;
	}
	for (size_t i = 0; i < slice.len; i++) {
		unsigned digit = (unsigned)(unsigned char)slice.ptr[i] - '0';
		if (digit > 9) {
			return FW_EPARSE;
		}
		over = over || value > (UINT64_MAX - digit) / 10;
		value = value * 10 + digit;
	}
	if (over || value > max) {
		return FW_ELIMIT;
	}
	*out = value;
	return FW_OK;
}

/* ---- hash: SipHash-1-3 (Aumasson and Bernstein), keyed once per process ---- */

struct str_sip {
	uint64_t a, b, c, d;
};

static uint64_t str_key[2];
static bool str_key_made;

static __attribute__((noinline)) void str_make_key(void)
{
	if (getrandom(str_key, sizeof(str_key), 0) != (ssize_t)sizeof(str_key)) {
		struct timespec now;
		clock_gettime(CLOCK_REALTIME, &now);
		str_key[0] = (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec;
		str_key[1] = (uint64_t)getpid() << 32 ^ (uint64_t)(uintptr_t)&now;
	}
	str_key_made = true;
}

static inline uint64_t str_rotate(uint64_t word, int by)
{
	return word << by | word >> (64 - by);
}

static inline void str_sip_round(struct str_sip *sip)
{
	sip->a += sip->b;
	sip->c += sip->d;
	sip->b = str_rotate(sip->b, 13) ^ sip->a;
	sip->d = str_rotate(sip->d, 16) ^ sip->c;
	sip->a = str_rotate(sip->a, 32);
	sip->c += sip->b;
	sip->a += sip->d;
	sip->b = str_rotate(sip->b, 17) ^ sip->c;
	sip->d = str_rotate(sip->d, 21) ^ sip->a;
	sip->c = str_rotate(sip->c, 32);
}

static inline uint64_t str_load(const char *ptr)
{
	uint64_t word;

	memcpy(&word, ptr, sizeof(word));
	return le64toh(word);
}

/* The last 0 to 7 bytes of a slice in one word. A longer slice lets us load backwards: no loop. */
static inline uint64_t str_tail(struct fw_str slice)
{
	size_t rest = slice.len & 7;
	uint64_t word = 0;

	if (rest == 0) {
		return 0;
	}
	if (slice.len >= 8) {
		return str_load(slice.ptr + slice.len - 8) >> (64 - 8 * rest);
	}
	for (size_t i = 0; i < rest; i++) {
		word |= (uint64_t)(unsigned char)slice.ptr[i] << (8 * i);
	}
	return word;
}

uint64_t fw_str_hash(struct fw_str slice)
{
	if (__builtin_expect(!str_key_made, 0)) {
		str_make_key();
	}

	struct str_sip sip = { str_key[0] ^ 0x736f6d6570736575u, str_key[1] ^ 0x646f72616e646f6du,
		               str_key[0] ^ 0x6c7967656e657261u, str_key[1] ^ 0x7465646279746573u };
	for (size_t at = 0; at + 8 <= slice.len; at += 8) {
		uint64_t word = str_load(slice.ptr + at);
		sip.d ^= word;
		str_sip_round(&sip);
		sip.a ^= word;
	}
	uint64_t last = (uint64_t)slice.len << 56 | str_tail(slice);
	sip.d ^= last;
	str_sip_round(&sip);
	sip.a ^= last;
	sip.c ^= 0xff;
	str_sip_round(&sip);
	str_sip_round(&sip);
	str_sip_round(&sip);
	return sip.a ^ sip.b ^ sip.c ^ sip.d;
}

/* ---- quoting ---- */

size_t str_utf8(const char *text, size_t len, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *ptr = (const unsigned char *)text;
	size_t size = ptr[0] < 0x80   ? 1
	              : ptr[0] < 0xc0 ? 0
	              : ptr[0] < 0xe0 ? 2
	              : ptr[0] < 0xf0 ? 3
	                              : 4;

	if (size == 0 || size > len || ptr[0] > 0xf4) {
		return 0;
	}
	*code = size == 1 ? ptr[0] : ptr[0] & (0x7fu >> size);
	for (size_t i = 1; i < size; i++) {
		if ((ptr[i] & 0xc0) != 0x80) {
			return 0;
		}
		*code = *code << 6 | (ptr[i] & 0x3f);
	}
	if (*code < least[size] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff)) {
		return 0;
	}
	return size;
}

/* Characters that would break the line or change how the rest of it looks on a terminal. */
static bool str_is_risky(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x2028 || code == 0x2029 ||
	       code == 0x061c || code == 0x200e || code == 0x200f ||
	       (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
	       code == 0xfeff;
}

/* One character of `slice` as it shall appear, into `piece`; returns how many bytes it took. */
static size_t str_quote_one(struct fw_str slice, char piece[12])
{
	uint32_t code = 0;
	size_t size = str_utf8(slice.ptr, slice.len, &code);

	if (size == 0) {
		snprintf(piece, 12, "\\x%02x", (unsigned char)slice.ptr[0]);
		return 1;
	}
	if (code == '"' || code == '\\') {
		snprintf(piece, 12, "\\%c", (char)code);
	} else if (code == '\n' || code == '\r' || code == '\t') {
		snprintf(piece, 12, "\\%c", code == '\n' ? 'n' : code == '\r' ? 'r' : 't');
	} else if (str_is_risky(code)) {
		snprintf(piece, 12, code < 0x80 ? "\\x%02x" : "\\u%04x", code);
	} else {
		memcpy(piece, slice.ptr, size);
		piece[size] = '\0';
	}
	return size;
}

const char *fw_quote(struct fw_str slice, char *out, size_t out_size)
{
	static const char ellipsis[] = "\xe2\x80\xa6"; /* … */
	const size_t mark = sizeof(ellipsis) - 1;
	size_t used = 0;
	size_t safe = 0; /* what may stay when the mark has to be added */
	char piece[12];

	if (out_size == 0) {
		return out;
	}
	while (slice.len > 0) {
		size_t took = str_quote_one(slice, piece);
		size_t size = strlen(piece);
		if (used + size >= out_size) {
			break;
		}
		memcpy(out + used, piece, size);
		used += size;
		if (used + mark < out_size) {
			safe = used;
		}
		slice.ptr += took;
		slice.len -= took;
	}
	if (slice.len > 0) {
		used = safe;
		if (used + mark < out_size) {
			memcpy(out + used, ellipsis, mark);
			used += mark;
		}
	}
	out[used] = '\0';
	return out;
}
