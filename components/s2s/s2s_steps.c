/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The lines in which S2S explains itself: what was looked at, how it went, and what an operator can
 * do about it. Used by s2s_explain.c and s2s_visit.c; fedwayctl shows them one below the other.
 */
#include "components/s2s/s2s_steps.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const words[] = {
	[S2S_STEP_OK] = "ok",
	[S2S_STEP_INFO] = "info",
	[S2S_STEP_WARN] = "warn",
	[S2S_STEP_FAIL] = "fail",
};

static struct fw_json *step_add(struct fw_json *steps, enum s2s_step verdict, const char *what)
{
	struct fw_json *row = fw_json_append_object(steps);

	fw_json_set(row, "step", fw_str(what));
	fw_json_set(row, "verdict", fw_str(words[verdict]));
	return row;
}

void s2s_step(struct fw_json *steps, enum s2s_step verdict, const char *what, const char *format,
              ...)
{
	struct fw_json *row = step_add(steps, verdict, what);
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fw_json_set(row, "text", fw_str(text));
}

void s2s_step_cause(struct fw_json *steps, enum s2s_step verdict, const char *what,
                    enum fw_cause cause, const char *detail)
{
	struct fw_json *row = step_add(steps, verdict, what);
	const struct fw_cause_row *words_of = fw_cause_row(cause);

	fw_json_setf(row, "text", "%s%s%s%s", words_of->text, detail[0] != '\0' ? " (" : "", detail,
	             detail[0] != '\0' ? ")" : "");
	fw_json_set(row, "cause", fw_str(words_of->name));
	fw_json_set(row, "remedy", fw_str(words_of->remedy));
}

const char *s2s_ms(uint64_t us, char out[S2S_MS_SIZE])
{
	(void)snprintf(out, S2S_MS_SIZE, "%llu.%llu ms", (unsigned long long)(us / 1000),
	               (unsigned long long)(us % 1000 / 100));
	return out;
}

const char *s2s_span(uint64_t ms, char out[S2S_SPAN_SIZE])
{
	unsigned long long s = ms / 1000;

	if (s < 60) {
		(void)snprintf(out, S2S_SPAN_SIZE, "%llu s", s);
	} else if (s < 3600) {
		(void)snprintf(out, S2S_SPAN_SIZE, "%llu min %llu s", s / 60, s % 60);
	} else {
		(void)snprintf(out, S2S_SPAN_SIZE, "%llu h %llu min", s / 3600, s % 3600 / 60);
	}
	return out;
}
