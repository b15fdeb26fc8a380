/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The core's end of the tunnel: one ssh for each edge.
 */
#ifndef COMPONENTS_TUNNEL_TUNNEL_EDGE_H
#define COMPONENTS_TUNNEL_TUNNEL_EDGE_H

#include "components/tunnel/tunnel.h"

/** Makes the edges what the configuration says: new ones start, those that are gone end and are forgotten. */
int tunnel_edges_set(struct tunnel *tunnel, struct fw_error *err);
void tunnel_edges_stop(struct tunnel *tunnel);
/** Tells all edges what is new. */
void tunnel_edges_tell(struct tunnel *tunnel);
/** A key was made or pinned: tries those again that do not stand. @param realm  NULL: all */
void tunnel_edges_again(struct tunnel *tunnel, const char *realm);
/** The row of an edge in the options, or NULL. */
const struct tunnel_edge_row *tunnel_edge_row(const struct tunnel *tunnel, const char *realm);
/** One row for each edge. */
void tunnel_edges_report(const struct tunnel *tunnel, struct fw_json *array);
/** Path of the file with the key that a row pins. @return `out` */
const char *tunnel_edge_pin_path(const struct tunnel *tunnel, const struct tunnel_edge_row *row,
                                 char out[TUNNEL_PATH_SIZE]);

#endif
