/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Lays out JSON values as columns. Numbers stand to the right, words to the left. What the values
 * mean is known in fedwayctl_print.c.
 */
#include "router/fedwayctl_table.h"

#include <inttypes.h>
#include <stdlib.h>

static void clean(struct fw_str text, char *out, size_t out_size)
{
	size_t used = 0;

	for (size_t i = 0; i < text.len && used + 1 < out_size; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		out[used++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	out[used] = '\0';
}

void table_text(FILE *out, struct fw_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		(void)fputc((c < 0x20 && c != '\n') || c == 0x7f ? '?' : c, out);
	}
}

static void write_bytes(int64_t bytes, char *out, size_t out_size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < FW_COUNT(units)) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(out, out_size, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

static void write_ms(int64_t ms, char *out, size_t out_size)
{
	int64_t s = ms / 1000;

	if (ms < 1000) {
		(void)snprintf(out, out_size, "%" PRId64 " ms", ms);
	} else if (s < 60) {
		(void)snprintf(out, out_size, "%" PRId64 ".%" PRId64 " s", s, ms % 1000 / 100);
	} else if (s < 3600) {
		(void)snprintf(out, out_size, "%" PRId64 "m %02" PRId64 "s", s / 60, s % 60);
	} else if (s < 86400) {
		(void)snprintf(out, out_size, "%" PRId64 "h %02" PRId64 "m", s / 3600,
		               s % 3600 / 60);
	} else {
		(void)snprintf(out, out_size, "%" PRId64 "d %02" PRId64 "h", s / 86400,
		               s % 86400 / 3600);
	}
}

const char *table_value(const struct fw_json *value, enum table_unit unit,
                        char out[TABLE_CELL_SIZE])
{
	switch (fw_json_type(value)) {
	case FW_JSON_STRING:
		clean(fw_json_text(value), out, TABLE_CELL_SIZE);
		break;
	case FW_JSON_BOOL:
		(void)snprintf(out, TABLE_CELL_SIZE, "%s", fw_json_bool(value) ? "yes" : "no");
		break;
	case FW_JSON_NUMBER:
		if (unit == TABLE_BYTES) {
			write_bytes(fw_json_int(value), out, TABLE_CELL_SIZE);
		} else if (unit == TABLE_MS) {
			write_ms(fw_json_int(value), out, TABLE_CELL_SIZE);
		} else {
			(void)snprintf(out, TABLE_CELL_SIZE, "%" PRId64, fw_json_int(value));
		}
		break;
	default:
		(void)snprintf(out, TABLE_CELL_SIZE, "-");
	}
	return out;
}

/* Characters, not bytes: continuation bytes of UTF-8 take no column. */
static int width_of(const char *text)
{
	int width = 0;

	for (; *text != '\0'; text++) {
		width += ((unsigned char)*text & 0xc0) != 0x80 ? 1 : 0;
	}
	return width;
}

static void print_cell(FILE *out, const char *text, int width, bool right, bool last)
{
	int pad = width - width_of(text);

	if (right) {
		(void)fprintf(out, "%*s%s", pad, "", text);
	} else if (last) {
		(void)fputs(text, out);
	} else {
		(void)fprintf(out, "%s%*s", text, pad, "");
	}
	(void)fputs(last ? "\n" : "  ", out);
}

/* What a column needs: its width, and whether it holds numbers; 0 when no row has it. */
static int measure(const struct table_column *column, const struct fw_json *const *rows,
                   size_t count, bool *number)
{
	char cell[TABLE_CELL_SIZE];
	int width = 0;

	*number = false;
	for (size_t i = 0; i < count; i++) {
		const struct fw_json *value = fw_json_get(rows[i], column->key);
		if (value == NULL) {
			continue;
		}
		int w = width_of(table_value(value, column->unit, cell));
		width = w > width ? w : width;
		*number = *number || fw_json_type(value) == FW_JSON_NUMBER;
	}
	int title = width_of(column->title);
	return width == 0 || width > title ? width : title;
}

void table_print(FILE *out, const struct table_column *columns, const struct fw_json *const *rows,
                 size_t count)
{
	enum { COLUMNS_MAX = 24 };
	int widths[COLUMNS_MAX] = { 0 };
	bool numbers[COLUMNS_MAX] = { false };
	char cell[TABLE_CELL_SIZE];
	size_t last = 0;

	if (count == 0) {
		(void)fputs("(none)\n", out);
		return;
	}
	for (size_t c = 0; c < COLUMNS_MAX && columns[c].title != NULL; c++) {
		widths[c] = measure(&columns[c], rows, count, &numbers[c]);
		last = widths[c] > 0 ? c : last;
	}
	for (size_t c = 0; c <= last; c++) {
		if (widths[c] > 0) {
			print_cell(out, columns[c].title, widths[c], numbers[c], c == last);
		}
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t c = 0; c <= last; c++) {
			if (widths[c] > 0) {
				table_value(fw_json_get(rows[i], columns[c].key), columns[c].unit,
				            cell);
				print_cell(out, cell, widths[c], numbers[c], c == last);
			}
		}
	}
}

void table_print_array(FILE *out, const struct table_column *columns, const struct fw_json *array)
{
	size_t count = fw_json_count(array);
	const struct fw_json **rows = calloc(count > 0 ? count : 1, sizeof(*rows));

	if (rows == NULL) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		rows[i] = fw_json_at(array, i);
	}
	table_print(out, columns, rows, count);
	free(rows);
}

void table_print_object(FILE *out, const struct table_column *columns, const struct fw_json *object)
{
	char cell[TABLE_CELL_SIZE];

	for (; columns->title != NULL; columns++) {
		const struct fw_json *value = fw_json_get(object, columns->key);
		if (value != NULL) {
			(void)fprintf(out, "%-16s %s\n", columns->title,
			              table_value(value, columns->unit, cell));
		}
	}
}
