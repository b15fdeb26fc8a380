/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The component's files among themselves: the instance, its publishers, and what it counts.
 */
#ifndef FEDWAY_COMPONENTS_AXL_AXL_H
#define FEDWAY_COMPONENTS_AXL_AXL_H

#include <fedway/host.h>
#include <fedway/io/loop.h>

#include "components/axl/axl_http.h"
#include "components/axl/axl_plan.h"
#include "components/axl/axl_schema.h"
#include "components/axl/axl_soap.h"

struct axl_publisher_row {
	const char *name, *url, *address, *user;
	struct fw_secret password;
	const char *ca_file, *schema;
	int soap_action;
};

enum { AXL_ACTION_QUOTED, AXL_ACTION_PLAIN };

struct axl_config {
	struct fw_rows publishers; /**< struct axl_publisher_row */
	struct fw_strings component_ids;
	uint32_t check_interval_ms, retry_min_ms, retry_max_ms;
	uint32_t connect_timeout_ms, timeout_ms, answer_max_bytes;
};

#define AXL_COUNTERS(X) /* id, name, unit, help */ \
	X(REQUESTS, "requests", "requests", \
	  "sent to publishers") \
	X(SYNCS, "syncs", "syncs", \
	  "that ended with the table as it should be") \
	X(FAILURES, "failures", "syncs", \
	  "that ended otherwise") \
	X(INSERTED, "rows_inserted", "rows", \
	  "that a publisher has taken") \
	X(DELETED, "rows_deleted", "rows", \
	  "of ours that a publisher has deleted") \
	X(DRIFTED, "rows_drifted", "rows", \
	  "of ours that somebody else had added or removed since the last sync")

#define AXL_COUNTER_ENUM(id, name, unit, help) AXL_COUNT_##id,
enum axl_count { AXL_COUNTERS(AXL_COUNTER_ENUM) AXL_COUNTS };
#undef AXL_COUNTER_ENUM

struct axl_publisher;

struct axl {
	struct fw_self *self;
	struct fw_loop *loop;
	const struct axl_config *config;
	struct axl_publisher **publishers;
	size_t publisher_count;
	/* axl_wanted.c: */
	struct axl_list wanted;     /**< component IDs */
	struct axl_list realms;     /**< that we manage: rows of others are not touched */
	struct axl_list configured; /**< realms of component_ids, now or formerly */
	struct axl_list edges;      /**< realms of edges, now or formerly */
	uint64_t generation;        /**< of wanted and realms */
	uint64_t sequence;          /**< of requests */
	struct fw_call *call;       /**< a sync that an operator waits for */
	bool call_is_dry;
};

/* ---- axl_wanted.c: which rows, of which realms? ---- */

/** Reads the configuration, the edges and what was remembered anew. @return true when something is different */
bool axl_wanted_update(struct axl *axl);
/** Every publisher is in order: realms that are ours no more can be forgotten. */
void axl_wanted_settled(struct axl *axl);
void axl_wanted_clear(struct axl *axl);
/** "" when rows are wanted, else a sentence that says why there is none. */
const char *axl_wanted_reason(const struct axl *axl);

/* ---- axl.c ---- */

/** A publisher has finished a run. */
void axl_finished(struct axl *axl);

/* ---- axl_commands.c ---- */

extern const struct fw_command axl_commands[];
/** Answers the operator when all publishers have finished what he waits for. */
void axl_commands_progress(struct axl *axl);
/** He waits in vain. */
void axl_commands_give_up(struct axl *axl, const char *why);

/* ---- axl_report.c ---- */

void axl_report(struct fw_self *self, const char *topic, struct fw_json *out);
/** One publisher, as `axl status` shows it. */
void axl_report_publisher(const struct axl_publisher *publisher, struct fw_json *out);

#endif
