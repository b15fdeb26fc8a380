/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Walks both state tables: every state can be reached from the first, every state can reach
 * "closed", none waits for ever, each has a name, a word for the log, and a place in README.md.
 */
#include "tests/components/s2s/world.h"

static const struct {
	const char *name;
	const struct fw_state_row *rows;
	const char *const *words;
	int count, closed;
} tables[] = {
	{ "outgoing", s2s_out_rows, s2s_out_words, S2S_OUT_STATES, S2S_OUT_CLOSED },
	{ "inbound", s2s_in_rows, s2s_in_words, S2S_IN_STATES, S2S_IN_CLOSED },
};

/* States that can be reached from `state`, itself included. */
static uint32_t reach(const struct fw_state_row *rows, int count, int state)
{
	uint32_t seen = FW_TO(state);
	uint32_t before = 0;

	while (seen != before) {
		before = seen;
		for (int i = 0; i < count; i++) {
			if ((seen & FW_TO(i)) != 0) {
				seen |= rows[i].next;
			}
		}
	}
	return seen;
}

static void every_state_is_reached_and_ends(void **ctx)
{
	(void)ctx;
	for (size_t t = 0; t < FW_COUNT(tables); t++) {
		const struct fw_state_row *rows = tables[t].rows;
		uint32_t all = (UINT32_C(1) << tables[t].count) - 1;
		assert_int_equal(reach(rows, tables[t].count, 0), all);
		for (int i = 0; i < tables[t].count; i++) {
			if ((reach(rows, tables[t].count, i) & FW_TO(tables[t].closed)) == 0) {
				fail_msg("%s: %s cannot end", tables[t].name, rows[i].name);
			}
			assert_int_equal(rows[i].next & ~all, 0);
		}
		assert_int_equal(rows[tables[t].closed].next, 0);
	}
}

static void no_state_is_nameless_or_endless(void **ctx)
{
	(void)ctx;
	for (size_t t = 0; t < FW_COUNT(tables); t++) {
		for (int i = 0; i < tables[t].count; i++) {
			assert_non_null(tables[t].rows[i].name);
			assert_non_null(tables[t].rows[i].handle);
			assert_int_not_equal(tables[t].rows[i].timeout_ms, 0);
			assert_non_null(tables[t].words[i]);
		}
	}
}

static void the_readme_has_every_state_and_option(void **ctx)
{
	static char text[65536];

	(void)ctx;
	FILE *file = fopen(TEST_SRCDIR "/components/s2s/README.md", "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	for (size_t t = 0; t < FW_COUNT(tables); t++) {
		for (int i = 0; i < tables[t].count; i++) {
			if (strstr(text, tables[t].rows[i].name) == NULL ||
			    strstr(text, tables[t].words[i]) == NULL) {
				fail_msg("README.md lacks %s", tables[t].rows[i].name);
			}
		}
	}
	for (const struct fw_option *row = s2s_options; row->name != NULL; row++) {
		char quoted[64];
		snprintf(quoted, sizeof(quoted), "`%s`", row->name);
		if (strstr(text, quoted) == NULL) {
			fail_msg("README.md lacks option %s", row->name);
		}
		assert_non_null(row->help);
		if (row->type == FW_OPTION_U32 || row->type == FW_OPTION_U64) {
			assert_non_null(row->unit);
			assert_true(row->max > 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_is_reached_and_ends),
		cmocka_unit_test(no_state_is_nameless_or_endless),
		cmocka_unit_test(the_readme_has_every_state_and_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
