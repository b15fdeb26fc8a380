/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Trails: the routers that a stanza, or the word of a route, has come through, oldest first ("im-1 core-1"). Each path
 * is kept once under a number, which hangs on stanzas and routes; and the hop header that carries it between
 * routers.
 */
#ifndef FEDWAY_ROUTER_TRAIL_H
#define FEDWAY_ROUTER_TRAIL_H

#include <fedway/jid.h>
#include <fedway/stanza.h>

#include "router/router.h"

/** Most routers that a stanza may come through. */
enum { TRAIL_HOPS_MAX = 8 };
/** Namespace of all elements between routers. */
#define TRAIL_NS "urn:fedway:link:1"

struct trails;

/**
 * @param realm      ours; copied, as the configuration that it stands in goes with a reload
 * @param paths_max  most different paths that are kept of one neighbour
 * @return FW_OK, FW_ENOMEM [g]
 */
int trails_new(const char *realm, uint32_t paths_max, struct trails **out);
void trails_free(struct trails **trails);

/** A neighbour, as paths see it: what one makes up must not use up what others need. */
struct trail_peer {
	const char *realm; /**< the last of all its paths */
	uint32_t paths;    /**< different ones so far */
};

/**
 * Number of a path that a neighbour has told.
 * @return FW_OK; FW_EPARSE (empty, a word is no realm, or the last is not the neighbour); FW_ELIMIT (too many different
 *         paths, or more than twice TRAIL_HOPS_MAX words); FW_ENOMEM
 */
int trail_intern(struct trails *trails, struct trail_peer *peer, struct fw_str path, uint32_t *out);
/** Path of a number; "" for 0. */
struct fw_str trail_path(const struct trails *trails, uint32_t trail);
/** The same with our realm at the end: what the next router is told. */
struct fw_str trail_onward(const struct trails *trails, uint32_t trail);
/** How many routers the path has. */
unsigned trail_hops(const struct trails *trails, uint32_t trail);
bool trail_has(const struct trails *trails, uint32_t trail, struct fw_str realm);
/** First router of a path; absent for 0. */
struct fw_str trail_first(const struct trails *trails, uint32_t trail);
/** FW_CAUSE_NONE, or why a stanza that came by it goes no further: loop, too-many-hops. */
enum fw_cause trail_judge(const struct trails *trails, uint32_t trail);

/** Letters, digits, '-', '_' and '.': what IDs of components are made of, and nothing that XML would mind. */
bool trail_is_component(struct fw_str id);

/** What a hop header says. */
struct trail_hop {
	uint64_t xcoder;
	uint32_t trail;
	struct fw_str destination; /**< as long as the element lives; absent: none */
};

/** The element is a hop header, good or not. */
bool trail_is_hop(const struct fw_stanza *element);
/** Reads a hop header. @param peer  whom it comes from @return FW_OK; FW_EPARSE; FW_ELIMIT, FW_ENOMEM as trail_intern() */
int trail_read_hop(struct trails *trails, struct trail_peer *peer, struct fw_stanza *element, struct trail_hop *out);
/** Hangs it on the stanza that follows. @return FW_OK, FW_ENOMEM */
int trail_apply(const struct trail_hop *hop, struct fw_stanza *stanza);

/** Room for every header: a path of twice TRAIL_HOPS_MAX realms, and a component ID. */
enum { TRAIL_HOP_SIZE = 4096 };
/** The header to write before a stanza, in `out`. */
struct fw_str trail_write_hop(const struct trails *trails, const struct fw_stanza *stanza, char out[TRAIL_HOP_SIZE]);

#endif
