/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads the rows whenever the table has changed, compares them with the holders of "*" that are in
 * force, and tells the router of the difference. Called by the store's events. Whether a component
 * can be reached is the router's knowledge.
 */
#include "components/axl_service/axls_table.h"

#include <stdlib.h>

#include "components/axl_service/axl_service.h"

/* The names of the notices; each is replaced or cleared by every reading. */
#define NOTICE_EMPTY "axl-table-empty"
#define NOTICE_ROWS "axl-table-rows"
#define NOTICE_DOWN "axl-database"
#define NOTICE_RESTART "axl-router-restart"

enum { RETRY_MS = 1000 };

#define REMEDY_EMPTY \
	"switch federation on at the edge, and see that the core reaches this node's AXL service " \
	"(fedwayctl axl status, on the core)"

static struct fw_logger table_logger = FW_LOGGER("axl.table");

enum row_state { ROW_BOUND, ROW_NO_COMPONENT, ROW_REFUSED };

struct row {
	struct row *next;
	enum row_state state;
	bool seen; /* by this reading */
	char cp_id[];
};

struct axls_table {
	struct axls *axls;
	struct row *rows;
	size_t count, bound;
	bool read; /* once at least */
	bool reading, again;
	bool down;
	struct fw_timer *retry; /* of a reading that failed while the database was there */
	uint64_t readings;
};

/* Rows are in the order of their bytes, here and in each reading: so they are walked side by side.
 * @param from  where the last one was found @return the link to the row, or to where it belongs */
static struct row **place_of(struct axls_table *table, struct row **from, const char *cp_id)
{
	if (*from != NULL && strcmp((*from)->cp_id, cp_id) > 0) {
		from = &table->rows; /* a database that did not sort */
	}
	while (*from != NULL && strcmp((*from)->cp_id, cp_id) < 0) {
		from = &(*from)->next;
	}
	return from;
}

/* `<component>.<realm>`, as it is written in the router: a key of two labels or more. */
static bool is_component_id(const char *cp_id)
{
	char key[FW_DOMAIN_SIZE];
	struct fw_str found;
	const char *dot = strchr(cp_id, '.');

	return dot != NULL && dot != cp_id && dot[1] != '\0' &&
	       fw_domain_key(fw_str(cp_id), key, &found) == FW_OK && fw_str_is(found, cp_id);
}

static void row_add(struct axls_table *table, struct row **link, const char *cp_id)
{
	size_t len = strlen(cp_id);
	struct fw_self *self = table->axls->self;
	struct row *row = calloc(1, sizeof(*row) + len + 1);
	char quoted[128];

	if (row == NULL) {
		return; /* the next reading tries again */
	}
	memcpy(row->cp_id, cp_id, len + 1);
	row->seen = true;
	row->state = ROW_NO_COMPONENT;
	if (is_component_id(cp_id)) {
		int ret = fw_bind_for(self, "*", cp_id, table->axls->config->weight);
		row->state = ret == FW_OK       ? ROW_BOUND
		             : ret == FW_EPARSE ? ROW_NO_COMPONENT
		                                : ROW_REFUSED;
	}
	row->next = *link;
	*link = row;
	fw_log(fw_self_log(self), &table_logger, FW_LOG_NOTICE,
	       AXLS_TABLE " row appeared cp_id='%s' in_force=%s",
	       fw_quote(fw_str(cp_id), quoted, sizeof(quoted)),
	       row->state == ROW_BOUND ? "yes" : "no");
}

static void row_remove(struct axls_table *table, struct row **link)
{
	struct row *row = *link;
	char quoted[128];

	*link = row->next;
	if (row->state == ROW_BOUND) {
		fw_unbind_for(table->axls->self, "*", row->cp_id);
	}
	fw_log(fw_self_log(table->axls->self), &table_logger, FW_LOG_NOTICE,
	       AXLS_TABLE " row went cp_id='%s'",
	       fw_quote(fw_str(row->cp_id), quoted, sizeof(quoted)));
	free(row);
}

/* ---- what operators are told ---- */

static void tell_bad_rows(const struct axls_table *table)
{
	struct fw_self *self = table->axls->self;
	const struct row *first = NULL;
	size_t bad = 0;
	char quoted[128];

	for (const struct row *row = table->rows; row != NULL; row = row->next) {
		if (row->state != ROW_BOUND) {
			bad++;
			first = row;
		}
	}
	if (bad == 0) {
		fw_notice_clear(self, NOTICE_ROWS);
		return;
	}
	fw_notice(self, NOTICE_ROWS, FW_NOTICE_YELLOW,
	          "a cp_id is <component>.<realm>, in lower case: correct or delete the row",
	          "%zu rows of " AXLS_TABLE
	          " name no component, such as '%s': nothing is routed to them",
	          bad, fw_quote(fw_str(first->cp_id), quoted, sizeof(quoted)));
}

static void tell(const struct axls_table *table)
{
	struct fw_self *self = table->axls->self;

	fw_notice_clear(self, NOTICE_DOWN);
	fw_notice_clear(self, NOTICE_RESTART);
	tell_bad_rows(table);
	if (table->bound == 0) {
		fw_notice(self, NOTICE_EMPTY, FW_NOTICE_YELLOW, REMEDY_EMPTY,
		          "the table " AXLS_TABLE
		          " names no S2S component: foreign domains cannot be reached");
	} else {
		fw_notice_clear(self, NOTICE_EMPTY);
	}
}

/* As the originals say it; here it stands only until the rows are in force. */
static void tell_restart(const struct axls_table *table)
{
	if (table->read && table->axls->config->restart_notice == AXLS_RESTART_UNTIL_IN_FORCE) {
		fw_notice(table->axls->self, NOTICE_RESTART, FW_NOTICE_INFO,
		          "none: the router takes the rows by itself, and this goes away",
		          "Cisco XCP Router requires a restart: " AXLS_TABLE " has changed");
	}
}

/* ---- readings ---- */

static void take(struct axls_table *table, const struct axls_result *result)
{
	struct row **at = &table->rows;

	for (size_t i = 0; i < axls_result_rows(result); i++) {
		const char *cp_id = axls_result_at(result, i, 0);
		if (cp_id == NULL) {
			continue;
		}
		at = place_of(table, at, cp_id);
		if (*at != NULL && strcmp((*at)->cp_id, cp_id) == 0) {
			(*at)->seen = true;
		} else {
			row_add(table, at, cp_id);
		}
	}
	table->count = table->bound = 0;
	for (struct row **link = &table->rows; *link != NULL;) {
		struct row *row = *link;
		if (!row->seen) {
			row_remove(table, link);
			continue;
		}
		row->seen = false;
		table->count++;
		table->bound += row->state == ROW_BOUND;
		link = &row->next;
	}
	table->read = true;
	table->readings++;
	table->down = false;
	tell(table);
}

/* A database that went away is told again when it is back; of anything else nobody tells the end.
 */
static void reading_failed(struct axls_table *table, const struct axls_result *result)
{
	axls_table_down(table->axls, result != NULL ? result->text : "out of memory");
	if (result == NULL || result->code != FW_ECLOSED) {
		fw_timer_start_ms(table->retry, RETRY_MS, 0);
	}
}

static void on_rows(void *ctx, struct axls_result **result)
{
	struct axls_table *table = ctx;

	table->reading = false;
	if (*result != NULL && (*result)->code == FW_OK) {
		take(table, *result);
	} else if (!table->axls->stopping) {
		reading_failed(table, *result);
	}
	if (table->again && !table->axls->stopping) {
		table->again = false;
		axls_table_changed(table->axls);
	}
}

void axls_table_changed(void *ctx)
{
	struct axls *axls = ctx;
	struct axls_table *table = axls->table;
	struct axls_sql sql = { .text = fw_str_dup(fw_str("select cp_id from " AXLS_TABLE
		                                          " order by cp_id")) };

	fw_timer_stop(table->retry);
	if (table->reading || sql.text == NULL) {
		table->again = true;
		axls_sql_free(&sql);
		return;
	}
	tell_restart(table);
	table->reading = true;
	axls->store->type->run(axls->store, &sql, on_rows, table);
}

void axls_table_down(void *ctx, const char *why)
{
	struct axls *axls = ctx;
	char quoted[256];

	axls->table->down = true;
	fw_notice(axls->self, NOTICE_DOWN, FW_NOTICE_YELLOW,
	          "see that the database runs and that `connection` or `database_file` is right; "
	          "it is tried again",
	          "the table " AXLS_TABLE " cannot be read: %s; the %zu routes in force stay",
	          fw_quote(fw_str(why), quoted, sizeof(quoted)), axls->table->bound);
}

void axls_table_weigh(struct axls_table *table)
{
	for (const struct row *row = table->rows; row != NULL; row = row->next) {
		if (row->state == ROW_BOUND) {
			fw_bind_for(table->axls->self, "*", row->cp_id,
			            table->axls->config->weight);
		}
	}
}

/* ---- life and reports ---- */

int axls_table_new(struct axls *axls, struct axls_table **out)
{
	struct axls_table *table = calloc(1, sizeof(*table));

	if (table == NULL) {
		return FW_ENOMEM;
	}
	table->axls = axls;
	if (fw_timer_new(axls->loop, axls_table_changed, axls, &table->retry) != FW_OK) {
		free(table);
		return FW_ENOMEM;
	}
	*out = table;
	return FW_OK;
}

void axls_table_free(struct axls_table **at)
{
	struct axls_table *table = *at;

	*at = NULL;
	if (table == NULL) {
		return;
	}
	while (table->rows != NULL) {
		row_remove(table, &table->rows);
	}
	fw_timer_free(&table->retry);
	free(table);
}

void axls_table_report(const struct axls_table *table, struct fw_json *out)
{
	static const char *const words[] = { "in force", "no component ID",
		                             "refused by the router" };
	struct fw_json *array = fw_json_set_array(out, "rows");

	for (const struct row *row = table->rows; row != NULL; row = row->next) {
		struct fw_json *object = fw_json_append_object(array);
		fw_json_set(object, "cp_id", fw_str(row->cp_id));
		fw_json_set(object, "state", fw_str(words[row->state]));
	}
}

/* Whether any component that serves foreign domains can be reached now. */
static bool any_is_up(const struct axls_table *table)
{
	struct fw_json *holders = fw_json_new(), *array = fw_json_set_array(holders, "holders");
	bool up = false;

	if (fw_holders(table->axls->self, "*", array) == FW_OK) {
		for (size_t i = 0; i < fw_json_count(array); i++) {
			up = up || fw_json_bool(fw_json_get(fw_json_at(array, i), "up"));
		}
	}
	fw_json_free(&holders);
	return up;
}

void axls_table_federation(const struct axls_table *table, struct fw_json *out)
{
	if (table->bound == 0) {
		fw_json_set(out, "reason",
		            fw_str(!table->read ? "the table " AXLS_TABLE " has not been read yet"
		                   : table->count > 0 ? "no row of " AXLS_TABLE " names a component"
		                                      : "the table " AXLS_TABLE " is empty"));
		fw_json_set(out, "remedy", fw_str(REMEDY_EMPTY));
	} else if (!any_is_up(table)) {
		fw_json_setf(out, "reason",
		             "none of the %zu components in " AXLS_TABLE " can be reached",
		             table->bound);
		fw_json_set(out, "remedy",
		            fw_str("see that the core is linked to this node, and the edges to the "
		                   "core"));
	}
}
