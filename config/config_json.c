/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Between the tree of a file and values, both ways. Called by the router's state file. The grammar
 * is config_file.c's; what the values mean is the caller's.
 */
#include "config/config_json.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "config/config_file.h"
#include "config/config_memory.h"

enum { JSON_NAME_MAX = 63, JSON_LINES = 2 /* containers that are spread over lines */ };

bool config_json_is_name(const char *name)
{
	size_t len = strlen(name);

	if (!isalpha((unsigned char)name[0]) || len > JSON_NAME_MAX) {
		return false;
	}
	for (const char *at = name; *at != '\0'; at++) {
		if (!isascii(*at) || (!isalnum((unsigned char)*at) && *at != '-' && *at != '_')) {
			return false;
		}
	}
	return strcasecmp(name, "true") != 0 && strcasecmp(name, "false") != 0;
}

/* ---- reading ---- */

static int read_members(const struct config_node *group, struct fw_json *object,
                        struct config_problems *problems);

static int refuse(const struct config_node *node, const char *what,
                  struct config_problems *problems)
{
	config_problem(problems, node->file, node->line, "%s", what);
	return FW_EINVAL;
}

static int read_list(const struct config_node *list, struct fw_json *array,
                     struct config_problems *problems)
{
	int ret = FW_OK;

	for (const struct config_node *node = list->first; ret == FW_OK && node != NULL;
	     node = node->next) {
		if (node->type == CONFIG_TEXT) {
			fw_json_append(array, fw_str(node->text));
		} else if (node->type == CONFIG_GROUP) {
			ret = read_members(node, fw_json_append_object(array), problems);
		} else {
			ret = refuse(node, "a list holds texts or groups here", problems);
		}
	}
	return ret;
}

static int read_member(const struct config_node *node, struct fw_json *object,
                       struct config_problems *problems)
{
	switch (node->type) {
	case CONFIG_GROUP:
		return read_members(node, fw_json_set_object(object, node->name), problems);
	case CONFIG_LIST:
		return read_list(node, fw_json_set_array(object, node->name), problems);
	case CONFIG_BOOL:
		fw_json_set_bool(object, node->name, node->number != 0);
		return FW_OK;
	case CONFIG_NUMBER:
		fw_json_set_int(object, node->name, node->number);
		return FW_OK;
	case CONFIG_TEXT:
		fw_json_set(object, node->name, fw_str(node->text));
		return FW_OK;
	case CONFIG_FLOAT:
		break;
	}
	return refuse(node, "a number with a fraction has no place here", problems);
}

/* Recursion is bounded: config_scan.c has counted the brackets. */
static int read_members(const struct config_node *group, struct fw_json *object,
                        struct config_problems *problems)
{
	int ret = FW_OK;

	for (const struct config_node *node = group->first; ret == FW_OK && node != NULL;
	     node = node->next) {
		ret = read_member(node, object, problems);
	}
	return ret;
}

int config_json_read(const char *path, const char *text, struct fw_json **out,
                     struct config_problems *problems)
{
	struct fw_json *json = fw_json_new();
	struct config_node *top = NULL;
	void *memory = NULL;
	int ret = json != NULL ? config_file_read(path, text, &memory, &top, problems) : FW_ENOMEM;

	if (ret == FW_OK) {
		ret = read_members(top, json, problems);
	}
	if (ret == FW_OK) {
		*out = json;
		json = NULL;
	}
	config_memory_free(&memory);
	fw_json_free(&json);
	return ret;
}

/* ---- writing ---- */

static void write_text(FILE *out, struct fw_str text)
{
	(void)fputc('"', out);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.ptr[i];
		if (byte == '"' || byte == '\\') {
			(void)fprintf(out, "\\%c", byte);
		} else if (byte < 0x20 || byte == 0x7f) {
			(void)fprintf(out, "\\x%02x", byte);
		} else {
			(void)fputc(byte, out);
		}
	}
	(void)fputc('"', out);
}

/* Goes to a new line as long as the text is spread, else one blank further. */
static void write_gap(FILE *out, unsigned depth, bool spread)
{
	if (spread) {
		(void)fprintf(out, "\n%*s", (int)depth * 2, "");
	} else {
		(void)fputc(' ', out);
	}
}

static void write_value(FILE *out, const struct fw_json *value, unsigned depth);

static void write_items(FILE *out, const struct fw_json *container, unsigned depth)
{
	bool object = fw_json_type(container) == FW_JSON_OBJECT;
	size_t count = fw_json_count(container);
	bool spread = depth <= JSON_LINES;

	for (size_t i = 0; i < count; i++) {
		if (depth > 0 || i > 0) {
			write_gap(out, depth, spread);
		}
		if (object) {
			(void)fprintf(out, "%s = ", fw_json_key_at(container, i));
		}
		write_value(out, fw_json_at(container, i), depth);
		if (object || i + 1 < count) {
			(void)fputc(object ? ';' : ',', out);
		}
	}
	if (depth > 0) {
		write_gap(out, depth - 1, spread && count > 0);
	}
}

static void write_value(FILE *out, const struct fw_json *value, unsigned depth)
{
	switch (fw_json_type(value)) {
	case FW_JSON_OBJECT:
		(void)fputc('{', out);
		write_items(out, value, depth + 1);
		(void)fputc('}', out);
		break;
	case FW_JSON_ARRAY:
		(void)fputc('(', out);
		write_items(out, value, depth + 1);
		(void)fputc(')', out);
		break;
	case FW_JSON_STRING:
		write_text(out, fw_json_text(value));
		break;
	case FW_JSON_NUMBER:
		(void)fprintf(out, "%lld", (long long)fw_json_int(value));
		break;
	case FW_JSON_BOOL:
		(void)fputs(fw_json_bool(value) ? "true" : "false", out);
		break;
	case FW_JSON_NULL: /* the grammar has none */
		(void)fputs("\"\"", out);
		break;
	}
}

char *config_json_text(const struct fw_json *object)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL) {
		return NULL;
	}
	write_items(out, object, 0);
	(void)fputc('\n', out);
	bool failed = ferror(out) != 0;
	if (fclose(out) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}
