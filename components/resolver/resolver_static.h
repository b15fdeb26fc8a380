/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Static routes: which hosts serve a domain, as the operator says. A domain that has one is not looked up in DNS for
 * its targets, unless its routes lead nowhere and say `fallback = "dns"`; only the name of a static host is.
 */
#ifndef FEDWAY_COMPONENTS_RESOLVER_STATIC_H
#define FEDWAY_COMPONENTS_RESOLVER_STATIC_H

#include <stdbool.h>

#include <fedway/config.h>
#include <fedway/error.h>
#include <fedway/io/dial.h>
#include <fedway/jid.h>

/** One row of the option `static_routes`. */
struct resolver_static_row {
	const char *domain;
	const char *host;
	uint16_t port;
	int tls; /**< enum fw_target_tls */
	uint16_t priority, weight;
	int fallback; /**< enum resolver_fallback; the same in all rows of a domain */
};

/** What to do when no host of a domain's static routes can be reached. */
enum resolver_fallback { RESOLVER_FALLBACK_NONE, RESOLVER_FALLBACK_DNS };
extern const struct fw_choice resolver_fallback_choices[];

struct resolver_static {
	char domain[FW_DOMAIN_SIZE]; /**< key */
	char host[FW_DOMAIN_SIZE];
	uint16_t port, priority, weight;
	enum fw_target_tls tls;
	enum resolver_fallback fallback;
	struct fw_addr addr; /**< len 0 when `host` is a name */
	size_t number;       /**< place in the configuration; learned ones follow */
};

struct resolver_statics {
	size_t count;
	size_t configured; /**< how many `number`s are of the configuration */
	struct resolver_static items[]; /**< by domain, then as configured */
};

/** @return FW_OK, FW_EINVAL (err names the row), FW_ENOMEM [g] free with free() */
int resolver_statics_new(const struct fw_rows *rows, struct resolver_statics **out,
                         struct fw_error *err);
/** First route of a domain; *count is how many follow each other. NULL when there is none. */
const struct resolver_static *resolver_statics_find(const struct resolver_statics *statics,
                                                    struct fw_str key, size_t *count);
bool resolver_statics_eq(const struct resolver_statics *a, const struct resolver_statics *b);

#endif
