/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What an uplink's state machine is told, and what it asks of the uplink.
 */
#ifndef FEDWAY_ROUTER_UPLINK_STATES_H
#define FEDWAY_ROUTER_UPLINK_STATES_H

#include "router/uplink_conn.h"

enum {
	UPLINK_EVENT_WRITABLE = FW_EVENT_OWN, /**< the connect has an outcome */
	UPLINK_EVENT_OPENED,                  /**< data: const struct fw_stream_header * */
	UPLINK_EVENT_ELEMENT,                 /**< data: struct fw_stanza ** */
	UPLINK_EVENT_CLOSED,                  /**< data: const struct uplink_closed * */
	UPLINK_EVENT_END,                     /**< we want it to end; uplink->last_cause says why */
};

struct uplink_closed {
	enum fw_cause cause;
	const char *detail;
};

/** Makes the channel on the connected descriptor. @return FW_OK, FW_ENOMEM, FW_ESYS */
int uplink_open_channel(struct uplink *uplink);
/** Up: claims the domains. */
void uplink_join(struct uplink *uplink);
/** No longer up: gives the domains back and bounces the queue. */
void uplink_leave(struct uplink *uplink, enum fw_cause cause);
/** A stanza from the peer, or an element that is none. */
void uplink_route(struct uplink *uplink, struct fw_stanza **stanza);

#endif
