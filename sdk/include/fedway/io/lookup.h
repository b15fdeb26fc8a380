/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Addresses of a host as the system finds them (/etc/hosts, DNS), without holding the loop. For inner hosts of a
 * configuration; where domains of XMPP are served is the resolver's work.
 */
#ifndef FEDWAY_IO_LOOKUP_H
#define FEDWAY_IO_LOOKUP_H

#include <fedway/io/loop.h>
#include <fedway/io/socket.h>

FW_BEGIN_DECLS

struct fw_lookup;

/** Addresses of one host; what is over is left out. */
#define FW_LOOKUP_MAX 8u

/** @param addrs  in the system's order, with the port that was given; none: the host is not known */
typedef void fw_lookup_fn(void *ctx, const struct fw_addr *addrs, size_t count);
/**
 * Begins. How long it may take is the system's to say (resolv.conf).
 * @param out  set to NULL before `fn` runs, once; must stay where it is until then [g]
 * @return FW_OK, FW_ENOMEM
 */
FW_API int fw_lookup_start(struct fw_loop *loop, const char *host, uint16_t port, fw_lookup_fn *fn, void *ctx,
                           struct fw_lookup **out);
/** Does not wait; `fn` does not run. NULL is allowed. */
FW_API void fw_lookup_cancel(struct fw_lookup **lookup);

FW_END_DECLS

#endif
