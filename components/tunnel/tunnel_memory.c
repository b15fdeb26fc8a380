/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What peers have told. Sessions write it, tunnel_learn.c reads it. The file is a line of JSON;
 * each value is a text in it, so that it is copied and never rebuilt.
 */
#include "components/tunnel/tunnel_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "components/tunnel/tunnel_files.h"

enum { MEMORY_FILE_MAX = 64 << 20 };

/* ---- one peer ---- */

static void known_free(struct tunnel_known *known)
{
	free(known->key);
	free(known->text);
	fw_json_free(&known->holder);
	free(known);
}

static struct tunnel_known **known_find(struct tunnel_peer *peer, const char *key)
{
	struct tunnel_known **at = &peer->known;

	while (*at != NULL && strcmp((*at)->key, key) != 0) {
		at = &(*at)->next;
	}
	return at;
}

/* A value that is neither object nor array stands in an object of its own. */
static int known_new(const char *key, const char *text, struct tunnel_known **out)
{
	struct tunnel_known *known = calloc(1, sizeof(*known));
	size_t size = strlen(text) + sizeof("{\"v\":}");
	char *whole = malloc(size);
	int ret = FW_ENOMEM;

	if (known != NULL && whole != NULL) {
		snprintf(whole, size, "{\"v\":%s}", text);
		known->key = fw_str_dup(fw_str(key));
		known->text = fw_str_dup(fw_str(text));
		ret = known->key == NULL || known->text == NULL
		              ? FW_ENOMEM
		              : fw_json_parse(fw_str(whole), &known->holder, NULL);
	}
	free(whole);
	if (ret != FW_OK) {
		if (known != NULL) {
			known_free(known);
		}
		return ret;
	}
	*out = known;
	return FW_OK;
}

static int peer_set_text(struct tunnel_peer *peer, const char *key, const char *text)
{
	struct tunnel_known **at = known_find(peer, key), *old = *at, *made = NULL;
	size_t count = 0;

	if (text == NULL || strcmp(text, "null") == 0) {
		if (old != NULL) {
			*at = old->next;
			known_free(old);
		}
		return FW_OK;
	}
	for (const struct tunnel_known *each = peer->known; each != NULL; each = each->next) {
		count++;
	}
	if (old == NULL && count >= TUNNEL_KEYS_MAX) {
		return FW_ELIMIT;
	}
	int ret = known_new(key, text, &made);
	if (ret != FW_OK) {
		return ret;
	}
	made->next = old != NULL ? old->next : NULL;
	*at = made;
	if (old != NULL) {
		known_free(old);
	}
	return FW_OK;
}

int tunnel_peer_set(struct tunnel_peer *peer, const char *key, const struct fw_json *value)
{
	char *text = NULL;

	if (fw_json_type(value) != FW_JSON_NULL) {
		text = fw_json_dump(value, false);
		if (text == NULL) {
			return FW_ENOMEM;
		}
	}
	int ret = peer_set_text(peer, key, text);
	free(text);
	return ret;
}

void tunnel_peer_clear(struct tunnel_peer *peer)
{
	while (peer->known != NULL) {
		struct tunnel_known *first = peer->known;
		peer->known = first->next;
		known_free(first);
	}
}

const struct fw_json *tunnel_peer_value(const struct tunnel_peer *peer, const char *key)
{
	for (const struct tunnel_known *known = peer->known; known != NULL; known = known->next) {
		if (strcmp(known->key, key) == 0) {
			return fw_json_get(known->holder, "v");
		}
	}
	return NULL;
}

/* ---- all of them ---- */

static void peer_free(struct tunnel_peer *peer)
{
	tunnel_peer_clear(peer);
	free(peer->realm);
	free(peer);
}

struct tunnel_peer *tunnel_memory_find(const struct tunnel_memory *memory, const char *realm)
{
	struct tunnel_peer *peer = memory->peers;

	while (peer != NULL && strcmp(peer->realm, realm) != 0) {
		peer = peer->next;
	}
	return peer;
}

int tunnel_memory_get(struct tunnel_memory *memory, const char *realm, struct tunnel_peer **out)
{
	struct tunnel_peer **end = &memory->peers;
	size_t count = 0;

	for (; *end != NULL; end = &(*end)->next, count++) {
		if (strcmp((*end)->realm, realm) == 0) {
			*out = *end;
			return FW_OK;
		}
	}
	if (count >= TUNNEL_PEERS_MAX) {
		return FW_ELIMIT;
	}
	struct tunnel_peer *peer = calloc(1, sizeof(*peer));
	if (peer != NULL) {
		peer->realm = fw_str_dup(fw_str(realm));
	}
	if (peer == NULL || peer->realm == NULL) {
		free(peer);
		return FW_ENOMEM;
	}
	*end = peer;
	*out = peer;
	return FW_OK;
}

void tunnel_memory_forget(struct tunnel_memory *memory, const char *realm)
{
	for (struct tunnel_peer **at = &memory->peers; *at != NULL; at = &(*at)->next) {
		if (strcmp((*at)->realm, realm) == 0) {
			struct tunnel_peer *dead = *at;
			*at = dead->next;
			peer_free(dead);
			return;
		}
	}
}

/* ---- the file ---- */

static int peer_read(struct tunnel_memory *memory, const struct fw_json *row)
{
	const struct fw_json *values = fw_json_get(row, "values");
	struct fw_str realm = fw_json_text(fw_json_get(row, "realm"));
	struct fw_str epoch = fw_json_text(fw_json_get(row, "epoch"));
	struct tunnel_peer *peer = NULL;
	int ret = FW_EPARSE;

	if (realm.len == 0 || epoch.len >= TUNNEL_EPOCH_SIZE) {
		return ret;
	}
	ret = tunnel_memory_get(memory, realm.ptr, &peer);
	for (size_t i = 0; i < fw_json_count(values) && ret == FW_OK; i++) {
		struct fw_str text = fw_json_text(fw_json_at(values, i));
		ret = text.len > 0 ? peer_set_text(peer, fw_json_key_at(values, i), text.ptr)
		                   : FW_EPARSE;
	}
	if (ret == FW_OK) { /* without all values the peer has to tell all again */
		snprintf(peer->epoch, sizeof(peer->epoch), "%.*s", FW_STR_ARG(epoch));
		peer->serial = (uint64_t)fw_json_int(fw_json_get(row, "serial"));
	}
	return ret;
}

static int memory_read(struct tunnel_memory *memory, struct fw_error *err)
{
	struct fw_json *json = NULL;
	char *text = NULL;

	int ret = tunnel_file_read(memory->path, MEMORY_FILE_MAX, &text, err);
	if (ret == FW_OK) {
		ret = fw_json_parse(fw_str(text), &json, err);
	}
	const struct fw_json *peers = fw_json_get(json, "peers");
	for (size_t i = 0; i < fw_json_count(peers) && ret == FW_OK; i++) {
		ret = peer_read(memory, fw_json_at(peers, i));
	}
	fw_json_free(&json);
	free(text);
	return ret == FW_ENOENT ? FW_OK : ret;
}

struct tunnel_memory *tunnel_memory_open(const char *path, struct fw_error *err)
{
	struct tunnel_memory *memory = calloc(1, sizeof(*memory));

	if (memory == NULL || path == NULL) {
		return memory;
	}
	memory->path = fw_str_dup(fw_str(path));
	if (memory->path == NULL) {
		tunnel_memory_free(&memory);
		return NULL;
	}
	int ret = memory_read(memory, err);
	if (ret != FW_OK) {
		fw_error_set(err, ret, "%s is not what it was written as: %s", path,
		             fw_strerror(ret));
	} else if (err != NULL) {
		err->text[0] = '\0';
	}
	return memory;
}

void tunnel_memory_free(struct tunnel_memory **memory)
{
	struct tunnel_memory *dead = *memory;

	*memory = NULL;
	if (dead == NULL) {
		return;
	}
	while (dead->peers != NULL) {
		tunnel_memory_forget(dead, dead->peers->realm);
	}
	free(dead->path);
	free(dead);
}

int tunnel_memory_keep(const struct tunnel_memory *memory, struct fw_error *err)
{
	struct fw_json *json = fw_json_new();
	struct fw_json *peers = fw_json_set_array(json, "peers");

	if (memory->path == NULL) {
		fw_json_free(&json);
		return FW_OK;
	}
	for (const struct tunnel_peer *peer = memory->peers; peer != NULL; peer = peer->next) {
		struct fw_json *row = fw_json_append_object(peers);
		fw_json_set(row, "realm", fw_str(peer->realm));
		fw_json_set(row, "epoch", fw_str(peer->epoch));
		fw_json_set_int(row, "serial", (int64_t)peer->serial);
		struct fw_json *values = fw_json_set_object(row, "values");
		for (const struct tunnel_known *known = peer->known; known != NULL;
		     known = known->next) {
			fw_json_set(values, known->key, fw_str(known->text));
		}
	}
	char *text = json != NULL ? fw_json_dump(json, false) : NULL;
	int ret = text != NULL ? tunnel_file_write(memory->path, text, err) : FW_ENOMEM;
	free(text);
	fw_json_free(&json);
	return ret;
}
