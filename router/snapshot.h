/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A configuration in memory with those who still read it. A reload leaves unchanged components alone, so they go on
 * reading the structs they were started with; the snapshot goes when the last reader has let go.
 */
#ifndef FEDWAY_ROUTER_SNAPSHOT_H
#define FEDWAY_ROUTER_SNAPSHOT_H

#include "config/config.h"

struct snapshot {
	struct config *config;
	unsigned holders;
};

/** Takes over a configuration; the caller is the first holder. NULL when out of memory, *config is left then. [t] */
struct snapshot *snapshot_new(struct config **config);
struct snapshot *snapshot_hold(struct snapshot *snapshot);
/** Lets go, sets *snapshot to NULL; NULL is allowed. */
void snapshot_release(struct snapshot **snapshot);

#endif
