/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Traces: the bytes of streams with one remote domain, written to files for a while. s2s_trace.c has the traces and
 * the commands, s2s_tap.c the streams that are looked at. Nothing of it exists while there is no trace.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_TRACE_H
#define FEDWAY_COMPONENTS_S2S_S2S_TRACE_H

#include "components/s2s/s2s_leg.h"

enum { TRACES_MAX = 8, TRACE_NAME_MAX = 128 };

/** One unit of a stream, on its way to files. */
struct trace_unit {
	uint64_t time_us; /**< since 1970 */
	bool sent;
	bool tls;
	struct fw_str raw, shown;
	const struct s2s_leg *leg;
	const struct fw_addr *ours, *theirs;
};

struct s2s_trace;

/** The traces of an instance. */
struct s2s_traces {
	struct s2s *s2s;
	struct s2s_trace *list; /**< newest first; those that have ended stay for a look */
	unsigned active;
	uint64_t last_id;
	struct s2s_tap *taps;
	struct fw_task settle;  /**< the last one has ended: streams are left alone again */
};

/** Ends all. NULL is allowed. */
void s2s_traces_free(struct s2s_traces **traces);
/** The unit goes to every trace that wants its stream. */
void s2s_traces_write(struct s2s_traces *traces, const struct trace_unit *unit);

/* ---- s2s_tap.c ---- */

/** For channels: looks on. ctx is the leg. */
void s2s_tap(void *ctx, const struct fw_channel *channel, bool sent, struct fw_str bytes);
/** A leg has a channel: it is looked at while there are traces. Not from within s2s_tap(). */
void s2s_tap_leg(struct s2s_leg *leg);
/** All legs there are: looked at while there are traces. */
void s2s_tap_all(struct s2s *s2s);
/** What a dial should be given: s2s_tap, or NULL while there is no trace. */
fw_channel_tap_fn *s2s_tap_wanted(const struct s2s *s2s);

/* ---- commands ---- */

void s2s_trace_add(struct fw_self *self, struct fw_call *call);
void s2s_trace_list(struct fw_self *self, struct fw_call *call);
void s2s_trace_remove(struct fw_self *self, struct fw_call *call);

#endif
