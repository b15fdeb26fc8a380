/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The commands of S2S that an operator gives with fedwayctl, and what they share. Rows are in s2s_commands.c.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_COMMANDS_H
#define FEDWAY_COMPONENTS_S2S_S2S_COMMANDS_H

#include "components/s2s/s2s.h"
#include "components/s2s/s2s_security.h"

extern const struct fw_command s2s_commands[];

/** local remote: what would happen between two domains (s2s_explain.c). */
void s2s_explain(struct fw_self *self, struct fw_call *call);
/** local remote: goes and looks (s2s_visit.c). */
void s2s_visit(struct fw_self *self, struct fw_call *call);
/** One row per stream (s2s_report.c). */
void s2s_connections(struct fw_self *self, struct fw_call *call);

/** What is compared with other edges (s2s_facts.c). */
void s2s_facts(const struct s2s *s2s, struct fw_json *out);
/** The member security_mode (s2s_report.c). */
void s2s_report_security_mode(const struct s2s *s2s, struct fw_json *out);

/** Puts the verdict of a policy answer into steps. @return FW_CAUSE_NONE: allowed, or nobody knows */
enum fw_cause s2s_explain_policy(struct fw_stanza *reply, enum fw_cause cause, struct fw_json *steps);
/** Puts what is asked of the remote domain into steps. */
void s2s_explain_rules(const struct s2s *s2s, const char *remote, enum s2s_direction direction,
		       struct fw_json *steps);
/** Reads a resolver's answer, lists it in `result` as "targets", and puts it into steps. */
enum fw_cause s2s_explain_targets(struct fw_stanza *reply, enum fw_cause cause, struct fw_json *steps,
				  struct fw_json *result, struct s2s_targets *targets);

#endif
