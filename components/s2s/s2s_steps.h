/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One line of an explanation or of a check: {"step", "verdict", "text"}, and for a cause also "cause" and "remedy".
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_STEPS_H
#define FEDWAY_COMPONENTS_S2S_S2S_STEPS_H

#include <fedway/cause.h>
#include <fedway/json.h>

enum s2s_step { S2S_STEP_OK, S2S_STEP_INFO, S2S_STEP_WARN, S2S_STEP_FAIL };

/** Appends one to an array. */
void s2s_step(struct fw_json *steps, enum s2s_step verdict, const char *what, const char *format, ...)
	FW_PRINTF(4, 5);
/** The same, in the words of a cause. @param detail  more words, or "" */
void s2s_step_cause(struct fw_json *steps, enum s2s_step verdict, const char *what, enum fw_cause cause,
		    const char *detail);

#define S2S_MS_SIZE 32
/** "12.3 ms". @return `out` */
const char *s2s_ms(uint64_t us, char out[S2S_MS_SIZE]);
#define S2S_SPAN_SIZE 48
/** "3 min 20 s". @return `out` */
const char *s2s_span(uint64_t ms, char out[S2S_SPAN_SIZE]);

#endif
