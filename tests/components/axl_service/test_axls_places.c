/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * The hosts of a connection string, in the order in which they are tried.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "components/axl_service/axls_places.h"

static struct fw_loop *loop;
static char given[400]; /* "host/address/port", or "none" */

static void on_place(void *ctx, const struct axls_place *place)
{
	(void)ctx;
	if (place == NULL) {
		snprintf(given, sizeof(given), "none");
	} else {
		snprintf(given, sizeof(given), "%s|%s|%s", place->host, place->address,
		         place->port);
	}
}

static const char *next(struct axls_places *places)
{
	given[0] = '\0';
	axls_places_next(places);
	while (given[0] == '\0') {
		fw_loop_turn(loop, true);
	}
	return given;
}

static void places_come_in_their_order(void **state)
{
	static const struct {
		const char *hosts, *addresses, *ports, *places[4];
	} rows[] = {
		{ NULL, NULL, NULL, { "||" } },
		{ "/run/pg", NULL, NULL, { "/run/pg||" } },
		{ "192.0.2.1,2001:db8::1",
		  NULL,
		  "5433",
		  { "192.0.2.1||5433", "2001:db8::1||5433" } },
		{ "/run/pg,192.0.2.1,@here",
		  NULL,
		  "1,,3",
		  { "/run/pg||1", "192.0.2.1||", "@here||3" } },
		{ "db1,db2",
		  "192.0.2.1,192.0.2.2",
		  "1,2",
		  { "db1|192.0.2.1|1", "db2|192.0.2.2|2" } },
		{ NULL, "192.0.2.1,192.0.2.2", "1", { "|192.0.2.1|1", "|192.0.2.2|1" } },
		{ "no name..at all,/run/pg", NULL, NULL, { "none", "/run/pg||" } },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		struct axls_places *places = NULL;
		assert_int_equal(axls_places_new(loop, rows[i].hosts, rows[i].addresses,
		                                 rows[i].ports, on_place, NULL, &places),
		                 FW_OK);
		for (int round = 0; round < 2; round++) {
			assert_false(axls_places_left(places));
			for (size_t k = 0; rows[i].places[k] != NULL; k++) {
				assert_string_equal(next(places), rows[i].places[k]);
				assert_true(axls_places_left(places) ==
				            (rows[i].places[k + 1] != NULL));
			}
		}
		assert_string_equal(next(places), rows[i].places[0]);
		axls_places_rewind(places);
		assert_string_equal(next(places), rows[i].places[0]);
		axls_places_free(&places);
	}
}

/* One place or two, by what /etc/hosts says; never a name that is looked up again. */
static void a_name_comes_with_each_of_its_addresses(void **state)
{
	struct axls_places *places = NULL;
	size_t count = 0;

	(void)state;
	assert_int_equal(
	        axls_places_new(loop, "localhost,/run/pg", NULL, NULL, on_place, NULL, &places),
	        FW_OK);
	while (strcmp(next(places), "/run/pg||") != 0) {
		assert_true(strcmp(given, "localhost|127.0.0.1|") == 0 ||
		            strcmp(given, "localhost|::1|") == 0);
		assert_true(axls_places_left(places));
		count++;
	}
	assert_true(count >= 1);
	axls_places_next(places);
	axls_places_free(&places); /* while a name is looked up */
}

static int setup(void **state)
{
	(void)state;
	return fw_loop_new(&loop) == FW_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fw_loop_free(&loop);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(places_come_in_their_order, setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_comes_with_each_of_its_addresses, setup,
		                                teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
