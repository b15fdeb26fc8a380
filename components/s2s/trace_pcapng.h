/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Blocks of a pcapng file that Wireshark and tshark dissect as XMPP, whatever port it was: each packet is an "exported
 * PDU" (link type 252) that names the dissector and the two addresses. No TCP is made up.
 */
#ifndef FEDWAY_COMPONENTS_S2S_TRACE_PCAPNG_H
#define FEDWAY_COMPONENTS_S2S_TRACE_PCAPNG_H

#include <stdint.h>

#include <fedway/io/socket.h>
#include <fedway/str.h>

/** What stands before the first packet. */
struct fw_str trace_pcapng_head(void);

/** One packet. */
struct trace_packet {
	uint64_t time_us;            /**< since 1970 */
	const struct fw_addr *from, *to;
	struct fw_str bytes;
};
/** @return size of the block; 0: without memory. @param out  [g: free()] */
size_t trace_pcapng_packet(const struct trace_packet *packet, char **out);

#endif
