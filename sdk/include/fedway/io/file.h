/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Small files, whole: read at once; written so that nobody ever finds half of one, not after a crash or a loss of power
 * either. Calls block until the disk has it: for what is small and seldom written. Errors name the file.
 */
#ifndef FEDWAY_IO_FILE_H
#define FEDWAY_IO_FILE_H

#include <sys/stat.h>

#include <fedway/error.h>
#include <fedway/str.h>

FW_BEGIN_DECLS

/** What was read. Zero-initialise. */
struct fw_file {
	char *text;       /**< its bytes, and a zero byte behind them */
	size_t len, size; /**< used, taken */
	dev_t device;
	ino_t inode;
	mode_t mode;
};

/**
 * Reads a regular file; a pipe or a device named by mistake is refused, so that no reading can hang.
 * @return FW_OK [g]; FW_ENOENT, FW_EINVAL (not a regular file), FW_ELIMIT (larger than `max`), FW_EAGAIN (it grew
 *         meanwhile), FW_ESYS, FW_ENOMEM
 */
FW_API int fw_file_read(const char *path, size_t max, struct fw_file *out, struct fw_error *err);
/** Wipes and frees the text. */
FW_API void fw_file_free(struct fw_file *file);

/**
 * Puts a file in the place of another, or where none is, at one instant: by way of "PATH.new" in the same folder, of
 * which one process writes at a time.
 * @param mode  its permissions, whatever the umask says
 * @return FW_OK; FW_EDENIED: what is there is not a regular file, and stays; FW_EEXIST: a folder "PATH.new" is in the
 *         way; FW_ESYS, FW_ENOMEM. The old file is there still, unless the disk failed at the very last step
 */
FW_API int fw_file_replace(const char *path, struct fw_str bytes, unsigned mode, struct fw_error *err);
/** Makes a file where none is, or none at all. @return FW_OK, FW_EEXIST, FW_ESYS */
FW_API int fw_file_create(const char *path, struct fw_str bytes, unsigned mode, struct fw_error *err);

FW_END_DECLS

#endif
