/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The difference between the rows that a publisher has and those that it should have, and the SQL
 * that makes it good. Called by axl_publisher.c. Sends nothing.
 *
 * Rows are inserted before others are deleted. AXL knows no transaction, so the publisher's router
 * sees each step: in this order it always knows an edge. A row that is about to go names a
 * component that cannot be reached, and no stanza is sent there; in the other order there would be
 * a moment without any row, and stanzas for the outside would be bounced.
 *
 * One insert per row, since the original's database takes one row of values at a time; deletes go
 * together.
 */
#include "components/axl/axl_plan.h"

#include <stdio.h>
#include <stdlib.h>

#include <fedway/error.h>
#include <fedway/io/crypto.h>

enum { ID_MAX = 255, UUID_SIZE = 37 };

struct fw_str axl_plan_realm(struct fw_str component_id)
{
	const char *dot =
	        component_id.len > 0 ? memchr(component_id.ptr, '.', component_id.len) : NULL;
	size_t head = dot != NULL ? (size_t)(dot - component_id.ptr) + 1 : 0;

	return dot != NULL ? fw_str_n(dot + 1, component_id.len - head) : fw_str(NULL);
}

bool axl_plan_is_id(struct fw_str component_id)
{
	static const char allowed[] =
	        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

	for (size_t i = 0; i < component_id.len; i++) {
		if (memchr(allowed, component_id.ptr[i], sizeof(allowed) - 1) == NULL) {
			return false;
		}
	}
	return component_id.len <= ID_MAX && axl_plan_realm(component_id).len > 0 &&
	       *component_id.ptr != '.';
}

/* ---- comparing ---- */

/* A row that nobody wants, or one too many of a wanted one; others are not ours to judge. */
static int plan_row(const struct axl_list *wanted, const struct axl_list *realms,
                    const struct axl_row *row, struct axl_list *seen, struct axl_plan *plan)
{
	struct fw_str realm = axl_plan_realm(row->cp_id);

	if (axl_list_has(wanted, row->cp_id)) {
		if (axl_list_has(seen, row->cp_id)) {
			return row->pkid.len > 0 ? axl_list_add(&plan->twins, row->pkid) : FW_OK;
		}
		plan->there++;
		return axl_list_add(seen, row->cp_id);
	}
	if (realm.len > 0 && axl_list_has_nocase(realms, realm)) {
		return axl_list_add(&plan->stale, row->cp_id);
	}
	plan->foreign++;
	return FW_OK;
}

int axl_plan_make(const struct axl_list *wanted, const struct axl_list *realms,
                  const struct axl_row *rows, size_t row_count, struct axl_plan *out)
{
	struct axl_list seen = { 0 };
	struct axl_plan plan = { .wanted = wanted->count };
	int ret = FW_OK;

	for (size_t i = 0; i < row_count && ret == FW_OK; i++) {
		ret = plan_row(wanted, realms, &rows[i], &seen, &plan);
	}
	for (size_t i = 0; i < wanted->count && ret == FW_OK; i++) {
		struct fw_str id = fw_str(wanted->items[i]);
		ret = axl_list_has(&seen, id) ? FW_OK : axl_list_add(&plan.missing, id);
	}
	axl_list_clear(&seen);
	if (ret == FW_OK) {
		*out = plan;
	} else {
		axl_plan_clear(&plan);
	}
	return ret;
}

void axl_plan_clear(struct axl_plan *plan)
{
	axl_list_clear(&plan->missing);
	axl_list_clear(&plan->stale);
	axl_list_clear(&plan->twins);
	*plan = (struct axl_plan){ 0 };
}

bool axl_plan_is_empty(const struct axl_plan *plan)
{
	return plan->missing.count + plan->stale.count + plan->twins.count == 0;
}

/* ---- statements ---- */

static size_t deletes_of(const struct axl_list *list)
{
	return (list->count + AXL_DELETE_MAX - 1) / AXL_DELETE_MAX;
}

size_t axl_plan_statements(const struct axl_plan *plan)
{
	return plan->missing.count + deletes_of(&plan->stale) + deletes_of(&plan->twins);
}

bool axl_plan_inserts(const struct axl_plan *plan, size_t index)
{
	return index < plan->missing.count;
}

/* A random UUID (RFC 9562 §5.4), lower case and without braces: databases compare it as text. */
static void make_uuid(char out[UUID_SIZE])
{
	unsigned char bytes[16];
	size_t used = 0;

	fw_random(bytes, sizeof(bytes));
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bool dash = i == 4 || i == 6 || i == 8 || i == 10;
		used += (size_t)snprintf(out + used, UUID_SIZE - used, "%s%02x", dash ? "-" : "",
		                         bytes[i]);
	}
}

/* Adds 'text', quotes inside doubled: what a publisher told us is no more than text to it. */
static void put_literal(char *out, size_t *used, const char *text)
{
	out[(*used)++] = '\'';
	for (; *text != '\0'; text++) {
		if (*text == '\'') {
			out[(*used)++] = '\'';
		}
		out[(*used)++] = *text;
	}
	out[(*used)++] = '\'';
	out[*used] = '\0';
}

static char *write_insert(const char *component_id)
{
	static const char frame[] = "insert into xmpps2snodes (pkid, cp_id) values (";
	size_t size = sizeof(frame) + UUID_SIZE + strlen(component_id) * 2 + 16;
	char uuid[UUID_SIZE];
	char *out = malloc(size);
	size_t used;

	if (out == NULL) {
		return NULL;
	}
	make_uuid(uuid);
	used = (size_t)snprintf(out, size, "%s'%s', ", frame, uuid);
	put_literal(out, &used, component_id);
	snprintf(out + used, size - used, ")");
	return out;
}

static char *write_delete(const char *column, char *const *items, size_t count)
{
	size_t size = 80, used;
	char *out;

	for (size_t i = 0; i < count; i++) {
		size += strlen(items[i]) * 2 + 4;
	}
	out = malloc(size);
	if (out == NULL) {
		return NULL;
	}
	used = (size_t)snprintf(out, size, "delete from xmpps2snodes where %s in (", column);
	for (size_t i = 0; i < count; i++) {
		used += (size_t)snprintf(out + used, size - used, "%s", i > 0 ? ", " : "");
		put_literal(out, &used, items[i]);
	}
	snprintf(out + used, size - used, ")");
	return out;
}

char *axl_plan_statement(const struct axl_plan *plan, size_t index)
{
	const struct axl_list *list = &plan->stale;

	if (index < plan->missing.count) {
		return write_insert(plan->missing.items[index]);
	}
	index -= plan->missing.count;
	if (index >= deletes_of(list)) {
		index -= deletes_of(list);
		list = &plan->twins;
	}
	size_t first = index * AXL_DELETE_MAX, left = list->count - first;
	return write_delete(list == &plan->stale ? "cp_id" : "pkid", list->items + first,
	                    left < AXL_DELETE_MAX ? left : AXL_DELETE_MAX);
}
