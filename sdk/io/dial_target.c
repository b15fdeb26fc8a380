/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Targets as the resolver names them (sdk/PROTOCOL.md), and addresses to connect from as operators
 * write them. Called by everyone who asks the resolver and dials what it says. Chooses nothing.
 */
#include <fedway/io/dial.h>

#include <stdio.h>
#include <string.h>

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

int fw_sources_parse(const struct fw_strings *texts, struct fw_addr out[2], struct fw_error *err)
{
	memset(out, 0, 2 * sizeof(*out));
	for (size_t i = 0; i < texts->count; i++) {
		if (i == 2 || fw_addr_parse(texts->items[i], 0, &out[i]) != FW_OK) {
			return fw_error_set(err, FW_EINVAL,
			                    "source_addresses: '%s' is %s; give one IP address of "
			                    "each family at most",
			                    texts->items[i],
			                    i == 2 ? "one too many" : "no address");
		}
	}
	if (texts->count == 2 && out[0].storage.ss_family == out[1].storage.ss_family) {
		return fw_error_set(err, FW_EINVAL,
		                    "source_addresses: '%s' and '%s' are of one family; give one "
		                    "of each at most",
		                    texts->items[0], texts->items[1]);
	}
	return FW_OK;
}
