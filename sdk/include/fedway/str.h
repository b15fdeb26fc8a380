/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Borrowed slices of text. A slice owns nothing and is not terminated; it lives as long as the bytes
 * it points into. The empty slice has len 0; its ptr may be NULL, which means "absent".
 */
#ifndef FEDWAY_STR_H
#define FEDWAY_STR_H

#include <stdbool.h>
#include <string.h>

#include <fedway/abi.h>

FW_BEGIN_DECLS

struct fw_str {
	const char *ptr;
	size_t len;
};

/** Slice of a string literal, usable in initialisers. */
#define FW_STR(literal) { "" literal, sizeof(literal) - 1 }

/** For printf: `"%.*s", FW_STR_ARG(slice)`. */
#define FW_STR_ARG(slice) (int)(slice).len, (slice).ptr != NULL ? (slice).ptr : ""

/** Slice of a terminated string; NULL gives the absent slice. */
static inline struct fw_str fw_str(const char *text)
{
	struct fw_str slice = { text, text != NULL ? strlen(text) : 0 };
	return slice;
}

static inline struct fw_str fw_str_n(const char *ptr, size_t len)
{
	struct fw_str slice = { ptr, len };
	return slice;
}

/** Same bytes. The absent and the empty slice are equal. */
static inline bool fw_str_eq(struct fw_str a, struct fw_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/** Same bytes as a terminated string. */
static inline bool fw_str_is(struct fw_str slice, const char *text)
{
	return fw_str_eq(slice, fw_str(text));
}

/** Same letters; ASCII case is ignored, other bytes are compared as they are. */
FW_API bool fw_str_eq_nocase(struct fw_str a, struct fw_str b);

/** Copy, terminated, to be freed with free(); NULL when out of memory. */
FW_API char *fw_str_dup(struct fw_str slice);

/** Without ASCII white space at both ends. */
FW_API struct fw_str fw_str_trim(struct fw_str slice);

/**
 * Reads an unsigned decimal number; nothing but digits.
 * @return FW_OK, FW_EPARSE (not a number) or FW_ELIMIT (over `max`)
 */
FW_API int fw_str_to_u64(struct fw_str slice, uint64_t max, uint64_t *out);

/** 64-bit hash of bytes, keyed per process against crafted collisions. */
FW_API uint64_t fw_str_hash(struct fw_str slice);

/**
 * Quotes text from a peer for a log line: controls, quotes and bytes that are not UTF-8 become
 * escapes, and what does not fit ends in "…". @return `out`
 */
FW_API const char *fw_quote(struct fw_str slice, char *out, size_t out_size);

FW_END_DECLS

#endif
