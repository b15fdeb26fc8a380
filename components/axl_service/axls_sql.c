/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads a client's SQL word by word and writes it anew, so that no database ever sees bytes that we
 * have not understood: no comment, no second statement, no dollar quote, no escape string, no
 * function that is not in the list. Called for each statement, before any store. Names of tables
 * and columns are not judged here.
 */
#include "components/axl_service/axls_sql.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum token {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_NUMBER,
	TOKEN_TEXT,
	TOKEN_SIGN,
	TOKEN_BAD, /* the failure is told */
};

enum { WORD_MAX = 63 /* as in PostgreSQL */, ROOM_MORE = 96 };

struct reader {
	struct fw_str text;
	size_t at;
	struct axls_result *result;
	/* the token at hand */
	enum token token;
	char word[WORD_MAX + 1]; /* of a word, in lower case */
	struct fw_str bytes;     /* of all; of a text without its quotes */
	char quote;
	/* what is written */
	char *out;
	size_t len, size;
	int depth;
	char before[WORD_MAX + 1]; /* the word right before; "" when it was none */
	struct fw_str first, skip; /* numbers of Informix's clauses; absent when not given */
	bool limited;              /* limit or offset stands outside all parentheses */
};

/* What may stand right before a parenthesis: functions, and words of the grammar. */
static const char *const before_parenthesis[] = {
	"abs",   "coalesce", "count",    "length", "lower",    "max",    "min",
	"newid", "substr",   "trim",     "upper",  "all",      "and",    "between",
	"by",    "case",     "distinct", "else",   "exists",   "from",   "having",
	"in",    "like",     "not",      "on",     "or",       "select", "set",
	"then",  "values",   "when",     "where",  AXLS_TABLE,
};

static const char *const verbs[] = { "select", "insert", "update", "delete" };

static bool one_of(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(word, list[i]) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_word(const struct reader *reader, const char *word)
{
	return reader->token == TOKEN_WORD && strcmp(reader->word, word) == 0;
}

static enum token bad(struct reader *reader, const char *what)
{
	char quoted[64];
	struct fw_str rest = fw_str_n(reader->text.ptr + reader->at, reader->text.len - reader->at);

	axls_result_fail(reader->result, FW_EPARSE, AXLS_CODE_SYNTAX,
	                 "A syntax error has occurred: %s near %s", what,
	                 fw_quote(fw_str_n(rest.ptr, rest.len < 24 ? rest.len : 24), quoted,
	                          sizeof(quoted)));
	return reader->token = TOKEN_BAD;
}

/* ---- tokens ---- */

static int peek(const struct reader *reader, size_t ahead)
{
	size_t at = reader->at + ahead;

	return at < reader->text.len ? (unsigned char)reader->text.ptr[at] : -1;
}

static bool is_letter(int byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

static bool is_digit(int byte)
{
	return byte >= '0' && byte <= '9';
}

static enum token take(struct reader *reader, enum token token, size_t len)
{
	reader->bytes = fw_str_n(reader->text.ptr + reader->at, len);
	reader->at += len;
	return reader->token = token;
}

static enum token read_word(struct reader *reader)
{
	size_t len = 0;

	while (is_letter(peek(reader, len)) || is_digit(peek(reader, len))) {
		if (len == WORD_MAX) {
			return bad(reader, "a name is too long");
		}
		reader->word[len] = (char)tolower(peek(reader, len));
		len++;
	}
	reader->word[len] = '\0';
	return take(reader, TOKEN_WORD, len);
}

static enum token read_number(struct reader *reader)
{
	size_t len = 0;

	while (is_digit(peek(reader, len))) {
		len++;
	}
	if (peek(reader, len) == '.' && is_digit(peek(reader, len + 1))) {
		do {
			len++;
		} while (is_digit(peek(reader, len)));
	}
	if (is_letter(peek(reader, len)) || len > 18) {
		return bad(reader, "a number is expected");
	}
	return take(reader, TOKEN_NUMBER, len);
}

/* Informix takes texts in both kinds of quotes; a quote inside is doubled. */
static enum token read_text(struct reader *reader, int quote)
{
	size_t len = 1;

	for (;; len++) {
		int byte = peek(reader, len);
		if (byte < 0) {
			return bad(reader, "a text does not end");
		}
		if (byte == quote && peek(reader, len + 1) == quote) {
			len++;
		} else if (byte == quote) {
			break;
		} else if (byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r') {
			return bad(reader, "a text has a control character");
		}
	}
	take(reader, TOKEN_TEXT, len + 1);
	reader->bytes = fw_str_n(reader->bytes.ptr + 1, len - 1);
	reader->quote = (char)quote;
	return TOKEN_TEXT;
}

static enum token read_sign(struct reader *reader)
{
	static const char *const pairs[] = { "<=", ">=", "<>", "!=", "||" };
	static const char *const comments[] = { "--", "/*" };
	const char here[3] = { (char)peek(reader, 0),
		               (char)(peek(reader, 1) > 0 ? peek(reader, 1) : 0), '\0' };

	if (one_of(here, comments, FW_COUNT(comments))) {
		return bad(reader, "a comment is not taken");
	}
	if (one_of(here, pairs, FW_COUNT(pairs))) {
		return take(reader, TOKEN_SIGN, 2);
	}
	if (here[0] == '\0' || strchr("(),.*+-/%=<>;", here[0]) == NULL) {
		return bad(reader, "a character that is not taken");
	}
	return take(reader, TOKEN_SIGN, 1);
}

static enum token next(struct reader *reader)
{
	while (peek(reader, 0) > 0 && strchr(" \t\r\n", peek(reader, 0)) != NULL) {
		reader->at++;
	}
	int byte = peek(reader, 0);
	if (byte < 0) {
		return take(reader, TOKEN_END, 0);
	}
	if (is_letter(byte)) {
		return read_word(reader);
	}
	if (is_digit(byte)) {
		return read_number(reader);
	}
	return byte == '\'' || byte == '"' ? read_text(reader, byte) : read_sign(reader);
}

/* ---- writing ---- */

/* There is always room: see axls_sql_read(). */
static void put(struct reader *reader, const char *bytes, size_t len)
{
	fw_assert(len <= reader->size - reader->len - 1);
	memcpy(reader->out + reader->len, bytes, len);
	reader->len += len;
	reader->out[reader->len] = '\0';
}

static void put_words(struct reader *reader, const char *text)
{
	if (reader->len > 0) {
		put(reader, " ", 1);
	}
	put(reader, text, strlen(text));
}

static void put_text(struct reader *reader)
{
	put_words(reader, "'");
	for (size_t i = 0; i < reader->bytes.len; i++) {
		char byte = reader->bytes.ptr[i];
		if (byte == '\'') {
			put(reader, "''", 2);
			i += reader->quote == '\''; /* it stood there twice */
		} else {
			put(reader, &byte, 1);
			i += byte == '"' && reader->quote == '"';
		}
	}
	put(reader, "'", 1);
}

static void put_token(struct reader *reader)
{
	if (reader->token == TOKEN_TEXT) {
		put_text(reader);
		return;
	}
	if (reader->token == TOKEN_WORD) {
		put_words(reader, reader->word);
		return;
	}
	put_words(reader, "");
	put(reader, reader->bytes.ptr, reader->bytes.len);
}

static void put_clause(struct reader *reader, const char *word, struct fw_str number)
{
	if (number.ptr != NULL) {
		put_words(reader, word);
		put(reader, number.ptr, number.len);
	}
}

/* ---- the statement ---- */

/* select [skip N] [first N] …: words of their own only where a number follows. */
static enum token read_window(struct reader *reader)
{
	next(reader);
	while (is_word(reader, "first") || is_word(reader, "skip")) {
		struct fw_str *number = is_word(reader, "first") ? &reader->first : &reader->skip;
		struct reader ahead = *reader;
		if (next(&ahead) != TOKEN_NUMBER) {
			break;
		}
		if (number->ptr != NULL || memchr(ahead.bytes.ptr, '.', ahead.bytes.len) != NULL) {
			return bad(reader, "first and skip take a number each, once");
		}
		*number = ahead.bytes;
		reader->at = ahead.at;
		next(reader);
	}
	return reader->token;
}

static bool fits(struct reader *reader)
{
	bool opens = reader->token == TOKEN_SIGN && reader->bytes.ptr[0] == '(';

	if (opens && reader->before[0] != '\0' &&
	    !one_of(reader->before, before_parenthesis, FW_COUNT(before_parenthesis))) {
		axls_result_fail(reader->result, FW_EDENIED, AXLS_CODE_FUNCTION,
		                 "Routine (%s) cannot be resolved", reader->before);
		return false;
	}
	if (reader->token == TOKEN_SIGN) {
		reader->depth += opens;
		reader->depth -= reader->bytes.ptr[0] == ')';
	}
	reader->limited =
	        reader->limited ||
	        (reader->depth == 0 && (is_word(reader, "limit") || is_word(reader, "offset")));
	return true;
}

static bool read_rest(struct reader *reader)
{
	for (; reader->token != TOKEN_END; next(reader)) {
		if (reader->token == TOKEN_BAD) {
			return false;
		}
		if (reader->token == TOKEN_SIGN && reader->bytes.ptr[0] == ';') {
			if (next(reader) != TOKEN_END) {
				bad(reader, "more than one statement");
				return false;
			}
			break;
		}
		if (!fits(reader)) {
			return false;
		}
		put_token(reader);
		snprintf(reader->before, sizeof(reader->before), "%s",
		         reader->token == TOKEN_WORD ? reader->word : "");
	}
	return true;
}

static bool read_statement(struct reader *reader, struct axls_sql *sql)
{
	if (next(reader) == TOKEN_BAD) {
		return false;
	}
	if (reader->token != TOKEN_WORD || !one_of(reader->word, verbs, FW_COUNT(verbs))) {
		axls_result_fail(reader->result, FW_EDENIED, AXLS_CODE_SYNTAX,
		                 "A syntax error has occurred: only select, insert, update and "
		                 "delete are taken");
		return false;
	}
	sql->writes = strcmp(reader->word, "select") != 0;
	put_token(reader);
	if (sql->writes ? next(reader) == TOKEN_BAD : read_window(reader) == TOKEN_BAD) {
		return false;
	}
	if (!read_rest(reader)) {
		return false;
	}
	if (reader->limited && (reader->first.ptr != NULL || reader->skip.ptr != NULL)) {
		bad(reader, "first and skip do not go with limit and offset");
		return false;
	}
	if (reader->skip.ptr != NULL && reader->first.ptr == NULL) {
		put_words(reader, "limit 999999999");
	}
	put_clause(reader, "limit ", reader->first);
	put_clause(reader, "offset ", reader->skip);
	return true;
}

int axls_sql_read(struct fw_str text, struct axls_sql *out, struct axls_result *result)
{
	struct reader reader = { .text = text.ptr != NULL ? text : fw_str(""), .result = result };

	*out = (struct axls_sql){ 0 };
	/* Each byte becomes two at most: itself, and a space before it or another quote. */
	reader.size = text.len * 2 + ROOM_MORE;
	reader.out = calloc(1, reader.size);
	if (reader.out == NULL) {
		return axls_result_no_memory(result);
	}
	if (!read_statement(&reader, out)) {
		free(reader.out);
		return result->code;
	}
	out->text = reader.out;
	return FW_OK;
}

void axls_sql_free(struct axls_sql *sql)
{
	free(sql->text);
	sql->text = NULL;
}
