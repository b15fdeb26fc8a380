/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A table-driven state machine: one row per state with its name, handler, time limit and the states it may
 * lead to. fw_machine_goto() is the only writer of the state. No state waits for ever: a row with
 * timeout_ms 0 is refused when the machine starts.
 */
#ifndef FEDWAY_IO_MACHINE_H
#define FEDWAY_IO_MACHINE_H

#include <fedway/io/loop.h>
#include <fedway/log.h>

FW_BEGIN_DECLS

/** The handler sets its own limit with fw_machine_timeout() on entry. */
#define FW_TIMEOUT_OWN UINT32_MAX
/** Bit of a state for the `next` mask. */
#define FW_TO(state) (UINT32_C(1) << (state))

/** Events every machine has; an owner's own begin at FW_EVENT_OWN. */
enum { FW_EVENT_ENTER, FW_EVENT_TIMEOUT, FW_EVENT_OWN = 16 };

struct fw_event {
	int kind;
	void *data; /**< the owner's, by kind */
};

struct fw_state_row {
	const char *name;
	void (*handle)(void *owner, const struct fw_event *event);
	uint32_t timeout_ms;
	uint32_t next; /**< mask of FW_TO(); 0: the end */
};

struct fw_machine {
	const struct fw_state_row *rows;
	int count;
	int state;
	uint64_t entered_us;
	void *owner;
	struct fw_loop *loop;
	struct fw_timer *timer;
	const struct fw_log *log;
	/** Told of each change, after it: for timings and ConnInfoHistory lines. May be NULL. */
	void (*changed)(void *owner, int from, int to, uint64_t spent_us);
};

/**
 * Starts in state `first` and sends it FW_EVENT_ENTER.
 * @return FW_OK; FW_EINVAL when the table is wrong (a state without time limit or handler); FW_ENOMEM
 */
FW_API int fw_machine_start(struct fw_machine *machine, const struct fw_state_row *rows, int count, int first,
                            struct fw_loop *loop, void *owner);
/** Changes the state and sends FW_EVENT_ENTER. An edge that the row does not allow is our bug: asserted. */
FW_API void fw_machine_goto(struct fw_machine *machine, int state);
/** Sends an event to the current state's handler. */
FW_API void fw_machine_send(struct fw_machine *machine, int kind, void *data);
/** Sets, or sets again, the limit of the current state. */
FW_API void fw_machine_timeout(struct fw_machine *machine, uint32_t timeout_ms);
FW_API const char *fw_machine_state_name(const struct fw_machine *machine);
/** Frees the timer; no event comes any more. */
FW_API void fw_machine_stop(struct fw_machine *machine);

FW_END_DECLS

#endif
