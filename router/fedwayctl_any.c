/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Shows the result of a command that this program knows nothing of: a component's. Names become
 * titles, units are read from their ends, lists of objects become tables. The layout of commands
 * that are known is fedwayctl_print.c.
 */
#include <stdlib.h>
#include <string.h>

#include "router/fedwayctl.h"
#include "router/fedwayctl_table.h"

enum { ANY_COLUMNS = 20, ANY_TITLE_SIZE = 40, ANY_DEPTH = 8 };

static enum table_unit unit_of(const char *key)
{
	size_t len = strlen(key);

	if (len > 3 && strcmp(key + len - 3, "_ms") == 0) {
		return TABLE_MS;
	}
	return len >= 5 && (strcmp(key + len - 5, "bytes") == 0 || strncmp(key, "bytes_", 6) == 0)
	               ? TABLE_BYTES
	               : TABLE_PLAIN;
}

/* "queued_stanzas" is shown as "queued stanzas", "idle_ms" as "idle". */
static void title_of(const char *key, bool capitals, char out[ANY_TITLE_SIZE])
{
	size_t len = strlen(key) - (unit_of(key) == TABLE_MS ? 3 : 0);
	size_t i;

	for (i = 0; i < len && i + 1 < ANY_TITLE_SIZE; i++) {
		char c = key[i] == '_' ? ' ' : key[i];
		bool control = (unsigned char)c < 0x20 || (unsigned char)c == 0x7f;
		c = capitals && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
		out[i] = control ? '?' : c;
	}
	out[i] = '\0';
}

static bool is_container(const struct fw_json *json)
{
	return fw_json_type(json) == FW_JSON_ARRAY || fw_json_type(json) == FW_JSON_OBJECT;
}

/* What stands elsewhere: the heading and the failure. */
static bool is_shown_elsewhere(const char *key, int depth)
{
	return depth == 0 &&
	       (strcmp(key, "id") == 0 || strcmp(key, "error") == 0 || strcmp(key, "remedy") == 0);
}

/* Sentences make no columns: they stand below the table. */
static bool is_sentence(const char *key)
{
	return strcmp(key, "remedy") == 0 || strcmp(key, "last_error") == 0;
}

/* What is wrong with a row, and what can be done about it; the row by its first value. */
static void print_sentences(FILE *out, const struct fw_json *row)
{
	struct fw_str error = fw_json_text(fw_json_get(row, "last_error"));
	struct fw_str remedy = fw_json_text(fw_json_get(row, "remedy"));

	if (error.len == 0 && remedy.len == 0) {
		return;
	}
	table_text(out, fw_json_text(fw_json_at(row, 0)));
	(void)fputs(": ", out);
	table_text(out, error);
	(void)fputs(remedy.len > 0 ? "\n  what to do: " : "", out);
	table_text(out, remedy);
	(void)fputc('\n', out);
}

/* A table with a column for each name that any of the rows has. */
static void print_rows(FILE *out, const struct fw_json *array)
{
	static struct table_column columns[ANY_COLUMNS + 1];
	static char titles[ANY_COLUMNS][ANY_TITLE_SIZE];
	size_t used = 0;

	for (size_t i = 0; i < fw_json_count(array); i++) {
		const struct fw_json *row = fw_json_at(array, i);
		for (size_t j = 0; j < fw_json_count(row) && used < ANY_COLUMNS; j++) {
			const char *key = fw_json_key_at(row, j);
			size_t c = 0;
			while (c < used && strcmp(columns[c].key, key) != 0) {
				c++;
			}
			if (c == used && !is_container(fw_json_at(row, j)) && !is_sentence(key)) {
				title_of(key, true, titles[used]);
				columns[used] =
				        (struct table_column){ titles[used], key, unit_of(key) };
				used++;
			}
		}
	}
	columns[used] = (struct table_column)TABLE_END;
	table_print_array(out, columns, array);
	for (size_t i = 0; i < fw_json_count(array); i++) {
		print_sentences(out, fw_json_at(array, i));
	}
}

static void print_array(FILE *out, const struct fw_json *array)
{
	if (fw_json_get(fw_json_at(array, 0), "step") != NULL) {
		fedwayctl_print_steps(out, array);
		return;
	}
	if (fw_json_count(array) == 0 || fw_json_type(fw_json_at(array, 0)) == FW_JSON_OBJECT) {
		print_rows(out, array);
		return;
	}
	for (size_t i = 0; i < fw_json_count(array); i++) {
		char cell[TABLE_CELL_SIZE];
		struct fw_str text = fw_json_text(fw_json_at(array, i));
		(void)fputs("  ", out);
		table_text(out, text.ptr != NULL ? text
		                                 : fw_str(table_value(fw_json_at(array, i),
		                                                      TABLE_PLAIN, cell)));
		(void)fputc('\n', out);
	}
}

static void print_scalar(FILE *out, const char *key, const struct fw_json *value, int width,
                         int depth)
{
	char title[ANY_TITLE_SIZE], cell[TABLE_CELL_SIZE];
	struct fw_str text = fw_json_text(value);

	title_of(key, false, title);
	(void)fprintf(out, "%*s%-*s  ", depth * 2, "", width, title);
	table_text(out, text.ptr != NULL ? text : fw_str(table_value(value, unit_of(key), cell)));
	(void)fputc('\n', out);
}

static int title_width(const struct fw_json *object, int depth)
{
	int width = 0;

	for (size_t i = 0; i < fw_json_count(object); i++) {
		char title[ANY_TITLE_SIZE];
		const char *key = fw_json_key_at(object, i);
		if (!is_container(fw_json_at(object, i)) && !is_shown_elsewhere(key, depth)) {
			title_of(key, false, title);
			width = (int)strlen(title) > width ? (int)strlen(title) : width;
		}
	}
	return width;
}

static void print_object(FILE *out, const struct fw_json *object, int depth)
{
	int width = title_width(object, depth);
	size_t count = fw_json_count(object);

	for (size_t i = 0; i < count && depth < ANY_DEPTH; i++) {
		const char *key = fw_json_key_at(object, i);
		const struct fw_json *value = fw_json_at(object, i);
		char title[ANY_TITLE_SIZE];
		if (is_shown_elsewhere(key, depth)) {
			continue;
		}
		if (!is_container(value)) {
			print_scalar(out, key, value, width, depth);
			continue;
		}
		/* a single table needs no title: the question was the title */
		bool alone = depth == 0 && width == 0 && count <= 2;
		if (!alone) {
			title_of(key, false, title);
			(void)fprintf(out, "%*s%s:\n", depth * 2, "", title);
		}
		if (fw_json_type(value) == FW_JSON_ARRAY) {
			print_array(out, value);
		} else {
			print_object(out, value, depth + 1);
		}
	}
}

void fedwayctl_print_any(FILE *out, const struct fw_json *result)
{
	const struct fw_json *list = fw_json_get(result, "components");
	size_t count = fw_json_count(list);

	for (size_t i = 0; i < count; i++) {
		const struct fw_json *component = fw_json_at(list, i);
		struct fw_str error = fw_json_text(fw_json_get(component, "error"));
		struct fw_str remedy = fw_json_text(fw_json_get(component, "remedy"));
		struct fw_str text = fw_json_text(fw_json_get(component, "text"));
		if (count > 1) {
			(void)fputs(i > 0 ? "\n" : "", out);
			table_text(out, fw_json_text(fw_json_get(component, "id")));
			(void)fputc('\n', out);
		}
		if (text.len > 0) { /* the component has its own way to show it */
			(void)fwrite(text.ptr, 1, text.len, out);
			(void)fputs(text.ptr[text.len - 1] != '\n' ? "\n" : "", out);
		} else {
			print_object(out, component, 0);
		}
		if (error.len > 0) {
			table_text(out, error);
			(void)fputs(remedy.len > 0 ? ": " : "", out);
			table_text(out, remedy);
			(void)fputc('\n', out);
		}
	}
}

bool fedwayctl_any_failed(const struct fw_json *result)
{
	const struct fw_json *list = fw_json_get(result, "components");
	size_t i = 0;

	while (i < fw_json_count(list) && fw_json_get(fw_json_at(list, i), "error") == NULL) {
		i++;
	}
	return i < fw_json_count(list);
}
