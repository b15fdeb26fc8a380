/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Framing of the provisioning protocol. The bytes are hostile: what they may cost is bounded by
 * line_max, before anything is parsed. Used by connections; knows no messages.
 */
#include "components/tunnel/tunnel_wire.h"

#include <stdlib.h>
#include <string.h>

enum { WIRE_ROOM_MIN = 4096 };

int tunnel_wire_add(struct tunnel_wire *wire, struct fw_str bytes)
{
	if (wire->used > 0) {
		memmove(wire->bytes, wire->bytes + wire->used, wire->len - wire->used);
		wire->len -= wire->used;
		wire->used = 0;
	}
	/* One line at most waits for its end; what came with it is bounded by the read. */
	if (wire->len > wire->line_max) {
		return FW_ELIMIT;
	}
	if (bytes.len == 0) {
		return FW_OK;
	}
	size_t needed = wire->len + bytes.len;
	if (needed > wire->room) {
		size_t room = wire->room > 0 ? wire->room : WIRE_ROOM_MIN;
		while (room < needed) {
			room *= 2;
		}
		char *more = realloc(wire->bytes, room);
		if (more == NULL) {
			return FW_ENOMEM;
		}
		wire->bytes = more;
		wire->room = room;
	}
	memcpy(wire->bytes + wire->len, bytes.ptr, bytes.len);
	wire->len += bytes.len;
	return FW_OK;
}

int tunnel_wire_next(struct tunnel_wire *wire, struct fw_json **out, struct fw_error *err)
{
	struct fw_json *json = NULL;
	struct fw_error why = { 0 };

	if (wire->used == wire->len) {
		return FW_EAGAIN;
	}
	char *begin = wire->bytes + wire->used;
	char *end = memchr(begin, '\n', wire->len - wire->used);
	size_t len = end != NULL ? (size_t)(end - begin) : wire->len - wire->used;
	if (len > wire->line_max) {
		return fw_error_set(err, FW_ELIMIT, "a line is longer than %zu bytes",
		                    wire->line_max);
	}
	if (end == NULL) {
		return FW_EAGAIN;
	}
	wire->used += len + 1;
	int ret = fw_json_parse(fw_str_n(begin, len), &json, &why);
	if (ret != FW_OK) {
		return fw_error_set(err, ret, "a line is no JSON: %s", why.text);
	}
	if (fw_json_type(json) != FW_JSON_OBJECT) {
		fw_json_free(&json);
		return fw_error_set(err, FW_EPARSE, "a line is no JSON object");
	}
	*out = json;
	return FW_OK;
}

void tunnel_wire_clear(struct tunnel_wire *wire)
{
	free(wire->bytes);
	wire->bytes = NULL;
	wire->len = wire->room = wire->used = 0;
}
