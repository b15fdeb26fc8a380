/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_apply.c: unknown and missing keys at every level, all problems at once.
 */
#include "tests/config/config_test.h"

static void test_keys(void **state)
{
	static const struct {
		const char *text, *problems;
	} rows[] = {
		{ "listn = ();", "<text>:1: unknown key 'listn', did you mean 'listen'?\n" },
		{ "listen = (\n{ prot = 1; } );",
		  "<text>:2: unknown key 'prot' in 'listen', did you mean 'port'?\n" },
		{ "listen = ( { quux = 1; } );", "<text>:1: unknown key 'quux' in 'listen'; known "
		                                 "are: address, port, xep_0114\n" },
		{ "domains = (\n{\n} );",
		  "<text>:2: 'name' is missing in 'domains': a domain of this side\n" },
		{ "uplinks = ( { name = \"a.example\"; } );",
		  "<text>:1: 'secret_file' (or 'secret') is missing in 'uplinks': secret of the "
		  "component at the other server\n" },
		{ "links = ( { name = \"a.example\"; secret_flie = \"x\"; secret = \"y\"; } );",
		  "<text>:1: unknown key 'secret_flie' in 'links', did you mean 'secret_file'?\n" },
		{ "components = ( { module = \"sample\"; option = { }; } );",
		  "<text>:1: unknown key 'option' in 'components', did you mean 'options'?\n" },
		{ "components = ( { module = \"sample\"; options = {\nroutes = ( { }, { domian = "
		  "\"a\"; } ); }; } );",
		  "<text>:2: 'domain' is missing in 'routes' of module 'sample': where to\n"
		  "<text>:2: unknown key 'domian' in 'routes' of module 'sample', did you mean "
		  "'domain'?\n"
		  "<text>:2: 'domain' is missing in 'routes' of module 'sample': where to\n" },
		{ "components = ( { module = \"bare\"; options = { }; } );", "" },
		{ "components = ( { module = \"bare\"; options = { x = 1; }; } );",
		  "<text>:1: unknown key 'x' in 'options' of module 'bare'; known are: none\n" },
		{ "realm = 5;\nlog_level = \"loud\";\nlinks = 7;\nlisten = ( { port = 0; } );\n",
		  "<text>:1: realm = 5: a string in quotes is wanted\n"
		  "<text>:2: log_level = \"loud\": one of \"error\", \"warning\", \"notice\", "
		  "\"info\", \"debug\" is wanted\n"
		  "<text>:4: port = 0 is out of range: 1 to 65535 is allowed\n"
		  "<text>:3: links = 7: a list of groups, such as ( { … } ), is wanted\n" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_problems(rows[i].text, rows[i].problems);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_keys) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
