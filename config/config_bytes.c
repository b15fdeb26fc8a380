/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads a small regular file whole. Called by config_source.c and config_secret.c. A pipe or a
 * device named by mistake is refused, so that no reading can hang.
 */
#include "config/config_bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads until the file ends or `max` + 1 bytes are there; a file may grow meanwhile. */
static int bytes_fill(int fd, size_t max, struct config_bytes *bytes)
{
	while (bytes->len <= max) {
		ssize_t got = read(fd, bytes->text + bytes->len, max + 1 - bytes->len);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0) {
			return got == 0 ? FW_OK : FW_ESYS;
		}
		bytes->len += (size_t)got;
	}
	return FW_ELIMIT;
}

int config_bytes_read(const char *path, size_t max, struct config_bytes *out, struct fw_error *err)
{
	struct config_bytes bytes = { 0 };
	struct stat st;
	size_t room;
	int ret;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, &st) != 0) {
		ret = fw_error_set(err, FW_ESYS, "cannot read '%s': %s", path, strerror(errno));
		goto done;
	}
	if (!S_ISREG(st.st_mode)) {
		ret = fw_error_set(err, FW_EINVAL, "cannot read '%s': not a regular file", path);
		goto done;
	}
	bytes.device = st.st_dev;
	bytes.inode = st.st_ino;
	bytes.mode = st.st_mode;
	room = st.st_size >= 0 && (size_t)st.st_size < max ? (size_t)st.st_size : max;
	bytes.size = room + 2;
	bytes.text = calloc(1, bytes.size);
	if (bytes.text == NULL) {
		ret = fw_error_set(err, FW_ENOMEM, "out of memory");
		goto done;
	}
	ret = bytes_fill(fd, room, &bytes);
	if (ret == FW_ELIMIT) {
		ret = room < max
		              ? fw_error_set(err, FW_EAGAIN, "'%s' changed while it was read", path)
		              : fw_error_set(err, FW_ELIMIT, "'%s' is larger than %zu bytes", path,
		                             max);
	} else if (ret != FW_OK) {
		ret = fw_error_set(err, ret, "cannot read '%s': %s", path, strerror(errno));
	}
	if (ret == FW_OK) {
		*out = bytes;
		memset(&bytes, 0, sizeof(bytes));
	}
done:
	config_bytes_free(&bytes);
	if (fd >= 0) {
		close(fd);
	}
	return ret;
}

void config_bytes_free(struct config_bytes *bytes)
{
	if (bytes->text != NULL) {
		explicit_bzero(bytes->text, bytes->size);
	}
	free(bytes->text);
	bytes->text = NULL;
}
