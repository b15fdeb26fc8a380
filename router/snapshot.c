/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Counts who reads a configuration. Held by the router for the one in force, and by each instance
 * for the one its options are in.
 */
#include "router/snapshot.h"

#include <stdlib.h>

struct snapshot *snapshot_new(struct config **config)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (snapshot == NULL) {
		return NULL;
	}
	snapshot->config = *config;
	snapshot->holders = 1;
	*config = NULL;
	return snapshot;
}

struct snapshot *snapshot_hold(struct snapshot *snapshot)
{
	snapshot->holders++;
	return snapshot;
}

void snapshot_release(struct snapshot **snapshot)
{
	if (*snapshot != NULL && --(*snapshot)->holders == 0) {
		config_free(&(*snapshot)->config);
		free(*snapshot);
	}
	*snapshot = NULL;
}
