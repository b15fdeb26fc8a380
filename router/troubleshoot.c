/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The command "troubleshoot": asks all nodes for their facts (control_facts.c) and compares them.
 * Each check is one row of the table at the end and gives one or more lines: ok, or what differs on
 * which node, with the remedy. Nothing is changed anywhere.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/control_commands.h"

enum {
	CLOCK_TOLERANCE_MS = 5000, /* certificates and logs forgive that much */
	TEXT_SIZE = 1024,
};

struct node {
	const char *realm;
	const struct fw_json *facts; /* NULL: it did not answer */
	int64_t ahead_ms;            /* its clock, compared with ours */
};

struct survey {
	struct fw_json *steps;
	unsigned failed, warned;
	size_t count;
	struct node nodes[];
};

/* ---- lines ---- */

static void step(struct survey *survey, const char *what, const char *verdict, const char *remedy,
                 const char *format, ...) FW_PRINTF(5, 6);

static void step(struct survey *survey, const char *what, const char *verdict, const char *remedy,
                 const char *format, ...)
{
	struct fw_json *row = fw_json_append_object(survey->steps);
	char text[TEXT_SIZE];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fw_json_set(row, "step", fw_str(what));
	fw_json_set(row, "verdict", fw_str(verdict));
	fw_json_set(row, "text", fw_str(text));
	if (strcmp(verdict, "ok") != 0) {
		fw_json_set(row, "remedy", fw_str(remedy));
		survey->failed += strcmp(verdict, "fail") == 0 ? 1 : 0;
		survey->warned += strcmp(verdict, "warn") == 0 ? 1 : 0;
	}
}

/* Adds to a text, with ", " between; what does not fit is left out. */
static void append(char text[TEXT_SIZE], const char *format, ...) FW_PRINTF(2, 3);

static void append(char text[TEXT_SIZE], const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	if (used > 0 && used + 3 < TEXT_SIZE) {
		memcpy(text + used, ", ", 3);
		used += 2;
	}
	va_start(args, format);
	(void)vsnprintf(text + used, TEXT_SIZE - used, format, args);
	va_end(args);
}

/* ---- facts ---- */

/* The facts of the first component of a module; NULL when the node has none. */
static const struct fw_json *facts_of(const struct node *node, const char *module)
{
	const struct fw_json *list = fw_json_get(node->facts, "components");

	for (size_t i = 0; i < fw_json_count(list); i++) {
		const struct fw_json *row = fw_json_at(list, i);
		if (fw_str_is(fw_json_text(fw_json_get(row, "module")), module)) {
			return fw_json_get(row, "facts");
		}
	}
	return NULL;
}

/* An edge has the S2S component that faces the world. */
static bool is_edge(const struct node *node)
{
	return facts_of(node, "s2s") != NULL;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; texts != NULL && i < count; i++) {
		free(texts[i]);
	}
	free(texts);
}

/* The elements of an array as sorted texts: lists are compared as sets. [g] */
static char **sorted_texts(const struct fw_json *array)
{
	size_t count = fw_json_count(array);
	char **texts = calloc(count + 1, sizeof(*texts));

	for (size_t i = 0; texts != NULL && i < count; i++) {
		texts[i] = fw_json_dump(fw_json_at(array, i), false);
		if (texts[i] == NULL) {
			free_texts(texts, i);
			return NULL;
		}
	}
	if (texts != NULL) {
		qsort(texts, count, sizeof(*texts), compare_texts);
	}
	return texts;
}

static bool same_sets(const struct fw_json *a, const struct fw_json *b)
{
	size_t count = fw_json_count(a);
	char **left = sorted_texts(a), **right = sorted_texts(b);
	bool same = left != NULL && right != NULL && count == fw_json_count(b);

	for (size_t i = 0; same && i < count; i++) {
		same = strcmp(left[i], right[i]) == 0;
	}
	free_texts(left, count);
	free_texts(right, fw_json_count(b));
	return same;
}

static bool same_values(const struct fw_json *a, const struct fw_json *b)
{
	if (fw_json_type(a) == FW_JSON_ARRAY && fw_json_type(b) == FW_JSON_ARRAY) {
		return same_sets(a, b);
	}
	return fw_json_equal(a, b);
}

static void append_value(char text[TEXT_SIZE], const struct node *node, const struct fw_json *value)
{
	char *dump = value != NULL ? fw_json_dump(value, false) : NULL;

	if (fw_json_type(value) == FW_JSON_STRING) {
		append(text, "%s on %s", fw_json_text(value).ptr, node->realm);
	} else {
		append(text, "%.200s on %s", dump != NULL ? dump : "nothing", node->realm);
	}
	free(dump);
}

/* ---- checks ---- */

static void check_answers(struct survey *survey)
{
	char there[TEXT_SIZE] = "";

	for (size_t i = 0; i < survey->count; i++) {
		if (survey->nodes[i].facts != NULL) {
			append(there, "%s", survey->nodes[i].realm);
		}
	}
	if (survey->count == 1) {
		step(survey, "nodes", "warn", "name the other nodes in routers",
		     "this node knows no other: there is nothing to compare with");
	} else {
		step(survey, "nodes", "ok", "", "%s answered", there);
	}
}

/* One line for a fact that has to be the same on all edges. Other nodes may have such modules for
 * purposes of their own, as a core has towards a server inside. */
static void compare_fact(struct survey *survey, const char *module, const char *key,
                         const char *label, const char *remedy)
{
	const struct node *first = NULL;
	const struct fw_json *wanted = NULL;
	char there[TEXT_SIZE] = "", all[TEXT_SIZE] = "";
	bool same = true;

	for (size_t i = 0; i < survey->count; i++) {
		const struct node *node = &survey->nodes[i];
		const struct fw_json *facts = facts_of(node, module);
		const struct fw_json *value = fw_json_get(facts, key);
		if (facts == NULL || !is_edge(node)) {
			continue;
		}
		wanted = first == NULL ? value : wanted;
		first = first == NULL ? node : first;
		same = same && same_values(wanted, value);
		append_value(there, node, value);
		append(all, "%s", node->realm);
	}
	if (first == NULL) {
		return;
	}
	if (!same) {
		step(survey, label, "fail", remedy, "%s", there);
		return;
	}
	bool plain = fw_json_type(wanted) == FW_JSON_STRING;
	step(survey, label, "ok", "", "%.200s%sthe same on %s",
	     plain ? fw_json_text(wanted).ptr : "", plain ? ", " : "", all);
}

/* What the edges must agree on, in the order in which an operator reads it. */
static const struct {
	const char *module, *key, *label, *remedy;
} agreed[] = {
	{ "s2s", "security_mode", "security mode", "set the same security_mode on all edges" },
	{ "s2s", "certificate_validation", "certificates",
	  "set the same tls, certificate_name, certificate_purpose and ca_file rules on all "
	  "edges" },
	{ "s2s", "sasl", "SASL and dialback", "set the same methods on all edges" },
	{ "s2s", "domain_rules", "domain rules", "give all edges the same rows in s2s' domains" },
	{ "dialback", "secret_digest", "dialback secret",
	  "give all edges the same dialback secret: else none can answer db:verify for another" },
	{ "policy", "privacy_mode", "policy default", "set the same privacy_mode on all edges" },
	{ "policy", "allow", "allow list",
	  "give all edges the same allow list, best from the core" },
	{ "policy", "deny", "deny list", "give all edges the same deny list, best from the core" },
	{ "policy", "rules", "policy rules", "give all edges the same policy rules" },
	{ "resolver", "static_routes", "static routes",
	  "give all edges the same static routes, best from the core" },
};

static void check_agreed(struct survey *survey)
{
	for (size_t i = 0; i < FW_COUNT(agreed); i++) {
		compare_fact(survey, agreed[i].module, agreed[i].key, agreed[i].label,
		             agreed[i].remedy);
	}
}

static void check_switch(struct survey *survey)
{
	char on[TEXT_SIZE] = "", off[TEXT_SIZE] = "";

	for (size_t i = 0; i < survey->count; i++) {
		const struct node *node = &survey->nodes[i];
		if (node->facts != NULL && is_edge(node)) {
			bool is_on = fw_json_bool(fw_json_get(node->facts, "federation"));
			append(is_on ? on : off, "%s", node->realm);
		}
	}
	if (on[0] == '\0' && off[0] == '\0') {
		step(survey, "switch", "fail", "see fedwayctl routers: is an edge linked?",
		     "no edge answered");
	} else if (off[0] == '\0') {
		step(survey, "switch", "ok", "", "on on %s", on);
	} else {
		step(survey, "switch", "fail", "give \"fedwayctl federation on\" there",
		     "off on %s%s%s", off, on[0] != '\0' ? "; on on " : "", on);
	}
}

/* Names of a node's federated domains that `other` does not have so. */
static void missing_domains(const struct node *node, const struct node *other, char out[TEXT_SIZE])
{
	const struct fw_json *mine = fw_json_get(node->facts, "domains");
	const struct fw_json *theirs = fw_json_get(other->facts, "domains");

	for (size_t i = 0; i < fw_json_count(mine); i++) {
		const struct fw_json *row = fw_json_at(mine, i);
		bool found = !fw_json_bool(fw_json_get(row, "federation"));
		for (size_t j = 0; j < fw_json_count(theirs) && !found; j++) {
			const struct fw_json *each = fw_json_at(theirs, j);
			found = fw_json_bool(fw_json_get(each, "federation")) &&
			        fw_str_eq_nocase(fw_json_text(fw_json_get(each, "name")),
			                         fw_json_text(fw_json_get(row, "name")));
		}
		if (!found) {
			append(out, "%.*s", FW_STR_ARG(fw_json_text(fw_json_get(row, "name"))));
		}
	}
}

/* The first node is the one that was asked: the core, which knows the domains. */
static void check_domains(struct survey *survey)
{
	const struct node *core = &survey->nodes[0];

	for (size_t i = 1; i < survey->count; i++) {
		const struct node *node = &survey->nodes[i];
		char missing[TEXT_SIZE] = "";
		if (node->facts == NULL || !is_edge(node)) {
			continue;
		}
		missing_domains(core, node, missing);
		if (missing[0] != '\0') {
			step(survey, "domains", "fail",
			     "see \"fedwayctl tunnel show\" on both nodes: the core tells its "
			     "edges",
			     "%s does not serve %s", node->realm, missing);
		} else {
			step(survey, "domains", "ok", "", "%s serves all of %s", node->realm,
			     core->realm);
		}
	}
}

static void check_names(struct survey *survey)
{
	for (size_t i = 0; i < survey->count; i++) {
		const struct node *node = &survey->nodes[i];
		const struct fw_json *own = fw_json_get(facts_of(node, "s2s"), "own");
		const struct fw_json *list = fw_json_get(own, "domains_not_named");
		char missing[TEXT_SIZE] = "";
		if (own == NULL) {
			continue;
		}
		for (size_t j = 0; j < fw_json_count(list); j++) {
			append(missing, "%.*s", FW_STR_ARG(fw_json_text(fw_json_at(list, j))));
		}
		if (missing[0] != '\0') {
			step(survey, "SANs", "fail",
			     "\"fedwayctl cert csr\" on that edge makes a request with all names",
			     "no certificate of %s names %s", node->realm, missing);
		} else {
			step(survey, "SANs", "ok", "", "the certificates of %s name its domains",
			     node->realm);
		}
	}
}

/* The component is one of the rows of the table, and the router there follows it. */
static bool has_row(const struct fw_json *rows, struct fw_str id)
{
	for (size_t i = 0; i < fw_json_count(rows); i++) {
		const struct fw_json *row = fw_json_at(rows, i);
		if (fw_str_eq_nocase(fw_json_text(fw_json_get(row, "cp_id")), id) &&
		    fw_str_is(fw_json_text(fw_json_get(row, "state")), "in force")) {
			return true;
		}
	}
	return false;
}

/* Each IM node's table must have the S2S components of the edges that are on. */
static void check_table(struct survey *survey, const struct node *im)
{
	const struct fw_json *own = fw_json_get(facts_of(im, "axl_service"), "own");
	const struct fw_json *rows = fw_json_get(own, "rows");
	char missing[TEXT_SIZE] = "";

	if (rows == NULL) {
		return;
	}
	for (size_t i = 0; i < survey->count; i++) {
		const struct node *node = &survey->nodes[i];
		const struct fw_json *edge = fw_json_get(facts_of(node, "s2s"), "own");
		struct fw_str id = fw_json_text(fw_json_get(edge, "id"));
		bool on = fw_json_bool(fw_json_get(node->facts, "federation"));
		if (id.len > 0 && on && !has_row(rows, id)) {
			append(missing, "%.*s", FW_STR_ARG(id));
		}
	}
	if (missing[0] != '\0') {
		step(survey, "table", "fail", "\"fedwayctl axl status\" on the core says why",
		     "xmpps2snodes of %s lacks %s", im->realm, missing);
	} else {
		step(survey, "table", "ok", "", "xmpps2snodes of %s has every edge that is on",
		     im->realm);
	}
}

static void check_tables(struct survey *survey)
{
	for (size_t i = 0; i < survey->count; i++) {
		check_table(survey, &survey->nodes[i]);
	}
}

static void check_clocks(struct survey *survey)
{
	char all[TEXT_SIZE] = "", wrong[TEXT_SIZE] = "";

	for (size_t i = 1; i < survey->count; i++) {
		const struct node *node = &survey->nodes[i];
		if (node->facts == NULL) {
			continue;
		}
		bool far = llabs((long long)node->ahead_ms) > CLOCK_TOLERANCE_MS;
		append(far ? wrong : all, "%s %+.1f s", node->realm, (double)node->ahead_ms / 1000);
	}
	if (wrong[0] != '\0') {
		step(survey, "clock", "fail", "let all nodes follow the same time servers (NTP)",
		     "compared with %s: %s", survey->nodes[0].realm, wrong);
	} else if (all[0] != '\0') {
		step(survey, "clock", "ok", "", "compared with %s: %s", survey->nodes[0].realm,
		     all);
	}
}

static void check_versions(struct survey *survey)
{
	struct fw_str first = fw_json_text(fw_json_get(survey->nodes[0].facts, "version"));
	char other[TEXT_SIZE] = "";

	for (size_t i = 1; i < survey->count; i++) {
		struct fw_str version =
		        fw_json_text(fw_json_get(survey->nodes[i].facts, "version"));
		if (version.len > 0 && !fw_str_eq(version, first)) {
			append(other, "%s has %.*s", survey->nodes[i].realm, FW_STR_ARG(version));
		}
	}
	if (other[0] != '\0') {
		step(survey, "version", "warn", "upgrade: nodes of one release are tested together",
		     "%s has %.*s, %s", survey->nodes[0].realm, FW_STR_ARG(first), other);
	} else {
		step(survey, "version", "ok", "", "%.*s everywhere", FW_STR_ARG(first));
	}
}

static void (*const checks[])(struct survey *) = {
	check_answers, check_switch, check_agreed, check_domains,
	check_names,   check_tables, check_clocks, check_versions,
};

/* ---- the command ---- */

/* A node that did not answer is a line of its own. */
static void add_node(struct survey *survey, const struct control_nodes *nodes, size_t index)
{
	const struct fw_json *reply = control_nodes_reply(nodes, index);
	struct node *node = &survey->nodes[survey->count++];
	int64_t now = control_clock_ms();
	int64_t ago = (int64_t)(control_nodes_ago_us(nodes, index) +
	                        control_nodes_took_us(nodes, index) / 2) /
	              1000;

	node->realm = control_nodes_realm(nodes, index);
	if (!fw_json_bool(fw_json_get(reply, "ok"))) {
		step(survey, "nodes", "fail", fw_json_text(fw_json_get(reply, "remedy")).ptr,
		     "%.*s", FW_STR_ARG(fw_json_text(fw_json_get(reply, "error"))));
		return;
	}
	node->facts = fw_json_get(reply, "result");
	node->ahead_ms = fw_json_int(fw_json_get(node->facts, "time_ms")) - (now - ago);
}

static void compare(void *ctx, const struct control_nodes *nodes)
{
	struct control_call *call = ctx;
	size_t count = control_nodes_count(nodes);
	struct survey *survey = calloc(1, sizeof(*survey) + count * sizeof(survey->nodes[0]));

	if (survey != NULL) {
		survey->steps = fw_json_set_array(call->result, "steps");
		for (size_t i = 0; i < count; i++) {
			add_node(survey, nodes, i);
		}
		for (size_t i = 0; i < FW_COUNT(checks); i++) {
			checks[i](survey);
		}
		fw_json_set(call->result, "verdict", fw_str(survey->failed > 0 ? "refused" : "ok"));
		fw_json_setf(call->result, "text", "%u wrong, %u to look at, of %zu",
		             survey->failed, survey->warned, fw_json_count(survey->steps));
		free(survey);
	}
	control_nodes_end(call);
}

int control_troubleshoot(struct control_call *call)
{
	static const struct control_nodes_events events = { compare, control_nodes_waiting };

	return control_nodes_ask(call->router, NULL, fw_str("facts"), NULL, &events, call,
	                         &call->nodes);
}
