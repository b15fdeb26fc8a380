/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The table of causes and its two look-ups. Called by whoever ends a stream or a stanza, and by
 * those who explain it. Decides nothing: which cause applies is the business of the room that sees
 * it.
 */
#include <fedway/cause.h>

#define CAUSE_ROW(id, name, stream, type, condition, text, remedy) \
	[FW_CAUSE_##id] = { name, stream, type, condition, text, remedy },
static const struct fw_cause_row cause_rows[FW_CAUSE_COUNT] = { FW_CAUSES(CAUSE_ROW) };
#undef CAUSE_ROW

const struct fw_cause_row *fw_cause_row(enum fw_cause cause)
{
	if ((unsigned)cause >= FW_CAUSE_COUNT) {
		cause = FW_CAUSE_NONE;
	}
	return &cause_rows[cause];
}

enum fw_cause fw_cause_by_name(struct fw_str name)
{
	int cause = 0;

	while (cause < FW_CAUSE_COUNT && !fw_str_is(name, cause_rows[cause].name)) {
		cause++;
	}
	return (enum fw_cause)cause;
}
