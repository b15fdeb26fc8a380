/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Versions of the AXL schema: what a release speaks, and which to try when it speaks another.
 */
#ifndef FEDWAY_COMPONENTS_AXL_SCHEMA_H
#define FEDWAY_COMPONENTS_AXL_SCHEMA_H

#include <fedway/str.h>

#include "components/axl/axl_soap.h"

/** How many are tried before a publisher is given up for a while. */
#define AXL_SCHEMAS_TRIED 4u

/** What was tried since the last success; zero-initialise. */
struct axl_schemas {
	char items[AXL_SCHEMAS_TRIED][AXL_SCHEMA_SIZE];
	size_t count;
};

/** "14" and "14.0.1.10000-20" are "14.0". @return false: it does not begin with a version */
bool axl_schema_read(struct fw_str text, char out[AXL_SCHEMA_SIZE]);
/**
 * The next to try after a 599.
 * @param said    body of the answer: it lists versions, in words of any kind
 * @param wanted  what was refused; it becomes one that was tried
 * @param out     of those listed and not tried the newest that is not newer than wanted, else the oldest
 * @return false: there is none
 */
bool axl_schema_next(struct fw_str said, const char *wanted, struct axl_schemas *tried, char out[AXL_SCHEMA_SIZE]);

#endif
