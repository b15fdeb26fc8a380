/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The world of the tests that run the whole component.
 */
#include "tests/components/axl/axl_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fedway/hosting.h>

#define WAIT_MS 10000

struct axl_world world;

int world_begin(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	table_reset();
	world.host = fake_host_new();
	uint16_t port = axl_server_begin(fake_host_loop(world.host), "a", table_serve, NULL);
	snprintf(world.url, sizeof(world.url), "https://a.example:%u/axl/", (unsigned)port);
	world.row = (struct axl_publisher_row){
		.name = "imp1",
		.url = world.url,
		.address = "127.0.0.1",
		.user = "fedway",
		.password = { .bytes = "secret", .len = 6, .file = "/etc/fedway/axl.password" },
		.ca_file = TEST_CERTS "/ca.pem",
		.schema = "",
	};
	world.config = (struct axl_config){
		.publishers = { .items = &world.row, .count = 1 },
		.check_interval_ms = 60000,
		.retry_min_ms = 20,
		.retry_max_ms = 60000,
		.connect_timeout_ms = 5000,
		.timeout_ms = 5000,
		.answer_max_bytes = 100000,
	};
	return 0;
}

int world_end(void **state)
{
	(void)state;
	world_stop();
	axl_server_end();
	fake_host_free(&world.host);
	return 0;
}

void world_start(void)
{
	struct fw_error err = { 0 };

	world.self = fake_host_start(world.host, &axl_LTX_fw_component, &world.config, &err);
	if (world.self == NULL) {
		fail_msg("%s", err.text);
	}
}

void world_stop(void)
{
	fake_host_stop(world.host, &world.self);
}

struct axl_publisher *world_publisher(void)
{
	const struct axl *axl = fw_self_state(world.self);

	return axl->publishers[0];
}

void world_edges(const char *json)
{
	char *text = fw_str_dup(fw_str(json));

	for (char *at = text; (at = strchr(at, '\'')) != NULL;) {
		*at = '"';
	}
	fake_host_learn(world.host, "edges", text);
	free(text);
}

static bool has_ended(void *ctx)
{
	const unsigned *count = ctx;

	return world_counter(AXL_COUNT_SYNCS) + world_counter(AXL_COUNT_FAILURES) >= *count;
}

void world_until_ended(unsigned count)
{
	assert_true(fake_host_run_until(world.host, has_ended, &count, WAIT_MS));
}

static bool is_synced(void *ctx)
{
	(void)ctx;
	return axl_publisher_is_synced(world_publisher()) &&
	       !axl_publisher_is_busy(world_publisher());
}

void world_until_synced(void)
{
	fake_host_settle(world.host);
	if (!fake_host_run_until(world.host, is_synced, NULL, WAIT_MS)) {
		fail_msg("the rows are %s: %s", table_text(), world_publisher()->last.text);
	}
}

const char *world_notice(const char *key, int *level)
{
	enum fw_notice_level found = FW_NOTICE_INFO;
	const char *text = fake_host_notice(world.host, world.self, key, &found);

	*level = text != NULL ? (int)found : -1;
	return text != NULL ? text : "";
}

uint64_t world_counter(enum axl_count id)
{
	return fw_self_counter(world.self, id);
}
