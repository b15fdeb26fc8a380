/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The ledger: each stanza that enters leaves by exactly one exit, so that at any instant
 * in = sum of exits + in flight, for every component and in total.
 */
#ifndef FEDWAY_LEDGER_H
#define FEDWAY_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include <fedway/cause.h>

FW_BEGIN_DECLS

#define FW_EXITS(X) \
	X(DELIVERED, "delivered", "handed to its destination, which does not acknowledge") \
	X(ACKNOWLEDGED, "acknowledged", "handed to its destination, which said so") \
	X(ANSWERED, "answered", "a request that got its reply") \
	X(BOUNCED, "bounced", "returned to its sender as an error") \
	X(DROPPED, "dropped", "ended without an answer, for a cause")

#define FW_EXIT_ENUM(id, name, help) FW_EXIT_##id,
enum fw_exit { FW_EXITS(FW_EXIT_ENUM) FW_EXIT_COUNT };
#undef FW_EXIT_ENUM

/** One account. The counters are read by reports; only the calls below write them. */
struct fw_ledger {
	uint64_t in;
	uint64_t in_flight; /**< stanzas that exist now; counted apart from the others */
	uint64_t exits[FW_EXIT_COUNT];
	uint64_t causes[FW_CAUSE_COUNT]; /**< of bounced and dropped ones */
	struct fw_ledger *total;         /**< account that gets the same entries, or NULL */
	uint32_t holders;                /**< owner plus stanzas in flight; freed at zero */
};

/** New account under `total` (may be NULL). NULL when out of memory. */
FW_API struct fw_ledger *fw_ledger_new(struct fw_ledger *total);

/** The owner lets go; the memory goes when the last stanza has left. Sets *ledger to NULL. */
FW_API void fw_ledger_release(struct fw_ledger **ledger);

/** A stanza enters. Called by the router's ingress. */
FW_API void fw_ledger_enter(struct fw_ledger *ledger);

/** A stanza leaves. Called by fw_stanza_end() only. */
FW_API void fw_ledger_leave(struct fw_ledger *ledger, enum fw_exit exit, enum fw_cause cause);

/** in == sum of exits + in flight. */
FW_API bool fw_ledger_balanced(const struct fw_ledger *ledger);

/** "delivered", "bounced", … */
FW_API const char *fw_exit_name(enum fw_exit exit);

FW_END_DECLS

#endif
