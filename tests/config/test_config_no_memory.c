/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Loads a whole configuration while one allocation fails, then the next one, until all succeed.
 * Each failure must be told and must leave nothing behind (sanitizers look). Only our calls are
 * counted: libconfig 1.5 does not survive its own.
 */
#include "tests/config/config_test.h"

#include <stdlib.h>

static long countdown = -1; /* allocations that still succeed; negative: all */

static bool allocation_fails(void)
{
	return countdown >= 0 && countdown-- == 0;
}

/* The linker sends our calls here (--wrap) and gives the true functions their names. */
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_calloc(size_t count, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return allocation_fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return allocation_fails() ? NULL : __real_strdup(text);
}

static const char whole[] =
        "realm = \"edge\";\n@include \"part.conf\"\n"
        "domains = ( { name = \"a.example\"; }, { name = \"b.example\"; } );\n"
        "links = ( { name = \"l.example\"; secret = \"s\"; domains = ( \"m.example\" ); } );\n"
        "uplinks = ( { name = \"u.example\"; secret_file = \"key\"; domains = \"*\"; } );\n"
        "components = ( { module = \"sample\"; options = { routes = ( { domain = \"d\"; } );\n"
        "  allow = ( \"x\", \"y\" ); }; } );\n";

/* How often a failure was met until the text could be loaded or refused as it should. */
static long fail_each_allocation(const char *text, bool good)
{
	for (long i = 0;; i++) {
		struct config_problems problems = { 0 };
		struct config *config = NULL;
		countdown = i;
		int ret = config_load_text(text, &sample_modules, &config, &problems);
		bool met = countdown < 0;
		countdown = -1;
		assert_int_equal(ret == FW_OK, config != NULL);
		assert_int_equal(ret == FW_OK, problems.count == 0);
		assert_true(ret != FW_OK || (good && !met));
		assert_true(ret == FW_OK || met || !good);
		config_free(&config);
		config_problems_free(&problems);
		if (!met) {
			return i;
		}
	}
}

static void test_every_allocation_may_fail(void **state)
{
	enum { ROOM = 60000 };
	char *large = malloc(ROOM);
	size_t used;

	(void)state;
	write_file("part.conf", "log_file = \"x.log\";", 0600);
	write_file("key", "hush\n", 0600);
	assert_in_range(fail_each_allocation(whole, true), 8, 1000);
	/* several blocks of memory, and a table of lines that grows */
	assert_non_null(large);
	used = (size_t)snprintf(large, ROOM, "%s", whole);
	for (int i = 0; i < 600; i++) {
		used += (size_t)snprintf(large + used, ROOM - used, "# line %d\n", i);
	}
	snprintf(large + used, ROOM - used, "log_level = \"info\";\n");
	assert_in_range(fail_each_allocation(large, true), 12, 1000);
	assert_in_range(fail_each_allocation("listen = 5;\nlinks = 6;\nuplinks = 7;\n", false), 4,
	                1000);
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_allocation_may_fail) };
	return cmocka_run_group_tests(tests, in_new_folder, leave_folder);
}
