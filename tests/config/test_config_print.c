/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_print.c: rows as text and as man source.
 */
#include "tests/config/config_test.h"

#include <stdlib.h>

static char *print(void (*how)(FILE *out, const struct fw_option *rows))
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	how(out, sample_rows);
	fclose(out);
	return text;
}

static void print_text(FILE *out, const struct fw_option *rows)
{
	config_print_rows(out, rows, 0);
}

static void test_text(void **state)
{
	static const char wanted[] =
	        "strict                      true or false; default true\n"
	        "                            whether it is strict\n"
	        "port                        number from 0 to 65535; default 7\n"
	        "                            a port without range\n"
	        "timeout_ms                  number from 10 to 60000; default 1500 ms\n"
	        "                            patience\n"
	        "size_bytes                  number from 0; default 5000000000\n"
	        "                            a large number\n"
	        "title                       string, 2 to 12 bytes; default \"a \\ title\"\n"
	        "                            words - or not\n"
	        "mode                        one of \"off\", \"soft\", \"hard\"; default \"soft\"\n"
	        "                            how hard\n"
	        "                              \"off\": nothing\n"
	        "                              \"soft\": a little\n"
	        "secret                      secret, 3 to 20 bytes, or the path of its file in "
	        "secret_file; may be left out\n"
	        "                            what nobody knows\n"
	        "allow                       list of strings, at most 3 items; default a.example, "
	        "b.example\n"
	        "                            domains\n"
	        "routes                      list of groups, at most 2 groups; default empty\n"
	        "                            static routes\n"
	        "  domain                    string; must be given\n"
	        "                            where to\n"
	        "  port                      number from 1 to 65535; default 5269\n"
	        "                            TCP port\n"
	        "  hosts                     list of strings; default localhost\n"
	        "                            machines\n"
	        "cache_dir                   string; default \"\"\n"
	        "                            a folder\n";
	char *text = print(print_text);

	(void)state;
	assert_string_equal(text, wanted);
	free(text);
}

static void test_man(void **state)
{
	static const char *const wanted[] = {
		".TP\n\\fBstrict\\fP (true or false; default true)\nWhether it is strict.\n",
		"(string, 2 to 12 bytes; default \"a \\e title\")\nWords \\- or not.\n",
		".br\n\\(dqoff\\(dq: nothing.\n",
		".RS\n.TP\n\\fBdomain\\fP (string; must be given)\nWhere to.\n",
		"Machines.\n.RE\n",
	};
	char *text = print(config_print_rows_man);

	(void)state;
	for (size_t i = 0; i < FW_COUNT(wanted); i++) {
		if (strstr(text, wanted[i]) == NULL) {
			fail_msg("not found:\n%s\nin:\n%s", wanted[i], text);
		}
	}
	free(text);
}

static void test_no_rows(void **state)
{
	(void)state;
	config_print_rows(stdout, NULL, 0);
	config_print_rows_man(stdout, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_man),
		cmocka_unit_test(test_no_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
