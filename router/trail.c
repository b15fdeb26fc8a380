/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Paths between routers, each kept once, and the hop header. Called by links of dialect 3 for every
 * stanza, which allocates nothing once a path is known, and by the announcements (fabric_*.c).
 * There are as many paths as ways through the installation; what a peer can make of that is
 * bounded.
 */
#include "router/trail.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fedway/jid.h>

enum { REALM_MAX = 63, FIRST_ROOM = 16, BUCKETS = 256 };

struct trail {
	uint64_t hash;
	uint32_t next; /* in the same bucket; 0: the last */
	unsigned hops;
	struct fw_str onward;
	struct fw_str path; /* its first part */
};

struct trails {
	char *realm;
	uint32_t max, count, room;
	struct trail *list; /* by number; 0 is the path of what begins here */
	uint32_t buckets[BUCKETS];
};

static int add(struct trails *trails, struct fw_str path, unsigned hops, uint32_t *out)
{
	size_t own = strlen(trails->realm), size = path.len + (path.len > 0 ? 1 : 0) + own;

	if (trails->count == trails->room) {
		uint32_t room = trails->room > 0 ? trails->room * 2 : FIRST_ROOM;
		struct trail *list = realloc(trails->list, room * sizeof(*list));
		if (list == NULL) {
			return FW_ENOMEM;
		}
		trails->list = list;
		trails->room = room;
	}
	char *text = malloc(size + 1);
	if (text == NULL) {
		return FW_ENOMEM;
	}
	(void)snprintf(text, size + 1, "%.*s%s%s", FW_STR_ARG(path), path.len > 0 ? " " : "",
	               trails->realm);
	struct trail *trail = &trails->list[trails->count];
	trail->hash = fw_str_hash(path);
	trail->hops = hops;
	trail->onward = fw_str_n(text, size);
	trail->path = fw_str_n(text, path.len);
	trail->next = 0;
	*out = trails->count++;
	return FW_OK;
}

int trails_new(const char *realm, uint32_t paths_max, struct trails **out)
{
	struct trails *trails = calloc(1, sizeof(*trails));
	uint32_t zero;

	if (trails == NULL) {
		return FW_ENOMEM;
	}
	trails->realm = fw_str_dup(fw_str(realm));
	trails->max = paths_max;
	if (trails->realm == NULL || add(trails, fw_str(""), 0, &zero) != FW_OK) {
		trails_free(&trails);
		return FW_ENOMEM;
	}
	*out = trails;
	return FW_OK;
}

void trails_free(struct trails **trails)
{
	if (*trails == NULL) {
		return;
	}
	for (uint32_t i = 0; i < (*trails)->count; i++) {
		free((char *)(*trails)->list[i].onward.ptr);
	}
	free((*trails)->list);
	free((*trails)->realm);
	free(*trails);
	*trails = NULL;
}

/* Next word of a path; false at the end. */
static bool next_word(struct fw_str *rest, struct fw_str *word)
{
	if (rest->len == 0) {
		return false;
	}
	const char *space = memchr(rest->ptr, ' ', rest->len);
	size_t len = space != NULL ? (size_t)(space - rest->ptr) : rest->len;
	size_t skip = space != NULL ? len + 1 : len;
	*word = fw_str_n(rest->ptr, len);
	*rest = fw_str_n(rest->ptr + skip, rest->len - skip);
	return true;
}

static bool is_word(struct fw_str word, size_t max, char also)
{
	for (size_t i = 0; i < word.len; i++) {
		unsigned char c = (unsigned char)word.ptr[i];
		if (c >= 0x80 ||
		    (!isalnum(c) && c != '-' && c != '_' && c != (unsigned char)also)) {
			return false;
		}
	}
	return word.len > 0 && word.len <= max;
}

/* As the configuration wants realms. */
static bool is_realm(struct fw_str word)
{
	return is_word(word, REALM_MAX, '-');
}

bool trail_is_component(struct fw_str id)
{
	return is_word(id, FW_DOMAIN_SIZE - 1, '.');
}

static bool is_last(struct fw_str path, const char *realm)
{
	size_t len = strlen(realm);

	return path.len >= len && (path.len == len || path.ptr[path.len - len - 1] == ' ') &&
	       fw_str_eq_nocase(fw_str_n(path.ptr + path.len - len, len), fw_str(realm));
}

static int check_path(struct fw_str path, const char *last, unsigned *hops)
{
	struct fw_str rest = path, word;

	*hops = 0;
	if (path.len == 0 || path.ptr[path.len - 1] == ' ') {
		return FW_EPARSE;
	}
	while (next_word(&rest, &word)) {
		if (++*hops > 2 * TRAIL_HOPS_MAX) {
			return FW_ELIMIT;
		}
		if (!is_realm(word)) {
			return FW_EPARSE;
		}
	}
	return is_last(path, last) ? FW_OK : FW_EPARSE;
}

int trail_intern(struct trails *trails, struct trail_peer *peer, struct fw_str path, uint32_t *out)
{
	uint64_t hash = fw_str_hash(path);
	uint32_t *bucket = &trails->buckets[hash % BUCKETS];
	unsigned hops;

	for (uint32_t i = *bucket; i != 0; i = trails->list[i].next) {
		if (trails->list[i].hash == hash && fw_str_eq(trails->list[i].path, path) &&
		    is_last(path, peer->realm)) {
			*out = i;
			return FW_OK;
		}
	}
	int ret = check_path(path, peer->realm, &hops);
	if (ret == FW_OK && peer->paths >= trails->max) {
		ret = FW_ELIMIT;
	}
	if (ret == FW_OK) {
		ret = add(trails, path, hops, out);
	}
	if (ret == FW_OK) {
		peer->paths++;
		trails->list[*out].next = *bucket;
		*bucket = *out;
	}
	return ret;
}

static const struct trail *get(const struct trails *trails, uint32_t trail)
{
	return &trails->list[trail < trails->count ? trail : 0];
}

struct fw_str trail_path(const struct trails *trails, uint32_t trail)
{
	return get(trails, trail)->path;
}

struct fw_str trail_onward(const struct trails *trails, uint32_t trail)
{
	return get(trails, trail)->onward;
}

unsigned trail_hops(const struct trails *trails, uint32_t trail)
{
	return get(trails, trail)->hops;
}

bool trail_has(const struct trails *trails, uint32_t trail, struct fw_str realm)
{
	struct fw_str rest = get(trails, trail)->path, word;

	while (next_word(&rest, &word)) {
		if (fw_str_eq_nocase(word, realm)) {
			return true;
		}
	}
	return false;
}

struct fw_str trail_first(const struct trails *trails, uint32_t trail)
{
	struct fw_str rest = get(trails, trail)->path, word = { 0 };

	(void)next_word(&rest, &word);
	return word;
}

enum fw_cause trail_judge(const struct trails *trails, uint32_t trail)
{
	if (trail == 0) {
		return FW_CAUSE_NONE;
	}
	if (trail_has(trails, trail, fw_str(trails->realm))) {
		return FW_CAUSE_LOOP;
	}
	return trail_hops(trails, trail) > TRAIL_HOPS_MAX ? FW_CAUSE_TOO_MANY_HOPS : FW_CAUSE_NONE;
}

/* ---- the header ---- */

bool trail_is_hop(const struct fw_stanza *element)
{
	return fw_str_is(fw_stanza_name(element), "hop") &&
	       fw_str_is(fw_stanza_ns(element), TRAIL_NS);
}

static int read_xcoder(struct fw_str text, uint64_t *out)
{
	uint64_t value = 0;

	if (text.len == 0 || text.len > 16) {
		return FW_EPARSE;
	}
	for (size_t i = 0; i < text.len; i++) {
		int c = tolower((unsigned char)text.ptr[i]);
		if (!isxdigit(c)) {
			return FW_EPARSE;
		}
		value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*out = value;
	return value != 0 ? FW_OK : FW_EPARSE;
}

int trail_read_hop(struct trails *trails, struct trail_peer *peer, struct fw_stanza *element,
                   struct trail_hop *out)
{
	struct fw_str to = fw_stanza_to(element);
	int ret = read_xcoder(fw_stanza_id(element), &out->xcoder);
	if (ret == FW_OK && to.ptr != NULL && !trail_is_component(to)) {
		ret = FW_EPARSE;
	}
	if (ret == FW_OK) {
		ret = trail_intern(trails, peer, fw_stanza_attr(element, "path"), &out->trail);
	}
	out->destination = to;
	return ret;
}

int trail_apply(const struct trail_hop *hop, struct fw_stanza *stanza)
{
	fw_stanza_set_xcoder(stanza, hop->xcoder);
	fw_stanza_set_trail(stanza, hop->trail);
	return fw_stanza_set_destination(stanza, hop->destination);
}

static void put(char **at, struct fw_str text)
{
	memcpy(*at, text.ptr, text.len);
	*at += text.len;
}

/* As FW_XCODER. */
static void put_xcoder(char **at, uint64_t xcoder)
{
	static const char digits[] = "0123456789ABCDEF";

	for (int shift = 60; shift >= 0; shift -= 4) {
		*(*at)++ = digits[xcoder >> shift & 15];
	}
}

/* Without a format: it is written for every stanza. Nothing in it needs to be escaped. */
struct fw_str trail_write_hop(const struct trails *trails, const struct fw_stanza *stanza,
                              char out[TRAIL_HOP_SIZE])
{
	static const struct fw_str head = FW_STR("<hop xmlns='" TRAIL_NS "' id='"),
	                           path_at = FW_STR("' path='"), to_at = FW_STR("' to='"),
	                           end = FW_STR("'/>");
	struct fw_str path = trail_onward(trails, fw_stanza_trail(stanza));
	struct fw_str to = fw_stanza_destination(stanza);
	char *at = out;

	/* trail_intern() and trail_is_component() bound both. */
	fw_assert(path.len + to.len < TRAIL_HOP_SIZE - 128);
	put(&at, head);
	put_xcoder(&at, fw_stanza_xcoder(stanza));
	put(&at, path_at);
	put(&at, path);
	if (to.len > 0) {
		put(&at, to_at);
		put(&at, to);
	}
	put(&at, end);
	return fw_str_n(out, (size_t)(at - out));
}
