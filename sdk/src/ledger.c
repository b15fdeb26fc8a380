/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Accounts of stanzas. Each stanza makes one entry and one exit, in its own account and in every
 * total above. Entered by the router's ingress, left by fw_stanza_end(). An account outlives its
 * owner while stanzas of it are under way, and a total outlives its accounts.
 */
#include <fedway/ledger.h>

#include <stdlib.h>

#include <fedway/error.h>

struct fw_ledger *fw_ledger_new(struct fw_ledger *total)
{
	struct fw_ledger *ledger = calloc(1, sizeof(*ledger));

	if (ledger == NULL) {
		return NULL;
	}
	ledger->holders = 1;
	ledger->total = total;
	if (total != NULL) {
		total->holders++;
	}
	return ledger;
}

/* One holder less; at zero the account goes, and with it its hold on the total. */
static void ledger_let_go(struct fw_ledger *ledger)
{
	while (ledger != NULL && --ledger->holders == 0) {
		struct fw_ledger *total = ledger->total;
		free(ledger);
		ledger = total;
	}
}

void fw_ledger_release(struct fw_ledger **ledger)
{
	if (ledger == NULL) {
		return;
	}
	ledger_let_go(*ledger);
	*ledger = NULL;
}

void fw_ledger_enter(struct fw_ledger *ledger)
{
	ledger->holders++;
	do {
		ledger->in++;
		ledger->in_flight++;
		ledger = ledger->total;
	} while (ledger != NULL);
}

void fw_ledger_leave(struct fw_ledger *ledger, enum fw_exit exit, enum fw_cause cause)
{
	bool unhappy = exit == FW_EXIT_BOUNCED || exit == FW_EXIT_DROPPED;

	fw_assert((unsigned)exit < FW_EXIT_COUNT && (unsigned)cause < FW_CAUSE_COUNT);
	fw_assert(ledger->in_flight > 0 && ledger->holders > 0);
	for (struct fw_ledger *each = ledger; each != NULL; each = each->total) {
		each->in_flight--;
		each->exits[exit]++;
		if (unhappy) {
			each->causes[cause]++;
		}
	}
	ledger_let_go(ledger);
}

bool fw_ledger_balanced(const struct fw_ledger *ledger)
{
	uint64_t out = ledger->in_flight;

	for (size_t i = 0; i < FW_EXIT_COUNT; i++) {
		out += ledger->exits[i];
	}
	return out == ledger->in;
}

const char *fw_exit_name(enum fw_exit exit)
{
#define LEDGER_NAME(id, name, help) [FW_EXIT_##id] = name,
	static const char *const names[FW_EXIT_COUNT] = { FW_EXITS(LEDGER_NAME) };
#undef LEDGER_NAME

	return (unsigned)exit < FW_EXIT_COUNT ? names[exit] : "unknown";
}
