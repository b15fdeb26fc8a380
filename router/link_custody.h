/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which of a link's received stanzas have left this node. A stanza is acknowledged only then, so that a node that
 * dies with it in hand loses nothing: the peer still has it. Numbers count from 1 and never wrap here.
 */
#ifndef FEDWAY_ROUTER_LINK_CUSTODY_H
#define FEDWAY_ROUTER_LINK_CUSTODY_H

#include <fedway/stanza.h>

struct link_custody;

/**
 * @param moved  something has left that the peer does not know of; takes note only
 * @return FW_OK, FW_ENOMEM [g]
 */
int link_custody_new(void (*moved)(void *ctx), void *ctx, struct link_custody **out);
/** Stanzas on their way are not waited for any more. */
void link_custody_free(struct link_custody **custody);

/** Takes a stanza in: counts it and hangs a receipt on it. @return FW_OK; FW_ENOMEM: not counted */
int link_custody_take(struct link_custody *custody, struct fw_stanza *stanza);
/** How many were taken in. */
uint64_t link_custody_received(const struct link_custody *custody);
/** So many, from the first on without a gap, have left. */
uint64_t link_custody_prefix(const struct link_custody *custody);
/** There are such that have left behind one that has not, and have not been written by link_custody_behind(). */
bool link_custody_has_behind(const struct link_custody *custody);
/**
 * Writes these as ranges relative to the prefix, "2 5-9", and forgets that they were new. What finds no room is left
 * for the next call.
 */
void link_custody_behind(struct link_custody *custody, char *out, size_t size);
/** The peer may not have heard what it was told: all behind the prefix is new again. */
void link_custody_tell_again(struct link_custody *custody);

#endif
