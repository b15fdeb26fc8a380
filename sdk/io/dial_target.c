/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Targets as the resolver names them (sdk/PROTOCOL.md): their words, and the reading of an answer.
 * Called by everyone who asks the resolver and dials what it says. Chooses nothing.
 */
#include <fedway/io/dial.h>

#include <stdio.h>

const struct fw_choice fw_target_tls_choices[] = {
	{ "starttls", FW_TARGET_STARTTLS, "the stream begins in clear text" },
	{ "direct", FW_TARGET_DIRECT_TLS, "TLS from the first byte (XEP-0368)" },
	{ NULL, 0, NULL },
};

/* An attribute that is missing counts as 0. */
static bool read_u16(const struct fw_elem *elem, const char *name, uint16_t *out)
{
	struct fw_str text = fw_elem_attr(elem, name);
	uint64_t value = 0;

	if (text.ptr != NULL && fw_str_to_u64(text, UINT16_MAX, &value) != FW_OK) {
		return false;
	}
	*out = (uint16_t)value;
	return true;
}

static bool read_tls(const struct fw_elem *elem, enum fw_target_tls *out)
{
	struct fw_str text = fw_elem_attr(elem, "tls");

	*out = FW_TARGET_STARTTLS;
	for (const struct fw_choice *row = fw_target_tls_choices; row->word != NULL; row++) {
		if (fw_str_is(text, row->word)) {
			*out = (enum fw_target_tls)row->value;
			return true;
		}
	}
	return text.ptr == NULL;
}

static bool target_read(const struct fw_elem *elem, struct fw_target *out)
{
	char ip[FW_ADDR_TEXT_SIZE];
	uint16_t port = 0;

	snprintf(ip, sizeof(ip), "%.*s", FW_STR_ARG(fw_elem_attr(elem, "ip")));
	snprintf(out->host, sizeof(out->host), "%.*s", FW_STR_ARG(fw_elem_attr(elem, "host")));
	return read_u16(elem, "port", &port) && port != 0 &&
	       fw_addr_parse(ip, port, &out->addr) == FW_OK && read_tls(elem, &out->tls) &&
	       read_u16(elem, "priority", &out->priority) && read_u16(elem, "weight", &out->weight);
}

size_t fw_targets_read(const struct fw_elem *list, struct fw_target *out, size_t max)
{
	size_t count = 0;

	for (struct fw_elem *elem = list != NULL ? fw_elem_first(list) : NULL;
	     elem != NULL && count < max; elem = fw_elem_next(elem)) {
		if (fw_str_is(fw_elem_name(elem), "target") && target_read(elem, &out[count])) {
			count++;
		}
	}
	return count;
}
