/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What reports say of publishers. Called by the host and by axl_commands.c.
 */
#include "components/axl/axl_publisher.h"

/* The rows as last seen, "2 of 2". */
static void put_rows(const struct axl_publisher *publisher, struct fw_json *out)
{
	if (publisher->rows_known) {
		fw_json_setf(out, "rows", "%zu of %zu", publisher->rows_there,
		             publisher->rows_wanted);
		fw_json_set_int(out, "foreign_rows", (int64_t)publisher->rows_foreign);
	} else {
		fw_json_set(out, "rows", fw_str("unknown"));
		fw_json_set(out, "foreign_rows", fw_str("unknown"));
	}
}

static void put_problem(const struct axl_publisher *publisher, struct fw_json *out)
{
	char text[AXL_ERROR_SIZE], remedy[AXL_REMEDY_SIZE];

	axl_tell_error(publisher, &publisher->last, text);
	axl_tell_remedy(publisher, &publisher->last, remedy);
	fw_json_set(out, "text", fw_str(text));
	fw_json_set(out, "remedy", fw_str(remedy));
}

void axl_report_publisher(const struct axl_publisher *publisher, struct fw_json *out)
{
	uint64_t now_ms = fw_now_ms(publisher->axl->loop);
	bool ran = publisher->synced_generation != 0 || publisher->failures > 0;

	fw_json_set(out, "publisher", fw_str(publisher->config->name));
	fw_json_set(out, "state",
	            fw_str(!ran ? "starting" : axl_outcome_word(publisher->last.outcome)));
	fw_json_set(out, "version", fw_str(publisher->version));
	fw_json_set(out, "schema", fw_str(publisher->schema));
	put_rows(publisher, out);
	if (publisher->synced_generation != 0) {
		fw_json_set_int(out, "last_success_ms", (int64_t)(now_ms - publisher->synced_ms));
	} else {
		fw_json_set(out, "last_success_ms", fw_str("never"));
	}
	fw_json_set_int(out, "next_check_ms",
	                publisher->next_ms > now_ms ? (int64_t)(publisher->next_ms - now_ms) : 0);
	fw_json_set_int(out, "failures", (int64_t)publisher->failures);
	if (publisher->last.outcome != AXL_OK) {
		put_problem(publisher, fw_json_set_object(out, "problem"));
	}
}

static size_t in_order(const struct axl *axl)
{
	size_t count = 0;

	for (size_t i = 0; i < axl->publisher_count; i++) {
		count += axl_publisher_is_synced(axl->publishers[i]);
	}
	return count;
}

/* Why the outside cannot be reached through this component's work, in words; else how it stands. */
static void report_federation(const struct axl *axl, struct fw_json *out)
{
	char error[AXL_ERROR_SIZE], remedy[AXL_REMEDY_SIZE];

	for (size_t i = 0; i < axl->publisher_count; i++) {
		const struct axl_publisher *publisher = axl->publishers[i];
		if (publisher->last.outcome != AXL_OK) {
			axl_tell_error(publisher, &publisher->last, error);
			axl_tell_remedy(publisher, &publisher->last, remedy);
			fw_json_setf(out, "reason", "AXL, %s", error);
			fw_json_set(out, "remedy", fw_str(remedy));
			return;
		}
	}
	if (axl->wanted.count == 0) {
		fw_json_setf(out, "reason", "AXL: %s", axl_wanted_reason(axl));
	}
}

static void report_facts(const struct axl *axl, struct fw_json *out)
{
	struct fw_json *ids = fw_json_set_array(out, "axl_rows");
	struct fw_json *publishers = fw_json_set_array(out, "axl_publishers");

	for (size_t i = 0; i < axl->wanted.count; i++) {
		fw_json_append(ids, fw_str(axl->wanted.items[i]));
	}
	for (size_t i = 0; i < axl->publisher_count; i++) {
		axl_report_publisher(axl->publishers[i], fw_json_append_object(publishers));
	}
}

void axl_report(struct fw_self *self, const char *topic, struct fw_json *out)
{
	const struct axl *axl = fw_self_state(self);

	if (axl == NULL) {
		return;
	}
	if (strcmp(topic, "status") == 0) {
		fw_json_set_int(out, "publishers", (int64_t)axl->publisher_count);
		fw_json_set_int(out, "in_order", (int64_t)in_order(axl));
		fw_json_set_int(out, "rows_wanted", (int64_t)axl->wanted.count);
	} else if (strcmp(topic, "federation") == 0) {
		report_federation(axl, out);
	} else if (strcmp(topic, "facts") == 0) {
		report_facts(axl, out);
	}
}
