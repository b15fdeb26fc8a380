/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Keeps what a statement came to, within bounds, and prints it as a table. Filled by the stores,
 * read by the SOAP writer, the command `sql` and the table of the router. Knows no database.
 */
#include "components/axl_service/axls_result.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS_MAX = 16, NAME_MAX_BYTES = 64 };

struct axls_result *axls_result_new(const struct axls_bounds *bounds)
{
	struct axls_result *result = calloc(1, sizeof(*result));

	if (result == NULL) {
		return NULL;
	}
	result->bounds = *bounds;
	result->columns = calloc(COLUMNS_MAX, sizeof(*result->columns));
	if (result->columns == NULL) {
		free(result);
		return NULL;
	}
	return result;
}

static void forget_rows(struct axls_result *result)
{
	for (size_t i = 0; i < result->column_count; i++) {
		free(result->columns[i]);
	}
	for (size_t i = 0; i < result->cell_count; i++) {
		free(result->cells[i]);
	}
	result->column_count = result->cell_count = 0;
}

void axls_result_free(struct axls_result **at)
{
	struct axls_result *result = *at;

	*at = NULL;
	if (result == NULL) {
		return;
	}
	forget_rows(result);
	free(result->columns);
	free(result->cells);
	free(result);
}

int axls_result_fail(struct axls_result *result, int code, enum axls_code axl_code,
                     const char *format, ...)
{
	va_list args;

	forget_rows(result);
	result->code = code;
	result->axl_code = axl_code;
	va_start(args, format);
	vsnprintf(result->text, sizeof(result->text), format, args);
	va_end(args);
	return code;
}

int axls_result_no_memory(struct axls_result *result)
{
	return axls_result_fail(result, FW_EAGAIN, AXLS_CODE_THROTTLE, "out of memory");
}

/* A name that XML takes as an element: of an expression only its function, else its place. */
static void column_name(const char *name, size_t place, char out[NAME_MAX_BYTES])
{
	size_t len = 0;

	while ((isalnum((unsigned char)name[len]) || name[len] == '_') &&
	       len < NAME_MAX_BYTES - 1) {
		len++;
	}
	if (len > 0 && !isdigit((unsigned char)name[0]) &&
	    (name[len] == '\0' || name[len] == '(' || name[len] == ' ')) {
		snprintf(out, NAME_MAX_BYTES, "%.*s", (int)len, name);
	} else {
		snprintf(out, NAME_MAX_BYTES, "column%zu", place + 1);
	}
}

int axls_result_column(struct axls_result *result, const char *name)
{
	char clean[NAME_MAX_BYTES];

	if (result->column_count == COLUMNS_MAX) {
		return axls_result_fail(result, FW_ELIMIT, AXLS_CODE_THROTTLE,
		                        "more than %d columns", COLUMNS_MAX);
	}
	column_name(name, result->column_count, clean);
	result->columns[result->column_count] = fw_str_dup(fw_str(clean));
	if (result->columns[result->column_count] == NULL) {
		return axls_result_no_memory(result);
	}
	result->column_count++;
	return FW_OK;
}

/* The words are those that clients look for. */
static int too_large(struct axls_result *result)
{
	return axls_result_fail(result, FW_ELIMIT, AXLS_CODE_THROTTLE,
	                        "Query request too large. Total rows matched: more than %zu rows. "
	                        "Suggestive Row Fetch: less than %zu rows",
	                        axls_result_rows(result),
	                        axls_result_rows(result) > 0 ? axls_result_rows(result) : 1);
}

int axls_result_cell(struct axls_result *result, const char *text)
{
	size_t size = text != NULL ? strlen(text) : 0;

	if (result->cell_count >= (size_t)result->bounds.rows_max * result->column_count ||
	    size > result->bounds.bytes_max - result->bytes) {
		return too_large(result);
	}
	if (result->cell_count == result->cell_room) {
		size_t room = result->cell_room * 2 + 16;
		char **more = realloc(result->cells, room * sizeof(*more));
		if (more == NULL) {
			return axls_result_no_memory(result);
		}
		result->cells = more;
		result->cell_room = room;
	}
	char *copy = text != NULL ? fw_str_dup(fw_str_n(text, size)) : NULL;
	if (text != NULL && copy == NULL) {
		return axls_result_no_memory(result);
	}
	result->cells[result->cell_count++] = copy;
	result->bytes += size;
	return FW_OK;
}

size_t axls_result_rows(const struct axls_result *result)
{
	return result->column_count > 0 ? result->cell_count / result->column_count : 0;
}

const char *axls_result_at(const struct axls_result *result, size_t row, size_t column)
{
	return result->cells[row * result->column_count + column];
}

/* ---- as a table ---- */

/* Characters, not bytes: what begins no character takes no place. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++) {
		width += ((unsigned char)*text & 0xc0) != 0x80;
	}
	return width;
}

static const char *shown(const char *cell)
{
	return cell != NULL ? cell : "NULL";
}

static void print_line(FILE *out, const struct axls_result *result, char *const *cells,
                       const size_t *widths)
{
	for (size_t i = 0; i < result->column_count; i++) {
		const char *text = shown(cells[i]);
		fprintf(out, "%s%s", i > 0 ? " " : "", text);
		for (size_t at = width_of(text); at < widths[i]; at++) {
			fputc(' ', out);
		}
	}
	fputc('\n', out);
}

char *axls_result_table(const struct axls_result *result)
{
	size_t widths[COLUMNS_MAX] = { 0 }, size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL) {
		return NULL;
	}
	for (size_t i = 0; i < result->column_count; i++) {
		widths[i] = width_of(result->columns[i]);
		for (size_t row = 0; row < axls_result_rows(result); row++) {
			size_t width = width_of(shown(axls_result_at(result, row, i)));
			widths[i] = width > widths[i] ? width : widths[i];
		}
	}
	print_line(out, result, result->columns, widths);
	for (size_t i = 0; i < result->column_count; i++) {
		for (size_t at = i > 0 ? 0 : 1; at <= widths[i]; at++) {
			fputc(i > 0 && at == 0 ? ' ' : '=', out);
		}
	}
	fputc('\n', out);
	for (size_t row = 0; row < axls_result_rows(result); row++) {
		print_line(out, result, result->cells + row * result->column_count, widths);
	}
	bool failed = ferror(out) != 0;
	if (fclose(out) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}
