/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of router/federation.c, notices.c and control_federation.c: the last word wins and is
 * remembered, stanzas to and from the outside stop and go with the switch, and the control socket
 * says why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <unistd.h>

#include "router/control.h"
#include "router/federation.h"
#include "router/instance.h"
#include "router/notices.h"
#include "router/state.h"
#include "tests/router/house.h"
#include "tests/router/toys.h"

/* ---- the last word ---- */

static struct fw_loop *loop;
static struct router *router;
static char path[64];

static struct config *config_with(const char *more)
{
	char text[1024];

	(void)snprintf(text, sizeof(text), "state_file = \"%s\";\n%s", path, more);
	return toys_config(text);
}

static void start(const char *more)
{
	struct config *config = config_with(more);
	struct fw_error err = { 0 };

	toys_begin();
	assert_int_equal(fw_loop_new(&loop), FW_OK);
	if (router_start(loop, &config, NULL, &router, &err) != FW_OK) {
		fail_msg("%s", err.text);
	}
}

static void stop(void)
{
	router_stop(&router);
	fw_loop_free(&loop);
}

static void reload(const char *more)
{
	struct config *config = config_with(more);

	assert_int_equal(router_reload(router, &config, NULL, NULL), FW_OK);
}

static int no_file(void **state)
{
	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/fedway-switch-%ld.conf", (long)getpid());
	(void)unlink(path);
	return 0;
}

static const char *by(void)
{
	return fw_json_text(fw_json_get(state_get(router, "federation"), "by")).ptr;
}

static void the_configuration_counts_until_somebody_says_otherwise(void **state)
{
	(void)state;
	start("");
	assert_true(router_federation_is_on(router));
	assert_null(state_get(router, "federation"));
	reload("federation = false;");
	assert_false(router_federation_is_on(router));
	assert_string_equal(by(), "the configuration");
	reload("federation = true;");
	assert_true(router_federation_is_on(router));
	stop();
}

static void a_command_holds_through_reloads_and_restarts(void **state)
{
	(void)state;
	start("federation = false;");
	assert_int_equal(federation_switch(router, true, "olga", NULL), FW_OK);
	assert_true(router_federation_is_on(router));
	reload("federation = false; drain_timeout_ms = 5;");
	assert_true(router_federation_is_on(router));
	stop();
	start("federation = false;");
	assert_true(router_federation_is_on(router));
	assert_string_equal(by(), "olga");
	assert_int_equal(federation_switch(router, false, "ivan", NULL), FW_OK);
	stop();
	start("federation = false;");
	assert_false(router_federation_is_on(router));
	assert_string_equal(by(), "ivan");
	stop();
}

static void a_key_that_changes_is_the_last_word(void **state)
{
	(void)state;
	start("federation = true;");
	assert_int_equal(federation_switch(router, false, "olga", NULL), FW_OK);
	stop();
	start("federation = false;"); /* says what the switch says, and is newer */
	assert_false(router_federation_is_on(router));
	assert_string_equal(by(), "the configuration");
	reload("federation = true;");
	assert_true(router_federation_is_on(router));
	stop();
}

static void components_are_told_of_changes_only(void **state)
{
	(void)state;
	start("components = ({ module = \"toy\"; });");
	toys_begin();
	assert_int_equal(federation_switch(router, true, "olga", NULL), FW_OK);
	fw_loop_turn(loop, false);
	assert_string_equal(toys_story, "");
	assert_int_equal(federation_switch(router, false, "olga", NULL), FW_OK);
	assert_false(fw_federation_is_on(toys_self("toy-1.realm-test")));
	fw_loop_turn(loop, false);
	assert_string_equal(toys_story, "told toy-1 state.federation;");
	stop();
}

/* ---- stanzas ---- */

static void the_outside_is_closed_and_open_again_at_once(void **state)
{
	struct house house;

	(void)state;
	house_open(&house);
	struct guest *corp = house_guest(&house, "corp-1.realm-test", "corp.example");
	struct guest *other = house_guest(&house, "other-1.realm-test", "other.example");
	struct guest *gate = house_guest(&house, "gate-1.realm-test", "*");
	house_list(&house, "corp.example", true);
	house.router.federation = false;
	assert_int_equal(house_send(corp, "<message from='a@corp.example' to='b@far.example'/>"),
	                 FW_OK);
	assert_int_equal(guest_causes(corp, FW_CAUSE_FEDERATION_OFF), 1);
	assert_int_equal(guest_exits(corp, FW_EXIT_BOUNCED), 1);
	assert_true(guest_has(corp, "service-unavailable"));
	assert_int_equal(house_send(gate, "<message from='b@far.example' to='a@corp.example'/>"),
	                 FW_OK);
	assert_int_equal(guest_causes(gate, FW_CAUSE_FEDERATION_OFF), 1);
	assert_int_equal(guest_exits(gate, FW_EXIT_DROPPED), 1);
	assert_int_equal(gate->count, 0);
	/* inside nothing changes */
	assert_int_equal(house_send(corp, "<message from='a@corp.example' to='c@other.example'/>"),
	                 FW_OK);
	assert_int_equal(other->count, 1);
	house.router.federation = true;
	assert_int_equal(house_send(corp, "<message from='a@corp.example' to='b@far.example'/>"),
	                 FW_OK);
	assert_int_equal(gate->count, 1);
	house_close(&house);
}

static void a_default_route_that_was_withdrawn_is_no_other_cause(void **state)
{
	struct house house;

	(void)state;
	house_open(&house);
	struct guest *corp = house_guest(&house, "corp-1.realm-test", "corp.example");
	house_list(&house, "corp.example", true);
	house_list(&house, "empty.example", true);
	house.router.federation = false;
	assert_int_equal(house_send(corp, "<message from='a@corp.example' to='b@far.example'/>"),
	                 FW_OK);
	assert_int_equal(guest_causes(corp, FW_CAUSE_FEDERATION_OFF), 1);
	assert_int_equal(house_send(corp, "<message from='a@corp.example' to='b@empty.example'/>"),
	                 FW_OK);
	assert_int_equal(guest_causes(corp, FW_CAUSE_NO_ROUTE), 1);
	house_close(&house);
}

/* ---- the control socket ---- */

static void keep_reply(void *ctx, char *line, bool last)
{
	char **out = ctx;

	assert_true(last);
	*out = line;
}

/* The result of a command. */
static struct fw_json *ask(const char *request)
{
	struct control_call *call = NULL;
	struct fw_json *reply = NULL;
	char *text = NULL;

	assert_int_equal(control_ask(router, fw_str(request), keep_reply, &text, &call), FW_OK);
	assert_int_equal(fw_json_parse(fw_str(text), &reply, NULL), FW_OK);
	free(text);
	return reply;
}

static void assert_federation(bool active, const char *reason)
{
	struct fw_json *reply = ask("{\"command\":\"federation\"}");
	const struct fw_json *result = fw_json_get(reply, "result");
	struct fw_str said = fw_json_text(fw_json_get(result, "reason"));

	assert_int_equal(fw_json_bool(fw_json_get(result, "active")), active);
	if (reason == NULL ? said.len > 0 : said.len == 0 || strstr(said.ptr, reason) == NULL) {
		fail_msg("reason: %s", said.ptr);
	}
	assert_int_equal(fw_json_get(result, "remedy") != NULL, reason != NULL);
	fw_json_free(&reply);
}

static void learn(const char *key, const char *text)
{
	struct fw_json *json = NULL;

	assert_int_equal(fw_json_parse(fw_str(text), &json, NULL), FW_OK);
	assert_int_equal(state_set(router, NULL, key, fw_json_get(json, "v"), NULL), FW_OK);
	fw_json_free(&json);
}

static void status_says_why(void **state)
{
	(void)state;
	start("domains = ({ name = \"corp.example\"; });");
	assert_federation(false, "no domain of ours has federation = true");
	learn("domains", "{\"v\":[{\"name\":\"corp.example\",\"federation\":true}]}");
	assert_federation(false, "no component holds the default route");
	learn("edges", "{\"v\":[{\"realm\":\"edge-1\",\"connected\":false,\"federation\":true}]}");
	assert_federation(false, "no tunnel to edge edge-1");
	learn("edges", "{\"v\":[{\"realm\":\"edge-1\",\"connected\":true,\"federation\":false}]}");
	assert_federation(false, "switched off on edge edge-1");
	assert_true(federation_is_off(router));
	learn("edges", "{\"v\":[{\"realm\":\"edge-1\",\"connected\":false}]}");
	assert_false(federation_is_off(router)); /* it has never said */
	assert_federation(false, "no tunnel to edge edge-1");
	reload("components = ({ module = \"toy\"; options = { domain = \"*\"; }; });");
	assert_federation(true, NULL);
	instance_find(router, "toy-1.realm-test")->component->state = COMPONENT_DRAINING;
	assert_int_equal(state_set(router, NULL, "edges", NULL, NULL), FW_OK);
	assert_federation(false, "toy-1.realm-test holds the default route, but is not up");
	instance_find(router, "toy-1.realm-test")->component->state = COMPONENT_UP;
	struct fw_json *reply = ask("{\"command\":\"federation\",\"args\":{\"switch\":\"off\"}}");
	assert_true(fw_json_bool(fw_json_get(fw_json_get(reply, "result"), "kept")));
	fw_json_free(&reply);
	assert_federation(false, "switched off here by an unknown caller at 20");
	reply = ask("{\"command\":\"federation\",\"args\":{\"switch\":\"maybe\"}}");
	assert_false(fw_json_bool(fw_json_get(reply, "ok")));
	fw_json_free(&reply);
	reply = ask("{\"command\":\"status\"}");
	const struct fw_json *result = fw_json_get(reply, "result");
	assert_true(fw_str_is(fw_json_text(fw_json_get(result, "health")), "green"));
	assert_non_null(fw_json_get(fw_json_get(result, "federation"), "reason"));
	fw_json_free(&reply);
	stop();
}

static void notices_stand_until_they_are_cleared(void **state)
{
	(void)state;
	start("components = ({ module = \"toy\"; });");
	struct fw_self *toy = toys_self("toy-1.realm-test");
	fw_notice(toy, "disk", FW_NOTICE_YELLOW, "make room", "%d bytes left", 7);
	fw_notice(toy, "disk", FW_NOTICE_RED, NULL, "%d bytes left", 0);
	fw_notice(toy, "news", FW_NOTICE_INFO, NULL, "hello");
	notices_set(router, "disk", FW_NOTICE_YELLOW, NULL, "another one's");
	struct fw_json *reply = ask("{\"command\":\"notifications\"}");
	const struct fw_json *result = fw_json_get(reply, "result");
	const struct fw_json *list = fw_json_get(result, "notifications");
	assert_true(fw_str_is(fw_json_text(fw_json_get(result, "health")), "red"));
	assert_int_equal(fw_json_count(list), 3);
	assert_true(
	        fw_str_is(fw_json_text(fw_json_get(fw_json_at(list, 0), "text")), "0 bytes left"));
	assert_null(fw_json_get(fw_json_at(list, 0), "remedy"));
	assert_true(fw_str_is(fw_json_text(fw_json_get(fw_json_at(list, 0), "component")),
	                      "toy-1.realm-test"));
	fw_json_free(&reply);
	fw_notice_clear(toy, "disk");
	fw_notice_clear(toy, "never");
	assert_int_equal(notices_worst(router), FW_NOTICE_YELLOW);
	reload(""); /* the toy stops, and what it said goes */
	assert_non_null(router->notices);
	assert_null(router->notices->next);
	notices_clear(router, "disk");
	assert_string_equal(notices_health_name(notices_worst(router)), "green");
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_configuration_counts_until_somebody_says_otherwise),
		cmocka_unit_test_setup(a_command_holds_through_reloads_and_restarts, no_file),
		cmocka_unit_test_setup(a_key_that_changes_is_the_last_word, no_file),
		cmocka_unit_test_setup(components_are_told_of_changes_only, no_file),
		cmocka_unit_test(the_outside_is_closed_and_open_again_at_once),
		cmocka_unit_test(a_default_route_that_was_withdrawn_is_no_other_cause),
		cmocka_unit_test_setup(status_says_why, no_file),
		cmocka_unit_test_setup_teardown(notices_stand_until_they_are_cleared, no_file,
		                                no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
