/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * libconfig lives here: text becomes a tree of nodes that remember file:line. Called by
 * config_load.c. The library gets one text, with includes already in place, so it opens no files
 * itself.
 */
#include "config/config_file.h"

#include <libconfig.h>

#include "config/config_memory.h"
#include "config/config_source.h"

/* libconfig 1.5 loses the last string before a syntax error: LeakSanitizer is told, so that ours
 * stand out. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CONFIG_FILE_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(CONFIG_FILE_SANITIZED)
FW_API const char *__lsan_default_suppressions(void);
FW_API const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

FW_API const char *__lsan_default_options(void);
FW_API const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}
#endif

struct file_reading {
	const struct config_source *source;
	void **memory;
};

/* Fills everything but children. */
static int file_node(const struct file_reading *reading, const config_setting_t *setting,
                     struct config_node *node)
{
	struct config_place place =
	        config_source_place(reading->source, (int)config_setting_source_line(setting));
	const char *name = config_setting_name(setting);
	const char *text;

	node->file = place.file;
	node->line = place.line;
	if (name != NULL) {
		node->name = config_memory_text(reading->memory, name, strlen(name));
	}
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		node->type = CONFIG_GROUP;
		break;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		node->type = CONFIG_NUMBER;
		node->number = config_setting_get_int64(setting);
		break;
	case CONFIG_TYPE_FLOAT:
		node->type = CONFIG_FLOAT;
		node->real = config_setting_get_float(setting);
		break;
	case CONFIG_TYPE_BOOL:
		node->type = CONFIG_BOOL;
		node->number = config_setting_get_bool(setting) ? 1 : 0;
		break;
	case CONFIG_TYPE_STRING:
		node->type = CONFIG_TEXT;
		text = config_setting_get_string(setting);
		text = text != NULL ? text : "";
		node->text = config_memory_text(reading->memory, text, strlen(text));
		break;
	default: /* an array, or a list */
		node->type = CONFIG_LIST;
		break;
	}
	return (name != NULL && node->name == NULL) ||
	                       (node->type == CONFIG_TEXT && node->text == NULL)
	               ? FW_ENOMEM
	               : FW_OK;
}

/* Recursion is bounded: config_scan.c has counted the brackets. */
static int file_tree(const struct file_reading *reading, config_setting_t *setting,
                     struct config_node *node)
{
	struct config_node **tail = &node->first;
	int ret = file_node(reading, setting, node);

	if (ret != FW_OK || (node->type != CONFIG_GROUP && node->type != CONFIG_LIST)) {
		return ret;
	}
	node->count = (size_t)config_setting_length(setting);
	for (unsigned i = 0; ret == FW_OK && i < node->count; i++) {
		struct config_node *child = config_memory_take(reading->memory, sizeof(*child));
		if (child == NULL) {
			return FW_ENOMEM;
		}
		*tail = child;
		tail = &child->next;
		ret = file_tree(reading, config_setting_get_elem(setting, i), child);
	}
	return ret;
}

static void file_syntax_problem(const struct config_source *source, config_t *library)
{
	int line = config_error_line(library);
	struct config_place place = config_source_place(source, line);
	const char *text = config_error_text(library);
	char near[96];

	config_source_near(source, line, near, sizeof(near));
	if (near[0] != '\0') {
		config_problem(source->problems, place.file, place.line, "%s near '%s'",
		               text != NULL ? text : "syntax error", near);
	} else {
		config_problem(source->problems, place.file, place.line,
		               "%s at the end of the file", text != NULL ? text : "syntax error");
	}
}

int config_file_read(const char *path, const char *text, void **memory, struct config_node **out,
                     struct config_problems *problems)
{
	struct config_source source = { .memory = memory, .problems = problems };
	struct file_reading reading = { &source, memory };
	struct config_node *root = config_memory_take(memory, sizeof(*root));
	config_t library;
	int ret;

	config_init(&library);
	ret = root != NULL ? config_source_read(&source, path, text) : FW_ENOMEM;
	if (ret == FW_OK && config_read_string(&library, source.text) != CONFIG_TRUE) {
		file_syntax_problem(&source, &library);
		ret = FW_EPARSE;
	}
	if (ret == FW_OK) {
		ret = file_tree(&reading, config_root_setting(&library), root);
	}
	if (ret == FW_OK) {
		*out = root;
	} else if (problems->count == 0) {
		config_problem(problems, NULL, 0, "%s", fw_strerror(ret));
	}
	config_destroy(&library);
	config_source_free(&source);
	return ret;
}

const struct config_node *config_node_get(const struct config_node *group, const char *name)
{
	if (group == NULL || group->type != CONFIG_GROUP) {
		return NULL;
	}
	for (const struct config_node *node = group->first; node != NULL; node = node->next) {
		if (node->name != NULL && strcmp(node->name, name) == 0) {
			return node;
		}
	}
	return NULL;
}
