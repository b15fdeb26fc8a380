/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Modules for tests that need no file: each writes down what happens to its instances.
 */
#ifndef FEDWAY_TESTS_ROUTER_TOYS_H
#define FEDWAY_TESTS_ROUTER_TOYS_H

#include <fedway/host.h>

#include "config/config.h"

struct toy_config {
	const char *domain;  /* bound at start, unless "" */
	const char *text;    /* what it says of itself */
	const char *refuse;  /* why start() fails, unless "" */
	bool slow;           /* drain() waits for toys_finish() */
};

/*
 * What happened, in order: "start toy-1 text;", "reload …", "stop …", "drain …", "told toy-1 service;". Modules: "toy" can
 * reload, drain and count (enum toy_count); "rigid" can do none of it.
 */
extern char toys_story[4096];

enum toy_count { TOY_TOLD, TOY_RELOADS, TOY_COUNTERS };

/** Forgets the story. */
void toys_begin(void);
/** The instance with this ID, or NULL. */
struct fw_self *toys_self(const char *id);
/** Lets an instance that drains slowly finish. */
void toys_finish(const char *id);

/**
 * The call of "wait long" that a slow toy keeps, or NULL. The other command, "say" with an argument "text", is answered at
 * once; it fails without a text.
 */
struct fw_call **toys_waiting(void);

/** For config_load_text(). */
extern const struct config_modules toys_modules;

/** A configuration of realm "realm-test" without listeners, with `text` added. Fails the test on a problem. [g] */
struct config *toys_config(const char *text);

#endif
