/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which undeliverable stanzas are answered with an error. The answering itself is router_bounce() (router.h).
 */
#ifndef FEDWAY_ROUTER_BOUNCE_H
#define FEDWAY_ROUTER_BOUNCE_H

#include <fedway/stanza.h>

/**
 * Whether an error answer may be sent (the table is in README.md).
 * @param cause  set to the cause of the drop when the rule names one of its own; else left as it is
 */
bool bounce_is_due(const struct fw_stanza *stanza, enum fw_cause *cause);

#endif
