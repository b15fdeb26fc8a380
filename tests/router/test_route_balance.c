/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Several holders of one name: tiers, weights, and what moves when one leaves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "router/route_balance.h"
#include "tests/router/house.h"

enum { KEYS = 100000 };

static struct fw_stanza *make(const char *kind, const char *type, unsigned user)
{
	struct fw_stanza *stanza = NULL;
	char from[64];

	(void)snprintf(from, sizeof(from), "user%u@corp.example/r%u", user, user * 7);
	assert_int_equal(fw_stanza_new(kind, NULL, &stanza), FW_OK);
	assert_int_equal(fw_stanza_set(stanza, "from", fw_str(from)), FW_OK);
	assert_int_equal(fw_stanza_set(stanza, "to", fw_str("shared.example")), FW_OK);
	if (type != NULL) {
		assert_int_equal(fw_stanza_set(stanza, "type", fw_str(type)), FW_OK);
	}
	return stanza;
}

static const struct component *pick(const struct house *house, const struct fw_stanza *stanza,
                                    uint32_t prefer, enum fw_cause *cause)
{
	const struct route_name *name = NULL;
	int ret = route_table_find(house->router.routes, fw_str("shared.example"), &name);

	assert_int_equal(ret, FW_OK);
	return route_balance_pick(name, stanza, prefer, cause);
}

/* Who takes each of KEYS conversations, as numbers of components; 0 for nobody. */
static uint32_t *deal(const struct house *house)
{
	uint32_t *owners = calloc(KEYS, sizeof(*owners));
	enum fw_cause cause;

	assert_non_null(owners);
	for (unsigned i = 0; i < KEYS; i++) {
		struct fw_stanza *stanza = make("message", NULL, i);
		const struct component *owner = pick(house, stanza, 0, &cause);
		owners[i] = owner != NULL ? owner->number : 0;
		fw_stanza_free(&stanza);
	}
	return owners;
}

static unsigned share(const uint32_t *owners, const struct guest *guest)
{
	unsigned count = 0;
	for (unsigned i = 0; i < KEYS; i++) {
		count += owners[i] == guest->component->number ? 1 : 0;
	}
	return count;
}

static void weights_are_respected(void **state)
{
	(void)state;
	struct house house;
	struct guest *guests[3];

	house_open(&house);
	for (unsigned i = 0; i < 3; i++) {
		char id[8];
		(void)snprintf(id, sizeof(id), "s%u", i);
		guests[i] = house_guest(&house, id, "shared.example");
		guests[i]->component->weight = 1 + i; /* 1 : 2 : 3 */
	}
	uint32_t *owners = deal(&house);
	for (unsigned i = 0; i < 3; i++) {
		unsigned expected = KEYS * (1 + i) / 6;
		unsigned got = share(owners, guests[i]);
		print_message("weight %u: %u, expected %u\n", 1 + i, got, expected);
		assert_in_range(got, expected * 97 / 100, expected * 103 / 100);
	}
	free(owners);
	house_close(&house);
}

static void a_holder_that_leaves_moves_only_its_share(void **state)
{
	(void)state;
	struct house house;
	struct guest *guests[4];

	house_open(&house);
	for (unsigned i = 0; i < 4; i++) { /* one name for all, as with conflict = "share" */
		guests[i] = house_guest(&house, "shared.example", NULL);
	}
	uint32_t *before = deal(&house);
	uint32_t gone = guests[2]->component->number;
	guests[2]->component->state = COMPONENT_DRAINING;
	uint32_t *after = deal(&house);
	for (unsigned i = 0; i < KEYS; i++) {
		if (before[i] == gone) {
			assert_true(after[i] != gone && after[i] != 0);
		} else {
			assert_int_equal(after[i], before[i]);
		}
	}
	guests[2]->component->state = COMPONENT_UP;
	uint32_t *again = deal(&house);
	assert_memory_equal(again, before, KEYS * sizeof(*before));
	free(before);
	free(after);
	free(again);
	house_close(&house);
}

static void the_lowest_tier_that_is_up_takes_all(void **state)
{
	(void)state;
	struct house house;

	house_open(&house);
	struct guest *second = house_guest(&house, "second", "shared.example");
	struct guest *first = house_guest(&house, "first", "shared.example");
	second->component->priority = 20;
	route_table_reorder(house.router.routes, second->component);
	first->component->priority = 10;
	route_table_reorder(house.router.routes, first->component);
	uint32_t *owners = deal(&house);
	assert_int_equal(share(owners, first), KEYS);
	free(owners);
	first->component->state = COMPONENT_DOWN;
	owners = deal(&house);
	assert_int_equal(share(owners, second), KEYS);
	free(owners);
	house_close(&house);
}

static void state_decides_who_can_take_what(void **state)
{
	(void)state;
	static const struct {
		const char *sentence;
		enum component_state state;
		const char *kind, *type;
		bool taken;
		enum fw_cause cause;
	} rows[] = {
		{ "up takes a message", COMPONENT_UP, "message", NULL, true, FW_CAUSE_NONE },
		{ "starting takes none", COMPONENT_STARTING, "message", NULL, false,
		  FW_CAUSE_NO_ROUTE },
		{ "draining takes none", COMPONENT_DRAINING, "message", NULL, false,
		  FW_CAUSE_COMPONENT_DRAINING },
		{ "down takes none", COMPONENT_DOWN, "message", NULL, false, FW_CAUSE_NO_ROUTE },
		{ "draining takes no request", COMPONENT_DRAINING, "iq", "get", false,
		  FW_CAUSE_COMPONENT_DRAINING },
		{ "draining takes a result", COMPONENT_DRAINING, "iq", "result", true,
		  FW_CAUSE_NONE },
		{ "starting takes an error", COMPONENT_STARTING, "iq", "error", true,
		  FW_CAUSE_NONE },
		{ "down takes no result", COMPONENT_DOWN, "iq", "result", false,
		  FW_CAUSE_NO_ROUTE },
	};
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		for (int holders = 1; holders <= 2; holders++) {
			struct house house;
			enum fw_cause cause = FW_CAUSE_NONE;
			print_message("%s, of %d\n", rows[i].sentence, holders);
			house_open(&house);
			struct guest *guest = house_guest(&house, "a", "shared.example");
			guest->component->state = rows[i].state;
			if (holders == 2) {
				house_guest(&house, "b", "shared.example")->component->state =
				        COMPONENT_DOWN;
			}
			struct fw_stanza *stanza = make(rows[i].kind, rows[i].type, 1);
			const struct component *taken = pick(&house, stanza, 0, &cause);
			assert_ptr_equal(taken, rows[i].taken ? guest->component : NULL);
			assert_int_equal(cause, rows[i].cause);
			fw_stanza_free(&stanza);
			house_close(&house);
		}
	}
}

static void a_preferred_holder_is_taken(void **state)
{
	(void)state;
	struct house house;
	enum fw_cause cause;

	house_open(&house);
	struct guest *guests[3];
	for (unsigned i = 0; i < 3; i++) {
		guests[i] = house_guest(&house, "shared.example", NULL);
		guests[i]->component->priority = i;
		route_table_reorder(house.router.routes, guests[i]->component);
	}
	for (unsigned i = 0; i < 3; i++) {
		struct fw_stanza *stanza = make("message", NULL, 1);
		assert_ptr_equal(pick(&house, stanza, guests[i]->component->number, &cause),
		                 guests[i]->component);
		fw_stanza_free(&stanza);
	}
	struct fw_stanza *stanza = make("message", NULL, 1);
	assert_ptr_equal(pick(&house, stanza, 999, &cause), guests[0]->component);
	fw_stanza_free(&stanza);
	house_close(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_are_respected),
		cmocka_unit_test(a_holder_that_leaves_moves_only_its_share),
		cmocka_unit_test(the_lowest_tier_that_is_up_takes_all),
		cmocka_unit_test(state_decides_who_can_take_what),
		cmocka_unit_test(a_preferred_holder_is_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
