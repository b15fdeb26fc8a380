/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A sorted array of link names. Ten thousand links may attach within a second, so a look-up must
 * not walk through the configuration. Who holds a name is written by link.c; nothing here knows
 * links.
 */
#include "router/link_names.h"

#include <stdlib.h>
#include <string.h>

#include <fedway/jid.h>

struct link_names {
	size_t count;
	struct link_name rows[];
};

static int compare_rows(const void *a, const void *b)
{
	return strcmp(((const struct link_name *)a)->key, ((const struct link_name *)b)->key);
}

static int compare_key(const void *key, const void *row)
{
	return strcmp(key, ((const struct link_name *)row)->key);
}

static const char *name_text(const struct link_name *name)
{
	return name->row != NULL ? name->row->name : name->peer->realm;
}

static int fill_row(struct link_name *name, struct fw_error *err)
{
	char key[FW_DOMAIN_SIZE];

	if (fw_domain_key(fw_str(name_text(name)), key, NULL) != FW_OK) {
		return fw_error_set(err, FW_EINVAL, "links: \"%s\" is not a domain name",
		                    name_text(name));
	}
	name->key = fw_str_dup(fw_str(key));
	return name->key != NULL ? FW_OK : FW_ENOMEM;
}

static int fill(struct link_names *names, const struct config *config, struct fw_error *err)
{
	const struct config_link *links = config->router.links.items;
	const struct config_peer *peers = config->router.routers.items;
	size_t link_count = config->router.links.count;

	for (size_t i = 0; i < names->count; i++) {
		struct link_name *name = &names->rows[i];
		name->row = i < link_count ? &links[i] : NULL;
		name->peer = i < link_count ? NULL : &peers[i - link_count];
		int ret = fill_row(name, err);
		if (ret != FW_OK) {
			return ret;
		}
	}
	qsort(names->rows, names->count, sizeof(names->rows[0]), compare_rows);
	for (size_t i = 1; i < names->count; i++) {
		if (strcmp(names->rows[i - 1].key, names->rows[i].key) == 0) {
			return fw_error_set(err, FW_EINVAL, "links: \"%s\" is given twice",
			                    name_text(&names->rows[i]));
		}
	}
	return FW_OK;
}

int link_names_new(const struct config *config, struct link_names **out, struct fw_error *err)
{
	size_t count = config->router.links.count + config->router.routers.count;
	struct link_names *names = calloc(1, sizeof(*names) + count * sizeof(names->rows[0]));
	int ret = FW_ENOMEM;

	if (names == NULL) {
		goto done;
	}
	names->count = count;
	ret = fill(names, config, err);
	if (ret != FW_OK) {
		goto done;
	}
	*out = names;
	names = NULL;
done:
	link_names_free(&names);
	return ret;
}

void link_names_free(struct link_names **names)
{
	if (*names == NULL) {
		return;
	}
	for (size_t i = 0; i < (*names)->count; i++) {
		free((*names)->rows[i].key);
		explicit_bzero(&(*names)->rows[i].keys, sizeof((*names)->rows[i].keys));
	}
	free(*names);
	*names = NULL;
}

struct link_name *link_names_find(struct link_names *names, struct fw_str name)
{
	char key[FW_DOMAIN_SIZE];

	if (names->count == 0 || fw_domain_key(name, key, NULL) != FW_OK) {
		return NULL;
	}
	return bsearch(key, names->rows, names->count, sizeof(names->rows[0]), compare_key);
}

struct link_name *link_names_at(struct link_names *names, size_t index)
{
	return index < names->count ? &names->rows[index] : NULL;
}

size_t link_names_count(const struct link_names *names)
{
	return names->count;
}

/* ---- proof ---- */

const struct fw_secret *link_name_secret(const struct link_name *name)
{
	return name->row != NULL ? &name->row->secret : &name->peer->secret;
}

const char *link_name_certificate(const struct link_name *name)
{
	const char *given =
	        name->row != NULL ? name->row->certificate_name : name->peer->certificate_name;

	return given[0] != '\0' ? given : name_text(name);
}

void link_name_salt(struct fw_str name, unsigned char out[FW_SCRAM_SALT_SIZE])
{
	char key[FW_DOMAIN_SIZE];
	bool domain = fw_domain_key(name, key, NULL) == FW_OK;

	fw_scram_salt(domain ? fw_str(key) : name, out);
}

const struct fw_scram_keys *link_name_keys(struct link_name *name, uint32_t iterations)
{
	const struct fw_secret *secret = link_name_secret(name);
	unsigned char salt[FW_SCRAM_SALT_SIZE];

	if (secret->len == 0) {
		return NULL;
	}
	if (name->keys.iterations != iterations) {
		link_name_salt(fw_str(name->key), salt);
		fw_scram_derive(fw_str_n(secret->bytes, secret->len),
		                fw_str_n((const char *)salt, sizeof(salt)), iterations,
		                &name->keys);
	}
	return &name->keys;
}

void link_name_inherit(struct link_name *name, const struct link_name *old)
{
	const struct fw_secret *a = link_name_secret(old), *b = link_name_secret(name);

	if (fw_equal_const_time(fw_str_n(a->bytes, a->len), fw_str_n(b->bytes, b->len))) {
		name->keys = old->keys;
	}
}
