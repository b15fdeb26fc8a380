/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Walks over the tokens of one configuration file before the library sees them. It follows
 * includes, so that they are relative to their own file; writes every whole number as 64-bit, since
 * libconfig 1.5 cuts others to 32 bits without a word; and reports what that library passes over or
 * places wrongly: open strings, comments and brackets, control characters, "\x00". Called by
 * config_source.c; it judges no grammar.
 */
#include "config/config_source.h"

#include <errno.h>
#include <stdlib.h>

struct scan {
	struct config_source *source;
	struct config_place place; /* file and line being looked at */
	const char *at, *end;
	bool line_start; /* nothing but blanks so far */
	size_t floor;    /* brackets below belong to the files that include this one */
};

static int scan_problem(const struct scan *scan, int line, const char *text)
{
	config_problem(scan->source->problems, scan->place.file, line, "%s", text);
	return FW_EPARSE;
}

/* Passes `len` bytes of one line on. */
static int scan_copy(struct scan *scan, size_t len, char shown)
{
	int ret = config_source_add(scan->source, scan->at, len, shown);

	scan->at += len;
	return ret;
}

static int scan_newline(struct scan *scan)
{
	int ret = scan_copy(scan, 1, '\0');

	scan->place.line++;
	scan->line_start = true;
	if (ret == FW_OK && scan->at < scan->end) {
		ret = config_source_line(scan->source, scan->place);
	}
	return ret;
}

/* A "#" or "//" comment, up to the end of its line. */
static int scan_line_comment(struct scan *scan)
{
	const char *stop = memchr(scan->at, '\n', (size_t)(scan->end - scan->at));

	return scan_copy(scan, (size_t)((stop != NULL ? stop : scan->end) - scan->at), '\0');
}

static int scan_block_comment(struct scan *scan)
{
	int begin = scan->place.line;
	int ret = scan_copy(scan, 2, '\0');

	while (ret == FW_OK && scan->at < scan->end) {
		if (scan->at[0] == '*' && scan->at + 1 < scan->end && scan->at[1] == '/') {
			return scan_copy(scan, 2, '\0');
		}
		ret = *scan->at == '\n' ? scan_newline(scan) : scan_copy(scan, 1, '\0');
	}
	return ret == FW_OK ? scan_problem(scan, begin, "the comment that begins here has no end")
	                    : ret;
}

static int scan_string(struct scan *scan)
{
	int begin = scan->place.line;
	int ret = scan_copy(scan, 1, '\0');

	while (ret == FW_OK && scan->at < scan->end && *scan->at != '"') {
		size_t left = (size_t)(scan->end - scan->at);
		if (left >= 4 && memcmp(scan->at, "\\x00", 4) == 0) {
			return scan_problem(scan, scan->place.line, "a string may not hold \\x00");
		}
		if (*scan->at == '\n') {
			ret = scan_newline(scan);
		} else if (*scan->at == '\r') { /* of a CRLF */
			scan->at++;
		} else {
			bool escaped = *scan->at == '\\' && left >= 2 && scan->at[1] != '\n';
			ret = scan_copy(scan, escaped ? 2 : 1, '\1');
		}
	}
	if (ret == FW_OK && scan->at == scan->end) {
		return scan_problem(scan, begin,
		                    "the string that begins here has no closing quote");
	}
	return ret == FW_OK ? scan_copy(scan, 1, '\0') : ret;
}

static bool scan_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool scan_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool scan_is_name(char c)
{
	return scan_is_letter(c) || scan_is_digit(c) || c == '_' || c == '-' || c == '*';
}

/* true, false or a key; the library reads its letters. */
static int scan_name(struct scan *scan)
{
	size_t len = 1;

	while (scan->at + len < scan->end && scan_is_name(scan->at[len])) {
		len++;
	}
	return scan_copy(scan, len, '\0');
}

/* Length of what looks like a number: digits, letters, points, and the sign of an exponent. */
static size_t scan_number_length(const struct scan *scan)
{
	const char *at = scan->at;
	bool hex = false;

	for (; at < scan->end; at++) {
		hex = hex || *at == 'x' || *at == 'X';
		bool sign = (*at == '+' || *at == '-') &&
		            (at == scan->at || (!hex && (at[-1] == 'e' || at[-1] == 'E')));
		if (!sign && !scan_is_digit(*at) && !scan_is_letter(*at) && *at != '.' &&
		    *at != '_') {
			break;
		}
	}
	return (size_t)(at - scan->at);
}

static int scan_number(struct scan *scan)
{
	size_t len = scan_number_length(scan);
	char text[64];
	char *rest = text;
	int ret;

	if (len < sizeof(text)) {
		memcpy(text, scan->at, len);
		text[len] = '\0';
		bool hex = len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
		errno = 0;
		(void)strtoll(text, &rest, hex ? 16 : 10);
		if (rest > text && rest[strspn(rest, "L")] == '\0' && strlen(rest) <= 2) {
			if (errno == ERANGE) {
				return scan_problem(scan, scan->place.line,
				                    "a number is too large for 64 bits");
			}
			ret = scan_copy(scan, len, '\0');
			/* the library keeps 64 bits of those with an L only */
			return ret == FW_OK && *rest == '\0'
			               ? config_source_add(scan->source, "L", 1, '\2')
			               : ret;
		}
		if (!hex && text[strspn(text, "+-.0123456789eE")] == '\0') {
			(void)strtod(text, &rest);
			if (rest > text && *rest == '\0') {
				return scan_copy(scan, len, '\0');
			}
		}
	}
	config_problem(scan->source->problems, scan->place.file, scan->place.line,
	               "'%.*s' is neither a number nor a name", len > 40 ? 40 : (int)len, scan->at);
	return FW_EPARSE;
}

/* Brackets are paired here, where it is known which one was left open. */
static int scan_bracket(struct scan *scan)
{
	static const char pairs[] = "(){}[]";
	struct config_source *source = scan->source;
	char bracket = *scan->at;
	size_t which = (size_t)(strchr(pairs, bracket) - pairs);

	if (which % 2 == 0) {
		if (source->depth == FW_COUNT(source->open)) {
			return scan_problem(scan, scan->place.line,
			                    "brackets are nested too deeply");
		}
		source->open[source->depth].bracket = bracket;
		source->open[source->depth++].place = scan->place;
		return scan_copy(scan, 1, '\0');
	}
	if (source->depth == scan->floor) {
		config_problem(source->problems, scan->place.file, scan->place.line,
		               "'%c' closes nothing", bracket);
		return FW_EPARSE;
	}
	source->depth--;
	if (source->open[source->depth].bracket != pairs[which - 1]) {
		config_problem(source->problems, scan->place.file, scan->place.line,
		               "'%c' cannot close the '%c' of line %d", bracket,
		               source->open[source->depth].bracket,
		               source->open[source->depth].place.line);
		return FW_EPARSE;
	}
	return scan_copy(scan, 1, '\0');
}

/* `@include "path"`, alone on its line; the line itself vanishes. */
static int scan_include(struct scan *scan)
{
	static const char word[] = "@include";
	size_t left = (size_t)(scan->end - scan->at);
	const char *stop = memchr(scan->at, '\n', left);
	const char *line_end = stop != NULL ? stop : scan->end;
	const char *at = scan->at + sizeof(word) - 1;
	const char *quote = NULL;

	if (!scan->line_start || left < sizeof(word) - 1 ||
	    memcmp(scan->at, word, sizeof(word) - 1) != 0) {
		return scan_problem(scan, scan->place.line, "'@' may only begin an @include line");
	}
	for (; at < line_end && (*at == ' ' || *at == '\t'); at++) {
	}
	if (at < line_end && *at == '"') {
		at++;
		quote = memchr(at, '"', (size_t)(line_end - at));
	}
	if (quote == NULL || quote == at) {
		return scan_problem(scan, scan->place.line, "@include wants a file name in quotes");
	}
	for (const char *rest = quote + 1; rest < line_end && strchr("#/", *rest) == NULL; rest++) {
		if (*rest != ' ' && *rest != '\t' && *rest != '\r') {
			return scan_problem(scan, scan->place.line,
			                    "@include stands alone on its line");
		}
	}
	scan->at = line_end;
	int ret = config_source_add(scan->source, "\n", 1, '\0');
	if (ret == FW_OK) {
		ret = config_source_include(scan->source, scan->place, at, (size_t)(quote - at));
	}
	return ret == FW_OK ? config_source_line(scan->source, scan->place) : ret;
}

static int scan_token(struct scan *scan)
{
	char c = *scan->at;
	char next = scan->at + 1 < scan->end ? scan->at[1] : '\0';
	bool blank = c == ' ' || c == '\t';

	if (c == '\n') {
		return scan_newline(scan);
	}
	if (c == '@') {
		return scan_include(scan);
	}
	scan->line_start = scan->line_start && blank;
	if (c == '#' || (c == '/' && next == '/')) {
		return scan_line_comment(scan);
	}
	if (c == '/' && next == '*') {
		return scan_block_comment(scan);
	}
	if (c == '"') {
		return scan_string(scan);
	}
	if (scan_is_letter(c) || c == '*') {
		return scan_name(scan);
	}
	if (scan_is_digit(c) || c == '.' || c == '+' || c == '-') {
		return scan_number(scan);
	}
	if (strchr("(){}[]", c) != NULL) {
		return scan_bracket(scan);
	}
	if (c == '\r' && next == '\n') {
		scan->at++;
		return FW_OK;
	}
	return scan_copy(scan, 1, '\0');
}

/* No byte that hides something from a reader, or ends the text for the library. */
static int scan_controls(const struct scan *scan)
{
	int line = 1;

	for (const char *at = scan->at; at < scan->end; at++) {
		unsigned char c = (unsigned char)*at;
		bool line_end = c == '\r' && at + 1 < scan->end && at[1] == '\n';
		line += c == '\n';
		if ((c < 0x20 && c != '\n' && c != '\t' && !line_end) || c == 0x7f) {
			config_problem(scan->source->problems, scan->place.file, line,
			               "control character 0x%02x", c);
			return FW_EPARSE;
		}
	}
	return FW_OK;
}

int config_scan(struct config_source *source, const char *file, const char *text, size_t len)
{
	struct scan scan = { source, { file, 1 }, text, text + len, true, source->depth };
	int ret = scan_controls(&scan);

	if (ret == FW_OK) {
		ret = config_source_line(source, scan.place);
	}
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* the mark some editors set */
		scan.at += 3;
	}
	while (ret == FW_OK && scan.at < scan.end) {
		ret = scan_token(&scan);
	}
	if (ret == FW_OK && source->depth > scan.floor) {
		struct config_place place = source->open[source->depth - 1].place;
		config_problem(source->problems, place.file, place.line, "'%c' is never closed",
		               source->open[source->depth - 1].bracket);
		ret = FW_EPARSE;
	}
	if (ret == FW_OK && (len == 0 || text[len - 1] != '\n')) {
		/* the library takes a comment without a line end for a mistake */
		ret = config_source_add(source, "\n", 1, '\0');
	}
	return ret;
}
