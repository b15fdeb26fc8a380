/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The component on a fake host, with one publisher: the table of axl_server.h. There is one world at a time.
 */
#ifndef TESTS_COMPONENTS_AXL_AXL_WORLD_H
#define TESTS_COMPONENTS_AXL_AXL_WORLD_H

#include "components/axl/axl_publisher.h"
#include "tests/components/axl/axl_server.h"
#include "tests/support/fake_host.h"

struct axl_world {
	struct fake_host *host;
	struct fw_self *self;
	struct axl_config config;
	struct axl_publisher_row row;
	char url[128];
};
extern struct axl_world world;
extern const struct fw_component axl_LTX_fw_component;

/** cmocka's setup and teardown: a host, an empty table behind the server, short waits, nothing started. */
int world_begin(void **state);
int world_end(void **state);
/** Starts the component. */
void world_start(void);
void world_stop(void);
struct axl_publisher *world_publisher(void);
/** The edges as the tunnel would tell them, JSON with ' for ". */
void world_edges(const char *json);
/** Runs until so many syncs have ended since the start, well or not. */
void world_until_ended(unsigned count);
/** Runs until the publisher is in order and rests. */
void world_until_synced(void);
/** What its notice says; "" when there is none. The level is FW_NOTICE_…, or -1. */
const char *world_notice(const char *key, int *level);
uint64_t world_counter(enum axl_count id);

#endif
