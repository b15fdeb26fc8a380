/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What a component counts for the operator: one row per counter, beside an enum of the same order. `fedwayctl
 * counters` shows them. Counters only grow, from zero at the start of the instance; a reload keeps them. What every
 * stanza is anyhow counted for (ledger.h) needs none.
 */
#ifndef FEDWAY_COUNTERS_H
#define FEDWAY_COUNTERS_H

#include <fedway/abi.h>

FW_BEGIN_DECLS

struct fw_self;

/** All three must be given. */
struct fw_counter {
	const char *name; /**< lower case, underscores: "keys_made"; NULL ends the list */
	const char *unit; /**< of the value: "stanzas", "bytes" */
	const char *help; /**< one line: what was counted */
};
#define FW_COUNTER_END { NULL, NULL, NULL }

/**
 * Adds to a counter of the calling component. Costs one addition.
 * @param id  place of its row in the descriptor's `counters`, by an enum; one that is not there is our bug
 *
 * Context: loop thread, any callback from start to stop.
 */
FW_API void fw_count(struct fw_self *self, unsigned id, uint64_t amount);

FW_END_DECLS

#endif
