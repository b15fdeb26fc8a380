/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What an operator should know until it is mended: raised by components (fw_notice) and by the router's own rooms,
 * listed by `fedwayctl notifications`, summed up as the node's health. Kept in memory: who is wrong says so again.
 */
#ifndef FEDWAY_ROUTER_NOTICES_H
#define FEDWAY_ROUTER_NOTICES_H

#include "router/router.h"

struct notice {
	struct notice *next;
	const struct component *component; /**< NULL: the router itself */
	enum fw_notice_level level;
	uint64_t since_ms;                 /**< loop clock: since it stands, at whatever level */
	char *key, *text;
	char *remedy;                      /**< NULL: none */
};

/** Raises or replaces a notice of the router itself. */
void notices_set(struct router *router, const char *key, enum fw_notice_level level, const char *remedy,
                 const char *format, ...) FW_PRINTF(5, 6);
void notices_clear(struct router *router, const char *key);

/** The same for a component; NULL is the router. */
void notices_put(struct router *router, const struct component *component, const char *key,
                 enum fw_notice_level level, const char *remedy, const char *text);
void notices_drop(struct router *router, const struct component *component, const char *key);
/** It goes: its notices go with it. */
void notices_drop_all(struct router *router, const struct component *component);
/** For the end of the router. */
void notices_free(struct router *router);

/** Worst level of all that stand; FW_NOTICE_INFO when all is well. */
enum fw_notice_level notices_worst(const struct router *router);
/** "info", "yellow", "red" */
const char *notices_level_name(enum fw_notice_level level);
/** "green", "yellow", "red" */
const char *notices_health_name(enum fw_notice_level worst);

#endif
