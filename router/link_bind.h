/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Attach dialect 2 after the proof: names are bound and given back one by one, within the rights of the link's row.
 * The link itself, its acknowledgements and its credit are link.h, link_session.h and link_credit.h.
 */
#ifndef FEDWAY_ROUTER_LINK_BIND_H
#define FEDWAY_ROUTER_LINK_BIND_H

#include "router/link.h"

/**
 * A channel that has proved a name, with our features of dialect 2 as its last word, becomes a link.
 * @param method   how it was proved, for reports; static text
 * @param channel  NULL on return when FW_OK; else left with the caller [t]
 * @param cause    on failure: the reason for the peer
 * @return FW_OK, FW_ENOMEM
 */
int link_bind_attach(struct link_room *room, struct link_name *name, uint32_t session, const char *method,
                     struct fw_channel **channel, enum fw_cause *cause);

#endif
