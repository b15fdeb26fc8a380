/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * A scenario under way: the router, its log, the peers and the variables of the script. runner.c reads the script,
 * scene.c holds the router.
 */
#ifndef TESTS_SCENARIOS_SCENE_H
#define TESTS_SCENARIOS_SCENE_H

#include "router/router.h"
#include "tests/scenarios/fake_loop.h"
#include "tests/scenarios/fake_net.h"

enum { PEERS_MAX = 32, VARIABLES_MAX = 32, LINE_SIZE = 16384 };

struct peer {
	char name[64];
	int fd;
	char *got;
	size_t len, seen;
	bool ended, deaf;
};

struct variable {
	char name[64];
	char value[8192];
};

struct scene {
	const char *path;
	int line;
	struct fw_loop *loop;
	struct router *router;
	char *log;
	size_t log_len;
	struct peer peers[PEERS_MAX];
	size_t peer_count;
	struct variable variables[VARIABLES_MAX];
	size_t variable_count;
	/* what the scene's own component was given */
	struct fw_self *self;
	char *got;
	size_t got_len, got_seen;
};

struct scene *scene_current(void);
void scene_fail(const char *format, ...) FW_PRINTF(1, 2) __attribute__((noreturn));
void scene_set(const char *name, const char *value, size_t len);
/** Runs the router until nothing happens any more without time passing. */
void scene_settle(void);

void scene_open(const char *path);
void scene_start(const char *config);
void scene_reload(const char *config);
/** Stops the router; the ledger must be balanced and empty. */
void scene_close(void);
/** `exit NAME` or `cause NAME`: how many in total. */
void scene_expect_count(const char *what, const char *name, unsigned long want);
void scene_component_sends(const char *stanza);
void scene_component_expects(const char *text);

#endif
