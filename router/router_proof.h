/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * How two routers prove to each other who they are, from the side that dials: our certificate or the common secret
 * for us; its certificate, or the secret bound to the connection, for the other.
 */
#ifndef FEDWAY_ROUTER_ROUTER_PROOF_H
#define FEDWAY_ROUTER_ROUTER_PROOF_H

#include <fedway/io/channel.h>
#include <fedway/io/scram.h>

#include "router/fabric.h"

struct router_proof;

/**
 * Chooses a mechanism among the features and sends <auth/>.
 * @param keys  of the row's secret, kept by the caller between attempts
 * @param why   words for the log on failure
 * @return FW_CAUSE_NONE [g]; or why it cannot be
 */
enum fw_cause router_proof_begin(const struct fabric_peer *peer, struct fw_channel *channel,
                                 const struct fw_elem *features, struct fw_scram_keys *keys,
                                 struct router_proof **out, char *why, size_t size);
/** An element of the other side. @param done  set when both have proved themselves */
enum fw_cause router_proof_take(struct router_proof *proof, struct fw_stanza *element, bool *done, char *why,
                                size_t size);
/** For reports; static text. */
const char *router_proof_method(const struct router_proof *proof);
void router_proof_free(struct router_proof **proof);

#endif
