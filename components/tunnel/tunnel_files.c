/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Files of the tunnel's directory. Nothing here is large or often used: calls block.
 */
#include "components/tunnel/tunnel_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

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
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	struct stat found;
	size_t len = 0;
	int ret = FW_ESYS;

	if (fd < 0) {
		return fw_error_set(err, errno == ENOENT ? FW_ENOENT : FW_ESYS,
		                    "cannot read %s: %s", path, strerror(errno));
	}
	if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) {
		fw_error_set(err, ret, "cannot read %s: no regular file", path);
		goto done;
	}
	if ((size_t)found.st_size > max) {
		ret = fw_error_set(err, FW_ELIMIT, "%s is larger than %zu bytes", path, max);
		goto done;
	}
	size_t size = (size_t)found.st_size;
	text = malloc(size + 1);
	if (text == NULL) {
		ret = FW_ENOMEM;
		goto done;
	}
	while (len < size) {
		ssize_t got = read(fd, text + len, size - len);
		if (got <= 0) {
			break;
		}
		len += (size_t)got;
	}
	text[len] = '\0';
	if (strlen(text) != len) {
		ret = fw_error_set(err, FW_EPARSE, "%s is no text", path);
		goto done;
	}
	*out = text;
	text = NULL;
	ret = FW_OK;
done:
	free(text);
	close(fd);
	return ret;
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t put = write(fd, text, len);
		if (put < 0 && errno != EINTR) {
			return false;
		}
		text += put > 0 ? put : 0;
		len -= put > 0 ? (size_t)put : 0;
	}
	return fsync(fd) == 0;
}

int tunnel_file_write(const char *path, const char *text, unsigned mode, struct fw_error *err)
{
	char temporary[600];
	int ret = FW_ESYS;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	(void)unlink(temporary);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0) {
		return fw_error_set(err, ret, "cannot write %s: %s", temporary, strerror(errno));
	}
	bool good = write_all(fd, text, strlen(text));
	close(fd);
	if (!good || rename(temporary, path) != 0) {
		fw_error_set(err, ret, "cannot write %s: %s", path, strerror(errno));
		(void)unlink(temporary);
		return ret;
	}
	return FW_OK;
}
