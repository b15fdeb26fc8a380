/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Remembers which pairs were refused, so that the log has a line for the first time and then for every tenth,
 * hundredth, … only. Of bounded size: a pair may lose its place to another.
 */
#ifndef FEDWAY_COMPONENTS_POLICY_REFUSED_H
#define FEDWAY_COMPONENTS_POLICY_REFUSED_H

#include <fedway/log.h>

#include "components/policy/policy_rules.h"

struct policy_refused;

/** NULL when out of memory; that only costs log lines. */
struct policy_refused *policy_refused_new(void);
/** Writes what was not written yet, and frees. */
void policy_refused_free(struct policy_refused **refused, const struct fw_log *log);
/** One refusal. Domains as keys. */
void policy_refused_count(struct policy_refused *refused, const struct fw_log *log,
                          struct fw_str from, struct fw_str to, struct policy_decision decision);
/** Writes what was not written yet, and forgets all pairs: new rules are in force. */
void policy_refused_flush(struct policy_refused *refused, const struct fw_log *log);

#endif
