/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The rows of axl_outcome.h as data, and remedies with the names of the publisher at hand filled
 * in. Called by whoever tells an operator about a failure. Decides nothing.
 */
#include "components/axl/axl_outcome.h"

#include <stdio.h>
#include <string.h>

#include <fedway/error.h>

#define OUTCOME_ROW(id, word, retry, text, remedy) \
	[AXL_##id] = { word, AXL_RETRY_##retry, text, remedy },
static const struct {
	const char *word;
	enum axl_retry retry;
	const char *text, *remedy;
} rows[] = { AXL_OUTCOMES(OUTCOME_ROW) };

const char *axl_outcome_word(enum axl_outcome outcome)
{
	return rows[outcome].word;
}

const char *axl_outcome_text(enum axl_outcome outcome)
{
	return rows[outcome].text;
}

enum axl_retry axl_outcome_retry(enum axl_outcome outcome)
{
	return rows[outcome].retry;
}

/* `at` begins with "{name}" or the like. @return its length, 0 when it is nothing that we know */
static size_t outcome_word_at(const char *at, const struct axl_outcome_words *words,
                              const char **word)
{
	const struct {
		const char *brace, *word;
	} known[] = {
		{ "{name}", words->name }, { "{url}", words->url },
		{ "{user}", words->user }, { "{password}", words->password },
		{ "{ca}", words->ca },
	};

	for (size_t i = 0; i < FW_COUNT(known); i++) {
		if (strncmp(at, known[i].brace, strlen(known[i].brace)) == 0) {
			*word = known[i].word;
			return strlen(known[i].brace);
		}
	}
	return 0;
}

void axl_outcome_remedy(enum axl_outcome outcome, const struct axl_outcome_words *words,
                        char out[AXL_REMEDY_SIZE])
{
	size_t used = 0;

	for (const char *at = rows[outcome].remedy; *at != '\0' && used + 1 < AXL_REMEDY_SIZE;) {
		const char *word = NULL;
		size_t brace = outcome_word_at(at, words, &word);
		if (brace == 0) {
			out[used++] = *at++;
			continue;
		}
		int len = snprintf(out + used, AXL_REMEDY_SIZE - used, "%s", word);
		used += (size_t)len < AXL_REMEDY_SIZE - used ? (size_t)len
		                                             : AXL_REMEDY_SIZE - used - 1;
		at += brace;
	}
	out[used] = '\0';
}
