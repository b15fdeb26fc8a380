/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Attach dialect 3: what a link between routers adds to a link (link.h).
 */
#ifndef FEDWAY_ROUTER_FABRIC_LINK_H
#define FEDWAY_ROUTER_FABRIC_LINK_H

#include "router/fabric.h"
#include "router/link.h"

/**
 * A channel on which the other router has proved who it is becomes a link of dialect 3, or goes on with one.
 * @param session  number of the connection; 0: it has none yet
 * @param method   how it was proved, for reports; static text
 * @param dialled  by us
 * @param channel  NULL on return when FW_OK; else left with the caller [t]
 * @param cause    on failure: the reason for the peer
 * @return FW_OK, FW_ENOMEM
 */
int fabric_link_attach(struct link_room *room, struct fabric_peer *peer, uint32_t session, const char *method,
                       bool dialled, struct fw_channel **channel, enum fw_cause *cause);

#endif
