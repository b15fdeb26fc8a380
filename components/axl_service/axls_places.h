/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where a database may be: the hosts of a connection string, each with the addresses of its name, one at a time. So that
 * one that is silent does not stand before the others, and no look-up of a name before stanzas.
 */
#ifndef FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_PLACES_H
#define FEDWAY_COMPONENTS_AXL_SERVICE_AXLS_PLACES_H

#include <fedway/io/lookup.h>

struct axls_places;

/** One place to try; a text is "" where the connection string says nothing. */
struct axls_place {
	char host[256]; /**< a name, an address, or the folder of a UNIX socket */
	char address[FW_ADDR_TEXT_SIZE];
	char port[8];
};

/** @param place  NULL: the name has no address; lives until the callback returns */
typedef void axls_place_fn(void *ctx, const struct axls_place *place);

/**
 * @param hosts, addresses, ports  as libpq's host, hostaddr and port: lists with commas; NULL is ""
 * @return FW_OK, FW_ENOMEM [g]
 */
int axls_places_new(struct fw_loop *loop, const char *hosts, const char *addresses, const char *ports,
                    axls_place_fn *fn, void *ctx, struct axls_places **out);
/** The callback does not run any more. */
void axls_places_free(struct axls_places **places);
/** Brings the next place, maybe before it returns; after the last the first. */
void axls_places_next(struct axls_places *places);
/** Back to the first. */
void axls_places_rewind(struct axls_places *places);
/** Whether the next is not the first again. */
bool axls_places_left(const struct axls_places *places);

#endif
