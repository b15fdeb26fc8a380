/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The form of UTF-8, for the files of this folder that write text into logs and documents. Lives in str.c.
 */
#ifndef FEDWAY_SRC_STR_UTF8_H
#define FEDWAY_SRC_STR_UTF8_H

#include <fedway/str.h>

/** Length of the UTF-8 character at the start of `len` > 0 bytes and its value, or 0 when there is none (RFC 3629 §4). */
size_t str_utf8(const char *text, size_t len, uint32_t *code);

#endif
