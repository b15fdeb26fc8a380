/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Collects sentences with file:line, so that an operator sees all that is wrong at once. Called
 * wherever a configuration is read. It prints nothing itself.
 */
#include "config/config.h"

#include <stdarg.h>
#include <stdlib.h>

/* More help nobody: they mostly follow from the first. */
#define PROBLEM_LINES_MAX 200u

static void problem_append(struct config_problems *problems, const char *line, size_t len)
{
	size_t old = problems->text != NULL ? strlen(problems->text) : 0;
	char *text = realloc(problems->text, old + len + 2);

	if (text == NULL) {
		return; /* the count still says that something is wrong */
	}
	memcpy(text + old, line, len);
	memcpy(text + old + len, "\n", 2);
	problems->text = text;
}

void config_problem(struct config_problems *problems, const char *file, int line,
                    const char *format, ...)
{
	char text[1024];
	size_t used = 0;
	va_list args;

	problems->count++;
	if (problems->count > PROBLEM_LINES_MAX) {
		return;
	}
	if (problems->count == PROBLEM_LINES_MAX) {
		file = NULL;
		format = "and more of them; repair those above first";
	}
	if (file != NULL) {
		used = (size_t)(line > 0 ? snprintf(text, sizeof(text), "%.400s:%d: ", file, line)
		                         : snprintf(text, sizeof(text), "%.400s: ", file));
	}
	va_start(args, format);
	vsnprintf(text + used, sizeof(text) - used, format, args);
	va_end(args);
	problem_append(problems, text, strlen(text));
}

void config_problems_free(struct config_problems *problems)
{
	free(problems->text);
	problems->text = NULL;
	problems->count = 0;
}
