/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What has to change so that a publisher's table holds our rows and, of our realms, no others; and the statements for it.
 */
#ifndef FEDWAY_COMPONENTS_AXL_PLAN_H
#define FEDWAY_COMPONENTS_AXL_PLAN_H

#include "components/axl/axl_list.h"
#include "components/axl/axl_soap.h"

/** The statement that shows what is there. */
#define AXL_SELECT "select pkid, cp_id from xmpps2snodes"
/** What one statement deletes at most. */
#define AXL_DELETE_MAX 50u

struct axl_plan {
	struct axl_list missing;    /**< component IDs to insert */
	struct axl_list stale;      /**< component IDs of our realms that nobody wants, to delete */
	struct axl_list twins;      /**< pkid of rows that repeat a wanted one, to delete */
	size_t wanted, there;       /**< rows that shall be there, and those of them that are */
	size_t foreign;             /**< rows of realms that are not ours: not touched */
};

/**
 * Compares.
 * @param wanted  component IDs
 * @param realms  those that are ours, now or formerly: everything else is somebody else's
 * @return FW_OK, FW_ENOMEM
 */
int axl_plan_make(const struct axl_list *wanted, const struct axl_list *realms, const struct axl_row *rows,
                  size_t row_count, struct axl_plan *out);
void axl_plan_clear(struct axl_plan *plan);
bool axl_plan_is_empty(const struct axl_plan *plan);

/** How many statements it takes. */
size_t axl_plan_statements(const struct axl_plan *plan);
/** One of them, to be freed with free(); NULL when out of memory. Those that insert come first. */
char *axl_plan_statement(const struct axl_plan *plan, size_t index);
/** It is one that inserts. */
bool axl_plan_inserts(const struct axl_plan *plan, size_t index);

/** "edge-1" of "cm-2_s2scp-1.edge-1"; absent when there is none. */
struct fw_str axl_plan_realm(struct fw_str component_id);
/** It has the form of a component ID: nothing else is ever written. */
bool axl_plan_is_id(struct fw_str component_id);

#endif
