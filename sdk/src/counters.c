/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Values of the counters that a component has declared, one per row. Components add, hosts read;
 * self.c owns the object they live in. Rows are in the module, names and units never come here.
 */
#include "sdk/src/self.h"

#include <stdlib.h>

int counters_make(struct fw_self *self, const struct fw_counter *rows)
{
	unsigned count = 0;

	while (rows != NULL && rows[count].name != NULL) {
		count++;
	}
	if (count > 0) {
		self->counters = calloc(count, sizeof(*self->counters));
		if (self->counters == NULL) {
			return FW_ENOMEM;
		}
	}
	self->counter_count = count;
	return FW_OK;
}

void fw_count(struct fw_self *self, unsigned id, uint64_t amount)
{
	fw_assert(id < self->counter_count);
	self->counters[id] += amount;
}

uint64_t fw_self_counter(const struct fw_self *self, unsigned id)
{
	fw_assert(id < self->counter_count);
	return self->counters[id];
}
