/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * TLS of links, on both sides: our certificate, who vouches for others, and the watch over the files. New files count
 * from the next connection on; connections that exist keep what they have.
 */
#ifndef FEDWAY_ROUTER_LINK_TLS_H
#define FEDWAY_ROUTER_LINK_TLS_H

#include <fedway/io/tls.h>

#include "router/router.h"

struct link_tls;

/** Reads the files of a configuration; *out is NULL when it has none. [g] @return FW_OK, FW_EINVAL (err says which), FW_ENOMEM */
int link_tls_load(const struct config_router *config, struct fw_tls_context **out, struct fw_error *err);

/** Reads those of router->config and begins to watch them. @return as link_tls_load() [g] */
int link_tls_new(struct router *router, struct link_tls **out, struct fw_error *err);
void link_tls_free(struct link_tls **tls);
/** A reload: the context of the new configuration, which is router->config from the next turn on. *context may be NULL [t] */
void link_tls_take(struct link_tls *tls, const struct config_router *config, struct fw_tls_context **context);

/** For connections that we begin, or accept when link_tls_accepts(); NULL: neither is configured. [b] */
struct fw_tls_context *link_tls_context(const struct link_tls *tls);
/** There is a certificate of ours: TLS can be offered. */
bool link_tls_accepts(const struct link_tls *tls);

/**
 * Does the peer's certificate lead to an authority and carry the name?
 * @param why  receives words when not; of some 200 bytes
 * @return FW_CAUSE_NONE when it does
 */
enum fw_cause link_tls_judge(const struct fw_tls *tls, const char *name, char *why, size_t size);
/** For a link's object in reports: "tls" and "cipher", when there is TLS. */
void link_tls_report(const struct fw_tls *tls, struct fw_json *stream);

#endif
