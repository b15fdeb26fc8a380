/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * One uplink: its connection, its state machine, its component. uplink.c owns the list of them.
 */
#ifndef FEDWAY_ROUTER_UPLINK_CONN_H
#define FEDWAY_ROUTER_UPLINK_CONN_H

#include <fedway/io/channel.h>
#include <fedway/io/machine.h>

#include "router/router.h"

enum uplink_state {
	UPLINK_WAIT,      /**< until the next attempt */
	UPLINK_CONNECT,   /**< TCP */
	UPLINK_HEADER,    /**< ours is sent; the peer's has the id we need */
	UPLINK_HANDSHAKE, /**< the hash is sent */
	UPLINK_UP,
	UPLINK_CLOSING,   /**< footer sent, waiting for the peer's */
	UPLINK_ENDED,
	UPLINK_STATE_COUNT
};

struct uplink {
	struct uplink *next;           /**< the room's */
	struct router *router;
	const struct config_uplink *row; /**< in the configuration in force */
	struct component *component;
	struct fw_log *log;
	struct fw_machine machine;
	struct fw_addr addr;
	int fd;                        /**< while connecting */
	struct fw_io *io;
	struct fw_channel *channel;
	uint32_t number;
	uint32_t failures;             /**< since it last was up for long */
	uint64_t up_ms;                /**< loop time when it came up; 0 when it is not */
	enum fw_cause last_cause;      /**< why it went down */
	char last_detail[128];
	bool draining;                 /**< no further attempt */
	bool drain_asked;              /**< by the router, which waits for component_drained() */
	bool removed;                  /**< by a reload: freed when its stream has ended */
	struct config_uplink last_row; /**< in place of `row` once removed: numbers only */
	struct fw_task ended_task;
	void (*ended)(struct uplink *uplink); /**< tells the room that a removed one is over */
};

extern const struct fw_state_row uplink_states[];

/** Makes an uplink with its component; it does nothing yet. @return FW_OK, FW_EINVAL, FW_ENOMEM, FW_EEXIST [g] */
int uplink_new(struct router *router, const struct config_uplink *row, uint32_t number, struct uplink **out,
               struct fw_error *err);
/** Begins to dial. @return FW_OK or FW_ENOMEM */
int uplink_begin(struct uplink *uplink);
/** Is up: ends in good order and dials again at once. */
void uplink_reattach(struct uplink *uplink);
/** Dials no more; what is up stays up. */
void uplink_retire(struct uplink *uplink);
/** Its row is gone: gives its domains back, ends in good order, then runs ended() at the end of a turn. */
void uplink_remove(struct uplink *uplink, void (*ended)(struct uplink *uplink));
/** Frees it at once; what is queued bounces with the cause. */
void uplink_free(struct uplink **uplink, enum fw_cause cause);
/** A reload changed its row, but not where it connects to. */
void uplink_reload(struct uplink *uplink, const struct config_uplink *row);

/** Milliseconds before attempt number `failures` + 1: doubles up to the maximum, then a random half off. */
uint32_t uplink_delay_ms(uint32_t min_ms, uint32_t max_ms, uint32_t failures, uint32_t random);

#endif
