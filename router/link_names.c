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

static int fill(struct link_names *names, const struct config *config, struct fw_error *err)
{
	const struct config_link *links = config->router.links.items;

	for (size_t i = 0; i < names->count; i++) {
		char key[FW_DOMAIN_SIZE];
		if (fw_domain_key(fw_str(links[i].name), key, NULL) != FW_OK) {
			return fw_error_set(err, FW_EINVAL, "links: \"%s\" is not a domain name",
			                    links[i].name);
		}
		names->rows[i].row = &links[i];
		names->rows[i].key = fw_str_dup(fw_str(key));
		if (names->rows[i].key == NULL) {
			return FW_ENOMEM;
		}
	}
	qsort(names->rows, names->count, sizeof(names->rows[0]), compare_rows);
	for (size_t i = 1; i < names->count; i++) {
		if (strcmp(names->rows[i - 1].key, names->rows[i].key) == 0) {
			return fw_error_set(err, FW_EINVAL, "links: \"%s\" is given twice",
			                    names->rows[i].row->name);
		}
	}
	return FW_OK;
}

int link_names_new(const struct config *config, struct link_names **out, struct fw_error *err)
{
	size_t count = config->router.links.count;
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
