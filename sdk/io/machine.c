/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Runs table-driven state machines: checks the table, changes states, keeps each state's time
 * limit, tells of changes. Called by the owners of streams and links. It frees nothing of the
 * owner's and keeps its hands off the machine once a handler runs, since the handler may stop it.
 */
#include <fedway/io/machine.h>

/* A state that forgets to set its own limit on entry ends all the same. */
enum { MACHINE_FALLBACK_MS = 3600 * 1000, MACHINE_STATES_MAX = 32 };

static struct fw_logger machine_log = FW_LOGGER("machine");

static void machine_expired(void *ctx)
{
	struct fw_machine *machine = ctx;

	fw_log(machine->log, &machine_log, FW_LOG_DEBUG, "time limit reached state=%s",
	       fw_machine_state_name(machine));
	fw_machine_send(machine, FW_EVENT_TIMEOUT, NULL);
}

static int machine_check(const struct fw_state_row *rows, int count, int first)
{
	if (count < 1 || count > MACHINE_STATES_MAX || first < 0 || first >= count) {
		return FW_EINVAL;
	}
	for (int i = 0; i < count; i++) {
		uint64_t states = (UINT64_C(1) << count) - 1;

		if (rows[i].name == NULL || rows[i].handle == NULL || rows[i].timeout_ms == 0 ||
		    (rows[i].next & ~states) != 0) {
			return FW_EINVAL;
		}
	}
	return FW_OK;
}

/* Last act on the machine: the handler may stop it and free what it lives in. */
static void machine_enter(struct fw_machine *machine)
{
	const struct fw_state_row *row = &machine->rows[machine->state];
	uint32_t limit = row->timeout_ms;

	fw_machine_timeout(machine, limit == FW_TIMEOUT_OWN ? MACHINE_FALLBACK_MS : limit);
	fw_machine_send(machine, FW_EVENT_ENTER, NULL);
}

int fw_machine_start(struct fw_machine *machine, const struct fw_state_row *rows, int count,
                     int first, struct fw_loop *loop, void *owner)
{
	int ret = machine_check(rows, count, first);

	if (ret != FW_OK) {
		return ret;
	}
	fw_assert(machine->timer == NULL);
	ret = fw_timer_new(loop, machine_expired, machine, &machine->timer);
	if (ret != FW_OK) {
		return ret;
	}
	machine->rows = rows;
	machine->count = count;
	machine->state = first;
	machine->entered_us = fw_now_us(loop);
	machine->owner = owner;
	machine->loop = loop;
	machine_enter(machine);
	return FW_OK;
}

void fw_machine_goto(struct fw_machine *machine, int state)
{
	int from = machine->state;
	uint64_t now = fw_now_us(machine->loop);
	uint64_t spent = now - machine->entered_us;

	fw_assert(machine->timer != NULL);
	fw_assert(state >= 0 && state < machine->count);
	fw_assert((machine->rows[from].next & FW_TO(state)) != 0);
	machine->state = state;
	machine->entered_us = now;
	fw_log(machine->log, &machine_log, FW_LOG_DEBUG, "state changed from=%s to=%s",
	       machine->rows[from].name, machine->rows[state].name);
	if (machine->changed != NULL) {
		machine->changed(machine->owner, from, state, spent);
	}
	machine_enter(machine);
}

void fw_machine_send(struct fw_machine *machine, int kind, void *data)
{
	const struct fw_event event = { kind, data };

	if (machine->timer != NULL) {
		machine->rows[machine->state].handle(machine->owner, &event);
	}
}

void fw_machine_timeout(struct fw_machine *machine, uint32_t timeout_ms)
{
	if (machine->timer != NULL) {
		fw_timer_start_ms(machine->timer, timeout_ms, 0);
	}
}

const char *fw_machine_state_name(const struct fw_machine *machine)
{
	return machine->rows != NULL ? machine->rows[machine->state].name : "none";
}

void fw_machine_stop(struct fw_machine *machine)
{
	fw_timer_free(&machine->timer);
}
