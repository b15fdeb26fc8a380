/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The order in which hosts are tried (RFC 2782). Pure: the caller brings the random numbers.
 */
#ifndef FEDWAY_COMPONENTS_RESOLVER_ORDER_H
#define FEDWAY_COMPONENTS_RESOLVER_ORDER_H

#include "components/resolver/resolver_result.h"

/** A number from 0 to `max`, both included, each as likely as the others. */
typedef uint32_t resolver_random_fn(void *ctx, uint32_t max);

/**
 * Fills `order` with the numbers 0 … count-1 of hosts in the order of trying: lower priority first, and within one
 * priority drawn by weight. Hosts of the same weight are equally likely, so that static routes, which
 * have none, are simply shuffled.
 * @param count  at most RESOLVER_HOSTS_MAX
 */
void resolver_order(const struct resolver_host *hosts, size_t count, size_t *order,
                    resolver_random_fn *random, void *ctx);

/** A resolver_random_fn on the system's randomness; `ctx` is not used. */
uint32_t resolver_random(void *ctx, uint32_t max);

#endif
