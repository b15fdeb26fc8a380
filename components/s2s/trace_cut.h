/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Cuts one direction of an XMPP stream into its units (a header, a first-level element, a footer) and blots out what
 * is private, byte for byte. For traces only: it judges nothing, takes any bytes, and may begin in the middle.
 */
#ifndef FEDWAY_COMPONENTS_S2S_TRACE_CUT_H
#define FEDWAY_COMPONENTS_S2S_TRACE_CUT_H

#include <stdbool.h>

#include <fedway/str.h>

/** A unit that is longer is given out in parts. */
enum { TRACE_UNIT_MAX = 131072 };

/** @param shown  `raw` with stars in place of what is private; of the same length */
typedef void trace_cut_fn(void *ctx, struct fw_str raw, struct fw_str shown);

/** Zero-initialise. */
struct trace_cut {
	int state;
	char quote;           /**< of the attribute under way */
	bool end_tag, empty;
	bool open;            /**< within features or a stream error: nothing there is private */
	bool hidden;          /**< the attribute under way */
	unsigned depth;       /**< elements that are open, without the stream itself */
	unsigned matched;     /**< characters of "[CDATA[" or of its end */
	bool cdata;
	char name[32];        /**< of the tag, cut off; */
	unsigned name_len;
	char attr[16];
	unsigned attr_len;
	char *raw, *shown;
	size_t len, room;
};

/** Takes bytes; each unit that is complete with them is given out. Without memory bytes are lost. */
void trace_cut_feed(struct trace_cut *cut, struct fw_str bytes, trace_cut_fn *give, void *ctx);
/** Gives out what is left of an unfinished unit. */
void trace_cut_flush(struct trace_cut *cut, trace_cut_fn *give, void *ctx);
void trace_cut_free(struct trace_cut *cut);

#endif
