/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * What each command's result looks like for people: one row per command, with its columns. Scripts
 * use --json, so nothing here is a promise.
 */
#include "router/fedwayctl.h"

#include <stdlib.h>
#include <string.h>

#include "router/control_commands.h"
#include "router/fedwayctl_table.h"

/* "XMPP Federation: Active, through cm-1_s2scp-1.edge" */
static void print_federation(FILE *out, const struct fw_json *result)
{
	const struct fw_json *through = fw_json_get(result, "through");
	struct fw_str reason = fw_json_text(fw_json_get(result, "reason"));
	char cell[TABLE_CELL_SIZE];

	(void)fprintf(out, "XMPP Federation: %s",
	              fw_json_bool(fw_json_get(result, "active")) ? "Active" : "Inactive");
	for (size_t i = 0; reason.len == 0 && i < fw_json_count(through); i++) {
		(void)fprintf(out, "%s%s", i == 0 ? ", through " : ", ",
		              table_value(fw_json_at(through, i), TABLE_PLAIN, cell));
	}
	if (reason.len > 0) {
		(void)fputs(": ", out);
		table_text(out, reason);
		(void)fputs("\n  what to do: ", out);
		table_text(out, fw_json_text(fw_json_get(result, "remedy")));
	}
	(void)fputc('\n', out);
	if (fw_json_get(result, "kept") != NULL && !fw_json_bool(fw_json_get(result, "kept"))) {
		(void)fputs("  this is not kept across a restart: state_file is empty, or cannot "
		            "be written\n",
		            out);
	}
}

static void print_notifications(FILE *out, const struct fw_json *result)
{
	static const struct table_column columns[] = {
		{ "LEVEL", "level", TABLE_PLAIN },
		{ "AGE", "age_ms", TABLE_MS },
		{ "COMPONENT", "component", TABLE_PLAIN },
		TABLE_END,
	};
	const struct fw_json *list = fw_json_get(result, "notifications");
	char cell[TABLE_CELL_SIZE];

	(void)fprintf(out, "health: %s\n",
	              table_value(fw_json_get(result, "health"), TABLE_PLAIN, cell));
	for (size_t i = 0; i < fw_json_count(list); i++) {
		const struct fw_json *row = fw_json_at(list, i);
		struct fw_str remedy = fw_json_text(fw_json_get(row, "remedy"));
		for (size_t j = 0; columns[j].title != NULL; j++) {
			const struct fw_json *value = fw_json_get(row, columns[j].key);
			if (value != NULL) {
				(void)fprintf(out, "%s%s", j == 0 ? "\n" : "  ",
				              table_value(value, columns[j].unit, cell));
			}
		}
		(void)fputs("\n  ", out);
		table_text(out, fw_json_text(fw_json_get(row, "text")));
		if (remedy.len > 0) {
			(void)fputs("\n  what to do: ", out);
			table_text(out, remedy);
		}
		(void)fputc('\n', out);
	}
}

static void print_status(FILE *out, const struct fw_json *result)
{
	static const struct table_column rows[] = {
		{ "health", "health", TABLE_PLAIN },
		{ "notifications", "notifications", TABLE_PLAIN },
		{ "version", "version", TABLE_PLAIN },
		{ "realm", "realm", TABLE_PLAIN },
		{ "process", "pid", TABLE_PLAIN },
		{ "uptime", "uptime_ms", TABLE_MS },
		{ "configuration", "config", TABLE_PLAIN },
		{ "draining", "draining", TABLE_PLAIN },
		{ "links", "links", TABLE_PLAIN },
		{ "unauthenticated", "links_unauthenticated", TABLE_PLAIN },
		{ "refused links", "links_refused", TABLE_PLAIN },
		{ "streams", "streams", TABLE_PLAIN },
		TABLE_END,
	};
	const struct fw_json *ledger = fw_json_get(result, "ledger");
	const struct fw_json *listeners = fw_json_get(result, "listeners");
	const struct fw_json *warnings = fw_json_get(result, "warnings");
	char cell[TABLE_CELL_SIZE];

	print_federation(out, fw_json_get(result, "federation"));
	table_print_object(out, rows, result);
	(void)fprintf(out, "%-16s %lld of %lld up\n", "components",
	              (long long)fw_json_int(fw_json_get(result, "components_up")),
	              (long long)fw_json_int(fw_json_get(result, "components_total")));
	for (size_t i = 0; i < fw_json_count(listeners); i++) {
		(void)fprintf(out, "%-16s %s\n", i == 0 ? "listening on" : "",
		              table_value(fw_json_at(listeners, i), TABLE_PLAIN, cell));
	}
	(void)fprintf(out, "%-16s %lld in, %lld in flight, %s\n", "ledger",
	              (long long)fw_json_int(fw_json_get(ledger, "in")),
	              (long long)fw_json_int(fw_json_get(ledger, "in_flight")),
	              fw_json_bool(fw_json_get(ledger, "balanced")) ? "balanced" : "NOT BALANCED");
	for (size_t i = 0; i < fw_json_count(warnings); i++) {
		const struct fw_json *row = fw_json_at(warnings, i);
		(void)fprintf(out, "%-16s %s: ", "WARNING",
		              table_value(fw_json_get(row, "component"), TABLE_PLAIN, cell));
		table_text(out, fw_json_text(fw_json_get(row, "warning")));
		(void)fputc('\n', out);
	}
}

static void print_components(FILE *out, const struct fw_json *result)
{
	static const struct table_column columns[] = {
		{ "COMPONENT", "id", TABLE_PLAIN },        { "KIND", "kind", TABLE_PLAIN },
		{ "STATE", "state", TABLE_PLAIN },         { "DOMAINS", "domains", TABLE_PLAIN },
		{ "PRIORITY", "priority", TABLE_PLAIN },   { "WEIGHT", "weight", TABLE_PLAIN },
		{ "IN", "stanzas_in", TABLE_PLAIN },       { "OUT", "stanzas_out", TABLE_PLAIN },
		{ "BYTES OUT", "bytes_out", TABLE_BYTES }, TABLE_END,
	};

	table_print_array(out, columns, fw_json_get(result, "components"));
}

static void print_routes(FILE *out, const struct fw_json *result)
{
	static const struct table_column columns[] = {
		{ "DOMAIN", "domain", TABLE_PLAIN },
		{ "COMPONENT", "component", TABLE_PLAIN },
		{ "KIND", "kind", TABLE_PLAIN },
		{ "STATE", "state", TABLE_PLAIN },
		{ "PRIORITY", "priority", TABLE_PLAIN },
		{ "COST", "cost", TABLE_PLAIN },
		{ "WEIGHT", "weight", TABLE_PLAIN },
		{ "FEDERATED", "federated", TABLE_PLAIN },
		{ "REALM", "origin", TABLE_PLAIN },
		{ "EXPIRES", "expires_ms", TABLE_MS },
		TABLE_END,
	};

	table_print_array(out, columns, fw_json_get(result, "routes"));
}

/* Names of a link whose peer says how much it takes. */
static void print_credit(FILE *out, const struct fw_json *stream)
{
	static const struct table_column columns[] = {
		{ "DOMAIN", "domain", TABLE_PLAIN },
		{ "CREDIT", "credit", TABLE_PLAIN },
		{ "WAITING", "waiting_stanzas", TABLE_PLAIN },
		{ "BYTES", "waiting_bytes", TABLE_BYTES },
		TABLE_END,
	};
	const struct fw_json *credit = fw_json_get(stream, "credit");

	if (fw_json_count(credit) > 0) {
		table_print_array(out, columns, credit);
	}
}

/* One table of all; then for each what it announces, and what was made of it. */
static void print_routers(FILE *out, const struct fw_json *result)
{
	static const struct table_column columns[] = {
		{ "REALM", "realm", TABLE_PLAIN },
		{ "STATE", "state", TABLE_PLAIN },
		{ "SINCE", "since_ms", TABLE_MS },
		{ "DIALLED", "dialled", TABLE_PLAIN },
		{ "OUTSIDE", "outside", TABLE_PLAIN },
		{ "CONTROL", "control", TABLE_PLAIN },
		{ "COST", "cost", TABLE_PLAIN },
		{ "ANNOUNCES", "announced", TABLE_PLAIN },
		{ "REFUSED", "refused", TABLE_PLAIN },
		{ "TOLD", "told", TABLE_PLAIN },
		{ "LAST CAUSE", "last_cause", TABLE_PLAIN },
		TABLE_END,
	};
	static const struct table_column failure[] = {
		{ "Dialling", "dial", TABLE_PLAIN },
		{ "Failures", "failures", TABLE_PLAIN },
		{ "Last failure", "last_text", TABLE_PLAIN },
		{ "Detail", "last_detail", TABLE_PLAIN },
		{ "Remedy", "remedy", TABLE_PLAIN },
		TABLE_END,
	};
	static const struct table_column routes[] = {
		{ "ANNOUNCES", "name", TABLE_PLAIN },
		{ "VERDICT", "verdict", TABLE_PLAIN },
		{ "COST", "cost", TABLE_PLAIN },
		{ "WEIGHT", "weight", TABLE_PLAIN },
		{ "PATH", "path", TABLE_PLAIN },
		{ "EXPIRES", "expires_ms", TABLE_MS },
		TABLE_END,
	};
	const struct fw_json *list = fw_json_get(result, "routers");

	table_print_array(out, columns, list);
	for (size_t i = 0; i < fw_json_count(list); i++) {
		const struct fw_json *row = fw_json_at(list, i);
		const struct fw_json *said = fw_json_get(row, "routes");
		(void)fprintf(out, "\n%.*s\n", FW_STR_ARG(fw_json_text(fw_json_get(row, "realm"))));
		table_print_object(out, failure, row);
		if (fw_json_count(said) > 0) {
			table_print_array(out, routes, said);
		}
	}
}

/* One table per component that has streams: each kind has columns of its own. */
static void print_streams(FILE *out, const struct fw_json *result)
{
	static const struct table_column columns[] = {
		{ "DIRECTION", "direction", TABLE_PLAIN },
		{ "LOCAL", "local", TABLE_PLAIN },
		{ "REMOTE", "remote", TABLE_PLAIN },
		{ "NAME", "name", TABLE_PLAIN },
		{ "PEER", "peer", TABLE_PLAIN },
		{ "ADDRESS", "address", TABLE_PLAIN },
		{ "STATE", "state", TABLE_PLAIN },
		{ "DIALECT", "dialect", TABLE_PLAIN },
		{ "TLS", "tls", TABLE_PLAIN },
		{ "PROVED BY", "method", TABLE_PLAIN },
		{ "UP", "up_ms", TABLE_MS },
		{ "IDLE", "idle_ms", TABLE_MS },
		{ "QUEUE", "queued_stanzas", TABLE_PLAIN },
		{ "UNACKNOWLEDGED", "unacknowledged", TABLE_PLAIN },
		{ "RESUMABLE", "resumable_ms", TABLE_MS },
		{ "IN", "stanzas_in", TABLE_PLAIN },
		{ "OUT", "stanzas_out", TABLE_PLAIN },
		{ "FAILURES", "failures", TABLE_PLAIN },
		{ "LAST CAUSE", "last_cause", TABLE_PLAIN },
		TABLE_END,
	};
	const struct fw_json *list = fw_json_get(result, "components");
	char id[TABLE_CELL_SIZE];
	bool any = false;

	for (size_t i = 0; i < fw_json_count(list); i++) {
		const struct fw_json *component = fw_json_at(list, i);
		const struct fw_json *streams = fw_json_get(component, "streams");
		if (fw_json_count(streams) == 0) {
			continue;
		}
		(void)fprintf(out, "%s%s\n", any ? "\n" : "",
		              table_value(fw_json_get(component, "id"), TABLE_PLAIN, id));
		table_print_array(out, columns, streams);
		for (size_t j = 0; j < fw_json_count(streams); j++) {
			print_credit(out, fw_json_at(streams, j));
		}
		any = true;
	}
	if (!any) {
		(void)fputs("(none)\n", out);
	}
}

static void print_causes(FILE *out, const struct fw_json *ledger)
{
	const struct fw_json *causes = fw_json_get(ledger, "causes");

	for (size_t i = 0; i < fw_json_count(causes); i++) {
		(void)fprintf(out, "%s%s %lld", i == 0 ? "causes: " : ", ",
		              fw_json_key_at(causes, i),
		              (long long)fw_json_int(fw_json_at(causes, i)));
	}
	if (fw_json_count(causes) > 0) {
		(void)fputs(" (fedwayctl explain CAUSE tells more)\n", out);
	}
}

static void print_ledger(FILE *out, const struct fw_json *result)
{
	static const struct table_column columns[] = {
		{ "COMPONENT", "id", TABLE_PLAIN },
		{ "IN", "in", TABLE_PLAIN },
		{ "IN FLIGHT", "in_flight", TABLE_PLAIN },
		{ "DELIVERED", "delivered", TABLE_PLAIN },
		{ "ACKED", "acknowledged", TABLE_PLAIN },
		{ "ANSWERED", "answered", TABLE_PLAIN },
		{ "BOUNCED", "bounced", TABLE_PLAIN },
		{ "DROPPED", "dropped", TABLE_PLAIN },
		{ "BALANCED", "balanced", TABLE_PLAIN },
		TABLE_END,
	};
	const struct fw_json *total = fw_json_get(result, "total");
	bool balanced = fw_json_bool(fw_json_get(result, "balanced"));

	table_print_array(out, columns, fw_json_get(result, "components"));
	(void)fputs("\ntotal\n", out);
	table_print(out, columns + 1, &total, 1);
	print_causes(out, total);
	(void)fputs(balanced ? "the ledger balances\n"
	                     : "THE LEDGER DOES NOT BALANCE: please report it with the log\n",
	            out);
}

static void print_counters(FILE *out, const struct fw_json *result)
{
	static const struct table_column columns[] = {
		{ "COMPONENT", "component", TABLE_PLAIN },
		{ "COUNTER", "counter", TABLE_PLAIN },
		{ "VALUE", "value", TABLE_PLAIN },
		{ "UNIT", "unit", TABLE_PLAIN },
		TABLE_END,
	};

	table_print_array(out, columns, fw_json_get(result, "counters"));
}

static void print_log(FILE *out, const struct fw_json *result)
{
	static const struct table_column columns[] = {
		{ "LOGGER", "logger", TABLE_PLAIN },
		{ "LEVEL", "level", TABLE_PLAIN },
		TABLE_END,
	};
	char logger[TABLE_CELL_SIZE], level[TABLE_CELL_SIZE];

	if (fw_json_get(result, "loggers") != NULL) {
		table_print_array(out, columns, fw_json_get(result, "loggers"));
		return;
	}
	(void)fprintf(out, "%s writes from level %s on; %lld loggers changed now\n",
	              table_value(fw_json_get(result, "logger"), TABLE_PLAIN, logger),
	              table_value(fw_json_get(result, "level"), TABLE_PLAIN, level),
	              (long long)fw_json_int(fw_json_get(result, "changed")));
}

static void print_lines(FILE *out, const struct fw_json *array)
{
	for (size_t i = 0; i < fw_json_count(array); i++) {
		table_text(out, fw_json_text(fw_json_at(array, i)));
		(void)fputc('\n', out);
	}
}

static void print_reload(FILE *out, const struct fw_json *result)
{
	const struct fw_json *changes = fw_json_get(result, "changes");

	(void)fputs(fw_json_count(changes) == 0 ? "reloaded; nothing is different\n"
	                                        : "reloaded:\n",
	            out);
	print_lines(out, changes);
}

static void print_reattach(FILE *out, const struct fw_json *result)
{
	const struct fw_json *uplinks = fw_json_get(result, "uplinks");

	(void)fputs(fw_json_count(uplinks) == 0 ? "no uplink is up\n" : "attaching anew:\n", out);
	print_lines(out, uplinks);
}

static void print_drain(FILE *out, const struct fw_json *result)
{
	(void)result;
	(void)fputs("draining: the daemon finishes what is under way, then stops\n", out);
}

static void print_stop(FILE *out, const struct fw_json *result)
{
	(void)result;
	(void)fputs("stopping\n", out);
}

static void print_options(FILE *out, const struct fw_json *result)
{
	struct fw_str text = fw_json_text(fw_json_get(result, "text"));

	(void)fwrite(text.ptr != NULL ? text.ptr : "", 1, text.len, out);
}

static void print_explain(FILE *out, const struct fw_json *result)
{
	static const struct table_column all[] = {
		{ "CAUSE", "cause", TABLE_PLAIN },
		{ "MEANING", "text", TABLE_PLAIN },
		TABLE_END,
	};
	static const struct table_column one[] = {
		{ "cause", "cause", TABLE_PLAIN },
		{ "meaning", "text", TABLE_PLAIN },
		{ "what to do", "remedy", TABLE_PLAIN },
		{ "stream error", "stream_error", TABLE_PLAIN },
		{ "stanza error", "stanza_error", TABLE_PLAIN },
		TABLE_END,
	};
	const struct fw_json *causes = fw_json_get(result, "causes");

	if (fw_json_get(result, "steps") != NULL) {
		fedwayctl_print_explanation(out, result);
		return;
	}
	if (fw_json_count(causes) == 1) {
		table_print_object(out, one, fw_json_at(causes, 0));
	} else {
		table_print_array(out, all, causes);
	}
}

static void print_check(FILE *out, const struct fw_json *result)
{
	fedwayctl_print_checked(out, result);
}

static void print_facts(FILE *out, const struct fw_json *result)
{
	char *text = fw_json_dump(result, true);

	(void)fprintf(out, "%s\n", text != NULL ? text : "");
	free(text);
}

static void print_troubleshoot(FILE *out, const struct fw_json *result)
{
	fedwayctl_print_survey(out, result);
}

static void print_help(FILE *out, const struct fw_json *result)
{
	fedwayctl_print_commands(out);
	fedwayctl_print_learned(out, result);
}

#define PRINT_ROW(word, handler, args, summary) { #word, print_##word, args, summary },
static const struct {
	const char *command;
	void (*print)(FILE *out, const struct fw_json *result);
	const char *args;
	const char *summary;
} printers[] = { CONTROL_COMMANDS(PRINT_ROW) };

void fedwayctl_print(FILE *out, const char *command, const struct fw_json *result)
{
	for (size_t i = 0; i < FW_COUNT(printers); i++) {
		if (strcmp(printers[i].command, command) == 0) {
			printers[i].print(out, result);
			return;
		}
	}
	fedwayctl_print_any(out, result);
}

void fedwayctl_print_refusal(FILE *out, const struct fw_json *reply)
{
	struct fw_str error = fw_json_text(fw_json_get(reply, "error"));
	struct fw_str remedy = fw_json_text(fw_json_get(reply, "remedy"));

	(void)fprintf(out, "fedwayctl: %.*s\n", FW_STR_ARG(error));
	print_lines(out, fw_json_get(reply, "problems"));
	if (remedy.len > 0) {
		(void)fprintf(out, "%.*s\n", FW_STR_ARG(remedy));
	}
}

/* "log [LOGGER LEVEL]  levels of all loggers" */
static void print_command(FILE *out, struct fw_str name, struct fw_str args, struct fw_str summary)
{
	char shown[96];
	size_t used = (size_t)snprintf(shown, sizeof(shown), "%.*s%s", FW_STR_ARG(name),
	                               args.len > 0 ? " [" : "");

	for (size_t i = 0; i < args.len && used + 2 < sizeof(shown); i++) {
		char c = args.ptr[i];
		shown[used++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
	}
	if (args.len > 0 && used + 1 < sizeof(shown)) {
		shown[used++] = ']';
		shown[used] = '\0';
	}
	(void)fprintf(out, strlen(shown) > 22 ? "  %s\n  %-22s " : "  %-22s%s ", shown, "");
	table_text(out, summary);
	(void)fputc('\n', out);
}

void fedwayctl_print_commands(FILE *out)
{
	for (size_t i = 0; i < FW_COUNT(printers); i++) {
		print_command(out, fw_str(printers[i].command), fw_str(printers[i].args),
		              fw_str(printers[i].summary));
	}
}

void fedwayctl_print_learned(FILE *out, const struct fw_json *result)
{
	const struct fw_json *list = fw_json_get(result, "commands");
	struct fw_str last = { NULL, 0 };

	for (size_t i = 0; i < fw_json_count(list); i++) {
		const struct fw_json *row = fw_json_at(list, i);
		struct fw_str module = fw_json_text(fw_json_get(row, "module"));
		if (module.len == 0) {
			continue;
		}
		if (!fw_str_eq(module, last)) {
			(void)fprintf(out, "\nOf the module %.*s:\n", FW_STR_ARG(module));
		}
		last = module;
		print_command(out, fw_json_text(fw_json_get(row, "command")),
		              fw_json_text(fw_json_get(row, "args")),
		              fw_json_text(fw_json_get(row, "summary")));
	}
}
