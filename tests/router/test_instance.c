/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Modules at work: start in the order of the file, names, requests between two of them, stop in
 * reverse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "router/instance.h"
#include "tests/router/toys.h"

struct fixture {
	struct fw_loop *loop;
	struct router *router;
};

static int start(struct fixture *fixture, const char *text, struct fw_error *err)
{
	struct config *config = toys_config(text);

	toys_begin();
	fixture->router = NULL;
	assert_int_equal(fw_loop_new(&fixture->loop), FW_OK);
	int ret = router_start(fixture->loop, &config, NULL, &fixture->router, err);
	assert_null(config);
	return ret;
}

static void stop(struct fixture *fixture)
{
	router_stop(&fixture->router);
	assert_null(fixture->router);
	fw_loop_turn(fixture->loop, false);
	fw_loop_free(&fixture->loop);
}

static void they_start_in_order_and_stop_in_reverse(void **state)
{
	(void)state;
	struct fixture f;

	assert_int_equal(start(&f,
	                       "components = ({ module = \"toy\"; options = { text = \"a\"; }; },"
	                       "{ module = \"rigid\"; id = \"own\"; options = { text = \"b\"; }; },"
	                       "{ module = \"toy\"; enabled = false; },"
	                       "{ module = \"toy\"; options = { text = \"c\"; }; });",
	                       NULL),
	                 FW_OK);
	assert_string_equal(toys_story, "start toy-1 a;start own b;start toy-3 c;");
	const struct instance *own = instance_find(f.router, "own.realm-test");
	assert_non_null(own);
	assert_int_equal(own->component->state, COMPONENT_UP);
	assert_true(component_is(own->component, "module"));
	assert_null(instance_find(f.router, "toy-2.realm-test"));
	toys_begin();
	stop(&f);
	assert_string_equal(toys_story, "stop toy-3 c;stop own b;stop toy-1 a;");
}

static void one_that_does_not_start_ends_the_start_with_its_sentence(void **state)
{
	(void)state;
	struct fixture f;
	struct fw_error err = { 0 };

	assert_int_equal(
	        start(&f,
	              "components = ({ module = \"toy\"; options = { text = \"a\"; }; },\n"
	              "{ module = \"toy\"; options = { refuse = \"port 5269 is taken\"; }; });",
	              &err),
	        FW_EINVAL);
	assert_null(f.router);
	assert_string_equal(toys_story, "start toy-1 a;refuse toy-2;stop toy-1 a;");
	assert_non_null(
	        strstr(err.text, "component toy-2.realm-test did not start: port 5269 is taken"));
	fw_loop_free(&f.loop);
}

static void two_with_one_id_do_not_start(void **state)
{
	(void)state;
	struct config_problems problems = { 0 };
	struct config *config = NULL;
	struct fixture f;
	struct fw_error err = { 0 };

	/* Refused by the configuration, or else by the router. */
	if (config_load_text("realm = \"realm-test\"; listen = ();\n"
	                     "components = ({ module = \"toy\"; id = \"x\"; },"
	                     "{ module = \"toy\"; id = \"x\"; });",
	                     &toys_modules, &config, &problems) == FW_OK) {
		assert_int_equal(fw_loop_new(&f.loop), FW_OK);
		assert_int_equal(router_start(f.loop, &config, NULL, &f.router, &err), FW_EEXIST);
		assert_non_null(strstr(err.text, "x.realm-test: the ID is taken"));
		fw_loop_free(&f.loop);
	}
	config_problems_free(&problems);
}

struct asked {
	unsigned count;
	enum fw_cause cause;
};

static void on_answer(void *ctx, struct fw_stanza *reply, enum fw_cause cause)
{
	struct asked *asked = ctx;
	asked->count++;
	asked->cause = cause;
	assert_true(reply != NULL || cause != FW_CAUSE_NONE);
}

static void they_ask_each_other(void **state)
{
	(void)state;
	struct fixture f;
	struct asked asked = { 0 };
	struct fw_stanza *iq = NULL;

	assert_int_equal(
	        start(&f,
	              "components = ({ module = \"toy\"; options = { domain = \"service.\"; "
	              "}; }, { module = \"toy\"; });",
	              NULL),
	        FW_OK);
	struct fw_self *self = toys_self("toy-2.realm-test");
	assert_int_equal(fw_stanza_new("iq", NULL, &iq), FW_OK);
	assert_int_equal(fw_stanza_set(iq, "type", fw_str("get")), FW_OK);
	assert_int_equal(fw_request(self, "service", &iq, 1000, on_answer, &asked, NULL), FW_OK);
	for (int i = 0; asked.count == 0 && i < 10; i++) {
		fw_loop_turn(f.loop, false);
	}
	assert_int_equal(asked.count, 1);
	assert_int_equal(asked.cause, FW_CAUSE_NONE);
	assert_int_equal(f.router->total->exits[FW_EXIT_ANSWERED], 1);
	/* nobody offers this one: the error answer comes at once */
	assert_int_equal(fw_stanza_new("iq", NULL, &iq), FW_OK);
	assert_int_equal(fw_stanza_set(iq, "type", fw_str("get")), FW_OK);
	assert_int_equal(fw_request(self, "nobody", &iq, 60000, on_answer, &asked, NULL), FW_OK);
	for (int i = 0; asked.count == 1 && i < 10; i++) {
		fw_loop_turn(f.loop, false);
	}
	assert_int_equal(asked.count, 2);
	assert_int_equal(asked.cause, FW_CAUSE_NO_ROUTE);
	assert_true(fw_ledger_balanced(f.router->total));
	assert_int_equal(f.router->total->in_flight, 0);
	stop(&f);
}

static void their_hooks_come_and_go_with_them(void **state)
{
	(void)state;
	struct fixture f;
	struct fw_stanza *stanza = NULL;

	assert_int_equal(
	        start(&f, "components = ({ module = \"rigid\"; }, { module = \"toy\"; });", NULL),
	        FW_OK);
	struct fw_self *self = toys_self("rigid-1.realm-test");
	static const char denied[] = "<message from='rigid-1.realm-test' to='denied.example'/>";
	assert_int_equal(fw_stanza_parse(fw_str(denied), &stanza), FW_OK);
	assert_int_equal(fw_route(self, &stanza), FW_OK);
	assert_int_equal(f.router->total->causes[FW_CAUSE_POLICY_DENIED], 1);
	instance_stop(instance_find(f.router, "toy-1.realm-test"));
	assert_int_equal(fw_stanza_parse(fw_str(denied), &stanza), FW_OK);
	assert_int_equal(fw_route(self, &stanza), FW_OK);
	assert_int_equal(f.router->total->causes[FW_CAUSE_POLICY_DENIED], 1);
	assert_int_equal(f.router->total->causes[FW_CAUSE_NO_ROUTE], 1);
	stop(&f);
}

static void the_host_answers_what_a_module_asks(void **state)
{
	(void)state;
	struct fixture f;

	assert_int_equal(start(&f,
	                       "domains = ({ name = \"corp.example\"; federation = true; });"
	                       "components = ({ module = \"toy\"; });",
	                       NULL),
	                 FW_OK);
	struct fw_self *self = toys_self("toy-1.realm-test");
	assert_true(fw_domain_is_local(self, fw_str("corp.example")));
	assert_true(fw_domain_is_federated(self, fw_str("Corp.example")));
	assert_false(fw_domain_is_local(self, fw_str("partner.example")));
	assert_int_equal(fw_bind(self, "new.example"), FW_OK);
	assert_int_equal(fw_bind(self, "new.example"), FW_EEXIST);
	assert_true(fw_domain_is_local(self, fw_str("new.example")));
	assert_false(fw_domain_is_federated(self, fw_str("new.example")));
	assert_int_equal(fw_unbind(self, "new.example"), FW_OK);
	assert_int_equal(fw_unbind(self, "new.example"), FW_ENOENT);
	stop(&f);
}

static void a_report_names_the_module_and_lets_it_speak(void **state)
{
	(void)state;
	static const char *const topics[] = { "status", "streams" };
	struct fixture f;

	assert_int_equal(start(&f,
	                       "components = ({ module = \"toy\"; options = { text = \"hello\"; }; "
	                       "}, { module = \"rigid\"; });",
	                       NULL),
	                 FW_OK);
	for (size_t i = 0; i < FW_COUNT(topics); i++) {
		for (const struct component *each = f.router->components; each != NULL;
		     each = each->next) {
			bool toy = strncmp(each->id, "toy", 3) == 0;
			struct fw_json *out = fw_json_new();
			each->port_ops->report(each->port, topics[i], out);
			struct fw_str module = fw_json_text(fw_json_get(out, "module"));
			assert_true(fw_str_is(module, i > 0 ? "" : toy ? "toy" : "rigid"));
			assert_true(fw_str_is(fw_json_text(fw_json_get(out, topics[i])),
			                      toy ? "hello" : ""));
			fw_json_free(&out);
		}
	}
	stop(&f);
}

static void one_that_has_drained_is_stopped_at_the_end_of_the_turn(void **state)
{
	(void)state;
	struct fixture f;

	assert_int_equal(start(&f,
	                       "components = ({ module = \"toy\"; options = { slow = true; text = "
	                       "\"s\"; }; }, { module = \"rigid\"; });",
	                       NULL),
	                 FW_OK);
	toys_begin();
	struct instance *slow = instance_find(f.router, "toy-1.realm-test");
	component_drain(slow->component);
	component_drain(slow->component);
	assert_string_equal(toys_story, "drain toy-1 s;");
	fw_loop_turn(f.loop, false);
	assert_int_equal(slow->component->state, COMPONENT_DRAINING);
	toys_finish("toy-1.realm-test");
	assert_int_equal(slow->component->state, COMPONENT_DOWN);
	fw_loop_turn(f.loop, false);
	assert_null(instance_find(f.router, "toy-1.realm-test"));
	component_drain(instance_find(f.router, "rigid-1.realm-test")->component);
	fw_loop_turn(f.loop, false);
	assert_null(f.router->instances);
	assert_string_equal(toys_story, "drain toy-1 s;stop toy-1 s;stop rigid-1;");
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_start_in_order_and_stop_in_reverse),
		cmocka_unit_test(one_that_does_not_start_ends_the_start_with_its_sentence),
		cmocka_unit_test(two_with_one_id_do_not_start),
		cmocka_unit_test(they_ask_each_other),
		cmocka_unit_test(their_hooks_come_and_go_with_them),
		cmocka_unit_test(the_host_answers_what_a_module_asks),
		cmocka_unit_test(a_report_names_the_module_and_lets_it_speak),
		cmocka_unit_test(one_that_has_drained_is_stopped_at_the_end_of_the_turn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
