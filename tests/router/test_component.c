/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Components on the router's list: IDs, states, what is left when one goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/router/house.h"

static int refuse(void *port, struct fw_stanza **stanza)
{
	(void)port;
	(void)stanza;
	return FW_ELIMIT;
}

static const struct component_port port = { .kind = "uplink", .deliver = refuse };

static void an_id_is_unique_unless_shared(void **state)
{
	(void)state;
	struct house house;
	struct component *first = NULL, *second = NULL;

	house_open(&house);
	assert_int_equal(component_add(&house.router, "a.example", false, &port, NULL, &first),
	                 FW_OK);
	assert_int_equal(first->state, COMPONENT_STARTING);
	assert_int_equal(component_add(&house.router, "A.example", false, &port, NULL, &second),
	                 FW_EEXIST);
	assert_null(second);
	assert_int_equal(component_add(&house.router, "a.example", true, &port, NULL, &second),
	                 FW_OK);
	assert_int_not_equal(first->number, second->number);
	assert_true(component_is(first, "uplink"));
	component_remove(&first);
	assert_null(first);
	component_remove(&first);
	house_close(&house);
}

static void an_id_must_be_a_domain_name(void **state)
{
	(void)state;
	struct house house;
	struct component *component = NULL;

	house_open(&house);
	assert_int_equal(component_add(&house.router, "a b", false, &port, NULL, &component),
	                 FW_EPARSE);
	assert_int_equal(component_add(&house.router, "", false, &port, NULL, &component),
	                 FW_EPARSE);
	assert_int_equal(component_add(&house.router, "cm-2_s2scp-1.edge-example-net", false, &port,
	                               NULL, &component),
	                 FW_OK);
	house_close(&house);
}

static void numbers_are_never_used_twice(void **state)
{
	(void)state;
	struct house house;
	uint32_t last = 0;

	house_open(&house);
	for (int i = 0; i < 5; i++) {
		struct component *component = NULL;
		assert_int_equal(component_add(&house.router, "a", false, &port, NULL, &component),
		                 FW_OK);
		assert_true(component->number > last);
		last = component->number;
		component_remove(&component);
	}
	house_close(&house);
}

static void a_port_without_drain_has_drained(void **state)
{
	(void)state;
	static const char *const names[] = { "starting", "up", "draining", "down" };
	struct house house;
	struct component *component = NULL;

	house_open(&house);
	assert_int_equal(component_add(&house.router, "a", false, &port, NULL, &component), FW_OK);
	component_up(component);
	component_drain(component);
	assert_int_equal(component->state, COMPONENT_DOWN);
	component_drain(component);
	for (unsigned i = 0; i < FW_COUNT(names); i++) {
		assert_string_equal(component_state_name((enum component_state)i), names[i]);
	}
	house_close(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_unique_unless_shared),
		cmocka_unit_test(an_id_must_be_a_domain_name),
		cmocka_unit_test(numbers_are_never_used_twice),
		cmocka_unit_test(a_port_without_drain_has_drained),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
