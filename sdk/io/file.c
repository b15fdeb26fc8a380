/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Small files: read whole, and written so that a reader or a loss of power finds all of one or
 * none. Called for configurations, secrets, keys, and what a node keeps. It waits for the disk.
 */
#include <fedway/io/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- reading ---- */

/* Reads until the file ends or `max` + 1 bytes are there; a file may grow meanwhile. */
static int file_fill(int fd, size_t max, struct fw_file *file)
{
	while (file->len <= max) {
		ssize_t got = read(fd, file->text + file->len, max + 1 - file->len);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got <= 0) {
			return got == 0 ? FW_OK : FW_ESYS;
		}
		file->len += (size_t)got;
	}
	return FW_ELIMIT;
}

int fw_file_read(const char *path, size_t max, struct fw_file *out, struct fw_error *err)
{
	struct fw_file file = { 0 };
	struct stat st;
	size_t room;
	int ret;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, &st) != 0) {
		ret = fw_error_set(err, errno == ENOENT ? FW_ENOENT : FW_ESYS,
		                   "cannot read '%s': %s", path, strerror(errno));
		goto done;
	}
	if (!S_ISREG(st.st_mode)) {
		ret = fw_error_set(err, FW_EINVAL, "cannot read '%s': not a regular file", path);
		goto done;
	}
	file.device = st.st_dev;
	file.inode = st.st_ino;
	file.mode = st.st_mode;
	room = st.st_size >= 0 && (size_t)st.st_size < max ? (size_t)st.st_size : max;
	file.size = room + 2;
	file.text = calloc(1, file.size);
	if (file.text == NULL) {
		ret = fw_error_set(err, FW_ENOMEM, "out of memory");
		goto done;
	}
	ret = file_fill(fd, room, &file);
	if (ret == FW_ELIMIT) {
		ret = room < max
		              ? fw_error_set(err, FW_EAGAIN, "'%s' changed while it was read", path)
		              : fw_error_set(err, FW_ELIMIT, "'%s' is larger than %zu bytes", path,
		                             max);
	} else if (ret != FW_OK) {
		ret = fw_error_set(err, ret, "cannot read '%s': %s", path, strerror(errno));
	}
	if (ret == FW_OK) {
		*out = file;
		file.text = NULL;
	}
done:
	fw_file_free(&file);
	if (fd >= 0) {
		close(fd);
	}
	return ret;
}

void fw_file_free(struct fw_file *file)
{
	if (file->text != NULL) {
		explicit_bzero(file->text, file->size);
	}
	free(file->text);
	file->text = NULL;
}

/* ---- writing ---- */

static int refused(const char *path, struct fw_error *err)
{
	return fw_error_set(err, errno == EEXIST ? FW_EEXIST : FW_ESYS, "cannot write '%s': %s",
	                    path, strerror(errno));
}

static bool write_all(int fd, struct fw_str bytes)
{
	while (bytes.len > 0) {
		ssize_t put = write(fd, bytes.ptr, bytes.len);
		if (put < 0 && errno != EINTR) {
			return false;
		}
		bytes.ptr += put > 0 ? put : 0;
		bytes.len -= put > 0 ? (size_t)put : 0;
	}
	return true;
}

/* A new file, on the disk; one that is only half there is taken away. */
static int write_new(const char *path, struct fw_str bytes, unsigned mode, struct fw_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);

	if (fd < 0) {
		return refused(path, err);
	}
	int ret = FW_OK;
	if (fchmod(fd, mode) != 0 || !write_all(fd, bytes) || fsync(fd) != 0) {
		ret = refused(path, err);
	}
	if (close(fd) != 0 && ret == FW_OK) {
		ret = refused(path, err);
	}
	if (ret != FW_OK) {
		(void)unlink(path);
	}
	return ret;
}

/* The name itself must be on the disk as well. Some file systems cannot be asked for that, nor can
 * a folder that may not be read. */
static int sync_folder(const char *path, struct fw_error *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL   ? strdup(".")
	               : slash == path ? strdup("/")
	                               : strndup(path, (size_t)(slash - path));
	int ret = folder != NULL ? FW_OK : fw_error_set(err, FW_ENOMEM, "out of memory");
	int fd = folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		if (fsync(fd) != 0 && errno != EINVAL) {
			ret = refused(path, err);
		}
		(void)close(fd);
	}
	free(folder);
	return ret;
}

int fw_file_create(const char *path, struct fw_str bytes, unsigned mode, struct fw_error *err)
{
	int ret = write_new(path, bytes, mode, err);

	return ret == FW_OK ? sync_folder(path, err) : ret;
}

int fw_file_replace(const char *path, struct fw_str bytes, unsigned mode, struct fw_error *err)
{
	struct stat old;
	char *next = NULL;

	if (lstat(path, &old) == 0 && !S_ISREG(old.st_mode)) {
		return fw_error_set(err, FW_EDENIED, "cannot write '%s': not a regular file", path);
	}
	if (asprintf(&next, "%s.new", path) < 0) {
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	(void)unlink(next); /* of one who was killed while writing */
	int ret = write_new(next, bytes, mode, err);
	if (ret == FW_OK && rename(next, path) != 0) {
		ret = refused(path, err);
		(void)unlink(next);
	}
	free(next);
	return ret == FW_OK ? sync_folder(path, err) : ret;
}
