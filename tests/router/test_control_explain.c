/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * "explain" with two addresses: the router's own steps, who is asked for the rest, and what
 * decides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "router/control.h"
#include "router/router.h"
#include "tests/router/toys.h"

#define CONFIG \
	"domains = ( { name = \"corp.example\"; federation = true; }," \
	"{ name = \"inside.example\"; federation = false; } );" \
	"components = ( { module = \"toy\"; options = { domain = \"*\"; }; }," \
	"{ module = \"rigid\"; options = { domain = \"corp.example\"; }; } );"

static struct fw_loop *loop;
static struct router *router;

static void start(const char *text)
{
	struct config *config = toys_config(text);

	toys_begin();
	assert_int_equal(fw_loop_new(&loop), FW_OK);
	assert_int_equal(router_start(loop, &config, NULL, &router, NULL), FW_OK);
}

static void finish(void)
{
	router_stop(&router);
	fw_loop_turn(loop, false);
	fw_loop_free(&loop);
}

static void keep_reply(void *ctx, char *line, bool last)
{
	assert_true(last);
	*(char **)ctx = line;
}

static struct fw_json *explain(const char *from, const char *to)
{
	struct control_call *call = NULL;
	struct fw_json *reply = NULL;
	char request[512];
	char *text = NULL;

	(void)snprintf(request, sizeof(request),
	               "{\"command\":\"explain\",\"args\":{\"from\":\"%s\",\"to\":\"%s\"}}", from,
	               to);
	assert_int_equal(control_ask(router, fw_str(request), keep_reply, &text, &call), FW_OK);
	assert_non_null(text);
	assert_int_equal(fw_json_parse(fw_str(text), &reply, NULL), FW_OK);
	free(text);
	return reply;
}

static struct fw_json *check(const char *args)
{
	struct control_call *call = NULL;
	struct fw_json *reply = NULL;
	char request[512];
	char *text = NULL;

	(void)snprintf(request, sizeof(request), "{\"command\":\"check\",\"args\":%s}", args);
	assert_int_equal(control_ask(router, fw_str(request), keep_reply, &text, &call), FW_OK);
	assert_int_equal(fw_json_parse(fw_str(text), &reply, NULL), FW_OK);
	free(text);
	return reply;
}

static const char *text_of(const struct fw_json *object, const char *key)
{
	struct fw_str text = fw_json_text(fw_json_get(object, key));

	return text.ptr != NULL ? text.ptr : "";
}

/* The verdict of the router's step of that name. */
static const char *verdict_of(const struct fw_json *result, const char *name)
{
	const struct fw_json *steps = fw_json_get(result, "steps");

	for (size_t i = 0; i < fw_json_count(steps); i++) {
		if (strcmp(text_of(fw_json_at(steps, i), "step"), name) == 0) {
			return text_of(fw_json_at(steps, i), "verdict");
		}
	}
	return "";
}

static const struct {
	const char *sentence, *from, *to, *verdict, *cause, *sender, *recipient, *route;
	size_t asked; /* components */
} rows[] = {
	{ "to the outside", "a@corp.example", "b@partner.example", "passes", "", "ok", "ok", "ok",
	  1 },
	{ "the component refuses", "a@corp.example", "b@denied.example", "refused", "policy-denied",
	  "ok", "ok", "ok", 1 },
	{ "what refuses to send does not refuse to receive", "b@denied.example", "a@corp.example",
	  "passes", "", "ok", "ok", "ok", 1 },
	{ "from a domain that may not federate", "a@inside.example", "b@partner.example", "refused",
	  "not-federated", "fail", "ok", "ok", 1 },
	{ "to a domain that may not federate", "b@partner.example", "a@inside.example", "refused",
	  "not-federated", "ok", "fail", "fail", 1 },
	{ "from outside to outside", "a@one.example", "b@two.example", "refused", "loop", "ok",
	  "fail", "ok", 0 },
	{ "inside", "a@inside.example", "b@corp.example", "passes", "", "ok", "ok", "ok", 0 },
	{ "to a domain of ours that nobody holds", "a@corp.example", "b@inside.example", "refused",
	  "no-route", "ok", "ok", "fail", 0 },
	{ "other cases of letters", "a@CORP.example", "b@Partner.Example/home", "passes", "", "ok",
	  "ok", "ok", 1 },
};

static void test_verdicts(void **state)
{
	(void)state;
	start(CONFIG);
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		print_message("%s\n", rows[i].sentence);
		struct fw_json *reply = explain(rows[i].from, rows[i].to);
		const struct fw_json *result = fw_json_get(reply, "result");
		assert_true(fw_json_bool(fw_json_get(reply, "ok")));
		assert_string_equal(text_of(result, "verdict"), rows[i].verdict);
		assert_string_equal(text_of(result, "cause"), rows[i].cause);
		assert_string_equal(verdict_of(result, "sender"), rows[i].sender);
		assert_string_equal(verdict_of(result, "recipient"), rows[i].recipient);
		assert_string_equal(verdict_of(result, "route"), rows[i].route);
		assert_int_equal(fw_json_count(fw_json_get(result, "components")), rows[i].asked);
		fw_json_free(&reply);
	}
	finish();
}

static void test_the_pair_is_told_as_local_and_remote(void **state)
{
	(void)state;
	start(CONFIG);
	struct fw_json *reply = explain("b@Partner.example", "a@corp.example");
	const struct fw_json *result = fw_json_get(reply, "result");
	assert_string_equal(text_of(fw_json_get(result, "pair"), "local"), "corp.example");
	assert_string_equal(text_of(fw_json_get(result, "pair"), "remote"), "partner.example");
	const struct fw_json *part = fw_json_at(fw_json_get(result, "components"), 0);
	assert_string_equal(text_of(part, "id"), "toy-1.realm-test");
	assert_string_equal(text_of(fw_json_at(fw_json_get(part, "outgoing"), 0), "step"),
	                    "corp.example");
	fw_json_free(&reply);
	finish();
}

static void test_without_a_gateway(void **state)
{
	(void)state;
	start("domains = ( { name = \"corp.example\"; federation = true; } );");
	struct fw_json *reply = explain("a@corp.example", "b@partner.example");
	const struct fw_json *result = fw_json_get(reply, "result");
	assert_string_equal(text_of(result, "verdict"), "refused");
	assert_string_equal(text_of(result, "cause"), "no-route");
	assert_int_equal(fw_json_count(fw_json_get(result, "components")), 0);
	fw_json_free(&reply);
	finish();
}

static const struct {
	const char *sentence, *from, *to;
} wrong[] = {
	{ "no sender", "", "b@partner.example" },
	{ "no domain", "a@", "b@partner.example" },
	{ "no recipient", "a@corp.example", "" },
	{ "a domain that is none", "a@corp.example", "b@two..dots" },
	{ "spaces", "a@corp.example", "b c@d e" },
};

static void test_wrong_addresses(void **state)
{
	(void)state;
	start(CONFIG);
	for (size_t i = 0; i < FW_COUNT(wrong); i++) {
		print_message("%s\n", wrong[i].sentence);
		struct fw_json *reply = explain(wrong[i].from, wrong[i].to);
		assert_false(fw_json_bool(fw_json_get(reply, "ok")));
		assert_non_null(strstr(text_of(reply, "error"), "is not an address"));
		fw_json_free(&reply);
	}
	finish();
}

static const struct {
	const char *sentence, *args, *error;
} checks[] = {
	{ "nobody", "{}", "check needs a domain" },
	{ "no domain", "{\"domain\":\"a b\"}", "not a domain" },
	{ "ours", "{\"domain\":\"corp.example\"}", "is ours" },
	{ "for one that may not", "{\"domain\":\"p.example\",\"local\":\"inside.example\"}",
	  "may not federate" },
	{ "for a stranger", "{\"domain\":\"p.example\",\"local\":\"q.example\"}",
	  "may not federate" },
};

static void test_check(void **state)
{
	(void)state;
	start(CONFIG);
	for (size_t i = 0; i < FW_COUNT(checks); i++) {
		print_message("%s\n", checks[i].sentence);
		struct fw_json *reply = check(checks[i].args);
		assert_non_null(strstr(text_of(reply, "error"), checks[i].error));
		fw_json_free(&reply);
	}
	struct fw_json *reply = check("{\"domain\":\"Partner.example\"}");
	const struct fw_json *result = fw_json_get(reply, "result");
	assert_string_equal(text_of(fw_json_get(result, "pair"), "local"), "corp.example");
	assert_string_equal(text_of(result, "verdict"), "passes");
	fw_json_free(&reply);
	reply = check("{\"domain\":\"denied.example\",\"local\":\"corp.example\"}");
	assert_string_equal(text_of(fw_json_get(reply, "result"), "verdict"), "refused");
	fw_json_free(&reply);
	finish();
	start("domains = ( { name = \"corp.example\"; federation = true; } );");
	reply = check("{\"domain\":\"partner.example\"}");
	assert_non_null(strstr(text_of(reply, "error"), "no component"));
	fw_json_free(&reply);
	finish();
}

/* What would be said of the stanza itself. */
static void test_a_node_without_a_way_out(void **state)
{
	(void)state;
	start("domains = ( { name = \"corp.example\"; federation = true; } ); routers = ( { realm "
	      "= \"edge-1\"; host = "
	      "\"127.0.0.1\"; port = 1; secret = \"s\"; outside = true; default_route = true; } "
	      ");");
	struct fw_json *reply = explain("a@corp.example", "b@partner.example");
	assert_string_equal(text_of(fw_json_get(reply, "result"), "cause"), "no-edge");
	fw_json_free(&reply);
	reply = explain("b@partner.example", "a@corp.example");
	assert_string_equal(text_of(fw_json_get(reply, "result"), "cause"), "no-route");
	fw_json_free(&reply);
	finish();
}

static void test_while_federation_is_off(void **state)
{
	(void)state;
	start("federation = false;" CONFIG);
	struct fw_json *reply = explain("a@corp.example", "b@partner.example");
	assert_string_equal(text_of(fw_json_get(reply, "result"), "cause"), "federation-off");
	fw_json_free(&reply);
	reply = explain("b@partner.example", "a@corp.example");
	assert_string_equal(text_of(fw_json_get(reply, "result"), "cause"), "federation-off");
	fw_json_free(&reply);
	reply = explain("a@inside.example", "b@corp.example");
	assert_string_equal(text_of(fw_json_get(reply, "result"), "verdict"), "passes");
	fw_json_free(&reply);
	reply = check("{\"domain\":\"partner.example\"}");
	assert_non_null(strstr(text_of(reply, "error"), "switched off here"));
	fw_json_free(&reply);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_the_pair_is_told_as_local_and_remote),
		cmocka_unit_test(test_without_a_gateway),
		cmocka_unit_test(test_wrong_addresses),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_a_node_without_a_way_out),
		cmocka_unit_test(test_while_federation_is_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
