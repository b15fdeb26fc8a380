/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The AXL client: keeps the rows of our edges in the table xmpps2snodes of each IM publisher. This
 * file has the options and the life cycle; a publisher is axl_publisher.c. It moves no stanza, and
 * binds no name.
 */
#include "components/axl/axl.h"

#include <stdlib.h>

#include "components/axl/axl_publisher.h"

#define AXL_COUNTER_ROW(id, name, unit, help) [AXL_COUNT_##id] = { name, unit, help },
static const struct fw_counter axl_counters[] = { AXL_COUNTERS(AXL_COUNTER_ROW) FW_COUNTER_END };

static const struct fw_choice action_choices[] = {
	{ "quoted", AXL_ACTION_QUOTED, "as SOAP 1.1 says" },
	{ "plain", AXL_ACTION_PLAIN,
	  "without quotes, for services that compare the value as it is" },
	{ NULL, 0, NULL },
};

static const struct fw_option publisher_rows[] = {
	FW_OPT(struct axl_publisher_row, name, NULL, .min = 1, .max = 64,
	       .help = "name of the publisher in logs and commands"),
	FW_OPT(struct axl_publisher_row, url, NULL, .min = 1, .max = 512,
	       .help = "address of its AXL service, https://HOST:8443/axl/"),
	FW_OPT(struct axl_publisher_row, address, "", .max = 64,
	       .help = "IP address of the host, when DNS does not know its name"),
	FW_OPT(struct axl_publisher_row, user, NULL, .min = 1, .max = 256,
	       .help = "application user with the right to use AXL"),
	FW_OPT(struct axl_publisher_row, password, NULL, .help = "password of that user"),
	FW_OPT(struct axl_publisher_row, ca_file, "",
	       .help = "authorities that may sign the publisher's certificate; none: the system's"),
	FW_OPT(struct axl_publisher_row, schema, "", .max = 7,
	       .help = "schema version to speak, such as 14.0; none: as the publisher says"),
	FW_OPT(struct axl_publisher_row, soap_action, "quoted", .choices = action_choices,
	       .help = "form of the header SOAPAction"),
	FW_OPT_END
};

static const struct fw_option axl_options[] = {
	FW_OPT(struct axl_config, publishers, "", .max = 64, .rows = publisher_rows,
	       .row_size = sizeof(struct axl_publisher_row),
	       .help = "IM publishers whose tables are kept"),
	FW_OPT(struct axl_config, component_ids, "", .max = 64,
	       .help = "S2S components to keep rows of besides those of the edges on the tunnel"),
	FW_OPT(struct axl_config, check_interval_ms, "300000", .min = 100, .max = 86400000,
	       .unit = "ms",
	       .help = "between two looks at a table that is in order, give or take a "
	               "tenth"),
	FW_OPT(struct axl_config, retry_min_ms, "5000", .min = 10, .max = 3600000, .unit = "ms",
	       .help = "before a publisher that failed is asked again; doubled each time"),
	FW_OPT(struct axl_config, retry_max_ms, "300000", .min = 10, .max = 86400000, .unit = "ms",
	       .help = "longest such wait, and the wait when somebody must change something first"),
	FW_OPT(struct axl_config, connect_timeout_ms, "10000", .min = 10, .max = 120000,
	       .unit = "ms", .help = "limit of name, TCP and TLS"),
	FW_OPT(struct axl_config, timeout_ms, "30000", .min = 10, .max = 600000, .unit = "ms",
	       .help = "limit of a whole request with its answer"),
	FW_OPT(struct axl_config, answer_max_bytes, "1048576", .min = 1024, .max = 16777216,
	       .unit = "bytes", .help = "largest answer that is read"),
	FW_OPT_END
};

/* ---- configuration ---- */

static int check_publisher(const struct axl_config *config, const struct axl_publisher_row *row,
                           struct fw_error *err)
{
	const struct axl_http_settings settings = {
		.url = row->url, .address = row->address, .user = row->user, .ca_file = row->ca_file
	};
	const struct axl_publisher_row *rows = config->publishers.items;
	char schema[AXL_SCHEMA_SIZE];
	struct fw_error why = { 0 };

	for (const struct axl_publisher_row *other = rows; other < row; other++) {
		if (strcmp(other->name, row->name) == 0) {
			return fw_error_set(err, FW_EINVAL, "two publishers are named '%s'",
			                    row->name);
		}
	}
	if (row->schema[0] != '\0' && !axl_schema_read(fw_str(row->schema), schema)) {
		return fw_error_set(err, FW_EINVAL,
		                    "publisher '%s': schema '%s' is no version "
		                    "such as 14.0",
		                    row->name, row->schema);
	}
	if (axl_http_check(&settings, &why) != FW_OK) {
		return fw_error_set(err, FW_EINVAL, "publisher '%s': %s", row->name, why.text);
	}
	return FW_OK;
}

static int axl_check(const void *ctx, struct fw_error *err)
{
	const struct axl_config *config = ctx;
	const struct axl_publisher_row *rows = config->publishers.items;
	int ret = FW_OK;

	for (size_t i = 0; i < config->component_ids.count; i++) {
		const char *id = config->component_ids.items[i];
		if (!axl_plan_is_id(fw_str(id))) {
			return fw_error_set(err, FW_EINVAL,
			                    "component_ids: '%.200s' is no component "
			                    "ID such as cm-2_s2scp-1.edge-1",
			                    id);
		}
	}
	if (config->retry_min_ms > config->retry_max_ms) {
		return fw_error_set(err, FW_EINVAL, "retry_min_ms is longer than retry_max_ms");
	}
	for (size_t i = 0; i < config->publishers.count && ret == FW_OK; i++) {
		ret = check_publisher(config, &rows[i], err);
	}
	return ret;
}

/* ---- publishers ---- */

static void free_publishers(struct axl_publisher ***list, size_t *count)
{
	for (size_t i = 0; i < *count; i++) {
		axl_publisher_free(&(*list)[i]);
	}
	free(*list);
	*list = NULL;
	*count = 0;
}

static int make_publishers(struct axl *axl)
{
	const struct axl_publisher_row *rows = axl->config->publishers.items;
	size_t count = axl->config->publishers.count;
	int ret = FW_OK;

	axl->publishers = calloc(count + 1, sizeof(struct axl_publisher *));
	if (axl->publishers == NULL) {
		return FW_ENOMEM;
	}
	for (size_t i = 0; i < count && ret == FW_OK; i++) {
		ret = axl_publisher_new(axl, &rows[i], &axl->publishers[i]);
		axl->publisher_count += ret == FW_OK;
	}
	return ret;
}

static void sync_all(struct axl *axl)
{
	for (size_t i = 0; i < axl->publisher_count; i++) {
		axl_publisher_sync(axl->publishers[i]);
	}
}

void axl_finished(struct axl *axl)
{
	size_t synced = 0;

	for (size_t i = 0; i < axl->publisher_count; i++) {
		synced += axl_publisher_is_synced(axl->publishers[i]);
	}
	if (synced == axl->publisher_count) {
		axl_wanted_settled(axl);
	}
	axl_commands_progress(axl);
}

/* ---- life cycle ---- */

static void axl_free(struct axl **at)
{
	struct axl *axl = *at;

	*at = NULL;
	if (axl == NULL) {
		return;
	}
	free_publishers(&axl->publishers, &axl->publisher_count);
	axl_wanted_clear(axl);
	free(axl);
}

static int axl_start(struct fw_self *self, struct fw_error *err)
{
	struct axl *axl = calloc(1, sizeof(*axl));

	if (axl == NULL) {
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	axl->self = self;
	axl->loop = fw_self_loop(self);
	axl->config = fw_self_config(self);
	(void)axl_wanted_update(axl);
	if (make_publishers(axl) != FW_OK) {
		axl_free(&axl);
		return fw_error_set(err, FW_ENOMEM, "out of memory");
	}
	fw_self_set_state(self, axl);
	return FW_OK;
}

/* All publishers begin anew, with whatever their files hold now: a reload is how an operator says
 * that something was mended. */
static void axl_reload(struct fw_self *self, const void *config)
{
	struct axl *axl = fw_self_state(self);
	struct axl_publisher **former = axl->publishers;
	size_t count = axl->publisher_count;

	axl_commands_give_up(axl, "the configuration was reloaded meanwhile");
	axl->config = config;
	axl->publishers = NULL;
	axl->publisher_count = 0;
	(void)axl_wanted_update(axl);
	(void)make_publishers(axl); /* without memory some are missing, and the report shows it */
	for (size_t i = 0; i < axl->publisher_count; i++) {
		for (size_t j = 0; j < count; j++) {
			/* the former configuration lives until we return */
			if (strcmp(axl->publishers[i]->config->url, former[j]->config->url) == 0) {
				axl_publisher_inherit(axl->publishers[i], former[j]);
			}
		}
	}
	free_publishers(&former, &count);
}

static void axl_announced(struct fw_self *self, const char *service)
{
	struct axl *axl = fw_self_state(self);

	if (axl != NULL && strcmp(service, "state.edges") == 0 && axl_wanted_update(axl)) {
		sync_all(axl);
	}
}

static void axl_stop(struct fw_self *self)
{
	struct axl *axl = fw_self_state(self);

	fw_self_set_state(self, NULL);
	axl_free(&axl);
}

FW_COMPONENT_EXPORT(axl) = {
	FW_COMPONENT_HEAD_STRICT,
	.name = "axl",
	.summary = "keeps the rows of our edges in the tables of IM publishers, over AXL",
	.options = axl_options,
	.config_size = sizeof(struct axl_config),
	.check = axl_check,
	.start = axl_start,
	.reload = axl_reload,
	.announced = axl_announced,
	.report = axl_report,
	.stop = axl_stop,
	.counters = axl_counters,
	.commands = axl_commands,
	.read_commands = "axl status",
};
