/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads and writes the state file, which is whole at every instant. Called by state.c. A file that
 * cannot be understood is never overwritten.
 */
#include "router/state_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fedway/io/file.h>

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

int state_file_write(const char *path, const char *text, struct fw_error *err)
{
	return fw_file_replace(path, fw_str(text), 0600, err);
}
