/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads and writes the state file. Called by state.c. A new text goes to a second file, to the disk
 * and then, by rename, in the place of the old one: whoever loses power or is killed finds the old
 * values or the new ones. A file that cannot be understood is never overwritten.
 */
#include "router/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_json.h"

enum { STATE_FORMAT = 1 };

static const char head[] =
        "# What this node has learned while it ran, by command or by provisioning.\n"
        "# fedwayd reads this file once, at start, and writes it anew whenever something changes:\n"
        "# use fedwayctl. To forget all of it, stop fedwayd and remove the file.\n";

/* ---- reading ---- */

int state_file_refuse(const char *path, const char *why, struct fw_error *err)
{
	return fw_error_set(err, FW_EPARSE,
	                    "state_file %s cannot be used: %.*s; mend it, put a copy of it back, "
	                    "or remove it: then the configuration alone counts",
	                    path, (int)strcspn(why, "\n"), why);
}

/* The file is ours, and of this node. */
static int check_head(const char *path, const char *realm, const struct fw_json *file,
                      struct fw_error *err)
{
	struct fw_str of = fw_json_text(fw_json_get(file, "realm"));
	char why[256], quoted[96];

	if (fw_json_int(fw_json_get(file, "format")) != STATE_FORMAT ||
	    fw_json_type(fw_json_get(file, "learned")) != FW_JSON_OBJECT) {
		(void)snprintf(why, sizeof(why),
		               "it lacks \"format = %d\" or the group \"learned\": no state file "
		               "of this release",
		               STATE_FORMAT);
		return state_file_refuse(path, why, err);
	}
	if (!fw_str_is(of, realm)) {
		(void)snprintf(why, sizeof(why), "it belongs to the realm %s, not to \"%s\"",
		               fw_quote(of, quoted, sizeof(quoted)), realm);
		return state_file_refuse(path, why, err);
	}
	return FW_OK;
}

int state_file_read(const char *path, const char *realm, struct fw_json **out, struct fw_error *err)
{
	struct config_problems problems = { 0 };
	struct fw_json *file = NULL;
	struct fw_json *values = NULL;
	struct stat found;

	*out = NULL;
	if (stat(path, &found) != 0 && errno == ENOENT) {
		return FW_OK;
	}
	int ret = config_json_read(path, NULL, &file, &problems);
	if (ret != FW_OK) {
		const char *why = problems.text != NULL ? problems.text : fw_strerror(ret);
		ret = state_file_refuse(path, why, err);
		goto done;
	}
	ret = check_head(path, realm, file, err);
	if (ret != FW_OK) {
		goto done;
	}
	values = fw_json_new();
	const struct fw_json *learned = fw_json_get(file, "learned");
	for (size_t i = 0; i < fw_json_count(learned); i++) {
		fw_json_set_copy(values, fw_json_key_at(learned, i), fw_json_at(learned, i));
	}
	if (fw_json_count(values) != fw_json_count(learned)) {
		fw_json_free(&values);
		ret = fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	*out = values;
done:
	config_problems_free(&problems);
	fw_json_free(&file);
	return ret;
}

/* ---- writing ---- */

char *state_file_text(const char *realm, const struct fw_json *values)
{
	struct fw_json *file = fw_json_new();
	char *body = NULL, *text = NULL;

	fw_json_set_int(file, "format", STATE_FORMAT);
	fw_json_set(file, "realm", fw_str(realm));
	fw_json_set_copy(file, "learned", values);
	char *complete = fw_json_dump(file, false); /* NULL when an allocation has failed */
	body = complete != NULL ? config_json_text(file) : NULL;
	if (body != NULL && asprintf(&text, "%s%s", head, body) < 0) {
		text = NULL;
	}
	free(complete);
	free(body);
	fw_json_free(&file);
	return text;
}

static int refused(const char *what, const char *path, struct fw_error *err)
{
	return fw_error_set(err, FW_ESYS, "%s %s: %s", what, path, strerror(errno));
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t wrote = write(fd, text, len);
		if (wrote < 0 && errno != EINTR) {
			return FW_ESYS;
		}
		text += wrote > 0 ? wrote : 0;
		len -= wrote > 0 ? (size_t)wrote : 0;
	}
	return FW_OK;
}

/* The rename itself must be on the disk as well. Some file systems cannot be asked for that. */
static int sync_folder(const char *path, struct fw_error *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL   ? strdup(".")
	               : slash == path ? strdup("/")
	                               : strndup(path, (size_t)(slash - path));
	int fd = folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int ret = FW_OK;

	if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL)) {
		ret = refused("cannot write", path, err);
	}
	if (fd >= 0) {
		(void)close(fd);
	}
	free(folder);
	return ret;
}

int state_file_write(const char *path, const char *text, struct fw_error *err)
{
	char *next = NULL;
	int fd = -1;
	int ret = FW_ESYS;

	if (asprintf(&next, "%s.new", path) < 0) {
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, 0600) != 0 || write_all(fd, text, strlen(text)) != FW_OK ||
	    fsync(fd) != 0) {
		ret = refused("cannot write", next, err);
		goto done;
	}
	if (rename(next, path) != 0) {
		ret = refused("cannot replace", path, err);
		goto done;
	}
	ret = sync_folder(path, err);
done:
	if (fd >= 0) {
		(void)close(fd);
	}
	free(next);
	return ret;
}
