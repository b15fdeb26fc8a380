/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * How dialback elements look in the log: whole, but for the key, of which the beginning is enough to compare.
 */
#ifndef FEDWAY_COMPONENTS_DIALBACK_LOG_H
#define FEDWAY_COMPONENTS_DIALBACK_LOG_H

#include "components/dialback/dialback.h"

enum { DIALBACK_XCODER_SIZE = 20 };

/** The word that is the same in all lines of a session: its first characters, or else a number. */
void dialback_xcoder(struct fw_str session, uint64_t number, char out[DIALBACK_XCODER_SIZE]);
/** Context of a verification's lines: `(session, from:to, OUT)`. */
int dialback_log_context(const struct fw_log *parent, const struct dialback_question *question,
                         struct fw_log **out);
/** `xcoder=… sending:: <db:verify …>` */
void dialback_log_sending(const struct fw_log *log, const char *xcoder, const char *from,
                          const char *to, const char *id, const char *key);
/** `xcoder=… received:: <db:verify …>`; `ignored` says why it does not count, or is NULL. */
void dialback_log_received(const struct fw_log *log, const char *xcoder, struct fw_stanza *stanza,
                           const char *ignored);
/** Name of the condition inside an element of type error, quoted; "undefined-condition" when there is none. */
void dialback_error_condition(struct fw_stanza *stanza, char *out, size_t size);

#endif
