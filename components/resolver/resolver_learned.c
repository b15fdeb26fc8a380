/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Static routes that the node has learned (state key "static_routes"), beside those of the
 * configuration. Called by resolver.c. A domain that the configuration routes is the
 * configuration's alone; a learned row that cannot be used gets a notice, and the others hold.
 */
#include "components/resolver/resolver.h"

#include <stdlib.h>

enum { LEARNED_PORT = 5269 };

static bool learned_row(const struct fw_json *value, struct resolver_static_row *row)
{
	struct fw_str domain = fw_json_text(fw_json_get(value, "domain"));
	struct fw_str host = fw_json_text(fw_json_get(value, "host"));
	const struct fw_json *port = fw_json_get(value, "port");
	int64_t number = port != NULL ? fw_json_int(port) : LEARNED_PORT;

	*row = (struct resolver_static_row){ .tls = FW_TARGET_STARTTLS };
	row->domain = domain.ptr;
	row->host = host.ptr;
	row->port = (uint16_t)number;
	return domain.len > 0 && host.len > 0 && host.len < FW_DOMAIN_SIZE && number > 0 &&
	       number <= UINT16_MAX;
}

/* It can be used, and the configuration does not speak of its domain. */
static bool learned_counts(struct fw_self *self, const struct resolver_statics *configured,
                           const struct resolver_static_row *row)
{
	const struct fw_rows alone = { (void *)row, 1 };
	struct resolver_statics *one = NULL;
	struct fw_error err = { 0 };
	size_t count = 0;

	if (resolver_statics_new(&alone, &one, &err) != FW_OK) {
		fw_notice(self, "static_routes", FW_NOTICE_YELLOW,
		          "correct it where the routes are kept",
		          "a learned static route is not used: %s", err.text);
		return false;
	}
	(void)resolver_statics_find(configured, fw_str(one->items[0].domain), &count);
	free(one);
	return count == 0;
}

/* Rows of the configuration, then learned ones. */
static size_t learned_fill(struct fw_self *self, const struct resolver_statics *configured,
                           const struct fw_json *learned, struct resolver_static_row *rows)
{
	size_t count = 0;

	for (size_t i = 0; i < fw_json_count(learned); i++) {
		if (!learned_row(fw_json_at(learned, i), &rows[count])) {
			fw_notice(self, "static_routes", FW_NOTICE_YELLOW,
			          "correct it where the routes are kept",
			          "a learned static route is not used: row %zu lacks a domain, a "
			          "host or a port",
			          i + 1);
		} else if (learned_counts(self, configured, &rows[count])) {
			count++;
		}
	}
	return count;
}

int resolver_learned_statics(struct fw_self *self, const struct resolver_config *config,
                             struct resolver_statics **out, struct fw_error *err)
{
	const struct fw_json *learned = fw_state(self, "static_routes");
	const struct fw_rows *own = &config->static_routes;
	struct resolver_statics *configured = NULL, *all = NULL;
	struct resolver_static_row *rows = NULL;
	struct fw_error why = { 0 };
	int ret = resolver_statics_new(own, &configured, err);

	fw_notice_clear(self, "static_routes");
	if (ret != FW_OK || fw_json_count(learned) == 0) {
		goto done;
	}
	rows = calloc(own->count + fw_json_count(learned), sizeof(*rows));
	if (rows == NULL) {
		ret = FW_ENOMEM;
		goto done;
	}
	if (own->count > 0) {
		memcpy(rows, own->items, own->count * sizeof(*rows));
	}
	size_t more = learned_fill(self, configured, learned, rows + own->count);
	const struct fw_rows joined = { rows, own->count + more };
	if (resolver_statics_new(&joined, &all, &why) == FW_OK) {
		all->configured = own->count;
		free(configured);
		configured = all;
	} else {
		fw_notice(self, "static_routes", FW_NOTICE_YELLOW,
		          "correct them where they are kept", "no learned static route is used: %s",
		          why.text);
	}
done:
	free(rows);
	if (ret == FW_OK) {
		*out = configured;
	} else {
		free(configured);
	}
	return ret;
}
