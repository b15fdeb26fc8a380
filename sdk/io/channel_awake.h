/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which channels hold a parser and a buffer now: some kilobytes each, where a resting one has none.
 */
#ifndef FEDWAY_SDK_IO_CHANNEL_AWAKE_H
#define FEDWAY_SDK_IO_CHANNEL_AWAKE_H

struct fw_channel;

/** It has read. When many are awake, one that has been silent is put to rest in its place. */
void channel_awake_enter(struct fw_channel *channel);
/** It rests, or is about to go. */
void channel_awake_leave(struct fw_channel *channel);

#endif
