/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * How many streams are being opened at once, in all and to one remote domain. What is over it waits for its turn.
 */
#ifndef FEDWAY_COMPONENTS_S2S_S2S_EGRESS_H
#define FEDWAY_COMPONENTS_S2S_S2S_EGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct s2s;
struct s2s_egress;
struct s2s_egress_remote;

/** One attempt; embedded, all zero before it enters. */
struct s2s_egress_slot {
	struct s2s_egress_slot *next, **link; /**< while it waits: behind others to the same remote domain */
	struct s2s_egress_remote *remote;     /**< NULL: it has not entered, or has left */
	bool waits;
	void (*turn)(void *ctx); /**< it may begin now; never from within a call */
	void *ctx;
};

int s2s_egress_new(struct s2s *s2s, struct s2s_egress **out);
/** All slots have left. */
void s2s_egress_free(struct s2s_egress **egress);
/**
 * An attempt wants to begin.
 * @return true: now; false: it waits, and slot->turn will be called, or memory is out and slot->remote is NULL
 */
bool s2s_egress_enter(struct s2s_egress *egress, struct s2s_egress_slot *slot, const char *remote);
/** It has come to an end, or is given up while it waits. May be called at any time. */
void s2s_egress_leave(struct s2s_egress *egress, struct s2s_egress_slot *slot);
/** The limits may have grown. */
void s2s_egress_reload(struct s2s_egress *egress);
/** For reports. */
uint32_t s2s_egress_connecting(const struct s2s_egress *egress);
uint32_t s2s_egress_waiting(const struct s2s_egress *egress);

#endif
