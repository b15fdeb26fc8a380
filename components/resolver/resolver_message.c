/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * RFC 1035 §4 as far as SRV (RFC 2782), CNAME and SOA need it: header, names with compression,
 * records. Called by resolver_dns.c with the raw answer. Records whose target is no host name are
 * left out.
 */
#include "components/resolver/resolver_message.h"

enum {
	MESSAGE_HEADER = 12,
	MESSAGE_JUMPS_MAX = 32, /* compression pointers in one name */
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_SRV = 33,
	CLASS_IN = 1,
	TTL_SIGN = 0x80000000u, /* RFC 2181 §8: with this bit it counts as 0 */
};

struct reader {
	const unsigned char *bytes;
	size_t len, at;
	bool bad; /* read past the end, or a broken name; sticks */
};

static unsigned read_u8(struct reader *reader)
{
	if (reader->at >= reader->len) {
		reader->bad = true;
		return 0;
	}
	return reader->bytes[reader->at++];
}

static uint16_t read_u16(struct reader *reader)
{
	unsigned high = read_u8(reader);
	return (uint16_t)(high << 8 | read_u8(reader));
}

static uint32_t read_u32(struct reader *reader)
{
	uint32_t high = read_u16(reader);
	return high << 16 | read_u16(reader);
}

static bool is_host_char(unsigned c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/* Copies one label and its dot. False: too long, or not of a host name. */
static bool read_label(struct reader *reader, unsigned size, char *out, size_t *used)
{
	bool plain = *used + size + 1 < FW_DOMAIN_SIZE;

	for (unsigned i = 0; i < size; i++) {
		unsigned c = read_u8(reader);
		plain = plain && is_host_char(c);
		if (plain) {
			out[(*used)++] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
		}
	}
	if (plain) {
		out[(*used)++] = '.';
	}
	return plain;
}

/*
 * Reads a name and moves behind it. Pointers may only go back, so that no name is endless.
 * @return true when it is a host name or the root, which gives ""
 */
static bool read_name(struct reader *reader, char out[FW_DOMAIN_SIZE])
{
	size_t used = 0, behind = 0, lowest = reader->at;
	bool plain = true;

	for (int jumps = 0; !reader->bad;) {
		unsigned size = read_u8(reader);
		if (size == 0) {
			break;
		}
		if ((size & 0xc0u) == 0xc0u) {
			size_t target = (size & 0x3fu) << 8 | read_u8(reader);
			behind = behind == 0 ? reader->at : behind;
			reader->bad =
			        reader->bad || target >= lowest || ++jumps > MESSAGE_JUMPS_MAX;
			lowest = target;
			reader->at = target;
		} else if (size > 63) {
			reader->bad = true;
		} else {
			plain = read_label(reader, size, out, &used) && plain;
		}
	}
	out[plain && used > 0 ? used - 1 : 0] = '\0';
	reader->at = behind != 0 ? behind : reader->at;
	return plain && !reader->bad;
}

/* Keeps a record; when there is no room, in the place of one with a worse priority. */
static void keep(struct resolver_srv_records *out, const struct resolver_srv *record)
{
	size_t place = out->count;

	if (out->count == RESOLVER_HOSTS_MAX) {
		place = 0;
		for (size_t i = 1; i < out->count; i++) {
			place = out->items[i].priority > out->items[place].priority ? i : place;
		}
		if (record->priority >= out->items[place].priority) {
			return;
		}
	} else {
		out->count++;
	}
	out->items[place] = *record;
}

/* SOA: how long an empty answer may be kept is the smaller of its TTL and its last field. */
static void read_soa(struct reader *reader, uint32_t ttl, struct resolver_srv_records *out)
{
	char name[FW_DOMAIN_SIZE];

	read_name(reader, name);
	read_name(reader, name);
	for (int i = 0; i < 4; i++) {
		read_u32(reader);
	}
	uint32_t minimum = read_u32(reader);
	if (!reader->bad) {
		out->has_negative = true;
		out->negative_s = minimum < ttl ? minimum : ttl;
	}
}

static void read_record(struct reader *reader, bool answer, struct resolver_srv_records *out)
{
	char name[FW_DOMAIN_SIZE];

	read_name(reader, name);
	unsigned type = read_u16(reader), class = read_u16(reader);
	uint32_t ttl = read_u32(reader);
	size_t size = read_u16(reader), data = reader->at;
	if (reader->bad || size > reader->len - data) {
		reader->bad = true;
		return;
	}
	ttl = ttl & TTL_SIGN ? 0 : ttl;
	if (class == CLASS_IN && answer && (type == TYPE_SRV || type == TYPE_CNAME)) {
		out->ttl_s = ttl < out->ttl_s ? ttl : out->ttl_s;
	}
	if (class == CLASS_IN && answer && type == TYPE_SRV) {
		out->answered = true;
		struct resolver_srv record = { .priority = read_u16(reader) };
		record.weight = read_u16(reader);
		record.port = read_u16(reader);
		if (read_name(reader, record.host)) {
			keep(out, &record);
		}
	} else if (class == CLASS_IN && !answer && type == TYPE_SOA) {
		read_soa(reader, ttl, out);
	}
	reader->at = data + size;
}

int resolver_message_read(const unsigned char *bytes, size_t len, struct resolver_srv_records *out)
{
	struct reader reader = { .bytes = bytes, .len = len, .at = 4 };
	char name[FW_DOMAIN_SIZE];

	*out = (struct resolver_srv_records){ .ttl_s = UINT32_MAX };
	if (len < MESSAGE_HEADER) {
		return FW_EPARSE;
	}
	unsigned questions = read_u16(&reader), answers = read_u16(&reader);
	unsigned authorities = read_u16(&reader);
	reader.at = MESSAGE_HEADER;
	for (unsigned i = 0; i < questions && !reader.bad; i++) {
		read_name(&reader, name);
		read_u32(&reader);
	}
	for (unsigned i = 0; i < answers && !reader.bad; i++) {
		read_record(&reader, true, out);
	}
	for (unsigned i = 0; i < authorities && !reader.bad; i++) {
		read_record(&reader, false, out);
	}
	return reader.bad ? FW_EPARSE : FW_OK;
}
