/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The stable SDK in one line. What fedway/io/ holds is for components that do their own network I/O; it is
 * "strict" (see abi.h).
 */
#ifndef FEDWAY_FEDWAY_H
#define FEDWAY_FEDWAY_H

#include <fedway/abi.h>
#include <fedway/cause.h>
#include <fedway/component.h>
#include <fedway/config.h>
#include <fedway/counters.h>
#include <fedway/error.h>
#include <fedway/host.h>
#include <fedway/jid.h>
#include <fedway/json.h>
#include <fedway/ledger.h>
#include <fedway/log.h>
#include <fedway/stanza.h>
#include <fedway/str.h>

#endif
