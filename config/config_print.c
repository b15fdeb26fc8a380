/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Option rows for people: as plain text for `fedwayd --options`, and as man source for
 * fedway.conf(5). Called by the daemon and by print_man.c. What is printed is what config_apply.c
 * enforces, since both read the rows.
 */
#include "config/config.h"

#include <ctype.h>
#include <inttypes.h>

#include "config/config_describe.h"

#define PRINT_KEY_WIDTH 27

static void print_range(const struct fw_option *row, char *out, size_t out_size)
{
	const char *what = row->type == FW_OPTION_ROWS      ? "groups"
	                   : row->type == FW_OPTION_STRINGS ? "items"
	                                                    : "bytes";

	if (row->max == 0) {
		out[0] = '\0';
	} else if (row->min == 0) {
		snprintf(out, out_size, ", at most %" PRIu64 " %s", row->max, what);
	} else {
		snprintf(out, out_size, ", %" PRIu64 " to %" PRIu64 " %s", row->min, row->max,
		         what);
	}
}

/* Type and range. */
static void print_type(const struct fw_option *row, char *out, size_t out_size)
{
	char range[96];

	print_range(row, range, sizeof(range));
	switch (row->type) {
	case FW_OPTION_U16:
	case FW_OPTION_U32:
	case FW_OPTION_U64:
		if (config_describe_max(row) == INT64_MAX) {
			snprintf(out, out_size, "number from %" PRIu64, row->min);
		} else {
			snprintf(out, out_size, "number from %" PRIu64 " to %" PRIu64, row->min,
			         config_describe_max(row));
		}
		break;
	case FW_OPTION_STRING:
		snprintf(out, out_size, "string%s", range);
		break;
	case FW_OPTION_SECRET:
		snprintf(out, out_size, "secret%s, or the path of its file in %s_file", range,
		         row->name);
		break;
	case FW_OPTION_STRINGS:
		snprintf(out, out_size, "list of strings%s", range);
		break;
	case FW_OPTION_ROWS:
		snprintf(out, out_size, "list of groups%s", range);
		break;
	default:
		config_describe_wanted(row, out, out_size);
		break;
	}
}

static void print_default(const struct fw_option *row, char *out, size_t out_size)
{
	bool number = row->type == FW_OPTION_U16 || row->type == FW_OPTION_U32 ||
	              row->type == FW_OPTION_U64;
	bool text = row->type == FW_OPTION_STRING || row->type == FW_OPTION_CHOICE;

	if (row->default_text == NULL) {
		snprintf(out, out_size, "must be given");
	} else if (row->type == FW_OPTION_SECRET) {
		snprintf(out, out_size, "may be left out");
	} else if (row->default_text[0] == '\0' && !text) {
		snprintf(out, out_size, "default empty");
	} else {
		snprintf(out, out_size, "default %s%s%s%s%s", text ? "\"" : "", row->default_text,
		         text ? "\"" : "", number && row->unit != NULL ? " " : "",
		         number && row->unit != NULL ? row->unit : "");
	}
}

void config_print_rows(FILE *out, const struct fw_option *rows, int indent)
{
	for (const struct fw_option *row = rows; row != NULL && row->name != NULL; row++) {
		char type[512], preset[256];
		int width = PRINT_KEY_WIDTH - indent > 1 ? PRINT_KEY_WIDTH - indent : 1;

		print_type(row, type, sizeof(type));
		print_default(row, preset, sizeof(preset));
		fprintf(out, "%*s%-*s %s; %s\n", indent, "", width, row->name, type, preset);
		fprintf(out, "%*s %s\n", PRINT_KEY_WIDTH, "", row->help != NULL ? row->help : "");
		for (const struct fw_choice *c = row->choices; c != NULL && c->word != NULL; c++) {
			if (c->help != NULL) {
				fprintf(out, "%*s   \"%s\": %s\n", PRINT_KEY_WIDTH, "", c->word,
				        c->help);
			}
		}
		if (row->type == FW_OPTION_ROWS) {
			config_print_rows(out, row->rows, indent + 2);
		}
	}
}

/* Text as man source: no escape and no request can come out of it. */
static void print_man_text(FILE *out, const char *text)
{
	if (text[0] == '.' || text[0] == '\'') {
		fputs("\\&", out);
	}
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '\\':
			fputs("\\e", out);
			break;
		case '-':
			fputs("\\-", out);
			break;
		case '\n':
			fputc(' ', out);
			break;
		default:
			fputc(*text, out);
			break;
		}
	}
}

static void print_man_sentence(FILE *out, const char *text)
{
	char first[2] = { (char)toupper((unsigned char)text[0]), '\0' };

	if (text[0] == '\0') {
		return;
	}
	print_man_text(out, first);
	print_man_text(out, text + 1);
	fputs(".\n", out);
}

void config_print_rows_man(FILE *out, const struct fw_option *rows)
{
	for (const struct fw_option *row = rows; row != NULL && row->name != NULL; row++) {
		char type[512], preset[256];

		print_type(row, type, sizeof(type));
		print_default(row, preset, sizeof(preset));
		fputs(".TP\n\\fB", out);
		print_man_text(out, row->name);
		fputs("\\fP (", out);
		print_man_text(out, type);
		fputs("; ", out);
		print_man_text(out, preset);
		fputs(")\n", out);
		print_man_sentence(out, row->help != NULL ? row->help : row->name);
		for (const struct fw_choice *c = row->choices; c != NULL && c->word != NULL; c++) {
			if (c->help != NULL) {
				fputs(".br\n\\(dq", out);
				print_man_text(out, c->word);
				fputs("\\(dq: ", out);
				print_man_text(out, c->help);
				fputs(".\n", out);
			}
		}
		if (row->type == FW_OPTION_ROWS) {
			fputs(".RS\n", out);
			config_print_rows_man(out, row->rows);
			fputs(".RE\n", out);
		}
	}
}
