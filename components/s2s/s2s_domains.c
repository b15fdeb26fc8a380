/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Finds the row of `domains` that speaks for a remote domain and direction. A sorted table and a
 * few binary searches, from the whole name to its last label. What a row says is others' business:
 * s2s_security.c reads what concerns trust.
 */
#include "components/s2s/s2s_domains.h"

#include <fedway/jid.h>

#include <stdlib.h>
#include <string.h>

struct domains_entry {
	char key[FW_DOMAIN_SIZE]; /* without "*." */
	bool suffix;
	int direction;
	const struct s2s_domain_row *row;
};

struct s2s_domains {
	size_t count;
	struct domains_entry entries[];
};

/* ---- making the table ---- */

static int domains_compare(const void *a_in, const void *b_in)
{
	const struct domains_entry *a = a_in;
	const struct domains_entry *b = b_in;
	int order = strcmp(a->key, b->key);

	if (order == 0) {
		order = (int)a->suffix - (int)b->suffix;
	}
	return order != 0 ? order : a->direction - b->direction;
}

static int domains_read(const struct s2s_domain_row *row, struct domains_entry *entry,
                        struct fw_error *err)
{
	entry->row = row;
	entry->direction = row->direction;
	entry->suffix = strncmp(row->name, "*.", 2) == 0;
	if (fw_domain_key(fw_str(row->name + (entry->suffix ? 2 : 0)), entry->key, NULL) != FW_OK) {
		return fw_error_set(
		        err, FW_EINVAL,
		        "domains: \"%s\" is no domain; give one like \"partner.example\", or "
		        "\"*.partner.example\" for it and all below it",
		        row->name);
	}
	return FW_OK;
}

int s2s_domains_new(const struct fw_rows *rows, struct s2s_domains **out, struct fw_error *err)
{
	const struct s2s_domain_row *items = rows->items;
	struct s2s_domains *domains =
	        calloc(1, sizeof(*domains) + rows->count * sizeof(domains->entries[0]));
	int ret = FW_OK;

	if (domains == NULL) {
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	domains->count = rows->count;
	for (size_t i = 0; ret == FW_OK && i < rows->count; i++) {
		ret = domains_read(&items[i], &domains->entries[i], err);
	}
	if (ret != FW_OK) {
		goto done;
	}
	if (domains->count > 1) {
		qsort(domains->entries, domains->count, sizeof(domains->entries[0]),
		      domains_compare);
	}
	for (size_t i = 1; ret == FW_OK && i < domains->count; i++) {
		if (domains_compare(&domains->entries[i - 1], &domains->entries[i]) == 0) {
			ret = fw_error_set(err, FW_EINVAL,
			                   "domains: \"%s\" is given twice for the same direction; "
			                   "join the two rows",
			                   domains->entries[i].row->name);
		}
	}
	if (ret == FW_OK) {
		*out = domains;
		domains = NULL; /* given away */
	}
done:
	s2s_domains_free(&domains);
	return ret;
}

void s2s_domains_free(struct s2s_domains **domains)
{
	free(*domains);
	*domains = NULL;
}

/* ---- finding ---- */

static const struct s2s_domain_row *domains_get(const struct s2s_domains *domains, const char *key,
                                                bool suffix, int direction)
{
	size_t low = 0;
	size_t high = domains->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct domains_entry *entry = &domains->entries[middle];
		int order = strcmp(key, entry->key);
		order = order != 0 ? order : (int)suffix - (int)entry->suffix;
		order = order != 0 ? order : direction - entry->direction;
		if (order == 0) {
			return entry->row;
		}
		if (order < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return NULL;
}

static const struct s2s_domain_row *domains_of(const struct s2s_domains *domains, const char *key,
                                               bool suffix, enum s2s_direction direction)
{
	const struct s2s_domain_row *row = domains_get(domains, key, suffix, direction);

	return row != NULL ? row : domains_get(domains, key, suffix, S2S_BOTH);
}

const struct s2s_domain_row *s2s_domains_find(const struct s2s_domains *domains, const char *remote,
                                              enum s2s_direction direction)
{
	const struct s2s_domain_row *row = domains_of(domains, remote, false, direction);

	while (row == NULL && domains->count > 0) {
		row = domains_of(domains, remote, true, direction);
		const char *dot = strchr(remote, '.');
		if (dot == NULL) {
			break;
		}
		remote = dot + 1;
	}
	return row;
}
