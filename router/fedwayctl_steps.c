/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Explanations for people: one line per step with its verdict, and under it what to do. Texts are
 * the daemon's; here they only get their place.
 */
#include "router/fedwayctl.h"
#include "router/fedwayctl_table.h"

/* The longest name, within reason. */
static int step_width(const struct fw_json *steps)
{
	size_t width = 13;

	for (size_t i = 0; i < fw_json_count(steps); i++) {
		struct fw_str name = fw_json_text(fw_json_get(fw_json_at(steps, i), "step"));
		width = name.len > width ? name.len : width;
	}
	return width < 24 ? (int)width : 24;
}

void fedwayctl_print_steps(FILE *out, const struct fw_json *steps)
{
	char verdict[TABLE_CELL_SIZE], what[TABLE_CELL_SIZE];
	int width = step_width(steps);

	for (size_t i = 0; i < fw_json_count(steps); i++) {
		const struct fw_json *row = fw_json_at(steps, i);
		struct fw_str remedy = fw_json_text(fw_json_get(row, "remedy"));
		(void)fprintf(out, "  %-5s %-*s ",
		              table_value(fw_json_get(row, "verdict"), TABLE_PLAIN, verdict), width,
		              table_value(fw_json_get(row, "step"), TABLE_PLAIN, what));
		table_text(out, fw_json_text(fw_json_get(row, "text")));
		if (remedy.len > 0) {
			(void)fprintf(out, "\n  %-*s -> ", width + 6, "");
			table_text(out, remedy);
		}
		(void)fputc('\n', out);
	}
}

static void print_part(FILE *out, const char *title, const struct fw_json *steps)
{
	if (fw_json_count(steps) > 0) {
		(void)fprintf(out, "%s\n", title);
		fedwayctl_print_steps(out, steps);
	}
}

static void print_table(FILE *out, const char *title, const struct table_column *columns,
                        const struct fw_json *array)
{
	if (fw_json_count(array) > 0) {
		(void)fprintf(out, "%s\n", title);
		table_print_array(out, columns, array);
	}
}

static void print_verdict(FILE *out, const struct fw_json *result)
{
	struct fw_str text = fw_json_text(fw_json_get(result, "text"));
	struct fw_str remedy = fw_json_text(fw_json_get(result, "remedy"));
	char word[TABLE_CELL_SIZE];

	(void)fprintf(out, "verdict: %s",
	              table_value(fw_json_get(result, "verdict"), TABLE_PLAIN, word));
	(void)fputs(text.len > 0 ? ": " : "", out);
	table_text(out, text);
	if (remedy.len > 0) {
		(void)fputs("\n-> ", out);
		table_text(out, remedy);
	}
	(void)fputc('\n', out);
}

void fedwayctl_print_explanation(FILE *out, const struct fw_json *result)
{
	static const struct table_column targets[] = {
		{ "ADDRESS", "address", TABLE_PLAIN }, { "HOST", "host", TABLE_PLAIN },
		{ "TLS", "tls", TABLE_PLAIN },         { "PRIORITY", "priority", TABLE_PLAIN },
		{ "WEIGHT", "weight", TABLE_PLAIN },   TABLE_END,
	};
	static const struct table_column attempts[] = {
		{ "ADDRESS", "address", TABLE_PLAIN }, { "HOST", "host", TABLE_PLAIN },
		{ "KIND", "tls", TABLE_PLAIN },        { "BEGUN", "begun", TABLE_PLAIN },
		{ "TCP", "connect", TABLE_PLAIN },     { "STREAM", "stream", TABLE_PLAIN },
		{ "TLS", "handshake", TABLE_PLAIN },   { "OUTCOME", "outcome", TABLE_PLAIN },
		{ "DETAIL", "detail", TABLE_PLAIN },   TABLE_END,
	};
	const struct fw_json *list = fw_json_get(result, "components");
	char from[TABLE_CELL_SIZE], to[TABLE_CELL_SIZE], word[TABLE_CELL_SIZE];

	(void)fprintf(out, "%s -> %s\n",
	              table_value(fw_json_get(result, "from"), TABLE_PLAIN, from),
	              table_value(fw_json_get(result, "to"), TABLE_PLAIN, to));
	fedwayctl_print_steps(out, fw_json_get(result, "steps"));
	print_part(out, "answers", fw_json_get(result, "answers"));
	for (size_t i = 0; i < fw_json_count(list); i++) {
		const struct fw_json *component = fw_json_at(list, i);
		(void)fprintf(out, "%s\n",
		              table_value(fw_json_get(component, "id"), TABLE_PLAIN, word));
		print_part(out, "from us to them", fw_json_get(component, "outgoing"));
		print_table(out, "addresses, in order", targets, fw_json_get(component, "targets"));
		print_table(out, "last attempt", attempts, fw_json_get(component, "attempts"));
		print_part(out, "from them to us", fw_json_get(component, "incoming"));
	}
	print_verdict(out, result);
}

void fedwayctl_print_checked(FILE *out, const struct fw_json *result)
{
	const struct fw_json *list = fw_json_get(result, "components");
	const struct fw_json *pair = fw_json_get(result, "pair");
	char local[TABLE_CELL_SIZE], remote[TABLE_CELL_SIZE];

	(void)fprintf(out, "%s, for %s\n",
	              table_value(fw_json_get(pair, "remote"), TABLE_PLAIN, remote),
	              table_value(fw_json_get(pair, "local"), TABLE_PLAIN, local));
	fedwayctl_print_steps(out, fw_json_get(fw_json_at(list, 0), "steps"));
	if (fw_json_get(fw_json_at(list, 0), "error") != NULL) {
		fedwayctl_print_refusal(out, fw_json_at(list, 0));
	} else {
		print_verdict(out, result);
	}
}

void fedwayctl_print_survey(FILE *out, const struct fw_json *result)
{
	fedwayctl_print_steps(out, fw_json_get(result, "steps"));
	print_verdict(out, result);
}
