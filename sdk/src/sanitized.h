/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Whether this is a build with AddressSanitizer, which gcc and clang tell in different ways. Stores of spare memory
 * are then empty, so that the sanitizer sees every use after the end.
 */
#ifndef FEDWAY_SRC_SANITIZED_H
#define FEDWAY_SRC_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
