/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads a secret from a file of its own. Called by config_value.c. A file that every user of the
 * machine can read or write holds no secret and is refused; the group may read it, since the
 * service has a group.
 */
#include "config/config_secret.h"

#include <fedway/io/file.h>

#include "config/config_memory.h"

#define SECRET_BYTES_MAX 4096u

int config_secret_read(void **memory, const char *file, const char *given, struct fw_secret *out,
                       struct fw_error *err)
{
	struct fw_file bytes = { 0 };
	char *path = config_memory_path(memory, file, given);
	int ret = path != NULL ? fw_file_read(path, SECRET_BYTES_MAX, &bytes, err)
	                       : fw_error_set(err, FW_ENOMEM, "out of memory");

	if (ret != FW_OK) {
		goto done;
	}
	if ((bytes.mode & (S_IROTH | S_IWOTH)) != 0) {
		ret = fw_error_set(err, FW_EDENIED, "everyone can %s '%s', run: chmod o= '%s'",
		                   (bytes.mode & S_IROTH) != 0 ? "read" : "write", path, path);
		goto done;
	}
	if (bytes.len > 0 && bytes.text[bytes.len - 1] == '\n') {
		bytes.len -= bytes.len > 1 && bytes.text[bytes.len - 2] == '\r' ? 2 : 1;
	}
	if (bytes.len == 0) {
		ret = fw_error_set(err, FW_EINVAL, "'%s' is empty", path);
		goto done;
	}
	out->bytes = config_memory_text(memory, bytes.text, bytes.len);
	out->len = bytes.len;
	out->file = config_memory_text(memory, given, strlen(given));
	if (out->bytes == NULL || out->file == NULL) {
		ret = fw_error_set(err, FW_ENOMEM, "out of memory");
	}
done:
	fw_file_free(&bytes);
	return ret;
}
