/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Result codes in words, the sentence that goes with them, and the end of the process on a bug of
 * our own. Called by every room. Knows nothing of logs: a failed assertion must be able to speak
 * without them.
 */
#include <fedway/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *fw_strerror(int code)
{
	static const char *const texts[] = {
		[-FW_OK] = "no error",
		[-FW_EINVAL] = "not allowed here",
		[-FW_ENOMEM] = "out of memory",
		[-FW_ENOENT] = "no such thing",
		[-FW_EEXIST] = "already there",
		[-FW_EPARSE] = "does not follow its grammar",
		[-FW_ELIMIT] = "over a limit",
		[-FW_EDENIED] = "not permitted",
		[-FW_ETIMEOUT] = "no answer in time",
		[-FW_ECLOSED] = "the other end is gone",
		[-FW_EABI] = "built for another SDK",
		[-FW_ESYS] = "the operating system refused",
		[-FW_EAGAIN] = "nothing to do right now",
	};

	if (code > 0 || code <= -(int)FW_COUNT(texts)) {
		return "unknown error";
	}
	return texts[-code];
}

int fw_error_set(struct fw_error *err, int code, const char *format, ...)
{
	va_list args;

	if (err == NULL) {
		return code;
	}
	err->code = code;
	va_start(args, format);
	if (vsnprintf(err->text, sizeof(err->text), format, args) < 0) {
		err->text[0] = '\0';
	}
	va_end(args);
	return code;
}

void fw_assert_failed(const char *expression, const char *file, int line)
{
	char text[512];
	int len = snprintf(text, sizeof(text), "fedway: bug: %s:%d: not true: %s\n", file, line,
	                   expression);

	if (len > 0) {
		size_t size = (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
		ssize_t written = write(STDERR_FILENO, text, size);
		(void)written; /* there is nobody left to tell */
	}
	abort();
}
