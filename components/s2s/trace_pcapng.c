/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Writes pcapng blocks (draft-ietf-opsawg-pcapng) with packets of link type
 * WIRESHARK_UPPER_PDU: a list of tags, then the bytes of the protocol that the first tag names.
 * Blocks are in the machine's byte order, tags in network order. Called by s2s_trace.c.
 */
#include "components/s2s/trace_pcapng.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	BLOCK_EDGES = 12, /* type and length before, length behind */
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	LINKTYPE_UPPER_PDU = 252,
};

/* Tags of Wireshark's exported PDUs (wsutil/exported_pdu_tlvs.h). */
enum {
	TAG_END = 0,
	TAG_DISSECTOR = 12,
	TAG_IPV4_SRC = 20,
	TAG_IPV4_DST = 21,
	TAG_IPV6_SRC = 22,
	TAG_IPV6_DST = 23,
	TAG_PORT_TYPE = 24,
	TAG_SRC_PORT = 25,
	TAG_DST_PORT = 26,
	PORT_TYPE_TCP = 2,
	TAGS_MAX = 160, /* bytes of all of them */
};

struct fw_str trace_pcapng_head(void)
{
	static const struct {
		uint32_t section, section_len, magic;
		uint16_t major, minor;
		uint32_t unknown_len[2], section_end;
		uint32_t interface, interface_len;
		uint16_t link, reserved;
		uint32_t snap, interface_end;
	} head = { BLOCK_SECTION,
		   28,
		   BYTE_ORDER_MAGIC,
		   1,
		   0,
		   { UINT32_MAX, UINT32_MAX },
		   28,
		   BLOCK_INTERFACE,
		   20,
		   LINKTYPE_UPPER_PDU,
		   0,
		   0,
		   20 };

	return fw_str_n((const char *)&head, sizeof(head));
}

static size_t put(char *out, size_t at, const void *bytes, size_t size)
{
	memcpy(out + at, bytes, size);
	return at + size;
}

static size_t put_u32(char *out, size_t at, uint32_t value)
{
	return put(out, at, &value, sizeof(value));
}

/* A tag with its value, whose size is a multiple of four. */
static size_t put_tag(char *out, size_t at, uint16_t tag, const void *value, uint16_t size)
{
	uint16_t head[2] = { htons(tag), htons(size) };

	at = put(out, at, head, sizeof(head));
	return put(out, at, value, size);
}

static size_t put_number(char *out, size_t at, uint16_t tag, uint32_t value)
{
	uint32_t wire = htonl(value);

	return put_tag(out, at, tag, &wire, sizeof(wire));
}

/* Address and port of one end; other families than IP have none. */
static size_t put_end(char *out, size_t at, const struct fw_addr *addr, bool source)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	uint16_t port = 0;

	if (addr->len > 0 && addr->storage.ss_family == AF_INET) {
		memcpy(&v4, &addr->storage, sizeof(v4));
		at = put_tag(out, at, source ? TAG_IPV4_SRC : TAG_IPV4_DST, &v4.sin_addr, 4);
		port = ntohs(v4.sin_port);
	} else if (addr->len > 0 && addr->storage.ss_family == AF_INET6) {
		memcpy(&v6, &addr->storage, sizeof(v6));
		at = put_tag(out, at, source ? TAG_IPV6_SRC : TAG_IPV6_DST, &v6.sin6_addr, 16);
		port = ntohs(v6.sin6_port);
	}
	return put_number(out, at, source ? TAG_SRC_PORT : TAG_DST_PORT, port);
}

static size_t put_tags(char *out, const struct trace_packet *packet)
{
	size_t at = put_tag(out, 0, TAG_DISSECTOR, "xmpp", 4);

	at = put_end(out, at, packet->from, true);
	at = put_end(out, at, packet->to, false);
	at = put_number(out, at, TAG_PORT_TYPE, PORT_TYPE_TCP);
	return put_tag(out, at, TAG_END, "", 0);
}

size_t trace_pcapng_packet(const struct trace_packet *packet, char **out)
{
	char tags[TAGS_MAX];
	size_t tags_len = put_tags(tags, packet);
	size_t len = tags_len + packet->bytes.len;
	size_t padded = (len + 3) & ~(size_t)3;
	uint32_t total = (uint32_t)(BLOCK_EDGES + 20 + padded);
	char *block = calloc(1, total);
	size_t at = 0;

	if (block == NULL) {
		return 0;
	}
	at = put_u32(block, at, BLOCK_PACKET);
	at = put_u32(block, at, total);
	at = put_u32(block, at, 0); /* interface */
	at = put_u32(block, at, (uint32_t)(packet->time_us >> 32));
	at = put_u32(block, at, (uint32_t)packet->time_us);
	at = put_u32(block, at, (uint32_t)len);
	at = put_u32(block, at, (uint32_t)len);
	at = put(block, at, tags, tags_len);
	(void)put(block, at, packet->bytes.ptr, packet->bytes.len);
	(void)put_u32(block, total - sizeof(total), total);
	*out = block;
	return total;
}
