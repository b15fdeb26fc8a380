/* SPDX-FileCopyrightText: The Fedway authors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tests of config/config_check.c: what several rows must not say together.
 */
#include "tests/config/config_test.h"

#include <stdlib.h>

#define UPLINK "{ name = \"a.example\"; host = \"192.0.2.1\"; secret = \"s\"; "

#define ROUTER "{ realm = \"b\"; secret = \"s\"; "

static void test_between_rows(void **state)
{
	static const struct {
		const char *text, *problems;
	} rows[] = {
		{ "domains = ( { name = \"a.example\"; },\n{ name = \"b.example\"; },\n"
		  "{ name = \"A.EXAMPLE.\"; } );",
		  "<text>:3: domain 'A.EXAMPLE.' is given twice, first at <text>:1\n" },
		{ "domains = ( { name = \"b\xc3\xbc"
		  "cher.example\"; },\n"
		  "{ name = \"xn--bcher-kva.example\"; } );",
		  "<text>:2: domain 'xn--bcher-kva.example' is given twice, first at <text>:1\n" },
		{ "domains = ( { }, { } );",
		  "<text>:1: 'name' is missing in 'domains': a domain of this side\n"
		  "<text>:1: 'name' is missing in 'domains': a domain of this side\n" },
		{ "listen = ( { },\n{ port = 7401; },\n{ address = \"127.0.0.1\"; } );",
		  "<text>:3: address '127.0.0.1 port 7400' is given twice, first at <text>:1\n" },
		{ "listen = ( { }, { port = 0; }, { address = 5; }, 5 );",
		  "<text>:1: port = 0 is out of range: 1 to 65535 is allowed\n"
		  "<text>:1: address = 5: a string in quotes is wanted\n"
		  "<text>:1: listen holds 5: a group { … } is wanted\n" },
		{ "links = ( { name = \"a.example\"; secret = \"s\"; },\n"
		  "{ name = \"a.example\"; secret = \"t\"; } );",
		  "<text>:2: link 'a.example' is given twice, first at <text>:1\n" },
		{ "links = ( { name = \"a.example\"; secret = \"s\";\ndomains = ( \"b.example\", "
		  "\"B.example\", \"*\", \"*\" ); } );",
		  "<text>:2: 'B.example' is given twice among the names of this link\n"
		  "<text>:2: '*' is given twice among the names of this link\n" },
		{ "links = ( { name = \"a.example\"; secret = \"s\";\ndomains = \"a.example\"; } "
		  ");",
		  "<text>:2: 'a.example' is given twice among the names of this link\n" },
		{ "links = ( { name = \"a.example\"; secret = \"s\"; domains = ( \"*.A.example\", "
		  "\"*.a.example\", \"*.example\" ); } );",
		  "<text>:1: '*.a.example' is given twice among the names of this link\n" },
		{ "links = ( { name = \"a.example\"; secret = \"s\"; domains = \"c.example\"; },\n"
		  "{ name = \"b.example\"; secret = \"s\"; domains = \"c.example\"; } );",
		  "" }, /* two links may hold one name */
		{ "uplinks = ( " UPLINK "},\n" UPLINK "} );",
		  "<text>:2: uplink 'a.example' is given twice, first at <text>:1\n" },
		{ "uplinks = ( " UPLINK "},\n" UPLINK "port = 5348; } );", "" },
		{ "uplinks = (\n" UPLINK "retry_min_ms = 5000; retry_max_ms = 4999; } );",
		  "<text>:2: retry_min_ms = 5000 is more than retry_max_ms = 4999\n" },
		{ "uplinks = ( " UPLINK "retry_min_ms = 5000; retry_max_ms = 5000; } );", "" },
		{ "uplinks = ( " UPLINK "\ndomains = ( \"x.example\", \"x.example\" ); } );",
		  "<text>:2: 'x.example' is given twice among the names of this uplink\n" },
		{ "realm = \"a\"; listen = ( { } ); routers = ( " ROUTER "},\n" ROUTER "} );",
		  "<text>:2: router 'b' is given twice, first at <text>:1\n" },
		{ "realm = \"B\"; listen = ( { } ); routers = ( " ROUTER "} );",
		  "<text>:1: router 'b' is this one: name the other's realm\n" },
		{ "realm = \"a\"; listen = ( { } ); routers = ( { realm = \"b\"; } );",
		  "<text>:1: router 'b' needs 'secret_file' (or 'secret'), or "
		  "'certificate_name'\n" },
		{ "realm = \"a\"; routers = ( " ROUTER "} );",
		  "<text>:1: router 'b' has no 'host' and is to dial us, but 'listen' is empty\n" },
		{ "realm = \"a\"; routers = ( " ROUTER "host = \"::1\"; retry_min_ms = 20000; } );",
		  "<text>:1: retry_min_ms = 20000 is more than retry_max_ms = 15000\n" },
		{ "\nlink_queue_max_bytes = 10000;", "<text>:2: link_queue_max_bytes = 10000 is "
		                                     "less than one stanza, stanza_max_bytes = "
		                                     "262144\n" },
		{ "stanza_max_bytes = 10000;\nlink_queue_max_bytes = 10000;", "" },
		{ "\nstanza_max_bytes = 16777216;", "" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_problems(rows[i].text, rows[i].problems);
	}
}

static void test_rights_of_routers(void **state)
{
	static const struct {
		const char *text, *problems;
	} rows[] = {
		{ "realm = \"a\"; routers = ( " ROUTER "host = \"::1\"; outside = true; } );", "" },
		{ "realm = \"a\"; routers = ( " ROUTER "host = \"::1\"; default_route = true; } );",
		  "<text>:1: default_route = true of router 'b' wants outside = true\n" },
		{ "realm = \"a\"; routers = ( " ROUTER
		  "host = \"::1\"; domains = \"c.example\"; } );",
		  "<text>:1: domains of router 'b' wants outside = true: an inner router may "
		  "announce all of ours\n" },
		{ "realm = \"a\"; routers = ( " ROUTER "host = \"::1\"; realms = ( \"c\" ); } );",
		  "<text>:1: realms of router 'b' wants outside = true: an inner router may "
		  "announce all behind it\n" },
		{ "realm = \"a\"; routers = ( " ROUTER "host = \"::1\"; outside = true; "
		  "realms = ( \"c\", \"*\" ); } );",
		  "" },
		{ "realm = \"a\"; routers = ( " ROUTER "host = \"::1\"; outside = true; domains = "
		  "( \"c.example\", \"C.example\" ); } );",
		  "<text>:1: 'C.example' is given twice among the names of this router\n" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_problems(rows[i].text, rows[i].problems);
	}
}

static void test_aliases(void **state)
{
	static const struct {
		const char *text, *problems;
	} rows[] = {
		{ "domains = ( { name = \"a.example\"; chat_node_aliases = \"r.example\"; },\n"
		  "{ name = \"b.example\"; chat_node_aliases = (\"R.example\", \"a.example\"); } "
		  ");",
		  "<text>:2: chat node alias 'R.example' is given twice, first at <text>:1\n"
		  "<text>:2: chat node alias 'a.example' is given twice, first at <text>:1\n" },
		{ "domains = ( { name = \"a.example\"; chat_node_aliases = \"no domain\"; } );",
		  "<text>:1: chat_node_aliases = \"no domain\": not a domain name\n" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_problems(rows[i].text, rows[i].problems);
	}
}

static void test_proofs_of_links(void **state)
{
	static const struct {
		const char *text, *problems;
	} rows[] = {
		{ "links = (\n{ name = \"a.example\"; } );",
		  "<text>:2: link 'a.example' has no 'secret_file' (or 'secret'): it can attach by "
		  "its "
		  "certificate only, and link_certificate_file is not given\n" },
		{ "link_certificate_file = \"c.pem\"; links = ( { name = \"a.example\"; } );", "" },
		{ "listen = ( { } );\nlink_security = \"tls-required\";",
		  "<text>:2: link_security wants TLS: give 'link_certificate_file', or set "
		  "link_security = \"no-tls\"\n" },
		{ "listen = ( { } );\nlink_security = \"tls-optional\";",
		  "<text>:2: link_security wants TLS: give 'link_certificate_file', or set "
		  "link_security = \"no-tls\"\n" },
		{ "realm = \"a\"; listen = ( { } ); routers = ( { realm = \"b\"; secret = \"\"; } "
		  ");",
		  "<text>:1: secret: it is empty\n" },
		{ "link_security = \"tls-required\";", "" },
		{ "listen = ( { } );\nlink_security = \"no-tls\";", "" },
		{ "\nlink_key_file = \"k.pem\";",
		  "<text>:2: link_key_file has no link_certificate_file\n" },
	};

	(void)state;
	for (size_t i = 0; i < FW_COUNT(rows); i++) {
		assert_problems(rows[i].text, rows[i].problems);
	}
}

static void test_thousands_of_domains(void **state)
{
	enum { COUNT = 5000 };
	size_t room = COUNT * 40 + 100, used = 0;
	char *text = malloc(room);

	(void)state;
	assert_non_null(text);
	used += (size_t)snprintf(text, room, "domains = (\n");
	for (unsigned i = 0; i < COUNT; i++) {
		used += (size_t)snprintf(text + used, room - used, "{ name = \"d%u.example\"; },\n",
		                         (i * 7919) % (COUNT - 1));
	}
	snprintf(text + used, room - used, "{ name = \"x\"; } );");
	/* 4999 has no factor in common with 7919: all are different until the last, which is the
	 * first again */
	assert_problems(text,
	                "<text>:5001: domain 'd0.example' is given twice, first at <text>:2\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_between_rows),
		cmocka_unit_test(test_rights_of_routers),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_proofs_of_links),
		cmocka_unit_test(test_thousands_of_domains),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
