/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Option rows and a group of the file make a filled struct. Called by config_load.c and
 * config_components.c, and by whoever wants only the defaults. It is strict: a key that no row
 * names is an error.
 */
#include "config/config_apply.h"

#include <inttypes.h>
#include <stdlib.h>

#include "config/config_describe.h"
#include "config/config_memory.h"
#include "config/config_value.h"

#define NAMES_MAX 160u

/* Every key that may stand in a group of `rows`. */
static size_t apply_names(const struct config_apply *apply, const struct fw_option *rows,
                          const char **names, char (*file_keys)[72])
{
	size_t count = 0;

	for (const struct fw_option *row = rows; row->name != NULL && count + 2 < NAMES_MAX;
	     row++) {
		names[count++] = row->name;
		if (row->type == FW_OPTION_SECRET) {
			names[count] = config_value_file_key(row, file_keys[count],
			                                     sizeof(file_keys[count]));
			count++;
		}
	}
	if (apply->opaque == rows) {
		names[count++] = "options";
	}
	return count;
}

/* " in 'links'", " in 'routes' of module 'resolver'", or nothing for the top level */
static void apply_place(const struct config_apply *apply, const char *section, char *out,
                        size_t out_size)
{
	snprintf(out, out_size, "%s%.60s%s%s%.60s%s", section != NULL ? " in '" : "",
	         section != NULL ? section : "", section != NULL ? "'" : "",
	         apply->module != NULL ? " of module '" : "",
	         apply->module != NULL ? apply->module : "", apply->module != NULL ? "'" : "");
}

static void apply_unknown(const struct config_apply *apply, const struct config_node *node,
                          const char *const *names, size_t count, const char *section)
{
	const char *nearest = config_describe_nearest(node->name, names, count);
	char place[192], known[512] = "";
	size_t used = 0;

	apply_place(apply, section, place, sizeof(place));
	if (nearest != NULL) {
		config_problem(apply->problems, node->file, node->line,
		               "unknown key '%.80s'%s, did you mean '%s'?", node->name, place,
		               nearest);
		return;
	}
	for (size_t i = 0; i < count && used < sizeof(known); i++) {
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
		                         i > 0 ? ", " : "", names[i]);
	}
	config_problem(apply->problems, node->file, node->line,
	               "unknown key '%.80s'%s; known are: %s", node->name, place,
	               count > 0 ? known : "none");
}

static void apply_check_keys(const struct config_apply *apply, const struct config_node *group,
                             const struct fw_option *rows, const char *section)
{
	const char *names[NAMES_MAX];
	char file_keys[NAMES_MAX][72];
	size_t count = apply_names(apply, rows, names, file_keys);

	for (const struct config_node *node = group->first; node != NULL; node = node->next) {
		bool known = false;
		for (size_t i = 0; i < count && !known; i++) {
			known = strcmp(node->name, names[i]) == 0;
		}
		if (!known) {
			apply_unknown(apply, node, names, count, section);
		}
	}
}

static int apply_rows(const struct config_apply *apply, const struct fw_option *row,
                      const struct config_node *list, void *target)
{
	struct fw_rows *out = CONFIG_MEMBER(target, row);
	size_t i = 0;
	int ret = FW_OK;

	if (list->type != CONFIG_LIST) {
		return config_value_set(apply, row, list, target);
	}
	if (row->max > 0 && (list->count < row->min || list->count > row->max)) {
		config_problem(apply->problems, list->file, list->line,
		               "%s has %zu groups: %" PRIu64 " to %" PRIu64 " are allowed",
		               row->name, list->count, row->min, row->max);
	}
	out->items = config_memory_take(apply->memory, (list->count + 1) * row->row_size);
	if (out->items == NULL) {
		return FW_ENOMEM;
	}
	out->count = list->count;
	for (const struct config_node *node = list->first; ret == FW_OK && node != NULL;
	     node = node->next, i++) {
		void *item = (char *)out->items + i * row->row_size;
		if (node->type == CONFIG_GROUP) {
			ret = config_apply_group(apply, node, node, row->rows, item, row->name);
		} else {
			char given[80];
			ret = config_options_defaults(row->rows, item, apply->memory, NULL);
			config_problem(apply->problems, node->file, node->line,
			               "%s holds %s: a group { … } is wanted", row->name,
			               config_describe_value(node, given, sizeof(given)));
		}
	}
	return ret;
}

static void apply_missing(const struct config_apply *apply, const struct config_node *owner,
                          const struct fw_option *row, const char *section)
{
	bool secret = row->type == FW_OPTION_SECRET;
	char key[160], place[192];

	apply_place(apply, section, place, sizeof(place));
	snprintf(key, sizeof(key), secret ? "'%s_file' (or '%s')" : "'%s'", row->name, row->name);
	config_problem(apply->problems, owner->file, owner->line, "%s is missing%s%s%s", key, place,
	               row->help != NULL ? ": " : "", row->help != NULL ? row->help : "");
}

static int apply_row(const struct config_apply *apply, const struct config_node *group,
                     const struct config_node *owner, const struct fw_option *row, void *target,
                     const char *section)
{
	const struct config_node *node = config_node_get(group, row->name);
	int ret = config_value_default(apply->memory, row, target);

	if (ret != FW_OK) {
		config_problem(apply->problems, owner->file, owner->line,
		               "%s%s%sthe default of '%s' cannot be used",
		               apply->module != NULL ? "module '" : "",
		               apply->module != NULL ? apply->module : "",
		               apply->module != NULL ? "': " : "", row->name);
		return ret == FW_ENOMEM ? ret : FW_OK;
	}
	if (row->type == FW_OPTION_SECRET) {
		char key[72];
		const struct config_node *by_file =
		        config_node_get(group, config_value_file_key(row, key, sizeof(key)));
		if (node != NULL && by_file != NULL) {
			config_problem(apply->problems, by_file->file, by_file->line,
			               "'%s' and '%s' are both given: one is enough", row->name,
			               key);
		}
		node = by_file != NULL ? by_file : node;
	}
	if (node == NULL) {
		if (row->default_text == NULL) {
			apply_missing(apply, owner, row, section);
		}
		return FW_OK;
	}
	return row->type == FW_OPTION_ROWS ? apply_rows(apply, row, node, target)
	                                   : config_value_set(apply, row, node, target);
}

int config_apply_group(const struct config_apply *apply, const struct config_node *group,
                       const struct config_node *owner, const struct fw_option *rows, void *target,
                       const char *section)
{
	int ret = FW_OK;

	if (group != NULL) {
		apply_check_keys(apply, group, rows, section);
	}
	for (const struct fw_option *row = rows; ret == FW_OK && row->name != NULL; row++) {
		ret = apply_row(apply, group, owner, row, target, section);
	}
	return ret;
}

int config_options_defaults(const struct fw_option *rows, void *target, void **memory,
                            struct fw_error *err)
{
	for (const struct fw_option *row = rows; row != NULL && row->name != NULL; row++) {
		int ret = config_value_default(memory, row, target);
		if (ret != FW_OK) {
			return fw_error_set(err, ret, "default of '%s': %s", row->name,
			                    fw_strerror(ret));
		}
	}
	return FW_OK;
}

void config_options_free(void **memory)
{
	config_memory_free(memory);
}
