/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which rows are wanted, and of which realms we are the master: those of the edges, as the tunnel
 * keeps them in the node's state, and those of option component_ids. A realm stays ours, in the
 * state too, until every publisher has been seen without rows of it; so an edge that was removed
 * is cleaned away even after a restart. Called by axl.c. Asks nobody.
 */
#include <stdio.h>

#include "components/axl/axl_publisher.h"

#define STATE_EDGES "edges"
/* array of { realm, source } */
#define STATE_REALMS "axl_realms"
#define SOURCE_EDGES "edges"
#define SOURCE_CONFIGURED "component_ids"

static struct fw_logger axl_logger = FW_LOGGER("axl");

/* A list that lacks what memory had no room for must not be acted upon: rows would be deleted. */
struct reading {
	struct axl_list wanted, edges, configured;
	bool edges_known, failed;
	bool again; /* what is wrong has been told before */
};

static void put(struct reading *reading, struct axl_list *list, struct fw_str text)
{
	if (axl_list_add(list, text) != FW_OK) {
		reading->failed = true;
	}
}

static void clear(struct reading *reading)
{
	axl_list_clear(&reading->wanted);
	axl_list_clear(&reading->edges);
	axl_list_clear(&reading->configured);
}

static void read_edge(const struct axl *axl, const struct fw_json *edge, struct reading *reading)
{
	struct fw_str realm = fw_json_text(fw_json_get(edge, "realm"));
	const struct fw_json *ids = fw_json_get(edge, "components");
	bool on = fw_json_bool(fw_json_get(edge, "federation"));
	char quoted[300];

	if (realm.len == 0) {
		return;
	}
	put(reading, &reading->edges, realm);
	for (size_t i = 0; i < fw_json_count(ids) && on; i++) {
		struct fw_str id = fw_json_text(fw_json_at(ids, i));
		/* an edge stands outside: it speaks for its own realm only */
		if (axl_plan_is_id(id) && fw_str_eq_nocase(axl_plan_realm(id), realm)) {
			put(reading, &reading->wanted, id);
		} else if (!reading->again) {
			fw_log(fw_self_log(axl->self), &axl_logger, FW_LOG_WARNING,
			       "edge=%.*s names a component that cannot be its own id=%s",
			       FW_STR_ARG(realm), fw_quote(id, quoted, sizeof(quoted)));
		}
	}
}

static void read_now(const struct axl *axl, bool again, struct reading *reading)
{
	const struct fw_json *state = fw_state(axl->self, STATE_EDGES);
	const struct fw_strings *ids = &axl->config->component_ids;

	*reading = (struct reading){ .edges_known = state != NULL, .again = again };
	for (size_t i = 0; i < ids->count; i++) {
		put(reading, &reading->wanted, fw_str(ids->items[i]));
		put(reading, &reading->configured, axl_plan_realm(fw_str(ids->items[i])));
	}
	for (size_t i = 0; i < fw_json_count(state); i++) {
		read_edge(axl, fw_json_at(state, i), reading);
	}
}

/* Realms of former times, from the state. */
static void add_remembered(struct axl *axl)
{
	const struct fw_json *rows = fw_state(axl->self, STATE_REALMS);

	for (size_t i = 0; i < fw_json_count(rows); i++) {
		const struct fw_json *row = fw_json_at(rows, i);
		struct fw_str realm = fw_json_text(fw_json_get(row, "realm"));
		bool edge = fw_str_is(fw_json_text(fw_json_get(row, "source")), SOURCE_EDGES);
		if (realm.len > 0) {
			axl_list_add(edge ? &axl->edges : &axl->configured, realm);
		}
	}
}

static void put_rows(struct fw_json *array, const struct axl_list *realms, const char *source)
{
	for (size_t i = 0; i < realms->count; i++) {
		struct fw_json *row = fw_json_append_object(array);
		fw_json_set(row, "realm", fw_str(realms->items[i]));
		fw_json_set(row, "source", fw_str(source));
	}
}

/* Before the first row of a new realm is written, and after the last one of an old realm is gone.
 */
static void remember(struct axl *axl)
{
	struct fw_json *keep = fw_json_new();
	struct fw_json *array = fw_json_set_array(keep, STATE_REALMS);
	struct fw_error err = { 0 };

	put_rows(array, &axl->edges, SOURCE_EDGES);
	put_rows(array, &axl->configured, SOURCE_CONFIGURED);
	if (keep == NULL || fw_state_set(axl->self, STATE_REALMS, array, &err) != FW_OK) {
		fw_log(fw_self_log(axl->self), &axl_logger, FW_LOG_ERROR,
		       "our realms cannot be remembered: after a restart rows of removed edges "
		       "would stay reason=\"%s\"",
		       err.text);
	}
	fw_json_free(&keep);
}

static void put_all(struct reading *reading, struct axl_list *to, const struct axl_list *from)
{
	for (size_t i = 0; i < from->count; i++) {
		put(reading, to, fw_str(from->items[i]));
	}
}

/* Ours are the realms of now and of former times; those of edges only when the edges are known,
 * since else nobody has said that their rows are not wanted. */
static bool take_realms(struct axl *axl, struct reading *reading)
{
	struct axl_list realms = { 0 };
	bool changed;

	put_all(reading, &realms, &axl->configured);
	if (reading->edges_known) {
		put_all(reading, &realms, &axl->edges);
	}
	changed = !reading->failed && !axl_list_eq(&axl->realms, &realms);
	if (changed) {
		axl_list_move(&axl->realms, &realms);
	}
	axl_list_clear(&realms);
	return changed;
}

bool axl_wanted_update(struct axl *axl)
{
	struct reading reading;
	bool changed = axl->generation == 0;

	if (axl->generation == 0) {
		add_remembered(axl);
	}
	size_t before = axl->edges.count + axl->configured.count;
	read_now(axl, false, &reading);
	put_all(&reading, &axl->edges, &reading.edges);
	put_all(&reading, &axl->configured, &reading.configured);
	if (axl->edges.count + axl->configured.count != before) {
		remember(axl);
	}
	if (!reading.failed) {
		changed = take_realms(axl, &reading) || changed;
		changed = !axl_list_eq(&axl->wanted, &reading.wanted) || changed;
		axl_list_move(&axl->wanted, &reading.wanted);
	}
	clear(&reading);
	axl->generation += changed;
	return changed;
}

void axl_wanted_settled(struct axl *axl)
{
	struct reading reading;

	read_now(axl, true, &reading);
	if (!reading.edges_known) {
		put_all(&reading, &reading.edges, &axl->edges);
	}
	if (!reading.failed && (!axl_list_eq(&reading.edges, &axl->edges) ||
	                        !axl_list_eq(&reading.configured, &axl->configured))) {
		axl_list_move(&axl->edges, &reading.edges);
		axl_list_move(&axl->configured, &reading.configured);
		(void)take_realms(axl, &reading); /* nothing to do for anybody: the rows are gone */
		remember(axl);
	}
	clear(&reading);
}

void axl_wanted_clear(struct axl *axl)
{
	axl_list_clear(&axl->wanted);
	axl_list_clear(&axl->realms);
	axl_list_clear(&axl->edges);
	axl_list_clear(&axl->configured);
}

const char *axl_wanted_reason(const struct axl *axl)
{
	const struct fw_json *state = fw_state(axl->self, STATE_EDGES);

	if (axl->wanted.count > 0) {
		return "";
	}
	if (state == NULL) {
		return "no edge is known yet: the tunnel tells which there are";
	}
	for (size_t i = 0; i < fw_json_count(state); i++) {
		if (fw_json_get(fw_json_at(state, i), "federation") == NULL) {
			return "an edge has never been heard: fedwayctl tunnel show says why";
		}
	}
	return fw_json_count(state) == 0 ? "there is no edge" : "federation is off on every edge";
}
