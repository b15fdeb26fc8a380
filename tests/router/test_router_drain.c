/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Stopping without loss: modules first, then what is attached, and never longer than
 * drain_timeout_ms.
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

static struct fw_loop *loop;
static unsigned done_count;

static void on_done(void *ctx)
{
	(void)ctx;
	done_count++;
}

static struct router *begin(const char *text)
{
	struct config *config = toys_config(text);
	struct router *router = NULL;

	toys_begin();
	done_count = 0;
	assert_int_equal(fw_loop_new(&loop), FW_OK);
	assert_int_equal(router_start(loop, &config, NULL, &router, NULL), FW_OK);
	toys_begin();
	return router;
}

static void end(struct router **router)
{
	router_stop(router);
	fw_loop_free(&loop);
}

/* Something attached, which drains when told to. */
static unsigned attached_drains;
static unsigned drains_before; /* any module was told to */

static int attached_deliver(void *port, struct fw_stanza **stanza)
{
	(void)port;
	fw_stanza_end(stanza, FW_EXIT_DELIVERED, FW_CAUSE_DELIVERED);
	return FW_OK;
}

static void attached_drain(void *port)
{
	(void)port;
	attached_drains++;
	drains_before += toys_story[0] == '\0';
}

static const struct component_port attached = { .kind = "link",
	                                        .deliver = attached_deliver,
	                                        .drain = attached_drain };

static void nothing_to_drain_is_done_at_the_end_of_the_turn(void **state)
{
	(void)state;
	struct router *router = begin("components = ({ module = \"rigid\"; });");

	router_drain(router, on_done, NULL);
	assert_int_equal(done_count, 0);
	fw_loop_turn(loop, false);
	assert_int_equal(done_count, 1);
	assert_true(router->draining);
	assert_non_null(instance_find(router, "rigid-1.realm-test"));
	end(&router);
}

static void modules_finish_before_what_is_attached_closes(void **state)
{
	(void)state;
	struct router *router =
	        begin("components = ({ module = \"rigid\"; }, { module = \"toy\"; },"
	              "{ module = \"toy\"; options = { slow = true; }; });");
	struct component *link = NULL;

	attached_drains = 0;
	assert_int_equal(component_add(router, "im.example", false, &attached, NULL, &link), FW_OK);
	component_up(link);
	router_drain(router, on_done, NULL);
	router_drain(router, on_done, NULL);
	assert_string_equal(toys_story, "drain toy-1;drain toy-2;");
	fw_loop_turn(loop, false);
	fw_loop_turn(loop, false);
	assert_int_equal(attached_drains, 0);
	assert_int_equal(link->state, COMPONENT_UP);
	/* the service without drain() still answers */
	assert_int_equal(instance_find(router, "rigid-1.realm-test")->component->state,
	                 COMPONENT_UP);
	toys_finish("toy-2.realm-test");
	fw_loop_turn(loop, false);
	fw_loop_turn(loop, false);
	assert_int_equal(attached_drains, 1);
	assert_int_equal(link->state, COMPONENT_DRAINING);
	assert_int_equal(done_count, 0);
	component_drained(link);
	component_remove(&link);
	fw_loop_turn(loop, false);
	assert_int_equal(done_count, 1);
	end(&router);
}

/* What it held goes back to where it came from, which may be a gateway. */
static void a_suspended_link_is_given_up_while_modules_still_take(void **state)
{
	(void)state;
	struct router *router =
	        begin("components = ({ module = \"toy\"; options = { slow = true; }; });");
	struct component *links[2] = { NULL, NULL };

	attached_drains = 0;
	for (size_t i = 0; i < FW_COUNT(links); i++) {
		const char *name = i == 0 ? "edge.example" : "im.example";
		assert_int_equal(component_add(router, name, false, &attached, NULL, &links[i]),
		                 FW_OK);
		component_up(links[i]);
	}
	component_suspend(links[0]);
	drains_before = 0;
	router_drain(router, on_done, NULL);
	assert_int_equal(drains_before, 1);
	assert_int_equal(attached_drains, 1);
	assert_int_equal(links[0]->state, COMPONENT_DRAINING);
	assert_int_equal(links[1]->state, COMPONENT_UP);
	assert_string_equal(toys_story, "drain toy-1;");
	for (size_t i = 0; i < FW_COUNT(links); i++) {
		component_drained(links[i]);
		component_remove(&links[i]);
	}
	end(&router);
}

static void it_takes_no_longer_than_the_limit(void **state)
{
	(void)state;
	struct router *router =
	        begin("drain_timeout_ms = 100;"
	              "components = ({ module = \"toy\"; options = { slow = true; }; });");

	router_drain(router, on_done, NULL);
	while (done_count == 0) {
		fw_loop_turn(loop, true);
	}
	assert_int_equal(done_count, 1);
	assert_non_null(toys_self("toy-1.realm-test"));
	end(&router);
}

static void a_stop_in_the_middle_forgets_the_drain(void **state)
{
	(void)state;
	struct router *router =
	        begin("components = ({ module = \"toy\"; options = { slow = true; }; });");

	router_drain(router, on_done, NULL);
	end(&router);
	assert_int_equal(done_count, 0);
}

static void no_reload_while_draining(void **state)
{
	(void)state;
	struct router *router =
	        begin("components = ({ module = \"toy\"; options = { slow = true; }; });");
	struct config *config = toys_config("");
	struct fw_error err = { 0 };

	router_drain(router, on_done, NULL);
	assert_int_equal(router_reload(router, &config, NULL, &err), FW_EINVAL);
	assert_string_equal(err.text, "the router is draining");
	end(&router);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_to_drain_is_done_at_the_end_of_the_turn),
		cmocka_unit_test(modules_finish_before_what_is_attached_closes),
		cmocka_unit_test(a_suspended_link_is_given_up_while_modules_still_take),
		cmocka_unit_test(it_takes_no_longer_than_the_limit),
		cmocka_unit_test(a_stop_in_the_middle_forgets_the_drain),
		cmocka_unit_test(no_reload_while_draining),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
