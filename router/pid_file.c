/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Writes the PID file. The lock, not the number in it, tells whether its owner still runs: a number
 * may have been given to another process since.
 */
#include "router/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct pid_file {
	int fd;
	char path[];
};

int pid_file_open(const char *path, struct pid_file **out, struct fw_error *err)
{
	int ret = FW_ENOMEM;
	size_t size = strlen(path) + 1;

	if (size == 1) {
		return FW_OK;
	}
	struct pid_file *file = calloc(1, sizeof(*file) + size);
	if (file == NULL) {
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	memcpy(file->path, path, size);
	file->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (file->fd < 0) {
		ret = fw_error_set(err, FW_ESYS, "pid_file %s: %s", path, strerror(errno));
		goto done;
	}
	if (flock(file->fd, LOCK_EX | LOCK_NB) != 0) {
		ret = fw_error_set(err, FW_EEXIST, "pid_file %s: another fedwayd holds it", path);
		(void)close(file->fd);
		file->fd = -1;
		goto done;
	}
	if (ftruncate(file->fd, 0) != 0 || dprintf(file->fd, "%ld\n", (long)getpid()) < 0) {
		ret = fw_error_set(err, FW_ESYS, "pid_file %s: %s", path, strerror(errno));
		goto done;
	}
	*out = file;
	file = NULL;
	ret = FW_OK;
done:
	pid_file_close(&file);
	return ret;
}

void pid_file_close(struct pid_file **file)
{
	if (*file == NULL) {
		return;
	}
	if ((*file)->fd >= 0) {
		(void)unlink((*file)->path);
		(void)close((*file)->fd);
	}
	free(*file);
	*file = NULL;
}

const char *pid_file_path(const struct pid_file *file)
{
	return file != NULL ? file->path : "";
}
