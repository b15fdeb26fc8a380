/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One IM publisher: what we know of it, and the run of questions that brings its table in order.
 */
#ifndef FEDWAY_COMPONENTS_AXL_PUBLISHER_H
#define FEDWAY_COMPONENTS_AXL_PUBLISHER_H

#include "components/axl/axl.h"

/** What a run is doing. */
enum axl_step { AXL_IDLE, AXL_ASK_VERSION, AXL_ASK_ROWS, AXL_CHANGE, AXL_STEPS };

/** How a run ended. */
struct axl_end {
	enum axl_outcome outcome;
	char text[AXL_TEXT_SIZE]; /**< what the publisher or the library says */
};

struct axl_publisher {
	struct axl *axl;
	const struct axl_publisher_row *config;
	struct axl_http *http;     /**< NULL until the first run */
	struct fw_timer *timer;    /**< the next run */
	uint64_t next_ms;          /**< when it is due, by the loop's clock */
	/* the run */
	enum axl_step step;
	bool dry;                  /**< it only looks */
	bool want_sync, want_dry;  /**< runs that are asked for */
	bool changed;              /**< something was written: look again */
	unsigned rounds;           /**< of changes in this run */
	uint64_t generation;       /**< of what it brings about */
	struct axl_request request;
	char *sql;
	struct axl_plan plan;
	size_t statement;          /**< of the plan, that is under way */
	struct axl_schemas tried;
	struct axl_list inserted, deleted; /**< component IDs; in a dry run: those that would be */
	/* what is known */
	char version[AXL_TEXT_SIZE], schema[AXL_SCHEMA_SIZE];
	size_t rows_wanted, rows_there, rows_foreign;
	bool rows_known;
	uint64_t synced_generation; /**< of the last success; 0: none */
	uint64_t synced_ms;
	unsigned failures;          /**< since then */
	struct axl_end last, looked; /**< of the last sync, and of the last dry run */
};

/** A publisher with a first run at once. @return FW_OK, FW_ENOMEM [g] */
int axl_publisher_new(struct axl *axl, const struct axl_publisher_row *config, struct axl_publisher **out);
void axl_publisher_free(struct axl_publisher **publisher);
/** The same publisher under a new configuration: what was known stays known. */
void axl_publisher_inherit(struct axl_publisher *publisher, const struct axl_publisher *former);
/** Runs now, or when the run under way has ended. */
void axl_publisher_sync(struct axl_publisher *publisher);
/** The same, but nothing is written. */
void axl_publisher_look(struct axl_publisher *publisher);
/** Something is under way or asked for. */
bool axl_publisher_is_busy(const struct axl_publisher *publisher);
/** Our rows are there, all others of our realms are gone, as far as we know. */
bool axl_publisher_is_synced(const struct axl_publisher *publisher);
/* ---- axl_tell.c: how a run ended, for people ---- */

/** What went wrong, in a sentence; "" after a success. */
#define AXL_ERROR_SIZE 512u
void axl_tell_error(const struct axl_publisher *publisher, const struct axl_end *end, char out[AXL_ERROR_SIZE]);
/** What can be done about it; "" after a success. */
void axl_tell_remedy(const struct axl_publisher *publisher, const struct axl_end *end, char out[AXL_REMEDY_SIZE]);
/** Log lines of a request and of its answer, in the form of the XCP guide. */
void axl_tell_request(const struct axl_publisher *publisher);
void axl_tell_answer(const struct axl_publisher *publisher, unsigned status, const struct axl_answer *answer);
/** Rows differ from what the last run had left although nothing new is wanted. */
void axl_tell_drift(const struct axl_publisher *publisher);
/** A sync has ended: log line and notice. */
void axl_tell_end(const struct axl_publisher *publisher);
/** The publisher is not asked any more. */
void axl_tell_gone(const struct axl_publisher *publisher);

#endif
