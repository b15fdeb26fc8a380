/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One value into one member: numbers with their ranges, words of a choice, strings, secrets, lists
 * of strings. Called by config_apply.c. Every sentence says what was given and what is wanted.
 */
#include "config/config_value.h"

#include <inttypes.h>

#include "config/config_describe.h"
#include "config/config_memory.h"
#include "config/config_secret.h"

static void value_unwanted(const struct config_apply *apply, const struct fw_option *row,
                           const struct config_node *node)
{
	char given[80], wanted[512];

	config_describe_wanted(row, wanted, sizeof(wanted));
	if (row->type == FW_OPTION_SECRET) { /* whatever it is, it may be a secret */
		config_problem(apply->problems, node->file, node->line, "%s: %s is wanted",
		               node->name, wanted);
	} else {
		config_problem(apply->problems, node->file, node->line, "%s = %s: %s is wanted",
		               row->name, config_describe_value(node, given, sizeof(given)),
		               wanted);
	}
}

static void value_store_number(const struct fw_option *row, void *target, uint64_t number)
{
	switch (row->type) {
	case FW_OPTION_U16:
		*(uint16_t *)CONFIG_MEMBER(target, row) = (uint16_t)number;
		break;
	case FW_OPTION_U32:
		*(uint32_t *)CONFIG_MEMBER(target, row) = (uint32_t)number;
		break;
	default:
		*(uint64_t *)CONFIG_MEMBER(target, row) = number;
		break;
	}
}

static void value_number(const struct config_apply *apply, const struct fw_option *row,
                         const struct config_node *node, void *target)
{
	uint64_t max = config_describe_max(row);

	if (node->type != CONFIG_NUMBER) {
		value_unwanted(apply, row, node);
	} else if (node->number < 0 || (uint64_t)node->number < row->min ||
	           (uint64_t)node->number > max) {
		config_problem(apply->problems, node->file, node->line,
		               "%s = %" PRId64 " is out of range: %" PRIu64 " to %" PRIu64
		               "%s%s is allowed",
		               row->name, node->number, row->min, max, row->unit != NULL ? " " : "",
		               row->unit != NULL ? row->unit : "");
	} else {
		value_store_number(row, target, (uint64_t)node->number);
	}
}

static const struct fw_choice *value_find_choice(const struct fw_option *row, const char *word)
{
	for (const struct fw_choice *c = row->choices; c != NULL && c->word != NULL; c++) {
		if (strcmp(c->word, word) == 0) {
			return c;
		}
	}
	return NULL;
}

static void value_choice(const struct config_apply *apply, const struct fw_option *row,
                         const struct config_node *node, void *target)
{
	const struct fw_choice *choice =
	        node->type == CONFIG_TEXT ? value_find_choice(row, node->text) : NULL;

	if (choice == NULL) {
		value_unwanted(apply, row, node);
	} else {
		*(int *)CONFIG_MEMBER(target, row) = choice->value;
	}
}

/* Length and the row's own check. */
static bool value_text_good(const struct config_apply *apply, const struct fw_option *row,
                            const struct config_node *node)
{
	size_t len = strlen(node->text);
	char given[80], why[256] = "";

	if (row->type != FW_OPTION_STRINGS && row->max > 0 && (len < row->min || len > row->max)) {
		config_problem(apply->problems, node->file, node->line,
		               "%s = %s has %zu bytes: %" PRIu64 " to %" PRIu64 " are allowed",
		               row->name, config_describe_value(node, given, sizeof(given)), len,
		               row->min, row->max);
		return false;
	}
	if (row->check != NULL &&
	    row->check(node->text, fw_str(row->name), why, sizeof(why)) != 0) {
		config_problem(apply->problems, node->file, node->line, "%s = %s: %s", row->name,
		               config_describe_value(node, given, sizeof(given)),
		               why[0] != '\0' ? why : "not allowed here");
		return false;
	}
	return true;
}

/* Options named …_file, …_dir and directory: paths that are taken from where they are written, like
 * includes and secrets. */
static bool value_is_path(const struct fw_option *row, const char *text)
{
	static const char *const ends[] = { "_file", "_dir", "directory" };
	size_t len = strlen(row->name);

	for (size_t i = 0; i < FW_COUNT(ends); i++) {
		size_t end = strlen(ends[i]);
		if (len >= end && strcmp(row->name + len - end, ends[i]) == 0) {
			return text[0] != '\0' && strcmp(text, "-") != 0;
		}
	}
	return false;
}

static int value_string(const struct config_apply *apply, const struct fw_option *row,
                        const struct config_node *node, void *target)
{
	char *text;

	if (node->type != CONFIG_TEXT) {
		value_unwanted(apply, row, node);
		return FW_OK;
	}
	if (!value_text_good(apply, row, node)) {
		return FW_OK;
	}
	text = value_is_path(row, node->text)
	               ? config_memory_path(apply->memory, node->file, node->text)
	               : config_memory_text(apply->memory, node->text, strlen(node->text));
	*(const char **)CONFIG_MEMBER(target, row) = text;
	return text != NULL ? FW_OK : FW_ENOMEM;
}

const char *config_value_file_key(const struct fw_option *row, char *out, size_t out_size)
{
	snprintf(out, out_size, "%s_file", row->name);
	return out;
}

static int value_secret(const struct config_apply *apply, const struct fw_option *row,
                        const struct config_node *node, void *target)
{
	struct fw_secret *secret = CONFIG_MEMBER(target, row);
	struct fw_secret read = { 0 };
	struct fw_error err = { 0 };

	if (node->type != CONFIG_TEXT) {
		value_unwanted(apply, row, node);
		return FW_OK;
	}
	if (strcmp(node->name, row->name) != 0) {
		int ret = config_secret_read(apply->memory, node->file, node->text, &read, &err);
		if (ret != FW_OK) {
			config_problem(apply->problems, node->file, node->line, "%s: %s",
			               node->name, err.text);
			return ret == FW_ENOMEM ? ret : FW_OK;
		}
	} else {
		read.len = strlen(node->text);
		read.bytes = config_memory_text(apply->memory, node->text, read.len);
		if (read.bytes == NULL) {
			return FW_ENOMEM;
		}
	}
	if (read.len == 0) {
		config_problem(apply->problems, node->file, node->line, "%s: it is empty",
		               node->name);
	} else if (row->max > 0 && (read.len < row->min || read.len > row->max)) {
		config_problem(apply->problems, node->file, node->line,
		               "%s: it has %zu bytes, %" PRIu64 " to %" PRIu64 " are allowed",
		               node->name, read.len, row->min, row->max);
	} else {
		*secret = read;
	}
	return FW_OK;
}

static int value_strings(const struct config_apply *apply, const struct fw_option *row,
                         const struct config_node *node, void *target)
{
	const struct config_node *item = node->type == CONFIG_LIST ? node->first : node;
	size_t count = node->type == CONFIG_LIST ? node->count : 1;
	struct fw_strings *strings = CONFIG_MEMBER(target, row);
	const char **items = config_memory_take(apply->memory, (count + 1) * sizeof(*items));
	size_t used = 0;

	if (items == NULL) {
		return FW_ENOMEM;
	}
	if (row->max > 0 && (count < row->min || count > row->max)) {
		config_problem(apply->problems, node->file, node->line,
		               "%s has %zu items: %" PRIu64 " to %" PRIu64 " are allowed",
		               row->name, count, row->min, row->max);
	}
	for (; used < count; item = item->next) {
		items[used] = ""; /* also where something is wrong */
		if (item->type != CONFIG_TEXT) {
			value_unwanted(apply, row, item);
		} else if (value_text_good(apply, row, item)) {
			items[used] =
			        config_memory_text(apply->memory, item->text, strlen(item->text));
			if (items[used] == NULL) {
				return FW_ENOMEM;
			}
		}
		used++;
	}
	strings->items = items;
	strings->count = count;
	return FW_OK;
}

int config_value_set(const struct config_apply *apply, const struct fw_option *row,
                     const struct config_node *node, void *target)
{
	switch (row->type) {
	case FW_OPTION_BOOL:
		if (node->type != CONFIG_BOOL) {
			value_unwanted(apply, row, node);
		} else {
			*(bool *)CONFIG_MEMBER(target, row) = node->number != 0;
		}
		return FW_OK;
	case FW_OPTION_U16:
	case FW_OPTION_U32:
	case FW_OPTION_U64:
		value_number(apply, row, node, target);
		return FW_OK;
	case FW_OPTION_STRING:
		return value_string(apply, row, node, target);
	case FW_OPTION_CHOICE:
		value_choice(apply, row, node, target);
		return FW_OK;
	case FW_OPTION_SECRET:
		return value_secret(apply, row, node, target);
	case FW_OPTION_STRINGS:
		return value_strings(apply, row, node, target);
	case FW_OPTION_ROWS: /* only to say that this is not one: config_apply.c reads lists of
	                        groups */
		value_unwanted(apply, row, node);
		break;
	}
	return FW_OK;
}

/* "a, b" */
static int value_default_strings(void **memory, const char *text, struct fw_strings *out)
{
	struct fw_str rest = fw_str_trim(fw_str(text));
	const char **items;
	size_t count = rest.len > 0 ? 1 : 0;

	for (size_t i = 0; i < rest.len; i++) {
		count += rest.ptr[i] == ',';
	}
	items = config_memory_take(memory, (count + 1) * sizeof(*items));
	if (items == NULL) {
		return FW_ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		const char *comma = memchr(rest.ptr, ',', rest.len);
		size_t len = comma != NULL ? (size_t)(comma - rest.ptr) : rest.len;
		struct fw_str item = fw_str_trim(fw_str_n(rest.ptr, len));
		items[i] = config_memory_text(memory, item.ptr, item.len);
		if (items[i] == NULL) {
			return FW_ENOMEM;
		}
		rest.ptr += comma != NULL ? len + 1 : len;
		rest.len -= comma != NULL ? len + 1 : len;
	}
	out->items = items;
	out->count = count;
	return FW_OK;
}

int config_value_default(void **memory, const struct fw_option *row, void *target)
{
	const char *text = row->default_text != NULL ? row->default_text : "";
	const struct fw_choice *choice;
	uint64_t number = 0;
	char *copy;

	switch (row->type) {
	case FW_OPTION_BOOL:
		*(bool *)CONFIG_MEMBER(target, row) = strcmp(text, "true") == 0;
		return text[0] == '\0' || strcmp(text, "true") == 0 || strcmp(text, "false") == 0
		               ? FW_OK
		               : FW_EINVAL;
	case FW_OPTION_U16:
	case FW_OPTION_U32:
	case FW_OPTION_U64:
		if (text[0] != '\0' &&
		    fw_str_to_u64(fw_str(text), config_describe_max(row), &number) != FW_OK) {
			return FW_EINVAL;
		}
		value_store_number(row, target, number);
		return text[0] == '\0' || number >= row->min ? FW_OK : FW_EINVAL;
	case FW_OPTION_STRING:
		copy = config_memory_text(memory, text, strlen(text));
		*(const char **)CONFIG_MEMBER(target, row) = copy;
		return copy != NULL ? FW_OK : FW_ENOMEM;
	case FW_OPTION_CHOICE:
		choice = value_find_choice(row, text);
		*(int *)CONFIG_MEMBER(target, row) = choice != NULL ? choice->value : 0;
		return text[0] == '\0' || choice != NULL ? FW_OK : FW_EINVAL;
	case FW_OPTION_STRINGS:
		return value_default_strings(memory, text, CONFIG_MEMBER(target, row));
	case FW_OPTION_SECRET:
	case FW_OPTION_ROWS: /* nothing is the only default they have; the struct is zeroed */
		return text[0] == '\0' ? FW_OK : FW_EINVAL;
	}
	return FW_EINVAL;
}
