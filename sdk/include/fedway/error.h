/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Result codes and the sentence that goes with them where a human must read it. A function that can
 * fail returns FW_OK or one of the negative codes; peers' bytes, configuration and the network are
 * errors, never assertions.
 */
#ifndef FEDWAY_ERROR_H
#define FEDWAY_ERROR_H

#include <fedway/abi.h>

FW_BEGIN_DECLS

enum fw_err {
	FW_OK = 0,
	FW_EINVAL = -1,   /**< an argument or value is not allowed here */
	FW_ENOMEM = -2,   /**< out of memory */
	FW_ENOENT = -3,   /**< no such thing */
	FW_EEXIST = -4,   /**< already there, or held by someone else */
	FW_EPARSE = -5,   /**< text that does not follow its grammar */
	FW_ELIMIT = -6,   /**< larger, deeper or more than a limit allows */
	FW_EDENIED = -7,  /**< not permitted to this caller */
	FW_ETIMEOUT = -8, /**< no answer in time */
	FW_ECLOSED = -9,  /**< the other end is gone */
	FW_EABI = -10,    /**< built for another SDK */
	FW_ESYS = -11,    /**< the operating system refused; the text has errno's words */
	FW_EAGAIN = -12,  /**< nothing to do right now; call again when ready */
};

/** A code and one sentence that names the thing and the value. Zero-initialise. */
struct fw_error {
	int code;
	char text[512];
};

/** Static text for a code, e.g. "no such thing". Context: any thread. Never NULL. */
FW_API const char *fw_strerror(int code);

/**
 * Formats a sentence into `err` and returns `code`, so that callers write `return fw_error_set(...)`.
 *
 * @param err     receives code and text; NULL is allowed and ignored
 * @param code    one of enum fw_err
 * @param format  printf format; lower case, no full stop; cut at 511 bytes
 * Context: any thread.
 */
FW_API int fw_error_set(struct fw_error *err, int code, const char *format, ...) FW_PRINTF(3, 4);

/**
 * Ends the process after printing where and why. For our own bugs only: it stays on in release builds.
 */
FW_API void fw_assert_failed(const char *expression, const char *file, int line) __attribute__((noreturn));
#define fw_assert(expression) \
	((expression) ? (void)0 : fw_assert_failed(#expression, __FILE__, __LINE__))

FW_END_DECLS

#endif
