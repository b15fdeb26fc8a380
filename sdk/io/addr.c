/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Addresses of sockets and their texts. Called by everyone who logs, compares or configures one; it
 * opens nothing. Names are the resolver's business.
 */
#include <fedway/io/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const struct sockaddr_in *addr_in4(const struct fw_addr *addr)
{
	return (const struct sockaddr_in *)&addr->storage;
}

static const struct sockaddr_in6 *addr_in6(const struct fw_addr *addr)
{
	return (const struct sockaddr_in6 *)&addr->storage;
}

int fw_addr_parse(const char *ip, uint16_t port, struct fw_addr *out)
{
	struct fw_addr addr;
	struct sockaddr_in *in4 = (struct sockaddr_in *)&addr.storage;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&addr.storage;

	memset(&addr, 0, sizeof(addr));
	if (inet_pton(AF_INET, ip, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		addr.len = sizeof(*in4);
	} else if (inet_pton(AF_INET6, ip, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		addr.len = sizeof(*in6);
	} else {
		return FW_EPARSE;
	}
	*out = addr;
	return FW_OK;
}

const char *fw_addr_ip_text(const struct fw_addr *addr, char out[FW_ADDR_TEXT_SIZE])
{
	const void *bytes = NULL;

	if (addr->len == 0) {
		snprintf(out, FW_ADDR_TEXT_SIZE, "none");
		return out;
	}
	if (addr->storage.ss_family == AF_INET) {
		bytes = &addr_in4(addr)->sin_addr;
	} else if (addr->storage.ss_family == AF_INET6) {
		bytes = &addr_in6(addr)->sin6_addr;
	}
	if (bytes == NULL ||
	    inet_ntop(addr->storage.ss_family, bytes, out, FW_ADDR_TEXT_SIZE) == NULL) {
		snprintf(out, FW_ADDR_TEXT_SIZE, "local");
	}
	return out;
}

const char *fw_addr_text(const struct fw_addr *addr, char out[FW_ADDR_TEXT_SIZE])
{
	char ip[FW_ADDR_TEXT_SIZE];
	bool v6 = addr->len != 0 && addr->storage.ss_family == AF_INET6;

	fw_addr_ip_text(addr, ip);
	if (addr->len == 0 || (!v6 && addr->storage.ss_family != AF_INET)) {
		snprintf(out, FW_ADDR_TEXT_SIZE, "%s", ip);
	} else {
		snprintf(out, FW_ADDR_TEXT_SIZE, v6 ? "[%.46s]:%u" : "%.46s:%u", ip,
		         (unsigned)fw_addr_port(addr));
	}
	return out;
}

uint16_t fw_addr_port(const struct fw_addr *addr)
{
	if (addr->len != 0 && addr->storage.ss_family == AF_INET) {
		return ntohs(addr_in4(addr)->sin_port);
	}
	if (addr->len != 0 && addr->storage.ss_family == AF_INET6) {
		return ntohs(addr_in6(addr)->sin6_port);
	}
	return 0;
}

bool fw_addr_eq(const struct fw_addr *a, const struct fw_addr *b)
{
	if (a->len == 0 || b->len == 0) {
		return a->len == b->len;
	}
	if (a->storage.ss_family != b->storage.ss_family || fw_addr_port(a) != fw_addr_port(b)) {
		return false;
	}
	if (a->storage.ss_family == AF_INET) {
		return addr_in4(a)->sin_addr.s_addr == addr_in4(b)->sin_addr.s_addr;
	}
	if (a->storage.ss_family == AF_INET6) {
		return addr_in6(a)->sin6_scope_id == addr_in6(b)->sin6_scope_id &&
		       memcmp(&addr_in6(a)->sin6_addr, &addr_in6(b)->sin6_addr,
		              sizeof(struct in6_addr)) == 0;
	}
	return a->len == b->len && memcmp(&a->storage, &b->storage, a->len) == 0;
}

void fw_addr_network(const struct fw_addr *addr, struct fw_network *out)
{
	memset(out, 0, sizeof(*out));
	if (addr->len != 0 && addr->storage.ss_family == AF_INET) {
		memcpy(out->bytes, &addr_in4(addr)->sin_addr, 4);
		out->bytes[8] = 4;
	} else if (addr->len != 0 && addr->storage.ss_family == AF_INET6) {
		memcpy(out->bytes, &addr_in6(addr)->sin6_addr, 8);
		out->bytes[8] = 6;
	}
}

bool fw_network_eq(const struct fw_network *a, const struct fw_network *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
