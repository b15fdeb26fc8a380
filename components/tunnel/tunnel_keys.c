/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Public keys, and the file authorized_keys, which is read anew each time: what an operator writes
 * there holds at once. A line of ours is "restrict TYPE DATA NAME"; sshd reads the same file.
 */
#include "components/tunnel/tunnel_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "components/tunnel/tunnel_files.h"

#define AUTHORIZED_OPTIONS "restrict "

/* The next word of *rest, which goes behind it. */
static struct fw_str word(struct fw_str *rest)
{
	struct fw_str trimmed = fw_str_trim(*rest);
	const char *end = trimmed.len > 0 ? memchr(trimmed.ptr, ' ', trimmed.len) : NULL;
	size_t len = end != NULL ? (size_t)(end - trimmed.ptr) : trimmed.len;

	*rest = fw_str_n(trimmed.ptr + len, trimmed.len - len);
	return fw_str_n(trimmed.ptr, len);
}

static bool type_known(struct fw_str type)
{
	static const char *const types[] = {
		"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
		"ssh-rsa",
	};

	for (size_t i = 0; i < FW_COUNT(types); i++) {
		if (fw_str_is(type, types[i])) {
			return true;
		}
	}
	return false;
}

static bool is_base64(struct fw_str data)
{
	for (size_t i = 0; i < data.len; i++) {
		unsigned char c = (unsigned char)data.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '+' || c == '/' || c == '=')) {
			return false;
		}
	}
	return data.len >= 16;
}

int tunnel_key_parse(struct fw_str text, struct tunnel_key *out, struct fw_error *err)
{
	text = fw_str_trim(text);
	if (text.len >= sizeof(out->text)) {
		return fw_error_set(err, FW_ELIMIT, "a public key longer than %zu bytes",
		                    sizeof(out->text) - 1);
	}
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 127) {
			return fw_error_set(err, FW_EPARSE, "a public key is one line");
		}
	}
	memcpy(out->text, text.len > 0 ? text.ptr : "", text.len);
	out->text[text.len] = '\0';
	struct fw_str rest = fw_str_n(out->text, text.len);
	out->type = word(&rest);
	out->data = word(&rest);
	out->comment = fw_str_trim(rest);
	if (!type_known(out->type) || !is_base64(out->data)) {
		return fw_error_set(
		        err, FW_EPARSE,
		        "this is no public key: \"ssh-ed25519 AAAA… name\" is expected");
	}
	return FW_OK;
}

int tunnel_key_read(const char *path, struct tunnel_key *out, struct fw_error *err)
{
	struct fw_error why = { 0 };
	char *text = NULL;

	int ret = tunnel_file_read(path, TUNNEL_KEYS_FILE_MAX, &text, err);
	if (ret == FW_OK) {
		ret = tunnel_key_parse(fw_str_n(text, strcspn(text, "\n")), out, &why);
		if (ret != FW_OK) {
			fw_error_set(err, ret, "%s: %s", path, why.text);
		}
	}
	free(text);
	return ret;
}

static bool key_is(const struct tunnel_key *a, const struct tunnel_key *b)
{
	return fw_str_eq(a->type, b->type) && fw_str_eq(a->data, b->data);
}

/* ---- the list ---- */

int tunnel_authorized_each(const struct tunnel *tunnel, tunnel_authorized_fn *fn, void *ctx,
                           struct fw_error *err)
{
	const size_t options = sizeof(AUTHORIZED_OPTIONS) - 1;
	struct tunnel_key *key = malloc(sizeof(*key));
	char path[TUNNEL_PATH_SIZE], *text = NULL;
	bool more = true;

	int ret = tunnel_file_read(tunnel_path(tunnel, "authorized_keys", "", "", path),
	                           TUNNEL_KEYS_FILE_MAX, &text, err);
	if (ret == FW_OK && key == NULL) {
		ret = FW_ENOMEM;
	}
	for (const char *line = text; ret == FW_OK && more && *line != '\0';) {
		size_t len = strcspn(line, "\n");
		if (len > options && strncmp(line, AUTHORIZED_OPTIONS, options) == 0 &&
		    tunnel_key_parse(fw_str_n(line + options, len - options), key, NULL) == FW_OK &&
		    tunnel_realm_good(key->comment)) {
			more = fn(ctx, key, key->comment);
		}
		line += len + (line[len] == '\n' ? 1 : 0);
	}
	free(key);
	free(text);
	return ret == FW_ENOENT ? FW_OK : ret;
}

struct find {
	const struct tunnel_key *key;
	char *name;
	bool found;
};

static bool find_one(void *ctx, const struct tunnel_key *key, struct fw_str name)
{
	struct find *find = ctx;

	if (key_is(key, find->key)) {
		find->found = true;
		snprintf(find->name, TUNNEL_REALM_SIZE, "%.*s", FW_STR_ARG(name));
	}
	return !find->found;
}

int tunnel_authorized_find(const struct tunnel *tunnel, const struct tunnel_key *key,
                           char name[TUNNEL_REALM_SIZE])
{
	struct find find = { key, name, false };

	int ret = tunnel_authorized_each(tunnel, find_one, &find, NULL);
	if (ret == FW_OK && !find.found) {
		ret = FW_ENOENT;
	}
	return ret;
}

/* The list as it is to be: without one key, or one name. */
struct rewrite {
	const struct tunnel_key *without_key;
	struct fw_str without_name;
	char *text;
	size_t len;
	unsigned removed;
};

static void rewrite_line(struct rewrite *rewrite, const struct tunnel_key *key, struct fw_str name)
{
	rewrite->len +=
	        (size_t)snprintf(rewrite->text + rewrite->len, TUNNEL_KEYS_FILE_MAX - rewrite->len,
	                         AUTHORIZED_OPTIONS "%.*s %.*s %.*s\n", FW_STR_ARG(key->type),
	                         FW_STR_ARG(key->data), FW_STR_ARG(name));
}

static bool rewrite_one(void *ctx, const struct tunnel_key *key, struct fw_str name)
{
	struct rewrite *rewrite = ctx;

	if ((rewrite->without_key != NULL && key_is(key, rewrite->without_key)) ||
	    (rewrite->without_name.ptr != NULL && fw_str_eq(name, rewrite->without_name))) {
		rewrite->removed++;
		return true;
	}
	if (rewrite->len + sizeof(key->text) + TUNNEL_REALM_SIZE < TUNNEL_KEYS_FILE_MAX) {
		rewrite_line(rewrite, key, name);
	}
	return true;
}

static int rewrite_run(const struct tunnel *tunnel, struct rewrite *rewrite,
                       const struct tunnel_key *add, const char *name, struct fw_error *err)
{
	char path[TUNNEL_PATH_SIZE];

	rewrite->text = calloc(1, TUNNEL_KEYS_FILE_MAX);
	if (rewrite->text == NULL) {
		return FW_ENOMEM;
	}
	int ret = tunnel_authorized_each(tunnel, rewrite_one, rewrite, err);
	if (ret == FW_OK && add != NULL) {
		if (rewrite->len + sizeof(add->text) + TUNNEL_REALM_SIZE >= TUNNEL_KEYS_FILE_MAX) {
			ret = fw_error_set(err, FW_ELIMIT, "there are too many keys");
		} else {
			rewrite_line(rewrite, add, fw_str(name));
		}
	}
	if (ret == FW_OK) {
		ret = tunnel_file_write(tunnel_path(tunnel, "authorized_keys", "", "", path),
		                        rewrite->text, err);
	}
	free(rewrite->text);
	return ret;
}

int tunnel_authorized_add(const struct tunnel *tunnel, const struct tunnel_key *key,
                          const char *name, struct fw_error *err)
{
	struct rewrite rewrite = { .without_key = key };
	char before[TUNNEL_REALM_SIZE];

	if (tunnel_authorized_find(tunnel, key, before) == FW_OK && strcmp(before, name) == 0) {
		return FW_EEXIST;
	}
	return rewrite_run(tunnel, &rewrite, key, name, err);
}

int tunnel_authorized_remove(const struct tunnel *tunnel, struct fw_str name, struct fw_error *err)
{
	struct rewrite rewrite = { .without_name = name };

	int ret = rewrite_run(tunnel, &rewrite, NULL, NULL, err);
	if (ret == FW_OK && rewrite.removed == 0) {
		ret = fw_error_set(err, FW_ENOENT, "there is no key of that name");
	}
	return ret;
}

int tunnel_authorized_make(const struct tunnel *tunnel, struct fw_error *err)
{
	char path[TUNNEL_PATH_SIZE], *text = NULL;

	tunnel_path(tunnel, "authorized_keys", "", "", path);
	int ret = tunnel_file_read(path, TUNNEL_KEYS_FILE_MAX, &text, err);
	free(text);
	return ret == FW_ENOENT ? tunnel_file_write(path, "", err) : ret;
}
