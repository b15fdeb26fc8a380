/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Files of the tunnel's directory. Nothing here is large or often used: calls block.
 */
#include "components/tunnel/tunnel_files.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <fedway/io/file.h>

int tunnel_directory(const char *path, struct fw_error *err)
{
	struct stat found;

	if (mkdir(path, 0700) != 0 && errno != EEXIST) {
		return fw_error_set(err, FW_ESYS, "cannot make %s: %s", path, strerror(errno));
	}
	if (lstat(path, &found) != 0) {
		return fw_error_set(err, FW_ESYS, "cannot look at %s: %s", path, strerror(errno));
	}
	if (!S_ISDIR(found.st_mode)) {
		return fw_error_set(err, FW_EDENIED, "%s is no directory", path);
	}
	if (found.st_uid != geteuid() || (found.st_mode & 077) != 0) {
		return fw_error_set(
		        err, FW_EDENIED,
		        "%s holds keys: it must belong to the user that runs this and to "
		        "nobody else (chmod 700)",
		        path);
	}
	return FW_OK;
}

int tunnel_file_read(const char *path, size_t max, char **out, struct fw_error *err)
{
	struct fw_file file = { 0 };
	int ret = fw_file_read(path, max, &file, err);

	if (ret == FW_OK && strlen(file.text) != file.len) {
		ret = fw_error_set(err, FW_EPARSE, "'%s' is no text", path);
	}
	if (ret == FW_OK) {
		*out = file.text;
		file.text = NULL;
	}
	fw_file_free(&file);
	return ret;
}

int tunnel_file_write(const char *path, const char *text, struct fw_error *err)
{
	return fw_file_replace(path, fw_str(text), 0600, err);
}
